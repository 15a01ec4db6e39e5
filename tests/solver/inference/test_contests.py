"""Contrasts: what must not matter does not, what is not defined is refused in one line, what is open is named."""

import numpy as np
import pandas as pd
import pytest
from bounds import SOLVED
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from relmer.datasets import load
from relmer.solver import ModelError, anova_table, coef_table, contest, lmer
from relmer.solver.fits import at_theta
from relmer.solver.inference.kenward_roger import scaled
from relmer.solver.inference.satterthwaite import joined

SLEEP = "Reaction ~ Days + (Days | Subject)"
WAYS = ("Satterthwaite", "Kenward-Roger")
# A covariate's unit moves X by the rounding of its doubles, and the optimum by that times the condition of the Hessian.
MOVED = 1e-8


@pytest.fixture(scope="module")
def sleepstudy() -> pd.DataFrame:
    return load("sleepstudy").frame


@settings(max_examples=16, deadline=None)
@given(
    st.sampled_from([1e-9, 1e-3, 7.0, 1e6]),
    st.sampled_from(
        [(1e-6, 0.0), (1e6, 0.0), (0.1, 0.5), (1e5, -3.0), (0.1, 2010.0), (1.0, 2010.0), (1.0, 14610.0), (1e-6, 0.5)]
    ),
)
def test_units_and_origins(unit: float, moved_by: tuple[float, float]) -> None:
    """The optimum is that of the moved covariate, rounded.

    A double of scale * Days + shift is off by eps of itself, which is 1 + |shift| / scale of Days; so is theta, carried
    to the covariate's own origin. Degrees of freedom, t and p know a covariate to that times the condition of the
    Hessian in its own units, here below 4, and p, whose logarithm moves by t^2 / 2 to 700 of t, to 700 times that.
    """
    (scale, shift), data = moved_by, load("sleepstudy").frame
    known = 64 * np.finfo(float).eps * (1 + abs(shift) / scale)
    plain = lmer(SLEEP, data)
    moved = lmer(SLEEP, data.assign(Reaction=data["Reaction"] * unit, Days=data["Days"] * scale + shift))
    l, same = [1.0, 3.0], [1.0, 3.0 * scale + shift]
    for way in WAYS:
        for first, second in ((l, same), ([0.0, 1.0], [0.0, 1.0])):
            a, b = (contest(fit, row, False, way).iloc[0] for fit, row in ((plain, first), (moved, second)))
            np.testing.assert_allclose(a[["df", "t value"]], b[["df", "t value"]], rtol=known * 4)
            np.testing.assert_allclose(a["Pr(>|t|)"], b["Pr(>|t|)"], rtol=known * 4 * 700)
    rows = np.eye(2), np.array([[1.0, shift], [0.0, scale]])
    a, b = (contest(fit, L, ddf="Kenward-Roger").iloc[0] for fit, L in zip((plain, moved), rows, strict=True))
    assert a["DenDF"] == pytest.approx(b["DenDF"], rel=known * 4)
    assert a["F value"] == pytest.approx(b["F value"], rel=known * 4)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1.0, 1e-7, 1e9]))
def test_F_is_that_of_the_space_of_the_rows(seed: int, unit: float) -> None:
    """F and its first degrees of freedom whatever rows span the space; Kenward and Roger's second ones too."""
    fit = lmer("Reaction ~ Days + I(Days^2) + (1 | Subject)", load("sleepstudy").frame)
    L = np.random.default_rng(seed).normal(size=(2, 3))
    mixed = np.array([[unit, 0.0], [unit * 3, 1.0], [0.0, 2.0]]) @ L
    for way in WAYS:
        a, b = contest(fit, L, ddf=way).iloc[0], contest(fit, mixed, ddf=way).iloc[0]
        assert a["NumDF"] == b["NumDF"] == 2
        assert a["F value"] == pytest.approx(b["F value"], rel=MOVED)
        if way == "Kenward-Roger":
            assert a["DenDF"] == pytest.approx(b["DenDF"], rel=MOVED)


def test_one_row_is_t_squared_and_rhs_moves_the_estimate(sleepstudy: pd.DataFrame) -> None:
    fit = lmer(SLEEP, sleepstudy)
    for way in (*WAYS, "residual", "between-within"):
        t = contest(fit, [0, 1], False, way, 10.0).iloc[0]
        F = contest(fit, [0, 1], True, way, 10.0).iloc[0]
        assert F["F value"] == pytest.approx(t["t value"] ** 2, rel=SOLVED)
        assert F["DenDF"] == pytest.approx(t["df"], rel=SOLVED)
        assert F["Pr(>F)"] == pytest.approx(t["Pr(>|t|)"], rel=1e-8)
        assert t["t value"] == pytest.approx((fit.beta["Days"] - 10) / t["Std. Error"], rel=SOLVED)
        assert t["Pr(>|t|)"] == pytest.approx(2 * stats.t.sf(abs(t["t value"]), t["df"]), rel=1e-10)


def test_counted_degrees_of_freedom() -> None:
    """SAS: sleepstudy has 18 subjects and 180 rows; of oats Variety varies within blocks."""
    sleep = lmer(SLEEP, load("sleepstudy").frame)
    assert coef_table(sleep, "residual")["df"].tolist() == [178, 178]
    assert coef_table(sleep, "between-within")["df"].tolist() == [17, 161]
    oats = lmer("yield ~ nitro + Variety + (1 | Block/Variety)", load("Oats").frame)
    assert anova_table(oats, ddf="between-within")["DenDF"].tolist() == [72 - 6 - 3] * 2
    orthodont = lmer("distance ~ age * Sex + (age | Subject)", load("Orthodont").frame)
    assert anova_table(orthodont, ddf="between-within")["DenDF"].tolist() == [108 - 27 - 2, 27 - 2, 108 - 27 - 2]


def test_without_random_effects_it_is_ordinary_least_squares() -> None:
    fit = lmer("mpg ~ wt + am", load("mtcars").frame)
    for way in (*WAYS, "residual"):
        assert coef_table(fit, way)["df"].to_numpy() == pytest.approx([29.0] * 3, rel=SOLVED)
        assert contest(fit, np.eye(3), ddf=way)["DenDF"][0] == pytest.approx(29.0, rel=SOLVED)


def test_covariances_that_no_data_tell_apart_leave_the_degrees_of_freedom(sleepstudy: pd.DataFrame) -> None:
    plain, twice = lmer(SLEEP, sleepstudy), lmer("Reaction ~ Days + (1 | Subject) + (Days | Subject)", sleepstudy)
    assert twice.unidentified
    for way in WAYS:
        np.testing.assert_allclose(coef_table(twice, way), coef_table(plain, way), rtol=MOVED)


@pytest.mark.parametrize(
    ("scale", "shift", "digits"), [(0.1, 2010.0, 10), (1.0, 14610.0, 10), (1e-6, 1.0, 8), (1.0, -1e6, 8)]
)
def test_a_covariate_far_from_zero_has_the_degrees_of_freedom_of_the_analysis_of_variance(
    scale: float, shift: float, digits: int, sleepstudy: pd.DataFrame
) -> None:
    """A year, a day since 1970: of 16 digits, those are left that its distance from zero in spreads leaves."""
    fit = lmer(SLEEP, sleepstudy.assign(Days=sleepstudy["Days"] * scale + shift))
    assert digits <= 16 - np.log10(abs(shift) / (3 * scale))
    for way in WAYS:
        found = contest(fit, [[1.0, 3 * scale + shift], [1.0, shift], [0.0, 1.0]], False, way)["df"]
        np.testing.assert_allclose(found, 17.0, rtol=10.0**-digits)


@pytest.mark.parametrize("shift", [1e10, 1e12])
def test_a_covariate_that_is_too_far_from_zero_is_refused_or_has_six_digits(
    shift: float, sleepstudy: pd.DataFrame
) -> None:
    fit = lmer("Reaction ~ 1 + (Days | Subject)", sleepstudy.assign(Days=sleepstudy["Days"] + shift))
    near = lmer("Reaction ~ 1 + (Days | Subject)", sleepstudy)
    for way in WAYS:
        try:
            found = coef_table(fit, way)["df"].iloc[0]
        except ModelError as error:
            assert "subtract its mean" in str(error)
        else:
            assert found == pytest.approx(coef_table(near, way)["df"].iloc[0], rel=1e-6)


@pytest.mark.parametrize("way", WAYS)
def test_what_the_data_leave_open_is_refused(way: str) -> None:
    """Levels that are fixed and random: their variance is in that of every mean, and the data say nothing of it."""
    random = np.random.default_rng(8)
    f = np.repeat(np.arange(4), 5)
    data = pd.DataFrame({"y": random.normal(size=20), "f": f.astype(str), "x": random.normal(size=20)})
    fit = at_theta(lmer("y ~ x + f + (1 | f)", data), [0.7])
    with pytest.raises(ModelError, match=r"^the variance of a contrast has no known degrees of freedom"):
        coef_table(fit, way)
    # Within the levels all is known.
    assert contest(fit, [0, 1, 0, 0, 0], False, way)["df"].iloc[0] == pytest.approx(15.0, rel=MOVED)


@pytest.mark.parametrize("way", WAYS)
def test_of_what_is_unidentified_the_known_sums_are_enough(way: str) -> None:
    """Of two rows a group, x 0 in one and 1 in the other, 8 pairs know the variance of both: 7 degrees of freedom."""
    random = np.random.default_rng(8)
    g = np.repeat(np.arange(8), 2)
    data = pd.DataFrame({"y": random.normal(size=16) + random.normal(size=8)[g], "g": g, "x": np.tile([0.0, 1.0], 8)})
    fit = lmer("y ~ x + (x | g)", data, control={"check.nobs.vs.nRE": "ignore"})
    assert fit.unidentified
    found = contest(fit, [[1.0, 0.0], [0.0, 1.0], [1.0, 0.5]], False, way)["df"]
    np.testing.assert_allclose(found, 7.0, rtol=MOVED)


def test_a_sum_of_variances_is_enough() -> None:
    """One row in each group: the data know the sum of the variances alone, which is all that a contrast needs."""
    random = np.random.default_rng(5)
    n = 12
    data = pd.DataFrame({"y": random.normal(size=n), "x": random.normal(size=n), "g": np.arange(n)})
    checks = {"check.nobs.vs.nlev": "ignore", "check.nobs.vs.nRE": "ignore"}
    fit = lmer("y ~ x + (1 | g)", data, control=checks)
    for way in WAYS:
        assert coef_table(fit, way)["df"].to_numpy() == pytest.approx([10.0, 10.0], rel=MOVED)


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda fit: coef_table(fit, "kenward"), "ddf 'kenward' is not known; choose one of Satterthwaite, "),
        (lambda fit: contest(fit, [1, 2, 3]), r"L has shape \(1, 3\); it needs 2 columns"),
        (lambda fit: contest(fit, [[1, np.nan]]), "L has an entry that is no finite number"),
        (lambda fit: contest(fit, ["a", "b"]), "L must be numbers"),
        (lambda fit: contest(fit, [1, 0], rhs=[1, 2]), "rhs must be a number, or 1 of them"),
        (lambda fit: contest(fit, [1, 0], rhs="x"), "rhs must be a number"),
        (lambda fit: contest(fit, [[1, 0], [2, 0]], rhs=1), "row 2 of L depends on those before it"),
    ],
)
def test_refusals(ask, why: str, sleepstudy: pd.DataFrame) -> None:
    with pytest.raises(ModelError, match=f"^{why}"):
        ask(lmer(SLEEP, sleepstudy))


def test_what_is_not_defined_is_refused(sleepstudy: pd.DataFrame) -> None:
    with pytest.raises(ModelError, match="for REML: fit the model with REML=True"):
        coef_table(lmer(SLEEP, sleepstudy, REML=False), "Kenward-Roger")
    with pytest.raises(ModelError, match="cs of Subject need not be: take Satterthwaite"):
        coef_table(lmer("Reaction ~ Days + cs(Days | Subject)", sleepstudy), "Kenward-Roger")
    crossed = lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", load("Penicillin").frame)
    with pytest.raises(ModelError, match="grouping factors plate, sample cross"):
        coef_table(crossed, "between-within")


def test_rows_of_zeros_are_no_hypothesis(sleepstudy: pd.DataFrame) -> None:
    for way in WAYS:
        assert contest(lmer(SLEEP, sleepstudy), [[0, 0]], ddf=way).iloc[0].isna().all()


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 6), st.floats(2.0, 1e6))
def test_moments_of_F_meet_the_exact_cases(q: int, nu: float) -> None:
    """The analysis of variance: A_1 = 2 q^2 / nu, A_2 = 2 q / nu; Hotelling: A_1 = 2 q / m, A_2 = q (q + 1) / m."""
    found = scaled(q, 2 * q * q / nu, 2 * q / nu)
    assert found == (pytest.approx(nu, rel=1e-9), pytest.approx(1.0, rel=1e-9))
    m = nu + q - 1
    found = scaled(q, 2 * q / m, q * (q + 1) / m)
    assert found == (pytest.approx(nu, rel=1e-9), pytest.approx(nu / m, rel=1e-9))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(2.5, 500.0), min_size=2, max_size=5))
def test_joined_degrees_of_freedom_give_the_expectation(nu: list[float]) -> None:
    """An F with them has the mean of the t^2."""
    found = joined(np.array(nu))
    assert found / (found - 2) == pytest.approx(np.mean([each / (each - 2) for each in nu]), rel=1e-6)


def test_a_table_names_the_boundary(sleepstudy: pd.DataFrame) -> None:
    """A variance of zero, at an optimum and at a given theta; of an interior fit there is nothing to name."""
    noise = sleepstudy.assign(
        Reaction=sleepstudy["Reaction"] - sleepstudy.groupby("Subject")["Reaction"].transform("mean")
    )
    fit, interior = lmer("Reaction ~ Days + (1 | Subject)", noise), lmer(SLEEP, sleepstudy)
    assert fit.singular
    for way in (*WAYS, "residual"):
        for table in (coef_table, anova_table):
            assert table(fit, ddf=way).attrs["boundary"] == ("Subject",)
            assert table(at_theta(interior, [1.0, 0.5, 0.0]), ddf=way).attrs["boundary"] == ("Subject",)
            assert table(interior, ddf=way).attrs["boundary"] == ()
        assert contest(fit, [[0, 1]], ddf=way).attrs["boundary"] == ("Subject",)


@pytest.mark.parametrize("noise", [1e-3, 1e-5, 1e-6, 1e-9])
def test_variances_beside_which_the_residual_is_small_have_six_digits_or_are_refused(noise: float) -> None:
    """Balanced growth: 7 degrees of freedom, however small the residual is."""
    random = np.random.default_rng(1)
    g, x = np.repeat(np.arange(8), 5), np.tile(np.arange(5.0), 8)
    y = 10 * random.normal(size=8)[g] + random.normal(size=8)[g] * x + noise * random.normal(size=40)
    fit = lmer("y ~ x + (x | g)", pd.DataFrame({"y": y, "x": x, "g": g}))
    for way in WAYS:
        if noise < 1e-3:
            with pytest.raises(ModelError, match=r"^the variances of the random effects are so large .* take residual"):
                coef_table(fit, way)
        else:
            np.testing.assert_allclose(coef_table(fit, way)["df"], 7.0, rtol=1e-6)
    assert coef_table(fit, "residual")["df"].tolist() == [38.0, 38.0]


@pytest.mark.parametrize("effects", ["Days + twice", "twice + Days", "0 + twice + Days"])
def test_redundant_columns_of_a_term_leave_the_degrees_of_freedom(effects: str, sleepstudy: pd.DataFrame) -> None:
    fit = lmer(f"Reaction ~ Days + ({effects} | Subject)", sleepstudy.assign(twice=2 * sleepstudy["Days"] + 1))
    for way in WAYS:
        np.testing.assert_allclose(coef_table(fit, way)["df"], 17.0, rtol=MOVED)
