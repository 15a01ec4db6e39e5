"""The criterion's landscape around the optimum of a case.

An engine's theta is evaluated by the definition (the `gls` path), and a gap in the criterion becomes what it allows
each estimate to move: the largest J d over the ellipsoid d'H d / 2 <= gap, that is sqrt(2 gap J H^-1 J').
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import linalg

from relmer.datasets import Case, free_of_fit
from relmer.reference.answers import Estimates
from relmer.reference.own_fits import estimates, fit_of, is_small
from relmer.reference.published import figures
from relmer.reports.evidence.figures import figure, has_figure
from relmer.solver.arrays import Array
from relmer.solver.fits import Fit, at_par, at_theta
from relmer.solver.model import Design, is_structured, par_bounds
from relmer.solver.paths import Derivatives, Prepared, criterion, derivatives_at, prepare, size, solve_at
from relmer.solver.search import optimise

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

    @cached_property
    def fits(self) -> dict[tuple[float, ...], Fit]:
        """The model at each theta that was asked for: several engines are held against the same."""
        return {}

    @cached_property
    def evaluated(self) -> dict[tuple[float, ...], dict[str, Array]]:
        """Every quantity at each of these theta."""
        return {}

    @cached_property
    def concluded(self) -> dict[tuple[float, ...], Any]:
        """What is concluded at each theta that was asked for (`Concluded`)."""
        return {}

    @cached_property
    def remembered(self) -> dict[tuple[Any, ...], Any]:
        """What else was found here, by what it is and of what: every engine's every quantity asks for the same."""
        return {}

    def takes(self, theta: Sequence[float]) -> bool:
        """Whether a theta has as many entries as the model's: one of another model has not."""
        return len(theta) == len(self.fit.optimum.theta)

    @cached_property
    def sensitivity(self) -> Mapping[str, Array]:
        """sqrt(J H^-1 J') of every component of every quantity and of every printed figure that the model has."""
        keys = [key for key in self.keys if has_figure(self.fit.design, estimates(self.fit), key)]

        def everything(fit: Fit) -> dict[str, Array]:
            said = estimates(fit)
            return values(said) | {key: np.array([figure(fit.design, said, key)]) for key in keys}

        return sensitivity(self, everything)

    def derivatives(self, theta: Array) -> Derivatives:
        """Duals, gradient and Hessian of the criterion at theta."""
        return derivatives_at(self.fit.prepared, theta, self.fit.REML)


def landscape(case: Case) -> Landscape:
    """Fit the case, and prepare it for evaluation at any theta."""
    fit = fit_of(case, FOR_ANY_SIZE)
    return Landscape(
        fit=fit,
        definition=by_definition(fit.design),
        size=size(fit.design, fit.solution, case.reml),
        keys=frozenset(printed_keys(case)),
    )


def refitted(view: Landscape, design: Design) -> Landscape:
    """The landscape of another design of the same rows, at its own optimum.

    Raises
    ------
    ModelError
        The design has none.
    """
    prepared = prepare(design, FOR_ANY_SIZE)
    optimum, solution = optimise(prepared, view.fit.REML)
    fit = replace(view.fit, prepared=prepared, optimum=optimum, solution=solution)
    return Landscape(fit, by_definition(design), size(design, solution, fit.REML), view.keys)


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


@np.errstate(divide="ignore", invalid="ignore")
def values(answer: Estimates) -> dict[str, Array]:
    """Every quantity as a flat array; G, in units of sigma^2, beside them."""
    said = {name: np.asarray(getattr(answer, name), dtype=float).ravel() for name in QUANTITIES}
    return said | {"G": said["varcomp"] / answer.sigma**2}


def sensitivity(view: Landscape, evaluate: Callable[[Fit], Mapping[str, Array]]) -> dict[str, Array]:
    """sqrt(J H^-1 J') of what `evaluate` gives, by central differences along the axes of H.

    Directions that leave G as it is have no curvature, and count for nothing. A bound of a structure cuts them short.
    """
    total = {name: np.zeros(value.shape) for name, value in evaluate(view.fit).items()}
    for upper, lower, length in along_axes(view):
        high, low = evaluate(upper), evaluate(lower)
        for name in total:
            total[name] += ((high[name] - low[name]) / length) ** 2
    return {name: np.sqrt(square) for name, square in total.items()}


def along_axes(view: Landscape) -> Iterator[tuple[Fit, Fit, float]]:
    """The fits a step up and a step down along each axis of H that has curvature, and how far apart in its root's unit.

    The axes are those of par, which is theta where no term has a structure. There an entry counts in the unit in which
    it moves Z Lambda as any other does, so that no direction seems flat for the units of its column.
    """
    fit, par = view.fit, view.fit.par.to_numpy()
    if len(par) == 0:
        return
    bounds = par_bounds(fit.design.terms) if is_structured(fit.design.terms) else (-np.inf, np.inf)
    unit = reach(fit.design)
    curvature, axes = linalg.eigh(view.derivatives(fit.optimum.theta).hessian * np.outer(unit, unit))
    used = curvature > NEGLIGIBLE * curvature.max()
    for axis, eigenvalue in zip(axes.T[used], curvature[used], strict=True):
        step = STEP / np.sqrt(eigenvalue)
        ends = [np.clip(par + side * step * unit * axis, *bounds) for side in (1.0, -1.0)]
        length = STEP * float(((ends[0] - ends[1]) / unit) @ axis) / step
        if length > 0:
            yield at_par(fit, ends[0]), at_par(fit, ends[1]), length


def reach(design: Design) -> Array:
    """For each entry of par 1 / the largest entry of its column of Z; ones where terms have structures."""
    if is_structured(design.terms):
        return np.ones(len(par_bounds(design.terms)[0]))
    largest = [np.abs(term.X).max(axis=0, initial=0.0) for term in design.terms]
    entries = [one[i] for one in largest for j in range(len(one)) for i in range(j, len(one))]
    return np.array([1.0 / entry if entry else 1.0 for entry in entries])


def beta_by_theta(view: Landscape) -> Array:
    """C (p, k) with C C' = J H^-1 J', J = d beta / d theta."""
    columns = [(upper.beta.to_numpy() - lower.beta.to_numpy()) / length for upper, lower, length in along_axes(view)]
    return np.column_stack(columns) if columns else np.zeros((len(view.fit.beta), 0))


def criterion_at(view: Landscape, theta: Sequence[float]) -> float:
    """The criterion at theta by the definition."""
    return criterion(view.fit.design, solve_at(view.definition, np.asarray(theta, dtype=float)), view.fit.REML)


def model_at(view: Landscape, theta: Sequence[float]) -> Fit:
    """The model at theta, by this project's solver."""
    at = tuple(map(float, theta))
    if at not in view.fits:
        view.fits[at] = at_theta(view.fit, np.asarray(at))
    return view.fits[at]


def estimates_at(view: Landscape, theta: Sequence[float]) -> dict[str, Array]:
    """Every quantity at theta, by this project's solver."""
    at = tuple(map(float, theta))
    if at not in view.evaluated:
        view.evaluated[at] = values(estimates(model_at(view, at)))
    return view.evaluated[at].copy()


def allowance(view: Landscape, name: str, gap: float) -> Array:
    """How far each component of a quantity may be from the optimum's at a criterion `gap` above it."""
    return np.asarray(np.sqrt(2 * max(gap, 0.0)) * view.sensitivity[name])
