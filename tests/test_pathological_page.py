"""docs/pathological.md has what we say of input that is hardly a model; tests/live asks lme4 too."""

import pytest
from pathological import PAGE, ROWS, ours


@pytest.mark.parametrize("place", range(len(ROWS)), ids=[row.name for row in ROWS])
def test_the_page_says_what_we_say(place: int) -> None:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
    assert len(lines) == len(ROWS)
    assert lines[place].startswith(f"| {ROWS[place].name} | ")
    assert lines[place].endswith(f" | {ours(ROWS[place])} |")


def test_each_refusal_names_its_offender() -> None:
    said = {row.name: ours(row) for row in ROWS}
    assert "row 4 of the data" in said["infinite response"] and "row 4" in said["negative weights"]
    assert "'xx'" in said["a column that is not there"] and "g has one level" in said["one level"]
