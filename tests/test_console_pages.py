"""Every page that shows what is typed and what is printed: it is typed here, without R, and prints that."""

import re
from pathlib import Path

import consoles
import pytest

RUN_BY = {
    "README.md": "tests/support/questions.py",
    "docs/answers.md": "tests/test_answers_page.py",
    "docs/cases.md": "tests/test_command_pages.py",
    "docs/ci.md": "tests/test_ci_page.py",
    "docs/conformance.md": "tests/reports/conformance/test_kit.py",
    "docs/documents.md": "tests/test_documents_page.py",
    "docs/engines.md": "tests/test_engines_page.py",
    "docs/findings.md": "tests/live/test_refits_live.py",
    "docs/howto/two-lme4s.md": "tests/test_command_pages.py",
    "docs/judge.md": "tests/test_command_pages.py",
    "docs/own.md": "tests/test_command_pages.py",
    "docs/python.md": "tests/reports/python/test_python_page.py",
    "docs/report.md": "tests/test_report_page.py",
    "docs/sweeps.md": "tests/reports/sweeps/test_plan.py",
}


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


def test_every_snippet_is_run_by_a_test() -> None:
    """What is no console, and no file of one, is held by a test that names its page."""
    for path in [*consoles.ROOT.glob("*.md"), *(consoles.ROOT / "docs").rglob("*.md")]:
        page = path.relative_to(consoles.ROOT).as_posix()
        others = {language for language, title, _ in consoles.fenced(page) if language != "console" and not title}
        if others and page != "CONTRIBUTING.md":
            assert page in RUN_BY, page
            assert page.rsplit("/", 1)[-1] in (consoles.ROOT / RUN_BY[page]).read_text(encoding="utf-8")


def test_a_line_that_is_not_printed_is_seen() -> None:
    printed = "a …\n…\nz\n"
    assert re.fullmatch(consoles.pattern(printed), "a b\nc\nd\nz\n")
    for other in ("b\nz\n", "a b\nc\n", "a b\nz\ny\n", "a\nz\n"):
        assert not re.fullmatch(consoles.pattern(printed), other)
    assert not re.fullmatch(consoles.pattern("1.5\n"), "1x5\n")
