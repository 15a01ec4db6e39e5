"""The systems of the five documents against R itself: lm, model.matrix, KhatriRao, lFormula, VarCorr, coef, lmer."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bounds import DENSE, FLAT, SOLVED
from printed import where_lme4_stopped
from strategies import mixed_data

from relmer.datasets import load
from relmer.solver import (
    Zb,
    Ztlist,
    cluster_covariances,
    coef,
    covariances,
    extended_system,
    gls_table,
    indicators,
    khatri_rao,
    lmer,
    lmm,
    lmm_setup,
    mmList,
    ngrps,
    ols,
    profile_curve,
)
from relmer.solver.fits.given import at_theta

pytestmark = pytest.mark.live

PROLOGUE = """
suppressMessages({library(lme4); library(jsonlite)})
input <- fromJSON(commandArgs(TRUE)[1], simplifyMatrix = FALSE)
data <- input$data
for (name in names(data)) if (is.list(data[[name]]))
  data[[name]] <- factor(data[[name]]$values, levels = data[[name]]$levels, ordered = data[[name]]$ordered)
data <- as.data.frame(data, check.names = FALSE)
plain <- function(M) list(x = I(sprintf("%.17g", as.vector(as.matrix(M)))), rows = nrow(M), columns = colnames(M))
say <- function(value) cat(toJSON(value, digits = I(17), auto_unbox = TRUE, null = "null"))
"""
OLS = """
fit <- lm(as.formula(input$formula), data)
said <- summary(fit)
say(list(table = plain(said$coefficients), names = rownames(said$coefficients), sigma2 = said$sigma^2,
  vcov = plain(vcov(fit, complete = FALSE)), residuals = unname(residuals(fit)), df = fit$df.residual))
"""
BLOCKS = """
say(lapply(input$ref, function(names)
  plain(model.matrix(as.formula(paste("~", paste(names, collapse = ":"), "- 1")), data))))
"""
PRODUCTS = """
say(list(J = plain(t(as(data$f, "sparseMatrix"))),
  Z = plain(t(KhatriRao(as(data$f, "sparseMatrix"), t(cbind(1, data$x)))))))
"""
PARTS = """
fit <- suppressMessages(lmer(as.formula(input$formula), data, REML = input$REML))
terms <- lFormula(as.formula(input$formula), data, REML = input$REML)$reTrms
say(list(theta = I(unname(getME(fit, "theta"))), Zt = lapply(unname(terms$Ztlist), plain),
  X = lapply(unname(getME(fit, "mmList")), plain), G = lapply(unclass(VarCorr(fit)), function(G) plain(unclass(G))),
  coef = lapply(coef(fit), function(table) c(plain(table), list(levels = rownames(table)))),
  levels = lapply(terms$flist, nlevels), Zb = as.vector(getME(fit, "Z") %*% getME(fit, "b")),
  table = plain(summary(fit)$coefficients), RX = plain(getME(fit, "RX")),
  beta = I(unname(getME(fit, "beta"))), u = as.vector(getME(fit, "u")),
  sum_RZX2 = sum(getME(fit, "RZX")^2)))
"""
DOCUMENT_LOOP = """
theta <- unlist(input$theta)
fit <- suppressMessages(lmer(as.formula(input$formula), data))
Lambdat <- getME(fit, "Lambdat"); Lambdat@x <- theta[getME(fit, "Lind")]
Z <- getME(fit, "Z"); group <- getME(fit, "flist")[[1]]
V <- input$sigma^2 * (Z %*% crossprod(Lambdat) %*% t(Z) + Diagonal(nobs(fit)))
cluster <- function(level) plain(V[which(group == level), which(group == level), drop = FALSE])
say(sapply(levels(group), cluster, simplify = FALSE))
"""
LMER = """
fit <- lmer(score ~ Machine + (1 | Worker) + (1 | Worker:Machine), data, REML = FALSE,
  control = lmerControl(optCtrl = list(xtol_abs = 1e-14, ftol_abs = 1e-14, maxeval = 10000)))
deviance_at <- lmer(score ~ Machine + (1 | Worker) + (1 | Worker:Machine), data, REML = FALSE, devFunOnly = TRUE)
sd <- sqrt(unlist(VarCorr(fit)))
say(list(theta = log(c(sigma(fit), unname(sd[c("Worker", "Worker:Machine")]))), beta = unname(fixef(fit)),
  deviance = deviance(fit), at = deviance_at(unlist(input$theta))))
"""
CURVE = """
deviance_at <- lmer(as.formula(input$formula), data, REML = input$REML, devFunOnly = TRUE)
say(sapply(input$thetas, function(theta) deviance_at(unlist(theta))))
"""


def in_R(rscript: str, folder: Path, script: str, data: pd.DataFrame, **arguments: Any) -> Any:
    columns = {
        name: {
            "values": column.astype(object).where(column.notna(), None).tolist(),
            "levels": list(column.cat.categories),
            "ordered": bool(column.cat.ordered),
        }
        if isinstance(column.dtype, pd.CategoricalDtype)
        else column.tolist()
        for name, column in data.items()
    }
    file, program = folder / "input.json", folder / "script.R"
    file.write_text(json.dumps({"data": columns, **arguments}), encoding="utf-8")
    program.write_text(PROLOGUE + script, encoding="utf-8")
    done = subprocess.run(
        [rscript, "--vanilla", str(program), str(file)], capture_output=True, timeout=120, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def matrix(said: dict[str, Any]) -> np.ndarray:
    return np.reshape(np.array(said["x"], dtype=float), (said["rows"], -1), order="F")


def close(value, expected, bound: float = SOLVED) -> None:
    expected = np.asarray(expected)
    np.testing.assert_allclose(value, expected, rtol=0, atol=bound * max(np.abs(expected).max(initial=0.0), 1.0))


def mixture(rows: int = 40) -> pd.DataFrame:
    data = mixed_data(17, rows)
    data["o"] = pd.Categorical(
        data["k"].map({"u": "low", "v": "mid", "w": "high"}), ["low", "mid", "high"], ordered=True
    )
    data["w"] = np.linspace(-1.0, 2.0, rows)
    data["l"] = data["x"] > 0
    return data


@pytest.mark.parametrize(
    "formula", ["y ~ x", "y ~ 0 + f", "y ~ x * f + o", "y ~ x + w + I(x + w) + l", "log(y + 9) ~ f:o"]
)
def test_ols_is_lm(rscript: str, tmp_path: Path, formula: str) -> None:
    data = mixture()
    said, ours = in_R(rscript, tmp_path, OLS, data, formula=formula), ols(formula, data)
    assert list(ours.betas.index) == said["names"]
    close(ours.table.to_numpy()[:, :3], matrix(said["table"])[:, :3])
    np.testing.assert_allclose(ours.p, matrix(said["table"])[:, 3], rtol=SOLVED)
    close(ours.vcov, matrix(said["vcov"]))
    close(ours.residuals, said["residuals"])
    assert (ours.df, pytest.approx(ours.sigma2, rel=SOLVED)) == (said["df"], said["sigma2"])


def test_blocks_are_R_model_matrices(rscript: str, tmp_path: Path) -> None:
    """Factors, numbers, ordered factors, logicals, and their mixtures."""
    ref = [["g"], ["x"], ["o"], ["l"], ["g", "f"], ["f", "g"], ["x", "w"], ["g", "x"], ["x", "g"], ["o", "x"]]
    ref += [
        ["o", "f"],
        ["f", "o"],
        ["x", "o", "f"],
        ["g", "x", "k"],
        ["l", "o"],
        ["l", "x"],
        ["g", "h", "k", "f"],
        ["g", "g"],
    ]
    data = mixture()
    said = in_R(rscript, tmp_path, BLOCKS, data, ref=ref)
    setup = lmm_setup("y ~ x", data, ref)
    first = 0
    for names, theirs, columns in zip(ref, said, setup.blocks, strict=True):
        expected = matrix(theirs)
        assert list(columns) == np.atleast_1d(theirs["columns"]).tolist(), names
        mine = setup.design.Z[:, first : first + len(columns)].toarray()
        close(mine, expected, DENSE)
        first += len(columns)
    assert first == setup.design.Z.shape[1]


def test_lmm_is_lmer_on_machines(rscript: str, tmp_path: Path) -> None:
    """lme4 compares values of its deviance, so that its theta is known to FLAT; at ours that is not higher."""
    data = load("Machines").frame
    fit = lmm("score ~ Machine", data, [["Worker"], ["Worker", "Machine"]])
    relative = np.exp(fit.theta.iloc[[2, 1]] - fit.theta.iloc[0]).tolist()
    said = in_R(rscript, tmp_path, LMER, data, theta=relative)
    np.testing.assert_allclose(fit.theta, said["theta"], rtol=0, atol=FLAT)
    np.testing.assert_allclose(fit.beta, said["beta"], rtol=SOLVED)
    assert said["at"] <= said["deviance"] + DENSE * abs(said["deviance"])
    deviance = 2 * fit.negative_loglik + len(data) * np.log(2 * np.pi)
    assert deviance == pytest.approx(said["at"], rel=DENSE)


def test_indicators_and_khatri_rao_are_Matrix(rscript: str, tmp_path: Path) -> None:
    data = mixture()
    said = in_R(rscript, tmp_path, PRODUCTS, data)
    J, levels = indicators(data["f"])
    assert list(levels) == said["J"]["columns"]
    np.testing.assert_array_equal(J.toarray(), matrix(said["J"]))
    Z = khatri_rao(J.T, np.vstack([np.ones(len(data)), data["x"]])).T
    np.testing.assert_array_equal(Z.toarray(), matrix(said["Z"]))


@pytest.mark.parametrize(
    ("formula", "REML"),
    [
        ("y ~ x + (x | g)", True),
        ("y ~ x + (x || g) + (1 | k)", False),
        ("y ~ f + (1 | g/h)", True),
        ("y ~ 1 + (0 + f | k) + (1 | g)", False),
    ],
)
def test_parts_of_a_fit_are_lme4s(rscript: str, tmp_path: Path, formula: str, REML: bool) -> None:
    data = mixed_data(23, 60)
    said = in_R(rscript, tmp_path, PARTS, data, formula=formula, REML=REML)
    fit = at_theta(lmer(formula, data, REML=REML), np.array(said["theta"], dtype=float))
    for mine, theirs in ((Ztlist(fit), said["Zt"]), (mmList(fit), said["X"])):
        assert len(mine) == len(theirs) > 0
        for ours, expected in zip(mine.values(), theirs, strict=True):
            dense = ours.to_numpy() if isinstance(ours, pd.DataFrame) else ours.toarray()
            np.testing.assert_array_equal(dense, matrix(expected))
    assert list(covariances(fit)) == list(said["G"])
    for group, G in covariances(fit).items():
        assert list(G.columns) == np.atleast_1d(said["G"][group]["columns"]).tolist()
        close(G, matrix(said["G"][group]))
    assert {group: ngrps(fit)[group] for group in said["levels"]} == said["levels"]
    tables = coef(fit)
    assert list(tables) == list(said["coef"])
    for group, table in tables.items():
        expected = said["coef"][group]
        assert list(table.columns) == np.atleast_1d(expected["columns"]).tolist()
        assert list(table.index) == expected["levels"]
        close(table, matrix(expected))
    close(Zb(fit), said["Zb"])
    close(gls_table(fit).table, matrix(said["table"]))
    system = extended_system(fit)
    close(system.RX, matrix(said["RX"]))
    close(system.beta, said["beta"])
    close(system.u, said["u"])
    assert np.sum(system.RZX**2) == pytest.approx(said["sum_RZX2"], rel=SOLVED)


def test_clusters_of_shuffled_rows_with_holes_are_lme4s(rscript: str, tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    bdf = load("bdf").frame[["aritPOST", "aritPRET", "sex", "schoolSES", "schoolNR"]]
    data = bdf.iloc[random.permutation(len(bdf))[:400]].copy()
    data.loc[data.index[:5], "aritPRET"] = np.nan
    formula = "aritPOST ~ aritPRET + sex + schoolSES + (sex | schoolNR)"
    fit = at_theta(lmer(formula, data), where_lme4_stopped("docs/bdf").optimum.theta)
    complete = data.dropna()
    said = in_R(rscript, tmp_path, DOCUMENT_LOOP, complete, formula=formula, theta=fit.theta.tolist(), sigma=fit.sigma)
    blocks = cluster_covariances(fit, data.index).blocks
    assert list(blocks) == list(said)
    for level, block in blocks.items():
        assert list(block.index) == complete.index[complete["schoolNR"] == level].tolist()
        close(block, matrix(said[level]))


@pytest.mark.parametrize("REML", [True, False])
def test_curve_is_lme4s_deviance_function(rscript: str, tmp_path: Path, REML: bool) -> None:
    data = mixed_data(31, 60)
    formula = "y ~ x + (x | g)"
    fit = lmer(formula, data, REML=REML)
    values = [-0.5, 0.0, 0.3, 1.7]
    thetas = [[fit.theta.iloc[0], value, fit.theta.iloc[2]] for value in values]
    said = in_R(rscript, tmp_path, CURVE, data, formula=formula, REML=REML, thetas=thetas)
    np.testing.assert_allclose(profile_curve(fit, "g.x.(Intercept)", values), said, rtol=DENSE)
