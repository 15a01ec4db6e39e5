"""The theta at which every engine's criterion is asked: fixed by the model alone, never by an engine."""

from collections.abc import Sequence

import numpy as np

PRIMES = np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47], dtype=float)
POINTS, POINTS_BEYOND = 3, 2


def shared_thetas(diagonal: Sequence[bool]) -> dict[str, tuple[tuple[float, ...], ...]]:
    """Points by kind: the start, the boundary, and an equidistributed sequence (multiples of square roots of primes).

    Parameters
    ----------
    diagonal
        For each entry of theta, whether it stands on the diagonal of its factor T.

    Returns
    -------
    dict
        "start": T = I. "boundary": all zero, and each diagonal entry zero in turn. "random", in look only: three points
        with diagonal entries in (0.1, 2.1) and others in (-0.5, 0.5); two near zero, with diagonal entries in (0, 0.1)
        and others in (-0.05, 0.05); two far out, with diagonal entries in (5, 50), spread evenly over their logarithms,
        and others in (-5, 5).

    Examples
    --------
    >>> shared_thetas([True])["boundary"]
    ((0.0,),)
    """
    on_diagonal = np.asarray(diagonal, dtype=bool)
    start = on_diagonal.astype(float)
    if len(start) == 0:
        return {"start": ((),)}
    edges = [np.zeros_like(start)]
    if on_diagonal.sum() > 1:
        edges += [np.where(np.arange(len(start)) == k, 0.0, start) for k in np.flatnonzero(on_diagonal)]
    roots = np.sqrt(np.resize(PRIMES, len(start)))
    fractions = [np.modf((k + 1) * roots)[0] for k in range(POINTS + 2 * POINTS_BEYOND)]
    near, far = fractions[POINTS : POINTS + POINTS_BEYOND], fractions[POINTS + POINTS_BEYOND :]
    random = [np.where(on_diagonal, 0.1 + 2.0 * part, part - 0.5) for part in fractions[:POINTS]]
    random += [np.where(on_diagonal, 0.1 * part, 0.1 * (part - 0.5)) for part in near]
    random += [np.where(on_diagonal, 5.0 * 10.0**part, 10.0 * (part - 0.5)) for part in far]
    return {"start": tuples([start]), "boundary": tuples(edges), "random": tuples(random)}


def tuples(points: Sequence[np.ndarray]) -> tuple[tuple[float, ...], ...]:
    """Plain tuples of numbers."""
    return tuple(tuple(map(float, point)) for point in points)
