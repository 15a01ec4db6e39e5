"""Every printed figure of the documents is reproduced or explained, without R; what is changed is found and named."""

import shutil
from collections import Counter
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from relmer.datasets import Case, case, half_unit, load, number
from relmer.reference import own_fits, published
from relmer.reference.answers import recorded
from relmer.reference.answers.answer import Answer
from relmer.reference.engines.kin import kin_of
from relmer.reference.engines.protocol import answer, engine, installed
from relmer.reference.published import figures
from relmer.reports.evidence import tolerances
from relmer.reports.evidence.landscape import Landscape, criterion_at, landscape
from relmer.reports.judge import explanations
from relmer.reports.judge import printed as judged
from relmer.reports.judge.explanations import Account, account_of, prints
from relmer.reports.judge.printed import published_figures
from relmer.reports.records import PublishedFigure
from relmer.reports.verdicts import FigureVerdict
from relmer.solver.algebra.roots import root_by_columns

KIN = kin_of(installed())
CASES = tuple(dict.fromkeys(f.case for f in figures()))
SMALL = ("docs/sleepstudy", "docs/three-level", "docs/mtcars-ols", "docs/sleepstudy-three")


@lru_cache
def heard(name: str) -> tuple[Case, dict[str, Answer], Landscape]:
    """A case, the definition's answer and the recorded answer of lme4's default fit, and the landscape."""
    chosen = case(name)
    lme4 = recorded.read("lme4", chosen)
    assert lme4 is not None
    return chosen, {"gls": answer(engine("gls"), chosen, []), "lme4": lme4}, landscape(chosen)


@lru_cache
def recomputed(name: str) -> tuple[PublishedFigure, ...]:
    return published_figures(*heard(name), KIN)


@lru_cache
def account(name: str) -> Account:
    return account_of(*heard(name))


def change(monkeypatch: pytest.MonkeyPatch, folder: Path, document: str, old: str, new: str) -> None:
    """Work on a copy of the ledger in which the first `old` is `new`."""
    shutil.copytree(published.LEDGER, folder, dirs_exist_ok=True)
    path = folder / f"{document}.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    monkeypatch.setattr(published, "LEDGER", folder)


def wrong(found: tuple[PublishedFigure, ...]) -> set[tuple[str, str]]:
    return {(f.quantity, f.printed) for f in found if f.verdict == FigureVerdict.WRONG}


def test_every_figure_has_its_case() -> None:
    assert set(CASES) == {f"docs/{name}" for name in ("star-sample", "bdf")} | set(SMALL)


@pytest.mark.parametrize("name", CASES)
def test_every_figure_is_reproduced_or_explained(name: str) -> None:
    found = recomputed(name)
    assert [(f.document, f.section, f.label, f.quantity, f.printed) for f in found] == [
        (f.document, f.section, f.label, f.quantity, f.printed) for f in figures() if f.case == name
    ]
    assert {f.verdict for f in found} <= {FigureVerdict.REPRODUCED, FigureVerdict.ROUGH}
    for f in found:
        assert f.relmer is not None
        values = [f.relmer] if f.lme4 is None else [f.relmer, f.lme4]
        assert (f.verdict == FigureVerdict.REPRODUCED) == all(prints(value, f.printed) for value in values)
        assert f.lme4 is not None or f.quantity.startswith("data[")


@pytest.mark.parametrize("name", [name for name in CASES if name != "docs/sleepstudy-three"])
def test_lme4_prints_every_figure_of_the_first_two_documents(name: str) -> None:
    """What is explained there is explained by lme4's default fit, and by nothing else."""
    for f in recomputed(name):
        if not f.quantity.startswith("data["):
            assert f.lme4 is not None
            assert prints(f.lme4, f.printed), f
        assert f.verdict == FigureVerdict.REPRODUCED or "lme4 1.1-31's default fit, recorded, gives" in f.evidence


def test_the_star_figures_are_those_of_a_fit_that_stopped_early() -> None:
    """Criterion at the printed covariances, at the default fit and at the optimum (field.md, 1.4)."""
    known, view = account("docs/star-sample"), heard("docs/star-sample")[2]
    (default,) = known.witnesses
    rounding = 5e-11 + tolerances.GAP * view.size
    assert default.criterion == pytest.approx(10990.3881550013, abs=rounding)
    assert view.fit.criterion == pytest.approx(10990.3881547322, abs=rounding)
    assert known.printed_criterion is not None
    # Seven digits of six covariances, each up to 30 standard errors, place them within 4e-6 standard errors of the
    # default fit. There the criterion is 2.7e-7 above its least: it rises by at most sqrt(2 * 2.7e-7) for each.
    assert known.printed_criterion == pytest.approx(default.criterion, abs=3e-9)
    found = [f for f in recomputed("docs/star-sample") if f.verdict == FigureVerdict.ROUGH]
    assert {f.quantity for f in found} == {
        *(f"beta[{name}]" for name in ("(Intercept)", "cltypereg", "cltypereg+A", "sxF")),
        *(f"G[{i}, {j}]" for i, j in ((1, 1), (1, 2), (2, 1), (2, 2), (3, 3), (3, 4), (4, 3), (4, 4))),
    }
    for f in found:
        for value in (known.printed_criterion, default.criterion, view.fit.criterion):
            assert f"{value:.10f}" in f.evidence
        assert f"criterion at the printed covariances {known.printed_criterion:.10f}, at that fit" in f.evidence


def test_the_three_subjects_are_those_of_one_earlier_stop() -> None:
    """One theta gives all six printed b to half a unit; it lies closer to the optimum than lme4 1.1-31 stops."""
    known, view = account("docs/sleepstudy-three"), heard("docs/sleepstudy-three")[2]
    default, stop = known.witnesses
    printed = {f.quantity: f.printed for f in figures("002") if f.quantity.startswith("b[")}
    names = [f"b[Subject, {level}, {column}]" for level in (309, 330, 371) for column in ("(Intercept)", "Days")]
    assert list(printed) == names
    for value, text in zip(stop.estimates.b, printed.values(), strict=True):
        assert prints(value, text)
    assert not any(prints(value, text) for value, text in zip(default.estimates.b, printed.values(), strict=True))
    assert 0 <= stop.criterion - view.fit.criterion + 1e-12 < default.criterion - view.fit.criterion
    assert stop.criterion == criterion_at(view, stop.estimates.theta)


def test_intercepts_and_slopes_are_a_rounded_fixed_effect_and_the_printed_b() -> None:
    """249.459 and 4.819 added to the printed b give the printed digits; unrounded they do not."""
    found = {f.quantity: f for f in recomputed("docs/sleepstudy-three")}
    beta = heard("docs/sleepstudy-three")[2].fit.beta
    for name, value in (("(Intercept)", 249.459), ("Days", 4.819)):
        assert round(beta[name], 3) == value
        for level in ("309", "330", "371"):
            added, b = found[f"coef[Subject, {level}, {name}]"], number(found[f"b[Subject, {level}, {name}]"].printed)
            assert prints(value + b, added.printed)
            assert not prints(beta[name] + b, added.printed)
            assert added.verdict == FigureVerdict.ROUGH
            assert f"the rounded fixed effect {value:g}" in added.evidence


def test_the_size_of_a_printed_matrix_is_held_against_the_matrix() -> None:
    """Document 002 heads a matrix of 30 columns with "6 x 12"."""
    found = {f.quantity: f for f in recomputed("docs/sleepstudy-three")}
    assert found["dim[Zt, 2]"].verdict == FigureVerdict.ROUGH
    assert found["dim[Zt, 2]"].relmer == 30
    assert "12 would be that of the first 4 rows of each of the 3 levels" in found["dim[Zt, 2]"].evidence
    assert all(f.verdict == FigureVerdict.REPRODUCED for f in found.values() if f.quantity.startswith("Zt["))


DIGITS = {
    "criterion": ("000", "docs/sleepstudy", '"1743.6"', '"1743.5"', ("criterion", "1743.5")),
    "fixef": ("000", "docs/sleepstudy", "\n251.40510", "\n251.40511", ("beta[(Intercept)]", "251.40511")),
    "an entry of G": (
        "000",
        "docs/sleepstudy",
        "612.100158  9.604409",
        "612.100158  9.604408",
        ("G[1, 2]", "9.604408"),
    ),
    "correlation": ("000", "docs/sleepstudy", "-0.138", "-0.139", ("correlation[Days, (Intercept)]", "-0.139")),
    "a residual": ("000", "docs/three-level", "-2.54947", "-2.54948", ("scaled_residual[Min]", "-2.54948")),
    "a typed constant": ("000", "docs/three-level", '.4201496"', '.4201497"', ("G[2, 2]", ".4201497")),
    "a value of data": ("000", "docs/three-level", "-1.06782371", "-1.06782372", ("data[x1, 1]", "-1.06782372")),
    "a count": ("000", "docs/three-level", '"150 30 10"', '"150 30 11"', ("groups[sch.cl]", "11")),
    "p": ("001", "docs/mtcars-ols", "5.843477e-13", "5.843478e-13", ("p[(Intercept)]", "5.843478e-13")),
    "residual": ("001", "docs/mtcars-ols", "-0.2078799", "-0.2078798", ("residual[5]", "-0.2078798")),
    "the sign": ("001", "docs/mtcars-ols", "-0.01527855", "0.01527855", ("t[am]", "0.01527855")),
    "a slope": ("002", "docs/sleepstudy-three", "2.407141", "2.407142", ("coef[Subject, 309, Days]", "2.407142")),
    "a size": ("002", "docs/sleepstudy-three", '"6 12"', '"6 13"', ("dim[Zt, 2]", "13")),
    "b": (
        "002",
        "docs/sleepstudy-three",
        "-44.1573839",
        "-44.1573829",
        ("b[Subject, 309, (Intercept)]", "-44.1573829"),
    ),
}


@pytest.mark.parametrize("name", DIGITS)
def test_one_changed_digit_disagrees_and_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document, chosen, old, new, expected = DIGITS[name]
    change(monkeypatch, tmp_path, document, old, new)
    found = wrong(published_figures(*heard(chosen), KIN))
    assert expected in found
    # The random effects of document 002 have one theta in common: one that is wrong leaves none for the others.
    assert len(found) == 1 or name == "b"


@pytest.mark.parametrize("last", [-1, 1])
@pytest.mark.parametrize("name", ["docs/star-sample", "docs/bdf", *SMALL[:3]])
def test_a_unit_of_the_last_digit_is_never_explained(name: str, last: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every figure of the first two documents, moved by one unit of its last digit, disagrees."""
    known, (chosen, _, view) = account(name), heard(name)
    moved = []
    for f in known.printed:
        exponent = f.printed.partition("e")[2]
        places = len(f.printed.partition("e")[0].partition(".")[2])
        value = number(f.printed) + last * 2 * half_unit(f.printed)
        moved.append(replace(f, printed=f"{value:.{places}{'e' if exponent else 'f'}}"))
    changed = replace(known, printed=tuple(moved))
    monkeypatch.setattr(judged, "account_of", lambda *_: changed)
    found = published_figures(chosen, heard(name)[1], view, KIN)
    assert Counter(f.verdict for f in found) == {FigureVerdict.WRONG: len(moved)}


def test_one_changed_value_of_the_data_disagrees_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One reaction time of the first three-level row, 0.4 instead of 0.40529698."""
    chosen, answers, _ = heard("docs/three-level")
    dataset = load(chosen.dataset)
    dataset.frame.loc[0, "y"] = 0.4
    monkeypatch.setattr("relmer.reference.own_fits.data_of", lambda asked: dataset.frame)
    monkeypatch.setattr("relmer.reports.judge.printed.load", lambda name: dataset)
    own_fits.fit_of.cache_clear()
    found = wrong(published_figures(chosen, answers, landscape(chosen), KIN))
    own_fits.fit_of.cache_clear()
    assert ("data[y, 1]", "0.40529698") in found
    assert ("beta[x1]", "0.3587507") in found


def test_without_lme4_the_recording_is_the_witness() -> None:
    chosen, answers, view = heard("docs/sleepstudy")
    found = published_figures(chosen, {"gls": answers["gls"]}, view, KIN)
    assert not wrong(found)
    assert {f.lme4 for f in found} == {None}
    assert FigureVerdict.ROUGH in {f.verdict for f in found}


def test_a_figure_that_no_fit_prints_is_not_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small difference alone is no explanation."""
    chosen, answers, view = heard("docs/sleepstudy")
    monkeypatch.setattr(explanations, "default_fits", lambda *_: [])
    found = published_figures(chosen, {"gls": answers["gls"]}, view, KIN)
    assert ("G[1, 1]", "612.100158") in wrong(found)


def test_a_root_of_an_indefinite_printed_matrix() -> None:
    """A covariance of rank one that is printed may have a negative eigenvalue."""
    G = np.array([[141.78835, -10.11802], [-10.11802, 0.7220208]])
    T = root_by_columns(G)
    assert np.linalg.eigvalsh(G)[0] < 0
    assert T[0, 1] == T[1, 1] == 0
    left = G - T @ T.T
    # A root, a quotient and a product or two, each rounded: what is left of an entry is known to some eps of it.
    assert np.allclose(left[:, 0], 0, rtol=0, atol=2 * tolerances.EPS * G.max())
    assert left[1, 1] == pytest.approx(G[1, 1] - G[0, 1] ** 2 / G[0, 0], abs=4 * tolerances.EPS * G[1, 1])
