"""The three questions of the README, and how a line of theirs is run."""

import re
import shlex
import sys
from pathlib import Path
from shutil import copytree
from subprocess import CompletedProcess, run

ROOT = Path(__file__).parents[2]


def questions() -> dict[str, tuple[str, str]]:
    """Each command's line, and what is printed below it, by the command's name."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.search(r"\n## Three questions\n(.*?)\n## ", text, re.DOTALL)
    assert section is not None
    asked = re.findall(r"```\n(relmer .*?)\n```\n\n?(?:> (.*?) …\n)?", section[1], re.DOTALL)
    return {line.split()[1]: (line, answer) for line, answer in asked}


def answered(line: str, folder: Path) -> CompletedProcess[str]:
    """Run a line as it is printed, beside the examples."""
    copytree(ROOT / "docs" / "examples", folder / "docs" / "examples")
    words = [str(Path(sys.executable).with_name("relmer")), *shlex.split(line)[1:]]
    return run(words, cwd=folder, capture_output=True, encoding="utf-8", check=False)
