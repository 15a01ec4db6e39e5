"""Every page that shows what is typed and what is printed: it is typed here, without R, and prints that."""

import re
from pathlib import Path

import consoles
import pytest


@pytest.mark.parametrize("page", consoles.PAGES)
def test_a_page_prints_what_it_says(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_r: None
) -> None:
    monkeypatch.chdir(tmp_path)
    for step, output in consoles.walk(page, tmp_path):
        assert re.fullmatch(consoles.pattern(step.printed), output), f"$ {step.typed}\n{output}"


def test_the_tutorial_the_findings_and_every_how_to_are_among_them() -> None:
    here = {page.relative_to(consoles.ROOT).as_posix() for page in (consoles.ROOT / "docs" / "howto").glob("*.md")}
    assert {"docs/tutorial.md", "docs/findings.md", *here} <= {*consoles.PAGES}


def test_a_line_that_is_not_printed_is_seen() -> None:
    printed = "a …\n…\nz\n"
    assert re.fullmatch(consoles.pattern(printed), "a b\nc\nd\nz\n")
    for other in ("b\nz\n", "a b\nc\n", "a b\nz\ny\n", "a\nz\n"):
        assert not re.fullmatch(consoles.pattern(printed), other)
    assert not re.fullmatch(consoles.pattern("1.5\n"), "1x5\n")
