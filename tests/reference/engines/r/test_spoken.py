"""R as a plain process, without R: what crosses, and what any command may do in R's place."""

import base64
import json
import math
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relmer.datasets import case
from relmer.reference.answers import Answer, Status
from relmer.reference.engines import Declaration, answer
from relmer.reference.engines.r import rscript
from relmer.reference.engines.r.lme4 import Lme4
from relmer.reference.engines.r.rscript import declared, misnamed
from relmer.reference.engines.r.spoken_r import MISSING_DOUBLE, bits, decoded

CASE = case("dyestuff/reml")
HELLO = {"R": ["4.4.0"], "lme4": ["2.0-1"], "BLAS": ["/usr/lib/libblas.so.3"]}
# What speaks as rscript.R does: it reads the program for the mark, then a line for each call.
PRETENDER = """
import json, re, sys
program = ""
while not (mark := re.search('^serve[(]"(.*)"[)]$', program, re.M)):
    program += sys.stdin.readline()
assert sys.stdin.readline() == "})\\n"
for line in sys.stdin:
    number, _, message = line.partition(" ")
    print("noise, and on the same line", end=" ")
    print(f"\\n{mark[1]} {number} " + json.dumps(replies(json.loads(message))), flush=True)
"""


def engine(program: str, tmp_path: Path, name: str = "lme4@2.0", seconds: float = 30) -> Lme4:
    """An engine whose command is a Python program, which is given R's arguments."""
    path = tmp_path / "pretender.py"
    path.write_text(program, encoding="utf-8")
    return declared(Declaration(name=name, command=(sys.executable, str(path)), seconds=seconds))


def heard(found: Lme4) -> Answer:
    try:
        return answer(found, CASE, [])
    finally:
        found.close()


@given(st.lists(st.floats(width=64)))
def test_doubles_cross_as_their_bits(values: list[float]) -> None:
    """The law of IEEE 754 in base64, by struct; a NaN has no other bits than that it is one."""
    told = bits("doubles", values, "<f8")
    assert base64.b64decode(told["doubles"]) == struct.pack(f"<{len(values)}d", *values)
    back = [float(value) for value in json.loads(json.dumps(decoded(told)))]
    for value, other in zip(values, back, strict=True):
        assert struct.pack("<d", value) == struct.pack("<d", other) or (math.isnan(value) and math.isnan(other))


@given(st.lists(st.one_of(st.none(), st.integers(-(2**31) + 1, 2**31 - 1))))
def test_integers_cross_with_what_is_missing(values: list[int | None]) -> None:
    told = bits("integers", [-(2**31) if value is None else value for value in values], "<i4")
    assert decoded({"part": [told]}) == {"part": [values]}


def test_a_missing_double_is_rs() -> None:
    """R's NA_real_ is a NaN whose low word is 1954 (R Internals, 1.1.1), and quiet, so that no machine alters it."""
    (high, low) = struct.unpack(">II", struct.pack(">d", MISSING_DOUBLE))
    assert low == 1954
    assert high == 0x7FF80000


def test_what_else_is_printed_is_no_answer(tmp_path: Path) -> None:
    found = engine(f"def replies(message): return {{'value': {HELLO!r}}}\n" + PRETENDER, tmp_path)
    assert found.version() == "2.0-1"
    assert found.environment() == {"R": "4.4.0", "lme4": "2.0-1", "BLAS": "libblas.so.3"}
    found.close()


HOSTILE = {
    "exits": ("import sys; print('no such thing'); sys.exit(7)", "exit status 7; last printed: no such thing"),
    "ends": ("", "exit status 1"),
    "prints for ever": ("while True: print('x' * 1000)", "no answer to 'hello' within 2 s"),
    "hangs": ("import time; time.sleep(1000)", "no answer to 'hello' within 2 s"),
    "echoes": ("import sys\nfor line in sys.stdin: print(line, end='', flush=True)", "no answer to 'hello' within 2 s"),
    "answers nonsense": ("def replies(message): return [1]\n" + PRETENDER, "exit status 1"),
    "answers no versions": ("def replies(message): return {'value': None}\n" + PRETENDER, "TypeError"),
    "refuses": ("def replies(message): return {'error': 'R has no\\n package'}\n" + PRETENDER, "R has no package"),
    "is killed": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "exit status 137"),
    "is old": (
        "def replies(message): return {'value': {'R': ['3.6.0'], 'lme4': ['1.1-30'], 'BLAS': ['x']}}\n" + PRETENDER,
        "R 3.6.0 is too old",
    ),
    "is another version": (
        "def replies(message): return {'value': {'R': ['4.6.0'], 'lme4': ['1.1-30'], 'BLAS': ['x']}}\n" + PRETENDER,
        "its name says 2.0, and its R has lme4 1.1-30: mend the name or the command",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_whatever_a_command_does_is_that_engines_failure(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, told = HOSTILE[what]
    monkeypatch.setattr(rscript, "MEETING_SECONDS", 2.0 if "2 s" in told else 30.0)
    said = heard(engine(program, tmp_path))
    assert said.status is Status.FAILED
    assert told in said.message
    assert "\n" not in said.message
    assert len(said.message) <= 500


@pytest.mark.parametrize("command", [("/no/such/place/Rscript",), (".",), ("a\ud800b",)])
def test_a_command_that_cannot_be_started_is_a_failure_in_one_line(command: tuple[str, ...]) -> None:
    said = heard(declared(Declaration(name="lme4@2.0", command=command)))
    assert said.status is Status.FAILED
    assert "cannot be started" in said.message
    assert "\n" not in said.message


@pytest.mark.parametrize(
    ("name", "version", "fits"),
    [
        ("lme4@2.1", "2.1-0", True),
        ("lme4@2.1-0", "2.1-0", True),
        ("lme4-tight@2", "2.1-0", True),
        ("lme4@2.1-0-1", "2.1-0", False),
        ("lme4@1.1-3", "1.1-31", False),
        ("lme4@sid", "2.1-0", True),
        ("mine", "2.1-0", True),
        ("a@1.0@1.1", "1.1-37", True),
    ],
)
def test_a_name_that_tells_a_version_tells_the_true_one(name: str, version: str, fits: bool) -> None:
    assert (misnamed(name, version) == "") is fits
