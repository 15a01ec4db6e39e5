"""A response far from zero explains what an engine loses that does not centre it: so much, and nothing else."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from bounds import SOLVED
from generated import OWN, generated

from relmer.datasets import case, load
from relmer.reference.answers import recorded
from relmer.reference.answers.answer import Answer, CriterionValue
from relmer.reference.answers.shared_theta import shared_thetas
from relmer.reference.engines.kin import kin_of
from relmer.reference.engines.protocol import answer, engine, installed
from relmer.reference.own_fits import design_of, estimates
from relmer.reference.own_inference import inference_of
from relmer.reports.evidence import evaluation, products, tolerances, values
from relmer.reports.evidence.landscape import Landscape, landscape
from relmer.reports.evidence.uncentred import covariates, uncentred
from relmer.reports.judge.ladder import judge_case
from relmer.reports.judge.margins import harmless
from relmer.reports.records import Comparison
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver.fits import at_theta
from relmer.solver.model import Lambda

FAR, NEAR, LOST = "nist/SmLs04-reml", "sleepstudy/slopes-reml", "nist/SmLs08-reml"


@pytest.fixture
def without_balls(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a model that is too large for balls: another house is all that there is."""
    monkeypatch.setattr(evaluation, "exact_data", lambda design: None)


@lru_cache
def view_of(name: str) -> Landscape:
    return landscape(case(name))


@lru_cache
def answers_to(name: str) -> dict[str, Answer]:
    chosen = case(name)
    theirs = {engine: recorded.read(engine, chosen) for engine in ("lme4", "lme4-tight")}
    points = shared_thetas(design_of(chosen).template.diagonal.tolist())
    return {"pls": answer(engine("pls"), chosen, [theta for kind in points.values() for theta in kind])} | theirs


def judged(
    name: str, which: str, change: Callable[[Answer], Answer] = lambda said: said
) -> dict[tuple[int, str], Comparison]:
    answers = answers_to(name)
    points = {"start": ((1.0,),), "boundary": ((0.0,),)}
    found = judge_case(
        case(name), answers | {which: change(answers[which])}, [which], points, view_of(name), kin_of(installed())
    )
    return {(c.rung, c.quantity): c for c in found.comparisons}


def off(by: float) -> Callable[[Answer], Answer]:
    return lambda said: replace(said, criterion=tuple(CriterionValue(p.theta, p.value + by) for p in said.criterion))


def test_what_lme4_loses_is_explained_and_says_how_much_may_be_lost() -> None:
    """SmLs04: a mean of 1e6 with residuals of 0.1; lme4's criterion at theta = 1 is off by 2e-8."""
    found = judged(FAR, "lme4")[3, "criterion, start"]
    assert (found.verdict, found.kind) == (Verdict.WITHIN, "certified")
    assert 9 < found.digits < 12
    assert "without centring, rounding may move it by" in found.evidence


def test_an_error_within_the_bound_is_rounding_and_harmless_only_if_it_is_small() -> None:
    """More than 1e-3 is wrong even where rounding is the cause; more than any bound is another criterion."""
    bound, most = uncentred(view_of(FAR), (1.0,)).criterion, products(view_of(FAR), (1.0,))
    assert most > bound > 2 * tolerances.EARLY
    sizes = (tolerances.EARLY / 2, bound / 2, most / 2, 2 * most)
    found = [judged(FAR, "lme4", off(by))[3, "criterion, start"] for by in sizes]
    assert [(c.verdict, c.diagnosis) for c in found] == [
        (Verdict.WITHIN, Diagnosis.ROUNDING),
        (Verdict.WRONG, Diagnosis.ROUNDING),
        (Verdict.WRONG, Diagnosis.ROUNDING),
        (Verdict.WRONG, Diagnosis.CRITERION),
    ]
    told = ["without centring", "without centring", "as a difference of sums of squares", ""]
    assert all(words in c.evidence for words, c in zip(told, found, strict=True))


@pytest.mark.parametrize("part", [0.003, 0.02, 0.1, 0.5])
@pytest.mark.parametrize("sign", [1, -1])
def test_no_convention_is_read_into_what_rounding_leaves_nothing_of(part: float, sign: int) -> None:
    """SmLs08: rounding moves the criterion by more than the conventions are apart, so that some is always near."""
    bound = uncentred(view_of(LOST), (1.0,)).criterion
    found = judged(LOST, "lme4", off(sign * part * bound))[3, "criterion, start"]
    assert (found.verdict, found.diagnosis) == (Verdict.WRONG, Diagnosis.ROUNDING)


@pytest.mark.parametrize("quantity", ["sigma", "se", "vcov"])
def test_who_has_pwrss_as_a_difference_has_all_that_goes_with_it_so_far_off(quantity: str) -> None:
    """SiRstv: y'y is 1e6 times what is left of it. d log(pwrss) off by D makes sigma off by a part D / 2d of itself.

    By ML, where theta is 0: the curvature there leaves nothing open beside.
    """
    name = "nist/SiRstv-ml"
    view = view_of(name)
    lost = products(view, (0.0,)) / len(view.fit.design.y) * (1 if quantity == "vcov" else 0.5)

    def times(factor: float) -> Callable[[Answer], Answer]:
        def change(said: Answer) -> Answer:
            value = np.array(getattr(said.estimates, quantity)) * factor
            told = float(value) if value.ndim == 0 else tuple(map(tuple, value)) if value.ndim == 2 else tuple(value)
            return replace(said, estimates=replace(said.estimates, **{quantity: told}))

        return change

    assert uncentred(view, (0.0,)).criterion == 0.0
    assert lost > 2 * tolerances.EVALUATION
    near, far = (judged(name, "lme4-tight", times(1 + part * lost))[5, quantity] for part in (0.5, 5.0))
    assert (near.verdict, near.diagnosis) == (Verdict.WITHIN, Diagnosis.ROUNDING)
    assert (far.verdict, far.diagnosis) == (Verdict.WRONG, Diagnosis.UNKNOWN)


@pytest.mark.parametrize(("key", "factor"), [("criterion", 1.0), ("logLik", -0.5)])
def test_a_listing_of_many_digits_may_lose_as_much(key: str, factor: float) -> None:
    """Its criterion alone, printed to the last bit; theta is the optimum's."""
    view = view_of(FAR)
    theta = view.fit.optimum.theta.tolist()
    most = products(view, theta)
    assert uncentred(view, theta).criterion > tolerances.EARLY

    def listed(by: float) -> Callable[[Answer], Answer]:
        figures = {key: repr(factor * (view.fit.criterion + by))}
        return lambda said: replace(said, estimates=None, criterion=(), figures=figures)

    found = [judged(FAR, "lme4", listed(by))[4, key] for by in (tolerances.EARLY / 2, 2 * tolerances.EARLY, 2 * most)]
    assert [(c.verdict, c.diagnosis) for c in found] == [
        (Verdict.WITHIN, Diagnosis.ROUNDING),
        (Verdict.WRONG, Diagnosis.ROUNDING),
        (Verdict.WRONG, Diagnosis.UNKNOWN),
    ]


@pytest.mark.parametrize("quantity", ["beta", "sigma", "b", "fitted"])
def test_what_is_harmless_goes_with_the_unit_of_the_response(quantity: str) -> None:
    """y in other units, by a power of two: so many times as much, as the same two fits have it."""
    data = load("sleepstudy").frame
    views = [generated(case(NEAR).formula, data.assign(Reaction=data["Reaction"] / by)).view for by in (1, 1024)]
    one, other = (
        harmless(SimpleNamespace(view=view), quantity, values(estimates(view.fit))[quantity]) for view in views
    )
    assert other * 1024 == pytest.approx(one, rel=SOLVED)


def test_our_own_paths_are_not_excused() -> None:
    assert judged(FAR, "pls")[3, "criterion, start"].verdict == Verdict.AGREE
    assert judged(FAR, "pls", off(1e-8))[3, "criterion, start"].verdict == Verdict.WRONG


def test_a_loss_by_the_peer_is_not_held_against_us() -> None:
    """b has no certificate: it is held against lme4's tight fit, which has lost digits of it."""
    assert judged(FAR, "pls")[5, "b"].verdict == Verdict.WITHIN
    assert "lme4-tight's criterion" in judged(FAR, "pls")[5, "b"].evidence


def test_no_digit_left_is_wrong_and_rounding_is_the_diagnosis() -> None:
    """SmLs08: a mean of 1e12, lme4 has no digit of sigma_b^2."""
    found = judged("nist/SmLs08-reml", "lme4")
    assert found[5, "varcomp"].digits < 0.5
    for key in ((5, "varcomp"), (4, "criterion at the optimum")):
        assert (found[key].verdict, found[key].diagnosis) == (Verdict.WRONG, Diagnosis.ROUNDING)


@pytest.mark.parametrize("name", [NEAR, "docs/bdf", "penicillin/reml", "cake/reml", "orthodont/reml", "pixel/reml"])
def test_ordinary_data_explain_nothing(name: str) -> None:
    view = view_of(name)
    assert uncentred(view, view.fit.optimum.theta).criterion == 0.0


def test_the_bound_is_that_of_the_derivation() -> None:
    """theta = 0: V = I, g = 1, rho = n eps max|y| / rms(residual)."""
    design = view_of(FAR).fit.design
    rho = len(design.y) * 2.0**-52 * design.y.max() / np.std(design.y)
    found = uncentred(view_of(FAR), (0.0,))
    # The spread is that of a centred response, whose mean is rounded to some eps of it: to rho of the residuals.
    assert found.criterion == pytest.approx(2 * (len(design.y) - 1) * np.log1p(rho), rel=rho)
    assert found.residual == pytest.approx(rho * np.std(design.y), rel=SOLVED, abs=0)


def test_what_follows_from_a_residual_is_bounded_as_derived() -> None:
    """Residuals off by up to what the bound says, drawn and the worst: beta and b by the dense formulas.

    A covariate far from zero makes an intercept a value far outside the data: it moves by far more than a residual.
    """
    frame = load("sleepstudy").frame.assign(day=lambda data: data["Days"] + 16436.0)
    model = generated("Reaction ~ day + (day | Subject)", frame.assign(Reaction=frame["Reaction"] + 1e5))
    view, design = model.view, model.fit.design
    theta = np.array([3000.0, -0.18, 0.01])
    found = uncentred(view, theta.tolist())
    assert found.residual > 0
    Z, L = design.Z.toarray(), Lambda(design.template, theta).toarray()
    V = np.eye(len(design.y)) + Z @ L @ L.T @ Z.T
    to_b = L @ L.T @ Z.T @ np.linalg.inv(V)
    to_beta = np.linalg.solve(design.X.T @ np.linalg.solve(V, design.X), design.X.T @ np.linalg.inv(V))
    to_fitted = design.X @ to_beta + Z @ to_b @ (np.eye(len(V)) - design.X @ to_beta)
    assert np.all(found.residual * np.abs(to_fitted).sum(axis=1) <= found.fitted)
    for operator, bound in ((to_b, found.b), (to_beta, found.beta)):
        worst = found.residual * np.abs(operator).sum(axis=1)
        assert bound.shape == worst.shape
        assert np.all(worst <= bound)
        # The first is an intercept, of a subject or of all; no column of Z or X is smaller there than 1.
        assert worst[0] > 100 * found.residual


def test_a_year_as_covariate_costs_who_does_not_centre_it_as_much_as_the_bound_says() -> None:
    """An intercept and a year: what is off by less than the bound is rounding, of another house; more is not."""
    frame = load("sleepstudy").frame.assign(Days=lambda data: data["Days"] + 2010)
    model = generated("Reaction ~ Days + (1 | Subject)", frame)
    bound = covariates(model.view)
    n = len(frame)
    h = n * np.sum(frame["Days"] ** 2) / (n * np.sum(frame["Days"] ** 2) - np.sum(frame["Days"]) ** 2)
    assert bound == pytest.approx(2 * n * 2.0**-52 * h, rel=1e-6)
    here = tuple(model.fit.theta)
    answers = {name: model.answer(name, here) for name in (*OWN, "lme4")}
    # With what the size of the response costs where X'V^-1 X is so small a part of X'X.
    whole = min(uncentred(model.view, theta).criterion for theta in model.points["start"])
    assert whole >= bound
    for by, allowed in ((bound / 2, True), (3 * whole, False)):
        said = answers["lme4"]
        moved = tuple(CriterionValue(p.theta, p.value + by) for p in said.criterion)
        found = {c.quantity: c for c in model.judged(answers | {"lme4": replace(said, criterion=moved)}, "lme4")}
        assert found["criterion, start"].verdict in ((Verdict.AGREE, Verdict.WITHIN) if allowed else (Verdict.WRONG,))
        ours = replace(answers["pls"], criterion=moved)
        own = {c.quantity: c for c in model.judged(answers | {"pls": ours}, "pls")}
        assert own["criterion, start"].verdict is (Verdict.WRONG if by > 1e-9 else Verdict.AGREE)


def test_a_covariate_near_zero_excuses_nothing() -> None:
    assert covariates(view_of(NEAR)) == 0.0


def test_what_the_other_side_loses_without_centring_is_not_charged_to_us(without_balls: None) -> None:
    """Our criterion is held against lme4's, which rounds where a date is a covariate."""
    random = np.random.default_rng(8)
    frame = pd.DataFrame({"day": 18262.0 + random.integers(0, 30, 60), "g": np.repeat([*"abcdef"], 10)})
    frame["w"] = random.uniform(0.5, 2, 60)
    frame["y"] = random.normal(size=6).repeat(10) + random.normal(size=60)
    made = generated("y ~ day + (1 | g)", frame, weights="w")
    theta = made.fit.optimum.theta.tolist()

    def said(engine: str, moved: float) -> Answer:
        answer = made.answer(engine, theta)
        points = tuple(replace(point, value=point.value + moved) for point in answer.criterion)
        return replace(answer, criterion=points)

    bound = uncentred(made.view, theta).criterion

    def verdicts(ours: float, theirs: float) -> set[Verdict]:
        answers = {"pls": said("pls", ours), "lme4": said("lme4", theirs), "lme4-tight": said("lme4-tight", theirs)}
        return {c.verdict for c in made.judged(answers, "pls") if c.rung == 3}

    assert verdicts(0.0, 0.0) == {Verdict.AGREE}
    assert verdicts(0.0, bound / 100) == {Verdict.WITHIN}
    assert verdicts(0.0, 100 * bound) == {Verdict.WRONG}
    # It is ours that is off.
    assert verdicts(bound / 100, 0.0) == {Verdict.WRONG}


@pytest.mark.parametrize("which", ["lme4", "lme4-tight"])
@pytest.mark.parametrize("quantity", ["b", "fitted"])
def test_what_rounding_does_to_beta_is_not_taken_for_a_search(which: str, quantity: str) -> None:
    """SmLs05 is balanced, so that beta is the grand mean at any theta: lme4's is off by 3.5e-6, 1e-4 of its SE.

    The sums are those of numbers near 1e6. No search of beta is in it, though lme4's criterion is off by about as much
    as such a beta costs.
    """
    found = judged("nist/SmLs05-reml", which)[5, quantity]
    assert (found.verdict, found.diagnosis) == (Verdict.WITHIN, Diagnosis.ROUNDING)
    assert "without centring" in found.evidence


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_a_search_of_beta_shows_itself_by_the_criterion_even_where_rounding_may_move_beta(shift: float) -> None:
    """beta a part of its SE away, and the criterion that of this beta: above by the square of that part."""
    frame = load("sleepstudy").frame
    model = generated("Reaction ~ Days + (1 | Subject)", frame.assign(Reaction=frame["Reaction"] + shift))
    assert (uncentred(model.view, model.fit.theta).criterion > 0) == (shift > 0)
    here = tuple(model.fit.theta)
    for part in (1e-3, 1e-2):
        said = model.answer("lme4", here)
        beta = np.array(said.estimates.beta)
        # The other coefficient follows as its covariance with this one has it.
        V = np.array(said.estimates.vcov)
        beta += part * V[0] / np.sqrt(V[0, 0])
        moved = said.estimates.criterion + part**2
        answers = {name: model.answer(name, here) for name in OWN}
        answers["lme4"] = replace(said, estimates=replace(said.estimates, beta=tuple(beta), criterion=moved))
        found = {c.quantity: c for c in model.judged(answers, "lme4")}
        assert found["beta"].diagnosis is Diagnosis.STOP
        assert found["criterion at its own theta"].diagnosis is Diagnosis.STOP


def test_what_lme4_loses_of_a_response_is_not_charged_to_us_however_little_it_is(without_balls: None) -> None:
    """A response of 200 times its spread: a residual loses less than half of its digits, the criterion some yet."""
    frame = load("sleepstudy").frame
    spread = float(np.std(frame["Reaction"]))
    far = frame.assign(Reaction=frame["Reaction"] + 200 * spread, w=1.0 + np.arange(len(frame)) % 2)
    made = generated("Reaction ~ Days + (1 | Subject)", far, weights="w")
    theta = made.fit.optimum.theta.tolist()
    assert uncentred(made.view, theta).criterion == 0.0
    bound = min(uncentred(made.view, t, least=0.0).criterion for kind in made.points.values() for t in kind)
    assert bound > 10 * tolerances.CRITERION * made.view.size

    def verdicts(ours: float, theirs: float) -> set[Verdict]:
        answers = {}
        for name, by in (("pls", ours), ("lme4", theirs), ("lme4-tight", theirs)):
            said = made.answer(name, theta)
            points = tuple(replace(point, value=point.value + by) for point in said.criterion)
            answers[name] = replace(said, criterion=points)
        return {c.verdict for c in made.judged(answers, "pls") if c.rung == 3}

    assert verdicts(0.0, 0.0) == {Verdict.AGREE}
    assert verdicts(0.0, bound / 2) == {Verdict.WITHIN}
    assert verdicts(0.0, 100 * bound) == {Verdict.WRONG}
    assert verdicts(bound / 2, 0.0) == {Verdict.WRONG}


def test_rounding_beside_a_direction_that_data_do_not_tell_is_no_fault() -> None:
    """Two intercepts for one: no data tell theta. b of another split is right but for what rounding does to it."""
    frame = load("sleepstudy").frame
    shifted = frame.assign(Reaction=frame["Reaction"] + 1e9, twice=frame["Subject"])
    made = generated("Reaction ~ Days + (1 | Subject) + (1 | twice)", shifted)
    whole = float(np.hypot(*made.fit.theta))
    said = made.answer("lme4", (0.8 * whole, 0.6 * whole))
    moved = uncentred(made.view, said.estimates.theta)
    assert moved.residual > 0
    sigma = said.estimates.sigma

    def judged_with(by: float) -> Comparison:
        # By turns up and down, so that no coefficient that was added explains it.
        b = np.array(said.estimates.b) + by * np.where(np.arange(len(said.estimates.b)) % 2, 1, -1)
        changed = replace(said, estimates=replace(said.estimates, b=tuple(b.tolist())))
        answers = {"pls": made.answer("pls", (0.6 * whole, 0.8 * whole)), "lme4": changed}
        answers["gls"] = made.answer("gls", (0.6 * whole, 0.8 * whole))
        (found,) = [c for c in made.judged(answers, "lme4") if c.quantity == "b"]
        return found

    small = min(moved.residual, 0.01 * sigma / np.sqrt(len(frame)))
    assert (judged_with(0.0).verdict, judged_with(0.0).diagnosis) == (Verdict.WITHIN, Diagnosis.UNIDENTIFIED)
    assert (judged_with(small).verdict, judged_with(small).diagnosis) == (Verdict.WITHIN, Diagnosis.UNIDENTIFIED)
    assert judged_with(100 * sigma).verdict is Verdict.WRONG


def test_an_offset_far_from_zero_costs_who_keeps_it_in_the_mean_as_much_as_the_bound_says() -> None:
    frame = load("sleepstudy").frame
    o = 1e7 + 10.0 * np.arange(len(frame))
    far = frame.assign(Reaction=frame["Reaction"] + o, o=o)
    made = generated("Reaction ~ Days + offset(o) + (1 | Subject)", far)
    here = tuple(made.fit.theta)
    bound = uncentred(made.view, here).criterion
    # The residual of least squares is that of the data without the offset: 2 d eps max|y| / rms.
    X = np.column_stack([np.ones(len(frame)), frame["Days"]])
    y = frame["Reaction"].to_numpy(float)
    rms = np.sqrt(np.mean((y - X @ np.linalg.lstsq(X, y, rcond=None)[0]) ** 2))
    assert bound == pytest.approx(2 * (len(y) - 2) * 2.0**-52 * far["Reaction"].max() / rms, rel=1e-6)
    for by, verdict in ((bound / 2, Verdict.WITHIN), (100 * bound, Verdict.WRONG)):
        said = made.answer("lme4", here)
        moved = tuple(CriterionValue(p.theta, p.value + by) for p in said.criterion)
        answers = {"gls": made.answer("gls", here), "lme4": replace(said, criterion=moved)}
        found = {c.quantity: c for c in made.judged(answers, "lme4")}
        assert found["criterion, start"].verdict is verdict


@pytest.mark.parametrize(("times", "verdict"), [(0.5, Verdict.WITHIN), (1e4, Verdict.WRONG)])
def test_what_little_another_loses_far_from_zero_is_within_where_it_is_harmless(times: float, verdict: Verdict) -> None:
    """A mean of 1e4 spreads: sums of n terms lose n eps of it, less than half of the digits, and nobody is harmed."""
    frame = load("sleepstudy").frame
    frame["Reaction"] += 1e4 * float(np.std(frame["Reaction"]))
    made = generated("Reaction ~ Days + (1 | Subject)", frame)
    theta = made.fit.optimum.theta.tolist()
    assert uncentred(made.view, theta).residual == 0.0, "it is less than half of the digits"
    rho = uncentred(made.view, theta, least=0.0).residual
    assert rho >= len(frame) * 2.0**-52 * frame["Reaction"].abs().max()
    said = made.answer("lme4", theta)
    told = inference_of(at_theta(made.fit, np.array(theta)), ())
    off = times * rho * np.where(np.arange(len(frame)) % 2, 1.0, -1.0)
    fitted = tuple(np.array(said.estimates.fitted) + off)
    rows = replace(told.predictions, conditional=fitted[: len(told.predictions.conditional)])
    answers = {name: made.answer(name, theta) for name in OWN}
    answers["lme4"] = replace(
        said, estimates=replace(said.estimates, fitted=fitted), inference=replace(told, predictions=rows)
    )
    found = {c.quantity: c for c in made.judged(answers, "lme4")}
    harm = harmless(SimpleNamespace(view=made.view), "fitted", np.array(said.estimates.fitted))
    assert np.all(np.abs(off) < harm), "neither would harm anybody"
    assert found["conditional prediction"].verdict is verdict
    assert found["fitted"].verdict.breaks == verdict.breaks
