"""A prediction goes with the coefficients that it is made of: what excuses them excuses it, and nothing else does."""

import pytest

from relmer.reports.run import compare
from relmer.reports.verdicts import Verdict


@pytest.mark.usefixtures("without_r")
@pytest.mark.parametrize("kind", ["reml", "ml"])
def test_a_mean_far_from_zero_is_no_worse_as_a_prediction_than_as_a_coefficient(kind: str) -> None:
    """NIST's responses about 1e12: lme4's intercept is 6e-3 off, 14.2 digits, which its doubles leave it."""
    found = {
        (c.rung, c.quantity): c.verdict
        for c in compare(f"nist/SmLs07-{kind}", ["lme4"]).comparisons
        if c.engine == "lme4"
    }
    assert found[5, "beta"] is Verdict.AGREE
    assert found[6, "Wald interval"] is found[6, "population prediction"] is Verdict.AGREE
    wrong = {c.quantity for c in compare(f"nist/SmLs08-{kind}", ["lme4"]).comparisons if c.verdict is Verdict.WRONG}
    assert {"beta", "Wald interval", "population prediction"} <= wrong
