"""The units of a column or of the response hide no fault: what is wrong in one unit is wrong in any other."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from generated import Generated, generated

from relmer.reference.answers.answer import Estimates
from relmer.reports.judge.margins import margin
from relmer.reports.records import Comparison
from relmer.reports.verdicts import Verdict

GROUPS, SIZE = 6, 6
POWERS = (-24, 0, 24)


@lru_cache
def model(power: int, mean: float = 0.0) -> Generated:
    """A covariate in units of 2^-power: every number of the fit is the same but for a power of two."""
    random = np.random.default_rng(13)
    g = np.repeat(np.arange(GROUPS), SIZE)
    x = random.normal(size=GROUPS * SIZE)
    B = random.normal(size=(GROUPS, 2))[g]
    y = mean + random.normal(size=len(x)) + B[:, 0] + x * (B[:, 1] + 1 / 3)
    return generated("y ~ x + (x | g)", pd.DataFrame({"y": y, "x": x * 2.0**power, "g": [f"g{k}" for k in g]}))


def judged(made: Generated, **changes: object) -> dict[str, Comparison]:
    here = tuple(made.fit.theta)
    said = made.answer("lme4", here)
    answers = {"gls": made.answer("gls", here), "lme4": replace(said, estimates=replace(said.estimates, **changes))}
    return {c.quantity: c for c in made.judged(answers, "lme4")}


def times(name: str, entries: object, factor: float) -> Callable[[Estimates], dict[str, object]]:
    """Entries of a quantity times a factor; of a matrix by rows, of random effects by levels."""

    def change(said: Estimates) -> dict[str, object]:
        value = np.array(getattr(said, name), dtype=float)
        shaped = value.reshape(-1, 2) if name == "b" else value
        shaped[entries] *= factor
        return {name: tuple(map(tuple, value.tolist())) if value.ndim == 2 else tuple(value.tolist())}

    return change


FAULTS = {
    "the variance of the slope": times("varcomp", 2, 1.01),
    "the sign of the covariance": times("varcomp", 1, -1.0),
    "the variance of the intercept": times("varcomp", 0, 1.01),
    "the slope's variance in vcov": times("vcov", (1, 1), 1.01),
    "a covariance in vcov": times("vcov", ([0, 1], [1, 0]), 1.01),
    "the intercept's variance in vcov": times("vcov", (0, 0), 1.01),
    "the slopes by group": times("b", (slice(None), 1), 1.01),
    "the intercepts by group": times("b", (slice(None), 0), 1.01),
    "the slope": times("beta", 1, 1.01),
    "the slope's standard error": times("se", 1, 1.01),
}


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_in_any_unit_of_the_covariate(name: str, power: int) -> None:
    made = model(power)
    said = made.answer("lme4", tuple(made.fit.theta)).estimates
    changes = FAULTS[name](said)
    (quantity,) = changes
    assert judged(made, **changes)[quantity].verdict is Verdict.WRONG


@pytest.mark.parametrize("power", POWERS)
def test_without_a_fault_none_is_found_in_any_unit(power: int) -> None:
    assert {c.verdict for c in judged(model(power)).values()} == {Verdict.AGREE}


@pytest.mark.parametrize("mean", [0.0, 1e6, 1e9, 1e12])
@pytest.mark.parametrize("part", [0.1, 3.0])
def test_a_coefficient_far_from_zero_is_held_to_its_standard_error(mean: float, part: float) -> None:
    """Nine digits of an intercept of 1e12 are 1000, which is thousands of its standard errors."""
    made = model(0, mean)
    said = made.answer("lme4", tuple(made.fit.theta)).estimates
    beta = (said.beta[0] + part * said.se[0], said.beta[1])
    assert judged(made, beta=beta)["beta"].verdict is Verdict.WRONG


@pytest.mark.parametrize("name", ["theta", "varcomp", "b", "vcov", "beta"])
def test_the_margin_goes_with_the_unit(name: str) -> None:
    """By powers of two: those of the slope's entries by as much as the entries themselves, the others not at all."""
    found = []
    for power in (0, 24):
        made = model(power)
        said = made.answer("lme4", tuple(made.fit.theta)).estimates
        value = np.ravel(getattr(said, name))
        found.append((value, margin(SimpleNamespace(view=made.view), name, value)))
    (one, of_one), (other, of_other) = found
    assert np.abs(other / one) == pytest.approx(of_other / of_one, rel=1e-6)


@pytest.mark.parametrize("power", POWERS)
def test_what_the_criterion_leaves_open_goes_with_the_unit(power: int) -> None:
    """A stop that nobody can see, a part of 1e-8 from the optimum, is no sign that the data leave theta open."""
    made, plain = model(power), model(0)
    unit = 2.0 ** (power * np.array([0, 1, 1]))
    assert made.view.sensitivity["theta"] * unit == pytest.approx(plain.view.sensitivity["theta"], rel=1e-6)
    here = tuple(made.fit.theta)
    near = (here[0] * (1 - 1e-8), here[1], here[2] * (1 + 1e-8))
    found = made.judged({"gls": made.answer("gls", here), "lme4": made.answer("lme4", near)}, "lme4")
    assert {c.verdict for c in found} == {Verdict.AGREE}
