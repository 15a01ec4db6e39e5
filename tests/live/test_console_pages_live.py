"""The pages whose commands ask lme4: they print what they say, if it is the lme4 of the page."""

import re
from pathlib import Path

import consoles
import pytest

from relmer.reference.engines.r.lme4 import Lme4

VERSION = "1.1-31"
PAGES = [page for page in consoles.PAGES if any(step.with_r for step in consoles.steps(page))]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_prints_what_it_says(
    page: str, lme4_engine: Lme4, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = [*consoles.walk(page, tmp_path, with_r=True)]
    assert asked
    for step, output in asked:
        # Another lme4 may stop elsewhere.
        if lme4_engine.version() == VERSION:
            assert re.fullmatch(consoles.pattern(step.printed), output), f"$ {step.typed}\n{output}"
        else:
            assert f"lme4 {lme4_engine.version()} " in output


def test_there_is_one() -> None:
    assert "docs/tutorial.md" in PAGES
