"""Where the data do not tell G apart, V, beta and the criterion are compared; zero is zero in units of sigma^2."""

import numpy as np
import pytest
from generated import OWN, Generated, generated

from relmer.datasets import load
from relmer.reports.records import Comparison
from relmer.reports.verdicts import Diagnosis, Verdict

# Each with two theta of one and the same V: a variance moves from one term to another that the data cannot tell apart.
HARMLESS = {Verdict.AGREE, Verdict.WITHIN}


def two_intercepts() -> tuple[Generated, tuple[float, ...], tuple[float, ...]]:
    """(1 | Subject) beside (Days | Subject): only the sum of the two variances of an intercept is in V."""
    model = generated(
        "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject) + (1 | Subject)", load("sleepstudy").frame
    )
    total = float(np.sum(model.fit.theta.to_numpy()[[0, 2]] ** 2))
    slope = float(model.fit.theta.iloc[1])
    first, second = (np.sqrt(total * part) for part in (0.2, 0.7))
    return model, (first, slope, np.sqrt(total - first**2)), (second, slope, np.sqrt(total - second**2))


def constant_factor() -> tuple[Generated, tuple[float, ...], tuple[float, ...]]:
    """(0 + Source | Lot), Source constant within a lot: no datum has both columns, the covariance is open."""
    model = generated("Thickness ~ Source + (0 + Source | Lot)", load("Oxide").frame)
    T = np.array(model.fit.theta)
    one, covariance, other = T[0], T[1], T[2]
    size = np.hypot(covariance, other)
    return model, (one, 0.0, size), (one, size * 0.6, size * 0.8)


def converted_unit() -> tuple[Generated, tuple[float, ...], tuple[float, ...]]:
    """(age + months | Subject), months = 12 age: a slope is the sum of both, in any shares."""
    frame = load("Orthodont").frame
    model = generated("distance ~ age + (age + months | Subject)", frame.assign(months=12 * frame["age"]))
    intercept, covariance, slope = np.array(model.fit.theta)[[0, 1, 3]]
    thetas = [
        (intercept, s * covariance, (1 - s) / 12 * covariance, s * slope, (1 - s) / 12 * slope, 0.0) for s in (1.0, 0.3)
    ]
    return model, thetas[0], thetas[1]


MODELS = {
    "two intercepts of one factor": two_intercepts,
    "a factor that is constant in its group": constant_factor,
    "a unit beside its converted unit": converted_unit,
}


def by_quantity(found: list[Comparison]) -> dict[str, Comparison]:
    return {c.quantity: c for c in found if c.rung == 5 and c.kind != "published"}


def answers(model: Generated, ours: tuple[float, ...], theirs: tuple[float, ...], **changes: object) -> dict:
    return {name: model.answer(name, ours) for name in OWN} | {"lme4": model.answer("lme4", theirs, **changes)}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("which", ["lme4", "pls", "gls"])
def test_two_theta_of_one_V_differ_harmlessly_and_what_is_open_is_named(name: str, which: str) -> None:
    model, ours, theirs = MODELS[name]()
    found = by_quantity(model.judged(answers(model, ours, theirs), which))
    assert {c.verdict for c in found.values()} <= HARMLESS
    for quantity in ("theta", "varcomp"):
        c = found[quantity]
        assert (c.verdict, c.diagnosis) == (Verdict.WITHIN, Diagnosis.UNIDENTIFIED)
        assert "so is V" in c.evidence
        assert "the data do not determine" in c.evidence
    for quantity in ("beta", "sigma", "se", "vcov", "fitted", "V_diagonal", "V_rowsum"):
        assert found[quantity].verdict == Verdict.AGREE, quantity


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("quantity", ["varcomp", "V_diagonal", "V_rowsum", "b", "se", "fitted"])
def test_a_fault_is_not_taken_for_what_is_open(name: str, quantity: str) -> None:
    """The answer stands at another theta of the same V, and says something else than that theta gives."""
    model, ours, theirs = MODELS[name]()
    said = model.answer("lme4", theirs).estimates
    values = np.array(getattr(said, quantity))
    values[np.argmax(np.abs(values))] *= 1 + 1e-4
    heard = answers(model, ours, theirs, **{quantity: tuple(values.tolist())})
    assert by_quantity(model.judged(heard, "lme4"))[quantity].verdict == Verdict.WRONG


@pytest.mark.parametrize("tiny", [1e-19, 1e-12, 1e-10])
def test_a_variance_that_no_digit_of_V_shows_is_zero(tiny: float) -> None:
    """0 against tiny, of theta, the variance and b, in any unit of the response and of the covariate."""
    for unit in (1e-6, 1.0, 1e6):
        frame = load("sleepstudy").frame
        rng = np.random.default_rng(0)
        # Nothing is left of a slope within any subject.
        noise, days = rng.normal(size=(18, 10)), np.arange(10.0)
        noise -= np.outer(noise @ days / (days @ days), days)
        frame["Reaction"] = unit * noise.ravel()
        frame["Days"] = frame["Days"] / unit
        model = generated("Reaction ~ 1 + (0 + Days | Subject)", frame)
        assert model.fit.theta.iloc[0] == 0
        reach = 1 / float(frame["Days"].max())
        said = model.answer("lme4", (0.0,)).estimates
        sigma = said.sigma
        theirs = {
            "varcomp": (tiny * sigma**2 * reach**2,),
            "b": tuple((tiny * sigma * reach * rng.choice([-1, 1], len(said.b))).tolist()),
        }
        heard = answers(model, (0.0,), (tiny * reach,), **theirs)
        for which in ("lme4", "pls"):
            found = by_quantity(model.judged(heard, which))
            assert {found[quantity].verdict for quantity in ("theta", "varcomp", "b")} == {Verdict.AGREE}, (unit, which)


def test_a_small_part_of_a_variance_that_V_shows_is_not_zero() -> None:
    model = generated("Reaction ~ Days + (1 | Subject)", load("sleepstudy").frame)
    here = tuple(model.fit.theta)
    said = model.answer("lme4", here).estimates
    heard = answers(model, here, here, varcomp=(said.varcomp[0] + 1e-5 * said.sigma**2,))
    assert by_quantity(model.judged(heard, "lme4"))["varcomp"].verdict == Verdict.WRONG


@pytest.mark.parametrize(
    ("formula", "first", "second"),
    [
        ("Thickness ~ Lot + (1 | Lot)", (0.0,), (2.5,)),
        ("Thickness ~ Lot + (1 | Lot) + (1 | Lot:Wafer)", (0.0, 0.7), (1.5, 0.7)),
    ],
)
def test_what_REML_leaves_open_is_no_fault(formula: str, first: tuple[float, ...], second: tuple[float, ...]) -> None:
    """The factor is in X too: its variance is in V, and the criterion is the same at every value of it."""
    frame = load("Oxide").frame
    model = generated(formula, frame)
    theta = dict(zip(model.fit.theta.index, model.fit.theta, strict=True))
    best = [theta[name] for name in model.fit.theta.index]
    lot = list(model.fit.theta.index).index("Lot.(Intercept)")

    def at(value: float) -> tuple[float, ...]:
        return tuple(value if k == lot else entry for k, entry in enumerate(best))

    heard = answers(model, at(max(first)), at(max(second)))
    for which in ("lme4", "pls", "qr", "gls"):
        found = by_quantity(model.judged(heard, which))
        assert {c.verdict for c in found.values()} <= HARMLESS, which
        assert found["sigma"].verdict == Verdict.AGREE
