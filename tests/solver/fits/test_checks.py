"""lme4's checks of sizes, on and off; its figures are those of lme4 1.1-31 with its own checks off."""

import numpy as np
import pandas as pd
import pytest
from bounds import SOLVED

from relmer.datasets import load
from relmer.reports.evidence import tolerances
from relmer.solver import ModelError, lmer

METHODS = ("pls", "qr", "gls")
NRE, NLEV, RANK = "check.nobs.vs.nRE", "check.nobs.vs.nlev", "check.nobs.vs.rankZ"
VISITS = "distance ~ age * Sex + (0 + factor(age) | Subject)"


def pairs() -> pd.DataFrame:
    random = np.random.default_rng(0)
    g = np.repeat(np.arange(12), 2)
    data = pd.DataFrame({"x": random.normal(size=24), "z": random.normal(size=24)})
    return data.assign(g=g, row=np.arange(24), y=random.normal(size=12)[g] + random.normal(size=24))


@pytest.mark.parametrize("method", METHODS)
def test_an_unstructured_covariance_of_repeated_measures(method: str) -> None:
    fit = lmer(VISITS, load("Orthodont").frame, method=method, checks={NRE: "ignore"})
    assert fit.optimum.converged
    # lme4 prints 424.5468; it stops within 1e-4 of the optimum, and its standard errors move with that.
    assert fit.criterion == pytest.approx(424.5468, abs=1e-4)
    np.testing.assert_allclose(fit.se, [0.97231833, 0.08221777, 1.52333007, 0.12881050], rtol=1e-4)
    assert fit.unidentified.names == {*(f"Subject.factor(age){age}" for age in (8, 10, 12, 14)), "sigma"}
    assert fit.unidentified.beta == fit.unidentified.se == ()


@pytest.mark.parametrize("REML", [True, False])
def test_V_is_that_of_a_sample_covariance(REML: bool) -> None:
    """With a mean for every visit all subjects have, V is the covariance matrix of the visits, exactly."""
    random = np.random.default_rng(3)
    Y = random.normal(size=(9, 3)) @ np.array([[2.0, 1.0, 0.5], [0.0, 1.0, 0.3], [0.0, 0.0, 1.0]])
    data = pd.DataFrame({"y": Y.ravel(), "t": list("abc") * 9, "id": np.repeat(np.arange(9), 3)})
    for method in METHODS:
        fit = lmer("y ~ t + (0 + t | id)", data, REML=REML, method=method, checks={NRE: "ignore"})
        expected = np.cov(Y.T, ddof=1 if REML else 0)
        np.testing.assert_allclose(fit.V.toarray()[:3, :3], expected, atol=SOLVED * expected.max())
        assert "sigma" in fit.unidentified.names


@pytest.mark.parametrize("formula", ["y ~ x + (x | g)", "y ~ x + (x + z | g)", "y ~ 1 + (x || g)"])
def test_more_random_effects_than_rows_may_be_identified(formula: str) -> None:
    fits = [lmer(formula, pairs(), method=method, checks={NRE: "ignore"}) for method in METHODS]
    for fit in fits:
        assert fit.optimum.converged
        assert not fit.unidentified
        assert fit.criterion == pytest.approx(fits[0].criterion, rel=tolerances.CRITERION)


def test_a_level_for_every_row() -> None:
    """Another residual: the fit is least squares, and only the sum of the two variances is known."""
    fit = lmer("y ~ x + (1 | row)", pairs(), checks={NRE: "ignore", NLEV: "ignore"})
    plain = lmer("y ~ x", pairs())
    assert fit.criterion == pytest.approx(plain.criterion, rel=tolerances.CRITERION)
    np.testing.assert_allclose(fit.se, plain.se, rtol=SOLVED)
    assert fit.unidentified.theta == (("row.(Intercept)", "sigma"),)


@pytest.mark.parametrize(
    ("formula", "checks", "named"),
    [
        ("y ~ x + (x | g)", {}, [NRE]),
        ("y ~ x + (x | g)", {NRE: "stop", NLEV: "ignore"}, [NRE]),
        ("y ~ x + (1 | row)", {}, [NLEV, NRE]),
        ("y ~ x + (1 | row)", {NLEV: "ignore"}, [NRE]),
        ("y ~ x + (x | g)", {NRE: "ignore", RANK: "stop"}, [RANK]),
        ("y ~ x + (x | g)", {NRE: "ignore", RANK: "stopSmall"}, [RANK]),
    ],
)
def test_a_refusal_names_the_checks_and_how_to_turn_them_off(
    formula: str, checks: dict[str, str], named: list[str]
) -> None:
    """All that would refuse the model, so that it is fitted with what is said."""
    with pytest.raises(ModelError) as raised:
        lmer(formula, pairs(), checks=checks)
    message = str(raised.value)
    assert f"checks={dict.fromkeys(named, 'ignore')}" in message
    assert "\n" not in message and len(message) < 300
    lmer(formula, pairs(), checks=checks | dict.fromkeys(named, "ignore"))


def test_a_check_that_warns_leaves_a_message() -> None:
    fit = lmer("y ~ x + (x | g)", pairs(), checks={NRE: "warning", RANK: "message"})
    assert [message.split(" has ")[0] for message in fit.messages] == ["term ((Intercept) + x | g)", "Z"]
    assert lmer("y ~ x + (1 | g)", pairs(), checks={NRE: "warning", RANK: "warning"}).messages == ()


@pytest.mark.parametrize(
    ("checks", "offender"),
    [
        ({"check.nobs.vs.nre": "ignore"}, "check.nobs.vs.nre"),
        ({NRE: "off"}, "not 'off'"),
        ({NLEV: "stopSmall"}, "not 'stopSmall'"),
        ({NRE: None}, "not None"),
        ("ignore", "mapping"),
        ([NRE], "mapping"),
    ],
)
def test_what_is_no_check_is_refused(checks, offender: str) -> None:
    with pytest.raises(ModelError, match=offender) as raised:
        lmer("y ~ x + (1 | g)", pairs(), checks=checks)
    assert "\n" not in str(raised.value)
