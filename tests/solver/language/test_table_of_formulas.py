"""Every formula of the table is read as lme4 reads it, or refused where lme4 refuses; lme4's answers are recorded."""

import json
from typing import Any

import pytest
from formula_data import data
from formula_table import REFUSED, formulas
from lformula import RECORDED
from read_alike import Outcome, columns_of, compared

from relmer.solver.errors import ModelError
from relmer.solver.language.formula import canonical, parse
from relmer.solver.language.frame import model_frame
from relmer.solver.language.matrix import fixed_matrix, random_terms

DATA = data()


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    answers: dict[str, Any] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return {**answers, "columns": columns_of(answers)}


@pytest.mark.parametrize("text", formulas())
def test_read_as_lme4_reads_it(text: str, recorded: dict[str, Any]) -> None:
    outcome, why = compared(text, DATA, recorded["answers"][text], recorded["columns"])
    assert outcome in (Outcome.SAME, Outcome.BOTH_REFUSE), why
    if outcome is Outcome.SAME:
        assert parse(canonical(parse(text))).right == parse(text).right


@pytest.mark.parametrize("text", REFUSED)
def test_refused_where_lme4_refuses(text: str, recorded: dict[str, Any]) -> None:
    assert "error" in recorded["answers"][text]
    with pytest.raises(ModelError) as caught:
        made = model_frame(parse(text), DATA)
        random_terms(made), fixed_matrix(made)
    assert "\n" not in str(caught.value)
