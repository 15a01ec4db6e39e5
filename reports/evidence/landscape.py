"""The criterion's landscape around the optimum of a case.

An engine's theta is evaluated by the definition (the `gls` path), and a gap in the criterion becomes what it allows
each estimate to move: the largest J d over the ellipsoid d'H d / 2 <= gap, that is sqrt(2 gap J H^-1 J').
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import linalg

from relmer.datasets import Case, free_of_fit
from relmer.reference.answers import Estimates
from relmer.reference.own_fits import estimates, fit_of, is_small
from relmer.reference.published import figures
from relmer.reports.evidence.figures import figure
from relmer.solver.arrays import Array
from relmer.solver.fits import Fit, at_par, at_theta
from relmer.solver.model import Design, is_structured, par_bounds
from relmer.solver.paths import Derivatives, Prepared, criterion, derivatives_at, prepare, size, solve_at

QUANTITIES = ("theta", "beta", "sigma", "se", "vcov", "varcomp", "b", "fitted", "V_diagonal", "V_rowsum")
# Of the solver's paths.
DEFINITION, FOR_ANY_SIZE = "gls", "pls"
STEP = 1e-3
NEGLIGIBLE = 1e-9


@dataclass(frozen=True)
class Landscape:
    """A case at its optimum.

    Attributes
    ----------
    fit
        This project's fit.
    definition
        The design prepared for evaluation by the definition.
    size
        Size of the criterion's parts: what its rounding is relative to.
    keys
        Keys of the printed figures that move with theta.
    """

    fit: Fit
    definition: Prepared
    size: float
    keys: frozenset[str]

    def takes(self, theta: Sequence[float]) -> bool:
        """Whether a theta has as many entries as the model's: one of another model has not."""
        return len(theta) == len(self.fit.optimum.theta)

    @cached_property
    def sensitivity(self) -> Mapping[str, Array]:
        """sqrt(J H^-1 J') of every component of every quantity and of every printed figure."""

        def everything(fit: Fit) -> dict[str, Array]:
            said = estimates(fit)
            return values(said) | {key: np.array([figure(fit.design, said, key)]) for key in self.keys}

        return sensitivity(self, everything)

    def derivatives(self, theta: Array) -> Derivatives:
        """Duals, gradient and Hessian of the criterion at theta."""
        return derivatives_at(self.fit.prepared, theta, self.fit.REML)


def landscape(case: Case) -> Landscape:
    """Fit the case, and prepare it for evaluation at any theta."""
    fit = fit_of(case.formula, case.dataset, case.reml, FOR_ANY_SIZE)
    return Landscape(
        fit=fit,
        definition=by_definition(fit.design),
        size=size(fit.design, fit.solution, case.reml),
        keys=frozenset(printed_keys(case)),
    )


def centred(view: Landscape, theta: Sequence[float]) -> Landscape:
    """The landscape around another theta: a lower optimum than this project's search has found."""
    return replace(view, fit=at_theta(view.fit, np.asarray(theta, dtype=float)))


def by_path(view: Landscape, method: str, theta: Sequence[float]) -> dict[str, Array]:
    """Every quantity at theta, by one of this project's paths."""
    path = replace(view.fit, prepared=prepare(view.fit.design, method))
    return values(estimates(at_theta(path, np.asarray(theta, dtype=float))))


def by_definition(design: Design) -> Prepared:
    """The design as the definition wants it; where V is too large to be written out, as the path for any size does."""
    return prepare(design, DEFINITION if is_small(design) else FOR_ANY_SIZE)


def printed_keys(case: Case) -> set[str]:
    """Keys of the printed figures that move with theta; with a sum of a fixed effect and b, that of b alone."""
    documents = {f.quantity for f in figures() if f.case == case.name and not free_of_fit(f.quantity)}
    added = {key.replace("coef[", "b[", 1) for key in documents if key.startswith("coef[")}
    return {*case.published, *documents, *added}


def values(answer: Estimates) -> dict[str, Array]:
    """Every quantity as a flat array; G, in units of sigma^2, beside them."""
    said = {name: np.asarray(getattr(answer, name), dtype=float).ravel() for name in QUANTITIES}
    return said | {"G": said["varcomp"] / answer.sigma**2}


def sensitivity(view: Landscape, evaluate: Callable[[Fit], Mapping[str, Array]]) -> dict[str, Array]:
    """sqrt(J H^-1 J') of what `evaluate` gives, by central differences along the axes of H.

    Directions that leave G as it is have no curvature, and count for nothing. A bound of a structure cuts them short.
    """
    fit, par = view.fit, view.fit.par.to_numpy()
    bounds = par_bounds(fit.design.terms) if is_structured(fit.design.terms) else (-np.inf, np.inf)
    total = {name: np.zeros(value.shape) for name, value in evaluate(fit).items()}
    if len(par) == 0:
        return total
    curvature, axes = linalg.eigh(view.derivatives(fit.optimum.theta).hessian)
    used = curvature > NEGLIGIBLE * curvature.max()
    for axis, eigenvalue in zip(axes.T[used], curvature[used], strict=True):
        step = STEP / np.sqrt(eigenvalue)
        ends = [np.clip(par + side * step * axis, *bounds) for side in (1.0, -1.0)]
        length = STEP * float((ends[0] - ends[1]) @ axis) / step
        upper, lower = (evaluate(at_par(fit, end)) for end in ends)
        for name in total if length > 0 else ():
            total[name] += ((upper[name] - lower[name]) / length) ** 2
    return {name: np.sqrt(square) for name, square in total.items()}


def criterion_at(view: Landscape, theta: Sequence[float]) -> float:
    """The criterion at theta by the definition."""
    return criterion(view.fit.design, solve_at(view.definition, np.asarray(theta, dtype=float)), view.fit.REML)


def estimates_at(view: Landscape, theta: Sequence[float]) -> dict[str, Array]:
    """Every quantity at theta, by this project's solver."""
    return values(estimates(at_theta(view.fit, np.asarray(theta, dtype=float))))


def allowance(view: Landscape, name: str, gap: float) -> Array:
    """How far each component of a quantity may be from the optimum's at a criterion `gap` above it."""
    return np.asarray(np.sqrt(2 * max(gap, 0.0)) * view.sensitivity[name])
