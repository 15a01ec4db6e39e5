"""What a search moves: the entries of T of a term that is free, and the par of a term with a structure, within bounds.

A point of the search has a part for every term, its coordinates: T itself (r, r), or par (k,) in units that make its
standard deviations of order one. A root (r, m) of the working G follows (theory.md, 46).

At a bound, where G is singular, the criterion must rise inwards. A standard deviation that is zero may enter G at
first order, by its correlations, or, where these do not count, at second order; and rho is free to be any where fewer
than two standard deviations are not zero. `Probe` is what rises least.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from relmer.solver.algebra import (
    RANK,
    graded_sizes,
    is_regular,
    lower_trapezoid,
    lower_triangle,
    positive,
    reduced_root,
)
from relmer.solver.arrays import Array, Integers
from relmer.solver.model import UNSTRUCTURED, Carrier, gamma_of, moves, root, split, theta_of

# Values of a rho that counts for nothing at a point, as parts of the way from its bound to its bound.
CORRELATIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
# Part of the way to its bounds that a first rho has at most.
INSIDE = 0.9
# Least working standard deviation at a start.
FLOOR = 0.1
# Part of the second derivative below which a first one is none.
EVEN = 1e-9


@dataclass(frozen=True)
class Probe:
    """How the criterion rises least from a point at a bound, and on which way.

    Attributes
    ----------
    rise
        By a unit of the way, at first order, or at second where that is nothing; infinite away from bounds.
    way
        For a free term a direction v (r,) such that G + vv' is the way; else a change of par (k,).
    rho
        What rho is on the way; None: as it is.
    """

    rise: float
    way: Array
    rho: float | None = None


class Part(Protocol):
    """The coordinates of one term: how they are kept, what they stand for, and where they may go."""

    @property
    def carrier(self) -> Carrier:
        """From par to the working G."""

    @property
    def unit(self) -> Array:
        """What a coordinate of one stands for in par (k,)."""

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Least and largest coordinates (k,)."""

    def of(self, x: Array) -> Array:
        """A part from its coordinates (k,)."""

    def par(self, part: Array) -> Array:
        """par (k,) of a part."""

    def root(self, part: Array, defined: bool) -> Array:
        """A root (r, m) of the working G, from G as it is defined or from the closed form of T."""

    def placed(self, root: Array, par: Array) -> Array:
        """The part of a root of the working G, whose par is given."""

    def is_inside(self, part: Array) -> bool:
        """Whether it has no negligible variance, and is at no bound."""

    def cleared(self, part: Array) -> Array:
        """The part without negligible variances."""

    def probe(self, part: Array, dual: Array) -> Probe:
        """How the criterion rises least, given the dual of the working G."""

    def forms(self, part: Array) -> tuple[Array, Array]:
        """The changes of gamma (k, m) that the term allows, and how much of each (k,) is in G times a factor."""

    def along(self, part: Array, probe: Probe, length: float) -> Array:
        """A step along a probe."""

    def near(self, G: Array) -> Array:
        """What is near a working G, small eigenvalues raised."""

    def multiple(self, scale: float, rho: float) -> Array:
        """T = scale I; of a structure all standard deviations so large, and rho so far to its bounds."""

    def raised(self, part: Array, by: float) -> Array:
        """A regular part around, with variances raised by a square."""

    def grown(self, part: Array, times: float) -> Array:
        """All standard deviations so many times as large."""


@dataclass(frozen=True)
class Triangle:
    """A free term: the lower triangle T (r, r) of the working G = T T', without bounds."""

    width: int

    @property
    def carrier(self) -> Carrier:
        """G = T T'."""
        return Carrier(UNSTRUCTURED, np.eye(self.width))

    @property
    def unit(self) -> Array:
        """One."""
        return np.ones(self.width * (self.width + 1) // 2)

    @property
    def bounds(self) -> tuple[Array, Array]:
        """None: G is even in the signs of T."""
        none = np.full(self.width * (self.width + 1) // 2, np.inf)
        return -none, none

    def of(self, x: Array) -> Array:
        """T."""
        return split(x, [self.width])[0]

    def par(self, part: Array) -> Array:
        """The entries of T."""
        return theta_of([part])

    def root(self, part: Array, defined: bool) -> Array:
        """T."""
        return part

    def placed(self, root: Array, par: Array) -> Array:
        """Its triangle."""
        return lower_trapezoid(root)

    def is_inside(self, part: Array) -> bool:
        """Whether G is regular."""
        return is_regular(part)

    def cleared(self, part: Array) -> Array:
        """Without the directions of negligible variance."""
        return lower_trapezoid(reduced_root(part))

    def probe(self, part: Array, dual: Array) -> Probe:
        """Smallest eigenvalue of the dual on the null space of T T', and its direction (theory.md, 37)."""
        sizes = graded_sizes(part)
        left, singular, _ = np.linalg.svd(part / sizes)
        null = left[:, singular**2 <= RANK * max(1.0, float(singular.max() ** 2))] / sizes
        if null.shape[1] == 0:
            return Probe(np.inf, np.zeros(len(part)))
        eigenvalues, vectors = np.linalg.eigh(null.T @ dual @ null)
        return Probe(float(eigenvalues[0]), null @ vectors[:, 0])

    def forms(self, part: Array) -> tuple[Array, Array]:
        """Any, and gamma."""
        return np.eye(len(self.unit)), (part @ part.T)[lower_triangle(self.width)]

    def along(self, part: Array, probe: Probe, length: float) -> Array:
        """G + length^2 v v'."""
        return lower_trapezoid(np.column_stack([part, length * probe.way]))

    def near(self, G: Array) -> Array:
        """T T' = G."""
        return positive(G)

    def multiple(self, scale: float, rho: float) -> Array:
        """T = scale I."""
        return scale * np.eye(self.width)

    def raised(self, part: Array, by: float) -> Array:
        """G + by^2 I."""
        return lower_trapezoid(np.column_stack([part, by * np.eye(self.width)]))

    def grown(self, part: Array, times: float) -> Array:
        """T times a number."""
        return times * part


@dataclass(frozen=True)
class Par:
    """A term with a structure: par = unit x, whose C'G C is the working G.

    Attributes
    ----------
    carrier
        The structure, and C (c, r).
    unit
        (k,): what a working standard deviation, or rho, of one stands for.
    """

    carrier: Carrier
    unit: Array

    @cached_property
    def bounds(self) -> tuple[Array, Array]:
        """s is not negative, R is positive semi-definite."""
        lower, upper = self.carrier.structure.bounds(len(self.carrier.C))
        return lower / self.unit, upper / self.unit

    @property
    def count(self) -> int:
        """How many standard deviations there are."""
        return len(self.unit) - self.has_rho

    @property
    def has_rho(self) -> bool:
        """Whether the last coordinate is a correlation."""
        return bool(np.isfinite(self.bounds[1][-1]))

    def of(self, x: Array) -> Array:
        """x."""
        return x

    def par(self, part: Array) -> Array:
        """In the units of the columns."""
        return self.unit * part

    def root(self, part: Array, defined: bool) -> Array:
        """C'T (r, c)."""
        return np.asarray(self.carrier.C.T @ root(self.carrier.structure, self.par(part), len(self.carrier.C), defined))

    def placed(self, root: Array, par: Array) -> Array:
        """par in working units."""
        return par / self.unit

    def is_inside(self, part: Array) -> bool:
        """Whether no standard deviation is negligible, and rho between its ends."""
        found, (lower, upper) = self.cleared(part), self.bounds
        return bool(np.all((found > lower) & (found < upper)))

    def cleared(self, part: Array) -> Array:
        """Negligible standard deviations are zero."""
        s = part[: self.count]
        zero = s**2 <= RANK * max(1.0, float((s**2).max()))
        return np.append(np.where(zero, 0.0, s), part[self.count :])

    def probe(self, part: Array, dual: Array) -> Probe:
        """Of rho from its bound, of standard deviations from zero, one by one or together."""
        lower, upper = self.bounds
        zero = np.flatnonzero(part[: self.count] <= 0.0)
        apart = self.count - len(zero) if self.count > 1 else len(self.carrier.C) * (1 - len(zero))
        probes = [Probe(np.inf, np.zeros(len(part)))]
        rhos: list[float | None] = [None]
        if self.has_rho and apart < 2:
            rhos = [float(lower[-1] + each * (upper[-1] - lower[-1])) for each in CORRELATIONS]
        elif self.has_rho and not lower[-1] < part[-1] < upper[-1]:
            way = np.append(np.zeros(self.count), 1.0 if part[-1] <= lower[-1] else -1.0)
            probes.append(Probe(float(way @ self.slopes(part, dual)), way))
        for rho in rhos if len(zero) else ():
            probes += self.rising(part if rho is None else np.append(part[:-1], rho), zero, dual, rho)
        return min(probes, key=lambda each: each.rise)

    def rising(self, part: Array, zero: Integers, dual: Array, rho: float | None) -> list[Probe]:
        """The probes of standard deviations that are zero."""
        first = self.slopes(part, dual)
        second = self.unit[:, None] * self.carrier.bend(self.par(part), dual) * self.unit / 2
        even = EVEN * max(1.0, float(np.abs(second).max()))
        ways = [*np.eye(len(part))[zero]]
        vectors = np.linalg.eigh(second[np.ix_(zero, zero)])[1][:, 0]
        for together in (np.maximum(vectors, 0.0), np.maximum(-vectors, 0.0)):
            if (together > 0).sum() > 1:
                way = np.zeros(len(part))
                way[zero] = together / np.linalg.norm(together)
                ways.append(way)
        rises = [float(way @ first if abs(way @ first) > even else way @ second @ way) for way in ways]
        return [Probe(rise, way, rho) for rise, way in zip(rises, ways, strict=True)]

    def slopes(self, part: Array, dual: Array) -> Array:
        """df/dx (k,)."""
        return np.asarray(self.unit * (self.carrier.changes(self.par(part)) @ gamma_of([dual])))

    def forms(self, part: Array) -> tuple[Array, Array]:
        """Those by par: of s, which grows by half of what G grows by, and of rho, which does not."""
        changes = self.carrier.here(moves(self.carrier.structure, self.par(part), len(self.carrier.C)))
        return self.unit[:, None] * changes, np.append(part[: self.count] / 2, np.zeros(len(part) - self.count))

    def along(self, part: Array, probe: Probe, length: float) -> Array:
        """Within the bounds, at the rho of the probe."""
        begun = part if probe.rho is None else np.append(part[:-1], probe.rho)
        return np.clip(begun + length * probe.way, *self.bounds)

    def near(self, G: Array) -> Array:
        """Its standard deviations, and the mean correlation of neighbours."""
        back = np.linalg.pinv(self.carrier.C.T)
        own = back @ G @ back.T
        variances = np.maximum(own.diagonal(), np.finfo(float).tiny)
        s = np.sqrt(variances if self.count == len(variances) else variances.mean(keepdims=True))
        s = np.maximum(s / self.unit[: self.count], FLOOR)
        if not self.has_rho:
            return np.asarray(s)
        size, (lower, upper) = np.sqrt(variances), self.bounds
        rho = np.clip((own / size / size[:, None]).diagonal(1), -1.0, 1.0).mean()
        return np.append(s, np.clip(rho, INSIDE * lower[-1], INSIDE * upper[-1]))

    def multiple(self, scale: float, rho: float) -> Array:
        """rho from -1, its least, to 1, its largest."""
        lower, upper = self.bounds
        correlation = [abs(rho) * (lower if rho < 0 else upper)[-1]] if self.has_rho else []
        return np.array([*[scale] * self.count, *correlation])

    def raised(self, part: Array, by: float) -> Array:
        """Variances raised, and rho half as far from zero."""
        return np.append(np.sqrt(part[: self.count] ** 2 + by**2), part[self.count :] / 2)

    def grown(self, part: Array, times: float) -> Array:
        """s times a number, and rho as it is."""
        return np.append(times * part[: self.count], part[self.count :])
