"""Rows: gaps by closed forms, simulated responses by parts, side by side as one by one."""

import io
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy import stats

from relmer.datasets import case, data_of
from relmer.reference.answers import Answer, Estimates
from relmer.reports.sweeps import work
from relmer.reports.sweeps.asking import Asked, Row, fitted, known_of, row, rows_of
from relmer.reports.sweeps.blocks import Block
from relmer.reports.sweeps.kinds import KINDS, made
from relmer.reports.sweeps.plan import OWN, FromCases, Plan, Simulate
from relmer.reports.sweeps.simulating import side_by_side, truth_of
from relmer.reports.sweeps.work import as_bytes, gave_up, joined, units
from relmer.solver import lmer

DYESTUFF = case("dyestuff/reml")
ASKED = Asked(engines=(OWN,), seconds=60.0)
FEW = Simulate(
    name="few",
    replicates=40,
    formula="y ~ x + z + (x | g)",
    groups=5,
    rows=6,
    theta=(1.0, 0.2, 0.5),
    beta=(1.0, 0.5, 0.0),
    sigma=2.0,
    intervals=("wald", "satterthwaite"),
    engines=(OWN,),
)


def at_zero(said: Answer) -> Answer:
    """The answer of an engine that stops at theta = 0."""
    assert said.estimates is not None
    estimates: Estimates = replace(said.estimates, theta=(0.0,))
    return replace(said, engine="zero", estimates=estimates)


def test_a_gap_is_that_of_two_closed_forms() -> None:
    said = at_zero(fitted(OWN, DYESTUFF, 60.0))
    found = row(said, known_of(DYESTUFF, {"zero": said}), ASKED)
    # The REML criterion of the mean alone, and the balanced one way layout's by its two mean squares.
    y = data_of(DYESTUFF)["Yield"].to_numpy(dtype=float).reshape(6, 5)
    d, rss = 29, ((y - y.mean()) ** 2).sum()
    zero = d * (1 + math.log(2 * math.pi * rss / d)) + math.log(30)
    within = ((y - y.mean(axis=1, keepdims=True)) ** 2).sum() / 24
    between = 5 * ((y.mean(axis=1) - y.mean()) ** 2).sum() / 5
    best = 24 * math.log(within) + 5 * math.log(between) + 29 + 29 * math.log(2 * math.pi) + math.log(30)
    assert found["at_theta"] == pytest.approx(zero, abs=1e-10)
    assert found["best"] == pytest.approx(best, abs=1e-10)
    assert found["gap"] == pytest.approx(zero - best, abs=1e-10)
    assert found["rung4"] == found["verdict"] == "wrong" and found["rung3"] == "wrong"


def test_the_own_search_of_a_certified_case_has_all_digits() -> None:
    (found,) = rows_of(DYESTUFF, ASKED, {"source": "s"})
    assert found["engine"] == OWN and found["verdict"] == "agree" and abs(found["gap"]) <= found["allowed"]
    assert found["digits_criterion"] >= 13
    assert found["criterion"] == pytest.approx(319.65427684226, abs=1e-10)  # lme4's vignette prints 319.6543.


def test_who_fails_has_a_row_and_a_theta_of_another_length_is_another_model() -> None:
    said = fitted(OWN, DYESTUFF, 60.0)
    assert said.estimates is not None
    longer = replace(said, estimates=replace(said.estimates, theta=(1.0, 0.0, 1.0)))
    found = row(longer, known_of(DYESTUFF, {OWN: longer}), ASKED)
    assert found["verdict"] == found["rung2"] == "wrong" and "gap" not in found


def test_the_whole_ladder_judges_as_a_run_does() -> None:
    (found,) = rows_of(DYESTUFF, replace(ASKED, ladder=True), {"source": "s"})
    assert [found[f"rung{k}"] for k in range(1, 7)] == ["agree"] * 6 and found["verdict"] == "agree"


@pytest.mark.parametrize("kind", KINDS)
def test_a_design_follows_from_its_name_and_seed(kind: str) -> None:
    one, again, other = made(kind, 4, 1), made(kind, 4, 1), made(kind, 4, 2)
    pd.testing.assert_frame_equal(one.frame, again.frame)
    assert one.formula == again.formula and one.reml and not made(kind, 5, 1).reml
    assert not one.frame.equals(other.frame)


def test_any_part_of_the_responses_is_drawn_by_itself() -> None:
    truth = truth_of(FEW)
    whole = truth.responses(7, 0, 200)
    np.testing.assert_array_equal(truth.responses(7, 100, 30), whole[:, 100:130])
    np.testing.assert_array_equal(truth.responses(7, 63, 2), whole[:, 63:65])


def test_drawn_responses_have_the_mean_and_the_covariance_of_the_truth() -> None:
    truth = truth_of(FEW)
    Y = truth.responses(7, 0, 20_000)
    frame = truth.problem.frame
    x, z, g = (frame[name].to_numpy() for name in ("x", "z", "g"))
    mean = 1.0 + 0.5 * x.astype(float)
    T = np.array([[1.0, 0.0], [0.2, 0.5]])
    Zx = np.column_stack([np.ones(len(x)), x.astype(float)])
    V = 4.0 * ((g[:, None] == g) * (Zx @ T @ T.T @ Zx.T) + np.eye(len(x)))
    # Five standard errors of a mean and of a covariance of 20,000 draws; some 500 are held, one in 3e6 is beyond.
    assert z.sum() == 2 * 6 and np.all(np.abs(Y.mean(axis=1) - mean) < 5 * np.sqrt(np.diag(V) / 20_000))
    spread = np.sqrt((V**2 + np.outer(np.diag(V), np.diag(V))) / 20_000)
    assert np.all(np.abs(np.cov(Y) - V) < 5 * spread)


def test_side_by_side_is_as_one_by_one_with_the_intervals_of_the_book() -> None:
    truth = truth_of(FEW)
    found = side_by_side(FEW, 7, 3, 20, "v").to_pandas()
    Y = truth.responses(7, 3, 20)
    assert found["replicate"].tolist() == [*range(3, 23)]
    for k in (0, 7, 19):
        fit = lmer(FEW.formula, truth.problem.frame.assign(y=Y[:, k]))
        one = found.iloc[k]
        # Both stop within rounding of one minimum, where beta moves by the root of it.
        assert one["criterion"] == pytest.approx(fit.criterion, abs=1e-9)
        np.testing.assert_allclose(one["beta"], fit.beta, rtol=1e-5, atol=1e-6)
        half = stats.norm.ppf(0.975) * np.asarray(one["se"])
        np.testing.assert_allclose(one["upper_wald"], one["beta"] + half, rtol=1e-12)
        half = stats.t.ppf(0.975, one["df_satterthwaite"]) * np.asarray(one["se"])
        np.testing.assert_allclose(one["upper_satterthwaite"] - one["beta"], half, rtol=1e-5)


def test_a_transformation_is_a_row_of_its_own_where_it_applies() -> None:
    plan = Plan(
        engines=(OWN,),
        transformations=("rows", "split", "weights"),
        sources=(FromCases(name="c", pattern="dyestuff/reml"),),
    )
    found: list[Row] = [*units(plan, Block(0, 0, (OWN,), 0, 1))]
    # There is no (x || g) in it to split; other rows, or weights, leave the problem as good as it was.
    assert [one["transformation"] for one in found] == ["", "rows", "weights"]
    assert found[1]["criterion"] == pytest.approx(found[0]["criterion"], abs=1e-10)


def test_an_error_of_our_own_is_a_row_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(case: object, asked: object, key: object) -> list[Row]:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(work, "rows_of", broken)
    plan = Plan(engines=(OWN, "pls"), sources=(FromCases(name="c", pattern="dyestuff/reml"),))
    found = [*units(plan, Block(0, 0, (OWN, "pls"), 0, 1))]
    assert [(one["engine"], one["status"], one["verdict"]) for one in found] == [
        (OWN, "unsupported", "not given"),
        ("pls", "unsupported", "not given"),
    ]
    assert "report a bug: ZeroDivisionError: planted" in found[0]["message"]


def test_units_that_gave_up_are_joined_with_the_others() -> None:
    plan = Plan(sources=(replace(FEW, engines=("pls", "gls")),))
    first, second = Block(0, 0, ("pls", "gls"), 5, 1).by_engine()
    done = as_bytes(side_by_side(FEW, 7, 5, 1, "v"))
    found = pq.read_table(io.BytesIO(joined([done, gave_up(plan, second)]))).to_pylist()
    assert [one["engine"] for one in found] == [OWN, "gls"] and first.engines == ("pls",)
    assert found[1]["status"] == "failed" and found[1]["message"] == "it ended its worker three times"
    assert found[1]["replicate"] == 5
