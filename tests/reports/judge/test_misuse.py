"""An answer that tells nothing but figures, of a fit without its weights: it is named if that explains all of them."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

import pytest

from relmer.datasets import key_of
from relmer.reference.answers import Answer, Estimates
from relmer.reference.own_fits import estimates
from relmer.reports.evidence import figure
from relmer.reports.records import Comparison
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver.fits import Fit, lmer
from tests.faults.court import court

KEYS = ("sigma", "criterion", key_of("beta", "x"), key_of("se", "x"), key_of("beta", "(Intercept)"))


@lru_cache
def unweighted() -> Fit:
    at = court("drawn/weights")
    return lmer(at.formula, at.frame, REML=at.REML)


def silent(**told: object) -> Answer:
    return replace(court("drawn/weights").honest, data=None, model=None, criterion=(), inference=None, **told)


def listed(said: Estimates, keys: Iterable[str], **more: str) -> Answer:
    design = court("drawn/weights").design
    figures = {key: f"{figure(design, said, key):.8g}" for key in keys}
    return silent(estimates=None, figures=figures | more)


def of_the_model(said: Answer) -> list[Comparison]:
    return [c for c in court("drawn/weights").judge(said) if c.rung == 2 and "weights" in c.evidence]


@pytest.mark.parametrize("whole", [True, False])
def test_weights_that_were_left_out_are_named(whole: bool) -> None:
    said = estimates(unweighted())
    answer = silent(estimates=said) if whole else listed(said, KEYS)
    assert [c.quantity for c in court("drawn/weights").judge(answer) if c.rung == 2] == ["model"], "one word of it"
    (found,) = of_the_model(answer)
    assert (found.verdict, found.diagnosis) == (Verdict.WRONG, Diagnosis.MODEL)
    assert "the fit without the weights gives all" in found.evidence
    if not whole:
        assert "gives all 5 figures, the model " in found.evidence


def test_it_takes_three_figures_and_all_of_them() -> None:
    said = estimates(unweighted())
    assert len(of_the_model(listed(said, KEYS[:3]))) == 1
    assert of_the_model(listed(said, KEYS[:2])) == []
    assert of_the_model(listed(replace(said, sigma=said.sigma * 1.01), KEYS)) == []


def test_a_figure_that_no_model_of_these_has_changes_nothing() -> None:
    found = of_the_model(listed(estimates(unweighted()), KEYS, **{key_of("beta", "none"): "1.5"}))
    assert len(found) == 1
    assert "gives all 5 figures" in found[0].evidence


def test_who_is_right_by_the_model_or_tells_its_matrices_is_not_asked() -> None:
    at = court("drawn/weights")
    assert of_the_model(listed(estimates(at.fit), KEYS)) == []
    assert of_the_model(silent(estimates=estimates(at.fit))) == []
    assert of_the_model(replace(silent(estimates=estimates(unweighted())), model=at.honest.model)) == []
