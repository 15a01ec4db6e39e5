"""Every argument of the table is taken as lme4 takes it, or refused where lme4 refuses; lme4's answers are recorded."""

import json
import re
from typing import Any

import numpy as np
import pytest
from arguments_table import RECORDED, Asked, asked, key
from formula_data import data

from relmer.solver.errors import ModelError
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import ModelFrame, model_frame
from relmer.solver.language.matrix import fixed_matrix, random_terms

DATA = data()
ROUNDED = 1e-13
"""Of the largest value of a column that R itself rounds, as in `test_table_of_formulas`."""
ROUNDS = re.compile(r"~ \.|poly|scale|mean|log|exp|\bo\b|\^|sd")


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    answers: dict[str, Any] = json.loads(RECORDED.read_text(encoding="utf-8"))
    answers["columns"] = [np.array(column.replace("NA", "nan").split(), float) for column in answers["columns"]]
    return answers


def made(question: Asked) -> ModelFrame:
    formula, arguments = question
    return model_frame(parse(formula), DATA, **arguments)


def lacks_values(question: Asked) -> bool:
    """Whether na.pass would keep rows without a value: lme4 makes a frame of them, and no fit."""
    formula, arguments = question
    if arguments.get("na_action") != "na.pass":
        return False
    dropping = model_frame(parse(formula), DATA, **{**arguments, "na_action": "na.omit"})
    return dropping.dropped.rows > 0


@pytest.mark.parametrize("question", asked(), ids=key)
def test_taken_as_lme4_takes_it(question: Asked, recorded: dict[str, Any]) -> None:
    answer, columns = recorded["answers"][key(question)], recorded["columns"]
    if "error" in answer or lacks_values(question):
        with pytest.raises(ModelError):
            random_terms(made(question)), fixed_matrix(made(question))
        return
    frame = made(question)
    assert frame.rows.tolist() == columns[answer["rows"]].tolist()
    same(question, frame.y, columns[answer["y"]])
    for given, name in ((frame.offset, "offset"), (frame.weights, "weights")):
        same(question, np.empty(0) if given is None else given, columns[answer[name][0]])
    X, names = fixed_matrix(frame)
    assert list(names) == answer["names"]
    for j, place in enumerate(answer["X"]):
        same(question, X[:, j], columns[place])
    terms = random_terms(frame)
    assert [term.group for term in terms] == [term["group"] for term in answer["random"]]
    for term, expected in zip(terms, answer["random"], strict=True):
        assert (list(term.columns), list(term.levels)) == (expected["columns"], expected["levels"])
        assert term.codes.tolist() == columns[expected["codes"]].tolist()
        for j, place in enumerate(expected["X"]):
            same(question, term.X[:, j], columns[place])


def same(question: Asked, actual: Any, expected: Any) -> None:
    """To the bit, but where R itself rounds."""
    allowance = ROUNDED * np.abs(expected).max(initial=0) if ROUNDS.search(key(question)) else 0
    assert actual.shape == expected.shape
    assert np.all(np.abs(actual - expected) <= allowance), np.abs(actual - expected).max()


def test_the_table_is_as_large_as_it_says() -> None:
    assert len(asked()) >= 200
