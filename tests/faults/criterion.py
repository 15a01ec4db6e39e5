"""Faults of rung 3: another criterion of the right model; where that has another optimum, the engine stops there."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy import optimize, sparse

from relmer.reference.answers import Answer, CriterionValue
from relmer.solver.model import Lambda, weighted
from relmer.solver.paths import solve_at

from .court import Court
from .fault import (
    ANYWHERE,
    FIXED,
    GROUPED,
    LIKELIHOOD,
    RESTRICTED,
    WEIGHTED,
    Fault,
    Where,
    table,
)

FAR_OFF = "largest difference"


TWO_PI = float(np.log(2 * np.pi))


MOST_STEPS = 200


@dataclass(frozen=True)
class Parts:
    """What the criterion is put together from at one theta."""

    court: Court
    theta: tuple[float, ...]
    log_L: float
    log_RX: float
    pwrss: float
    penalty: float

    @property
    def d(self) -> int:
        """The divisor of the residual variance."""
        return self.court.n - self.court.p if self.court.REML else self.court.n

    @property
    def log_W(self) -> float:
        """The sum of the logarithms of the weights."""
        weights = self.court.design.weights
        return 0.0 if weights is None else float(np.log(weights).sum())

    def put(self, **changes: float) -> float:
        """The criterion, with some of its parts changed."""
        have = {
            "log_L": self.log_L,
            "log_RX": self.log_RX,
            "pwrss": self.pwrss,
            "d": float(self.d),
            "log_W": self.log_W,
        }
        have |= changes
        d = have["d"]
        log_RX = have["log_RX"] if self.court.REML else 0.0
        return float(have["log_L"] + log_RX + d * (1 + np.log(2 * np.pi * have["pwrss"] / d)) - have["log_W"])


Formula = Callable[[Parts], float]


def parts(court: Court, theta: Sequence[float]) -> Parts:
    """The parts at theta."""
    at = solve_at(court.prepared, np.asarray(theta, dtype=float))
    penalty = float(at.u @ at.u)
    return Parts(court, tuple(theta), at.logdet_L, at.logdet_RX, at.pwrss, penalty)


def evaluates(formula: Formula) -> Callable[[Court], Answer]:
    """An engine of another criterion that has the same optimum, or whose search ends there."""

    def plant(court: Court) -> Answer:
        values = [formula(parts(court, theta)) for theta in court.asked]
        told = dict(zip(court.asked, values, strict=True))
        said = court.says(criterion=told[court.theta])
        return replace(said, criterion=tuple(map(CriterionValue, court.asked, values)))

    return plant


def minimises(formula: Formula) -> Callable[[Court], Answer]:
    """An engine of another criterion that stops at the optimum of that."""

    def plant(court: Court) -> Answer:
        lower = np.where(court.design.template.diagonal, 0.0, -np.inf)
        found = optimize.minimize(
            lambda theta: formula(parts(court, theta)),
            np.array(court.theta),
            method="L-BFGS-B",
            bounds=optimize.Bounds(lower, np.full(len(lower), 1e3)),
            options={"maxiter": MOST_STEPS},
        )
        theta = tuple(np.asarray(found.x, dtype=float).tolist())
        asked = dict.fromkeys([*court.asked, theta])
        values = tuple(CriterionValue(t, formula(parts(court, t))) for t in asked)
        said = court.at(theta)
        assert said.estimates is not None
        return replace(
            said, criterion=values, estimates=replace(said.estimates, criterion=formula(parts(court, theta)))
        )

    return plant


def jitter(size: float) -> Formula:
    """A little on the diagonal of Lambda'Z'WZ Lambda + I, for safety."""

    def formula(at: Parts) -> float:
        design = at.court.design
        _, _, Z = weighted(design)
        A = Z @ Lambda(design.template, np.array(at.theta))
        A = np.asarray((A.T @ A).todense()) + np.eye(A.shape[1])
        return at.put(log_L=float(np.linalg.slogdet(A + size * np.eye(len(A)))[1]))

    return formula


def at_zero(at: Parts) -> float:
    """Wrong only where a variance is zero: a floor under it."""
    diagonal = at.court.design.template.diagonal
    theta = np.array(at.theta)
    return (
        at.put()
        if np.all(theta[diagonal] > 0)
        else parts(at.court, np.where(diagonal, np.maximum(theta, 0.01), theta)).put()
    )


def far_out(at: Parts) -> float:
    """Wrong only far out: theta is cut off at 4."""
    theta = np.clip(np.array(at.theta), -4.0, 4.0)
    return parts(at.court, tuple(theta.tolist())).put()


def lower(G: np.ndarray) -> np.ndarray:
    """A lower triangular root of a matrix that may be singular."""
    values, vectors = np.linalg.eigh(G)
    R = np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0.0))).T, mode="r")
    return np.asarray((R * np.where(np.diag(R) < 0, -1.0, 1.0)[:, None]).T)


def by_the_other(court: Court) -> Answer | None:
    """The other of ML and REML."""
    return court.reads(REML=not court.REML)


def rows_late(court: Court) -> Answer:
    """The value of the theta that was asked before."""
    values = [point.value for point in court.honest.criterion]
    return court.values([values[-1], *values[:-1]])


def undefined_at(court: Court) -> Answer:
    """No number at the boundary, where an engine inverts G."""
    diagonal = court.design.template.diagonal
    return court.values(
        point.value if np.all(np.array(point.theta)[diagonal] > 0) else np.nan for point in court.honest.criterion
    )


def formulas() -> Iterator[Fault]:
    """A criterion that is put together wrongly."""
    yield from table(
        3,
        [
            (
                "log|RX|² left out",
                r"without log\|RX\|²|log\|X'WX\| taken off",
                RESTRICTED & FIXED,
                minimises(lambda a: a.put(log_RX=0.0)),
            ),
            (
                "half of log|RX|²",
                r"half of log\|RX\|²",
                RESTRICTED & FIXED,
                minimises(lambda a: a.put(log_RX=a.log_RX / 2)),
            ),
            (
                "log|RX|² with the other sign",
                r"log\|RX\|² taken off",
                RESTRICTED & FIXED,
                minimises(lambda a: a.put(log_RX=-a.log_RX)),
            ),
            ("log|RX|² under ML", r"with log\|RX\|²|REML", LIKELIHOOD & FIXED, minimises(lambda a: a.put() + a.log_RX)),
            ("half of log|L|²", r"half of log\|L\|²", GROUPED, minimises(lambda a: a.put(log_L=a.log_L / 2))),
            ("log|L|² left out", r"without log\|L\|²", GROUPED, evaluates(lambda a: a.put(log_L=0.0))),
            ("log|L|² twice", r"twice log\|L\|²", GROUPED, minimises(lambda a: a.put(log_L=2 * a.log_L))),
            ("n for n - p", "with n for n - p", RESTRICTED & FIXED, minimises(lambda a: a.put(d=float(a.court.n)))),
            (
                "n - p for n",
                "with n - p for n",
                LIKELIHOOD & FIXED,
                minimises(lambda a: a.put(d=float(a.court.n - a.court.p))),
            ),
            (
                "n - p - 1 for n - p",
                "with n - p - 1 for n - p",
                RESTRICTED,
                minimises(lambda a: a.put(d=float(a.d - 1))),
            ),
            ("the penalty lost", "without the penalty", GROUPED, evaluates(lambda a: a.put(pwrss=a.pwrss - a.penalty))),
            (
                "the penalty twice",
                r"the penalty \|u\|² twice",
                GROUPED,
                minimises(lambda a: a.put(pwrss=a.pwrss + a.penalty)),
            ),
            (
                "without the constant d log 2π",
                r"without the constant d log\(2 pi\)",
                ANYWHERE,
                evaluates(lambda a: a.put() - a.d * TWO_PI),
            ),
            (
                "without the constant d (1 + log 2π)",
                r"without the constant d \(1 \+ log\(2 pi\)\)",
                ANYWHERE,
                evaluates(lambda a: a.put() - a.d * (1 + TWO_PI)),
            ),
            ("without the constant d", "without the constant d", ANYWHERE, evaluates(lambda a: a.put() - a.d)),
            (
                "n log 2π for (n - p) log 2π",
                r"log\(2 pi\) for",
                RESTRICTED & FIXED,
                evaluates(lambda a: a.put() + a.court.p * TWO_PI),
            ),
            (
                "log|X'WX| taken off",
                r"log\|X'WX\| taken off",
                RESTRICTED & FIXED,
                evaluates(lambda a: a.put() - log_XWX(a.court)),
            ),
            (
                "the logarithms of the weights left out",
                "without the sum of the logarithms",
                WEIGHTED,
                evaluates(lambda a: a.put(log_W=0.0)),
            ),
            (
                "the logarithms of the weights with the other sign",
                "weights",
                WEIGHTED,
                evaluates(lambda a: a.put(log_W=-a.log_W)),
            ),
            ("a log-likelihood", "as a log-likelihood", ANYWHERE, evaluates(lambda a: -a.put() / 2)),
            ("the criterion with its sign turned", "sign turned", ANYWHERE, evaluates(lambda a: -a.put())),
            ("half the criterion", "halved", ANYWHERE, evaluates(lambda a: a.put() / 2)),
            ("the other of ML and REML", "by ML, not by REML|by REML, not by ML", FIXED, by_the_other),
        ],
    )


def log_XWX(court: Court) -> float:
    """log|X'WX|."""
    _, X, _ = weighted(court.design)
    return float(2 * np.log(np.abs(np.diag(np.linalg.qr(X, mode="r")))).sum())


def roundings() -> Iterator[Fault]:
    """A criterion that is nearly right."""
    for digits in (6, 8, 10):
        yield Fault(
            f"the criterion to {digits} significant digits",
            3,
            FAR_OFF,
            ANYWHERE,
            evaluates(partial(significant, digits)),
        )
    yield from table(
        3,
        [
            (
                "the criterion in single precision",
                "single precision|largest difference",
                ANYWHERE,
                evaluates(lambda a: float(np.float32(a.put()))),
            ),
        ],
    )
    for size in (1e-9, 1e-6):
        yield Fault(f"a jitter of {size:g}", 3, FAR_OFF, GROUPED & SMALL_Z, evaluates(jitter(size)))
    for off in (1e-8, 1e-4):
        yield Fault(f"a constant of {off:g} too much", 3, FAR_OFF, ANYWHERE, evaluates(partial(plus, off)))
    yield from table(
        3,
        [
            ("a criterion that is wrong only at zero", FAR_OFF, GROUPED, evaluates(at_zero), "criterion, boundary"),
            ("a criterion that is wrong only far out", FAR_OFF, GROUPED, evaluates(far_out), "criterion, random"),
            ("the criterion of the theta before", FAR_OFF, GROUPED, rows_late),
            ("no criterion at zero", "no value at", GROUPED, undefined_at, "criterion, boundary"),
        ],
    )


def plus(off: float, at: Parts) -> float:
    """The criterion and a constant."""
    return at.put() + off


def significant(digits: int, at: Parts) -> float:
    """The criterion to so many significant digits."""
    return float(f"{at.put():.{digits - 1}e}")


SMALL_Z = Where("Z is small", lambda c: sparse.csc_array(c.design.Z).shape[1] <= 200)


FAULTS = (*formulas(), *roundings())
