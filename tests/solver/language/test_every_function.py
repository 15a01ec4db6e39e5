"""Every function of the closed table has a case: a recorded answer of R, or a value that is known by itself."""

import json
import math
import re
from pathlib import Path

import pandas as pd
import pytest
from bounds import EPS

from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame
from relmer.solver.language.functions import FUNCTIONS

RECORDED = Path(__file__).parent / "lformula.json"
# What no recorded formula has: an argument, and the value there.
STEPS = "cut(x, breaks = seq(0, 4, by = 2))"
KNOWN = {
    "sqrt(4)": 2.0,
    "abs(-3)": 3.0,
    "log2(8)": 3.0,
    "log10(1000)": 3.0,
    "log1p(1)": math.log(2),
    "sinh(1)": (math.e - 1 / math.e) / 2,
    "cosh(1)": (math.e + 1 / math.e) / 2,
    "tanh(1)": (math.e**2 - 1) / (math.e**2 + 1),
    "asin(1)": math.pi / 2,
    "acos(-1)": math.pi,
}


def called(text: str) -> set[str]:
    return {name for name in FUNCTIONS if re.search(rf"(?<![\w.]){re.escape(name)}\(", text)}


def test_every_function_has_a_case() -> None:
    recorded = RECORDED.read_text(encoding="utf-8")
    assert json.loads(recorded)
    assert set(FUNCTIONS) - called(recorded) - called(" ".join([*KNOWN, STEPS])) == set()


@pytest.mark.parametrize("text", KNOWN)
def test_a_known_value(text: str) -> None:
    name, argument = re.fullmatch(r"(\w+)\((.+)\)", text).groups()
    data = pd.DataFrame({"y": [1.0, 2.0, 4.0], "x": [float(argument)] * 3, "g": list("aab")})
    frame = model_frame(parse(f"y ~ {name}(x) + (1 | g)"), data)
    # An elementary function is rounded to a unit or two in the last place.
    assert frame.columns[f"{name}(x)"][0] == pytest.approx(KNOWN[text], rel=4 * EPS, abs=0)


def test_the_steps_of_a_sequence() -> None:
    """0, 2, 4 cut 1, 2, 3 into the intervals that R calls (0,2] and (2,4]."""
    data = pd.DataFrame({"y": [1.0, 2.0, 4.0], "x": [1.0, 2.0, 3.0], "g": list("aab")})
    columns = model_frame(parse(f"y ~ {STEPS} + (1 | g)"), data).columns
    (made,) = (column for name, column in columns.items() if name.startswith("cut("))
    assert (made.levels, made.codes.tolist()) == (("(0,2]", "(2,4]"), [0, 0, 1])
