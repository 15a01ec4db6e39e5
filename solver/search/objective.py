"""The criterion in working coordinates as a function of the factors T, with its derivatives in theta's chart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from relmer.solver.algebra import is_regular, logdet_triangle
from relmer.solver.arrays import Array
from relmer.solver.elimination import Solved, structure, weights
from relmer.solver.errors import ModelError
from relmer.solver.model import chain, standardise, theta_of
from relmer.solver.paths import Prepared, Profile, criterion, parts, pls, prepare, profile

EPS = float(np.finfo(float).eps)
# Gap, as the average information predicts it, at which a costly Hessian is found exactly.
CLOSE = 1e-4
# A working T beyond which sigma is rounding: of one factor nothing is subtracted, and sigma is known to some eps of the
# random effects; else pwrss is a difference, and sigma is known to the square root of that.
UNBOUNDED = (1e13, 1e7)


@dataclass(frozen=True)
class Point:
    """The criterion at the factors T of the working coordinates, and the size of its parts."""

    blocks: list[Array]
    value: float
    size: float


class Problem:
    """The criterion in working coordinates as a function of the factors T, and its derivatives.

    Only what was solved last is kept: of a large model it takes as much memory as the data.
    """

    def __init__(self, prepared: Prepared, REML: bool) -> None:
        design = prepared.design
        self.design, self.REML = design, REML
        self.state: pls.State = prepared.state if prepared.path is pls else pls.prepare(design)
        self.effects = sum(len(term.levels) * len(term.columns) for term in design.terms)
        n, p = design.X.shape
        self.weights = weights(p, n, REML)
        self.constant = logdet_triangle(self.state.RX0) if REML else 0.0
        self.path: Prepared | None = None
        if prepared.path is not pls:
            self.path = prepare(standardise(design).design, prepared.path.__name__.rpartition(".")[2])
        self.unbounded = UNBOUNDED[len(self.state.structure.factors) > 1]
        self.last: tuple[Point, structure.State] | None = None
        self.correction: Array | None = None
        self.order = 1 if structure.is_costly(self.state.structure) else 2
        self.evaluations = 1

    def at(self, blocks: Sequence[Array]) -> Point:
        """Evaluate the criterion, by the path that was asked for."""
        self.evaluations += 1
        self.last = None
        at = self.solve(blocks)
        found = self.parts(at)
        value = sum(found)
        if self.path is not None:
            value = criterion(self.design, self.profile(blocks), self.REML)
        point = Point(list(blocks), value, sum(map(abs, found)))
        self.last = point, at
        return point

    def solve(self, blocks: Sequence[Array]) -> structure.State:
        """Eliminate the random effects at the factors T."""
        return structure.solve(self.state.structure, [T @ T.T for T in blocks])

    def solved(self, here: Point) -> structure.State:
        """What was solved at a point, which may take solving it once more."""
        if self.last is None or self.last[0] is not here:
            self.last = None
            self.last = here, self.solve(here.blocks)
        return self.last[1]

    def profile(self, blocks: Sequence[Array]) -> Profile:
        """The solution by the path that was asked for."""
        assert self.path is not None
        try:
            return profile(self.path, theta_of(blocks))
        except np.linalg.LinAlgError as error:
            raise ModelError(
                "V is singular to rounding where the random effects fit the response; method 'pls' says whether "
                "there is a residual"
            ) from error

    def parts(self, at: Solved) -> list[float]:
        """What the criterion of the solution is the sum of."""
        return parts(self.design, self.REML, at.logdet, at.logdet_RX + self.constant, at.root_pwrss**2)

    def curvature(self, here: Point) -> tuple[list[Array], Array]:
        """df/dG of every term, and d2f/dgamma2 of all.

        Where second derivatives are costly, the average information A takes their place until the gap is small. Then
        the exact D = L M L', with A = L L', is found once, and elsewhere L M L' is taken with the L found there.
        """
        model, at = self.state.structure, self.solved(here)
        if not structure.is_costly(model):
            return structure.curvature(model, at, self.weights)
        duals, information = structure.curvature(model, at, self.weights, exact=False)
        L, status = lapack.dpotrf(information, lower=1)
        if status:
            return structure.curvature(model, at, self.weights)
        if self.correction is None and all(is_regular(T) for T in here.blocks):
            if newton_step(*chain(here.blocks, duals, information))[0] > CLOSE:
                return duals, information
            exact = structure.curvature(model, at, self.weights)[1]
            half = lapack.dtrtrs(L, exact, lower=1)[0]
            self.correction = lapack.dtrtrs(L, half.T, lower=1)[0]
        return duals, information if self.correction is None else L @ self.correction @ L.T


def newton_step(gradient: Array, hessian: Array) -> tuple[float, Array, Array]:
    """The decrement, and the lengths of the step along the axes of the Hessian, curvatures counting by their size."""
    curvature, axes, _ = lapack.dsyev(hessian)
    along = axes.T @ gradient
    size = np.abs(curvature)
    lengths = along / np.maximum(size, 1e-10 * max(size[-1], size[0], EPS))
    return float(along @ lengths / 2), lengths, axes
