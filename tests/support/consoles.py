"""What pages show as typed and printed: their ```console blocks, run from top to bottom in one folder.

A line that begins with "$ " is typed; what stands below it is all that is printed, but for "…": alone on a line it
stands for any lines, at the end of a line for its rest. `$ echo $?` prints the status of the command before. A block of
another language with a title is a file of that name. A console with the title "with R" is for where lme4 is.
"""

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pages import ROOT, relmer, text_of

WITH_R = "with R"
BLOCK = re.compile(r'^```(\w*)(?: title="([^"]*)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
PAGES = sorted(
    page.relative_to(ROOT).as_posix()
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if "```console" in page.read_text(encoding="utf-8")
)


@dataclass(frozen=True)
class Step:
    """A file that is written, or a line that is typed and what it prints."""

    typed: str
    printed: str
    file: str = ""
    with_r: bool = False


def fenced(page: str) -> list[tuple[str, str, str]]:
    """Language, title and text of the blocks of a page."""
    return BLOCK.findall(text_of(page))


def steps(page: str) -> Iterator[Step]:
    """The files and commands of a page, in their order."""
    for language, title, body in fenced(page):
        if language == "console":
            for typed, printed in re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", body, re.MULTILINE):
                yield Step(typed.replace("\\\n", " "), printed, with_r=title == WITH_R)
        elif title:
            yield Step("", body, file=title)


def pattern(printed: str) -> str:
    """What the output must match as a whole."""
    lines = []
    for line in printed.splitlines():
        if line.strip() == "…":
            lines.append(r"(?:.*\n)*?")
        elif line.endswith(" …"):
            lines.append(re.escape(line.removesuffix("…")) + r".*\n")
        else:
            lines.append(re.escape(line.rstrip()) + r"[ \t]*\n")
    return "".join(lines)


def walk(page: str, folder: Path, with_r: bool = False) -> Iterator[tuple[Step, str]]:
    """Do what a page says in the folder in which one works, with the repository's data in it: commands and output.

    Those that need R, or those that need none.
    """
    (folder / "docs").mkdir()
    (folder / "docs" / "examples").symlink_to(ROOT / "docs" / "examples")
    (folder / "datasets").symlink_to(ROOT / "datasets")
    status = 0
    for step in steps(page):
        words = shlex.split(step.typed, comments=True)
        if step.file:
            Path(step.file).write_text(step.printed, encoding="utf-8")
        elif words[0] == "cp":
            shutil.copyfile(words[1], words[2])
        elif step.with_r is not with_r:
            continue
        elif words == ["echo", "$?"]:
            yield step, f"{status}\n"
        else:
            assert words[0] == "relmer", step.typed
            found = relmer(*words[1:])
            status = found.exit_code
            yield step, found.output
