"""Evidence for auditors: every requirement has its verdict, the content its hash, and the run can be made again."""

import json
import re
import shlex
import subprocess
from dataclasses import replace

import pytest
from click.testing import CliRunner
from markdown_it import MarkdownIt
from markdown_tables import tables

from relmer.reports.commands.main import main
from relmer.reports.export import write
from relmer.reports.machine import machine
from relmer.reports.records import RUNGS, EngineUsed
from relmer.reports.text import printable
from relmer.reports.verdicts import Diagnosis, FigureVerdict, Verdict
from relmer.reports.voices.audit import CAMIS, CHECK, Met, audit, camis, data_of, requirements
from relmer.reports.voices.report_json import content_sha256

HASH = re.compile(r"SHA-256 ([0-9a-f]{64})")


def by_name(report):
    return {(each.number, name): each for each in requirements(report) for name in each.engines or ("",)}


def test_every_engine_has_a_verdict_on_every_rung(make_report):
    report = make_report(10)
    found = by_name(report)
    engines = {c.engine for c in report.comparisons}
    assert {(f"R{rung}", engine) for rung in RUNGS for engine in engines} < set(found)
    assert all(each.met is Met.MET for (number, _), each in found.items() if number == "R2")
    assert found["R4", "lme4"].met is Met.UNMET and found["R4", "lme4"].case == "star/REML"
    assert "136 above" in found["R4", "lme4"].evidence
    assert found["R5", "lme4-tight"].met is Met.KNOWN
    assert found["R7", "qr"].met is Met.UNMET and found["R7", "qr"].case == "Dyestuff/ML"
    assert found["R7", "gls"].met is Met.MET
    assert found["R11", ""].met is Met.UNTESTED and "profile likelihood" in found["R11", ""].test
    one = report.comparisons[0]
    for verdict, met in ((Verdict.WITHIN, Met.MET), (Verdict.WRONG, Met.UNMET)):
        told = replace(one, rung=6, quantity="profile interval", verdict=verdict)
        assert by_name(replace(report, comparisons=(*report.comparisons, told)))["R11", ""].met is met


@pytest.mark.parametrize(
    ("verdict", "accepted", "met"),
    [
        (Verdict.AGREE, "", Met.MET),
        (Verdict.WITHIN, "", Met.MET),
        (Verdict.EARLY, "", Met.EARLY),
        (Verdict.WRONG, "link", Met.KNOWN),
        (Verdict.WRONG, "", Met.UNMET),
        (Verdict.FAILED, "", Met.UNMET),
    ],
)
def test_one_comparison_decides(make_report, verdict, accepted, met):
    """One of many on a rung is enough; what was not compared is not tested, and never met."""
    report = make_report(1)
    c = next(c for c in report.comparisons if (c.engine, c.rung) == ("pls", 3))
    changed = replace(c, verdict=verdict, accepted=accepted, diagnosis=Diagnosis.UNKNOWN if accepted else c.diagnosis)
    found = by_name(replace(report, comparisons=(changed, *(o for o in report.comparisons if o is not c))))
    assert found["R3", "pls"].met is met
    none = tuple(replace(o, verdict=Verdict.NOT_GIVEN) if o.rung == 3 else o for o in report.comparisons)
    assert by_name(replace(report, comparisons=none))["R3", "pls"].met is Met.UNTESTED


def test_what_is_required_of_the_run(make_report):
    report = make_report(10)
    assert by_name(report)["R8", ""].met is Met.MET
    wrong = replace(report, figures=tuple(replace(f, verdict=FigureVerdict.WRONG) for f in report.figures))
    assert by_name(wrong)["R8", ""].met is Met.UNMET
    stale = replace(report, accepted=tuple(replace(k, stale=True, covers=0) for k in report.accepted))
    assert (by_name(report)["R9", ""].met, by_name(stale)["R9", ""].met) == (Met.MET, Met.UNMET)
    assert by_name(replace(report, figures=(), accepted=()))["R8", ""].met is Met.UNTESTED


def test_the_hash_is_what_the_printed_command_computes(report, tmp_path):
    """By a shell, from the file alone; and another time of the run does not change it."""
    write(report, tmp_path)
    told = HASH.search((tmp_path / "audit.md").read_text(encoding="utf-8"))[1]
    done = subprocess.run(["sh", "-c", CHECK], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == told == content_sha256(report)
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["sha256"] == told
    assert content_sha256(replace(report, created="another day")) == told
    assert content_sha256(replace(report, version="2")) != told


def test_a_run_is_made_again_by_its_command_to_the_byte(tmp_path, monkeypatch):
    """The command that the report names, given again: one line of report.json differs at most."""
    monkeypatch.setenv("PATH", str(tmp_path))
    data = tmp_path / "my data.csv"
    rows = [f"{3 + (k % 5) + 0.1 * k * (k % 3)},{'abcdef'[k // 5]},{k % 5}" for k in range(30)]
    data.write_text("\n".join(["y,g,x y", *rows]) + "\n")
    own = ["--data", str(data), "--formula", "y ~ `x y` + (1 | g)", "--ml", "--levels", "g=f,e,d,c,b,a"]
    monkeypatch.chdir(tmp_path)
    for words in (["--case", "dyestuff/m?", "--fail-on", "early"], own):
        first, second = tmp_path / "first", tmp_path / "second"
        arguments = ["run", *words, "--engine", "pls", "--engine", "qr", "--out", str(first), "--jobs", "1"]
        CliRunner().invoke(main, arguments)
        named = shlex.split(json.loads((first / "report.json").read_text())["command"])
        assert named[0] == "relmer" and not [word for word in named if str(tmp_path) in word]
        CliRunner().invoke(main, [*named[1:], "--out", str(second)])
        lines = [(out / "report.json").read_text().splitlines() for out in (first, second)]
        assert len(lines[0]) == len(lines[1])
        moved = {one for pair in zip(*lines, strict=True) if pair[0] != pair[1] for one in pair}
        assert all(line.startswith(' "created": ') for line in moved)


def test_data_are_named_once_with_their_whole_hash(make_report):
    report = make_report(10)
    text = audit(report)
    assert [name for one in data_of(report) for name in one.cases] != []
    assert sorted(name for one in data_of(report) for name in one.cases) == sorted(c.name for c in report.cases)
    assert all(case.dataset_sha256 in text for case in report.cases)


def test_the_environment_names_all_that_numbers_may_depend_on():
    told = machine()
    wanted = {"Python", "numpy", "scipy", "pandas", "other packages", "platform", "CPU", "CPUs", "locale", "time zone"}
    assert wanted | {"BLAS", "BLAS kernel", "BLAS threads"} <= set(told)
    assert all(told.values())
    assert re.search(r"\bjinja2 \d", told["other packages"])
    assert machine() == told


def test_camis_has_its_columns_and_a_row_for_each_case(make_report):
    report = make_report(10)
    engines = tuple(
        replace(e, environment={"R": "4.2.2"} if "lme4" in e.name else {"Python": "3.11"}) for e in report.engines
    )
    report = replace(report, engines=(*engines, EngineUsed("sas", "9.4", "given", {})))
    rows = dict(zip([case.name for case in report.cases], camis(report), strict=True))
    assert all(len(row) == len(CAMIS) == 5 for row in rows.values())
    _, by_r, by_python, match, notes = rows["star/REML"]
    assert (by_r, by_python) == ("Yes: lme4 1.1-31, lme4-tight 1.1-31", "Yes: pls 0.1.0, qr 0.1.0")
    assert match == "No: lme4" and "lme4: false minimum" in notes
    assert rows["Penicillin/REML"][4].count("(accepted)") == 1
    found = [rows for _, rows in tables(audit(report)) if rows[0] == list(CAMIS)]
    assert len(found) == 1 and len(found[0]) == 11
    no_r = replace(report, engines=tuple(replace(e, environment={}) for e in report.engines))
    assert {row[1] for row in camis(no_r)} == {"Not tested"}


def test_nothing_in_it_becomes_markup(report):
    for token in MarkdownIt("commonmark").enable("table").parse(audit(report)):
        assert token.type != "html_block"
        kinds = {child.type for child in token.children or ()}
        assert kinds <= {"text", "text_special", "softbreak"}, token.content
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", audit(report))


@pytest.mark.parametrize("text", ["`a` | <b> [x](y)", "🙂\u202eabc", "\x1b[31m", "e" * 300, "a\n\nb\n# c"])
def test_odd_commands_stay_one_line_of_code(make_report, text):
    report = replace(make_report(1), command=f"relmer run --formula {text}")
    (token, *_) = [t for t in MarkdownIt("commonmark").enable("table").parse(audit(report)) if t.type == "code_block"]
    assert token.content == f"{' '.join(printable(report.command).split())}\n"
