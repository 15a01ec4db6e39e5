"""report.json and its schema; the files of a run, written whole or not at all."""

import json
import math
import os
from copy import deepcopy
from dataclasses import fields, is_dataclass, replace
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import get_args, get_type_hints

import jsonschema
import pytest

from relmer.reports import export
from relmer.reports.export import VOICES, write
from relmer.reports.records import RUNGS, SCHEMA, Optimality, Report
from relmer.reports.verdicts import Diagnosis, FailOn, FigureVerdict, Verdict
from relmer.reports.voices.report_json import FIRST_VERSION, as_json, from_json

SCHEMA_TEXT = files("relmer.reports").joinpath("report.schema.json").read_text(encoding="utf-8")
VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA_TEXT))


def test_json_is_valid_and_reads_back(report):
    text = as_json(report)
    VALIDATOR.validate(json.loads(text))
    assert from_json(text) == report
    assert as_json(from_json(text)) == text
    assert text.isascii()


def test_schema_is_itself_valid_and_names_the_fields_of_the_records():
    schema = VALIDATOR.schema
    VALIDATOR.check_schema(schema)
    lists = {name: get_args(hint)[0] for name, hint in get_type_hints(Report).items() if get_args(hint)}
    described = {Report: schema}
    for name, record in lists.items():
        if is_dataclass(record):
            described[record] = schema["$defs"][schema["properties"][name]["items"]["$ref"].rpartition("/")[2]]
    assert len(described) == 1 + len(schema["$defs"])
    for record, node in described.items():
        assert list(node["properties"]) or record is Report
        assert set(node["properties"]) == {f.name for f in fields(record)}
        assert node["additionalProperties"] is False
        assert all(part["description"] for part in node["properties"].values())
    comparison = schema["$defs"]["comparison"]["properties"]
    assert tuple(comparison["verdict"]["enum"]) == tuple(Verdict)
    assert tuple(comparison["diagnosis"]["enum"]) == tuple(Diagnosis)
    assert tuple(schema["$defs"]["known"]["properties"]["diagnosis"]["enum"]) == tuple(Diagnosis)
    assert tuple(schema["properties"]["fail_on"]["items"]["enum"]) == tuple(FailOn)
    assert (comparison["rung"]["minimum"], comparison["rung"]["maximum"]) == (min(RUNGS), max(RUNGS))
    assert tuple(schema["$defs"]["score"]["properties"]["optimality"]["enum"]) == tuple(Optimality)
    assert tuple(schema["$defs"]["figure"]["properties"]["verdict"]["enum"]) == tuple(FigureVerdict)
    assert schema["properties"]["schema"]["const"] == SCHEMA


def test_words_are_read_back_as_members(make_report):
    back = from_json(as_json(make_report(1)))
    assert all(type(c.verdict) is Verdict and type(c.diagnosis) is Diagnosis for c in back.comparisons)
    assert all(type(f.verdict) is FigureVerdict for f in back.figures)
    assert all(type(s.optimality) is Optimality for s in back.scores)


def test_floats_keep_every_bit_and_what_is_not_finite_is_null(make_report):
    report = make_report(1)
    values = (0.1 + 0.2, 5e-324, math.nan, math.inf, None, 16.0)
    rows = tuple(replace(c, digits=d) for c, d in zip(report.comparisons, values, strict=False))
    back = from_json(as_json(replace(report, comparisons=rows)))
    assert [c.digits for c in back.comparisons] == [0.1 + 0.2, 5e-324, None, None, None, 16.0]


def test_keys_are_sorted_and_any_mapping_will_do(make_report):
    report = make_report(1)
    turned = dict(reversed(report.environment.items()))
    assert as_json(replace(report, environment=MappingProxyType(turned))) == as_json(report)


def change(path, value):
    """A function that sets the item at `path`, or drops it if `value` is DROP."""

    def apply(tree):
        for key in path[:-1]:
            tree = tree[key]
        if value is DROP:
            del tree[path[-1]]
        else:
            tree[path[-1]] = value

    return apply


DROP = object()
BROKEN = {
    "schema": (change(["schema"], "relmer-report/3"), SCHEMA),
    "first version": (change(["schema"], FIRST_VERSION), "the report is of version 1 (relmer-report/1)"),
    "no schema": (change(["schema"], DROP), SCHEMA),
    "missing": (change(["cases", 0, "formula"], DROP), "report.cases[0]: formula is missing"),
    "unknown": (change(["cases", 0, "colour"], "red"), "'colour' is not known"),
    "type": (change(["cases", 0, "rows"], "180"), "report.cases[0].rows"),
    "boolean": (change(["cases", 0, "REML"], 1), "report.cases[0].REML"),
    "list": (change(["comparisons"], {}), "report.comparisons"),
    "verdict": (change(["comparisons", 2, "verdict"], "fine"), "report.comparisons[2].verdict"),
    "verdict's words": (
        change(["comparisons", 2, "verdict"], "fine"),
        'one of "agree", "within", "early", "wrong", "unsupported", "failed", "not given", not \'fine\'',
    ),
    "a word of version 1": (change(["comparisons", 2, "verdict"], "explained"), "report.comparisons[2].verdict"),
    "diagnosis": (change(["comparisons", 2, "diagnosis"], "bad luck"), "report.comparisons[2].diagnosis"),
    "an answer's value": (change(["answers", 1, "values", "sigma", 0], "26.7"), "report.answers[1].values.sigma[0]"),
    "an answer's warning": (change(["answers", 1, "warnings"], "boundary"), "report.answers[1].warnings"),
    "what to fail on": (change(["fail_on"], ["wrong"]), "report.fail_on[0]"),
    "verdict of another kind": (change(["comparisons", 2, "verdict"], ["agree"]), "report.comparisons[2].verdict"),
    "rung": (change(["comparisons", 2, "rung"], 7), "report.comparisons[2].rung"),
    "digits": (change(["comparisons", 2, "digits"], 17.0), "report.comparisons[2].digits"),
    "score's optimality": (change(["scores", 1, "optimality"], "fine"), "report.scores[1].optimality"),
    "score's digits": (change(["scores", 1, "digits", "beta"], 16.5), "report.scores[1].beta"),
    "score's distance": (change(["scores", 1, "distance_G"], None), "report.scores[1].distance_G"),
    "figure's verdict": (change(["figures", 1, "verdict"], "agree"), "report.figures[1].verdict"),
    "figure's value": (change(["figures", 1, "lme4"], "612"), "report.figures[1].lme4"),
    "environment": (change(["environment", "python"], 3.11), "report.environment.python"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_the_schema_refuses_is_refused_in_one_line(name, make_report):
    spoil, message = BROKEN[name]
    tree = json.loads(as_json(make_report(1)))
    VALIDATOR.validate(deepcopy(tree))
    spoil(tree)
    assert not VALIDATOR.is_valid(tree)
    with pytest.raises(ValueError) as caught:
        from_json(json.dumps(tree))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_report_of_version_1_says_what_to_do():
    old = json.dumps({"schema": FIRST_VERSION, "comparisons": [{"verdict": "explained"}]})
    with pytest.raises(ValueError, match=r"\A[^\n]*make it anew with `relmer run`[^\n]*docs/report\.md[^\n]*\Z"):
        from_json(old)
    for other in (f'["{FIRST_VERSION}"]', f'{{"schema": "{FIRST_VERSION}"'):
        with pytest.raises(ValueError, match=r"\Athe report (?!is of)[^\n]*\Z"):
            from_json(other)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": NaN}', "[" * 100_000])
def test_what_is_no_report_is_refused_in_one_line(text):
    with pytest.raises(ValueError, match=r"\Athe report [^\n]*\Z"):
        from_json(text)


@pytest.mark.parametrize("field", ["case", "engine"])
def test_a_comparison_of_an_unlisted_name_is_refused(field, make_report):
    report = make_report(1)
    stray = replace(report, comparisons=(replace(report.comparisons[0], **{field: "stray"}),))
    with pytest.raises(ValueError, match=f"knows no {field} 'stray'"):
        as_json(stray)


def test_a_figure_of_an_unlisted_case_is_refused(make_report):
    report = make_report(1)
    stray = replace(report, figures=(replace(report.figures[0], case="stray"),))
    with pytest.raises(ValueError, match="knows no case 'stray'"):
        as_json(stray)


@pytest.mark.parametrize("field", ["case", "engine"])
@pytest.mark.parametrize("where", ["answers", "accepted"])
def test_what_is_said_or_accepted_of_an_unlisted_name_is_refused(where, field, make_report):
    report = make_report(10)
    stray = replace(report, **{where: (replace(getattr(report, where)[0], **{field: "stray"}),)})
    with pytest.raises(ValueError, match=rf"{where}\[0\]\.{field}: the report knows no {field} 'stray'"):
        as_json(stray)


def test_an_engine_answers_a_case_once(make_report):
    report = make_report(1)
    with pytest.raises(ValueError, match="the report lists the answer of 'pls to sleepstudy/REML' twice"):
        as_json(replace(report, answers=report.answers * 2))


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.WRONG])
def test_only_what_is_wrong_can_be_accepted(verdict, make_report):
    report = make_report(1)
    first = replace(report.comparisons[0], verdict=verdict, accepted="https://example.org")
    with pytest.raises(ValueError, match=rf"comparisons\[0\]\.accepted: what is {verdict} cannot be accepted"):
        as_json(replace(report, comparisons=(first,)))


@pytest.mark.parametrize("field", ["case", "engine"])
def test_a_score_of_an_unlisted_name_is_refused(field, make_report):
    report = make_report(1)
    stray = replace(report, scores=(replace(report.scores[0], **{field: "stray"}),))
    with pytest.raises(ValueError, match=rf"scores\[0\]\.{field}: the report knows no {field} 'stray'"):
        as_json(stray)


@pytest.mark.parametrize("field", ["cases", "engines"])
def test_a_name_listed_twice_is_refused(field, make_report):
    report = make_report(1)
    with pytest.raises(ValueError, match="twice"):
        as_json(replace(report, **{field: getattr(report, field) * 2}))


def test_write_makes_parents_and_exactly_these_files(report, tmp_path):
    out = tmp_path / "a" / "b"
    write(report, out)
    pages = {"report.html", "documents.html", "corpus.html"}
    names = pages | {"report.json", "junit.xml", "summary.md", "audit.md", "badge.json"}
    assert {path.name for path in out.iterdir()} == names
    for name, voice in VOICES.items():
        assert (out / name).read_bytes() == voice(report).encode()
    assert from_json((out / "report.json").read_text(encoding="utf-8")) == report


@pytest.mark.parametrize("name", VOICES)
def test_a_voice_that_fails_leaves_all_as_it_was(name, make_report, tmp_path, monkeypatch):
    write(make_report(1), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(_):
        raise RuntimeError("no voice")

    monkeypatch.setattr(export, "VOICES", {**VOICES, name: fail})
    with pytest.raises(RuntimeError, match="no voice"):
        write(make_report(2), tmp_path)
    with pytest.raises(RuntimeError, match="no voice"):
        write(make_report(2), tmp_path / "new")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_disk_that_fails_leaves_all_as_it_was(make_report, tmp_path, monkeypatch):
    write(make_report(1), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    written, write_bytes = [], Path.write_bytes

    def full(path, content):
        written.append(path.name)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        return write_bytes(path, content)

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        write(make_report(2), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_target_that_is_a_folder_leaves_all_as_it_was(make_report, tmp_path):
    (tmp_path / "summary.md").mkdir()
    with pytest.raises(IsADirectoryError, match=r"summary\.md"):
        write(make_report(1), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["summary.md"]


def test_an_out_that_is_a_file_is_an_oserror(make_report, tmp_path):
    out = tmp_path / "file"
    out.write_text("mine")
    for target in (out, out / "below"):
        with pytest.raises(OSError):
            write(make_report(1), target)
    assert out.read_text() == "mine"


def test_files_are_as_readable_as_the_umask_allows(make_report, tmp_path):
    old = os.umask(0o022)
    try:
        write(make_report(1), tmp_path)
    finally:
        os.umask(old)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o644}
