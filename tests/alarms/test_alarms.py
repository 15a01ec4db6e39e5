"""Our own paths raise no alarm; all engines are heard in tests/live/test_alarms_live.py."""

import pytest

from .designs import KINDS
from .hearing import OWN, as_record, of_record, trial
from .page import false_alarms


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_our_paths_are_not_called_wrong(kind: str, number: int) -> None:
    found = trial(f"{kind}/{number}", OWN)
    assert false_alarms([found]) == []
    assert {heard.engine for heard in found.heard} == {*OWN}
    assert of_record(as_record(found)) == found
