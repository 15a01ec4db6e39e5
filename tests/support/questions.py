"""What the README says to type: its set-up and its three questions, and how a line of them is run.

`python tests/support/questions.py` runs the lines of its install in a fresh copy of the repository, with an empty HOME.
"""

import os
import re
import shlex
import sys
from pathlib import Path
from shutil import copytree
from subprocess import CompletedProcess, run
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]


def questions() -> dict[str, tuple[str, str]]:
    """Each command's line, and what is printed below it, by the command's name."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.search(r"\n## Three questions\n(.*?)\n## ", text, re.DOTALL)
    assert section is not None
    asked = re.findall(r"```\n(relmer .*?)\n```\n\n?(?:> (.*?) …\n)?", section[1], re.DOTALL)
    return {line.split()[1]: (line, answer) for line, answer in asked}


def set_up() -> list[list[str]]:
    """The lines of each block above the questions: the install, then the two commands."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Three questions\n")[0]
    return [block.splitlines() for block in re.findall(r"^```\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)]


def installed(folder: Path) -> CompletedProcess[str]:
    """Run the lines of the install, as they are printed, in a copy of what the repository has committed."""
    run(["git", "clone", "-q", "--depth", "1", ROOT.as_uri(), str(folder / "copy")], check=True)
    (folder / "home").mkdir()
    lines = "\n".join(["set -e", *set_up()[0]])
    return run(
        ["bash", "-c", lines],
        cwd=folder / "copy",
        env={**os.environ, "HOME": str(folder / "home")},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def answered(line: str, folder: Path) -> CompletedProcess[str]:
    """Run a line as it is printed, beside the examples."""
    copytree(ROOT / "docs" / "examples", folder / "docs" / "examples", dirs_exist_ok=True)
    words = [str(Path(sys.executable).with_name("relmer")), *shlex.split(line)[1:]]
    return run(words, cwd=folder, capture_output=True, encoding="utf-8", check=False)


if __name__ == "__main__":
    with TemporaryDirectory() as place:
        found = installed(Path(place))
    print(found.stdout, found.stderr, sep="")
    sys.exit(found.returncode)
