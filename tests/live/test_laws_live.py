"""lme4's default stops far from the optimum at a year; other rows first it keeps within its stop."""

import pytest

from relmer.datasets import cases
from relmer.reference.engines import engine
from relmer.reports.laws import LAWS, outcome, problem_of

pytestmark = pytest.mark.live


@pytest.mark.parametrize("name", ["shift+2010", "rows"])
def test_lme4_breaks_a_year_and_keeps_the_order_of_rows(rscript: str, name: str) -> None:
    """By hand the excess was 42.8 with lme4 1.1-31; by another optimiser it may be less, not none."""
    (law,) = (law for law in LAWS if law.name == name)
    found = outcome(law, engine("lme4"), problem_of(cases("sleepstudy/slopes-reml")[0]))
    if name == "rows":
        assert not found.broken and 0 <= found.excess < 1e-4, found
    else:
        assert found.broken.startswith("stops") and found.excess > 1, found
