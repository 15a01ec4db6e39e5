"""Faults of rung 4: the right criterion, and not its optimum; what the engine says holds where it stops."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from scipy import optimize

from relmer.reference.answers import Answer
from relmer.reports.evidence import tolerances
from relmer.solver.model import factors, theta_near

from .court import Court, refitted
from .criterion import lower
from .fault import (
    FIXED,
    FREE,
    GROUPED,
    REGULAR,
    SLOPES,
    TERMS,
    THREE,
    Fault,
    Where,
    table,
)

ABOVE = r"above the (optimum|lowest)"
# Gaps from what no summary prints to a criterion that is one too high.
GAPS = (1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 9e-4, 2e-3, 1e-2, 0.1, 1.0)
FREE_GROUPED = FREE & GROUPED
FARTHEST = 60


def stops(gap: float) -> Callable[[Court], Answer | None]:
    """An engine that stops so far above the optimum, on the way from a larger theta."""

    def plant(court: Court) -> Answer | None:
        start, best = np.array(court.theta), court.value(court.theta)
        way = np.where(court.design.template.diagonal, 1.0, 0.5) / reach(court)

        def above(step: float) -> float:
            return court.value(start + step * way) - best - gap

        far = next((2.0**k for k in range(-20, FARTHEST) if above(2.0**k) > 0), None)
        return None if far is None else court.at(start + optimize.brentq(above, 0.0, far, xtol=1e-15, rtol=1e-14) * way)

    return plant


def reach(court: Court) -> np.ndarray:
    """For each entry of theta, the size of the column that it moves, in units of that of the response's spread."""
    sizes = [np.maximum(np.abs(term.X).max(axis=0), 1e-300) for term in court.design.terms]
    return np.array([one[i] for one in sizes for j in range(len(one)) for i in range(j, len(one))])


def moved(change: Callable[[Court, np.ndarray], np.ndarray]) -> Callable[[Court], Answer]:
    """An engine that stops at another theta."""
    return lambda court: court.at(change(court, np.array(court.theta)))


def prints(change: Callable[[Court, np.ndarray], object]) -> Callable[[Court], Answer]:
    """An engine that prints another theta than that of its estimates."""

    def plant(court: Court) -> Answer:
        theta = np.asarray(change(court, np.array(court.theta)), dtype=float)
        return court.says(theta=tuple(theta.tolist()))

    return plant


def first_variance_zero(court: Court, theta: np.ndarray) -> np.ndarray:
    """A variance of zero, and its covariances."""
    width = court.widths[0]
    theta[:width] = 0.0
    return theta


def last_variance_zero(court: Court, theta: np.ndarray) -> np.ndarray:
    """The last standard deviation on the diagonal of T zero."""
    theta[-1] = 0.0
    return theta


def one_entry_optimised(court: Court, theta: np.ndarray) -> np.ndarray:
    """The first entry at its optimum, the others where they began."""
    start = court.design.template.diagonal.astype(float)
    start[0] = theta[0]
    return start


def rounded(digits: int, court: Court, theta: np.ndarray) -> np.ndarray:
    """theta as it is printed."""
    return np.array([float(f"{entry:.{digits - 1}e}") for entry in theta])


def uncorrelated(court: Court, theta: np.ndarray) -> np.ndarray:
    """No covariances."""
    return np.where(court.design.template.diagonal, theta, 0.0)


def of_the_other(court: Court) -> Answer | None:
    """The optimum of the other of ML and REML, evaluated as asked."""
    other = refitted(court.fit, court.design, not court.REML)
    return None if other is None else court.at(other.optimum.theta)


def of_T(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Court, np.ndarray], object]:
    """theta of another G, term by term."""

    def theta(court: Court, at: np.ndarray) -> object:
        terms = court.design.terms
        return theta_near(terms, [lower(change(T)) for T in factors(terms, at)])

    return theta


def triangle_of(
    change: Callable[[np.ndarray], np.ndarray], rows: bool = False
) -> Callable[[Court, np.ndarray], object]:
    """The lower triangle of another matrix than T, by columns or by rows."""

    def theta(court: Court, at: np.ndarray) -> object:
        entries = []
        for T in factors(court.design.terms, at):
            M, width = change(T), len(T)
            places = [(i, j) for j in range(width) for i in range(j, width)]
            entries += [M[place] for place in (sorted(places) if rows else places)]
        return entries

    return theta


def claims(off: float) -> Callable[[Court], Answer]:
    """An engine that prints a criterion that its theta has not."""
    return lambda court: court.says(criterion=court.said.criterion + off)


def claims_the_optimum(court: Court) -> Answer | None:
    """The criterion of the optimum, and a theta that is 1 above it."""
    elsewhere = stops(1.0)(court)
    if elsewhere is None or elsewhere.estimates is None:
        return None
    return replace(elsewhere, estimates=replace(elsewhere.estimates, criterion=court.said.criterion))


def another_optimum(court: Court) -> Answer | None:
    """Another local optimum, where there is one."""
    best, start = court.value(court.theta), np.array(court.theta)
    for size in (0.0, 0.1, 3.0, 30.0):
        found = optimize.minimize(
            court.value,
            np.where(court.design.template.diagonal, size, 0.0),
            method="L-BFGS-B",
            bounds=[(0.0, 1e3) if on else (-1e3, 1e3) for on in court.design.template.diagonal],
        )
        if found.fun - best > tolerances.EARLY and np.max(np.abs(found.x - start)) > 0.1:
            return court.at(found.x)
    return None


def turned(court: Court) -> Answer:
    """Every T with the sign of its first column turned: the same G."""
    theta, first = np.array(court.theta), 0
    for width in court.widths:
        theta[first : first + width] *= -1
        first += width * (width + 1) // 2
    return court.at(theta)


def another_share(court: Court) -> Answer:
    """Another share of a sum of two variances, of which the data tell the sum alone."""
    theta = np.array(court.theta)
    total = theta[0] ** 2 + theta[1] ** 2
    covariance = theta[1] * theta[2]
    first = 0.5 * theta[0]
    second = np.sqrt(total - first**2)
    slope = covariance / second
    last = np.sqrt(theta[2] ** 2 + theta[3] ** 2 - slope**2)
    return court.at([first, second, slope, last])


SUM_ALONE = Where("two intercepts stand for one factor", lambda c: c.name == "drawn/two-intercepts")
TWO_OPTIMA = Where("there is another local optimum", lambda c: c.name.startswith("two-optima"))
ZERO_IS_WRONG = FREE_GROUPED & REGULAR


def far_from_optimum() -> Iterator[Fault]:
    """A stop above the optimum."""
    for gap in GAPS:
        yield Fault(f"stops {gap:g} above the optimum", 4, ABOVE, FREE_GROUPED, stops(gap))
    yield from table(
        4,
        [
            ("a variance of zero", ABOVE, ZERO_IS_WRONG, moved(first_variance_zero)),
            ("the last variance of zero", ABOVE, ZERO_IS_WRONG & SLOPES, moved(last_variance_zero)),
            ("all variances zero", ABOVE, ZERO_IS_WRONG, moved(lambda c, theta: 0 * theta)),
            (
                "stops where it began",
                ABOVE,
                GROUPED,
                moved(lambda c, theta: c.design.template.diagonal.astype(float)),
            ),
            ("stops after one entry of theta", ABOVE, SLOPES, moved(one_entry_optimised)),
            ("a cap on theta", ABOVE, ZERO_IS_WRONG, moved(lambda c, theta: theta / 2)),
            (
                "a floor under theta",
                ABOVE,
                GROUPED,
                moved(lambda c, theta: np.where(c.design.template.diagonal, theta + 1, theta)),
            ),
            ("stops without covariances", ABOVE, SLOPES, moved(uncorrelated)),
            ("another local optimum", ABOVE, TWO_OPTIMA, another_optimum),
            ("the optimum of the other of ML and REML", ABOVE, GROUPED & FIXED, of_the_other),
        ],
    )


def other_claims() -> Iterator[Fault]:
    """A criterion, or a theta, that does not go with the rest."""
    own = "criterion at its own theta"
    for off in (1e-6, 1e-3, -1e-6, -1.0):
        yield Fault(
            f"claims a criterion {off:+g} off", 4, "it printed .*, the definition gives", GROUPED, claims(off), own
        )
    yield from table(
        4,
        [
            (
                "claims the optimum, 1 above it",
                "it printed .*, the definition gives",
                FREE_GROUPED,
                claims_the_optimum,
                own,
            ),
            (
                "claims a log-likelihood",
                "as a log-likelihood",
                GROUPED,
                lambda c: c.says(criterion=-c.said.criterion / 2),
                own,
            ),
            ("prints theta to 3 digits", "it printed|above", FREE_GROUPED, prints(partial(rounded, 3))),
            (
                "prints theta in the units of the response",
                "units of the response",
                FREE_GROUPED,
                prints(lambda c, t: t * c.fit.sigma),
                own,
            ),
            ("prints theta in reverse order", "it printed", SLOPES, prints(lambda c, t: t[::-1])),
            ("prints the terms' theta in reverse order", "it printed", TERMS & FREE, prints(terms_reversed)),
            (
                "prints T transposed",
                "it printed .*, the definition gives",
                SLOPES,
                prints(of_T(lambda T: T.T @ T)),
                own,
            ),
        ],
    )
    yield from table(
        4,
        silent=True,
        rows=[
            ("in silence, theta by rows", "read by rows", THREE, prints(triangle_of(lambda T: T, rows=True)), own),
            (
                "in silence, G for theta",
                r"lower triangle of G / sigma\^2",
                FREE_GROUPED,
                prints(triangle_of(lambda T: T @ T.T)),
                own,
            ),
        ],
    )


def terms_reversed(court: Court, theta: np.ndarray) -> np.ndarray:
    """The theta of the last term first."""
    sizes = [width * (width + 1) // 2 for width in court.widths]
    return np.concatenate(np.split(theta, np.cumsum(sizes)[:-1])[::-1])


def what_nobody_sees() -> Iterator[Fault]:
    """Another theta of the same V."""
    yield Fault("theta's sign turned", 4, "", FREE_GROUPED, turned, hidden="T T' is the same")
    yield Fault(
        "another theta in a direction that the data do not tell",
        4,
        "the data do not determine",
        SUM_ALONE,
        another_share,
        hidden="V, beta and the criterion are the same",
    )


FAULTS = (*far_from_optimum(), *other_claims(), *what_nobody_sees())
