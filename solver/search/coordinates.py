"""The coordinates of a search: those of all terms together, what they stand for, and the bounds that they keep to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy import linalg

from relmer.solver.arrays import Array, Booleans
from relmer.solver.model import Carrier, RandomTerm, chain, chain_of, split, theta_of
from relmer.solver.search.term_parts import Par, Part, Triangle

# Distance from a bound that is rounding: coordinates are of order one.
NEAR = 1e-14


@dataclass(frozen=True)
class Coordinates:
    """The parts of all terms that are present."""

    parts: tuple[Part, ...]
    widths: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        """The widths r of the working G, or none if a term has a structure."""
        free = all(isinstance(part, Triangle) for part in self.parts)
        widths = tuple(part.carrier.C.shape[1] for part in self.parts) if free else ()
        object.__setattr__(self, "widths", widths)

    @property
    def free(self) -> bool:
        """Whether no term has a structure: there are no bounds."""
        return len(self.widths) == len(self.parts)

    @cached_property
    def bounds(self) -> tuple[Array, Array]:
        """Least and largest coordinates (k,)."""
        lower, upper = zip(*(part.bounds for part in self.parts), strict=True)
        return np.concatenate(lower), np.concatenate(upper)

    def split(self, x: Array) -> list[Array]:
        """The parts of coordinates (k,)."""
        if self.free:
            return split(x, self.widths)
        ends = np.cumsum([len(part.bounds[0]) for part in self.parts])
        return [part.of(own) for part, own in zip(self.parts, np.split(x, ends[:-1]), strict=True)]

    def joined(self, parts: Sequence[Array]) -> Array:
        """The coordinates (k,) of parts."""
        if self.free:
            return theta_of(parts)
        return np.concatenate([theta_of([part]) if part.ndim == 2 else part for part in parts])

    def roots(self, parts: Sequence[Array], defined: bool = False) -> list[Array]:
        """Roots (r, m) of the working G."""
        if self.free:
            return list(parts)
        return [one.root(part, defined) for one, part in zip(self.parts, parts, strict=True)]

    def derivatives(self, parts: Sequence[Array], duals: Sequence[Array], second: Array) -> tuple[Array, Array]:
        """Gradient (k,) and Hessian (k, k), from the duals and d2f/dgamma2 in the working G."""
        if self.free:
            return chain(parts, duals, second)
        carriers = [one.carrier for one in self.parts]
        par = [one.par(part) for one, part in zip(self.parts, parts, strict=True)]
        gradient, hessian = chain_of(carriers, par, duals, second)
        unit = np.concatenate([one.unit for one in self.parts])
        return unit * gradient, unit[:, None] * hessian * unit

    def forms(self, parts: Sequence[Array]) -> tuple[Array, Array]:
        """The changes of gamma (k, m) that the terms allow, and how much of each (k,) is in all G times a factor."""
        changes, whole = zip(*(one.forms(part) for one, part in zip(self.parts, parts, strict=True)), strict=True)
        return np.asarray(linalg.block_diag(*changes)), np.concatenate(whole)

    def within(self, x: Array) -> Array:
        """x at a bound, where rounding is all that lies between."""
        if self.free:
            return x
        for bound in self.bounds:
            x = np.where(np.abs(x - bound) <= NEAR, bound, x)
        return np.clip(x, *self.bounds)

    def room(self, x: Array, step: Array) -> float:
        """The part of a step, at most all of it, that the bounds leave."""
        if self.free:
            return 1.0
        lower, upper = self.bounds
        ahead = np.where(step < 0, lower, upper)
        parts = (ahead - x)[step != 0] / step[step != 0]
        return float(min(1.0, parts.min(initial=np.inf)))

    def held(self, x: Array, gradient: Array) -> Booleans:
        """Which coordinates (k,) are at a bound, inwards from which the criterion rises."""
        lower, upper = self.bounds
        return np.asarray(((x <= lower) & (gradient > 0)) | ((x >= upper) & (gradient < 0)))


def coordinates_of(terms: Sequence[RandomTerm], scales: Sequence[Array], present: Sequence[int]) -> Coordinates:
    """The coordinates of the terms that are present.

    Parameters
    ----------
    terms
        As they were given.
    scales
        C (c, r) of every term: its working G is C'G C.
    present
        Which terms have a column that is not redundant.
    """
    found: list[Part] = []
    for k in present:
        structure, C = terms[k].structure, scales[k]
        if terms[k].is_free:
            found.append(Triangle(C.shape[1]))
            continue
        lengths = np.sqrt((C**2).sum(axis=1))
        lengths[lengths == 0] = 1.0
        upper = structure.bounds(len(C))[1]
        count = int(np.isinf(upper).sum())
        own = lengths if count == len(C) else np.sqrt((lengths**2).mean(keepdims=True))
        found.append(Par(Carrier(structure, C), np.append(1.0 / own, np.ones(len(upper) - count))))
    return Coordinates(tuple(found))
