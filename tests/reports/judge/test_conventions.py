"""Every known convention is named, whoever says it: by ML and REML, near zero and far, in any form."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from generated import OWN, Generated, generated
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.datasets import load
from relmer.reports.records import Comparison
from relmer.reports.verdicts import Diagnosis, Verdict

N, P = 189, 1
VECTORS = ("se", "varcomp", "fitted", "V_diagonal", "V_rowsum", "beta", "b")


@lru_cache
def model(dataset: str, REML: bool) -> Generated:
    """NIST's one-way layouts: SmLs01 has a mean of 1, SmLs04 one of 1e6, SmLs07 one of 1e12; the residual is 0.1."""
    return generated("Response ~ 1 + (1 | Treatment)", load(dataset).frame, REML)


def judged(dataset: str, REML: bool, **said: object) -> dict[str, Comparison]:
    here = model(dataset, REML)
    theta = tuple(here.fit.optimum.theta.tolist())
    answers = {name: here.answer(name, theta) for name in (*OWN, "lme4")}
    changed = replace(answers["lme4"].estimates, **said)
    answers["lme4"] = replace(answers["lme4"], estimates=changed)
    return {c.quantity: c for c in here.judged(answers, "lme4")}


def truth(dataset: str, REML: bool) -> dict[str, np.ndarray]:
    here = model(dataset, REML)
    said = here.answer("pls", tuple(here.fit.optimum.theta.tolist())).estimates
    return {name: np.array(getattr(said, name)) for name in (*VECTORS, "sigma", "criterion", "vcov")}


def named(found: Comparison, told: str) -> None:
    assert (found.verdict, found.diagnosis) == (Verdict.WRONG, Diagnosis.CONVENTION), found
    assert told in found.evidence


@pytest.mark.parametrize("dataset", ["SmLs01", "SmLs04", "SmLs07"])
@pytest.mark.parametrize("REML", [True, False])
@pytest.mark.parametrize("power", [1, -1])
def test_n_over_n_minus_p_either_way(dataset: str, REML: bool, power: int) -> None:
    ratio, at = (N / (N - P)) ** power, truth(dataset, REML)
    told = judged(
        dataset,
        REML,
        sigma=float(at["sigma"] * ratio**0.5),
        se=tuple(at["se"] * ratio**0.5),
        varcomp=tuple(at["varcomp"] * ratio),
        V_diagonal=tuple(at["V_diagonal"] * ratio),
        V_rowsum=tuple(at["V_rowsum"] * ratio),
    )
    for quantity in ("sigma", "se", "varcomp", "V_diagonal", "V_rowsum"):
        named(told[quantity], "188")


@pytest.mark.parametrize("dataset", ["SmLs01", "SmLs04", "SmLs07"])
@pytest.mark.parametrize("REML", [True, False])
def test_another_quantity_in_the_place_of_fitted_values_and_of_V(dataset: str, REML: bool) -> None:
    at, y = truth(dataset, REML), load(dataset).frame["Response"].to_numpy()
    sigma2 = float(at["sigma"]) ** 2
    told = judged(dataset, REML, fitted=tuple(y - at["fitted"]), V_diagonal=tuple(at["V_diagonal"] / sigma2))
    named(told["fitted"], "residuals")
    named(told["V_diagonal"], "units of sigma^2")
    told = judged(dataset, REML, fitted=tuple(np.full(len(y), at["beta"][0])), V_rowsum=tuple(at["V_rowsum"] - sigma2))
    if dataset != "SmLs07":  # At 1e12 a double has three digits of a random effect of 0.1.
        named(told["fitted"], "without the random effects")
    named(told["V_rowsum"], "without R")


@pytest.mark.parametrize("REML", [True, False])
@pytest.mark.parametrize("factor", [1.0, -0.5, -1.0, 0.5])
@pytest.mark.parametrize("constant", ["none", "2 pi", "1 + 2 pi", "2 pi over d"])
def test_a_criterion_without_its_constants_in_any_form(REML: bool, factor: float, constant: str) -> None:
    if (factor, constant) == (1.0, "none"):
        return
    d = N - P if REML else N
    left_out = {
        "none": 0.0,
        "2 pi": d * np.log(2 * np.pi),
        "1 + 2 pi": d * (1 + np.log(2 * np.pi)),
        "2 pi over d": d * (1 + np.log(2 * np.pi / d)),
    }[constant]
    said = factor * (float(truth("SmLs01", REML)["criterion"]) - left_out)
    named(judged("SmLs01", REML, criterion=said)["criterion at its own theta"], "it is the criterion")


def test_a_restricted_likelihood_with_the_constant_of_n() -> None:
    said = float(truth("SmLs01", True)["criterion"]) + P * np.log(2 * np.pi)
    named(judged("SmLs01", True, criterion=said)["criterion at its own theta"], "189 log(2 pi)")


@given(st.integers(0, 2**32 - 1), st.sampled_from(["beta", "sigma"]))
@settings(max_examples=15, deadline=None)
def test_sums_in_single_precision(seed: int, quantity: str) -> None:
    """Each number is a float of 24 bits, off by some units of its last place, as a sum of n terms is.

    se and varcomp move by as much within the rounding of the criterion: they agree.
    """
    here = truth("SmLs01", True)[quantity]
    units = np.random.default_rng(seed).integers(3, 12, here.shape)
    said = (here * (1 + units * 2.0**-24)).astype(np.float32).astype(float)
    told = judged("SmLs01", True, **{quantity: float(said) if quantity == "sigma" else tuple(said)})
    named(told[quantity], "single precision")


@given(st.floats(1e-6, 1e-2), st.sampled_from(["se", "varcomp", "V_diagonal", "sigma"]))
@settings(max_examples=15, deadline=None)
def test_what_no_convention_gives_is_not_named(off: float, quantity: str) -> None:
    if abs(off - (N / (N - P)) ** 0.5 + 1) < 1e-4 or abs(off - P / N) < 1e-4 or abs(off - P / (N - P)) < 1e-4:
        return
    here = truth("SmLs04", True)[quantity] * (1 + off)
    told = judged("SmLs04", True, **{quantity: float(here) if quantity == "sigma" else tuple(here)})
    assert told[quantity].diagnosis is not Diagnosis.CONVENTION


def test_a_program_that_does_not_profile_is_early_and_one_that_does_is_wrong() -> None:
    """beta a little off raises the deviance by (d / se)^2: said so in its criterion, it is where the search stopped."""
    at, off = truth("SmLs01", False), 1e-3
    moved = tuple(at["beta"] + off * at["se"])
    higher = float(at["criterion"]) + off**2
    told = judged("SmLs01", False, beta=moved, criterion=higher)
    assert (told["beta"].verdict, told["criterion at its own theta"].verdict) == (Verdict.EARLY, Verdict.EARLY)
    assert told["beta"].diagnosis is Diagnosis.STOP
    assert judged("SmLs01", False, beta=moved)["beta"].verdict is Verdict.WRONG
    far = tuple(at["beta"] + 0.1 * at["se"])
    said = judged("SmLs01", False, beta=far, criterion=float(at["criterion"]) + 0.01)
    assert said["beta"].verdict is Verdict.WRONG


def test_pwrss_as_a_difference_of_sums_is_within_and_bounded() -> None:
    """A mean of 2,000 residuals: y'y less what is explained keeps 9 digits of pwrss, no more."""
    random = np.random.default_rng(5)
    g = np.repeat(np.arange(8), 9)
    y = 2000.0 + random.normal(size=8)[g] + random.normal(size=72)
    here = generated("y ~ 1 + (1 | g)", pd.DataFrame({"y": y, "g": pd.Categorical(g.astype(str))}), True)
    theta = tuple(here.fit.optimum.theta.tolist())
    answers = {name: here.answer(name, theta) for name in (*OWN, "lme4")}
    exact = answers["pls"].estimates.criterion
    # One ulp of each of the two sums of squares, in d log(pwrss).
    pwrss = (72 - 1) * answers["pls"].estimates.sigma ** 2
    lost = 71 * 8 * np.spacing(float(y @ y)) / pwrss
    for off, verdict in ((lost, Verdict.WITHIN), (1e4 * lost, Verdict.WRONG)):
        said = replace(answers["lme4"].estimates, criterion=exact + off)
        told = here.judged({**answers, "lme4": replace(answers["lme4"], estimates=said)}, "lme4")
        (found,) = [c for c in told if c.quantity == "criterion at its own theta"]
        assert found.verdict is verdict, found
