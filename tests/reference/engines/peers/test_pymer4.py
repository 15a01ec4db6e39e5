"""pymer4's tables as figures: the columns and rows are those of 0.8.2, the numbers what lme4 prints of sleepstudy."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import case
from relmer.reference.engines import EngineUnsupported, columns_of, peer_names
from relmer.reference.engines.peers.pymer4 import figures_of, pymer4, said_by
from relmer.reference.own_fits import design_of

SLOPES = case("sleepstudy/slopes-reml")
# Bates et al. (2015), section 5: summary(fm1).
FIT = SimpleNamespace(
    logLike=-871.8,
    coefs=pd.DataFrame(
        {"Estimate": [251.405, 10.467], "SE": [6.825, 1.546], "T-stat": [36.84, 6.77]}, index=["(Intercept)", "x2"]
    ),
    ranef_var=pd.DataFrame(
        {"Name": ["(Intercept)", "x2", ""], "Var": [612.09, 35.07, 654.94], "Std": [24.740, 5.922, 25.592]},
        index=["g1", "g1", "Residual"],
    ),
    ranef_corr=pd.DataFrame({"IV1": ["(Intercept)"], "IV2": ["x2"], "Corr": [0.07]}, index=["g1"]),
    warnings=[np.array(["boundary (singular) fit"]), "another"],
)


def test_the_tables_have_the_keys_of_a_listing() -> None:
    design = design_of(SLOPES)
    assert dict(figures_of(FIT, columns_of(design), design)) == {
        "logLik": -871.8,
        "sigma": 25.592,
        "beta[(Intercept)]": 251.405,
        "se[(Intercept)]": 6.825,
        "t[(Intercept)]": 36.84,
        "beta[Days]": 10.467,
        "se[Days]": 1.546,
        "t[Days]": 6.77,
        "var[Subject, (Intercept)]": 612.09,
        "var[Subject, Days]": 35.07,
        "corr[Subject, (Intercept), Days]": 0.07,
    }


def test_what_lme4_said_is_told_as_texts() -> None:
    assert [*said_by(FIT)] == ["boundary (singular) fit", "another"]


def test_a_model_without_random_effects_is_not_asked() -> None:
    with pytest.raises(EngineUnsupported, match="no random effects"):
        pymer4().fit(case("docs/mtcars-ols"))


def test_it_takes_part_where_it_is_named() -> None:
    assert "pymer4" in peer_names()
