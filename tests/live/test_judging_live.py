"""A frame in Python and lme4: R gets of every kind of column what the solver reads, data and matrices to the bit."""

import datetime
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

import relmer
from relmer.reference.engines.r.lme4 import Lme4
from relmer.reports.records import Report
from relmer.reports.verdicts import Verdict

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore::UserWarning")]
FORMULAS = (
    "y ~ x + count + (1 | g)",
    "y ~ flag + maybe + (1 | g)",
    "y ~ text * dose + (1 | g)",
    "y ~ arm + (x | g)",
    "y ~ day + moment + (1 | factor(day))",
)


@pytest.fixture(scope="module")
def judged(lme4_engine: Lme4) -> Iterator[Report]:
    """All models in one run, with weights by name, and levels in an order that is stated."""
    random, n = np.random.default_rng(12), 90
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(days=int(k)) for k in random.integers(0, 12, n)]
    g = random.integers(0, 9, n)
    frame = pd.DataFrame(
        {
            "y": random.normal(size=n) + 2 * random.normal(size=9)[g],
            "x": pd.array([None if k == 4 else float(v) for k, v in enumerate(random.normal(size=n))], dtype="Float64"),
            "count": pd.array(random.integers(0, 9, n).tolist(), dtype="Int64"),
            "flag": random.random(n) > 0.5,
            "maybe": pd.array([None if k == 7 else bool(k % 3) for k in range(n)], dtype="boolean"),
            "text": random.choice(["é", "Z", "a"], n),
            "dose": pd.Categorical(random.choice(["low", "mid", "high"], n), ["low", "mid", "high"], ordered=True),
            "arm": pd.Categorical(random.choice(["b", "a"], n), ["b", "a", "unused"]),
            "day": days,
            "moment": pd.to_datetime(random.choice(days, n)).tz_localize("Europe/Berlin"),
            "g": pd.array([f"group {k}" for k in g], dtype="string"),
            "w": 1 + random.random(n),
        },
        index=[0] * n,
    )
    yield relmer.judge(frame, FORMULAS, weights="w", levels={"text": ["é", "Z", "a"]}, engines=["lme4", "pls"])


@pytest.mark.parametrize("formula", FORMULAS)
def test_lme4_sees_the_same_data_and_builds_the_same_matrices(formula: str, judged: Report) -> None:
    (name,) = [case.name for case in judged.cases if case.formula == formula]
    theirs = [c for c in judged.comparisons if (c.case, c.engine) == (name, "lme4") and c.rung <= 2]
    assert {c.rung for c in theirs} == {1, 2}
    # Columns that R computes, as poly or contrasts, may differ in their last bits.
    assert {c.verdict for c in theirs} <= {Verdict.AGREE, Verdict.WITHIN}, theirs
    assert not [c for c in judged.comparisons if c.case == name and c.breaks]
