"""The published form of an answer: that of the records, of every recording, and of nothing that is no answer."""

import json
from copy import deepcopy
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from relmer.datasets import case, cases
from relmer.reference.answers import recorded
from relmer.reference.answers.answer import from_json, to_json
from relmer.reference.answers.schema import schema_text

STORED = files("relmer.reference").joinpath("answer.schema.json").read_text(encoding="utf-8")
VALIDATOR = jsonschema.Draft202012Validator(json.loads(STORED))
ENGINES = ("lme4", *(name for name in recorded.compressed() if not recorded.is_version(name)))
RECORDINGS = {
    f"{engine}-{one.name}": text
    for one in cases()
    for engine in ENGINES
    if (text := recorded.text_of(recorded.path_of(engine, one.name))) is not None
}


def good() -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(to_json(recorded.read("lme4", case("docs/sleepstudy"))))
    return answer


def reads(tree: Any) -> bool:
    try:
        from_json(json.dumps(tree))
    except ValueError:
        return False
    return True


def test_what_is_stored_is_what_the_records_say() -> None:
    """If not: python -m relmer.reference.answers.schema > reference/answer.schema.json."""
    assert schema_text() == STORED
    VALIDATOR.check_schema(VALIDATOR.schema)


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_recording_is_of_this_form(name: str) -> None:
    VALIDATOR.validate(json.loads(RECORDINGS[name]))


DROP = object()
MALFORMED = {
    "no schema": (["schema"], DROP),
    "another schema": (["schema"], "relmer-answer/2"),
    "no case": (["case"], DROP),
    "no engine": (["engine"], DROP),
    "no version": (["version"], DROP),
    "no status": (["status"], DROP),
    "an unknown field": (["colour"], "red"),
    "a number for a name": (["case"], 3),
    "nothing for a message": (["message"], None),
    "a text for a truth": (["recorded"], "yes"),
    "a number for a truth": (["recorded"], 1),
    "a list for the environment": (["environment"], []),
    "a number in the environment": (["environment", "R"], 4.2),
    "a text for the warnings": (["warnings"], "none"),
    "a number among the warnings": (["warnings"], [1]),
    "a list for the data": (["data"], []),
    "data without rows": (["data", "rows"], DROP),
    "half a row": (["data", "rows"], 179.5),
    "a truth for a number of rows": (["data", "rows"], True),
    "a grouping that is a text": (["data", "groupings", "Subject"], "Subject"),
    "a grouping without levels": (["data", "groupings", "Subject", "levels"], DROP),
    "a model without Z": (["model", "Z"], DROP),
    "a shape of three": (["model", "X", "shape"], [180, 2, 1]),
    "a shape of one": (["model", "X", "shape"], [180]),
    "a shape of halves": (["model", "X", "shape"], [180, 2.5]),
    "a term with more to say": (["model", "terms", 0, "structure"], "us"),
    "a single column": (["model", "terms", 0, "columns"], "Days"),
    "a criterion that is a number": (["criterion"], 1743.6),
    "a truth for a criterion": (["criterion", 0, "value"], True),
    "a text for a criterion": (["criterion", 0, "value"], "1743.6"),
    "a criterion without theta": (["criterion", 0, "theta"], DROP),
    "a single theta": (["estimates", "theta"], 0.9),
    "nothing in theta": (["estimates", "theta", 0], None),
    "a flat vcov": (["estimates", "vcov"], [1.0, 0.5]),
    "nothing for sigma": (["estimates", "sigma"], None),
    "no fitted values": (["estimates", "fitted"], DROP),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_the_reader_and_the_schema_refuse_the_same(name: str) -> None:
    path, value = MALFORMED[name]
    tree = good()
    at = tree
    for key in path[:-1]:
        at = at[key]
    if value is DROP:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    assert not reads(tree)
    assert not VALIDATOR.is_valid(tree)


def test_the_reader_and_the_schema_accept_the_same() -> None:
    """What an engine need not say may be left out, or be null where the record has None; a whole number is a number."""
    tree = good()
    least = {name: tree[name] for name in ("schema", "case", "engine", "version", "status")}
    nulls = least | dict.fromkeys(("data", "model", "estimates"))
    whole = deepcopy(tree)
    whole["estimates"]["sigma"] = 25
    for accepted in (tree, least, nulls, whole):
        assert reads(accepted)
        VALIDATOR.validate(accepted)
    for refused in ([], None, "answer", 3):
        assert not reads(refused)
        assert not VALIDATOR.is_valid(refused)
