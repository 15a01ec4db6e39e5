"""Document 001: least squares by matrices, and V cluster by cluster from rows in any order."""

import numpy as np
import pandas as pd
import pytest
from bounds import DENSE, SOLVED
from definition import generalized
from hypothesis import given, settings
from hypothesis import strategies as st
from printed import assert_printed, where_lme4_stopped
from strategies import mixed_data

from relmer.datasets import load
from relmer.solver import ModelError, cluster_covariances, getV, gls_table, lmer, ols
from relmer.solver.fits.given import at_theta

THETA = np.array([0.8, -0.3, 0.5])


def close(value, expected, bound: float = SOLVED) -> None:
    expected = np.asarray(expected)
    np.testing.assert_allclose(value, expected, rtol=0, atol=bound * np.abs(expected).max())


def test_ols_prints_the_documents_figures() -> None:
    ols1 = ols("mpg ~ wt + am", load("mtcars").frame.set_index("model"))
    assert_printed(ols1.betas, "37.32155131 -5.35281145 -0.02361522")
    assert list(ols1.residuals.index[:6]) == [
        "Mazda RX4",
        "Mazda RX4 Wag",
        "Datsun 710",
        "Hornet 4 Drive",
        "Hornet Sportabout",
        "Valiant",
    ]
    assert_printed(ols1.residuals[:6], "-2.2735701 -0.9086032 -2.0794135 1.2877375 -0.2078799 -0.7008237")
    assert_printed([ols1.sigma2], "9.597231")
    assert_printed(
        ols1.vcov.to_numpy(),
        "9.330816 -2.3417207 -3.6849277 -2.341721 0.6213282 0.8436983 -3.684928 0.8436983 2.3890195",
    )
    assert list(ols1.table.columns) == ["betas", "se", "tstat", "pval"]
    assert list(ols1.table.index) == list(ols1.vcov.index) == ["(Intercept)", "wt", "am"]
    assert_printed(ols1.table["se"], "3.0546385 0.7882438 1.5456453")
    assert_printed(ols1.table["tstat"], "12.21799285 -6.79080719 -0.01527855")
    assert_printed(ols1.table["pval"], "5.843477e-13 1.867415e-07 9.879146e-01")
    assert ols1.df == 29


@given(st.integers(0, 2**32 - 1), st.integers(20, 60))
@settings(max_examples=40, deadline=None)
def test_ols_is_its_definition_whatever_the_order_and_the_holes(seed: int, rows: int) -> None:
    data = mixed_data(seed, rows)
    random = np.random.default_rng(seed)
    data.loc[random.choice(rows, 3, replace=False), "y"] = np.nan
    data.loc[random.choice(rows, 2, replace=False), "x"] = np.nan
    shuffled = data.iloc[random.permutation(rows)]
    kept = shuffled.dropna(subset=["x", "y"])
    X = np.column_stack([np.ones(len(kept)), kept["x"], kept["f"] == "high"])
    y = kept["y"].to_numpy()
    inverse = np.linalg.inv(X.T @ X)
    betas = inverse @ X.T @ y
    sigma2 = np.sum((y - X @ betas) ** 2) / (len(y) - 3)
    said = ols("y ~ x + f", shuffled)
    close(said.betas, betas)
    close(said.residuals, y - X @ betas)
    assert list(said.residuals.index) == list(kept.index)
    close(said.vcov, sigma2 * inverse)
    close(said.t, betas / np.sqrt(sigma2 * np.diag(inverse)))
    assert said.sigma2 == pytest.approx(sigma2, rel=SOLVED, abs=0)


def test_ols_refuses_a_random_term() -> None:
    with pytest.raises(ModelError, match="random term of g; leave it out, or use lmer"):
        ols("y ~ x + (1 | g)", mixed_data(1, 30))


def test_bdf_prints_the_documents_figures() -> None:
    fit = where_lme4_stopped("docs/bdf")
    clusters = cluster_covariances(fit, pd.RangeIndex(1, 2288))
    assert clusters.group == "schoolNR"
    assert len(clusters.blocks) == 131
    second, third = (list(clusters.blocks.values())[k] for k in (1, 2))
    assert list(second.index) == list(second.columns) == list(range(26, 33))
    assert list(third.index) == list(range(33, 38))
    assert_printed(
        second.to_numpy(),
        """24.930147 4.595261 4.595261 5.241602 4.595261 5.241602 4.595261
        4.595261 24.612739 4.924194 4.595261 4.924194 4.595261 4.924194
        4.595261 4.924194 24.612739 4.595261 4.924194 4.595261 4.924194
        5.241602 4.595261 4.595261 24.930147 4.595261 5.241602 4.595261
        4.595261 4.924194 4.924194 4.595261 24.612739 4.595261 4.924194
        5.241602 4.595261 4.595261 5.241602 4.595261 24.930147 4.595261
        4.595261 4.924194 4.924194 4.595261 4.924194 4.595261 24.612739""",
    )
    assert_printed(
        third.to_numpy(),
        """24.612739 4.924194 4.595261 4.595261 4.595261
        4.924194 24.612739 4.595261 4.595261 4.595261
        4.595261 4.595261 24.930147 5.241602 5.241602
        4.595261 4.595261 5.241602 24.930147 5.241602
        4.595261 4.595261 5.241602 5.241602 24.930147""",
    )
    said = gls_table(fit)
    assert_printed(said.gammas, "1.2277854 1.1250565 -0.8269814 0.2660345")
    assert_printed(
        said.vcov.to_numpy(),
        """0.966855981 -0.0083507665 -0.0195023895 -0.0437988235
        -0.008350766 0.0008909363 0.0001694822 -0.0001181135
        -0.019502389 0.0001694822 0.0449218913 -0.0001316506
        -0.043798823 -0.0001181135 -0.0001316506 0.0024375222""",
    )
    assert list(said.table.index) == ["(Intercept)", "aritPRET", "sex1", "schoolSES"]
    assert_printed(said.table["se"], "0.98328835 0.02984856 0.21194785 0.04937127")
    assert_printed(said.table["t"], "1.248652 37.692159 -3.901816 5.388447")


def blocks_by_hand(data: pd.DataFrame, sigma2: float) -> dict[str, pd.DataFrame]:
    """V_i = Z_i G Z_i' + sigma^2 I of y ~ x + (x | g) at THETA, from the rows of each level."""
    T = np.array([[THETA[0], 0.0], [THETA[1], THETA[2]]])
    blocks = {}
    for level, rows in data.dropna(subset=["x", "y", "g"]).groupby("g", observed=True):
        Zi = np.column_stack([np.ones(len(rows)), rows["x"]])
        V = sigma2 * (Zi @ T @ T.T @ Zi.T + np.eye(len(rows)))
        blocks[level] = pd.DataFrame(V, index=rows.index, columns=rows.index)
    return blocks


def moved(data: pd.DataFrame):
    return at_theta(lmer("y ~ x + (x | g)", data), THETA)


@given(st.integers(0, 2**32 - 1), st.integers(24, 60))
@settings(max_examples=30, deadline=None)
def test_clusters_are_found_in_any_order_and_despite_holes(seed: int, rows: int) -> None:
    data = mixed_data(seed, rows)
    data.index = pd.Index([f"row {k}" for k in range(rows)])
    random = np.random.default_rng(seed)
    for column in ("y", "x", "g"):
        data.loc[data.index[random.choice(rows, 2, replace=False)], column] = np.nan
    orders = {"random": data.iloc[random.permutation(rows)], "sorted": data.sort_values("g", kind="stable")}
    tables = {}
    for name, ordered in orders.items():
        fit = moved(ordered)
        clusters = cluster_covariances(fit, ordered.index)
        expected = blocks_by_hand(ordered, fit.sigma**2)
        assert list(clusters.blocks) == list(expected)
        for level, block in expected.items():
            pd.testing.assert_frame_equal(clusters.blocks[level], block, rtol=0, atol=DENSE * block.to_numpy().max())
        labels = ordered.index[fit.frame.rows]
        V = pd.DataFrame(0.0, index=labels, columns=labels)
        for block in expected.values():
            V.loc[block.index, block.columns] = block
        close(clusters.V.toarray(), V, DENSE)
        close(getV(fit).toarray(), V, DENSE)
        beta, vcov = generalized(fit.X.to_numpy(), V.to_numpy(), fit.design.y)
        said = gls_table(fit)
        close(said.gammas, beta)
        close(said.vcov, vcov)
        tables[name] = said.table
    close(tables["random"], tables["sorted"])


def test_nested_factors_give_blocks_of_the_outermost() -> None:
    fit = where_lme4_stopped("docs/star-sample")
    clusters = cluster_covariances(fit)
    assert clusters.group == "sch"
    schools = load("star_sample").frame["sch"].iloc[fit.frame.rows]
    assert {level: len(block) for level, block in clusters.blocks.items()} == {
        level: count for level, count in schools.value_counts().items() if count
    }
    close(clusters.V.toarray(), getV(fit).toarray(), DENSE)


def test_weights_and_offset() -> None:
    data = mixed_data(8, 40)
    random = np.random.default_rng(8)
    weights, offset = random.uniform(0.2, 4.0, 40), random.normal(size=40)
    fit = lmer("y ~ x + (1 | g)", data, weights=weights, offset=offset)
    for level, block in cluster_covariances(fit).blocks.items():
        rows = np.flatnonzero(data["g"] == level)
        assert list(block.index) == list(rows)
        close(block, fit.VarCorr()["vcov"][0] + np.diag(fit.sigma**2 / weights[rows]), DENSE)
    said = gls_table(fit)
    beta, vcov = generalized(fit.X.to_numpy(), getV(fit).toarray(), data["y"].to_numpy() - offset)
    close(said.gammas, beta)
    close(said.vcov, vcov)


def test_clusters_are_refused_where_there_are_none() -> None:
    data = mixed_data(2, 40)
    with pytest.raises(ModelError, match="grouping factors g, k are crossed"):
        cluster_covariances(lmer("y ~ x + (1 | g) + (1 | k)", data))
    with pytest.raises(ModelError, match="no random term"):
        cluster_covariances(lmer("y ~ x", data))
    with pytest.raises(ModelError, match="index has 10 labels, but the fit used row 39"):
        cluster_covariances(lmer("y ~ x + (1 | g)", data), pd.RangeIndex(10))
