"""The corpus as files and as a page: every value, digit by digit, in forms that others can read."""

import csv
import gzip
import io
import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import hand_made
import jsonschema
import pytest

from relmer.reference.certificates.records import LEVELS, from_json
from relmer.reference.certificates.store import certificates
from relmer.reference.certificates.texts import CERTIFIED
from relmer.reports.corpus import COLUMNS, COLUMNS_OF_EFFECTS, as_csv, as_json, effects_as_csv, export
from relmer.reports.pages.corpus_page import corpus_page
from relmer.reports.pages.page import anchor

SCHEMA = json.loads(files("relmer.reports").joinpath("corpus.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
HOSTILE = "<script>alert(1)</script> \"'&amp; {{ 7*7 }} \x00\x1b[31m"


class Page(HTMLParser):
    """Tags with attributes, text, and the cells of every table row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.rows: list[list[str]] = []
        self.skipped = self.in_row = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.skipped = tag == "style"
        self.in_row = self.in_row or tag == "tr"

    def handle_endtag(self, tag: str) -> None:
        self.in_row = self.in_row and tag != "tr"

    def handle_data(self, data: str) -> None:
        if not self.skipped:
            self.text.append(data)
            if self.in_row and self.rows[-1]:
                self.rows[-1][-1] += data.strip()


def test_the_files_are_whole_and_valid(tmp_path: Path) -> None:
    made = export(tmp_path / "corpus")
    assert {path.name for path in made} == {
        "corpus.json",
        "corpus.csv",
        "corpus.schema.json",
        "effects.csv",
        "corpus.html",
    }
    assert all(path.is_file() for path in made)
    VALIDATOR.check_schema(SCHEMA)
    VALIDATOR.validate(json.loads((tmp_path / "corpus" / "corpus.json").read_text(encoding="utf-8")))
    assert json.loads((tmp_path / "corpus" / "corpus.schema.json").read_text(encoding="utf-8")) == SCHEMA


def test_json_and_csv_hold_every_stored_string() -> None:
    stored = certificates()
    rows = list(csv.DictReader(io.StringIO(as_csv(stored))))
    assert tuple(rows[0]) == COLUMNS
    by_csv = {(r["certificate"], r["reading"], r["quantity"]): (r["value"], r["radius"]) for r in rows}
    by_json = {
        (fit["certificate"], which, key): (value["value"], value["radius"])
        for fit in json.loads(as_json(stored))["fits"]
        for which, reading in fit["readings"].items()
        for key, value in (reading["values"] | reading["inference"]).items()
    }
    expected = {
        (certificate.name, which, key): (value.value, value.radius)
        for certificate in stored
        for which, reading in certificate.readings.items()
        for key, value in (*reading.values.items(), *reading.inference.values.items())
    }
    assert by_csv == by_json == expected
    assert len(rows) == len(expected)


def test_the_effects_are_those_of_the_packed_files() -> None:
    stored = certificates()
    rows = list(csv.reader(io.StringIO(effects_as_csv(stored))))
    assert tuple(rows[0]) == COLUMNS_OF_EFFECTS
    expected = []
    for certificate in stored:
        packed = (CERTIFIED / certificate.effects.file).read_bytes()
        for which, values in sorted(json.loads(gzip.decompress(packed)).items()):
            expected += [[certificate.name, which, key, v["value"], v["radius"]] for key, v in values.items()]
    assert rows[1:] == expected
    assert len(expected) == 2 * sum(certificate.effects.number for certificate in stored)


def test_why_a_method_is_not_had_stands_on_the_page_and_in_the_json() -> None:
    (found,) = [certificate for certificate in certificates() if certificate.name == "dyestuff.ml"]
    why = found.double.inference.refused["kenward-roger"]
    assert f"kenward-roger: {why}" in "".join(Page(corpus_page([found])).text)
    assert json.loads(as_json([found]))["fits"][0]["readings"]["double"]["refused"] == {"kenward-roger": why}


def test_a_line_of_the_csv() -> None:
    text = as_csv([from_json(hand_made.text())])
    assert text.splitlines()[2] == (
        f"dyestuff.reml,dyestuff/reml,Yield ~ 1 + (1 | Batch),REML,Dyestuff,{hand_made.SHA256},"
        "decimal,exact,exact,sigma,49.5100999797011114862215499979,1e-26"
    )


@pytest.mark.parametrize("path", [["fits", 0, "sha256"], ["fits", 0, "criterion"], ["schema"]])
def test_the_schema_refuses_what_is_changed(path: list[str | int]) -> None:
    tree = json.loads(as_json([from_json(hand_made.text())]))
    VALIDATOR.validate(tree)
    at = tree
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = "changed"
    assert not VALIDATOR.is_valid(tree)


def test_the_page_has_every_digit_to_copy_and_every_level() -> None:
    stored = certificates()
    page = Page(corpus_page(stored))
    rows = {tuple(row) for row in page.rows}
    for certificate in stored:
        of_double, of_decimal = certificate.double, certificate.readings["decimal"]
        for double, decimal in (
            (of_double.values, of_decimal.values),
            (of_double.inference.values, of_decimal.inference.values),
        ):
            assert double
            for key, value in double.items():
                assert (key, value.value, value.radius, decimal[key].value, decimal[key].radius) in rows
        assert certificate.data.sha256 in page.text
    assert all(level in page.text for level in LEVELS)
    assert sum(tag == "details" for tag, _ in page.tags) == len(stored)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {anchor(certificate.name) for certificate in stored} <= set(ids)


def test_what_the_search_met_is_told() -> None:
    stored = [certificate for certificate in certificates() if certificate.double.starts]
    text = " ".join(" ".join(Page(corpus_page(stored)).text).split())
    for certificate in stored:
        starts = certificate.double.starts
        assert starts is not None
        assert f"{starts.reached} of {starts.tried} random starts came to this optimum." in text
        for other in starts.elsewhere:
            terms = certificate.model.random
            ranks = [f"{rank} of {len(term.columns)}" for rank, term in zip(other.ranks, terms, strict=True)]
            if len(terms) > 1:
                ranks = [f"{rank} in {term.name}" for rank, term in zip(ranks, terms, strict=True)]
            what, dual = "stationary on the face of", f", dual {other.dual}"
            if other.dual is None:
                what, dual = "a local minimum of", ""
            assert f"Elsewhere: criterion {other.criterion}, {what} rank {' and '.join(ranks)}{dual}. " in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("docs/bdf", "criterion 13550.137192, stationary on the face of rank 1 of 2, dual -"),
        ("docs/machines", "criterion 231.951073, stationary on the face of rank 1 of 1 in Worker:Machine and 0 of 1"),
        ("two-optima/reml", "criterion 77.468045, a local minimum of rank 1 of 1."),
    ],
)
def test_ranks_are_told_in_words(name: str, words: str) -> None:
    (found,) = [certificate for certificate in certificates() if certificate.case == name]
    assert words in " ".join(Page(corpus_page([found])).text)


def test_the_page_needs_no_script_and_no_network() -> None:
    source = corpus_page(certificates())
    page = Page(source)
    assert not [tag for tag, _ in page.tags if tag in {"script", "img", "iframe", "object", "embed", "link", "base"}]
    assert not [n for _, attributes in page.tags for n in attributes if n.startswith("on") or n in ("src", "style")]
    policy = next(a["content"] for tag, a in page.tags if tag == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert re.fullmatch(r"default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'", policy)


def test_hostile_strings_stay_text() -> None:
    plain = hand_made.dyestuff(name=HOSTILE, case=HOSTILE, formula=HOSTILE)
    (term,) = plain["model"]["random"]
    plain["model"]["random"] = [term | {"name": name} for name in (HOSTILE, f"{HOSTILE}.1")]
    for reading in plain["readings"].values():
        values = reading["values"]
        reading["values"] = {
            key.replace("Batch", name): value for name in (HOSTILE, f"{HOSTILE}.1") for key, value in values.items()
        }
        reading |= {"kind": "certified", "level": "local-proved", "duals": ["9.9", "9.9"]}
        point = {"criterion": "330.5", "ranks": [0, 1], "dual": "-1"}
        reading["starts"] = {"tried": 1, "reached": 1, "elsewhere": [point]}
    found = from_json(json.dumps(plain))
    source = corpus_page([found], {HOSTILE: f"report.html#{HOSTILE}"})
    page = Page(source)
    assert "<script" not in source and "\x00" not in source and "\x1b" not in source
    assert "rank 0 of 1 in <script>alert(1)</script>" in "".join(page.text)
    assert "".join(page.text).count("<script>alert(1)</script>") >= 6
    assert next(csv.reader(io.StringIO(as_csv([found]).partition("\n")[2])))[1] == HOSTILE


def test_a_case_of_a_run_is_linked() -> None:
    page = Page(corpus_page([from_json(hand_made.text())], {"dyestuff/reml": "report.html#case-3"}))
    assert ("a", {"href": "report.html#case-3"}) in page.tags


def test_an_empty_corpus_has_a_page() -> None:
    assert "There are none." in "".join(Page(corpus_page([])).text)
