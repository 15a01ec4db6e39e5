"""Every formula of the table is read as lme4 reads it, or refused where lme4 refuses; lme4's answers are recorded."""

import json
import re
from typing import Any

import numpy as np
import pytest
from formula_table import REFUSED, data, formulas
from lformula import RECORDED

from relmer.solver.errors import ModelError
from relmer.solver.language.formula import canonical, parse
from relmer.solver.language.frame import ModelFrame, model_frame
from relmer.solver.language.matrix import fixed_matrix, random_terms

DATA = data()
EPS = np.finfo(float).eps
ROUNDED = 1e-13
"""Of the largest value of a column: R's own error in the columns that it rounds (poly, splines, scale, means), whose
condition here is below 300, at a few units in the last place each."""
# Elementary functions, sums, and contr.poly.
ROUNDS = re.compile(
    r"\b(poly|ns|bs|scale|mean|sd|var|sum|log|sin|cos|tan|atan|exp|expm1)\(|contr\.poly"
    r"|\bo\b|ordered"
)


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    answers: dict[str, Any] = json.loads(RECORDED.read_text(encoding="utf-8"))
    answers["columns"] = [np.array(column.split(), dtype=float) for column in answers["columns"]]
    return answers


def made(text: str) -> ModelFrame:
    return model_frame(parse(text), DATA)


@pytest.mark.parametrize("text", formulas())
def test_read_as_lme4_reads_it(text: str, recorded: dict[str, Any]) -> None:
    answer, columns = recorded["answers"][text], recorded["columns"]
    if "error" in answer:
        with pytest.raises(ModelError):
            random_terms(made(text)), fixed_matrix(made(text))
        return
    check(text, answer, columns)
    assert parse(canonical(parse(text))).right == parse(text).right


def check(text: str, answer: dict[str, Any], columns: list[Any]) -> None:
    """Hold rows, y, X, offset and random terms against lme4's."""
    frame = made(text)
    assert frame.rows.tolist() == columns[answer["rows"]].tolist()
    same(text, frame.y, columns[answer["y"]])
    X, names = fixed_matrix(frame)
    assert list(names) == answer["names"]
    for j, place in enumerate(answer["X"]):
        same(text, X[:, j], columns[place])
    offset = columns[answer["offset"][0]]
    same(text, frame.offset if frame.offset is not None else np.empty(0), offset)
    terms = random_terms(frame)
    assert [term.group for term in terms] == [term["group"] for term in answer["random"]]
    for term, expected in zip(terms, answer["random"], strict=True):
        assert list(term.columns) == expected["columns"]
        assert list(term.levels) == expected["levels"]
        assert term.codes.tolist() == columns[expected["codes"]].tolist()
        for j, place in enumerate(expected["X"]):
            same(text, term.X[:, j], columns[place])


def same(text: str, actual: Any, expected: Any) -> None:
    """To the bit, but where R itself rounds; a column of R's rounding errors alone stands for zeros beside ones."""
    size = np.abs(expected).max(initial=0)
    allowance = ROUNDED * (size if size > EPS else 1) if ROUNDS.search(text) else 0
    assert actual.shape == expected.shape
    assert np.all(np.abs(actual - expected) <= allowance), np.abs(actual - expected).max()


@pytest.mark.parametrize("text", REFUSED)
def test_refused_where_lme4_refuses(text: str, recorded: dict[str, Any]) -> None:
    assert "error" in recorded["answers"][text]
    with pytest.raises(ModelError) as caught:
        random_terms(made(text)), fixed_matrix(made(text))
    assert "\n" not in str(caught.value)
