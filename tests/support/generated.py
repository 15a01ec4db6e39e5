"""Answers to models on data of one's own: what the judge sees, without a data set in the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from relmer.datasets import Case
from relmer.reference.answers import Answer, CriterionValue, Status
from relmer.reference.engines.kin import Kin, kin_of
from relmer.reference.engines.protocol import installed
from relmer.reference.own_fits import estimates, stages_of
from relmer.reports.evidence.landscape import Landscape, by_definition
from relmer.reports.judge.ladder import judge_case
from relmer.reports.records import Comparison
from relmer.solver.fits.fit import Fit
from relmer.solver.fits.fitting import lmer
from relmer.solver.fits.given import at_theta
from relmer.solver.paths import criterion, prepare, size, solve_at

OWN = ("pls", "qr", "gls")


@dataclass(frozen=True)
class Generated:
    """A model on a data frame, with its landscape and the theta at which every engine is asked."""

    case: Case
    view: Landscape
    points: Mapping[str, tuple[tuple[float, ...], ...]]

    @property
    def fit(self) -> Fit:
        return self.view.fit

    def answer(self, engine: str, theta: Sequence[float], **changes: object) -> Answer:
        """The answer of an engine that stops at theta and evaluates everything there as it should; or nearly so."""
        method = engine if engine in OWN else "pls"
        design, REML = self.fit.design, self.fit.REML
        prepared = prepare(design, method)
        at = estimates(at_theta(replace(self.fit, prepared=prepared), np.asarray(theta, dtype=float)))
        asked = dict.fromkeys([*(t for kind in self.points.values() for t in kind), at.theta])
        data, model = stages_of(design)
        return Answer(
            case=self.case.name,
            engine=engine,
            version="0",
            status=Status.FITTED,
            data=data,
            model=model,
            criterion=tuple(CriterionValue(t, criterion(design, solve_at(prepared, np.array(t)), REML)) for t in asked),
            estimates=replace(at, **changes),
        )

    def judged(self, answers: Mapping[str, Answer], which: str, kin: Kin | None = None) -> list[Comparison]:
        """What the judge says of one of the answers."""
        found = judge_case(self.case, answers, [which], self.points, self.view, kin or kin_of(installed()))
        return list(found.comparisons)


def generated(
    formula: str, frame: pd.DataFrame, REML: bool = True, published: Mapping[str, str] | None = None, weights: str = ""
) -> Generated:
    """Fit a model, and stand where the judge stands."""
    fit = lmer(formula, frame, REML=REML, weights=weights or None)
    m = len(fit.theta)
    draws = np.random.default_rng(1).uniform(0.2, 1.5, (2, m))
    points = {
        "start": (tuple(fit.design.template.diagonal.astype(float).tolist()),),
        "random": tuple(tuple(draw.tolist()) for draw in draws),
    }
    case = Case(
        name="generated/one",
        dataset="generated",
        formula=formula,
        reml=REML,
        document="",
        source="another program",
        published=published or {},
        weights=weights,
    )
    view = Landscape(
        fit=fit,
        definition=by_definition(fit.design),
        size=size(fit.design, fit.solution, REML),
        keys=frozenset(published or {}),
    )
    return Generated(case, view, points)
