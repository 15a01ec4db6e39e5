"""`relmer.judge`: a frame, a file or answers in, a report out that shows itself; nothing printed, nothing left."""

import datetime
import json
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import relmer
from relmer.datasets import DataError
from relmer.reference.engines import EngineError, EngineMissing
from relmer.reports.records import Report
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.reports.voices import as_json, from_json
from relmer.solver.errors import ModelError
from relmer.solver.fits import at_theta
from tests.support.planting import HONEST, planted

pytestmark = pytest.mark.usefixtures("without_r")
OURS = ["pls", "qr"]
ONE_WAY = "y ~ 1 + (1 | g)"


def balanced(seed: int = 5) -> tuple[pd.DataFrame, np.ndarray]:
    """A balanced one-way layout, and its values by group."""
    random = np.random.default_rng(seed)
    y = 50 + 4 * random.normal(size=(7, 1)) + random.normal(size=(7, 6))
    return pd.DataFrame({"y": y.ravel(), "g": np.repeat([f"g{k}" for k in range(7)], 6)}), y


def many_kinds(n: int = 60) -> pd.DataFrame:
    """Columns of every kind that a model takes, under an index that repeats."""
    random = np.random.default_rng(8)
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(days=int(k)) for k in random.integers(0, 90, n)]
    return pd.DataFrame(
        {
            "y": random.normal(size=n),
            "x": pd.array([None if k == 4 else float(v) for k, v in enumerate(random.normal(size=n))], dtype="Float64"),
            "count": pd.array(random.integers(0, 9, n).tolist(), dtype="Int64"),
            "flag": random.random(n) > 0.5,
            "maybe": pd.array([None if k == 7 else bool(k % 3) for k in range(n)], dtype="boolean"),
            "text": random.choice([*"zyx"], n),
            "dose": pd.Categorical(random.choice(["low", "mid", "high"], n), ["low", "mid", "high"], ordered=True),
            "arm": pd.Categorical(random.choice(["b", "a"], n), ["b", "a", "unused"]),
            "day": days,
            "moment": pd.to_datetime(days).tz_localize("Europe/Berlin"),
            "g": pd.array(random.choice([*"ABCDEF"], n), dtype="string"),
            "no model takes it": [[k] for k in range(n)],
        },
        index=[0] * n,
    )


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_the_numbers_are_those_of_the_exact_law(temporary: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Balanced one-way layout by REML: sigma^2 = MSW, the grand mean, its SE sqrt(MSB / n), G = (MSB - MSW) / k."""
    frame, y = balanced()
    groups, each = y.shape
    within = ((y - y.mean(axis=1, keepdims=True)) ** 2).sum() / (groups * (each - 1))
    between = each * ((y.mean(axis=1) - y.mean()) ** 2).sum() / (groups - 1)
    found = relmer.judge(frame, ONE_WAY)
    assert isinstance(found, Report) and not found.broken
    (optimum,) = found.optima
    values = {(what, name): value for what, name, value in optimum.values}
    # Our paths owe 12 digits of beta, sigma and SE, and 10 of G.
    assert values["sigma", ""] == pytest.approx(within**0.5, rel=1e-12)
    assert values["beta", "(Intercept)"] == pytest.approx(y.mean(), rel=1e-12)
    assert values["SE", "(Intercept)"] == pytest.approx((between / y.size) ** 0.5, rel=1e-12)
    assert values["variances and covariances", "g.(Intercept)"] == pytest.approx((between - within) / each, rel=1e-10)
    assert [(case.name, case.dataset, case.rows) for case in found.cases] == [("my/1", "frame", 42)]
    assert {c.verdict for c in found.comparisons if c.engine == "lme4"} == {Verdict.UNSUPPORTED}
    assert capfd.readouterr() == ("", "")
    assert [*temporary.iterdir()] == []


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + count + (1 | g)",
        "y ~ flag + maybe + (1 | g)",
        "y ~ text + dose + (1 | g)",
        "y ~ arm + (flag | g)",
        "y ~ day + (1 | g)",
        "y ~ moment + (1 | factor(day))",
        "y ~ poly(count, 2) + (1 | text:arm)",
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_frame_is_read_as_lmer_reads_it(formula: str) -> None:
    """The same numbers to the bit, by name; the frame is as it was."""
    frame = many_kinds()
    before = frame.copy(deep=True)
    fit = relmer.lmer(formula, frame)
    found = relmer.judge(frame, formula, engines="pls")
    pd.testing.assert_frame_equal(frame, before)
    values = {(what, name): value for what, name, value in found.optima[0].values}
    assert {name: values["beta", name] for name in fit.beta.index} == fit.beta.to_dict()
    assert values["sigma", ""] == fit.sigma
    assert found.optima[0].rows == len(fit.design.y)


def test_what_is_done_to_the_frame_later_changes_nothing() -> None:
    frame, _ = balanced()
    found = relmer.judge(frame, ONE_WAY, engines=OURS)
    text, html, report = repr(found), found._repr_html_(), as_json(found)
    frame["y"] = 0.0
    assert (repr(found), found._repr_html_(), as_json(found)) == (text, html, report)


def test_the_child_of_an_engine_finds_the_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine of another package in a child of its own; levels in an order that is stated."""
    frame, _ = balanced()
    frame["half"] = np.where(np.arange(42) % 2, "b", "a")
    planted(tmp_path / "packages", monkeypatch, "theirs", HONEST, {"theirs": "Engine"})
    models = ["y ~ half + (1 | g)", "y ~ (half | g)"]
    found = relmer.judge(frame, models, REML=False, levels={"half": ["b", "a"]}, engines="theirs")
    assert {(said.case, said.status) for said in found.answers if said.engine == "theirs"} == {
        ("my/1", "fitted"),
        ("my/2", "fitted"),
    }
    assert {c.verdict for c in found.comparisons if c.rung == 4} == {Verdict.AGREE}
    assert [case.REML for case in found.cases] == [False, False]
    assert "beta: (Intercept)" in repr(found) and "halfa" in repr(found)


def test_values_of_rows_go_by_their_labels() -> None:
    """Weights of a Series in another order, an offset of an array, a subset of logicals with one that is not known."""
    frame, _ = balanced()
    frame.index = pd.Index([f"row {k}" for k in range(42)])
    random = np.random.default_rng(2)
    w = pd.Series(1 + random.random(42), index=frame.index)
    o = random.normal(size=42)
    taken = pd.array([None if k == 3 else k % 5 > 0 for k in range(42)], dtype="boolean")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = relmer.judge(frame, ONE_WAY, weights=w[::-1], offset=o, subset=taken, engines=OURS)
    assert any("subset" in str(each.message) for each in caught)
    named = frame.assign(w=w, o=o)[np.array(taken.fillna(False), dtype=bool)]
    fit = relmer.lmer(ONE_WAY, named, weights="w", offset="o")
    values = {(what, name): value for what, name, value in found.optima[0].values}
    # The same rows, read on two ways: rounding of the sums alone.
    assert values["sigma", ""] == pytest.approx(fit.sigma, rel=1e-12)
    assert values["beta", "(Intercept)"] == pytest.approx(fit.beta["(Intercept)"], rel=1e-12)


def test_notes_are_warnings_that_speak_of_keywords(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    frame, _ = balanced()
    path = tmp_path / "mine.csv"
    frame.assign(half="T", y=["?", *frame["y"][1:]]).to_csv(path, index=False)
    with pytest.warns(UserWarning, match="1 of 42 rows dropped") as dropped:
        found = relmer.judge(path, ONE_WAY, na="?", engines=OURS)
    assert dropped[0].filename == __file__
    assert found.cases[0].dataset == "mine"
    assert capfd.readouterr() == ("", "")


def test_advice_on_a_file_speaks_of_keywords(tmp_path: Path) -> None:
    frame, _ = balanced()
    path = tmp_path / "mine.csv"
    frame.assign(x=["?", *range(41)], d="2024-02-29").to_csv(path, index=False)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        relmer.judge(path, "y ~ x + d + (1 | g)", subset="g != 'g0'", engines="pls", na="2024-02-30")
    texts = " ".join(str(each.message) for each in told)
    assert 'give na=["?"]' in texts and "Date or POSIXct, by types" in texts and "--" not in texts
    frame.to_csv(path, index=False, sep=";")
    with pytest.raises(DataError, match='give sep=";"'):
        relmer.judge(path, ONE_WAY)


def test_types_of_a_file_are_stated_by_name(tmp_path: Path) -> None:
    frame, _ = balanced()
    path = tmp_path / "mine.csv"
    day = pd.Series(pd.date_range("2024-01-01", periods=42)).dt.strftime("%Y-%m-%d")
    size = np.where(np.arange(42) % 2, "low", "high")
    frame.assign(day=day, size=size).to_csv(path, index=False, sep=";")
    stated = {"day": "Date", "size": {"type": "ordered", "levels": ["low", "high"]}}
    found = relmer.judge(str(path), "y ~ day + size + (1 | g)", sep=";", types=stated, engines="pls")
    names = [name for what, name, _ in found.optima[0].values if what == "beta"]
    assert names == ["(Intercept)", "day", "size.L"]


@pytest.mark.parametrize("name", ["mine.csv", "mine.csv.gz", "mine.parquet"])
def test_data_without_a_formula_are_no_answers(name: str, tmp_path: Path) -> None:
    """Every kind of file is judged with a formula; without one a line says that it is missing."""
    frame, _ = balanced()
    path = tmp_path / name
    frame.to_parquet(path) if name.endswith("parquet") else frame.to_csv(path, index=False)
    with pytest.raises(DataError, match=r"data of your own need a formula: judge\(data, "):
        relmer.judge(path)
    assert not relmer.judge(path, ONE_WAY, engines="pls").broken


def test_a_file_of_cases(tmp_path: Path) -> None:
    frame, _ = balanced()
    frame.to_csv(tmp_path / "mine.csv", index=False)
    lines = ["[[data]]", 'name = "mine"', 'file = "mine.csv"']
    for name in ("a/one", "b/two"):
        lines += ["[[case]]", f'name = "{name}"', 'dataset = "mine"', f'formula = "{ONE_WAY}"']
    path = tmp_path / "relmer.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    assert [case.name for case in relmer.judge(path, engines="pls").cases] == ["a/one", "b/two"]
    assert [case.name for case in relmer.judge(path, case="b/*", engines="pls").cases] == ["b/two"]
    with pytest.raises(DataError, match="leave out formula"):
        relmer.judge(path, ONE_WAY)


SAS = {"criterion": "319.7", "var[Batch, (Intercept)]": "1764.05", "sigma2": "2451.25", "se[(Intercept)]": "19.3834"}


@pytest.mark.parametrize("form", ["mapping", "list", "json", "csv"])
def test_answers_come_in_any_form(form: str, tmp_path: Path) -> None:
    """The listing agrees; with a digit of the SE wrong it is named at its rung (docs/judge.md)."""
    for figures, verdict in ((SAS, Verdict.AGREE), ({**SAS, "se[(Intercept)]": "19.3934"}, Verdict.WRONG)):
        answer: dict[str, Any] = {"case": "dyestuff/reml", "engine": "SAS", "version": "9.4", "figures": figures}
        given: Any = answer if form == "mapping" else [answer]
        if form == "json":
            given = tmp_path / "answers.json"
            given.write_text(json.dumps(answer), encoding="utf-8")
        if form == "csv":
            given = str(tmp_path / "answers.csv")
            rows = [{"case": "dyestuff/reml", "engine": "SAS", "key": key, "value": figures[key]} for key in figures]
            pd.DataFrame(rows).to_csv(given, index=False)
        found = relmer.judge(given)
        (judged,) = [c for c in found.comparisons if c.quantity == "se[(Intercept)]"]
        assert judged.verdict is verdict
        assert found.broken is (verdict is Verdict.WRONG)


def test_answers_to_a_model_of_ones_own(tmp_path: Path) -> None:
    """Figures of the exact law, given as numbers of numpy; one that is wrong in the third digit is found."""
    frame, y = balanced()
    within = float(((y - y.mean(axis=1, keepdims=True)) ** 2).sum() / 35)
    figures: dict[str, Any] = {"sigma2": f"{within:.4f}", "beta[(Intercept)]": f"{y.mean():.4f}"}
    found = relmer.judge({"engine": "mine", "figures": figures}, data=frame, formula=ONE_WAY)
    assert not found.broken and {c.engine for c in found.comparisons} == {"mine"}
    path = tmp_path / "mine.csv"
    frame.to_csv(path, index=False)
    wrong = {"engine": "mine", "estimates": {"beta": np.array([round(float(y.mean()) * 1.01, 3)])}}
    found = relmer.judge(wrong, data=path, formula=ONE_WAY)
    assert found.broken and "beta[(Intercept)]" in {c.quantity for c in found.comparisons if c.breaks}


FRAME, _ = balanced()


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: relmer.judge(FRAME), "formula is missing"),
        (lambda: relmer.judge(ONE_WAY, FRAME), "the data come first"),
        (lambda: relmer.judge(FRAME, "y ~ z + (1 | g)"), "no column 'z'"),
        (lambda: relmer.judge(FRAME, "y ~ ("), "y ~ ("),
        (lambda: relmer.judge(FRAME, []), "formula is"),
        (lambda: relmer.judge(FRAME, ONE_WAY, weights="y$z"), "weights"),
        (lambda: relmer.judge(FRAME, ONE_WAY, weights=[1.0]), "weights has 1 values"),
        (lambda: relmer.judge(FRAME, ONE_WAY, subset=[True]), "subset has 1 values"),
        (lambda: relmer.judge(FRAME, ONE_WAY, contrasts={"g": np.eye(2)}), "contrasts are given by R's name"),
        (lambda: relmer.judge(FRAME, ONE_WAY, levels={"g": ["g0"]}), "'g1' in row 7"),
        (lambda: relmer.judge(FRAME, ONE_WAY, na_action="forget"), "na_action"),
        (lambda: relmer.judge(FRAME, ONE_WAY, types={"g": "factor"}), "leave out types"),
        (lambda: relmer.judge(FRAME, ONE_WAY, REML="no"), "REML is 'no'"),
        (lambda: relmer.judge({"case": "dyestuff/reml"}, weights="w", REML=False), "leave out weights, REML"),
        (lambda: relmer.judge({"case": "dyestuff/reml"}, engines="lme4"), "leave out engines"),
        (lambda: relmer.judge(FRAME, ONE_WAY, fail_on="never"), "fail_on is 'never'"),
        (lambda: relmer.judge(FRAME, ONE_WAY, engines="nobody"), "nobody"),
        (lambda: relmer.judge(FRAME, ONE_WAY, engines="x*"), "no engine matches"),
        (lambda: relmer.judge(FRAME, ONE_WAY, require="lme4"), "required engine lme4"),
        (lambda: relmer.judge("/nowhere/my.csv", ONE_WAY), "/nowhere/my.csv: No such file"),
        (lambda: relmer.judge("/nowhere/answers.json"), "/nowhere/answers.json: No such file"),
        (lambda: relmer.judge(FRAME.to_numpy(), ONE_WAY), "must be a pandas DataFrame"),
        (lambda: relmer.judge(3), "not int"),
        (lambda: relmer.judge([]), "no answer"),
        (lambda: relmer.judge({"engine": "SAS", "figures": SAS}), "case is"),
        (lambda: relmer.judge({"case": "dyestuff/reml", "figures": SAS}), "engine is missing"),
        (lambda: relmer.judge({"case": "dyestuff/reml", "engine": "e", "figures": {"x": object()}}), "object"),
        (lambda: relmer.judge({"case": "dyestuff/reml", "engine": "e", "figures": {"sigma": np.nan}}), "NaN"),
        (lambda: relmer.judge({"case": "dyestuff/reml", "engine": "e"}, data=FRAME), "formula is missing"),
    ],
)
def test_what_cannot_be_is_one_line(
    call: Callable[[], Any], told: str, temporary: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises((DataError, ModelError, EngineError, EngineMissing)) as refused:
        call()
    assert told in str(refused.value) and "\n" not in str(refused.value)
    assert [*temporary.iterdir()] == []
    assert capfd.readouterr() == ("", "")


def test_a_warning_that_is_an_error_leaves_nothing(temporary: Path) -> None:
    frame, _ = balanced()
    frame.loc[3, "y"] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="1 of 42 rows dropped"):
            relmer.judge(frame, ONE_WAY, engines=OURS)
    assert [*temporary.iterdir()] == []


def test_a_model_that_is_refused_says_why() -> None:
    frame, _ = balanced()
    found = relmer.judge(frame.assign(row=[f"r{k}" for k in range(42)]), [ONE_WAY, "y ~ 1 + (1 | row)"], engines=OURS)
    assert "my/2: y ~ 1 + (1 | row); no numbers to hold yours against: " in repr(found)
    assert "no numbers to hold yours against" in found._repr_html_()


def test_it_is_a_report_to_every_voice(tmp_path: Path) -> None:
    frame, _ = balanced()
    found = relmer.judge(frame, ONE_WAY, engines=OURS, fail_on="drift")
    again = from_json(as_json(found))
    assert type(again) is Report and again.comparisons == found.comparisons and again.fail_on == found.fail_on
    page = found.write(tmp_path / "out")
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert (tmp_path / "out" / "report.json").is_file() and (tmp_path / "out" / "junit.xml").is_file()


@pytest.mark.parametrize("scale", [0.2, 0.9, 3.0])
def test_figures_of_a_g_that_is_not_the_optimum_are_no_convention(scale: float) -> None:
    """A program that stopped elsewhere prints what its own G gives: the stop is the cause, nothing else is named."""
    frame, _ = balanced()
    stop = at_theta(relmer.lmer(ONE_WAY, frame), [scale])
    figures = {
        "criterion": f"{stop.criterion:.4f}",
        "var[g, (Intercept)]": f"{(scale * stop.sigma) ** 2:.6g}",
        "sigma2": f"{stop.sigma**2:.6g}",
        "beta[(Intercept)]": f"{stop.beta['(Intercept)']:.6g}",
        "se[(Intercept)]": f"{stop.se['(Intercept)']:.6g}",
    }
    found = relmer.judge({"engine": "mine", "figures": figures}, data=frame, formula=ONE_WAY)
    wrong = [c for c in found.comparisons if c.verdict is Verdict.WRONG]
    assert {"criterion", "var[g, (Intercept)]", "se[(Intercept)]"} <= {c.quantity for c in wrong}
    assert len({c.diagnosis for c in wrong}) == 1 and Diagnosis.CONVENTION not in {c.diagnosis for c in wrong}


def test_a_check_is_turned_off_by_the_name_that_the_refusal_gives() -> None:
    frame = pd.DataFrame({"y": [1.0, 3.0, 2.0, 5.0, 4.0, 7.0], "x": [0, 1] * 3, "g": list("aabbcc")})
    refused = relmer.judge(frame, "y ~ x + (0 + factor(x) | g)", engines=["pls"])
    assert {one.engine for one in refused.answers if "check.nobs.vs.nRE" in one.message} >= {"pls"}
    off = {"check.nobs.vs.nRE": "ignore", "check.nobs.vs.rankZ": "ignore"}
    found = relmer.judge(frame, "y ~ x + (0 + factor(x) | g)", engines=["pls", "qr"], checks=off)
    assert not found.broken
    assert {one.engine for one in found.answers if one.values} >= {"pls", "qr"}
    with pytest.raises(ModelError, match=r"check\.nothing"):
        relmer.judge(frame, "y ~ x + (1 | g)", engines=["pls"], checks={"check.nothing": "ignore"})


def test_two_processes_give_what_one_gives() -> None:
    """A frame goes to each process; two models, so that there is something to share."""
    frame, _ = balanced()
    one, two = (relmer.judge(frame, [ONE_WAY, "y ~ 0 + (1 | g)"], engines=OURS, jobs=jobs) for jobs in (1, 2))
    assert [case.name for case in two.cases] == [case.name for case in one.cases]
    assert len(two.cases) == 2
    assert (two.comparisons, two.scores, two.answers) == (one.comparisons, one.scores, one.answers)
