"""`relmer diff` of versions, `relmer versions`, and engines that a file declares, on the command line and without R."""

from pathlib import Path

from click.testing import CliRunner, Result

from relmer.datasets import case
from relmer.reference.answers import recorded
from relmer.reports.commands.main import main

OLD, NEW = "lme4@1.1-26", "lme4@2.1-0"


def relmer(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


def test_two_versions_by_one_command(without_r: None, tmp_path: Path) -> None:
    told = relmer("diff", OLD, NEW, "--case", "dyestuff/*", "--jobs", "1", "--out", tmp_path)
    assert told.exit_code == 0
    assert told.stdout.startswith("lme4 1.1-26 → 2.1-0: ")
    assert (tmp_path / "diff.md").exists() and (tmp_path / "junit.xml").exists()
    chosen = relmer("diff", OLD, NEW, "--case", "dyestuff/*", "--jobs", "1", "--fail-on", "environment")
    assert chosen.exit_code == 1


def test_an_engine_is_the_same_as_itself(without_r: None) -> None:
    told = relmer("diff", NEW, NEW, "--case", "dyestuff/reml", "--jobs", "1")
    assert told.exit_code == 0
    assert told.stdout == "The two reports are the same, but for the time.\n"


def test_what_is_neither_is_refused_in_one_line() -> None:
    told = relmer("diff", "lme4@9.9", NEW)
    assert told.exit_code == 2
    assert told.stderr == "relmer: lme4@9.9 is no report, no recordings and no engine; `relmer engines` lists these\n"


def test_versions_run_where_asked_for_and_need_no_r(without_r: None, tmp_path: Path) -> None:
    listed = relmer("engines").stdout.splitlines()
    assert f"{NEW}\t2.1-0\trecorded\trelmer.toml names no R with this lme4" in listed
    told = relmer("run", "--engine", "lme4@*", "--case", "dyestuff/ml", "--jobs", "1", "--out", tmp_path)
    assert told.exit_code == 0
    assert f"  {NEW} 2.1-0 (recorded)" in told.stdout
    assert f"  {OLD} 1.1-26 (recorded)" in told.stdout
    assert "lme4-bobyqa" not in told.stdout
    none = relmer("run", "--engine", "nlme@*", "--case", "dyestuff/ml", "--out", tmp_path)
    assert (none.exit_code, none.stderr) == (
        2,
        "relmer: no engine matches 'nlme@*'; `relmer engines` lists them\n",
    )


def test_a_command_that_fails_is_one_engines_verdict(without_r: None, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[engine."lme4@9.9"]\ncommand = ["no-such-program-at-all"]\n', encoding="utf-8")
    chosen = ("--engines", file, "--engine", "lme4@9.9", "--engine", "pls")
    told = relmer("run", *chosen, "--case", "dyestuff/ml", "--jobs", "1", "--out", tmp_path / "out")
    assert told.exit_code == 1
    assert "lme4@9.9 cannot be asked, because lme4: command 'no-such-program-at-all' cannot be started" in told.stderr
    assert "Traceback" not in told.output
    # The file is that command's alone.
    assert "lme4@9.9" not in relmer("engines").stdout


def test_a_page_needs_two_versions(without_r: None) -> None:
    told = relmer("versions", "lme4@2.1-0")
    assert told.exit_code == 2
    assert "is one engine: a pattern of two or more is wanted" in told.stderr


def test_a_page_of_some_cases(without_r: None, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    assert relmer("versions", "lme4@*", "--case", "penicillin/*", "--jobs", "1", "--out", page).exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert "    relmer versions 'lme4@*' --case 'penicillin/*'\n" in text
    for version in ("1.1-26", "1.1-31", "1.1-37", "2.1-0"):
        answer = recorded.read(f"lme4@{version}", case("penicillin/reml"))
        assert f"| lme4@{version} | {answer.environment['R']} |" in text
    # The values are the recorded ones, to the last digit, and the digit that is told is where they part.
    old, new = (recorded.read(f"lme4@1.1-{k}", case("penicillin/reml")).estimates.sigma for k in (26, 31))
    assert f"| penicillin/reml | sigma | {old!r} | {new!r} | 11 |" in text
    assert repr(old)[: len("0.") + 10] == repr(new)[: len("0.") + 10]
    assert repr(old)[len("0.") + 10] != repr(new)[len("0.") + 10]
