"""Balanced designs: the degrees of freedom and F of the analysis of variance, whole numbers and rationals."""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from bounds import SOLVED
from hypothesis import HealthCheck, assume, given, settings
from layouts import Case, cases

from relmer.datasets import load
from relmer.solver import Fit, anova_table, coef_table, contest, lmer

# An optimum with a variance this far from zero, over sigma^2, is no boundary case; its Hessian has a condition below
# 1e6, so that degrees of freedom are known to 1e6 times its rounding, 1e-14, of themselves.
INTERIOR, KNOWN = 1e-2, 1e-8
# Layouts whose optimum is not rational are drawn again, and boundary cases where nothing is claimed of them.
REJECTED = [HealthCheck.filter_too_much]


def sizes(data: pd.DataFrame) -> dict[str, int]:
    return {name: data[name].nunique() for name in data if name != "y"}


def fitted(case: Case) -> Fit:
    return lmer(case.formula, case.data)


def is_interior(fit: Fit) -> bool:
    variances = fit.VarCorr().query("var2.isna()")["vcov"].to_numpy()
    correlations = fit.VarCorr().query("var2.notna()")["sdcor"].abs()
    return bool(variances[:-1].min() > INTERIOR * variances[-1] and not (correlations > 0.99).any())


def mean_square(data: pd.DataFrame, formula: Mapping[str, int]) -> Fraction:
    """Mean square of an interaction of factors of a balanced layout, by inclusion and exclusion of means of cells."""
    y = [Fraction(value) for value in data["y"]]
    names = list(formula)
    effect = [Fraction(0)] * len(y)
    for subset in range(2 ** len(names)):
        chosen = [name for k, name in enumerate(names) if subset >> k & 1]
        keys = list(zip(*(data[name] for name in chosen), strict=True)) if chosen else [()] * len(y)
        sums: dict[tuple, list] = {}
        for key, value in zip(keys, y, strict=True):
            sums.setdefault(key, []).append(value)
        sign = (-1) ** (len(names) - len(chosen))
        effect = [old + sign * sum(sums[key]) / len(sums[key]) for old, key in zip(effect, keys, strict=True)]
    df = np.prod([size - 1 for size in formula.values()])
    return sum(value**2 for value in effect) / int(df)


def counted(kind: str, data: pd.DataFrame) -> float:
    """Degrees of freedom of the intercept, or of the last coefficient where that has a stratum of its own."""
    size, n = sizes(data), len(data)
    return float(
        {
            "one-way": lambda: size["g"] - 1,
            "nested": lambda: size["a"] - 1,
            "nested three deep": lambda: size["a"] - 1,
            "blocks": lambda: n - size["g"] - size["f"] + 1,
            "blocks with interaction": lambda: (size["g"] - 1) * (size["f"] - 1),
            "growth": lambda: size["g"] - 1,
            "growth, curved": lambda: n - 2 * size["g"] - 1,
            "slope": lambda: size["g"] - 1,
            "cells": lambda: size["g"] - 1,
        }[kind]()
    )


KINDS = ["one-way", "nested", "nested three deep", "blocks", "blocks with interaction", "growth", "growth, curved"]


@pytest.mark.parametrize("kind", [*KINDS, "slope", "cells"])
def test_a_contrast_within_one_stratum_has_the_degrees_of_freedom_of_that(kind: str) -> None:
    @settings(max_examples=8, deadline=None, suppress_health_check=REJECTED)
    @given(cases([kind]))
    def check(case: Case) -> None:
        fit = fitted(case)
        df = counted(kind, case.data)
        assert df > 0
        assert coef_table(fit, "Kenward-Roger")["df"].iloc[-1] == pytest.approx(df, rel=KNOWN)
        if is_interior(fit):
            assert coef_table(fit)["df"].iloc[-1] == pytest.approx(df, rel=KNOWN)

    check()


@settings(max_examples=15, deadline=None, suppress_health_check=REJECTED)
@given(cases(["split-plot"]))
def test_the_split_plot(case: Case) -> None:
    fit = fitted(case)
    k, w, s = (sizes(case.data)[name] for name in "kws")
    whole = {"k": k, "w": w}
    error = mean_square(case.data, whole)
    assume(error > 0)
    ways = ["Kenward-Roger", *(["Satterthwaite"] if is_interior(fit) else [])]
    left = case.data.assign(u=case.data["k"].astype(str) + case.data["w"].astype(str))
    within = mean_square(case.data, {"k": k, "s": s}) * (k - 1) * (s - 1) + mean_square(
        case.data, {"k": k, "w": w, "s": s}
    ) * (k - 1) * (w - 1) * (s - 1)
    df = w * (k - 1) * (s - 1)
    assert len(left["u"].unique()) == k * w
    expected = {
        "w": (w - 1, (k - 1) * (w - 1), mean_square(case.data, {"w": w}) / error),
        "s": (s - 1, df, mean_square(case.data, {"s": s}) / (within / df)),
        "w:s": ((w - 1) * (s - 1), df, mean_square(case.data, {"w": w, "s": s}) / (within / df)),
    }
    for way in ways:
        for type in ("I", "II", "III"):
            table = anova_table(fit, type, way)
            for name, (ndf, ddf, F) in expected.items():
                assert table.loc[name, "NumDF"] == ndf
                assert table.loc[name, "DenDF"] == pytest.approx(ddf, rel=KNOWN)
                if is_interior(fit):
                    assert table.loc[name, "F value"] == pytest.approx(float(F), rel=KNOWN, abs=SOLVED)


@settings(max_examples=15, deadline=None, suppress_health_check=REJECTED)
@given(cases(["growth", "cells"]))
def test_kenward_and_roger_is_hotelling(case: Case) -> None:
    """Of q coefficients that vary freely between g groups, F is (g - q) / (q (g - 1)) T^2 with q and g - q."""
    fit = fitted(case)
    g, q = sizes(case.data)["g"], len(fit.beta)
    assume(g > q and is_interior(fit))
    found = contest(fit, np.eye(q), ddf="Kenward-Roger").iloc[0]
    T2 = fit.beta @ np.linalg.solve(fit.vcov, fit.beta)
    assert found["DenDF"] == pytest.approx(g - q, rel=KNOWN)
    assert found["F value"] == pytest.approx((g - q) / (q * (g - 1)) * T2, rel=KNOWN)


@settings(max_examples=15, deadline=None, suppress_health_check=REJECTED)
@given(cases(["crossed"]))
def test_the_mean_of_a_crossed_layout_has_satterthwaites_own_formula(case: Case) -> None:
    """var(mean) is (MS_r + MS_k - MS_e) / n, and nu = (sum)^2 / (sum of squares over their degrees of freedom)."""
    fit = fitted(case)
    assume(is_interior(fit))
    size, n = sizes(case.data), len(case.data)
    r, k = size["r"], size["k"]
    MS_r, MS_k = mean_square(case.data, {"r": r}), mean_square(case.data, {"k": k})
    y = [Fraction(value) for value in case.data["y"]]
    mean = sum(y) / n
    df = n - r - k + 1
    MS_e = (sum((value - mean) ** 2 for value in y) - (r - 1) * MS_r - (k - 1) * MS_k) / df
    nu = (MS_r + MS_k - MS_e) ** 2 / (MS_r**2 / (r - 1) + MS_k**2 / (k - 1) + MS_e**2 / df)
    assert coef_table(fit)["df"].iloc[0] == pytest.approx(float(nu), rel=KNOWN)


def test_the_plots_of_text_books() -> None:
    """Machines and oats: whole numbers of degrees of freedom."""
    machines = lmer("score ~ Machine + (1 | Worker/Machine)", load("Machines").frame)
    oats = lmer("yield ~ nitro + Variety + (1 | Block/Variety)", load("Oats").frame)
    for way in ("Satterthwaite", "Kenward-Roger"):
        assert anova_table(machines, ddf=way)["DenDF"].to_numpy() == pytest.approx([10.0], rel=KNOWN)
        assert anova_table(oats, ddf=way)["DenDF"].to_numpy() == pytest.approx([53.0, 10.0], rel=KNOWN)
