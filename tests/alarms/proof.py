"""Whether an engine that is called wrong is wrong: the model's definition at its theta, in ball arithmetic.

V is written out for the design's doubles as delta_ij / w_i + sum over terms of x_i' T T' x_j where rows i and j have
the same level; nothing of the solver's algebra, of the judge, or of a search is used, and every value has a radius that
is proved. A number is proved to be wrong if it differs from the value by more than four times what moves the value when
every number of the data and of theta is off by up to 2^-43 of itself, as drawn three times: that is 512 units of the
last place, the backward error of a stable algorithm for the at most 60 rows and 30 columns of these designs (a few eps
for each; Higham 2002, chapters 10, 19 and 20). So an honest engine that rounds is never proved to be wrong; that the
drawn movement is no bound is what the factor is for.

Of a stop, the value is the criterion at the engine's theta and at another: if the other is lower by so much, no search
for the minimum may end at the first, whoever found the second.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx

from relmer.reference.answers import Answer
from relmer.reports.records import Comparison
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver.model import Design

# Of every number; where a ball stays wide, the next is tried. What is left of 2^-1000 is far below any rounding.
BITS = (300, 700, 1400, 2800)
MOST_BITS = BITS[-1]
NARROW = 1e-30
OFF = 2.0**-43
# Of Wald intervals, as engines are asked for them.
LEVEL = 0.95
DRAWS = 3
FACTOR = 4.0
# What an error of the criterion changes no conclusion, as the report has it: 3 % of a standard error.
HARM = 1e-3
# What is told of a stop; the second where this project refuses the model, and engines are held against each other.
STOPS = ("criterion at the optimum", "its own criterion")
# What a number may be wrong by that a wrong stop proves; beside it rounding too.
FOLLOWING = (
    Diagnosis.STOP,
    Diagnosis.FALSE_MINIMUM,
    Diagnosis.LOCAL_OPTIMUM,
    Diagnosis.NOT_STATIONARY,
    Diagnosis.ROUNDING,
)
Theta = Sequence[float]


@dataclass(frozen=True)
class Proof:
    """What stands against a verdict.

    Attributes
    ----------
    quantity
        What is called wrong.
    told
        What the engine says; of a stop, the criterion at its theta.
    exact
        By the definition at the engine's theta; of a stop, the criterion at the other theta.
    noise
        How far rounding of the data may move it.
    proved
        Whether they differ by more than rounding may.
    """

    quantity: str
    told: float
    exact: float
    noise: float
    proved: bool


@dataclass(frozen=True)
class Inputs:
    """A design and a theta as doubles.

    Attributes
    ----------
    y, X, w
        Response without offset (n,), matrix (n, p), weights (n,).
    Z
        For each term its columns (n, c).
    codes
        For each term the level of every row.
    T
        For each term its factor (c, c).
    offset
        (n,).
    """

    y: np.ndarray
    X: np.ndarray
    w: np.ndarray
    Z: tuple[np.ndarray, ...]
    codes: tuple[np.ndarray, ...]
    T: tuple[np.ndarray, ...]
    offset: np.ndarray

    def moved(self, random: np.random.Generator) -> "Inputs":
        """Every number off by a part of itself."""

        def off(a: np.ndarray) -> np.ndarray:
            return np.asarray(a * (1 + random.uniform(-OFF, OFF, a.shape)))

        return replace(
            self,
            y=off(self.y),
            X=off(self.X),
            w=off(self.w),
            Z=tuple(map(off, self.Z)),
            T=tuple(map(off, self.T)),
        )


def inputs(design: Design, theta: Theta) -> Inputs:
    """The doubles of a design, and theta as lower triangles column by column (Bates et al. 2015, section 2.3)."""
    n, left, T = len(design.y), [*map(float, theta)], []
    for term in design.terms:
        assert term.is_free
        c = len(term.columns)
        block = np.zeros((c, c))
        for j in range(c):
            for i in range(j, c):
                block[i, j] = left.pop(0)
        T.append(block)
    assert not left
    offset = np.zeros(n) if design.offset is None else np.asarray(design.offset)
    return Inputs(
        y=design.y,
        X=design.X,
        w=np.ones(n) if design.weights is None else np.asarray(design.weights),
        Z=tuple(term.X for term in design.terms),
        codes=tuple(term.codes for term in design.terms),
        T=tuple(T),
        offset=offset,
    )


def balls(a: np.ndarray) -> arb_mat:
    """A matrix of exact numbers."""
    return arb_mat([[arb(float(x)) for x in row] for row in np.atleast_2d(a)])


def values(given: Inputs, REML: bool) -> dict[str, list[arb]]:
    """The criterion, all estimates and what follows at a theta, sigma profiled, by the formulas of the definition."""
    n, p = given.X.shape
    V = arb_mat(n, n)
    roots = [balls(Z) * balls(T) for Z, T in zip(given.Z, given.T, strict=True)]
    for root, codes in zip(roots, given.codes, strict=True):
        whole = root * root.transpose()
        for i in range(n):
            for j in range(n):
                if codes[i] == codes[j]:
                    V[i, j] += whole[i, j]
    for i in range(n):
        V[i, i] += 1 / arb(float(given.w[i]))
    y = arb_mat([[arb(float(a)) - arb(float(b))] for a, b in zip(given.y, given.offset, strict=True)])
    X = balls(given.X) if p else arb_mat(n, 0)
    inverse = V.inv()
    A = X.transpose() * inverse * X
    vcov = A.inv() if p else arb_mat(0, 0)
    beta = vcov * (X.transpose() * (inverse * y)) if p else arb_mat(0, 1)
    r = y - X * beta if p else y
    Vr = inverse * r
    d = n - p if REML else n
    sigma2 = (r.transpose() * Vr)[0, 0] / d
    value = V.det().log() + d * (1 + (2 * arb.pi() * sigma2).log())
    if REML and p:
        value += A.det().log()
    b, conditional, effects, G = [], [], [arb(0)] * n, []
    for Z, codes, T in zip(given.Z, given.codes, given.T, strict=True):
        exact_Z, factor = balls(Z), balls(T)
        C = factor * factor.transpose()
        c = len(T)
        G += [sigma2 * C[i, j] for j in range(c) for i in range(j, c)]
        for level in range(int(max(codes)) + 1):
            rows = [i for i in range(n) if codes[i] == level]
            sums = arb_mat([[sum((exact_Z[i, k] * Vr[i, 0] for i in rows), arb(0))] for k in range(c)])
            of_level = C * sums
            b += [of_level[k, 0] for k in range(c)]
            # Var(b | y) / sigma^2 = C - C Z' V^-1 Z C.
            of_rows = arb_mat([[exact_Z[i, k] for k in range(c)] for i in rows]) * C
            within = arb_mat([[inverse[i, j] for j in rows] for i in rows])
            told = of_rows.transpose() * within * of_rows
            conditional += [(sigma2 * (C[k, k] - told[k, k])).sqrt() for k in range(c)]
            for i in rows:
                effects[i] += sum((exact_Z[i, k] * of_level[k, 0] for k in range(c)), arb(0))
    mean = X * beta if p else arb_mat(n, 1)
    se = [(sigma2 * vcov[i, i]).sqrt() for i in range(p)]
    z = arb(2).sqrt() * (arb(round(100 * LEVEL)) / 100).erfinv()
    population = [mean[i, 0] + arb(float(given.offset[i])) for i in range(n)]
    return {
        "criterion": [value],
        "sigma": [sigma2.sqrt()],
        "beta": [beta[i, 0] for i in range(p)],
        "se": se,
        "vcov": [sigma2 * vcov[i, j] for i in range(p) for j in range(p)],
        "varcomp": G,
        "b": b,
        "condsd": conditional,
        "t": [beta[i, 0] / se[i] for i in range(p)],
        "wald": [beta[i, 0] + side * z * se[i] for side in (-1, 1) for i in range(p)],
        "population": population,
        "fitted": [known + effect for known, effect in zip(population, effects, strict=True)],
        "V_diagonal": [sigma2 * V[i, i] for i in range(n)],
        "V_rowsum": [sigma2 * sum((V[i, j] for j in range(n)), arb(0)) for i in range(n)],
    }


def narrow(given: Inputs, REML: bool) -> dict[str, list[arb]]:
    """The values with so many bits that every radius is tiny beside its value.

    Raises
    ------
    ArithmeticError
        None are enough, as where V is singular or nothing is left of y.
    """
    for bits in BITS:
        with ctx.workprec(bits):
            try:
                found = values(given, REML)
            except ZeroDivisionError:
                continue
            if all(is_narrow(entries, each=name in ("criterion", "sigma", "se")) for name, entries in found.items()):
                return found
    raise ArithmeticError("a ball stays wide")


def is_narrow(entries: Sequence[arb], each: bool) -> bool:
    """Whether the radii are tiny beside the largest entry, or each beside its own; a 0 that is a sum has a radius."""
    sizes = [abs(float(x.mid())) for x in entries]
    return all(
        float(x.rad()) <= NARROW * (size if each else max(sizes)) for x, size in zip(entries, sizes, strict=True)
    )


class Witness:
    """The definition for one design; values at a theta are found once."""

    def __init__(self, design: Design, REML: bool, lowest: Theta | None = None) -> None:
        self.design, self.REML, self.lowest = design, REML, lowest
        self._known: dict[tuple[float, ...], tuple[dict[str, list[arb]], list[dict[str, list[arb]]]]] = {}

    def at(self, theta: Theta) -> tuple[dict[str, list[arb]], list[dict[str, list[arb]]]]:
        """The values at theta, and those for data that are off."""
        key = tuple(map(float, theta))
        if key not in self._known:
            given = inputs(self.design, key)
            random = np.random.default_rng(1)
            others = [narrow(given.moved(random), self.REML) for _ in range(DRAWS)]
            self._known[key] = narrow(given, self.REML), others
        return self._known[key]

    def criterion(self, theta: Theta) -> float:
        """The criterion at theta."""
        return float(narrow(inputs(self.design, theta), self.REML)["criterion"][0].mid())

    def noise(self, theta: Theta, quantity: str, k: int) -> arb:
        """How far data that are off move an entry."""
        value, others = self.at(theta)
        moves = [abs(other[quantity][k] - value[quantity][k]) for other in others]
        return max(moves, key=lambda ball: float(ball.mid()))

    def harm(self, theta: Theta, quantity: str, k: int) -> arb:
        """What a criterion HARM off does to an entry: sqrt(HARM) of its standard error, or of less.

        Standard errors and sigma are the smaller ones of those at theta and at the lowest theta that is known.
        """
        exact, part = self.at(theta)[0], arb(HARM).sqrt()
        n, p = len(self.design.y), self.design.X.shape[1]

        def size(name: str, entry: int) -> arb:
            both = [abs(self.at(at)[0][name][entry]) for at in (theta, self.lowest or theta)]
            return min(both, key=lambda ball: float(ball.mid()))

        of_variance = part / arb(2 * n).sqrt()
        match quantity:
            case "criterion":
                return arb(HARM)
            case "beta":
                return part * size("se", k)
            case "wald":
                return part * size("se", k % p)
            case "b" | "fitted" | "population":
                return part * size("sigma", 0) / arb(n).sqrt()
            case "t":
                # beta and its standard error by as much as each may.
                return (part + of_variance * abs(exact["t"][k])) * size("se", k) / exact["se"][k]
        return of_variance * size(quantity, k)

    def held(self, name: str, quantity: str, told: Iterable[float], theta: Theta, rounded: bool = False) -> Proof:
        """Hold numbers against the definition at theta: the entry that is farthest off, in units of the noise.

        Where the judge says that it is rounding, and too much of it, the harm is what counts.
        """
        with ctx.workprec(MOST_BITS):
            worst: tuple[float, Proof] | None = None
            exact = self.at(theta)[0][quantity]
            for k, number in enumerate(told):
                off = abs(arb(float(number)) - exact[k])
                noise = self.harm(theta, quantity, k) if rounded else FACTOR * self.noise(theta, quantity, k)
                size = float(off.mid()) / (float(noise.mid()) or 2.0**-1000)
                proof = Proof(name, float(number), float(exact[k].mid()), float(noise.mid()), bool(off > noise))
                if worst is None or not size <= worst[0]:
                    worst = size, proof
            return worst[1] if worst else Proof(name, 0.0, 0.0, 0.0, proved=False)

    def stop(self, name: str, theta: Theta, other: Theta, rounded: bool = False) -> Proof:
        """Hold the criterion at theta against that at another theta; of what rounds, the harm is what counts."""
        with ctx.workprec(MOST_BITS):
            here, there = self.at(theta)[0]["criterion"][0], self.at(other)[0]["criterion"][0]
            noise = FACTOR * (self.noise(theta, "criterion", 0) + self.noise(other, "criterion", 0))
            noise = arb(HARM) if rounded else noise
            above = here - there
            return Proof(name, float(here.mid()), float(there.mid()), float(noise.mid()), bool(above > noise))


def proofs(
    design: Design,
    REML: bool,
    said: Answer,
    wrong: Sequence[Comparison],
    lowest: Theta,
    shared: dict[str, Any],
) -> list[Proof]:
    """A proof of every comparison of an engine that is wrong; what follows from its stop is proved with that.

    `lowest` is the theta of the lowest criterion that is known, `shared` those at which all are asked, by kind.
    """
    assert said.estimates is not None
    witness, theta = Witness(design, REML, lowest), said.estimates.theta
    found: list[Proof] = []
    followed = any(c.quantity in STOPS for c in wrong)
    for c in wrong:
        if c.quantity in STOPS:
            found.append(witness.stop(c.quantity, theta, lowest, c.diagnosis is Diagnosis.ROUNDING))
        elif followed and (c.rung == 5 or c.quantity == "criterion") and c.diagnosis in FOLLOWING:
            continue
        elif followed and c.quantity == "criterion at its own theta" and c.diagnosis is Diagnosis.STOP:
            # It is that at the beta and sigma where it stopped.
            continue
        elif c.quantity.startswith("criterion, "):
            # What is not shared are the theta at which engines stopped.
            at = shared.get(c.quantity.removeprefix("criterion, "), [one.theta for one in said.criterion])
            told = [one for one in said.criterion if one.theta in {*map(tuple, at)} and one.value is not None]
            each = [witness.held(c.quantity, "criterion", [float(one.value or 0)], one.theta) for one in told]
            found.append(max(each, key=lambda proof: abs(proof.told - proof.exact) / (proof.noise or 2.0**-1000)))
        elif c.quantity == "criterion at its own theta":
            rounded = c.diagnosis is Diagnosis.ROUNDING
            found.append(witness.held(c.quantity, "criterion", [said.estimates.criterion], theta, rounded))
        elif c.rung == 5 and c.quantity in witness.at(theta)[0]:
            told = np.ravel(getattr(said.estimates, c.quantity)).tolist()
            found.append(witness.held(c.quantity, c.quantity, told, theta, c.diagnosis is Diagnosis.ROUNDING))
        elif c.rung == 6 and (concluded := of_definition(c.quantity, said, design)):
            found.append(witness.held(c.quantity, *concluded, theta, c.diagnosis is Diagnosis.ROUNDING))
        else:
            found.append(Proof(c.quantity, 0.0, 0.0, 0.0, proved=False))
    return found


def of_definition(quantity: str, said: Answer, design: Design) -> tuple[str, list[float]] | None:
    """What of the definition a conclusion follows from, and what the engine's says of that; None if it is neither.

    -2 logLik, AIC - 2 df and BIC - log(n) df are the criterion, df = m + p + 1.
    """
    n, p = design.X.shape
    told, df = said.inference, sum(len(term.columns) * (len(term.columns) + 1) // 2 for term in design.terms) + p + 1
    if told is None:
        return None
    wald, rows = told.intervals.get("wald"), told.predictions
    found = {
        "logLik": ("criterion", told.logLik, lambda value: [-2 * value]),
        "AIC": ("criterion", told.AIC, lambda value: [value - 2 * df]),
        "BIC": ("criterion", told.BIC, lambda value: [value - math.log(n) * df]),
        "t": ("t", told.t, list),
        "conditional SD": ("condsd", told.condsd, list),
        "Wald interval": ("wald", (wald and wald.level == LEVEL and (*wald.lower, *wald.upper)) or None, list),
        "population prediction": ("population", rows and rows.population, list),
        "conditional prediction": ("fitted", rows and rows.conditional, list),
    }
    name, value, of = found.get(quantity, ("", None, list))
    return None if value is None else (name, of(value))


def accused(found: Iterable[Comparison], engine: str) -> list[Comparison]:
    """What is called wrong of an engine."""
    return [c for c in found if c.engine == engine and c.verdict is Verdict.WRONG]
