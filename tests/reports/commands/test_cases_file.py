"""`relmer run --cases relmer.toml`: many data files and models of one's own, judged; what is refused, and where."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from relmer.reports.commands.main import main

CASES = """\
[[data]]
name = "layout"
file = "layout.csv"
sep = ";"
decimal = ","

[[data]]
name = "numbered"
file = "below/numbered.csv"
[[data.column]]
name = "g"
type = "factor"

[[case]]
name = "layout/reml"
dataset = "layout"
formula = "y ~ 1 + (1 | g)"
source = "Table 1"
published = { sigma = "SIGMA" }

[[case]]
name = "numbered/ml"
dataset = "numbered"
formula = "y ~ 1 + (1 | g)"
reml = false
subset = "y > 0"
"""


def relmer(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two files of one balanced layout: a listing with decimal commas and names, numbers for groups; and the cases."""
    random = np.random.default_rng(11)
    y = np.round(50 + 4 * random.normal(size=(6, 1)) + random.normal(size=(6, 5)), 2)
    rows = [(value, group) for group in range(6) for value in y[group]]
    lines = [f"{value:.2f};g{group}".replace(".", ",") for value, group in rows]
    (tmp_path / "layout.csv").write_text("\n".join(["y;g", *lines]) + "\n", encoding="utf-8")
    (tmp_path / "below").mkdir()
    lines = [f"{value},{group}" for value, group in rows]
    (tmp_path / "below" / "numbered.csv").write_text("\n".join(["y,g", *lines]) + "\n", encoding="utf-8")
    within = ((y - y.mean(axis=1, keepdims=True)) ** 2).sum() / (6 * 4)
    file = tmp_path / "relmer.toml"
    file.write_text(CASES.replace("SIGMA", f"{within**0.5:.6f}"), encoding="utf-8")
    return file


def test_every_case_is_judged_on_its_data(path: Path, tmp_path: Path, without_r: None) -> None:
    """By REML sigma^2 is the mean square within, and so it is by ML, where the layout is balanced; six digits agree."""
    out = tmp_path / "out"
    found = relmer("run", "--cases", str(path), "--out", str(out), "--engine", "pls", "--jobs", "1")
    assert found.exit_code == 0, found.output
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    told = [(case["name"], case["dataset"], case["REML"], case["rows"]) for case in report["cases"]]
    assert told == [("layout/reml", "layout", True, 30), ("numbered/ml", "numbered", False, 30)]
    assert [(figure["section"], figure["verdict"]) for figure in report["figures"]] == [("Table 1", "reproduced")]
    sigmas = [answer["values"]["sigma"][0] for answer in report["answers"] if answer["engine"] == "pls"]
    printed = float(re.findall(r'sigma = "([0-9.]+)"', path.read_text(encoding="utf-8"))[0])
    assert sigmas == pytest.approx([printed, printed], abs=5.1e-7)


def test_a_printed_figure_that_the_model_has_not_is_wrong_and_ends_no_verdict(
    path: Path, tmp_path: Path, without_r: None
) -> None:
    strange = ("beta[none]", "sd[h, (Intercept)]", "V[31, 1]", "V[0, 1]", "b[g, g9, (Intercept)]")
    told = "".join(f', "{key}" = "1.25"' for key in strange)
    path.write_text(path.read_text("utf-8").replace('" }', f'"{told} }}'), "utf-8")
    out = tmp_path / "out"
    found = relmer("run", "--cases", str(path), "--out", str(out), "--engine", "pls", "--jobs", "1")
    assert found.exit_code == 1, found.output
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    verdicts = {c["verdict"] for c in report["comparisons"] if c["engine"] == "pls" and c["case"] == "layout/reml"}
    assert "agree" in verdicts and verdicts <= {"agree", "not given", "unsupported"}
    figures = {f["quantity"]: (f["verdict"], f["relmer"], f["evidence"]) for f in report["figures"]}
    assert figures.pop("sigma")[0] == "reproduced"
    assert figures == {key: ("not reproduced", None, f"printed 1.25; this model has no {key}") for key in strange}
    assert str(tmp_path) not in (out / "report.html").read_text(encoding="utf-8")


def test_a_figure_with_one_digit_wrong_breaks_the_run(path: Path, tmp_path: Path, without_r: None) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'sigma = "([0-9]\.)(.)', lambda m: f'sigma = "{m[1]}{(int(m[2]) + 5) % 10}', text), "utf-8")
    arguments = ("--case", "layout/*", "--engine", "pls", "--out", str(tmp_path / "out"), "--jobs", "1")
    found = relmer("run", "--cases", str(path), *arguments)
    assert found.exit_code == 1
    assert "1 printed figure not reproduced" in found.output
    assert "numbered/ml" not in found.output


@pytest.mark.parametrize("command", ["run", "explain"])
@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ('"y ~ 1 + (1 | g)"\nsource', '"y ~ z + (1 | g)"\nsource', "17:11", "case 'layout/reml': "),
        ('"y ~ 1 + (1 | g)"\nsource', '"y ~ ("\nsource', "17:11", "case 'layout/reml': "),
        ('subset = "y > 0"', 'subset = "w > 0"', "26:10", "case 'numbered/ml': "),
        ('subset = "y > 0"', 'weights = "w"', "26:11", "case 'numbered/ml': "),
        ('subset = "y > 0"', 'levels = { g = ["1"] }', "26:10", "case 'numbered/ml': "),
        ('sep = ";"\ndecimal = ","', "", "3:8", 'give sep = ";" decimal = ","'),
        ('name = "g"', 'name = "h"', "9:8", "numbered.csv has no column 'h'"),
    ],
)
def test_what_the_data_show_is_told_with_its_place(
    path: Path, tmp_path: Path, command: str, old: str, new: str, place: str, message: str
) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    out = ("--out", str(tmp_path / "out")) if command == "run" else ()
    found = relmer(command, "--cases", str(path), *out)
    assert found.exit_code == 2
    (line,) = found.output.splitlines()
    assert line.startswith(f"relmer: {path}:{place}: ")
    assert message in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--data", "DATA"), "--cases has data, models and how they are read"),
        (("run", "--ml"), "--cases has data, models and how they are read"),
        (("run", "--case", "nothing"), "no case of FILE matches 'nothing': it has layout/reml, numbered/ml"),
        (("certify",), "a certificate is of --formula and --data: leave out --cases"),
    ],
)
def test_options_that_do_not_belong_to_it(path: Path, arguments: tuple[str, ...], message: str) -> None:
    given = [str(path.with_name("layout.csv")) if one == "DATA" else one for one in arguments]
    found = relmer(*given, "--cases", str(path))
    assert found.exit_code == 2
    assert message.replace("FILE", str(path)) in found.output
