"""A design of each kind before the judge, on all engines in R: what is called wrong is proved, and ours is not."""

import pytest
from tests.alarms.designs import KINDS
from tests.alarms.hearing import ENGINES, OWN, trial
from tests.alarms.page import false_alarms

pytestmark = pytest.mark.live


@pytest.mark.parametrize("kind", KINDS)
def test_no_engine_is_called_wrong_without_a_proof(rscript: str, kind: str) -> None:
    found = trial(f"{kind}/2", [name for name in ENGINES if name not in OWN])
    assert false_alarms([found]) == []
    assert all("not recorded, and not to be run here" not in heard.told for heard in found.heard)
    assert {"agree", "within", "early", "wrong"} & {heard.verdict for heard in found.heard}


def test_a_local_optimum_of_lme4_is_called_wrong_and_proved(rscript: str) -> None:
    """Two optima by construction: from theta = 1 lme4 ends at the higher one (docs/findings.md)."""
    found = trial("stored/two-optima/reml", ["lme4"])
    (heard,) = found.heard
    assert heard.verdict == "wrong"
    assert heard.proved
