"""Which lme4 reads a formula; tests/live/test_dialect_live.py asks the lme4 that is here."""

import pytest
from dialects import EVERYWHERE, NOWHERE, SINCE_1_1_36

from relmer.solver.language.dialect import NEWEST, OLDEST, first_version, needs, parts, unread
from relmer.solver.language.formula import parse


@pytest.mark.parametrize("text", EVERYWHERE)
def test_what_all_versions_read(text: str) -> None:
    assert (needs(parse(text)), first_version(parse(text))) == ((), OLDEST)
    assert unread(parse(text), OLDEST) == ""


@pytest.mark.parametrize("text", SINCE_1_1_36)
def test_what_later_versions_read(text: str) -> None:
    formula = parse(text)
    assert first_version(formula) == "1.1-36"
    assert "since lme4 1.1-36" in unread(formula, "1.1-35.5")
    assert unread(formula, "1.1-36") == unread(formula, "1.1.37") == unread(formula, NEWEST) == ""


@pytest.mark.parametrize("text", NOWHERE)
def test_what_no_version_reads(text: str) -> None:
    formula = parse(text)
    assert first_version(formula) is None
    said = unread(formula, NEWEST)
    assert said.startswith(f"lme4 {NEWEST}: no lme4 up to {NEWEST} reads '") and "\n" not in said
    assert any(cure in said for cure in ("write", "rename", "make a column"))


def test_versions_are_compared_as_numbers() -> None:
    assert parts("1.1-9") < parts("1.1-31") < parts("1.1.36") < parts("2.0-0") < parts(NEWEST)
