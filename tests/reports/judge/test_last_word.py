"""What another house tells of our own paths' inference: its rounding is no loss of ours."""

import pytest

from relmer.reports.run import compare
from relmer.reports.verdicts import Verdict


@pytest.mark.usefixtures("without_r")
def test_digits_that_another_house_has_lost_are_not_ours() -> None:
    """lmerTest's p of the atomic weight of silver is 8e-6 for 5e-8, by differences; its se is right."""
    found = {c.quantity: c for c in compare("nist/AtmWtAg-reml", ["pls"]).comparisons if c.engine == "pls"}
    lost, kept = found["p (satterthwaite)"], found["se (satterthwaite)"]
    assert (lost.verdict, lost.digits) == (Verdict.AGREE, None)
    assert "both give the same but for the rounding of lmertest: the definition gives" in lost.evidence
    assert kept.verdict is Verdict.AGREE
    assert kept.digits > 6
    assert "rounding" not in kept.evidence
