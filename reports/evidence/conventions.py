"""Known conventions and slips of other programs: what a value would be by each of them, computed.

A value that is not the definition's but equals one of these to the digits of an evaluation is named by it. Sources: the
manuals of nlme (standard errors under ML times sqrt(n / (n - p)), Pinheiro & Bates 2000, 2.2), SAS PROC MIXED and
statsmodels (constants of the log-likelihood), and field.md's list of what engines got wrong.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from relmer.reports.evidence import tolerances
from relmer.reports.evidence.landscape import Landscape, estimates_at
from relmer.reports.evidence.recoded import recoded
from relmer.reports.evidence.uncentred import uncentred
from relmer.reports.evidence.unprofiled import joint_vcov
from relmer.solver.arrays import Array
from relmer.solver.model import response, weighted
from relmer.solver.paths import degrees_of_freedom

Known = list[tuple[str, Array]]
# Half a unit of the last place of a float of 24 bits; of what is computed in it a sum of n terms loses n of them
# (Higham 2002, section 3.1), and a number that is only stored in it a few.
SINGLE, FEW = 2.0**-24, 8
# A convention is the cause only if it leaves no more than this of the difference.
EXPLAINED = 1e-3
# Where rounding leaves less, a digit of the difference must be left above all that rounding may move: what is left of
# one value by chance, where rounding may move it from any convention to any other, tells nothing.
DIGIT = 10.0


def convention(view: Landscape, name: str, said: Array, at: Mapping[str, Array]) -> str:
    """Name the convention by which the definition's values `at` a theta become what was said; empty if none does.

    Parameters
    ----------
    view
        Whose model it is.
    name
        A quantity of an answer.
    said
        What the engine says of it.
    at
        The definition's values at the engine's theta, `criterion` among them.
    """
    value = at[name]
    if said.shape != value.shape or not np.all(np.isfinite(said)):
        return ""
    if known := next(fitting(view, name, said, at), ""):
        return known
    scale = max(float(np.abs(value).max(initial=0.0)), np.finfo(float).tiny)
    if name in ("se", "vcov") and is_joint(joint_vcov(view, at), name, said, value):
        return "with the uncertainty of theta added, as the inverse of the joint information of beta and theta has it"
    single = np.abs(said - value) <= max(FEW, len(view.fit.design.y)) * SINGLE * scale
    return "single precision" if np.all(single) and np.all(said == said.astype(np.float32)) else ""


def fitting(view: Landscape, name: str, said: Array, at: Mapping[str, Array]) -> Iterator[str]:
    """Every convention by which the definition's values become what was said."""
    value = at[name]
    scale = float(np.abs(value).max(initial=0.0))
    rounding = rounding_of(view, name, at)
    for told, candidate in candidates(view, name, at):
        # Of what is nought once the rest is taken off, the rounding of the subtraction is left.
        size = max(float(np.abs(candidate).max(initial=0.0)), FEW * tolerances.EPS / tolerances.EVALUATION * scale)
        off, apart = np.abs(said - candidate).max(initial=0.0), np.abs(candidate - value).max(initial=0.0)
        known_to = max(tolerances.EVALUATION, rounding.relative) * size + rounding.absolute
        told_apart = off <= known_to and DIGIT * known_to <= apart
        if told_apart or off <= min(tolerances.EVALUATION * size, EXPLAINED * apart):
            yield told


def everywhere(view: Landscape, thetas: Sequence[Sequence[float]], said: Array, wanted: Array) -> str:
    """Name the convention by which the definition's criterion becomes what was said at every theta; empty if none does.

    At one theta alone two may give the same: at zero log|RX|^2 is log|X'WX|.
    """
    common: list[str] | None = None
    for theta, value, reference in zip(thetas, said, wanted, strict=True):
        if not view.takes(theta):
            return ""
        at = estimates_at(view, theta) | {"criterion": np.array([reference])}
        found = [*fitting(view, "criterion", np.array([value]), at)]
        common = found if common is None else [told for told in common if told in found]
        if not common:
            return ""
    return next(iter(common or ()), "")


@dataclass(frozen=True)
class Rounding:
    """To what a quantity is known where the response is far from zero: a part of it, and an amount."""

    relative: float
    absolute: float


def rounding_of(view: Landscape, name: str, at: Mapping[str, Array]) -> Rounding:
    """To what the values of an engine that does not centre the response are known; nothing where that loses little.

    The criterion has d log(pwrss), sigma^2 goes with pwrss, a fitted value with the residual; y itself is a double.
    """
    moved = uncentred(view, at["theta"].tolist()) if "theta" in at else None
    y = float(np.abs(response(view.fit.design)).max(initial=0.0))
    if moved is None or not moved.residual:
        return Rounding(0.0, FEW * tolerances.EPS * y if name == "fitted" else 0.0)
    relative = float(np.expm1(moved.criterion / degrees_of_freedom(view.fit.design, view.fit.REML)))
    if name == "criterion":
        return Rounding(0.0, moved.criterion)
    if name == "fitted":
        return Rounding(0.0, tolerances.SLACK * moved.residual + FEW * tolerances.EPS * y)
    return Rounding(relative, 0.0)


def is_joint(joint: Array, name: str, said: Array, value: Array) -> bool:
    """Whether the covariance that counts theta as estimated explains what is said.

    It comes of a Hessian, and that of a program is the one where it stopped, in its own chart: in the basin of the
    optimum they differ by a part of about the root of the gap. So what is left must be no more than the root of EARLY
    of the difference.
    """
    candidate = np.sqrt(np.diag(joint)) if name == "se" else joint.ravel()
    off, apart = np.abs(said - candidate).max(initial=0.0), np.abs(candidate - value).max(initial=0.0)
    return bool(off <= np.sqrt(tolerances.EARLY) * apart)


@dataclass(frozen=True)
class Place:
    """The definition's values at a theta, and the sizes that conventions differ in.

    Attributes
    ----------
    view, at
        The model, and the values by quantity.
    n, p
        Rows and coefficients.
    d, other
        The divisor of the residual variance, and the one that it is not: n - p and n, or n and n - p.
    sigma2
        The residual variance.
    """

    view: Landscape
    at: Mapping[str, Array]
    n: int
    p: int
    d: int
    other: int
    sigma2: float


def candidates(view: Landscape, name: str, at: Mapping[str, Array]) -> Known:
    """Each convention's value of a quantity.

    Examples
    --------
    >>> from relmer.datasets import case
    >>> from relmer.reference.own_fits import estimates
    >>> from relmer.reports.evidence import landscape, values
    >>> view = landscape(case("sleepstudy/slopes-ml"))
    >>> [told for told, _ in candidates(view, "sigma", values(estimates(view.fit)))][0]
    'sigma with the divisor 178 for 180'
    """
    n, p = view.fit.design.X.shape
    d = degrees_of_freedom(view.fit.design, view.fit.REML)
    other = n if view.fit.REML else n - p
    known = KNOWN.get(name)
    sigma2 = float(at["sigma"][0]) ** 2
    found = known(Place(view=view, at=at, n=n, p=p, d=d, other=other, sigma2=sigma2)) if known else []
    return [*found, *(recoded(view.fit.design, name, at) if "theta" in at else [])]


def of_criterion(here: Place) -> Known:
    """Constants that are left out or of another size; each as -2 log L, half of it, and with either sign."""
    value, d, design = here.at["criterion"], here.d, here.view.fit.design
    one = np.log(2 * np.pi)
    constants = [
        ("", value),
        ("without the constant d log(2 pi)", value - d * one),
        ("without the constant d", value - d),
        ("without the constant d (1 + log(2 pi))", value - d * (1 + one)),
        ("without the constant d (1 + log(2 pi / d))", value - d * (1 + np.log(2 * np.pi / d))),
    ]
    if here.view.fit.REML:
        _, X, _ = weighted(design)
        log_det = float(2 * np.log(np.abs(np.diag(np.linalg.qr(X, mode="r")))).sum())
        constants += [
            ("with log|X'WX| taken off, as some restricted likelihoods have it", value - log_det),
            (f"with {here.n} log(2 pi) for {d} log(2 pi)", value + here.p * one),
        ]
    if design.weights is not None:
        log_W = np.log(design.weights).sum()
        constants.append(("without the sum of the logarithms of the weights", value + log_W))
        constants.append(("with the sum of the logarithms of the weights added, not taken off", value + 2 * log_W))
    forms = {"": 1.0, "as a log-likelihood, not -2 times it": -0.5, "with its sign turned": -1.0, "halved": 0.5}
    pairs = [(form, told, factor * number) for form, factor in forms.items() for told, number in constants]
    return [(" ".join(filter(None, (form, told))), number) for form, told, number in pairs if form or told]


def of_sigma(here: Place) -> Known:
    """The other divisor, or its correction a second time; the variance."""
    value, ratio = here.at["sigma"], here.d / here.other
    return [
        (f"sigma with the divisor {here.other} for {here.d}", value * np.sqrt(ratio)),
        (f"sigma times sqrt({here.other}/{here.d}), which its divisor {here.d} has already", value / np.sqrt(ratio)),
        ("the residual variance, not its root", value**2),
    ]


def of_se(here: Place) -> Known:
    """The other divisor; variances; units of sigma."""
    value, n, left = here.at["se"], here.n, here.n - here.p
    return [
        (f"standard errors times sqrt({n}/{left})", value * np.sqrt(n / left)),
        (f"standard errors times sqrt({left}/{n})", value * np.sqrt(left / n)),
        ("variances, not standard errors", value**2),
        ("standard errors in units of sigma", value / np.sqrt(here.sigma2)),
        ("standard errors of the information's diagonal alone, not of its inverse", diagonal_alone(here.at["vcov"])),
    ]


def diagonal_alone(vcov: Array) -> Array:
    """Standard errors of who inverts the diagonal of the information: 1 / sqrt of it."""
    p = int(np.sqrt(vcov.size))
    return np.asarray(1 / np.sqrt(np.diag(np.linalg.inv(vcov.reshape(p, p))))) if p else np.zeros(0)


def of_vcov(here: Place) -> Known:
    """The other divisor; units of sigma^2."""
    value, n, left = here.at["vcov"], here.n, here.n - here.p
    C = value.reshape(here.p, here.p)
    se = np.sqrt(np.diag(C))
    return [
        ("the information, not its inverse", np.linalg.inv(C).ravel()),
        ("the diagonal alone, without covariances", np.diag(np.diag(C)).ravel()),
        ("correlations, not covariances", (C / np.outer(se, se)).ravel()),
        (f"covariances times {n}/{left}", value * n / left),
        (f"covariances times {left}/{n}", value * left / n),
        ("covariances in units of sigma^2", value / here.sigma2),
    ]


def of_varcomp(here: Place) -> Known:
    """Units of sigma^2; the other divisor; standard deviations, where no covariance stands between them."""
    value = here.at["varcomp"]
    found = [
        ("variance components in units of sigma^2", value / here.sigma2),
        (f"variance components times {here.d}/{here.other}", value * here.d / here.other),
        (f"variance components times {here.other}/{here.d}", value * here.other / here.d),
    ]
    if all(len(term.columns) == 1 for term in here.view.fit.design.terms):
        found.append(("standard deviations, not variances", np.sqrt(np.maximum(value, 0.0))))
    return found


def of_V(name: str, here: Place) -> Known:
    """Units of sigma^2; the other divisor; the covariance without the residual's."""
    value, weights = here.at[name], here.view.fit.design.weights
    return [
        ("V in units of sigma^2", value / here.sigma2),
        (f"V times {here.d}/{here.other}", value * here.d / here.other),
        (f"V times {here.other}/{here.d}", value * here.other / here.d),
        ("Z G Z', without R", value - here.sigma2 / (1.0 if weights is None else weights)),
    ]


def of_fitted(here: Place) -> Known:
    """Residuals; one part of the sum."""
    value, design = here.at["fitted"], here.view.fit.design
    population = design.X @ here.at["beta"]
    known = (
        []
        if design.offset is None
        else [("X beta and the offset, without the random effects", population + design.offset)]
    )
    return [
        *known,
        ("residuals, not fitted values", design.y - value),
        ("fitted values without the random effects", population),
        ("what the random effects add, without X beta", value - population),
    ]


KNOWN: Mapping[str, Callable[[Place], Known]] = {
    "criterion": of_criterion,
    "sigma": of_sigma,
    "se": of_se,
    "vcov": of_vcov,
    "varcomp": of_varcomp,
    "V_diagonal": partial(of_V, "V_diagonal"),
    "V_rowsum": partial(of_V, "V_rowsum"),
    "fitted": of_fitted,
}
