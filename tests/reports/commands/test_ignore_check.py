"""lme4's checks of sizes on every command that takes a formula: which option turns them off, and that it does."""

import json
from ast import literal_eval
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from relmer import lmer
from relmer.reports.commands.main import main
from relmer.solver.errors import ModelError

# A formula that checks refuse, and these.
VISITS = ("yield_ ~ plot + (0 + season | farm)", ("check.nobs.vs.nRE",))
ROWS = ("yield_ ~ season + (1 | farm) + (1 | row)", ("check.nobs.vs.nlev", "check.nobs.vs.nRE"))
REFUSED = (VISITS, ROWS)


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(99)
    farm, season = np.repeat(np.arange(14), 2), np.tile(["dry", "wet"], 14)
    level = random.normal(0, 2, 14)[farm] + np.where(season == "wet", random.normal(1, 1, 14)[farm], 0)
    table = pd.DataFrame(
        {
            "yield_": (30 + level + random.normal(0, 1, 28)).round(2),
            "season": season,
            "farm": [f"farm {k}" for k in farm],
            "plot": random.normal(0, 1, 28).round(2),
            "row": [f"r{k}" for k in range(28)],
            "share": [0.0, *random.uniform(1, 2, 27).round(2)],
            "size": ["Small", *["large"] * 20, *["Medium"] * 7],
        }
    )
    path = tmp_path_factory.mktemp("farms") / "farms.csv"
    table.to_csv(path, index=False)
    return path


def relmer(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments], catch_exceptions=False)


def ignored(checks: tuple[str, ...]) -> list[str]:
    return [word for check in checks for word in ("--ignore-check", check)]


def only_line(found: Result) -> str:
    (line,) = [line for line in found.output.splitlines() if line.startswith("relmer: ")]
    return line


@pytest.mark.parametrize(("formula", "checks"), REFUSED)
def test_python_names_its_argument(farms: Path, formula: str, checks: tuple[str, ...]) -> None:
    frame = pd.read_csv(farms)
    off = dict.fromkeys(checks, "ignore")
    with pytest.raises(ModelError, match=r" off: checks=\{'check.nobs.*'\}$") as refusal:
        lmer(formula, frame)
    assert literal_eval(str(refusal.value).partition("checks=")[2]) == off
    assert lmer(formula, frame, checks=off).optimum.converged


@pytest.mark.parametrize(("formula", "checks"), REFUSED)
@pytest.mark.parametrize("command", ["fit", "explain", "certify"])
def test_a_command_names_its_option(
    farms: Path, tmp_path: Path, command: str, formula: str, checks: tuple[str, ...]
) -> None:
    asked = {
        "fit": ("fit", formula, farms),
        "explain": ("explain", "--data", farms, "--formula", formula, "--theta", "1,1"),
        "certify": ("certify", "--data", farms, "--formula", formula, "--out", tmp_path),
    }[command]
    found = relmer(*asked)
    assert found.exit_code == 2
    assert only_line(found).endswith(f" off: {' '.join(ignored(checks))}")
    assert "checks=" not in found.output
    # With the check off what is said, if anything is, is no longer the refusal of the check.
    assert "or turn the check" not in relmer(*asked, *ignored(checks)).output


def no_commands(report: Path, checks: tuple[str, ...]) -> None:
    """A report is read by who has given no command: it names the checks, and neither an option nor an argument."""
    off = f"off: checks: {'; '.join(f'{check} = ignore' for check in checks)}"
    said = {file.name: file.read_text(encoding="utf-8") for file in report.iterdir()}
    assert all(off in said[name] for name in ("report.json", "answers.json", "junit.xml"))
    assert not [name for name, text in said.items() if "--ignore-check" in text or "checks={" in text]


@pytest.mark.parametrize(("formula", "checks"), REFUSED)
def test_a_run_says_it_and_its_report_too(
    farms: Path, tmp_path: Path, without_r: None, formula: str, checks: tuple[str, ...]
) -> None:
    asked = ("run", "--data", farms, "--formula", formula, "--engine", "pls", "--engine", "gls", "--jobs", 1)
    refused = relmer(*asked, "--out", tmp_path / "a")
    assert (refused.exit_code, " ".join(ignored(checks)) in refused.output) == (0, True), refused.output
    no_commands(tmp_path / "a", checks)
    fitted = relmer(*asked, "--out", tmp_path / "b", *ignored(checks))
    assert fitted.exit_code == 0, fitted.output
    said = json.loads((tmp_path / "b" / "report.json").read_text(encoding="utf-8"))
    # Without R there is no lme4 to hold our paths against, at some rungs.
    assert {"agree"} <= {one["verdict"] for one in said["comparisons"]} <= {"agree", "within", "not given"}
    assert said["cases"][0]["arguments"] == {"checks": "; ".join(f"{check} = ignore" for check in checks)}


@pytest.mark.parametrize(("formula", "checks"), REFUSED)
def test_a_case_of_a_file_has_a_key(
    farms: Path, tmp_path: Path, without_r: None, formula: str, checks: tuple[str, ...]
) -> None:
    (tmp_path / "farms.csv").write_bytes(farms.read_bytes())
    file, advised = tmp_path / "relmer.toml", ", ".join(f'"{check}" = "ignore"' for check in checks)
    data = '[[data]]\nname = "farms"\nfile = "farms.csv"\n'
    case = f'{data}[[case]]\nname = "a"\ndataset = "farms"\nformula = "{formula}"\n'
    asked = ("run", "--cases", file, "--engine", "pls", "--jobs", 1, "--out", tmp_path / "out")
    file.write_text(case, encoding="utf-8")
    assert f" off: checks = {{ {advised} }}" in relmer(*asked).output
    no_commands(tmp_path / "out", checks)
    explained = relmer("explain", "--cases", file, "--theta", "1")
    assert (explained.exit_code, f" off: checks = {{ {advised} }}" in only_line(explained)) == (2, True)
    file.write_text(f"{case}checks = {{ {advised} }}\n", encoding="utf-8")
    fitted = relmer(*asked)
    assert (fitted.exit_code, "to hold your figures against" in fitted.output) == (0, True), fitted.output


@pytest.mark.parametrize(
    ("slip", "told"),
    [
        ('"nRE" = "ignore"', "'nRE' is not known; the checks are"),
        ('"check.nobs.vs.nRE" = "no"', "not 'no'"),
        ("x = 1", "give what the check does, as a string"),
    ],
)
def test_a_slip_in_a_key_is_pointed_at(farms: Path, tmp_path: Path, slip: str, told: str) -> None:
    (tmp_path / "farms.csv").write_bytes(farms.read_bytes())
    file, data = tmp_path / "relmer.toml", '[[data]]\nname = "farms"\nfile = "farms.csv"\n'
    case = f'[[case]]\nname = "a"\ndataset = "farms"\nformula = "plot ~ 1"\nchecks = {{ {slip} }}\n'
    file.write_text(data + case, encoding="utf-8")
    found = relmer("run", "--cases", file, "--engine", "pls")
    assert (found.exit_code, told in only_line(found)) == (2, True), found.output
    assert only_line(found).startswith(f"relmer: {file}:8:")


def test_judge_takes_it(farms: Path, tmp_path: Path, without_r: None) -> None:
    formula, checks = ROWS
    fit = lmer(formula, pd.read_csv(farms), checks=dict.fromkeys(checks, "ignore"))
    figures = {"criterion": f"{fit.criterion:.4f}", "beta[seasonwet]": f"{fit.beta['seasonwet']:.6f}"}
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps({"case": "my/1", "engine": "SAS", "figures": figures}), encoding="utf-8")
    asked = ("judge", answers, "--data", farms, "--formula", formula, "--out", tmp_path / "out")
    found = relmer(*asked, *ignored(checks))
    assert (found.exit_code, "SAS agrees on 1 of 1 case" in found.output) == (0, True), found.output


def test_an_option_that_a_file_of_cases_does_not_take_is_named(farms: Path, tmp_path: Path) -> None:
    (tmp_path / "relmer.toml").write_text("", encoding="utf-8")
    found = relmer("run", "--cases", tmp_path / "relmer.toml", "--ignore-check", "check.nobs.vs.nRE", "--ml")
    told = "relmer: --cases has data, models and how they are read: leave out --ml, --ignore-check"
    assert (found.exit_code, only_line(found)) == (2, told)


def test_a_check_that_there_is_not_is_bad_usage(farms: Path) -> None:
    found = relmer("run", "--data", farms, "--formula", ROWS[0], "--ignore-check", "check.rankX")
    assert (found.exit_code, "'--ignore-check'" in found.output) == (2, True)


@pytest.mark.parametrize(
    ("formula", "arguments", "option", "argument"),
    [
        ("yield_ ~ size + (1 | farm)", (), "; --levels NAME=A,B,… sets the order", "pandas.Categorical"),
        ("yield_ ~ plot + (1 | farm)", ("--weights", "share"), "leave these rows out by --subset", "drop these rows"),
        ("yield_ ~ plot + (1 | farm)", ("--weights", "sqrt(share - 0.5)"), "--weights is missing in 1", " weights="),
    ],
)
def test_notes_and_refusals_name_options(
    farms: Path, formula: str, arguments: tuple[str, ...], option: str, argument: str
) -> None:
    said = relmer("fit", formula, farms, *arguments).output
    assert option in said
    assert argument not in said
