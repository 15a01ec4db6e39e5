"""The judge finds what was done to an answer, on the rung on which it was done."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest
from bounds import CUBIC

from relmer.datasets import Case, case
from relmer.reference.answers import recorded
from relmer.reference.answers.answer import Answer, CriterionValue, Status
from relmer.reference.answers.shared_theta import shared_thetas
from relmer.reference.certificates.store import CertificateError
from relmer.reference.engines.kin import Kin, kin_of
from relmer.reference.engines.protocol import answer, engine, installed
from relmer.reference.own_fits import design_of
from relmer.reports.evidence.evaluation import BALLS
from relmer.reports.evidence.landscape import Landscape, criterion_at, landscape
from relmer.reports.evidence.optimality import face_decrement
from relmer.reports.judge import ladder as agreement
from relmer.reports.judge.ladder import judge_case
from relmer.reports.judge.printed import figures_elsewhere
from relmer.reports.records import RUNGS, Comparison
from relmer.reports.verdicts import Diagnosis, FigureVerdict, Verdict

KIN = kin_of(installed())
NAMES = ("pls", "gls", "lme4", "lme4-tight")


@lru_cache
def view_of(name: str) -> Landscape:
    return landscape(case(name))


@lru_cache
def answers_to(name: str) -> tuple[Case, dict[str, Answer], dict]:
    """Recorded lme4, and our own paths, on one case."""
    chosen = case(name)
    points = shared_thetas(design_of(chosen).template.diagonal.tolist())
    theirs = {engine: recorded.read(engine, chosen) for engine in ("lme4", "lme4-tight")}
    thetas = [theta for kind in points.values() for theta in kind]
    thetas += [said.estimates.theta for said in theirs.values()]
    own = {name: answer(engine(name), chosen, thetas) for name in ("pls", "gls")}
    return chosen, own | theirs, points


def judged(name: str, which: str, change: Callable[[Answer], Answer] = lambda said: said) -> list[Comparison]:
    chosen, answers, points = answers_to(name)
    changed = {**answers, which: change(answers[which])}
    return list(judge_case(chosen, changed, [which], points, view_of(name), KIN).comparisons)


def broken(comparisons: list[Comparison]) -> set[tuple[int, str]]:
    return {(c.rung, c.quantity) for c in comparisons if c.verdict == Verdict.WRONG}


HARMLESS = {Verdict.AGREE, Verdict.WITHIN}


def estimates(**changes: object) -> Callable[[Answer], Answer]:
    return lambda said: replace(said, estimates=replace(said.estimates, **changes))


def model(**changes: object) -> Callable[[Answer], Answer]:
    return lambda said: replace(said, model=replace(said.model, **changes))


def scaled(field: str, factor: float, entry: int = 0) -> Callable[[Answer], Answer]:
    def change(said: Answer) -> Answer:
        values = list(getattr(said.estimates, field))
        values[entry] *= factor
        return estimates(**{field: tuple(values)})(said)

    return change


@pytest.mark.parametrize("name", ["docs/sleepstudy", "docs/three-level", "dyestuff2/reml", "docs/mtcars-ols"])
@pytest.mark.parametrize("which", NAMES)
def test_honest_answers_agree_or_are_explained(name: str, which: str) -> None:
    comparisons = judged(name, which)
    assert {c.rung for c in comparisons} == set(RUNGS)
    # What a path concludes and no other program tells is held against nobody.
    alone = {c.quantity for c in comparisons if c.verdict is Verdict.NOT_GIVEN}
    assert alone <= {c.quantity for c in comparisons if c.rung == 6}
    judged_ones = {c.verdict for c in comparisons if c.quantity not in alone}
    assert judged_ones <= HARMLESS | ({Verdict.EARLY} if which == "lme4" else set())
    assert all(c.diagnosis.harmless for c in comparisons)
    assert all(c.evidence and c.reference for c in comparisons)


TAMPERED = {
    "another response": (
        lambda said: replace(said, data=replace(said.data, response_sha256="0" * 64)),
        {(1, "response")},
    ),
    "a lost row": (lambda said: replace(said, data=replace(said.data, rows=179)), {(1, "rows")}),
    "other levels": (
        lambda said: replace(said, data=replace(said.data, groupings={})),
        {(1, "levels of Subject")},
    ),
    "coefficients in another order": (
        lambda said: model(coefficients=said.model.coefficients[::-1])(said),
        {(2, "coefficient names")},
    ),
    "theta in another order": (
        lambda said: model(theta_names=said.model.theta_names[::-1])(said),
        {(2, "theta names")},
    ),
    "another X": (lambda said: model(X=replace(said.model.X, sha256="0", total=1.0))(said), {(2, "X")}),
    "another Z": (lambda said: model(Z=replace(said.model.Z, shape=(180, 18)))(said), {(2, "Z")}),
    "a criterion off by 1e-8": (
        lambda said: replace(said, criterion=tuple(CriterionValue(p.theta, p.value + 1e-8) for p in said.criterion)),
        {
            (3, "criterion, start"),
            (3, "criterion, boundary"),
            (3, "criterion, random"),
            (3, "criterion, optimum"),
        },
    ),
    "a printed criterion off by 1e-8": (
        lambda said: estimates(criterion=said.estimates.criterion + 1e-8)(said),
        {(4, "criterion at its own theta"), (4, "criterion")},
    ),
    "sigma off by 1e-5": (
        lambda said: estimates(sigma=said.estimates.sigma * (1 + 1e-5))(said),
        {(5, "sigma")},
    ),
    "beta off by 1e-6": (scaled("beta", 1 + 1e-6), {(5, "beta"), (5, "beta[(Intercept)]")}),
    "a small SE off by 1e-5": (scaled("se", 1 + 1e-5, 1), {(5, "se")}),
    "one b off by 1e-4": (scaled("b", 1 + 1e-4), {(5, "b")}),
    "one variance of V off by 1e-5": (scaled("V_diagonal", 1 + 1e-5, 17), {(5, "V_diagonal")}),
    "one row of V off by 1e-5": (scaled("V_rowsum", 1 + 1e-5, 17), {(5, "V_rowsum")}),
    "a fitted value off by 1e-5": (scaled("fitted", 1 + 1e-5, 3), {(5, "fitted")}),
    "a variance component off by 1e-4": (scaled("varcomp", 1 + 1e-4, 1), {(5, "varcomp")}),
}


@pytest.mark.parametrize("which", ["lme4", "lme4-tight"])
@pytest.mark.parametrize("name", TAMPERED)
def test_tampering_is_found_on_its_rung(which: str, name: str) -> None:
    change, expected = TAMPERED[name]
    found = broken(judged("sleepstudy/slopes-reml", which, change))
    # A printed figure of the same quantity may show it too.
    assert expected <= found
    assert {(rung, quantity.partition("[")[0]) for rung, quantity in found} == {
        (rung, quantity.partition("[")[0]) for rung, quantity in expected
    }


@pytest.mark.parametrize("name", ["beta off by 1e-6", "sigma off by 1e-5", "a fitted value off by 1e-5"])
def test_our_own_paths_are_not_spared(name: str) -> None:
    change, expected = TAMPERED[name]
    assert broken(judged("sleepstudy/slopes-reml", "pls", change)) == expected


def test_our_own_early_stop_is_not_explained_away() -> None:
    """A path of ours that stops where lme4 would be excused disagrees: nothing excuses the reference."""
    view = view_of("sleepstudy/slopes-reml")
    theta = tuple((np.array(view.fit.optimum.theta) + np.array([1e-4, 0, 0])).tolist())
    change = estimates(theta=theta, criterion=criterion_at(view, theta))
    assert broken(judged("sleepstudy/slopes-reml", "pls", change)) >= {
        (4, "criterion at the optimum"),
        (4, "criterion"),
    }


def test_our_own_evaluation_is_held_against_balls() -> None:
    """A path of ours that prints a criterion 1e-8 off is found without any other engine."""
    chosen, answers, points = answers_to("sleepstudy/slopes-reml")
    said = answers["pls"]
    off = estimates(criterion=said.estimates.criterion + 1e-8)(said)
    alone = judge_case(chosen, {"pls": off}, ["pls"], points, view_of("sleepstudy/slopes-reml"), KIN)
    assert {(4, "criterion at its own theta"), (4, "criterion")} == broken(alone.comparisons)


def test_a_certificate_is_reference_enough() -> None:
    """With no other engine at hand, criterion, optimum and estimates are judged; data and model cannot be.

    Of what the path concludes that which follows from its own estimates is, degrees of freedom are not.
    """
    chosen, answers, points = answers_to("sleepstudy/slopes-reml")
    alone = judge_case(chosen, {"pls": answers["pls"]}, ["pls"], points, view_of("sleepstudy/slopes-reml"), KIN)
    by_rung = {
        rung: {c.verdict for c in alone.comparisons if c.rung == rung and c.kind != "published"} for rung in RUNGS
    }
    assert [by_rung[rung] for rung in RUNGS] == [
        *[{Verdict.NOT_GIVEN}] * 2,
        *[{Verdict.AGREE}] * 3,
        {Verdict.AGREE, Verdict.NOT_GIVEN},
    ]
    assert {c.kind for c in alone.comparisons if 2 < c.rung < 6} == {"certified", "published"}


def test_a_stale_certificate_turns_the_run_red(monkeypatch: pytest.MonkeyPatch) -> None:
    def stale(case: Case) -> None:
        raise CertificateError("sleepstudy-slopes.reml.json was proved for other data")

    monkeypatch.setattr(agreement, "certificate_of", stale)
    comparisons = judged("sleepstudy/slopes-reml", "lme4")
    (failed,) = [c for c in comparisons if c.verdict == Verdict.FAILED]
    assert (failed.rung, failed.quantity) == (4, "certificate")
    assert "other data" in failed.evidence
    assert {c.reference for c in comparisons if c.kind == "certified"} == {BALLS}


def test_a_stop_in_the_basin_is_explained_by_its_newton_decrement() -> None:
    view = view_of("sleepstudy/slopes-reml")
    theta = np.array(view.fit.optimum.theta) + np.array([1e-3, 0, 0])
    gap = criterion_at(view, theta) - view.fit.criterion
    assert gap > 1e-6
    decrement = face_decrement(view, view.derivatives(theta), theta)
    assert decrement == pytest.approx(gap, rel=CUBIC, abs=0)


@pytest.mark.parametrize(("step", "verdict"), [(1e-4, Verdict.EARLY), (5e-2, Verdict.WRONG)])
def test_only_a_small_gap_is_an_early_stop(step: float, verdict: Verdict) -> None:
    """The same theta off in its first entry: 5e-2 lies in the basin as well, and is too far all the same."""
    view = view_of("sleepstudy/slopes-reml")
    theta = tuple((np.array(view.fit.optimum.theta) + np.array([step, 0, 0])).tolist())
    change = estimates(theta=theta, criterion=criterion_at(view, theta))
    comparisons = judged("sleepstudy/slopes-reml", "lme4-tight", change)
    (found,) = [c for c in comparisons if c.quantity == "criterion at the optimum"]
    assert (found.verdict, found.diagnosis) == (verdict, Diagnosis.STOP)


def test_a_far_theta_disagrees() -> None:
    """An engine without a tight twin that stops at theta = 0 is nowhere near the optimum, and nothing explains it."""

    def stop_at_zero(said: Answer) -> Answer:
        value = criterion_at(view_of("sleepstudy/slopes-reml"), (0.0, 0.0, 0.0))
        return estimates(theta=(0.0, 0.0, 0.0), criterion=value)(said)

    found = broken(judged("sleepstudy/slopes-reml", "lme4-tight", stop_at_zero))
    assert (4, "criterion at the optimum") in found
    assert (5, "corr[Subject, (Intercept), Days]") in found


def test_a_false_minimum_is_a_finding() -> None:
    """lme4's default fit of the kindergarten rows stops 136 above the optimum (field.md, 1.11)."""
    chosen, answers, points = answers_to("star/kindergarten-reml")
    found = judge_case(chosen, answers, ["lme4"], points, view_of("star/kindergarten-reml"), KIN)
    verdict = next(c for c in found.comparisons if c.quantity == "criterion at the optimum")
    assert (verdict.verdict, verdict.diagnosis) == (Verdict.WRONG, Diagnosis.FALSE_MINIMUM)
    assert "false minimum" in verdict.evidence
    assert "the same program, tight" in verdict.evidence
    # What follows from it is wrong for the same reason.
    assert {c.diagnosis for c in found.comparisons if c.rung == 5 and c.verdict == Verdict.WRONG} == {
        Diagnosis.FALSE_MINIMUM
    }


def kin(**houses: tuple[str, str | None]) -> Kin:
    """The engines that are installed, and others: by name the house, and the house that each speaks for."""
    others = [
        SimpleNamespace(name=name.replace("_", "-"), house=house, witness_of=speaks_for, definition=False)
        for name, (house, speaks_for) in houses.items()
    ]
    return kin_of([*installed(), *others])


NEVER, ITS_OWN = False, True
KINSHIPS = {
    "lme4-x of another house": ("lme4-x", kin(lme4_x=("x", None)), NEVER),
    "lme4-x of lme4's house": ("lme4-x", kin(lme4_x=("lme4", None)), ITS_OWN),
    "a tight fit of another house": ("mixed", kin(mixed=("mixed", None), mixed_tight=("other", "other")), NEVER),
    "a tight fit that speaks for nobody": ("mixed", kin(mixed=("mixed", None), mixed_tight=("mixed", None)), NEVER),
    "its own tight fit": ("mixed", kin(mixed=("mixed", None), mixed_tight=("mixed", "mixed")), ITS_OWN),
    "its own tight fit, whatever its name": ("mixed", kin(mixed=("m", None), mixed_tight=("m", "m")), ITS_OWN),
}


@pytest.mark.parametrize("name", KINSHIPS)
def test_nobody_excuses_a_false_minimum_and_only_its_own_house_is_heard(name: str) -> None:
    """lme4's stop 136 above the optimum, and its tight fit, under other names: it is wrong, whoever vouches for it."""
    engine, kinship, heard = KINSHIPS[name]
    chosen, answers, points = answers_to("star/kindergarten-reml")
    planted = {engine: replace(answers["lme4"], engine=engine)}
    if "mixed-tight" in kinship.houses:
        planted["mixed-tight"] = replace(answers["lme4-tight"], engine="mixed-tight")
    found = judge_case(chosen, answers | planted, [engine], points, view_of("star/kindergarten-reml"), kinship)
    (stop,) = [c for c in found.comparisons if c.quantity == "criterion at the optimum"]
    assert stop.verdict == Verdict.WRONG
    assert ("the same program, tight" in stop.evidence) == heard
    assert "136 above the optimum" in stop.evidence


@pytest.mark.parametrize(
    ("status", "message"), [(Status.FAILED, "R went away"), (Status.UNSUPPORTED, "not for this engine")]
)
def test_an_engine_without_an_answer_has_a_verdict_on_every_rung(status: Status, message: str) -> None:
    chosen = case("docs/sleepstudy")
    silent = Answer(case=chosen.name, engine="lme4", version="", status=status, message=message)
    comparisons = judged("docs/sleepstudy", "lme4", lambda said: silent)
    assert [(c.rung, c.verdict) for c in comparisons] == [(rung, Verdict[status.name]) for rung in RUNGS if rung != 6]
    assert {c.evidence for c in comparisons} == {message}


def test_without_a_reference_nothing_agrees() -> None:
    chosen, answers, points = answers_to("docs/mtcars-ols")
    alone = {"pls": answers["pls"]}
    comparisons = judge_case(chosen, alone, ["pls"], points, view_of("docs/mtcars-ols"), KIN).comparisons
    assert {c.verdict for c in comparisons} == {Verdict.NOT_GIVEN}


def test_a_changed_printed_figure_is_charged_to_the_figure() -> None:
    """One digit of a figure that another program printed, changed, turns the verdict on the figure, and no engine's."""
    chosen, answers, points = answers_to("sleepstudy/slopes-reml")
    printed = dict(chosen.published)
    assert printed["beta[Days]"] == "10.4672860"
    changed = replace(chosen, published=printed | {"beta[Days]": "10.4673860"})
    view = view_of("sleepstudy/slopes-reml")
    assert not broken(judge_case(changed, answers, ["pls"], points, view, KIN).comparisons)
    wrong = [f for f in figures_elsewhere(changed, answers, view) if f.verdict == FigureVerdict.WRONG]
    assert [(f.quantity, f.printed) for f in wrong] == [("beta[Days]", "10.4673860")]
