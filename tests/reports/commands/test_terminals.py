"""What is printed on terminals, narrow, dumb and without colour, into pipes, and where everything is ASCII."""

import codecs
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from relmer.datasets import cases
from relmer.reports.commands.main import main
from relmer.reports.commands.signs import HANDLER, spelled

ROOT = Path(__file__).parents[3]
RELMER = str(Path(sys.executable).with_name("relmer"))
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b.")
COLOUR = re.compile(r"\x1b\[[0-9;]*[1-9][0-9;]*m")
# It shows progress, and is soon done.
RECORD = ("record", "--engine", "pls", "--case", "dyestuff/reml", "--into")
FIT = ("fit", "Reaction ~ Days + (Days | Subject)", str(ROOT / "datasets" / "data" / "sleepstudy.csv"))


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "FORCE_COLOR")}
    return {**kept, "PATH": "", "OPENBLAS_NUM_THREADS": "1", "TERM": "xterm", **more}


def on_terminal(*words: str, **more: str) -> tuple[int, str]:
    """The status, and all that a terminal is sent."""
    mine, theirs = pty.openpty()
    process = subprocess.Popen([RELMER, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=environment(**more))
    os.close(theirs)
    sent = b""
    while True:
        try:
            part = os.read(mine, 65536)
        except OSError:
            break
        if not part:
            break
        sent += part
    os.close(mine)
    return process.wait(), sent.decode("utf-8")


def piped(*words: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([RELMER, *words], capture_output=True, env=environment(**more), check=False)


def test_a_terminal_gets_a_bar_with_the_time_that_is_left(tmp_path: Path) -> None:
    status, sent = on_terminal(*RECORD, str(tmp_path), COLUMNS="100")
    assert status == 0
    assert "\x1b[?25l" in sent and sent.rfind("\x1b[?25h") > sent.rfind("\x1b[?25l"), "the cursor comes back"
    assert "left" in sent and "0/1" in CONTROL.sub("", sent)


def test_a_dumb_terminal_gets_plain_lines(tmp_path: Path) -> None:
    status, sent = on_terminal(*RECORD, str(tmp_path), TERM="dumb")
    assert (status, "\x1b" in sent) == (0, False)
    assert "[1/1] dyestuff/reml" in sent


def test_no_colour_where_none_is_wanted_and_a_line_where_it_is_narrow(tmp_path: Path) -> None:
    status, sent = on_terminal(*RECORD, str(tmp_path), NO_COLOR="1", COLUMNS="40")
    assert status == 0
    assert not [code for code in COLOUR.findall(sent) if code not in ("\x1b[1m", "\x1b[2m", "\x1b[3m", "\x1b[4m")]
    bars = [line for line in re.split(r"[\r\n]+", CONTROL.sub("", sent)) if "left" in line]
    assert bars and max(map(len, bars)) <= 40


def test_a_narrow_terminal_breaks_no_number() -> None:
    status, sent = on_terminal(*FIT, COLUMNS="40")
    assert (status, "Traceback" in sent) == (0, False), sent
    numbers = ("612.08994", "35.07166", "251.4051", "1.5457889", "36.8383", "6.77148", "24.740451")
    assert all(number in sent for number in numbers), sent


def test_a_list_is_whole_where_it_is_narrow() -> None:
    _, sent = on_terminal("cases", "--case", "docs/*", COLUMNS="40")
    names = re.findall(r"^case: (\S+)\r$", CONTROL.sub("", sent), re.MULTILINE)
    assert names == [case.name for case in cases("docs/*")]


def test_a_pipe_gets_no_control(tmp_path: Path) -> None:
    found = piped(*RECORD, str(tmp_path), COLUMNS="40")
    assert (found.returncode, b"\x1b" in found.stdout + found.stderr) == (0, False)
    assert found.stderr == b"[1/1] dyestuff/reml\n"


def strange(folder: Path) -> str:
    file = folder / "köln→.csv"
    file.write_text("ÿ,x,g\n" + "".join(f"{k * k % 7},{k},{k % 4}\n" for k in range(20)), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("charset", ["ascii", "latin-1", "utf-8"])
def test_what_cannot_be_encoded_is_spelled(charset: str, tmp_path: Path, without_r: None) -> None:
    runner = CliRunner(charset=charset)
    words = ["diff", "lme4@1.1-31", "lme4@2.1-0", "--case", "dyestuff/reml", "--only-changed", "--jobs", "1"]
    moved = runner.invoke(main, words, catch_exceptions=False).stdout_bytes
    arrow = "→" if charset == "utf-8" else "->"
    assert moved.decode(charset).startswith(f"lme4 1.1-31 {arrow} 2.1-0: ")
    refused = runner.invoke(main, ["fit", "y ~ x + (1 | g)", strange(tmp_path)], catch_exceptions=False)
    assert refused.exit_code == 2
    (line,) = refused.stderr_bytes.decode(charset).splitlines()
    assert ("ÿ" if charset != "ascii" else r"\xff") in line
    table = runner.invoke(main, ["fit", "ÿ ~ x + (1 | g)", strange(tmp_path)], catch_exceptions=False)
    assert (table.exit_code, "(Intercept)" in table.stdout_bytes.decode(charset)) == (0, True)


def test_the_c_locale_ends_nothing(tmp_path: Path) -> None:
    bare = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    found = piped("fit", "x ~ 1 + (1 | g)", strange(tmp_path), **bare)
    assert (found.returncode, b"Traceback" in found.stderr) == (0, False), found.stderr
    assert max(found.stdout + found.stderr) < 128
    assert b"(Intercept)" in found.stdout


@given(st.text(max_size=30))
def test_no_text_ends_a_command_in_ascii(text: str) -> None:
    codecs.register_error(HANDLER, spelled)
    told = text.encode("ascii", HANDLER).decode("ascii")
    assert len(told) >= len(text)
    assert "".join(sign for sign in text if sign.isascii()) == text or told != text
