"""A fit that is updated is the fit that `lmer` makes of what is asked; principal components are those of G."""

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import load
from relmer.solver import ModelError, lmer, refit, refitML, rePCA, update


def test_what_is_not_given_stays() -> None:
    data = load("sleepstudy").frame
    data = data.assign(w=1.0 + np.arange(len(data)) % 3)
    fit = lmer("Reaction ~ Days + (Days | Subject)", data, weights="w", REML=False, subset="Days > 1")
    found = update(fit, ". ~ . - Days")
    other = lmer("Reaction ~ 1 + (Days | Subject)", data, weights="w", REML=False, subset="Days > 1")
    assert (found.criterion, found.nobs(), found.REML) == (other.criterion, other.nobs(), False)
    assert update(found, REML=True, subset=None).nobs() == len(data)
    less = update(fit, data=data[data["Subject"] != "308"])
    assert less.getME("l_i")["Subject"] == 17
    assert fit.update("~ . + offset(w)").formula == "Reaction ~ Days + offset(w) + (Days | Subject)"


def test_what_cannot_be_updated_is_told_in_a_line() -> None:
    fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    for asked in (
        lambda: update(fit, ". ~ . - (1 | Subject)"),
        lambda: update(fit, ". ~ . + Weeks"),
        lambda: update(fit, optimizer="bobyqa"),
        lambda: update(refit(fit, fit.design.y + 1), ". ~ . - Days"),
    ):
        with pytest.raises(ModelError) as told:
            asked()
        assert "\n" not in str(told.value)


def test_ml_of_reml_is_ml() -> None:
    data = load("Pastes").frame
    asked = lmer("strength ~ 1 + (1 | batch/cask)", data, REML=False)
    found = refitML(lmer("strength ~ 1 + (1 | batch/cask)", data))
    # A criterion is known to a few units in its last place.
    assert found.criterion == pytest.approx(asked.criterion, rel=1e-12)
    assert refitML(asked) is asked


def test_principal_components_are_those_of_the_covariance() -> None:
    fit = lmer("score ~ Machine + (0 + Machine | Worker)", load("Machines").frame)
    found = rePCA(fit)["Worker"]
    values, vectors = np.linalg.eigh(fit.G.toarray()[:3, :3] / fit.sigma**2)
    # Eigenvalues of a matrix of three columns, the least 1e-2 of the largest.
    np.testing.assert_allclose(found.sdev**2, values[::-1], rtol=1e-10)
    np.testing.assert_allclose(np.abs(found.rotation), np.abs(vectors[:, ::-1]), atol=1e-10)
    assert found.proportion.sum() == pytest.approx(1.0)
    flat = rePCA(lmer("Yield ~ 1 + (1 | Batch)", load("Dyestuff2").frame))["Batch"]
    assert flat.sdev.tolist() == [0.0] and pd.isna(flat.proportion.iloc[0])
