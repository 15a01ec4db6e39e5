"""The criterion f in working coordinates as a function of the factors T, with its derivatives in theta's chart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from relmer.solver.algebra import is_regular, logdet_triangle, row_sizes
from relmer.solver.arrays import Array, Integers
from relmer.solver.elimination import Corner, Eliminated, expected, weights
from relmer.solver.errors import ModelError
from relmer.solver.model import original, standardise, theta_of
from relmer.solver.paths import PATHS, Path, Prepared, criterion, parts, working_scales
from relmer.solver.search.coordinates import Coordinates, coordinates_of
from relmer.solver.search.moments import Level

EPS = float(np.finfo(float).eps)
# The criterion is a sum of about n terms of its own size, each rounded: differences below this are noise.
NOISE = 64 * EPS
# Gap, as the average information AI predicts it, at which a costly Hessian is found exactly.
CLOSE = 1e-4
# Entries of theta from which on a Hessian and its axes cost more than to ask at every step which of them move.
MANY = 16
# A working T beyond which sigma is rounding: of one factor nothing is subtracted, and sigma is known to some eps of the
# random effects; of several pwrss is a difference, and sigma is known to the square root of that.
UNBOUNDED_ONE, UNBOUNDED_SEVERAL = 1e13, 1e7
# Part of the largest curvature for which a smaller one counts: rounding in theta's chart, and where G is I.
FLAT, LEVEL = 1e-10, 1e-13
# An entry on T's diagonal that counts for none.
SINGULAR = 1e-8
# Where the response is taken apart nothing is subtracted, and sigma is what X and Z leave: at least 100 eps of it.
UNBOUNDED_NEAR = 1e16


@dataclass(frozen=True)
class Point:
    """The criterion at a part of every term, its T or the par of its structure, and the size of its own parts."""

    blocks: list[Array]
    value: float
    size: float


class Objective:
    """The criterion in working coordinates as a function of the factors T, and its derivatives.

    Values and derivatives come by elimination, whatever the path, so that all paths search alike; once the search has
    ended, values come by the path that was prepared (`by_own_path`), and it has its say. Only what was solved last is
    kept: of a large model it takes as much memory as the data.
    """

    def __init__(self, prepared: Prepared, REML: bool) -> None:
        design = prepared.sound.design
        self.design, self.REML = design, REML
        self.reduced = prepared.reduced
        self.structure = self.reduced.structure
        self.effects = sum(len(term.levels) * len(term.columns) for term in design.terms)
        n, p = design.X.shape
        self.weights = weights(p, n, REML)
        self.constant = logdet_triangle(self.reduced.RX0) if REML else 0.0
        self.near = self.reduced.spanned is not None
        self.flat = LEVEL if self.near else FLAT
        self.path: Path | None = None
        self.defined = prepared.method == "gls"
        self.coordinates = coordinates_of(prepared.design.terms, working_scales(prepared), prepared.sound.present)
        self.unbounded = UNBOUNDED_SEVERAL if len(self.structure.groupings) > 1 else UNBOUNDED_ONE
        self.unbounded = UNBOUNDED_NEAR if self.near else self.unbounded
        self.costly = self.structure.elimination.is_costly
        self.level: tuple[Level, ...] = ()
        self.last: tuple[Point, Eliminated] | None = None
        self.correction: Array | None = None
        self.evaluations, self.steps, self.work = 1, 0, 0
        self.entries = len(self.coordinates.bounds[0])

    def by_own_path(self, prepared: Prepared) -> None:
        """From here on evaluate by the path that was prepared, of whose rows the search needs none."""
        self.path = prepared.path if self.near else PATHS[prepared.method](standardise(self.design).design)

    def at(self, blocks: Sequence[Array]) -> Point:
        """Evaluate the criterion, by elimination or by the path."""
        self.evaluations += 1
        self.last = None
        at = self.solve(blocks)
        found = self.parts(at)
        value = sum(found) if self.path is None else self.by_path(self.path, blocks)
        point = Point(list(blocks), value, sum(map(abs, found)))
        self.last = point, at
        return point

    def solve(self, blocks: Sequence[Array]) -> Eliminated:
        """Eliminate the random effects at the parts of the terms."""
        return self.structure.at_roots(self.coordinates.roots(blocks))

    def solved(self, here: Point) -> Eliminated:
        """What was solved at a point, which may take solving it once more."""
        if self.last is None or self.last[0] is not here:
            self.last = None
            self.last = here, self.solve(here.blocks)
        return self.last[1]

    def by_path(self, path: Path, blocks: Sequence[Array]) -> float:
        """The criterion by a path other than elimination; infinite where rounding leaves it no digits."""
        try:
            roots = self.coordinates.roots(blocks, self.defined)
            if self.near:
                # Rounded to working coordinates, the columns would no longer span the response.
                roots = original(self.reduced.scales, roots)
            return criterion(self.design, path.solve_at(roots), self.REML)
        except (ModelError, np.linalg.LinAlgError):
            return math.inf

    def parts(self, at: Corner | Eliminated) -> list[float]:
        """What the criterion of the solution is the sum of."""
        return parts(self.design, self.REML, at.logdet, at.logdet_RX + self.constant, at.root_pwrss**2)

    def newton_step(self, here: Point, x: Array, longest: float) -> "NewtonStep":
        """Newton's step at a point whose coordinates are x (k,), in those that move and that no bound holds."""
        self.steps += 1
        units, duals, gradient, hessian = self.in_units(here)
        many = self.coordinates.free and self.entries >= MANY
        moving = moving_entries(here.blocks) if many else None
        self.work += (self.entries if moving is None else len(moving)) ** 2
        if self.coordinates.free:
            step = newton_step(gradient, hessian, moving, duals, self.flat)
        else:
            step = bounded_step(self.coordinates, x, gradient, hessian, longest, self.flat)
        return step if units is None else step.carried(units)

    def unbounded_step(self, here: Point) -> "NewtonStep":
        """The same in all coordinates, whatever bounds they have."""
        units, _, gradient, hessian = self.in_units(here)
        step = newton_step(gradient, hessian, flat=self.flat)
        return step if units is None else step.carried(units)

    def in_units(self, here: Point) -> tuple[Array | None, list[Array], Array, Array]:
        """Units M (k, k) of the coordinates, None if they have their own; the duals; gradient and Hessian in x = M x'.

        Of a response of which X and Z leave little G is so large, and may be so nearly singular, that derivatives in G
        have no digits of those in T. There effects are S^-1 b, S = T, whose G is I; T moves by S dT' (theory.md, 50).
        """
        if not self.near:
            duals, second = self.curvature(here)
            return None, duals, *self.coordinates.derivatives(here.blocks, duals, second)
        bases = [basis_at(part) if part.ndim == 2 else None for part in here.blocks]
        roots = self.coordinates.roots(here.blocks)
        at, p = self.solved(here), self.design.X.shape[1]
        own = [np.eye(len(root)) if S is None else S for root, S in zip(roots, bases, strict=True)]
        seen = self.structure.curvature_in(at, expected(p, False), own)[0]
        bases = [
            None if S is None else S * in_sight(S, H, len(term.levels), row_sizes(part)[:, 0])
            for S, H, term, part in zip(bases, seen, self.design.terms, here.blocks, strict=True)
        ]
        own = [np.eye(len(root)) if S is None else S for root, S in zip(roots, bases, strict=True)]
        duals, second = self.structure.curvature_in(at, self.weights, own)
        parts = [part if S is None else solved_lower(S, part) for part, S in zip(here.blocks, bases, strict=True)]
        gradient, hessian = self.coordinates.derivatives(parts, duals, second)
        units = linalg.block_diag(
            *(
                np.diag(np.maximum(1.0, np.abs(part))) if S is None else by_columns(S)
                for part, S in zip(here.blocks, bases, strict=True)
            )
        )
        if not self.coordinates.free:
            sizes = np.where(np.isfinite(self.coordinates.bounds[0]), units.diagonal(), 1.0)
            gradient, hessian = sizes * gradient, (hessian * sizes).T * sizes
        outer = [solved_lower(S, solved_lower(S, dual, 1).T, 1) for S, dual in zip(own, duals, strict=True)]
        return units, outer, gradient, hessian

    def rows(self, here: Point) -> Array:
        """Sizes (k,) of the coordinates: the length of a row of a T, or a par, at least 1."""
        parts = [row_sizes(part) if part.ndim == 2 else np.maximum(1.0, np.abs(part)) for part in here.blocks]
        return self.coordinates.joined(
            [np.broadcast_to(own, part.shape) for own, part in zip(parts, here.blocks, strict=True)]
        )

    def moved(self, x: Array) -> Point:
        """The criterion at coordinates (k,)."""
        return self.at(self.coordinates.split(x))

    def curvature(self, here: Point) -> tuple[list[Array], Array]:
        """The dual df/dG of every term, and d2f/dgamma2 of all.

        Where second derivatives are costly, the average information AI takes their place until the gap is small
        (theory.md, 33). Then the exact ones are found once as AI^1/2 Pi AI^1/2', and elsewhere this Pi, the correction,
        is taken between the AI^1/2 found there.
        """
        model, at = self.structure, self.solved(here)
        if not self.costly:
            return model.curvature(at, self.weights)
        duals, information = model.curvature(at, self.weights, exact=False)
        half, status = lapack.dpotrf(information, lower=1)
        if status:
            return model.curvature(at, self.weights)
        if self.correction is None and all(map(is_regular, self.coordinates.roots(here.blocks))):
            if newton_step(*self.coordinates.derivatives(here.blocks, duals, information)).decrement > CLOSE:
                return duals, information
            exact = model.curvature(at, self.weights)[1]
            left = lapack.dtrtrs(half, exact, lower=1)[0]
            self.correction = lapack.dtrtrs(half, left.T, lower=1)[0]
        return duals, information if self.correction is None else half @ self.correction @ half.T


@dataclass(frozen=True)
class NewtonStep:
    """Newton's step in coordinates of the axes of the Hessian.

    Attributes
    ----------
    gradient
        df/dx (k,).
    decrement
        delta, half the gradient times the inverse Hessian times the gradient, curvatures counting by their size
        (theory.md, 39): the fall that the step promises.
    lengths
        Of the step, to be taken against each axis (m,).
    axes, curvatures
        Eigenvectors, as columns (k, m), and eigenvalues (m,) of the Hessian in the coordinates that move.
    duals
        df/dG of every term, where they are kept.
    """

    gradient: Array
    decrement: float
    lengths: Array
    axes: Array
    curvatures: Array
    duals: Sequence[Array] = ()

    def carried(self, units: Array) -> "NewtonStep":
        """The step, found in coordinates x', in x = M x' for units M (k, k); its lengths stay in those of x'."""
        return replace(
            self, gradient=np.asarray(np.linalg.solve(units.T, self.gradient), dtype=float), axes=units @ self.axes
        )

    @property
    def level(self) -> bool:
        """Whether the curvature along an axis is rounding."""
        size = np.abs(self.curvatures)
        return bool(size.min() < LEVEL * size.max())


def basis_at(T: Array) -> Array:
    """S (c, c), T with unit entries on the diagonal where it has none."""
    S = T.copy()
    diagonal = S.diagonal().copy()
    diagonal[np.abs(diagonal) < SINGULAR] = 1.0
    np.fill_diagonal(S, diagonal)
    return S


def in_sight(S: Array, H: Array, levels: int, rows: Array) -> Array:
    """Factors (c,) of the columns of S by which Z'V^-1 Z has an average of 1 per level on its diagonal.

    So it has where G is regular and large. Of a direction without variance, S says nothing of how large one would be.
    A column becomes no longer than a row (c,) of T, nor shorter.
    """
    squares = np.maximum(H.diagonal() / levels, np.finfo(float).tiny)
    return np.asarray(np.clip(1.0 / np.sqrt(squares), 1.0, np.maximum(1.0, rows / np.abs(S.diagonal()))))


def solved_lower(S: Array, columns: Array, trans: int = 0) -> Array:
    """S^-1 or S^-T times columns, for a lower triangular S."""
    return np.asarray(lapack.dtrtrs(S, columns, lower=1, trans=trans)[0])


def by_columns(S: Array) -> Array:
    """M (k, k): the entries of a lower triangular S T' from those of T', column by column."""
    return np.asarray(linalg.block_diag(*(S[j:, j:] for j in range(len(S)))))


def moving_entries(blocks: Sequence[Array]) -> Integers:
    """Which entries of theta have a slope: the criterion is even in every column of a T, so one of zeros stays so.

    All of them where there is none.
    """
    nonzero = theta_of([np.broadcast_to(T.any(axis=0), T.shape) for T in blocks])
    return np.flatnonzero(nonzero if nonzero.any() else np.logical_not(nonzero))


def newton_step(
    gradient: Array,
    hessian: Array,
    moving: Integers | None = None,
    duals: Sequence[Array] = (),
    flat: float = FLAT,
) -> NewtonStep:
    """Newton's step for a gradient (k,) and a Hessian (k, k), in all coordinates or in those that move."""
    if moving is None:
        curvatures, axes, _ = lapack.dsyev(hessian)
    else:
        axes = np.zeros((len(gradient), len(moving)))
        curvatures, axes[moving], _ = lapack.dsyevd(hessian[moving[:, None], moving])
    along = axes.T @ gradient
    size = np.abs(curvatures)
    lengths = along / np.maximum(size, flat * max(size[-1], size[0], EPS))
    return NewtonStep(
        gradient=gradient,
        decrement=float(along @ lengths / 2),
        lengths=lengths,
        axes=axes,
        curvatures=curvatures,
        duals=duals,
    )


def bounded_step(
    coordinates: Coordinates, x: Array, gradient: Array, hessian: Array, longest: float, flat: float = FLAT
) -> NewtonStep:
    """Newton's step at coordinates (k,), of those that no bound holds.

    What is at a bound and would be moved beyond it, by its slope or by the step of the others, stays there; a step of
    none of the coordinates promises nothing.
    """
    held = coordinates.held(x, gradient)
    while True:
        free = np.flatnonzero(~held)
        step = (
            newton_step(gradient[free], hessian[np.ix_(free, free)], flat=flat)
            if len(free)
            else newton_step(*nothing())
        )
        axes = np.zeros((len(x), len(step.lengths)))
        axes[free if len(free) else slice(0, 1)] = step.axes
        found = replace(step, axes=axes, gradient=gradient)
        beyond = ~held & coordinates.held(x, axes @ np.clip(step.lengths, -longest, longest))
        if not beyond.any():
            return found
        held = held | beyond


def nothing() -> tuple[Array, Array]:
    """A gradient and a Hessian of a coordinate that moves nothing."""
    return np.zeros(1), np.zeros((1, 1))
