"""Frames and formulas drawn from the grammar, for hypothesis; and what may be read otherwise than by lme4 1.1-31."""

import datetime
import re

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from read_alike import Outcome

from relmer.solver.errors import ModelError
from relmer.solver.language.dialect import unread
from relmer.solver.language.formula import parse

ON_PURPOSE = {
    "a level for each row": "rows do not determine",
    "a grouping factor of which dropped rows leave one level": "has one level \\(in all rows",
    "more than can be worked with": "more than can be (worked with|searched for)",
    "an infinite value": r"(is|holds) -?Inf|beyond the doubles",
    "integers beyond 32 bits": "beyond R's integers|beyond 32 bits",
    "arithmetic with factors, dates and matrices": "but the formula does arithmetic with it",
    "a condition beside a double bar": "beside '\\|\\|'",
    "%in% in a grouping factor": "is a test in lme4 up to",
    "factors compared with dates": "cannot be compared with text",
    "splines of a constant": "two different numbers|takes values, of which there are none",
    "a date without a usable format": "any other needs a format",
    "a grouping factor that is no factor": "is no grouping factor|the places of their levels",
    "what uses no column": "uses no column",
    "the response as a predictor": "also on the right-hand side",
}
"""What is refused here though lme4 1.1-31 reads it, by a piece of the message; docs/language.md tells why."""
WIDER = {
    "a logical that is cut": r"cut\(l",
    "2L beside a double bar and elsewhere, which lme4 loses": r"\dL.*\|\||\|\|.*\dL",
}
"""What is read here though lme4 1.1-31 refuses it, beside what `dialect` tells, by the formula."""


def drawn_frame(seed: int, n: int) -> pd.DataFrame:
    """Rows of every kind of column: unsorted, with ties, missing values, unused levels and levels of a single row."""
    rng = np.random.default_rng(seed)
    start = datetime.date(1999, 12, 28)
    frame = pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.normal(size=n).round(1),
            "p": rng.uniform(0.5, 3, n),
            "u": rng.normal(size=n),
            "k": rng.integers(-2, 4, n),
            "w": rng.choice([1e5, 0.1, 0.1 + 0.2, 1 / 3], n),
            "l": rng.integers(0, 2, n).astype(bool),
            "f": pd.Categorical(rng.choice(["b", "c", "a"], n), ["c", "none", "a", "b"]),
            "e": pd.Categorical(rng.choice(["m", "n"], n)),
            "o": pd.Categorical(rng.choice(["s1", "s2", "s3"], n), ["s2", "s1", "s3"], ordered=True),
            "h": rng.choice(["Yes", "no", "10", "9"], n),
            "g": rng.choice(["g1", "g2", "g3", "g10"], n),
            "day": [start + datetime.timedelta(days=int(d)) for d in rng.integers(0, 40, n)],
            "odd name": rng.integers(0, 5, n) / 2,
        }
    )
    for name in ("y", "u", "h", "f"):
        frame.loc[rng.random(n) < 0.08, name] = None
    return frame


NUMBERS = st.sampled_from(["x", "p", "u", "k", "w", "`odd name`", "I(k %/% 2L)", "as.numeric(day)", "(x - k)"])
CONDITIONS = st.sampled_from(
    ["l", "x > 0", "k == 2", "f == 'a'", 'h != "no"', "is.na(u)", "k %in% 1:2", "o >= 's1'", "!l", "xor(l, k > 0)"]
)
ONE = ["log({} + 9)", "exp({} / 9)", "sqrt(abs({}))", "scale({})", "scale({}, scale = FALSE)", "I({}^2)", "I(-{})"]
ONE += ["round({}, 1)", "poly({}, 2, raw = TRUE)", "I({} - mean({}, na.rm = TRUE))", "pmax({}, 0)", "sin({})"]
ONE += ["I({} %% 2)", "as.integer({})", "ns({}, 2)", "bs({}, 4)", "scale({})[, 1]", "signif({}, 2)", "c({})"]
TEST = ["ifelse({}, 1, 0)", "as.numeric({})", "I(({}) * p)", "ifelse({}, x, u)", "ifelse({}, 'one', 'two')", "I({})"]
FACTORS = st.sampled_from(
    ["f", "e", "o", "h", "l", "g", "factor(k)", "factor(x > 0)", "cut(p, 2)", "interaction(e, l)"]
)
OF_FACTOR = ["factor({})", "as.factor({})", "as.character({})", "ordered({})", "droplevels(factor({}))", "I({})"]
OF_FACTOR += ["relevel(factor({}), 2)", "C(factor({}), contr.sum)", "paste(e, {})", "factor({}, levels = unique({}))"]
OPERATORS = st.sampled_from(["+", "+", "+", "*", ":", "/", "-", "%in%"])
GROUPS = ["g", "h", "f", "k", "day", "g:e", "g/e", "e/g/l", "(g)", "l:g", "o", "`odd name`", "g:(e:f)"]


@st.composite
def variables(draw: st.DrawFn) -> str:
    """A column or a function of one."""
    kind = draw(st.sampled_from(["number", "of number", "of test", "factor", "of factor"]))
    if kind == "number":
        return draw(NUMBERS)
    if kind == "of number":
        made = draw(st.sampled_from(ONE))
        return made.replace("{}", draw(NUMBERS))
    if kind == "of test":
        return draw(st.sampled_from(TEST)).replace("{}", draw(CONDITIONS))
    inner = draw(FACTORS)
    return inner if kind == "factor" else draw(st.sampled_from(OF_FACTOR)).replace("{}", inner)


@st.composite
def sums(draw: st.DrawFn, most: int) -> str:
    """Terms combined by operators."""
    text = draw(st.sampled_from(["", "0 + ", "1 + "])) + draw(variables())
    for _ in range(draw(st.integers(0, most - 1))):
        other = draw(variables())
        text += f" {draw(OPERATORS)} {other}"
        if draw(st.booleans()) and draw(st.booleans()):
            text = f"({text})"
    return text


@st.composite
def formulas(draw: st.DrawFn) -> str:
    """A formula with one or two bars."""
    fixed = draw(st.one_of(st.just("1"), sums(3)))
    bars = []
    for _ in range(draw(st.integers(1, 2))):
        left = draw(st.one_of(st.just("1"), sums(2)))
        group = draw(st.sampled_from(GROUPS))
        # What no lme4 reads: tests/live/test_dialect_live.py.
        double = left != "1" and "`" not in group and draw(st.booleans())
        bars.append(f"({left} {'||' if double else '|'} {group})")
    parts = [fixed, *bars]
    if draw(st.booleans()):
        parts.reverse()
    return f"{draw(st.sampled_from(['y', 'y', 'log(p)', 'l', 'I(y - x)']))} ~ {' + '.join(parts)}"


def is_fair(text: str, outcome: Outcome, why: str, version: str) -> bool:
    """Whether an outcome is as it should be: the same, refused by both, or otherwise as the page tells."""
    if outcome in (Outcome.SAME, Outcome.BOTH_REFUSE):
        return True
    if outcome is Outcome.REFUSED_HERE:
        return any(re.search(piece, why) for piece in ON_PURPOSE.values())
    if outcome is Outcome.DIFFERENT:
        return False
    try:
        return bool(unread(parse(text), version)) or any(re.search(piece, text) for piece in WIDER.values())
    except ModelError:
        return False
