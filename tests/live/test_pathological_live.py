"""docs/pathological.md has what the lme4 that is here says, to the word if it is the page's."""

import pytest
from pathological import PAGE, ROWS, page, theirs

pytestmark = pytest.mark.live


def test_the_page_says_what_lme4_says(rscript: str) -> None:
    versions, answers = theirs(rscript)
    written = PAGE.read_text(encoding="utf-8")
    if page(versions, answers).splitlines()[2] == written.splitlines()[2]:
        assert page(versions, answers) == written
    # Another version may say it in other words, but fits what the page's fits; since 1.1-36 it reads g*h.
    cells = [line.split(" | ")[2] for line in written.replace("\\|", "\\\\").splitlines() if line.startswith("| ")][1:]
    different = [
        row.name
        for row, cell, answer in zip(ROWS, cells, answers, strict=True)
        if cell.startswith("fits") != answer.startswith("fits") and "g*h" not in row.formula
    ]
    assert different == []
