"""How far an engine stops above the optimum is told in the criterion's own units, whatever the criterion's size."""

import re

import numpy as np
import pandas as pd
import pytest

import relmer
from relmer.datasets import to_plain
from relmer.reference.own_fits import estimates
from relmer.solver.fits import at_theta

GROUPS, ROWS = 5, 4


def layout() -> pd.DataFrame:
    """Groups far apart."""
    rng = np.random.default_rng(8)
    y = (rng.normal(size=GROUPS) * 4)[:, None] + rng.normal(size=(GROUPS, ROWS))
    return pd.DataFrame({"y": y.ravel(), "g": np.repeat([f"g{k}" for k in range(GROUPS)], ROWS)})


def by_the_table(frame: pd.DataFrame) -> tuple[float, float]:
    """The least REML criterion of a balanced one-way layout, and how far above it least squares stand (theta = 0).

    With s = MSW and t = MSB it is (n - 1) (log 2 pi + 1) + log n + a (m - 1) log s + (a - 1) log t (Searle, Casella and
    McCulloch 1992, section 3.8); with theta = 0 both are SST / (n - 1).
    """
    a, m, n = GROUPS, ROWS, GROUPS * ROWS
    means = frame.groupby("g")["y"].transform("mean")
    within, between = ((frame["y"] - means) ** 2).sum(), ((means - frame["y"].mean()) ** 2).sum()
    both = np.log((within + between) / (n - 1))
    logs = a * (m - 1) * np.log(within / (a * (m - 1))) + (a - 1) * np.log(between / (a - 1))
    return float((n - 1) * (np.log(2 * np.pi) + 1) + np.log(n) + logs), float((n - 1) * both - logs)


@pytest.mark.parametrize("least", [0.5, -2.0, 300.0, -300.0])
def test_a_gap_is_told_in_its_own_units(least: float) -> None:
    frame = layout()
    there, gap = by_the_table(frame)
    assert gap > 5
    # A response in another unit moves the criterion by (n - 1) log c^2, and no gap.
    frame["y"] *= np.exp((least - there) / (2 * (len(frame) - 1)))
    assert by_the_table(frame) == pytest.approx((least, gap))
    stopped = estimates(at_theta(relmer.lmer("y ~ 1 + (1 | g)", frame), np.zeros(1)))
    answer = {"engine": "theirs", "estimates": to_plain(stopped)}
    report = relmer.judge(answer, data=frame, formula="y ~ 1 + (1 | g)")
    (told,) = [c for c in report.comparisons if c.quantity == "criterion at the optimum" and c.engine == "theirs"]
    assert told.gap == pytest.approx(gap, abs=1e-9)
    (said,) = [re.search(r"stops ([\d.]+) above the optimum", finding.text) for finding in report.findings]
    assert said is not None
    assert float(said[1]) == pytest.approx(gap, rel=1e-5)
