"""A design of each kind before the judge, on all engines in R: what is called wrong is proved, and ours is not."""

import pytest

from tests.alarms.designs import KINDS
from tests.alarms.hearing import ENGINES, OWN, trial
from tests.alarms.page import false_alarms

pytestmark = pytest.mark.live


@pytest.mark.parametrize("kind", KINDS)
def test_no_engine_is_called_wrong_without_a_proof(rscript: str, kind: str) -> None:
    # adversary/2 is a response without residual, which nobody is asked about.
    found = trial("adversary/6" if kind == "adversary" else f"{kind}/2", [name for name in ENGINES if name not in OWN])
    assert false_alarms([found]) == []
    assert all("not recorded, and not to be run here" not in heard.told for heard in found.heard)
    assert {"agree", "within", "early", "wrong"} & {heard.verdict for heard in found.heard}


def test_a_date_as_slope_is_wrong_of_lme4_proved_and_not_charged_to_us(rscript: str) -> None:
    """Days since 1970 as a slope: lme4 stops far above the optimum; our b was held against its b, and called wrong."""
    found = trial("far from zero/2", [*OWN, "lme4"])
    verdicts = {heard.engine: heard for heard in found.heard}
    assert verdicts["lme4"].verdict == "wrong"
    assert verdicts["lme4"].proved
    assert not {verdicts[name].verdict for name in OWN} & {"wrong", "failed"}
