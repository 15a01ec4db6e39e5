"""F tests of terms on rung 6: terms that the model has not, and hypotheses that are rounded as lmerTest rounds them."""

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from generated import Generated, generated

from relmer.datasets import load
from relmer.reference.answers import FTests, Inference
from relmer.reference.engines.kin import kin_of
from relmer.reference.engines.protocol import installed
from relmer.reference.own_inference import F_tested
from relmer.reports.records import Comparison
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver import contest, hypotheses
from relmer.solver.fits import at_theta

ENGINE = "mine"
KIN = kin_of([*installed(), SimpleNamespace(name=ENGINE, house=ENGINE, witness_of=None, definition=False)])
FORMULA = "angle ~ recipe * temperature + (1 | recipe:replicate)"
METHODS = {"satterthwaite": "Satterthwaite", "kenward-roger": "Kenward-Roger"}


@pytest.fixture(scope="module")
def cake() -> Generated:
    """Ordered temperatures, so that the hypotheses are no decimal fractions."""
    return generated(FORMULA, load("cake").frame)


def judged(model: Generated, tests: Mapping[str, FTests]) -> dict[str, Comparison]:
    theta = model.fit.optimum.theta.tolist()
    said = replace(model.answer(ENGINE, theta), inference=Inference(F_tests=tests))
    found = model.judged({"gls": model.answer("gls", theta), ENGINE: said}, ENGINE, KIN)
    return {c.quantity: c for c in found if c.rung == 6}


def test_a_term_that_the_model_has_not_is_another_model(cake: Generated) -> None:
    honest = F_tested(cake.fit, "satterthwaite")
    found = judged(cake, {"satterthwaite": replace(honest, terms=("recipe", "temp", "recipe:temp"))})
    assert {(c.verdict, c.diagnosis) for c in found.values()} == {(Verdict.WRONG, Diagnosis.MODEL)}
    assert (
        "temp, recipe:temp: the terms are recipe, temperature, recipe:temperature"
        in found["F (type III, satterthwaite)"].evidence
    )


def test_terms_in_another_order_are_the_same(cake: Generated) -> None:
    honest = F_tested(cake.fit, "satterthwaite")
    vectors = {name: getattr(honest, name)[::-1] for name in ("terms", "NumDF", "DenDF", "F", "p")}
    found = judged(cake, {"satterthwaite": replace(honest, **vectors)})
    assert {c.verdict for c in found.values()} == {Verdict.AGREE}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("digits", [7, 3])
def test_hypotheses_rounded_to_seven_digits_are_excused_and_those_to_three_are_not(
    cake: Generated, method: str, digits: int
) -> None:
    """By three F is 1e-3 off, which is harmless where p moves by little: but by nothing that lmerTest does."""
    fit = at_theta(cake.fit, cake.fit.optimum.theta)
    honest = F_tested(fit, method)
    rows = [np.round(L.to_numpy(), digits) for L in hypotheses(fit).values()]
    tables = [contest(fit, L, ddf=METHODS[method]).iloc[0] for L in rows]
    off = replace(
        honest,
        DenDF=tuple(float(table["DenDF"]) for table in tables),
        F=tuple(float(table["F value"]) for table in tables),
        p=tuple(float(table["Pr(>F)"]) for table in tables),
    )
    moved = np.abs(np.array(off.F) / np.array(honest.F) - 1).max()
    assert moved > 1e-8
    found = judged(cake, {method: off})[f"F (type III, {method})"]
    if digits == 3:
        assert (found.verdict, found.diagnosis) == (Verdict.WRONG, Diagnosis.UNKNOWN)
    else:
        assert found.verdict in (Verdict.AGREE, Verdict.WITHIN)
