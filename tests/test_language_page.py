"""docs/language.md: its examples run, and its limits are those of the code."""

import doctest
import re
from pathlib import Path

from relmer.solver.language import bars, contrasts, sizes

PAGE = Path(__file__).parent.parent / "docs" / "language.md"


def test_the_examples_run() -> None:
    failed, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert failed == 0 and tried >= 10


def test_the_limits_are_those_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"beyond {sizes.MOST_BYTES / 2**30:.0f} GiB" in text
    assert f"more than {sizes.MOST_COLUMNS:,} columns" in text and sizes.MOST_WORK == 2e10
    assert f"more than {sizes.MOST_PARAMETERS:,} variances" in text
    assert f"nested more than {bars.MOST_NESTED} deep" in text
    assert all(name in contrasts.NAMED for name in re.findall(r"`(contr\.\w+)`", text))
