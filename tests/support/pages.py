"""What a page shows to be typed: its code blocks, run as printed."""

import json
import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from click.testing import CliRunner, Result

from relmer.reports.commands.main import main

ROOT = Path(__file__).parents[2]


def text_of(page: str) -> str:
    """A page, by its path in the repository."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language, in their order."""
    return re.findall(rf"^```{re.escape(language)}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^##+ |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found is not None, f"no heading {heading!r}"
    return found[1]


def relmer(*words: str) -> Result:
    """A command in this process; what it raises is raised."""
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


def typed(line: str) -> Result | None:
    """A line of a shell in the folder in which one works: a command of ours, its output to a file; None, a comment."""
    words = shlex.split(line, comments=True)
    if not words:
        return None
    file = words.pop() if words[-2:-1] == [">"] else ""
    assert words[0] == "relmer", line
    found = relmer(*words[1 : -1 if file else None])
    if file:
        Path(file).write_text(found.stdout, encoding="utf-8")
    return found


def judged_as_the_page_says(heading: str, command: Sequence[str], script: str, folder: Path) -> dict[str, object]:
    """Run the script of a section of docs/answers.md by a command, judge what it wrote, and compare the lines.

    The version is that of the program that ran; where there is no R the first line says so as well.
    """
    there = section(text_of("docs/answers.md"), heading)
    printed = blocks(there, "text")[0]
    (code,) = blocks(there, "r") + blocks(there, "python")
    (folder / script).write_text(code, encoding="utf-8")
    ran = subprocess.run([*command, script], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    answer: dict[str, object] = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    found = relmer("judge", str(folder / "answers.json"), "--out", str(folder / "out"))
    assert found.exit_code == 0, found.output
    said = re.sub(r"(by hand) \S+", rf"\1 {answer['version']}", printed)
    told = re.sub(r" lme4-tight is recorded, not run, because .*? PATH\.", "", found.stdout)
    assert told.splitlines()[:2] == said.splitlines(), found.stdout
    return answer
