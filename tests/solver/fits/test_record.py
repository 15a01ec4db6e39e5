"""A fit is a record: it can be copied and sent, keeps the rows' labels, tells what was dropped, and prints shortly."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import load
from relmer.solver import Zb, coef, lmer, mmList
from relmer.solver.fits import at_theta
from relmer.solver.fits.fit import Fit

METHODS = ("pls", "qr", "gls")
MODELS = {
    "plain": "Reaction ~ Days",
    "one factor": "Reaction ~ Days + (Days | Subject)",
    "joint": "Reaction ~ log(Days + 1) + (1 | Subject) + (1 | week)",
    "nested": "Reaction ~ Days + (1 | Subject/week)",
}


def labelled() -> pd.DataFrame:
    """sleepstudy in another order, with labels that are no positions, and two rows that miss a value."""
    data = load("sleepstudy").frame.sample(frac=1, random_state=3)
    data = data.assign(week=np.where(data["Days"] < 5, "one", "two")).set_axis([f"r{k}" for k in range(len(data))])
    data.loc[["r7", "r30"], "Days"] = np.nan
    return data


def same(left: Fit, right: Fit) -> None:
    assert repr(left) == repr(right)
    for name in ("theta", "beta", "se", "b"):
        pd.testing.assert_series_equal(getattr(left, name), getattr(right, name))
    for mine, other in ((left.fitted(), right.fitted()), (left.residuals(), right.residuals())):
        pd.testing.assert_series_equal(mine, other)
    for mine, other in ((left.vcov, right.vcov), (left.VarCorr(), right.VarCorr()), (left.X, right.X)):
        pd.testing.assert_frame_equal(mine, other)
    assert (left.V != right.V).nnz == 0
    assert left.criterion == right.criterion


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("model", MODELS)
def test_a_fit_can_be_pickled_and_copied(model: str, method: str) -> None:
    fit = lmer(MODELS[model], labelled(), method=method)
    fresh = pickle.loads(pickle.dumps(fit))
    same(fresh, fit)
    # Once more when everything that is remembered has been asked for.
    np.testing.assert_array_equal(fit.L.toarray(), fresh.L.toarray())
    same(pickle.loads(pickle.dumps(fit)), fit)
    same(copy.deepcopy(fit), fit)
    if fit.theta.size:
        assert at_theta(fresh, fit.theta + 0.1).criterion == at_theta(fit, fit.theta + 0.1).criterion


def test_columns_of_a_copy_are_read_only_too() -> None:
    fit = copy.deepcopy(lmer("Reaction ~ Days + (1 | Subject)", labelled()))
    with pytest.raises(TypeError):
        fit.frame.columns["Days"] = np.zeros(178)


def test_rows_keep_the_labels_of_the_data() -> None:
    data = labelled()
    fit = lmer("Reaction ~ Days + (Days | Subject)", data)
    kept = data.drop(index=["r7", "r30"]).index
    for rows in (fit.X, fit.fitted(), fit.residuals(), Zb(fit), mmList(fit)["Subject"]):
        pd.testing.assert_index_equal(rows.index, kept)
    np.testing.assert_allclose(fit.fitted() + fit.residuals(), data.loc[kept, "Reaction"], rtol=1e-14)
    # A user's own sums by label: what is said of a subject is said of the rows of that subject.
    of = coef(fit)["Subject"].loc[data.loc[kept, "Subject"].astype(str)]
    by_hand = of["(Intercept)"].to_numpy() + of["Days"].to_numpy() * data.loc[kept, "Days"].to_numpy()
    np.testing.assert_allclose(fit.fitted(), by_hand, rtol=1e-12)


@pytest.mark.parametrize("labels", [pd.RangeIndex(5, 185), pd.date_range("2020-01-01", periods=180), [0] * 180])
def test_labels_of_any_kind(labels) -> None:
    fit = lmer("Reaction ~ Days + (1 | Subject)", load("sleepstudy").frame.set_axis(labels))
    assert list(fit.residuals().index) == list(pd.Index(labels))


@pytest.mark.parametrize("columns", [2, 5, 12])
@pytest.mark.parametrize("seed", range(4))
def test_vcov_is_symmetric_to_the_bit(columns: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    data = pd.DataFrame(random.normal(size=(60, columns)) * 10.0 ** random.integers(-3, 3, columns)).add_prefix("x")
    formula = f"y ~ {' + '.join(data)} + (1 | g)"
    data = data.assign(y=random.normal(size=60), g=np.tile(np.arange(6), 10))
    vcov = lmer(formula, data).vcov.to_numpy()
    assert np.array_equal(vcov, vcov.T)


@pytest.mark.parametrize(
    ("fixed", "dropped", "counted"),
    [
        ("Days + I(2 * Days)", ("I(2 * Days)",), "1 column / coefficient"),
        ("Days + I(2 * Days) + I(Days - 1)", ("I(2 * Days)", "I(Days - 1)"), "2 columns / coefficients"),
        ("Days", (), None),
    ],
)
def test_dropped_columns_are_told_in_lme4s_words(fixed: str, dropped: tuple[str, ...], counted: str | None) -> None:
    fit = lmer(f"Reaction ~ {fixed} + (1 | Subject)", load("sleepstudy").frame)
    assert fit.dropped == dropped
    expected = f"fixed-effect model matrix is rank deficient so dropping {counted}"
    assert fit.messages == ((expected,) if counted else ())
    assert (expected in repr(fit)) == bool(counted)


def test_a_fit_prints_in_a_few_lines() -> None:
    fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    text = repr(fit)
    assert text == str(fit)
    assert len(text.splitlines()) < 20 and max(map(len, text.splitlines())) < 80
    for part in ("Reaction ~ Days + (Days | Subject)", "at convergence: 1743.628", "251.41", "24.740", "Residual"):
        assert part in text
    assert "deviance" in repr(lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame, REML=False))
    alone = repr(lmer("Reaction ~ 0 + Days", load("sleepstudy").frame))
    assert "Residual" in alone and "groups:" in alone
