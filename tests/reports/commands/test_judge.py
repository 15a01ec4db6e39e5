"""`relmer judge`: listings as they are printed, whole answers of a run, and what cannot be judged."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from relmer.reports.commands.main import main

PAGE = Path(__file__).parents[3] / "docs" / "judge.md"
# Of the balanced one-way layout Dyestuff, from its mean squares: MSW = 2451.25, G = (MSB - MSW) / 5 = 1764.05, and the
# SE sqrt(MSB / 30) = 19.38341...
LISTING = json.loads(re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0])


def relmer(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def judge(said: Any, folder: Path, *more: str) -> tuple[Result, dict[str, Any]]:
    path, out = folder / "said.json", folder / "out"
    path.write_text(said if isinstance(said, str) else json.dumps(said), encoding="utf-8")
    found = relmer("judge", str(path), "--out", str(out), *more)
    report = out / "report.json"
    return found, json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}


def changed(**figures: str) -> dict[str, Any]:
    return {**LISTING, "figures": {**LISTING["figures"], **figures}}


def test_a_listing_of_the_exact_values_agrees(tmp_path: Path, without_r: None) -> None:
    found, report = judge(LISTING, tmp_path)
    assert found.exit_code == 0, found.output
    verdicts = {c["quantity"]: c["verdict"] for c in report["comparisons"]}
    assert {verdicts[key] for key in LISTING["figures"]} == {"agree"}
    assert verdicts["criterion at the printed G"] == "agree"
    assert verdicts["data"] == verdicts["model"] == "not given"


@pytest.mark.parametrize(
    ("key", "printed", "rung"),
    [
        ("var[Batch, (Intercept)]", "1734.05", 4),
        ("criterion", "319.8", 4),
        ("sigma2", "2451.35", 5),
        ("beta[(Intercept)]", "1527.60", 5),
        ("se[(Intercept)]", "19.3934", 5),
        ("se[(Intercept)]", "18.3834", 5),
    ],
)
def test_one_wrong_digit_is_named_at_its_rung(
    key: str, printed: str, rung: int, tmp_path: Path, without_r: None
) -> None:
    found, report = judge(changed(**{key: printed}), tmp_path)
    assert found.exit_code == 1, found.output
    wrong = [(c["rung"], c["quantity"]) for c in report["comparisons"] if c["verdict"] == "wrong"]
    assert wrong == [(rung, key)]
    (finding,) = report["findings"]
    assert f"rung {rung}" in finding["text"]
    assert printed in finding["text"]


def test_a_convention_and_another_model_are_named(tmp_path: Path, without_r: None) -> None:
    """-2 log L halved is no -2 log L; a coefficient that the model has not is another model."""
    told = dict(LISTING, figures={"criterion": "-159.827138", "beta[dose]": "1.0", "sigma2": "2451.25"})
    found, report = judge(told, tmp_path)
    assert found.exit_code == 1
    diagnoses = {c["quantity"]: (c["rung"], c["diagnosis"]) for c in report["comparisons"] if c["verdict"] == "wrong"}
    assert diagnoses == {"criterion": (4, "convention"), "beta[dose]": (2, "other model")}


@pytest.mark.parametrize("off", [True, False])
def test_a_figure_that_the_model_has_not_ends_no_verdict_on_the_others(
    off: bool, tmp_path: Path, without_r: None
) -> None:
    """Whether one of the others is wrong, so that a stop is asked for that would move it, or none is."""
    strange = dict.fromkeys(
        ("beta[dose]", "sd[Sample, (Intercept)]", "theta[Batch.x]", "b[Batch, Z, (Intercept)]"), "1.5"
    )
    strange |= {"ddf[dose]": "3", "p[dose]": "0.04"}
    found, report = judge(changed(**strange, **({"sigma2": "2451.35"} if off else {})), tmp_path)
    assert found.exit_code == 1, found.output
    said = {c["quantity"]: (c["verdict"], c["rung"]) for c in report["comparisons"] if c["engine"] == LISTING["engine"]}
    assert {key for key, (verdict, _) in said.items() if verdict == "wrong"} == {*strange, *(["sigma2"] if off else [])}
    assert {said[key] for key in strange} == {("wrong", 2)}
    assert "failed" not in {verdict for verdict, _ in said.values()}


SIZES = {"nobs": "30", "groups[Batch]": "6", "size[Batch, A]": "5", "dim[Z, 2]": "6", "dim[X, 2]": "1", "Zt[1, 1]": "1"}


def test_sizes_of_the_data_are_judged_at_their_rungs(tmp_path: Path, without_r: None) -> None:
    """Six batches of five: of the data on rung 1, of the matrices on rung 2."""
    found, report = judge(changed(**SIZES), tmp_path)
    assert found.exit_code == 0, found.output
    said = {c["quantity"]: (c["verdict"], c["rung"]) for c in report["comparisons"] if c["engine"] == LISTING["engine"]}
    assert {key: said[key] for key in SIZES} == {
        key: ("agree", 2 if key.startswith(("dim", "Zt")) else 1) for key in SIZES
    }
    off = {key: f"{text}7" for key, text in SIZES.items()}
    found, report = judge(changed(**off), tmp_path)
    assert found.exit_code == 1, found.output
    said = {
        c["quantity"]: (c["verdict"], c["diagnosis"]) for c in report["comparisons"] if c["engine"] == LISTING["engine"]
    }
    assert {key: said[key] for key in SIZES} == {
        key: ("wrong", "other model" if key.startswith(("dim", "Zt")) else "other data") for key in SIZES
    }
    strange = {"groups[Sample]": "6", "size[Batch, Q]": "5", "dim[Q, 1]": "6", "Zt[7, 1]": "0"}
    found, report = judge(changed(**strange), tmp_path)
    said = {
        c["quantity"]: (c["verdict"], c["diagnosis"]) for c in report["comparisons"] if c["engine"] == LISTING["engine"]
    }
    assert {key: said[key] for key in strange} == dict.fromkeys(strange, ("wrong", "other model"))


def test_what_a_listing_does_not_tell_whole_is_not_judged_and_nobody_is_accused(
    tmp_path: Path, without_r: None
) -> None:
    open_ones = dict.fromkeys(
        (
            "AIC",
            "BIC",
            "df",
            "t[satterthwaite, (Intercept)]",
            "p[(Intercept), (Intercept)]",
            "ddf[satterthwaite, (Intercept)]",
            "se[(Intercept), (Intercept)]",
            "condsd[Batch, A, (Intercept)]",
            "G[Batch, (Intercept), (Intercept)]",
            "data[Yield, 1]",
        ),
        "3",
    )
    found, report = judge(changed(**open_ones), tmp_path)
    assert found.exit_code == 0, found.output
    said = {
        c["quantity"]: (c["verdict"], c["evidence"]) for c in report["comparisons"] if c["engine"] == LISTING["engine"]
    }
    for key in open_ones:
        assert said[key] == (
            "not given",
            "printed 3; not judged in a listing: an answer may tell it as a part of its `inference`",
        )


def test_estimates_in_part_are_judged_as_they_are_written(tmp_path: Path, without_r: None) -> None:
    part = {"case": "dyestuff/reml", "engine": "mine", "estimates": {"beta": [1527.5], "se": ["19.38"], "sigma": None}}
    found, report = judge([part, dict(part, engine="other", estimates={"beta": [1527.6]})], tmp_path)
    assert found.exit_code == 1
    said = {(c["engine"], c["quantity"]): c["verdict"] for c in report["comparisons"] if "[" in c["quantity"]}
    assert said == {
        ("mine", "beta[(Intercept)]"): "agree",
        ("mine", "se[(Intercept)]"): "agree",
        ("other", "beta[(Intercept)]"): "wrong",
    }


def test_what_a_run_heard_is_judged_again(tmp_path: Path, without_r: None) -> None:
    out = tmp_path / "run"
    assert relmer("run", "--case", "dyestuff/reml", "--out", str(out), "--jobs", "1").exit_code == 0
    found, report = judge((out / "answers.json").read_text(encoding="utf-8"), tmp_path)
    assert found.exit_code == 0, found.output
    assert {"lme4 (given)", "pls (given)"} <= {c["engine"] for c in report["comparisons"]}
    assert {c["verdict"] for c in report["comparisons"]} <= {"agree", "within", "early"}


def test_a_template_is_an_answer_to_fill_in(tmp_path: Path, without_r: None) -> None:
    form = json.loads(relmer("judge", "--template", "dyestuff/reml").output)
    form["engine"] = "JASP"
    assert judge(form, tmp_path)[0].exit_code == 2
    form["figures"]["beta[(Intercept)]"] = "1527.5"
    assert judge(form, tmp_path)[0].exit_code == 0


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("{", "not JSON"),
        ('{"case": NaN}', "NaN"),
        ([], "no answer"),
        ([3], "object"),
        ({"case": "no/such", "engine": "x"}, "no/such"),
        ({"case": "dyestuff/reml"}, "engine"),
        ({"case": "dyestuff/reml", "engine": "x"}, "nothing to judge"),
        (dict(LISTING, figures={"beta[(Intercept)]": "about 3"}), "about 3"),
        (dict(LISTING, figures={"nonsense[(Intercept)]": "3"}), "nonsense"),
        (dict(LISTING, estimates={"fitted": ["3"]}), "fitted"),
        (dict(LISTING, estimates={"beta": ["3", "4"]}), "beta has 2 entries"),
        ([LISTING, LISTING], "two answers"),
    ],
)
def test_what_cannot_be_judged_is_one_line(said: Any, told: str, tmp_path: Path) -> None:
    found, report = judge(said, tmp_path)
    assert found.exit_code == 2, found.output
    assert not report
    (line,) = found.output.splitlines()
    assert line.startswith("relmer: ")
    assert told in line


def test_the_table_of_the_page_agrees_and_a_wrong_p_is_named(tmp_path: Path, without_r: None) -> None:
    """t = 1527.5 / 19.3834 = 78.80 with 5 degrees of freedom: p = 6e-9."""
    (table,) = re.findall(r"```csv\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for text, status in ((table, 0), (table.replace("<.0001", "0.0231"), 1)):
        path = tmp_path / "answers.csv"
        path.write_text(text, encoding="utf-8")
        found = relmer("judge", str(path), "--out", str(tmp_path / "out"))
        report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
        verdicts = {c["quantity"]: c["verdict"] for c in report["comparisons"]}
        assert found.exit_code == status, found.output
        assert verdicts["p[(Intercept)]"] == ("wrong" if status else "agree")
        assert verdicts["ddf[(Intercept)]"] == "not given"
