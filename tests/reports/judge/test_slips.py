"""A known slip is named; a missing value has failed; a theta of another length is another model."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from generated import OWN, Generated, generated

from relmer.datasets import load
from relmer.reference.answers import data_seen, each_column, fingerprint, random_columns
from relmer.reference.answers.answer import Answer, CriterionValue, Status
from relmer.reports.judge.printed import figures_elsewhere
from relmer.reports.records import Comparison
from relmer.reports.verdicts import Diagnosis, FigureVerdict, Verdict
from relmer.solver.model.design import random_matrix


@lru_cache
def model(REML: bool = True) -> Generated:
    return generated("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame, REML)


def judged(change: Callable[[Answer], Answer], REML: bool = True) -> dict[tuple[int, str], Comparison]:
    here = tuple(model(REML).fit.optimum.theta.tolist())
    answers = {name: model(REML).answer(name, here) for name in (*OWN, "lme4")}
    answers["lme4"] = change(answers["lme4"])
    return {(c.rung, c.quantity): c for c in model(REML).judged(answers, "lme4")}


def said(**changes: Callable[[Answer], object]) -> Callable[[Answer], Answer]:
    return lambda answer: replace(
        answer, estimates=replace(answer.estimates, **{name: value(answer) for name, value in changes.items()})
    )


def times(name: str, factor: float) -> Callable[[Answer], object]:
    return lambda answer: tuple((np.array(getattr(answer.estimates, name)) * factor).tolist())


N, P = 180, 2
CONVENTIONS = {
    "se": (said(se=times("se", (N / (N - P)) ** 0.5)), False, "sqrt(180/178)"),
    "vcov": (
        said(vcov=lambda a: tuple(map(tuple, (np.array(a.estimates.vcov) / a.estimates.sigma**2).tolist()))),
        True,
        "units of sigma^2",
    ),
    "varcomp": (said(varcomp=lambda a: times("varcomp", a.estimates.sigma**-2)(a)), True, "units of sigma^2"),
    "V_diagonal": (said(V_diagonal=lambda a: times("V_diagonal", a.estimates.sigma**-2)(a)), True, "units of sigma^2"),
    "fitted": (
        said(fitted=lambda a: tuple((load("sleepstudy").frame["Reaction"] - np.array(a.estimates.fitted)).tolist())),
        True,
        "residuals",
    ),
    "sigma": (said(sigma=lambda a: a.estimates.sigma * ((N - P) / N) ** 0.5), True, "divisor 180 for 178"),
    "beta": (
        said(beta=lambda a: tuple(np.float32(a.estimates.beta).astype(float).tolist())),
        True,
        "single precision",
    ),
}


@pytest.mark.parametrize("quantity", CONVENTIONS)
def test_a_convention_is_wrong_and_named(quantity: str) -> None:
    change, REML, told = CONVENTIONS[quantity]
    found = judged(change, REML)[5, quantity]
    assert (found.verdict, found.diagnosis) == (Verdict.WRONG, Diagnosis.CONVENTION)
    assert told in found.evidence


@pytest.mark.parametrize(
    ("told", "of"),
    [
        ("log-likelihood", lambda value: -value / 2),
        ("constant d log(2 pi)", lambda value: value - (N - P) * np.log(2 * np.pi)),
    ],
)
def test_a_criterion_of_another_convention_is_named_on_rungs_3_and_4(told: str, of: Callable) -> None:
    def change(answer: Answer) -> Answer:
        asked = tuple(CriterionValue(p.theta, of(p.value)) for p in answer.criterion)
        moved = replace(answer.estimates, criterion=of(answer.estimates.criterion))
        return replace(answer, criterion=asked, estimates=moved)

    found = judged(change)
    for key in ((3, "criterion, start"), (3, "criterion, random"), (4, "criterion at its own theta")):
        assert (found[key].verdict, found[key].diagnosis) == (Verdict.WRONG, Diagnosis.CONVENTION)
        assert told in found[key].evidence


NOT_A_NUMBER = {
    "a value of the criterion is missing": (
        lambda a: replace(a, criterion=a.criterion[1:]),
        (3, "criterion, start"),
    ),
    "a value of the criterion is not a number": (
        lambda a: replace(
            a, criterion=(*a.criterion[:-2], replace(a.criterion[-2], value=float("nan")), a.criterion[-1])
        ),
        (3, "criterion, random"),
    ),
    "a standard error is missing": (said(se=lambda a: a.estimates.se[:1]), (5, "se")),
    "a coefficient is not a number": (said(beta=lambda a: (a.estimates.beta[0], float("nan"))), (5, "beta")),
    "b is infinite": (said(b=lambda a: (*a.estimates.b[:-1], float("inf"))), (5, "b")),
}


@pytest.mark.parametrize("name", NOT_A_NUMBER)
def test_what_is_missing_or_no_number_has_failed(name: str) -> None:
    change, key = NOT_A_NUMBER[name]
    assert judged(change)[key].verdict == Verdict.FAILED


@pytest.mark.parametrize("theta", [(1.0,), (1.0, 0.2), (1.0, 0.1, 0.2, 0.3), ()])
def test_a_theta_of_another_length_is_another_model_and_ends_nothing(theta: tuple[float, ...]) -> None:
    """An engine leaves out the correlation, the slope or the term: rung 2 says what is missing."""

    def change(answer: Answer) -> Answer:
        names = tuple(answer.model.theta_names[: len(theta)])
        return replace(
            answer,
            criterion=(),
            model=replace(answer.model, theta_names=names),
            estimates=replace(answer.estimates, theta=theta),
        )

    found = judged(change)
    assert (found[2, "theta"].verdict, found[2, "theta"].diagnosis) == (Verdict.WRONG, Diagnosis.MODEL)
    if len(theta) < 3:
        assert "the engine's has no" in found[2, "theta"].evidence
        assert "Subject.Days" in found[2, "theta"].evidence
    assert not any(c.verdict is Verdict.AGREE for (rung, _), c in found.items() if rung > 3)


def test_a_lost_column_is_named() -> None:
    def change(answer: Answer) -> Answer:
        term = replace(answer.model.terms[0], columns=("(Intercept)",))
        return replace(answer, model=replace(answer.model, terms=(term,)))

    assert judged(change)[2, "terms"].evidence == "without Days in Subject"


y = load("sleepstudy").frame["Reaction"].to_numpy()
SLIPS = {
    "reverse order": y[::-1],
    "ascending order": np.sort(y),
    "single precision": y.astype(np.float32).astype(float),
}


@pytest.mark.parametrize("told", SLIPS)
def test_a_slip_of_the_response_is_named(told: str) -> None:
    def change(answer: Answer) -> Answer:
        seen = data_seen(SLIPS[told], {})
        return replace(answer, data=replace(answer.data, response_sha256=seen.response_sha256))

    found = judged(change)[1, "response"]
    assert (found.verdict, found.diagnosis) == (Verdict.WRONG, Diagnosis.DATA)
    assert told in found.evidence


def test_a_slip_of_the_levels_and_of_the_matrices_is_named() -> None:
    design = model().fit.design
    term = design.terms[0]

    def change(answer: Answer) -> Answer:
        reverse = data_seen(design.y, {"Subject": (term.levels[::-1], len(term.levels) - 1 - term.codes)})
        X = fingerprint(design.X[:, ::-1])
        return replace(
            answer,
            data=replace(answer.data, groupings=reverse.groupings),
            model=replace(answer.model, X=X, Z=fingerprint(design.Z.toarray()[::-1])),
        )

    found = judged(change)
    assert "reverse order" in found[1, "levels of Subject"].evidence
    assert "columns of X in reverse order" in found[2, "X"].evidence
    assert "rows of Z in reverse order" in found[2, "Z"].evidence


COLUMN_SLIPS = {
    "about its mean": lambda x: x - x.mean(),
    "in units of its standard deviation": lambda x: (x - x.mean()) / x.std(ddof=1),
    "with the other sign": lambda x: -x,
    "its rows in reverse order": lambda x: x[::-1],
    "times 1000": lambda x: 1000.0 * x,
    "its logarithm": lambda x: np.log(np.where(x > 0, x, 1.0)),
    "0 and 1 exchanged": lambda x: 1 - x,
}


@pytest.mark.parametrize("told", [told for told in COLUMN_SLIPS if "rows" not in told])
def test_a_slip_of_one_column_of_x_is_named_with_the_column(told: str) -> None:
    def change(answer: Answer) -> Answer:
        X = model().fit.design.X.copy()
        X[:, 1] = COLUMN_SLIPS[told](X[:, 1])
        return replace(answer, model=replace(answer.model, X=fingerprint(X, each_column(X))))

    found = judged(change)[2, "X"]
    assert (found.verdict, found.diagnosis) == (Verdict.WRONG, Diagnosis.MODEL)
    assert found.evidence == f"X differs in Days ({told}); the other 1 the same bits"


@pytest.mark.parametrize("told", COLUMN_SLIPS)
def test_a_slip_of_one_column_of_a_term_is_named_with_the_column(told: str) -> None:
    (term,) = model().fit.design.terms

    def change(answer: Answer) -> Answer:
        rows = term.X.copy()
        rows[:, 1] = COLUMN_SLIPS[told](rows[:, 1])
        Z = random_matrix(replace(term, X=rows))
        return replace(answer, model=replace(answer.model, Z=fingerprint(Z, random_columns(answer.model.terms))))

    found = judged(change)[2, "Z"]
    assert found.verdict == Verdict.WRONG
    assert found.evidence == f"Z differs in Days in Subject ({told}); the other 1 the same bits"


def test_columns_in_another_order_or_twice_are_named() -> None:
    here = generated("Reaction ~ Days + I(Days^2) + (1 | Subject)", load("sleepstudy").frame)
    design, theta = here.fit.design, here.fit.optimum.theta.tolist()
    right = here.answer("lme4", theta)
    for order, told in (
        ([0, 2, 1], "the same columns of X in another order: (Intercept), I(Days^2), Days"),
        ([0, 1, 1], "X differs in I(Days^2) (it is column Days); the other 2 the same bits"),
    ):
        changed = design.X[:, order]
        wrong = replace(right, model=replace(right.model, X=fingerprint(changed, each_column(changed))))
        answers = {"gls": here.answer("gls", theta), "lme4": wrong}
        (found,) = [c for c in here.judged(answers, "lme4") if c.quantity == "X"]
        assert (found.verdict, found.evidence) == (Verdict.WRONG, told)


def test_a_column_that_no_slip_explains_is_named_and_so_are_many() -> None:
    def change(answer: Answer) -> Answer:
        X = model().fit.design.X + np.linspace(0, 1e-3, N)[:, None]
        return replace(answer, model=replace(answer.model, X=fingerprint(X, each_column(X))))

    assert judged(change)[2, "X"].evidence == "X differs in (Intercept), Days"


def test_a_figure_of_another_convention_is_rough_and_named() -> None:
    """nlme's ML standard errors are times sqrt(n / (n - p)); what is off by another factor is not reproduced."""
    se = float(model(REML=False).fit.se.iloc[1])
    printed = {"se[Days]": f"{se * (N / (N - P)) ** 0.5:.7f}", "beta[Days]": "10.46728596"}
    here = generated("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame, False, printed)
    found = {f.quantity: f for f in figures_elsewhere(here.case, {}, here.view)}
    assert found["se[Days]"].verdict == FigureVerdict.ROUGH
    assert "sqrt(180/178)" in found["se[Days]"].evidence
    assert found["beta[Days]"].verdict == FigureVerdict.REPRODUCED
    wrong = replace(here.case, published={"se[Days]": f"{se * 1.02:.7f}"})
    assert [f.verdict for f in figures_elsewhere(wrong, {}, here.view)] == [FigureVerdict.WRONG]


def test_a_failed_fit_leaves_what_it_saw_and_built_to_be_judged() -> None:
    def change(answer: Answer) -> Answer:
        return replace(answer, status=Status.FAILED, message="no convergence", criterion=(), estimates=None)

    found = judged(change)
    assert {c.verdict for (rung, _), c in found.items() if rung < 3} == {Verdict.AGREE}
    assert {(rung, c.verdict, c.evidence) for (rung, _), c in found.items() if rung > 2} == {
        (rung, Verdict.FAILED, "no convergence") for rung in (3, 4, 5)
    }


def test_a_criterion_that_an_engine_calls_undefined_is_not_given_and_the_others_count() -> None:
    def change(answer: Answer) -> Answer:
        first, *others = answer.criterion
        return replace(answer, criterion=(replace(first, value=None), *others))

    found = judged(change)
    assert found[3, "criterion, start, undefined"].verdict == Verdict.NOT_GIVEN
    assert (3, "criterion, start") not in found
    assert found[3, "criterion, random"].verdict == Verdict.AGREE


def test_a_theta_that_nobody_can_evaluate_has_failed_and_nothing_follows_from_it() -> None:
    found = judged(said(theta=lambda a: (1e300, 0.0, 1.0)))
    assert found[4, "optimum"].verdict == Verdict.FAILED
    assert not any(c.verdict is Verdict.AGREE for (rung, _), c in found.items() if rung > 3)


def test_where_the_definition_has_not_answered_its_data_and_model_are_still_the_measure() -> None:
    """gls is too large, or has not converged: the others of this project's house, or what gls told, stand in."""
    here = tuple(model().fit.optimum.theta.tolist())
    answers = {name: model().answer(name, here) for name in ("pls", "gls", "lme4")}
    answers["gls"] = replace(answers["gls"], status=Status.FAILED, message="too large", estimates=None, criterion=())
    for heard in (answers, {name: answers[name] for name in ("gls", "lme4")}):
        found = [c for c in model().judged(heard, "lme4") if c.rung < 3]
        assert {c.verdict for c in found} == {Verdict.AGREE}
