"""The recorded answers to the table of formulas are those of the lme4 that is here, and ours are those of both."""

import json
from typing import Any

import arguments_table
import numpy as np
import pytest
from formula_data import data
from formula_table import REFUSED, formulas
from lformula import RECORDED, Reader

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def live(rscript: str) -> dict[str, Any]:
    with Reader(rscript) as reader:
        return reader.ask(data(), [*formulas(), *REFUSED])


def test_the_recording_is_what_lme4_says(live: dict[str, Any]) -> None:
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    same_version = recorded["versions"] == live["versions"]
    different = [text for text in live["answers"] if not equal(text, recorded, live, exact=same_version)]
    assert recorded["answers"].keys() == live["answers"].keys()
    assert different == []


def equal(text: str, recorded: dict[str, Any], live: dict[str, Any], *, exact: bool) -> bool:
    """Whether two answers are one: to the bit from the same R, else within 1e-13 of a column's largest value."""
    first, second = (unpooled(each["answers"][text], each["columns"]) for each in (recorded, live))
    if exact or "error" in first or "error" in second:
        return ("error" in first) == ("error" in second) and ("error" in first or first == second)
    return bool(alike(first, second))


def alike(first: Any, second: Any) -> bool:
    """Whether two answers have the same names and, nearly, the same numbers."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(alike(first[key], second[key]) for key in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(alike, first, second))
    if isinstance(first, str) and " " in first and first != second:
        a, b = (np.array(text.split(), dtype=float) for text in (first, second))
        return bool(np.all(np.abs(a - b) <= 1e-13 * max(1, np.abs(b).max())))
    return bool(first == second)


def unpooled(answer: dict[str, Any], columns: list[str]) -> Any:
    """An answer with columns in place of their numbers."""

    def filled(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: filled(value) for key, value in node.items()}
        if isinstance(node, list):
            return [filled(value) for value in node]
        return columns[node] if isinstance(node, int) else node

    return filled(answer)


def test_the_table_is_as_large_as_it_says() -> None:
    assert len(formulas()) >= 1400


def test_the_recorded_arguments_are_what_lme4_says(rscript: str) -> None:
    recorded, live = json.loads(arguments_table.RECORDED.read_text(encoding="utf-8")), arguments_table.ask(rscript)
    same_version = recorded["versions"] == live["versions"]
    assert recorded["answers"].keys() == live["answers"].keys()
    assert [each for each in live["answers"] if not equal(each, recorded, live, exact=same_version)] == []
