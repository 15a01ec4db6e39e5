"""--quiet, --verbose and --json: what is told, where, and that no exit status depends on it."""

import json
import re
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from relmer.reports.commands.main import main

REPORT, DIFF = (
    json.loads(files("relmer.reports").joinpath(f"{name}.schema.json").read_text(encoding="utf-8"))
    for name in ("report", "diff")
)
CASE = ("--case", "dyestuff/reml", "--engine", "lme4")
SITES = Path(__file__).parents[3] / "docs" / "examples" / "sites.csv"
OWN = ("run", "--data", str(SITES), "--formula", "cover ~ year + (year | site)", "--engine", "pls")
AGREES, BREAKS = (), ("--fail-on", "digits<16")


def relmer(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments], catch_exceptions=False)


@pytest.mark.parametrize("more", [AGREES, BREAKS])
def test_a_run_has_one_status_however_it_is_told(more: tuple[str, ...], tmp_path: Path, without_r: None) -> None:
    plain, quiet, verbose, as_json = (
        relmer("run", *CASE, *more, "--out", tmp_path, *how) for how in ((), ("-q",), ("--verbose",), ("--json",))
    )
    assert {r.exit_code for r in (plain, quiet, verbose, as_json)} == {1 if more else 0}
    assert (quiet.stdout.splitlines(), quiet.stderr) == (plain.stdout.splitlines()[:1], "")
    assert verbose.stdout == plain.stdout
    assert "[1/1] dyestuff/reml" in plain.stderr
    written = (tmp_path / "report.json").read_text(encoding="utf-8")
    assert as_json.stdout == written
    jsonschema.validate(json.loads(as_json.stdout), REPORT)
    assert all(line in as_json.stderr for line in plain.stdout.splitlines())


def test_verbose_tells_versions_and_seconds_of_every_engine(tmp_path: Path, without_r: None) -> None:
    told = relmer("run", *CASE, "--out", tmp_path, "-v").stderr.splitlines()
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    (times,) = [line for line in told if line.startswith("dyestuff/reml took ")]
    (together,) = [line for line in told if line.startswith("all cases together, in all processes, took ")]
    for line in (times, together):
        for name in ("reading", "judging", "drawing", *(engine["name"] for engine in report["engines"])):
            assert re.search(rf"[:,] {name} \d+\.\d\d(,|$)", line), line
    assert times.partition(" took ")[2] == together.partition(" took ")[2]
    (stages,) = [line for line in told if line.startswith("the run, from its first case on, took ")]
    assert re.fullmatch(r".* s: cases \d+\.\d\d, writing \d+\.\d\d", stages)
    assert all(f"the run: {name} {value}" in told for name, value in report["environment"].items())


def test_verbose_tells_every_warning(tmp_path: Path, without_r: None) -> None:
    told = relmer("run", "--case", "star/kindergarten-reml", "--engine", "lme4", "--out", tmp_path, "-v").stderr
    answers = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["answers"]
    warnings = [(a["case"], a["engine"], text) for a in answers for text in a["warnings"]]
    assert warnings
    assert all(f"{case}, {engine} said: {text[:20]}" in told for case, engine, text in warnings)


def test_notes_on_ones_own_data_are_left_out(tmp_path: Path, without_r: None) -> None:
    plain, quiet = relmer(*OWN, "--out", tmp_path), relmer(*OWN, "--out", tmp_path, "--quiet")
    assert len(plain.stdout.splitlines()) > 3
    assert (quiet.stdout, quiet.stderr) == (plain.stdout.splitlines()[0] + "\n", "")


def test_errors_are_told_all_the_same(tmp_path: Path) -> None:
    for how in ("--quiet", "--json", "--verbose"):
        found = relmer("run", "--case", "nothing", "--out", tmp_path, how)
        assert (found.exit_code, found.stdout) == (2, "")
        assert found.stderr.startswith("relmer: no case matches")


def test_quiet_and_verbose_exclude_each_other(tmp_path: Path) -> None:
    found = relmer("run", *CASE, "--out", tmp_path / "out", "-q", "-v")
    assert (found.exit_code, len(found.stderr.splitlines())) == (2, 1)
    assert not (tmp_path / "out").exists()


def test_judge_tells_as_run_does(tmp_path: Path) -> None:
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps({"case": "dyestuff/reml", "engine": "x", "figures": {"sigma": "77.7"}}))
    as_json = relmer("judge", answers, "--out", tmp_path / "out", "--json", "--annotate", "github")
    jsonschema.validate(json.loads(as_json.stdout), REPORT)
    assert as_json.exit_code == 1
    assert "::error " in as_json.stderr


def test_diff_is_a_document(without_r: None) -> None:
    asked = ("diff", "lme4@1.1-31", "lme4@2.1-0", "--case", "dyestuff/reml", "--fail-on", "moved")
    plain, quiet, as_json = relmer(*asked), relmer(*asked, "-q"), relmer(*asked, "--json")
    assert {r.exit_code for r in (plain, quiet, as_json)} == {1}
    found = json.loads(as_json.stdout)
    jsonschema.validate(found, DIFF)
    first, *rows = plain.stdout.splitlines()
    assert (quiet.stdout, quiet.stderr) == (first + "\n", "")
    assert (found["summary"], found["fails"], found["identical"]) == (first, True, False)
    assert ["\t".join(row.values()) for row in found["changes"]] == rows


def test_a_report_beside_itself_is_identical(tmp_path: Path, without_r: None) -> None:
    relmer("run", *CASE, "--out", tmp_path)
    as_json = relmer("diff", tmp_path, tmp_path, "--json")
    found = json.loads(as_json.stdout)
    jsonschema.validate(found, DIFF)
    assert (as_json.exit_code, found["identical"], found["fails"]) == (0, True, False)


def test_an_explanation_as_json_has_the_lines_and_the_numbers_behind_them() -> None:
    asked = ("explain", *OWN[1:5], "--theta", "1,0,0.1")
    plain, as_json = relmer(*asked), relmer(*asked, "--json")
    (found,) = json.loads(as_json.stdout)
    assert found["told"] == plain.stdout.splitlines() == as_json.stderr.splitlines()
    assert (found["formula"], found["stands"], plain.exit_code, as_json.exit_code) == (OWN[4], False, 1, 1)
    # Each of the two is rounded to a double: by 1e-13 of 800.
    assert abs(found["criterion"] - found["best"] - found["gap"]) < 1e-12
    assert found["gap"] > 200
    assert f"{found['criterion']:.10g}" in found["told"][0]


def test_explain_and_fit_are_quiet_too() -> None:
    explained = relmer("explain", *OWN[1:5], "--theta", "1,0,0.1", "-q")
    assert (len(explained.stdout.splitlines()), explained.stderr) == (1, "")
    assert relmer("fit", OWN[4], SITES, "-q").stderr == ""
