"""A case before the judge: what an honest engine of another house says of it, and what the judge says of any answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from generated import Generated, generated

from relmer.datasets import case, cases, data_of
from relmer.reference.answers import Answer, CriterionValue, Estimates, Inference
from relmer.reference.engines.kin import kin_of
from relmer.reference.engines.protocol import installed
from relmer.reference.own_fits import design_of, estimates, shared_points, stages_of
from relmer.reference.own_inference import inference_of
from relmer.reports.evidence import landscape
from relmer.reports.records import Comparison
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit, at_theta, lmer
from relmer.solver.model import Design, factors
from relmer.solver.paths import Prepared, criterion, prepare, solve_at
from relmer.solver.search import optimise

ENGINE, DEFINITION = "mine", "gls"
KIN = kin_of([*installed(), SimpleNamespace(name=ENGINE, house=ENGINE, witness_of=None, definition=False)])
# Rows up to which a case is in the bank: the judge then takes some hundredths of a second for an answer.
MOST_ROWS = 3000


@dataclass(frozen=True)
class Court:
    """A case, with its data for who would fit it otherwise.

    Attributes
    ----------
    name
        Of the case.
    made
        The case with its landscape, and the theta at which every engine is asked.
    frame, arguments
        The data, and what is given beside them: weights, contrasts.
    """

    name: str
    made: Generated
    frame: pd.DataFrame
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fit(self) -> Fit:
        """The optimum."""
        return self.made.fit

    @property
    def design(self) -> Design:
        """y, X, Z."""
        return self.fit.design

    @property
    def formula(self) -> str:
        """The formula, as the case has it."""
        return self.made.case.formula

    @property
    def REML(self) -> bool:
        """Whether the criterion is that of REML."""
        return self.fit.REML

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.design.y)

    @property
    def p(self) -> int:
        """Coefficients."""
        return self.design.X.shape[1]

    @property
    def widths(self) -> list[int]:
        """Columns of every term."""
        return [len(term.columns) for term in self.design.terms]

    @property
    def theta(self) -> tuple[float, ...]:
        """Where the optimum is."""
        return tuple(map(float, self.fit.optimum.theta))

    @property
    def T(self) -> list[np.ndarray]:
        """The factor of every term at the optimum."""
        return factors(self.design.terms, self.fit.optimum.theta)

    @property
    def asked(self) -> tuple[tuple[float, ...], ...]:
        """The theta at which every engine's criterion is asked, and the optimum."""
        shared = (theta for kind in self.made.points.values() for theta in kind)
        return tuple(dict.fromkeys([*shared, self.theta]))

    @cached_property
    def prepared(self) -> Prepared:
        """The design as the path for any size has it."""
        return prepare(self.design, "pls")

    @cached_property
    def honest(self) -> Answer:
        """What an honest engine says."""
        return self.made.answer(ENGINE, self.theta)

    @cached_property
    def concluded(self) -> Inference:
        """What an honest engine concludes, if it is asked for that."""
        return inference_of(at_theta(self.fit, np.array(self.theta)))

    @property
    def said(self) -> Estimates:
        """Its estimates."""
        assert self.honest.estimates is not None
        return self.honest.estimates

    @cached_property
    def peers(self) -> dict[str, Answer]:
        """What it is held against, by the path."""
        return {name: self.made.answer(name, self.theta) for name in (DEFINITION, "pls")}

    def judge(self, answer: Answer, peer: str = DEFINITION) -> list[Comparison]:
        """What the judge says of an answer of the engine, beside one path of this project."""
        return self.made.judged({peer: self.peers[peer], ENGINE: answer}, ENGINE, KIN)

    def at(self, theta: Any) -> Answer:
        """An engine that stops at theta, and evaluates everything there as it should."""
        return self.made.answer(ENGINE, tuple(np.asarray(theta, dtype=float).tolist()))

    def value(self, theta: Any) -> float:
        """The criterion at theta."""
        return criterion(self.design, solve_at(self.prepared, np.asarray(theta, dtype=float)), self.REML)

    def says(self, **changes: object) -> Answer:
        """The honest answer with other estimates."""
        return replace(self.honest, estimates=replace(self.said, **changes))

    def values(self, values: Any) -> Answer:
        """The honest answer with other values of the criterion at the theta that were asked."""
        asked = [point.theta for point in self.honest.criterion]
        return replace(self.honest, criterion=tuple(map(CriterionValue, asked, map(float, values))))

    def builds(self, **changes: Any) -> Answer | None:
        """An engine that makes another design of the same model, and fits it as it should be fitted."""
        return self.answer_of(refitted(self.fit, replace(self.design, **changes), self.REML))

    def reads(self, formula: str | None = None, frame: pd.DataFrame | None = None, **arguments: Any) -> Answer | None:
        """An engine that reads another formula, or other data, and fits them as it should; None if nobody can."""
        given: dict[str, Any] = {**self.arguments, "REML": self.REML, **arguments}
        try:
            fit = lmer(formula or self.formula, self.frame if frame is None else frame, **given)
        except ModelError:
            return None
        return self.answer_of(fit)

    def answer_of(self, fit: Fit | None) -> Answer | None:
        """What an engine says whose fit that is; it is asked where theta has the length of its own."""
        if fit is None:
            return None
        data, model = stages_of(fit.design)
        found = estimates(fit)
        asked = [t for t in dict.fromkeys([*self.asked, found.theta]) if len(t) == len(found.theta)]
        values = (criterion(fit.design, solve_at(fit.prepared, np.array(t)), fit.REML) for t in asked)
        said = tuple(map(CriterionValue, asked, values)) if len(found.theta) == len(self.theta) else ()
        return replace(self.honest, data=data, model=model, criterion=said, estimates=found)


def refitted(fit: Fit, design: Design, REML: bool) -> Fit | None:
    """The fit of another design; None if there is none, as where the rows that are left make X singular."""
    try:
        prepared = prepare(design, "pls")
        optimum, solution = optimise(prepared, REML, None, alone=False)
    except (ModelError, np.linalg.LinAlgError):
        return None
    return replace(fit, REML=REML, prepared=prepared, optimum=optimum, solution=solution)


@cache
def court(name: str) -> Court:
    """The case of that name, stored or drawn."""
    if name in DRAWN:
        formula, frame, arguments = DRAWN[name]()
        made = generated(formula, frame, weights=arguments.get("weights", ""))
        made = replace(made, case=replace(made.case, name=name), points=shared_points(made.fit.design))
        return Court(name=name, made=made, frame=frame, arguments=arguments)
    chosen = case(name)
    made = Generated(chosen, landscape(chosen), shared_points(design_of(chosen)))
    return Court(name=name, made=made, frame=data_of(chosen), arguments=dict(chosen.arguments))


def courts() -> Iterator[str]:
    """The names of all cases of the bank: the stored ones of a moderate size, and the drawn ones."""
    yield from DRAWN
    yield from (one.name for one in cases() if len(data_of(one)) <= MOST_ROWS)


def labelled(codes: np.ndarray, *names: str) -> np.ndarray:
    """Labels for codes."""
    return np.array(names)[codes]


def with_weights() -> tuple[str, pd.DataFrame, dict[str, Any]]:
    """A factor, two slopes, weights and an offset; rows in no order.

    The level g10 stands before g2 by code point, and after it by its number.
    """
    random = np.random.default_rng(10)
    g = random.permutation(np.repeat(np.arange(8), 7))
    rows = len(g)
    data = pd.DataFrame({name: random.normal(size=rows).round(2) for name in ("x", "z", "o")})
    data["f"] = random.choice([*"abc"], rows)
    data["g"] = labelled(g, *(f"g{k}" for k in range(1, 8)), "g10")
    data["w"] = random.uniform(0.3, 3, rows).round(2)
    B = random.normal(size=(8, 3)) @ np.array([[1.5, 0.6, -0.4], [0, 1, 0.3], [0, 0, 0.8]])
    signal = 3 + data["x"] / 2 + (data["f"] == "b") + data["o"] + B[g, 0] + B[g, 1] * data["x"] + B[g, 2] * data["z"]
    data["y"] = (signal + random.normal(size=rows) / np.sqrt(data["w"])).round(3)
    return "y ~ f + x + offset(o) + (x + z | g)", data, {"weights": "w"}


def with_gaps() -> tuple[str, pd.DataFrame, dict[str, Any]]:
    """Missing values in the response, a covariate and the grouping factor."""
    random = np.random.default_rng(3)
    g = np.repeat(np.arange(9), 6)
    x = random.normal(size=54).round(2)
    y = 10 + 2 * x + random.normal(size=9)[g] * 3 + random.normal(size=9)[g] * x + random.normal(size=54)
    data = pd.DataFrame({"y": y.round(2), "x": x, "g": labelled(g, *"abcdefghi")})
    data.loc[[3, 20], "x"] = np.nan
    data.loc[[11, 50], "y"] = np.nan
    data.loc[[29], "g"] = None
    return "y ~ x + (x | g)", data, {}


def with_labels() -> tuple[str, pd.DataFrame, dict[str, Any]]:
    """Labels of an inner factor that occur again in every outer level, beside a crossed factor."""
    random = np.random.default_rng(5)
    a, b = np.repeat(np.arange(6), 12), np.tile(np.repeat(np.arange(3), 4), 6)
    h = random.permutation(np.tile(np.arange(4), 18))
    x = random.normal(size=72).round(2)
    effects = 2 * random.normal(size=6)[a] + 1.5 * random.normal(size=(6, 3))[a, b] + 2.5 * random.normal(size=4)[h]
    data = pd.DataFrame({"x": x, "y": (5 + x + effects + random.normal(size=72)).round(2)})
    data["a"] = labelled(a, "B", "a10", "a2", "C", "d", "E")
    data["b"], data["h"] = labelled(b, "1", "2", "10"), labelled(h, "p", "q", "R", "s")
    return "y ~ x + (1 | a/b) + (1 | h)", data, {}


def with_contrasts() -> tuple[str, pd.DataFrame, dict[str, Any]]:
    """An ordered factor, an unordered one, and their interactions with a covariate."""
    random = np.random.default_rng(7)
    g, x = np.repeat(np.arange(8), 9), random.normal(size=72).round(2)
    f, o = random.integers(0, 3, 72), random.integers(0, 4, 72)
    y = 4 + x + 0.7 * f + 0.5 * o**2 + x * (f == 1) + 2 * random.normal(size=8)[g] + random.normal(size=72)
    data = pd.DataFrame({"y": y.round(2), "x": x, "f": labelled(f, *"abc"), "g": labelled(g, *"ABCDEFGH")})
    data["o"] = pd.Categorical(labelled(o, "low", "some", "much", "all"), ["low", "some", "much", "all"], ordered=True)
    return "y ~ f * x + o + (1 | g)", data, {}


def with_two_intercepts() -> tuple[str, pd.DataFrame, dict[str, Any]]:
    """Two intercepts of one factor: the data tell only the sum of their variances."""
    random = np.random.default_rng(11)
    g, x = np.repeat(np.arange(10), 6), random.normal(size=60).round(2)
    y = 1 + x + 2 * random.normal(size=10)[g] + random.normal(size=10)[g] * x + random.normal(size=60)
    return "y ~ x + (1 | g) + (x | g)", pd.DataFrame({"y": y.round(2), "x": x, "g": labelled(g, *"abcdefghij")}), {}


def with_many_coefficients() -> tuple[str, pd.DataFrame, dict[str, Any]]:
    """Nearly half as many coefficients as rows."""
    random = np.random.default_rng(13)
    g = np.repeat(np.arange(8), 4)
    data = pd.DataFrame({f"x{k}": random.normal(size=32).round(2) for k in range(1, 13)})
    data["y"] = (data["x1"] + 3 * random.normal(size=8)[g] + random.normal(size=32)).round(2)
    data["g"] = labelled(g, *"abcdefgh")
    return f"y ~ {' + '.join(f'x{k}' for k in range(1, 13))} + (1 | g)", data, {}


DRAWN = {
    "drawn/weights": with_weights,
    "drawn/gaps": with_gaps,
    "drawn/labels": with_labels,
    "drawn/contrasts": with_contrasts,
    "drawn/two-intercepts": with_two_intercepts,
    "drawn/many-coefficients": with_many_coefficients,
}
