"""Is this convergence warning real? Where an engine stands, what its warnings are worth, and what would change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

from relmer.datasets import Case
from relmer.reports.doubts import Doubt, doubt_of
from relmer.reports.evidence import digits, estimates_at, evaluator_of, landscape, optimality, tolerances
from relmer.reports.records import Optimality
from relmer.solver.arrays import Array
from relmer.solver.fits import Fit
from relmer.solver.model import factors, theta_names

# |t| from which on a coefficient is commonly told from zero.
T_VALUE = 1.96
# A mean of so many spreads is far from zero: lme4's search begins to lose its way.
FAR = 10.0
# A spread of so many, or of one part in so many, is an odd unit: theta of a slope is then small or large for lme4.
UNIT = 1000.0
# Terms whose orders are all tried.
MOST_ORDERED = 4


@dataclass(frozen=True)
class Warned:
    """A warning, whether it is true (None where nobody can say), and why."""

    text: str
    is_true: bool | None
    why: str


@dataclass(frozen=True)
class Coefficient:
    """A coefficient by the engine's theta, and at the optimum."""

    name: str
    beta: float
    se: float
    best_beta: float
    best_se: float

    @property
    def t(self) -> float:
        """Of the engine's theta."""
        return self.beta / self.se

    @property
    def best_t(self) -> float:
        """Of the optimum."""
        return self.best_beta / self.best_se

    @property
    def turns(self) -> bool:
        """Whether |t| is on the other side of 1.96."""
        return (abs(self.t) > T_VALUE) is not (abs(self.best_t) > T_VALUE)


@dataclass(frozen=True)
class Explanation:
    """Where an engine stands.

    Attributes
    ----------
    engine, criterion_name
        Who, and what is smallest at the optimum.
    criterion, best
        At the engine's theta, and at the optimum.
    gap, noise
        How far it is above the optimum, and what rounding alone may show.
    proved
        Whether balls enclose these values.
    optimality, reason
        What its theta is.
    warnings
        Each, judged.
    coefficients
        In their order.
    theta_digits, V_change
        Correct digits of the worst entry of theta; the largest change of a variance of a row, relative.
    singular
        Names of theta that are zero at the optimum, where it is singular.
    far
        The covariate that lies farthest from zero, with its mean and spread; None if none is far.
    odd_unit
        The covariate whose spread is farthest from one, with its spread; None if none is far.
    lower
        Whether the engine lies below what this project's search found.
    theta, names
        lme4's theta at the optimum, and what its entries are.
    other_order
        What the entries of the engine's theta would be, were its terms in the order in which it stands at the optimum;
        none if there is no such order.
    """

    engine: str
    criterion_name: str
    criterion: float
    best: float
    gap: float
    noise: float
    proved: bool
    optimality: Optimality
    reason: str
    warnings: tuple[Warned, ...]
    coefficients: tuple[Coefficient, ...]
    theta_digits: float
    V_change: float
    singular: tuple[str, ...]
    far: tuple[str, float, float] | None
    odd_unit: tuple[str, float] | None
    lower: bool
    theta: tuple[float, ...]
    names: tuple[str, ...]
    other_order: tuple[str, ...]

    @property
    def stands(self) -> bool:
        """Whether it stands at the optimum, or so near that no estimate moves by more than 3 % of its error."""
        return self.gap <= max(tolerances.EARLY, self.noise)


def explain(case: Case, engine: str, theta: Sequence[float], warnings: Sequence[str]) -> Explanation:
    """Hold a theta against the optimum of a case.

    Parameters
    ----------
    case
        The model.
    engine
        Who gave theta.
    theta
        lme4's, k of them; checked against the model by the caller.
    warnings
        What the engine said.
    """
    view = landscape(case)
    fit, evaluator = view.fit, evaluator_of(None, view)
    optimum = fit.optimum.theta.tolist()
    here, there = evaluator.at(tuple(theta)), evaluator.at(tuple(optimum))
    gap = float(here.criterion - there.criterion)
    noise = tolerances.GAP * view.size + sum(0.0 if e.proved else float(e.uncertainty) for e in (here, there))
    found = optimality(view, theta, gap)
    said, at_best = estimates_at(view, theta), estimates_at(view, optimum)
    stands = gap <= max(tolerances.EARLY, noise)
    columns = zip(fit.design.coefficients, said["beta"], said["se"], at_best["beta"], at_best["se"], strict=True)
    V, best_V = said["V_diagonal"], at_best["V_diagonal"]
    return Explanation(
        engine=engine,
        criterion_name="REML criterion" if case.reml else "deviance",
        criterion=float(here.criterion),
        best=float(there.criterion),
        gap=gap,
        noise=noise,
        proved=here.proved and there.proved,
        optimality=found.optimality,
        reason=found.reason,
        warnings=tuple(judged(text, fit, gap, stands) for text in dict.fromkeys(warnings)),
        coefficients=tuple(Coefficient(name, *map(float, values)) for name, *values in columns),
        theta_digits=digits("theta", np.asarray(theta, dtype=float), np.asarray(optimum)),
        V_change=float(np.max(np.abs(V - best_V) / best_V)),
        singular=zeros_of(fit),
        far=farthest(fit),
        odd_unit=odd_unit(fit),
        lower=gap < -noise,
        theta=tuple(optimum),
        names=theta_names(fit.design.terms),
        other_order=()
        if stands
        else other_order(fit, theta, lambda other: evaluator.at(other).criterion, there.criterion),
    )


def other_order(
    fit: Fit, theta: Sequence[float], criterion: Callable[[tuple[float, ...]], Any], best: Any
) -> tuple[str, ...]:
    """What the entries of theta are if it stands at the optimum with its terms in another order, as in a formula.

    lme4 puts the term of the most levels first, whatever comes first in the formula.
    """
    terms, names = fit.design.terms, theta_names(fit.design.terms)
    if not 2 <= len(terms) <= MOST_ORDERED:
        return ()
    places = np.split(np.arange(len(names)), np.cumsum([len(theta_names([term])) for term in terms])[:-1])
    for order in list(permutations(places))[1:]:
        at = np.concatenate(order)
        read = np.empty(len(names))
        read[at] = theta
        if abs(float(criterion(tuple(read.tolist())) - best)) <= tolerances.EARLY:
            return tuple(names[i] for i in at)
    return ()


def zeros_of(fit: Fit) -> tuple[str, ...]:
    """Names of theta on the diagonal that are zero at the optimum, in whatever unit a covariate is.

    T_kk is the standard deviation of effect k given those before it, relative to sigma; times the root mean square of
    its column it is what that adds to y, which no unit changes. lme4 looks at T_kk alone.
    """
    terms, first, found = fit.design.terms, 0, list[str]()
    names = theta_names(terms)
    for term, T in zip(terms, factors(terms, fit.optimum.theta), strict=True):
        pattern = term.structure.pattern(len(term.columns))
        added = np.abs(np.diag(T)) * np.sqrt(np.mean(term.X**2, axis=0))
        entries = pattern.entry[pattern.rows == pattern.columns]
        found += dict.fromkeys(names[first + entry] for entry in entries[added < tolerances.SINGULAR])
        first += pattern.size
    return tuple(found)


def farthest(fit: Fit) -> tuple[str, float, float] | None:
    """The covariate whose mean is the most of its spreads away from zero, if that is far: its name, mean, spread."""
    far = [found for found in moments(fit) if 0 < found[2] * FAR < abs(found[1])]
    return max(far, key=lambda found: abs(found[1]) / found[2], default=None)


def odd_unit(fit: Fit) -> tuple[str, float] | None:
    """The covariate whose spread is farthest from one, if that is far: its name and spread."""
    odd = [(name, spread) for name, _, spread in moments(fit) if spread > 0 and not 1 / UNIT < spread < UNIT]
    return max(odd, key=lambda found: abs(np.log(found[1])), default=None)


def moments(fit: Fit) -> list[tuple[str, float, float]]:
    """Name, mean and spread of the columns of X and of the model matrices of the terms."""
    columns: list[tuple[str, Array]] = [*zip(fit.design.coefficients, fit.design.X.T, strict=True)]
    columns += [
        (name, values) for term in fit.design.terms for name, values in zip(term.columns, term.X.T, strict=True)
    ]
    return [(name, float(values.mean()), float(values.std())) for name, values in columns]


def judged(text: str, fit: Fit, gap: float, stands: bool) -> Warned:
    """Say whether a warning is true."""
    match doubt_of(text):
        case Doubt.RANK:
            dropped = ", ".join(fit.dropped)
            return Warned(text, bool(dropped), f"{dropped} follows from the others" if dropped else "X has full rank")
        case Doubt.CONVERGENCE | Doubt.HESSIAN:
            return Warned(text, *of_steps(fit, gap, stands))
        case Doubt.SINGULAR:
            return Warned(text, *of_singularity(fit))
        case Doubt.SCALES:
            return Warned(text, not stands, "it did no harm here" if stands else "it did harm here")
    return Warned(text, None, "it speaks of something else")


def of_steps(fit: Fit, gap: float, stands: bool) -> tuple[bool, str]:
    """Whether it is true that a search has not converged, and why."""
    if fit.optimum.unidentified:
        return True, f"the data do not tell apart {'; '.join(map(', '.join, fit.optimum.unidentified))}"
    if stands:
        return False, f"it stands {max(gap, 0.0):.1e} above the optimum, which moves nothing"
    return True, f"it stands {gap:.4g} above the optimum"


def of_singularity(fit: Fit) -> tuple[bool, str]:
    """Whether it is true that a fit is singular, and why."""
    zeros = zeros_of(fit)
    if fit.singular or zeros:
        return True, f"{', '.join(zeros) or 'a covariance matrix'} has not full rank at the optimum too"
    small = any(np.diag(T).min() < tolerances.SINGULAR for T in factors(fit.design.terms, fit.optimum.theta))
    unit = ", where theta is small by the unit of a covariate" if small else ""
    return False, f"no covariance matrix is singular at the optimum{unit}"
