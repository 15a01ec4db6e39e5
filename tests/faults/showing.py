"""Whether a planted fault must show on a case: what it moved, beside what rounding may move by the table of tolerances.

The table (docs/report.md, "Tolerances") says what an honest engine may be off by. A fault that moves a number by more
than twice that must show; one that moves none by half of it is no fault that anybody could see. Nothing here asks the
judge: the bounds are the table's, and what was moved is the planted answer less the honest one.
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import cache

import numpy as np
from scipy import special

from relmer.reference.answers import Answer, FTests, Inference, Intervals
from relmer.reports.evidence import (
    QUANTITIES,
    Profiled,
    allowance,
    carried,
    concluded,
    condition,
    conditioned,
    lost_of_terms,
    p_of,
    products,
    profiled_at,
    rounding_at,
    tolerances,
    uncentred,
    values,
)
from relmer.solver.paths import degrees_of_freedom

from .court import Court, court
from .fault import Fault

# Between half the bound and twice it nobody is held to anything.
EDGE = 2.0
# A difference must have this many times what an evaluation's rounding may be, entry by entry.
EVALUATION = 10 * tolerances.EVALUATION
# Degrees of freedom that are as good as none.
LEAST_DF = 1e-9


class Showing(StrEnum):
    """Whether a fault shows on a case."""

    MUST = "must show"
    EDGE = "at the edge of rounding"
    CANNOT = "cannot show"


def showing(fault: Fault, at: Court, planted: Answer) -> Showing:
    """Whether a fault must show on a case, by what it moved."""
    if fault.hidden:
        return Showing.CANNOT
    assert planted.estimates is not None
    if len(planted.estimates.theta) != len(at.theta):
        return Showing.MUST
    moved = max((estimates_moved if fault.cut else MOVED[fault.rung])(at, planted), default=0.0)
    return Showing.MUST if moved > EDGE else Showing.EDGE if moved > 1 / EDGE else Showing.CANNOT


def data_moved(at: Court, planted: Answer) -> Iterator[float]:
    """Data are compared exactly."""
    yield np.inf if planted.data != at.honest.data else 0.0


def model_moved(at: Court, planted: Answer) -> Iterator[float]:
    """Names and matrices are compared exactly; the sums of a matrix to what computed columns are known to."""
    mine, theirs = planted.model, at.honest.model
    assert mine is not None and theirs is not None
    for name in ("coefficients", "terms", "theta_names"):
        yield np.inf if getattr(mine, name) != getattr(theirs, name) else 0.0
    for name in ("X", "Z", "Lambda"):
        one, two = getattr(mine, name), getattr(theirs, name)
        if one.shape != two.shape:
            yield np.inf
        for part in ("total", "weighted"):
            wanted = getattr(two, part)
            yield abs(getattr(one, part) - wanted) / (tolerances.MATRIX * max(abs(wanted), 1e-300))


@cache
def criterion_bound(name: str, theta: tuple[float, ...]) -> float:
    """What rounding may move the criterion by at a theta, of an engine that centres nothing."""
    view = court(name).made.view
    return max(rounding_at(view, theta), uncentred(view, theta).criterion, products(view, theta))


def criterion_moved(at: Court, planted: Answer) -> Iterator[float]:
    """Of every theta that was asked."""
    for point in planted.criterion:
        off = np.inf if point.value is None else abs(point.value - at.value(point.theta))
        yield np.inf if not np.isfinite(off) else off / criterion_bound(at.name, point.theta)


def optimum_moved(at: Court, planted: Answer) -> Iterator[float]:
    """The gap to the optimum, and what is claimed beside what theta has."""
    said, view = planted.estimates, at.made.view
    assert said is not None
    there = at.value(said.theta)
    noise = max(tolerances.GAP * view.size, conditioned(view, said.theta), uncentred(view, said.theta).criterion)
    yield (there - at.value(at.theta)) / (2 * noise)
    yield abs(said.criterion - there) / criterion_bound(at.name, said.theta)


def estimates_moved(at: Court, planted: Answer) -> Iterator[float]:
    """Every entry of every quantity."""
    assert planted.estimates is not None
    mine, theirs = values(planted.estimates), values(at.said)
    for name in QUANTITIES:
        if mine[name].shape != theirs[name].shape:
            yield np.inf
        elif mine[name].size:
            bound = entry_bounds(at.name)[name]
            yield float(np.max(np.abs(mine[name] - theirs[name]) / np.maximum(bound, np.finfo(float).tiny)))


@cache
def entry_bounds(name: str) -> dict[str, np.ndarray]:
    """What every entry of the estimates may be off by, of an engine that centres nothing and stops within rounding."""
    at = court(name)
    view, said = at.made.view, values(at.said)
    moved, theta = uncentred(view, at.theta), at.theta
    d = degrees_of_freedom(at.design, at.REML)
    lost = float(np.expm1(max(moved.criterion, products(view, theta)) / d))
    relative = max(EVALUATION, 8 * carried(view, theta), tolerances.EPS * condition(view, theta))
    residual = tolerances.SLACK * moved.residual
    largest = np.maximum(np.abs(at.design.X).max(axis=0, initial=0.0), np.finfo(float).tiny)
    bounds = {}
    for quantity in QUANTITIES:
        size, scale = np.abs(said[quantity]), scale_of(at, quantity, said)
        slack = tolerances.SLACK * allowance(view, quantity, tolerances.GAP * view.size)
        match quantity:
            case "beta":
                excess = residual / largest
            case "fitted":
                excess = np.full(size.shape, residual)
            case "b":
                excess = residual / reach(at, "b")
            case _:
                excess = lost * size
        bounds[quantity] = relative * scale + slack + excess
    return bounds


def scale_of(at: Court, quantity: str, said: dict[str, np.ndarray]) -> np.ndarray:
    """What an entry's rounding is relative to; of theta, components and b the largest in units of what they do in V."""
    size, se = np.abs(said[quantity]), said["se"]
    match quantity:
        case "beta":
            return np.maximum(size, se)
        case "se":
            return size
        case "vcov":
            return np.outer(se, se).ravel()
        case "theta" | "varcomp" | "b":
            unit = reach(at, quantity)
            return np.max(size * unit, initial=0.0) / unit
    return np.full(size.shape, size.max(initial=0.0))


def reach(at: Court, quantity: str) -> np.ndarray:
    """How large the columns of Z are that an entry goes with."""
    sizes = [np.maximum(np.abs(term.X).max(axis=0), np.finfo(float).tiny) for term in at.design.terms]
    if quantity == "b":
        each = [np.tile(one, len(term.levels)) for one, term in zip(sizes, at.design.terms, strict=True)]
        return np.concatenate([*each, np.zeros(0)])
    power = 1 if quantity == "varcomp" else 0
    return np.array([s[i] * s[j] ** power for s in sizes for j in range(len(s)) for i in range(j, len(s))])


def inference_moved(at: Court, planted: Answer) -> Iterator[float]:
    """Every number that is concluded, beside what sums, quotients and differences for derivatives may be off by."""
    said, right = planted.inference, at.concluded
    assert said is not None
    tiny, bound = np.finfo(float).tiny, criterion_bound(at.name, at.theta)
    yield np.inf if said.df != right.df else 0.0
    for name in ("logLik", "AIC", "BIC"):
        yield abs(getattr(said, name) - getattr(right, name)) / bound
    of_estimates = entry_bounds(at.name)
    beta, se = np.array(at.said.beta), np.array(at.said.se)
    t = np.abs(beta / se)
    of_t = (of_estimates["beta"] + t * of_estimates["se"]) / se
    yield from np.abs(np.array(said.t) - np.array(right.t)) / np.maximum(of_t, tiny)
    if said.condsd is not None and right.condsd is not None:
        size = EVALUATION * max(right.condsd, default=0.0) + lost_of(at.name) * np.array(right.condsd)
        yield from np.abs(np.array(said.condsd) - np.array(right.condsd)) / np.maximum(size, tiny)
    yield from conclusions_moved(at, said, right)
    for method, tested in said.tests.items():
        honest, moved = right.tests[method], concluded(at.made.view, at.theta).differences
        df = np.array(honest.df)
        relative = EVALUATION + (df * moved if method == "satterthwaite" else 0.0)
        # Where differences leave the degrees of freedom open altogether, p may be that of any.
        lost = relative * df
        ends = [p_of(t + a * of_t, np.maximum(df + b * lost, LEAST_DF)) for a in (-1, 1) for b in (-1, 1)]
        of_p = np.max([np.abs(end - np.array(honest.p)) for end in ends], axis=0) + EVALUATION * np.array(honest.p)
        for name, size in {"df": df * relative, "t": of_t, "se": of_estimates["se"], "p": of_p}.items():
            yield from np.abs(np.array(getattr(tested, name)) - np.array(getattr(honest, name))) / np.maximum(
                size, tiny
            )


def conclusions_moved(at: Court, said: Inference, right: Inference) -> Iterator[float]:
    """The same of the ends of intervals and of predictions."""
    of, tiny = entry_bounds(at.name), np.finfo(float).tiny
    for method, test in said.F_tests.items():
        yield from F_tests_moved(at, method, test, right.F_tests[method])
    for method, ends in said.intervals.items():
        if method == "profile":
            yield from profile_moved(at, ends)
            continue
        z = float(special.ndtri((1 + ends.level) / 2))
        size = np.maximum(of["beta"] + z * of["se"], tiny)
        for mine, theirs in zip(bounds_of(ends), bounds_of(right.intervals[method]), strict=True):
            yield from np.abs(mine - theirs) / size
    if said.predictions is not None and right.predictions is not None:
        for name in ("population", "conditional"):
            value = np.array(getattr(said.predictions, name))
            size = np.maximum(of["fitted"][: len(value)], tiny)
            yield from np.abs(value - np.array(getattr(right.predictions, name))) / size


def profile_moved(at: Court, ends: Intervals) -> Iterator[float]:
    """The same of the profile's ends, beside what splines lose and 3 % of what a standard error is in the width."""
    found = profiled_at(at.made.view, ends.level)
    assert isinstance(found, Profiled)
    width = np.tile(np.array(found.ends.upper) - np.array(found.ends.lower), 2)
    size = found.splines + np.sqrt(tolerances.EARLY) * width / (2 * found.z)
    yield from np.abs(np.concatenate(bounds_of(ends)) - found.vector) / size


def F_tests_moved(at: Court, method: str, test: FTests, honest: FTests) -> Iterator[float]:
    """The same of the F tests: F by what its coefficients and their covariance are made of, all terms alike."""
    q, df, F = (np.array(getattr(honest, name)) for name in ("NumDF", "DenDF", "F"))
    lost = lost_of_terms(concluded(at.made.view, at.theta), method, honest.type, honest.terms)
    of, se = entry_bounds(at.name), np.array(at.said.se)
    off = float((of["beta"] / se).sum() + (of["se"] / se).max())
    of_F = 2 * np.sqrt(F / np.maximum(q, 1)) * off + 2 * F * off + lost.F + F * lost.df
    of_df = df * (EVALUATION + np.minimum(lost.df, 0.5))
    ends = [special.fdtrc(q, df + b * of_df, np.maximum(F + a * of_F, 0.0)) for a in (-1, 1) for b in (-1, 1)]
    of_p = np.max([np.abs(end - np.array(honest.p)) for end in ends], axis=0) + EVALUATION * np.array(honest.p)
    for name, size in {"NumDF": 0.0 * q, "DenDF": of_df, "F": of_F, "p": of_p}.items():
        moved = np.abs(np.array(getattr(test, name)) - np.array(getattr(honest, name)))
        yield from moved / np.maximum(size, np.finfo(float).tiny)


def bounds_of(ends: Intervals) -> tuple[np.ndarray, np.ndarray]:
    """Both ends as arrays."""
    return np.array(ends.lower), np.array(ends.upper)


def lost_of(name: str) -> float:
    """What sums may cost sigma, relative, of an engine that centres nothing."""
    at = court(name)
    view, moved = at.made.view, uncentred(at.made.view, at.theta)
    return float(np.expm1(max(moved.criterion, products(view, at.theta)) / degrees_of_freedom(at.design, at.REML)))


MOVED = {1: data_moved, 2: model_moved, 3: criterion_moved, 4: optimum_moved, 5: estimates_moved, 6: inference_moved}
