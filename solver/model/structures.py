"""The structures of lme4 2.x: G = diag(s) R(rho) diag(s), for `diag`, `cs` and `ar1` (theory.md, 44 and 45)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relmer.solver.algebra import lower_triangle
from relmer.solver.arrays import Array
from relmer.solver.model.covariance import (
    UNSTRUCTURED,
    Covariance,
    Pattern,
    Unstructured,
    factor,
    triangle_names,
    whole_triangle,
)


@dataclass(frozen=True)
class Scaled:
    """What `diag`, `cs` and `ar1` have in common: G = diag(s) R(rho) diag(s), par = (s, rho), or of one column (s)."""

    hom: bool

    def correlations(self, rho: float, width: int) -> tuple[Array, Array, Array]:
        """R (c, c), dR/drho and d2R/drho2."""
        raise NotImplementedError

    def cholesky(self, rho: float, width: int) -> Array:
        """The Cholesky factor (c, c) of R, in closed form."""
        raise NotImplementedError

    def least(self, width: int) -> float | None:
        """The least rho at which R is positive semi-definite; None of a structure without rho."""
        raise NotImplementedError

    def rho_of(self, T: Array, lengths: Array) -> float:
        """rho, given the rows of T and their lengths."""
        raise NotImplementedError

    def has_rho(self, width: int) -> bool:
        """Whether there is a correlation."""
        return width > 1 and self.least(width) is not None

    def deviations(self, par: Array, width: int) -> tuple[Array, float]:
        """s (c,) and rho."""
        rho = float(par[-1]) if self.has_rho(width) else 0.0
        return (np.full(width, par[0]) if self.hom else par[:width]), rho

    def spread(self, width: int) -> Array:
        """ds (c, .) by a unit of each standard deviation in par."""
        return np.ones((width, 1)) if self.hom else np.eye(width)

    def pattern(self, width: int) -> Pattern:
        """The whole lower triangle."""
        return whole_triangle(width)

    def theta(self, par: Array, width: int) -> Array:
        """Its entries in diag(s) cholesky(rho)."""
        s, rho = self.deviations(par, width)
        T, at = s[:, None] * self.cholesky(rho, width), self.pattern(width)
        found = np.zeros(at.size)
        found[at.entry] = T[at.rows, at.columns]
        return found

    def par(self, theta: Array, width: int) -> Array:
        """The lengths of the rows of T, and the correlation of two of them."""
        found = self.nearest(factor(self.pattern(width), theta, width))
        return np.append(np.abs(theta[:1]), found[1:]) if self.hom else found

    def nearest(self, T: Array) -> Array:
        """The lengths of the rows of T, or their mean square's root, and the correlation of two of them."""
        lengths = np.sqrt((T**2).sum(axis=1))
        s = np.sqrt((lengths**2).mean(keepdims=True)) if self.hom else lengths
        if not self.has_rho(len(T)):
            return np.asarray(s)
        least, largest = (float(each[-1]) for each in self.bounds(len(T)))
        return np.append(s, np.clip(self.rho_of(T, lengths), least, largest))

    def G(self, par: Array, width: int) -> Array:
        """s_i s_j R_ij."""
        s, rho = self.deviations(par, width)
        return s * self.correlations(rho, width)[0] * s[:, None]

    def changes(self, par: Array, width: int) -> Array:
        """By s_a what is in row and column a, R_aj s_j; by rho s_i s_j R'_ij."""
        s, rho = self.deviations(par, width)
        R, slope, _ = self.correlations(rho, width)
        half = np.einsum("ia,ij->aij", self.spread(width), R * s)
        found = half + half.transpose(0, 2, 1)
        return np.concatenate([found, [s * slope * s[:, None]]]) if self.has_rho(width) else found

    def bend(self, par: Array, dual: Array) -> Array:
        """With * by entries: 2 dual * R by two s, 2 (dual * R') s by s and rho, s'(dual * R'') s by rho twice."""
        width = len(dual)
        (s, rho), spread = self.deviations(par, width), self.spread(width)
        R, slope, second = self.correlations(rho, width)
        by_s = 2.0 * spread.T @ (dual * R) @ spread
        if not self.has_rho(width):
            return np.asarray(by_s)
        both = 2.0 * spread.T @ ((dual * slope) @ s)
        return np.block([[by_s, both[:, None]], [both[None], np.array([[s @ (dual * second) @ s]])]])

    def bounds(self, width: int) -> tuple[Array, Array]:
        """s is not negative, R positive semi-definite."""
        count = 1 if self.hom else width
        lower, upper = np.zeros(count), np.full(count, np.inf)
        least = self.least(width)
        if width < 2 or least is None:
            return lower, upper
        return np.append(lower, least), np.append(upper, 1.0)

    def par_names(self, group: str, columns: Sequence[str]) -> list[str]:
        """group.column of each standard deviation, group.* of the one that is common, and group.rho."""
        names = ["*"] if self.hom else [*columns]
        return [f"{group}.{name}" for name in (*names, *["rho"] * self.has_rho(len(columns)))]

    def theta_names(self, group: str, columns: Sequence[str]) -> list[str]:
        """As those of `us`."""
        return triangle_names(group, columns)


@dataclass(frozen=True)
class Diagonal(Scaled):
    """`diag`: independent effects, R = I; theta is par.

    Examples
    --------
    >>> Diagonal().G(np.array([2.0, 3.0]), 2)
    array([[4., 0.],
           [0., 9.]])
    """

    name: ClassVar[str] = "diag"
    hom: bool = False

    def correlations(self, rho: float, width: int) -> tuple[Array, Array, Array]:
        """I, without a rho."""
        none = np.zeros((width, width))
        return np.eye(width), none, none

    def cholesky(self, rho: float, width: int) -> Array:
        """I."""
        return np.eye(width)

    def least(self, width: int) -> float | None:
        """There is no rho."""
        return None

    def pattern(self, width: int) -> Pattern:
        """The diagonal."""
        each = np.arange(width)
        return Pattern(each, each, 0 * each if self.hom else each)

    def theta_names(self, group: str, columns: Sequence[str]) -> list[str]:
        """As those of par."""
        return self.par_names(group, columns)


@dataclass(frozen=True)
class CompoundSymmetry(Scaled):
    """`cs`: every two effects have the correlation rho, which is at least -1/(c - 1).

    If `hom`, theta has for each column of T its diagonal and what stands below, which is the same in every row.

    Examples
    --------
    >>> CompoundSymmetry().G(np.array([1.0, 2.0, 0.5]), 2)
    array([[1., 1.],
           [1., 4.]])
    """

    name: ClassVar[str] = "cs"
    hom: bool = False

    def correlations(self, rho: float, width: int) -> tuple[Array, Array, Array]:
        """rho off the diagonal."""
        apart = 1.0 - np.eye(width)
        return np.eye(width) + rho * apart, apart, np.zeros((width, width))

    def cholesky(self, rho: float, width: int) -> Array:
        """Given the effects before the j-th, counted from 0, the others are as symmetric as all were.

        d_j^2 = (1 - rho)(1 + j rho) / (1 + (j - 1) rho), and below it stands rho (1 - rho) / ((1 + (j - 1) rho) d_j).
        """
        j = np.arange(1.0, width)
        before, after = 1.0 + (j - 1.0) * rho, np.maximum(1.0 + j * rho, 0.0)
        diagonal = np.sqrt((1.0 - rho) * after / before)
        below = rho * np.sqrt((1.0 - rho) / (before * np.where(after > 0, after, 1.0)))
        L = np.tril(np.append(rho, below)[:width] * np.ones((width, 1)), -1)
        L.flat[:: width + 1] = np.append(1.0, diagonal)
        return np.asarray(L)

    def least(self, width: int) -> float | None:
        """-1/(c - 1), where all effects add up to zero."""
        return -1.0 / max(1, width - 1)

    def rho_of(self, T: Array, lengths: Array) -> float:
        """The correlation of the two longest rows."""
        i, j = np.argsort(-lengths, kind="stable")[:2]
        size = lengths[i] * lengths[j]
        return float(T[i] @ T[j] / size) if size > 0 else 0.0

    def pattern(self, width: int) -> Pattern:
        """The whole lower triangle; if `hom`, two entries of every column but the last."""
        if not self.hom:
            return whole_triangle(width)
        rows, columns = lower_triangle(width)
        return Pattern(rows, columns, 2 * columns + (rows > columns))

    def theta_names(self, group: str, columns: Sequence[str]) -> list[str]:
        """As those of `us`; if `hom`, group.column and group.*.column of every column."""
        if not self.hom:
            return triangle_names(group, columns)
        return [f"{group}.{name}" for column in columns for name in (column, f"*.{column}")][: 2 * len(columns) - 1]


@dataclass(frozen=True)
class Autoregression(Scaled):
    """`ar1`: effects that are d columns apart have the correlation rho^d.

    If `hom`, theta has the first column of T, and the second one without its zero, which all others repeat.

    Examples
    --------
    >>> Autoregression().G(np.array([2.0, 0.5]), 3)
    array([[4., 2., 1.],
           [2., 4., 2.],
           [1., 2., 4.]])
    """

    name: ClassVar[str] = "ar1"
    hom: bool = True

    def correlations(self, rho: float, width: int) -> tuple[Array, Array, Array]:
        """rho^d of the distance d."""
        d = np.abs(np.arange(width)[:, None] - np.arange(width)).astype(float)
        slope = d * rho ** np.maximum(d - 1.0, 0.0)
        return rho**d, slope, d * (d - 1.0) * rho ** np.maximum(d - 2.0, 0.0)

    def cholesky(self, rho: float, width: int) -> Array:
        """rho^i in column 0, and rho^(i - j) sqrt(1 - rho^2) in column j."""
        d = np.arange(width)[:, None] - np.arange(width)
        L = np.tril(rho ** np.maximum(d, 0.0))
        L[:, 1:] *= np.sqrt((1.0 - rho) * (1.0 + rho))
        return np.asarray(L)

    def least(self, width: int) -> float | None:
        """-1."""
        return -1.0

    def rho_of(self, T: Array, lengths: Array) -> float:
        """The correlation of the longest neighbours, or a root of that of the nearest rows that are not zero.

        An even root has the sign of rows that are an odd number apart; where there are none, G is even in rho.
        """

        def power(i: int, step: int) -> float:
            return float(T[i] @ T[i + step] / (lengths[i] * lengths[i + step]))

        neighbours = lengths[:-1] * lengths[1:]
        longest = int(np.argmax(neighbours))
        if neighbours[longest] > 0:
            return power(longest, 1)
        present = np.flatnonzero(lengths)
        if len(present) < 2:
            return 0.0
        gaps = np.diff(present)
        nearest = int(np.argmin(gaps))
        odd = int(np.argmax(gaps % 2))
        size = abs(power(int(present[nearest]), int(gaps[nearest]))) ** (1.0 / int(gaps[nearest]))
        return size if gaps[odd] % 2 == 0 else float(np.copysign(size, power(int(present[odd]), int(gaps[odd]))))

    def pattern(self, width: int) -> Pattern:
        """The whole lower triangle; if `hom`, by the distance from the diagonal in the columns after the first."""
        if not self.hom:
            return whole_triangle(width)
        rows, columns = lower_triangle(width)
        return Pattern(rows, columns, np.where(columns == 0, rows, width + rows - columns))

    def theta_names(self, group: str, columns: Sequence[str]) -> list[str]:
        """As those of `us`; if `hom`, of the first two columns of T."""
        names = triangle_names(group, columns)
        return names[: 2 * len(columns) - 1] if self.hom else names


STRUCTURES: Mapping[str, type[Diagonal] | type[CompoundSymmetry] | type[Autoregression]] = {
    "diag": Diagonal,
    "cs": CompoundSymmetry,
    "ar1": Autoregression,
}


def structure_of(name: str, hom: bool | None = None) -> Covariance:
    """The structure of this name; `hom` as it is by default in lme4 2.x if it is None: only `ar1` is.

    Examples
    --------
    >>> structure_of("cs"), structure_of("ar1", False), structure_of("us")
    (CompoundSymmetry(hom=False), Autoregression(hom=False), Unstructured())
    """
    if name == Unstructured.name:
        return UNSTRUCTURED
    return STRUCTURES[name]() if hom is None else STRUCTURES[name](hom=hom)
