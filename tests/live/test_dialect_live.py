"""The lme4 that is here reads the formulas that it is said to read, and no others."""

from typing import Any

import pytest
from dialects import EVERYWHERE, NOWHERE, SINCE_1_1_36
from formula_data import data
from lformula import Reader
from read_alike import Outcome, columns_of, compared

from relmer.datasets import Case
from relmer.reference.answers import Status
from relmer.reference.engines.protocol import answer
from relmer.reference.engines.r.lme4 import Lme4
from relmer.solver.language.dialect import unread
from relmer.solver.language.formula import parse

pytestmark = pytest.mark.live
TEXTS = [*EVERYWHERE, *SINCE_1_1_36, *NOWHERE]


@pytest.fixture(scope="module")
def told(rscript: str) -> dict[str, Any]:
    with Reader(rscript) as reader:
        found = reader.ask(data(), TEXTS)
    return {**found, "columns": columns_of(found)}


@pytest.mark.parametrize("text", TEXTS)
def test_it_reads_what_it_is_said_to_read(text: str, told: dict[str, Any]) -> None:
    reason = unread(parse(text), told["versions"]["lme4"])
    outcome, why = compared(text, data(), told["answers"][text], told["columns"])
    assert outcome is (Outcome.ACCEPTED_HERE if reason else Outcome.SAME), (reason, why)


def test_an_engine_that_does_not_read_a_formula_is_unsupported(lme4_engine: Lme4) -> None:
    case = Case(
        name="dialect/double-bar",
        dataset="Penicillin",
        formula="diameter ~ 1 + (1 || plate) + (1 | sample)",
        reml=True,
        document="",
        source="another program",
        published={},
    )
    given = answer(lme4_engine, case, [])
    assert given.status is Status.UNSUPPORTED
    assert "no lme4 up to" in given.message and "write (1 | plate)" in given.message
