"""Sound coordinates: the same model in columns and units that cost no digits (theory.md, 42).

y, X, Z and the weights are divided by powers of two where they are far from one, and columns that lie along each other
to many digits are taken apart, X = W C' (`taken_apart`). All paths begin here, so that neither the unit of anything nor
the origin of a covariate is lost in what they compute; an ordinary design is left as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from relmer.solver.algebra import Basis, is_plain, lower_trapezoid, lower_triangle, plain_basis, taken_apart
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.model.covariance import UNSTRUCTURED
from relmer.solver.model.design import Design, response
from relmer.solver.model.term import RandomTerm, group_names, theta_names

# Sizes whose squares, and the sums of these over any number of rows, are doubles that keep their digits.
LEAST, LARGEST = 1e-140, 1e140
# A response within these sizes is taken as it is.
USUAL = (2.0**-64, 2.0**64)
# Largest weight over the least, eps^-2: with the root of it a row is eps of another.
SPREAD = 2.0**104
# Part of a column below which a coefficient of what determines it is rounding.
ABSENT = 1e-5
# Range of a column beside its largest entry, 4,500 units in the last place, below which a redundant one was lost to a
# mean too large: a few rows may differ by more than the units that all have on the whole.
NEAR = 1e-12


@dataclass(frozen=True)
class Sound:
    """A design in sound coordinates, and what leads back.

    Attributes
    ----------
    design
        In sound coordinates; terms all of whose columns are zero are left out.
    fixed
        The basis of X.
    bases
        That of every term as it was given.
    counts
        How many random effects every term has.
    y_unit
        What y was divided by.
    w_unit
        The square root of what the weights were divided by.
    """

    design: Design
    fixed: Basis
    bases: tuple[Basis, ...]
    counts: tuple[int, ...]
    y_unit: float
    w_unit: float

    @cached_property
    def present(self) -> list[int]:
        """Which terms have a column that is not redundant."""
        return [k for k, basis in enumerate(self.bases) if len(basis.kept)]

    @cached_property
    def plain(self) -> bool:
        """Whether the design is the one that was given."""
        return self.y_unit == self.w_unit == 1.0 and all(each.plain for each in (self.fixed, *self.bases))


def sounded(design: Design) -> Sound:
    """The design in sound coordinates.

    Raises
    ------
    ModelError
        A number is so large or small that its square is none.
    """
    names = [f"column {name}" for name in design.coefficients]
    fixed, X = checked_basis(design.X, names, full=True)
    found = [checked_basis(term.X, names_of(term)) for term in design.terms]
    terms = tuple(
        term
        if basis.plain
        else replace(term, X=W, columns=tuple(term.columns[k] for k in basis.kept), structure=UNSTRUCTURED)
        for term, (basis, W) in zip(design.terms, found, strict=True)
        if len(basis.kept)
    )
    y_unit, w_unit = unit_of_response(design), unit_of_weights(design)
    check_weights(design)
    inner = design
    if y_unit != 1.0 or w_unit != 1.0 or X is not design.X or any(not basis.plain for basis, _ in found):
        offset = design.offset
        inner = replace(
            design,
            y=design.y / y_unit,
            offset=None if offset is None else offset / y_unit,
            X=X,
            terms=terms,
            weights=None if design.weights is None else design.weights / w_unit**2,
        )
    return Sound(
        design=inner,
        fixed=fixed,
        bases=tuple(basis for basis, _ in found),
        counts=tuple(len(term.levels) * len(term.columns) for term in design.terms),
        y_unit=y_unit,
        w_unit=w_unit,
    )


def names_of(term: RandomTerm) -> list[str]:
    """Names of the columns of a term for messages."""
    return [f"column {name} of ({' + '.join(term.columns)} | {term.group})" for name in term.columns]


def checked_basis(X: Array, names: Sequence[str], full: bool = False) -> tuple[Basis, Array]:
    """The basis of columns (n, c) whose squares are doubles."""
    if is_plain(X):
        return plain_basis(X.shape[1]), X
    for name, largest in zip(names, np.abs(X).max(axis=0).tolist(), strict=True):
        check_size(name, largest)
    return taken_apart(X, full)


def check_size(name: str, largest: float) -> None:
    """Refuse what is so large or small that its squares are no doubles."""
    if largest > LARGEST or 0.0 < largest < LEAST:
        raise ModelError(
            f"the largest number of {name} is {largest:.3g}; beyond {LEAST:g} and {LARGEST:g} squares are no doubles: "
            f"{'divide' if largest > 1 else 'multiply'} it by a constant"
        )


def check_weights(design: Design) -> None:
    """Refuse weights one of which rounding hides beside another."""
    if design.weights is None:
        return
    least, largest = float(design.weights.min()), float(design.weights.max())
    if largest > SPREAD * least:
        raise ModelError(
            f"weights from {least:.3g} to {largest:.3g}: rounding hides the light rows beside the heavy ones; "
            "leave out rows that are to count for nothing"
        )


def unit_of_response(design: Design) -> float:
    """A power of two near the largest of the response, or 1 if that is of a usual size."""
    largest = float(np.abs(response(design)).max(initial=0.0))
    check_size("the response", largest)
    return 1.0 if largest == 0.0 or USUAL[0] < largest < USUAL[1] else float(2.0 ** np.frexp(largest)[1])


def unit_of_weights(design: Design) -> float:
    """A power of two near the root of the geometric mean of the weights."""
    if design.weights is None:
        return 1.0
    return float(2.0 ** np.rint(np.log2(design.weights).mean() / 2.0))


def inwards(at: Sound, blocks: Sequence[Array]) -> list[Array]:
    """The roots (r, c) in sound coordinates of the factors T (c, c), of the terms that are present."""
    if at.plain:
        return list(blocks)
    return [at.w_unit * at.bases[k].inwards(blocks[k]) for k in at.present]


def outwards(at: Sound, roots: Sequence[Array]) -> tuple[list[Array], list[Array]]:
    """The factors T (c, c) of roots (r, m) in sound coordinates, and those of their roots (r, c) that T stands for.

    The first is rounded; the second is the given one, turned as T is.
    """
    if at.plain:
        return list(roots), list(roots)
    blocks = [np.zeros((len(basis.C), len(basis.C))) for basis in at.bases]
    turned = []
    for k, root in zip(at.present, roots, strict=True):
        basis = at.bases[k]
        own = basis.outwards(root) / at.w_unit
        T = lower_trapezoid(own)
        blocks[k][np.ix_(basis.kept, basis.kept)] = T
        wide = np.zeros((len(root), len(basis.C)))
        wide[:, basis.kept] = root @ turn(own, T)
        turned.append(wide)
    return blocks, turned


def turn(own: Array, T: Array) -> Array:
    """The orthonormal columns Q (m, r) with own Q = T."""
    if own.shape == (1, 1):
        return np.where(own < 0, -1.0, 1.0)
    Q, R = np.linalg.qr(own.T)
    columns = min(own.shape)
    sign = np.where(np.einsum("aj,ja->j", T[:, :columns], R) < 0, -1.0, 1.0)
    wide = np.zeros((own.shape[1], len(T)))
    wide[:, :columns] = Q * sign
    return wide


def not_carried(design: Design, bases: Sequence[Basis]) -> tuple[str, ...]:
    """A line for each column whose doubles differ, but by no more than their rounding: it is taken for a constant."""
    return tuple(
        f"{name} differs by no more than the rounding of its doubles, and is taken for a constant: subtract its mean "
        "before it is rounded"
        for term, basis in zip(design.terms, bases, strict=True)
        for j, name in enumerate(names_of(term))
        if j not in basis.kept and 0.0 < np.ptp(term.X[:, j]) < NEAR * np.abs(term.X[:, j]).max()
    )


def redundant(design: Design, bases: Sequence[Basis]) -> tuple[tuple[str, ...], ...]:
    """Per direction in which theta can change for a redundant column the names of those that do.

    With v, a column's combination that is zero, changes v m' + m v' of G change nothing, whatever m is.
    """
    found: list[tuple[str, ...]] = []
    for term, group, basis in zip(design.terms, group_names(design.terms), bases, strict=True):
        if basis.plain or not term.is_free:
            continue
        names = theta_names([replace(term, group=group)])
        rows, columns = lower_triangle(len(basis.C))
        for j in basis.dropped.tolist():
            v = np.zeros(len(basis.C), dtype=bool)
            v[j] = True
            size = np.sqrt((term.X**2).mean(axis=0))
            share = np.abs(basis.coefficients(j)) * size[basis.kept]
            v[basis.kept] = share > ABSENT * size[j]
            for m in [*basis.kept.tolist(), *basis.dropped[basis.dropped <= j].tolist()]:
                other = np.arange(len(v)) == m
                moved = np.outer(v, other) | np.outer(other, v)
                found.append(tuple(name for name, here in zip(names, moved[rows, columns], strict=True) if here))
    return tuple(dict.fromkeys(found))
