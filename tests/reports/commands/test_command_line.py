"""The command line: what it prints and writes, and its exit status."""

import hashlib
import json
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from relmer.datasets import case, load, store
from relmer.datasets.exported import read_exported
from relmer.reference import own_fits, published
from relmer.reference.engines import EngineError, engine
from relmer.reports.commands.main import main
from relmer.reports.verdicts import FigureVerdict
from relmer.solver import ModelError
from relmer.solver.search.ending import Ending

SCHEMA = resources.files("relmer.reports").joinpath("report.schema.json")


def relmer(*arguments: str, **keywords: object) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False, **keywords)


@pytest.fixture
def sleepstudy(tmp_path: Path) -> Path:
    path = tmp_path / "sleepstudy.csv"
    load("sleepstudy").frame.to_csv(path, index=False)
    return path


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_run_writes_its_files_and_agrees(tmp_path: Path, without_r: None) -> None:
    out = tmp_path / "out"
    result = relmer("run", "--case", "dyestuff*", "--out", str(out), "--jobs", "1")
    assert result.exit_code == 0
    pages = ["corpus.html", "documents.html"]
    texts = ["audit.md", "badge.json", *pages, "junit.xml"]
    assert files(out) == ["answers.json", *texts, "report.html", "report.json", "summary.md"]
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, json.loads(SCHEMA.read_text(encoding="utf-8")))
    judged = {(c["case"], c["engine"], c["rung"]) for c in report["comparisons"]}
    cases = [f"{name}/{kind}" for name in ("dyestuff", "dyestuff2") for kind in ("reml", "ml")]
    engines = ("pls", "qr", "gls", "lme4", "lme4-bobyqa", "lme4-tight")
    assert judged == {(c, e, rung) for c in cases for e in engines for rung in range(1, 7)}
    # Kenward and Roger's method is one of REML.
    refused = [c for c in report["comparisons"] if c["verdict"] == "unsupported"]
    assert {(c["case"], c["rung"], c["quantity"]) for c in refused} == {
        (case, 6, "kenward-roger") for case in cases if case.endswith("/ml")
    }
    assert {c["verdict"] for c in report["comparisons"]} <= {"agree", "within", "early", "unsupported"}
    assert {(a["case"], a["engine"]) for a in report["answers"]} == {(c, e) for c in cases for e in engines}
    assert all(len(a["values"]["theta"]) == 1 and a["status"] == "fitted" for a in report["answers"])
    suites = ET.parse(out / "junit.xml").getroot()
    assert len(list(suites.iter("testcase"))) == len(judged)
    assert "[4/4]" in result.stderr
    answer = result.stdout.splitlines()[0]
    assert answer.startswith("lme4 1.1-31 agrees on all 4")
    assert "The instrument: pls, qr and gls agree on all 4" in answer
    assert "lme4, lme4-bobyqa and lme4-tight are recorded, not run, because R is not on the PATH" in answer
    assert "lme4 1.1-31 (recorded): R is not on the PATH" in result.stdout
    sources = {engine["name"]: engine["source"] for engine in report["engines"]}
    assert sources["lme4"] == "recorded"
    assert sources["pls"] == "computed"


def test_jobs_change_nothing(tmp_path: Path, without_r: None) -> None:
    reports = []
    for jobs in ("1", "2"):
        out = tmp_path / jobs
        assert relmer("run", "--case", "dyestuff*", "--out", str(out), "--jobs", jobs).exit_code == 0
        report = json.loads((out / "report.json").read_text(encoding="utf-8"))
        reports.append([report[key] for key in ("cases", "comparisons", "findings")])
    assert reports[0] == reports[1]


def test_one_engine_is_held_against_its_witnesses(tmp_path: Path, without_r: None) -> None:
    out = tmp_path / "out"
    assert relmer("run", "--case", "dyestuff/reml", "--engine", "lme4", "--out", str(out)).exit_code == 0
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert {c["engine"] for c in report["comparisons"]} == {"lme4"}
    assert {c["rung"] for c in report["comparisons"]} == {1, 2, 3, 4, 5, 6}


@pytest.mark.parametrize(
    ("document", "case", "old", "new", "named"),
    [
        ("000", "docs/sleepstudy", '"180 36"', '"180 35"', "dim[Z, 2]: printed 35, here 36"),
        ("000", "docs/sleepstudy", "251.40510\n", "251.40511\n", "beta[(Intercept)]: printed 251.40511, here 251.4051"),
        ("001", "docs/mtcars-ols", "9.597231", "9.597241", "sigma2: printed 9.597241, here 9.59723"),
    ],
)
def test_a_disagreement_is_exit_status_1(
    document: str,
    case: str,
    old: str,
    new: str,
    named: str,
    tmp_path: Path,
    without_r: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A printed figure with one digit changed turns the run red and is named, with its place in the document."""
    ledger = tmp_path / "ledger"
    shutil.copytree(published.LEDGER, ledger)
    text = (ledger / f"{document}.toml").read_text(encoding="utf-8")
    assert old in text
    (ledger / f"{document}.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    monkeypatch.setattr(published, "LEDGER", ledger)
    out = tmp_path / "out"
    result = relmer("run", "--case", case, "--engine", "pls", "--out", str(out), "--jobs", "1")
    assert result.exit_code == 1
    assert named in result.stdout
    assert f"(document {document}, " in result.stdout
    failures = ET.parse(out / "junit.xml").getroot().iter("failure")
    (failure,) = (found for found in failures if found.get("type") == FigureVerdict.WRONG)
    assert named.partition("printed")[2] in failure.attrib["message"]


def test_a_changed_value_of_the_data_is_exit_status_1(
    tmp_path: Path, without_r: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One value that slipped past the digest of its file turns the run red and names the printed figures."""

    def slipped(name: str, root: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
        frame, meta = read_exported(name, root)
        if name == "mtcars":
            frame.loc[2, "mpg"] += 0.1
        return frame, meta

    def forget() -> None:
        own_fits.design_of.cache_clear()
        own_fits.fit_of.cache_clear()
        store._verified.cache_clear()

    monkeypatch.setattr(store, "read_exported", slipped)
    forget()
    result = relmer("run", "--case", "docs/mtcars-ols", "--out", str(tmp_path / "out"), "--jobs", "1")
    forget()
    assert result.exit_code == 1
    assert "document 001: sigma2: printed 9.597231, here " in result.stdout
    assert "residual[3]: printed -2.0794135, here " in result.stdout


def test_a_changed_value_in_a_data_file_names_the_figures(
    tmp_path: Path, without_r: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value of mtcars.csv that is changed together with its digest: the recordings fail, the figures are named."""
    root = tmp_path / "data"
    shutil.copytree(store.DATA, root)
    table, meta = root / "mtcars.csv", root / "mtcars.json"
    before = hashlib.sha256(table.read_bytes()).hexdigest()
    assert table.read_text(encoding="utf-8").count("Datsun 710,22.8") == 1
    table.write_text(table.read_text(encoding="utf-8").replace("Datsun 710,22.8", "Datsun 710,22.9"), encoding="utf-8")
    after = hashlib.sha256(table.read_bytes()).hexdigest()
    meta.write_text(meta.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    monkeypatch.setattr(store.load, "__defaults__", (root,))
    own_fits.design_of.cache_clear()
    own_fits.fit_of.cache_clear()
    result = relmer("run", "--case", "docs/mtcars-ols", "--out", str(tmp_path / "out"), "--jobs", "1")
    own_fits.design_of.cache_clear()
    own_fits.fit_of.cache_clear()
    assert result.exit_code == 1
    assert "recorded on other data than mtcars is now" in result.stdout
    assert "document 001: sigma2: printed 9.597231, here " in result.stdout
    assert "residual[3]: printed -2.0794135, here " in result.stdout


def test_a_required_engine_that_is_missing_is_exit_status_3(tmp_path: Path, without_r: None) -> None:
    result = relmer("run", "--case", "dyestuff/reml", "--require", "lme4", "--out", str(tmp_path / "out"))
    assert result.exit_code == 3
    assert result.stderr.startswith("relmer: required engine lme4: R is not on the PATH")
    assert not (tmp_path / "out").exists()


BAD = {
    "no such case": (["run", "--case", "nothing"], "no case matches 'nothing'"),
    "no such engine": (["run", "--engine", "magic"], "engine 'magic' is not known"),
    "out is a file": (["run", "--case", "dyestuff/reml", "--out", "{data}"], "is a file"),
    "unknown option": (["run", "--frobnicate"], "No such option"),
    "no such file": (["fit", "y ~ x", "nothing.csv"], "does not exist"),
    "unparsable formula": (["fit", "Reaction ~ (1 |", "{data}"], "relmer: "),
    "hostile formula": (["fit", "Reaction ~ system('touch /tmp/x')", "{data}"], "relmer: "),
    "missing column": (["fit", "Reaction ~ Dayz + (1 | Subject)", "{data}"], "Dayz"),
    "one level": (["fit", "Reaction ~ Days + (1 | one)", "{one}"], "one has one level"),
    "not numbers": (["fit", "Subject ~ Days", "{words}"], "Subject"),
    "empty file": (["fit", "y ~ x", "{empty}"], "empty.csv is not a CSV file"),
    "binary file": (["fit", "y ~ x", "{binary}"], "relmer: "),
    "ragged file": (["fit", "y ~ x", "{ragged}"], "relmer: "),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_exit_status_2(tmp_path: Path, sleepstudy: Path, name: str) -> None:
    paths = {kind: tmp_path / f"{kind}.csv" for kind in ("one", "words", "empty", "binary", "ragged")}
    load("sleepstudy").frame.assign(one="a").to_csv(paths["one"], index=False)
    load("sleepstudy").frame.assign(Subject="a").to_csv(paths["words"], index=False)
    paths["empty"].write_bytes(b"")
    paths["binary"].write_bytes(bytes(range(256)) * 3)
    paths["ragged"].write_text("y,x\n1,2\n1,2,3,4\n", encoding="utf-8")
    arguments, message = BAD[name]
    here = {"data": str(sleepstudy), **{kind: str(path) for kind, path in paths.items()}}
    before = files(tmp_path)
    result = relmer(*[argument.format(**here) if argument.startswith("{") else argument for argument in arguments])
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert files(tmp_path) == before


def test_a_corrupted_data_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "data"
    shutil.copytree(store.DATA, root)
    path = root / "Dyestuff.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("1545", "1546"), encoding="utf-8")
    monkeypatch.setattr(store.load, "__defaults__", (root,))
    result = relmer("run", "--case", "dyestuff/reml", "--out", str(tmp_path / "out"), "--jobs", "1")
    assert result.exit_code == 2
    assert "Dyestuff.csv does not have the sha256" in result.stderr
    assert result.stderr.count("relmer: ") == 1
    assert not (tmp_path / "out").exists()


def test_debug_shows_the_traceback(sleepstudy: Path) -> None:
    with pytest.raises(ModelError):
        relmer("--debug", "fit", "Reaction ~ Dayz", str(sleepstudy))


def test_fit_prints_numbers_and_json(sleepstudy: Path) -> None:
    """Figures of document 000, and the SD that the JSS paper prints as 24.74."""
    data = load("sleepstudy").frame.assign(Subject=lambda frame: "s" + frame["Subject"].astype(str))
    data.to_csv(sleepstudy, index=False)
    formula = "Reaction ~ Days + (Days | Subject)"
    text = relmer("fit", formula, str(sleepstudy))
    assert text.exit_code == 0
    assert "251.4051" in text.stdout
    assert "24.740451" in text.stdout
    fit = json.loads(relmer("fit", formula, str(sleepstudy), "--json").stdout)
    assert f"{fit['beta']['Days']:.5f}" == "10.46729"
    assert f"{fit['sigma']:.3f}" == "25.592"
    assert [row["group"] for row in fit["varcorr"]] == ["Subject", "Subject", "Subject", "Residual"]
    ml = json.loads(relmer("fit", formula, str(sleepstudy), "--json", "--ml", "--method", "gls").stdout)
    assert f"{ml['criterion']:.10f}".startswith("1751.93934446")
    assert ml["method"] == "gls"


def test_fit_says_why_a_search_did_not_converge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["relmer.solver.search.optimise"], "MAXIMUM_STEPS", 1)
    path = tmp_path / "unbalanced.csv"
    load("sleepstudy").frame.drop(index=[3, 17, 18, 90]).to_csv(path, index=False)
    asked = ("fit", "Reaction ~ Days + (Days | Subject)", str(path))
    assert f"not converged: {Ending.EXHAUSTED}" in " ".join(relmer(*asked).stdout.split())
    assert json.loads(relmer(*asked, "--json").stdout)["ending"] == Ending.EXHAUSTED


def test_an_engine_says_why_a_search_did_not_converge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["relmer.solver.search.optimise"], "MAXIMUM_STEPS", 1)
    own_fits.fit_of.cache_clear()
    with pytest.raises(EngineError, match=f"the search of docs/machines did not converge: {Ending.EXHAUSTED}"):
        engine("pls").fit(case("docs/machines"))
    own_fits.fit_of.cache_clear()


def test_fit_says_when_it_is_singular(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    load("Dyestuff2").frame.to_csv(path, index=False)
    assert "singular" in relmer("fit", "Yield ~ 1 + (1 | Batch)", str(path)).stdout


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("cases", "docs/sleepstudy\tsleepstudy\tREML\tReaction ~ Days + (Days | Subject)"),
        ("datasets", "sleepstudy\t180\t3"),
        ("engines", "pls\t"),
    ],
)
def test_lists(command: str, expected: str) -> None:
    result = relmer(command)
    assert result.exit_code == 0
    assert expected in result.stdout


def test_the_console_script_and_a_closed_pipe() -> None:
    """`relmer cases | head -1` ends quietly."""
    script = Path(sys.executable).with_name("relmer")
    with subprocess.Popen([script, "cases"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = relmer("run", "--case", "dyestuff/reml", "--out", str(tmp_path / "file" / "out"))
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("relmer: ")
    assert files(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "--case", "docs/*", "--case=rail/*", "--engine", "pls"), "--case is given twice and takes one value"),
        (("laws", "--case=a", "--case=b", "--case=c"), "--case is given 3 times and takes one value"),
        (("certify", "--case", "a", "--verify", "--case", "b"), "--case is given twice and takes one value"),
    ],
)
def test_a_choice_of_cases_that_is_given_twice_loses_none(words: tuple[str, ...], told: str) -> None:
    """The last of them would count alone, silently."""
    done = relmer(*words)
    assert done.exit_code == 2
    assert told in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_value_that_looks_like_an_option_is_none() -> None:
    assert relmer("cases", "--case", "docs/sleepstudy").exit_code == 0
    assert relmer("cases", "--case=docs/sleepstudy").exit_code == 0
