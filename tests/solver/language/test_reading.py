"""How a formula was read is told term by term; the counts are those of the design."""

import numpy as np
import pandas as pd
import pytest

from relmer.solver.language.build import build
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame
from relmer.solver.language.reading import Reading, lines_of, reading
from relmer.solver.model import Lambda, checks_of

N = 40
RANDOM = np.random.default_rng(3)
DATA = pd.DataFrame(
    {
        "y": RANDOM.normal(size=N),
        "x": [None, *RANDOM.normal(size=N - 1)],
        "z": RANDOM.normal(size=N),
        "f": pd.Categorical(RANDOM.choice(list("abc"), N)),
        "o": pd.Categorical(RANDOM.choice(["low", "mid", "high"], N), ["low", "mid", "high"], ordered=True),
        "g": RANDOM.choice(list("pqrstu"), N),
        "h": RANDOM.choice(list("mn"), N),
    }
)
FORMULAS = [
    "y ~ x * f + (x | g)",
    "y ~ 0 + f:o + (1 | g/h)",
    "y ~ poly(z, 2):f + o + (f || g) + (1 | h)",
    "y ~ scale(x) + I(x - mean(x, na.rm = TRUE)) + C(f, contr.sum) + (1 | g*h)",
    "y ~ 1 + (0 + x | g)",
]


def read(text: str) -> Reading:
    frame = model_frame(parse(text), DATA)
    made = build(frame, checks_of({"check.nobs.vs.nRE": "ignore"}))
    told = reading(frame, made)
    names = [name for term in told.fixed for name in term.columns]
    dropped = [name for name in names if name not in made.coefficients]
    assert [name for name in names if name not in dropped] == list(made.coefficients)
    assert sorted(dropped) == sorted(made.dropped)
    assert [(each.group, each.levels, each.columns) for each in told.random] == [
        (term.group, len(term.levels), term.columns) for term in made.terms
    ]
    theta = np.arange(1, len(made.template.diagonal) + 1) / 7
    sizes = {each.name: (each.rows, each.columns, each.stored) for each in told.matrices}
    assert sizes["X"] == (*made.X.shape, made.X.size)
    assert sizes["Z"] == (*made.Z.shape, made.Z.nnz)
    assert sizes["Lambda"] == (*2 * (made.Z.shape[1],), Lambda(made.template, theta).nnz)
    assert told.random[-1].theta[1] == theta.size
    return told


@pytest.mark.parametrize("text", FORMULAS)
def test_the_counts_are_those_of_the_design(text: str) -> None:
    told = read(text)
    lines = lines_of(told)
    assert lines[0] == text
    assert not any("\n" in line for line in lines)


def test_it_tells_the_coding_the_rows_and_what_is_learnt() -> None:
    told = read(FORMULAS[3])
    assert told.learnt == ("scale(x)", "I(x - mean(x, na.rm = TRUE))")
    assert (told.rows, told.given, told.since) == (N - 1, N, "1.1-36")
    text = "\n".join(lines_of(told))
    assert "C(f, contr.sum) by 2 contrasts of its own" in text
    assert "lme4: from 1.1-36 on" in text
    assert "is missing in 1, first in row 1" in text
    assert "o by 2 polynomial contrasts" in "\n".join(lines_of(read(FORMULAS[2])))
    assert "by an indicator for each of 3 levels" in "\n".join(lines_of(read(FORMULAS[1])))
    assert "lme4: from 1.1-26 on, the oldest that was tried" in lines_of(read(FORMULAS[4]))[2]
