"""All 45 names of getME beside lme4's, at lme4's own theta."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from relmer.datasets import load
from relmer.solver import getME, lmer
from relmer.solver.fits import at_theta

pytestmark = pytest.mark.live

SCRIPT = """
suppressMessages(library(lme4))
asked <- jsonlite::fromJSON("asked.json", simplifyVector = FALSE)
plain <- function(x) {
  if (is.data.frame(x) || is.list(x)) lapply(as.list(x), plain)
  else if (is.factor(x)) as.character(x)
  else if (is(x, "Matrix")) unname(as.matrix(x))
  else if (is.matrix(x)) unname(x)
  else I(unname(x))
}
said <- lapply(asked, function(one) {
  data <- read.csv(one$data, stringsAsFactors = TRUE)
  for (f in names(one$factors)) data[[f]] <- factor(data[[f]], levels = unlist(one$factors[[f]]))
  words <- list(as.formula(one$formula), data = quote(data), REML = one$REML)
  if (one$weighted) words$weights <- quote(w)
  fit <- suppressWarnings(suppressMessages(do.call(lmer, words)))
  names <- eval(formals(lme4:::getME.merMod)$name)
  found <- suppressWarnings(lapply(setNames(names, names), function(n) getME(fit, n)))
  L <- Matrix::expand(found$L)
  root <- Matrix::crossprod(L$P, L$L)
  labels <- lapply(found, names)
  values <- found$Lambdat@x
  found$RZX <- root %*% found$RZX
  found$L <- Matrix::tcrossprod(root)
  theta <- found$theta
  found$devfun <- c(found$devfun(theta + 0.1), found$devfun(theta))
  list(found = lapply(found, plain), labels = labels, values = values, cmp = names(found$devcomp$cmp),
       dims = names(found$devcomp$dims))
})
cat(jsonlite::toJSON(said, digits = I(17), auto_unbox = TRUE, na = "string"))
"""
CASES = [
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
    ("sleepstudy", "Reaction ~ Days + offset(Days) + (Days || Subject)"),
    ("Pastes", "strength ~ 1 + (1 | batch/cask)"),
    ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    ("Machines", "score ~ Machine + (Machine | Worker)"),
    ("Oats", "yield ~ nitro * Variety + (nitro | Block) + (1 | Variety:Block)"),
    ("Dyestuff2", "Yield ~ 1 + (1 | Batch)"),
]
# 10 digits of the largest number: at one theta both sum the same terms in doubles.
DIGITS = 1e-10
# lme4's q_i multiplies vectors of other lengths where a factor has several terms.
WRONG_THERE = {"q_i"}


def numbers(value: Any) -> np.ndarray:
    """What is no list, as an array."""
    if isinstance(value, sparse.sparray):
        return value.toarray()
    array = np.asarray(value.to_numpy() if isinstance(value, pd.Series | pd.DataFrame) else value)
    return array if array.dtype == object else array.astype(float)


def check(name: str, ours: Any, theirs: Any) -> None:
    """Hold one against the other, part by part."""
    if isinstance(theirs, dict):
        theirs = list(theirs.values())
        ours = list(ours.values()) if isinstance(ours, dict) else [ours[column] for column in ours]
        assert len(ours) == len(theirs), name
        for own, other in zip(ours, theirs, strict=True):
            check(name, own, other)
    elif np.asarray(theirs).dtype.kind == "U" and not set(np.ravel(theirs)) & {"NA", "Inf", "-Inf", "NaN"}:
        assert [str(each) for each in ours] == [str(each) for each in theirs], name
    else:
        expected = np.array(theirs, dtype=object)
        expected[expected == "NA"] = np.nan
        expected = np.squeeze(expected.astype(float))
        found = np.squeeze(numbers(ours))
        assert found.shape == expected.shape, name
        scale = np.abs(expected[np.isfinite(expected)]).max(initial=0.0) if expected.ndim else abs(expected)
        np.testing.assert_allclose(found, expected, rtol=0, atol=DIGITS * np.nan_to_num(scale, nan=0), err_msg=name)


def test_every_name_is_lme4s(rscript: str, tmp_path: Path) -> None:
    asked = []
    for name, formula in CASES:
        data = load(name).frame
        kinds = {column: data[column].dtype for column in data}
        factors = {name: list(of.categories) for name, of in kinds.items() if isinstance(of, pd.CategoricalDtype)}
        data.assign(w=1 + np.arange(len(data)) % 3).to_csv(tmp_path / f"{name}.csv", index=False, float_format="%.17g")
        for REML, weighted in ((True, False), (False, True)):
            one = {"formula": formula, "REML": REML, "weighted": weighted, "factors": factors}
            asked.append({**one, "data": f"{name}.csv"})
    (tmp_path / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    (tmp_path / "script.R").write_text(SCRIPT, encoding="utf-8")
    words = [rscript, "--vanilla", "script.R"]
    ran = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True)
    for one, said in zip(asked, json.loads(ran.stdout), strict=True):
        data = load(one["data"].removesuffix(".csv")).frame
        data = data.assign(w=1 + np.arange(len(data)) % 3)
        fit = lmer(one["formula"], data, REML=one["REML"], weights=data["w"] if one["weighted"] else None)
        theirs = said["found"]
        fit = at_theta(fit, np.atleast_1d(theirs["theta"]))
        ours = getME(fit, "ALL")
        assert list(ours) == list(theirs) and len(ours) == 45
        root = fit.P.T @ fit.L
        ours |= {"L": root @ root.T, "RZX": root @ ours["RZX"].to_numpy(), "Lind": ours["Lind"] + 1}
        ours["devfun"] = [ours["devfun"](fit.theta + 0.1), ours["devfun"](fit.theta)]
        ours["mmList"] = {name: frame.to_numpy() for name, frame in ours["mmList"].items()}
        # Above a diagonal of 0 lme4 has 0 times infinity.
        theirs["ST"] = {key: [row[: i + 1] for i, row in enumerate(T)] for key, T in theirs["ST"].items()}
        theirs["ST"] = {key: [x for row in T for x in row] for key, T in theirs["ST"].items()}
        ours["ST"] = {key: T[np.tril_indices(len(T))] for key, T in ours["ST"].items()}
        for name in theirs:
            if name in WRONG_THERE and theirs["n_rtrms"] != theirs["n_rfacs"]:
                # What it should be follows from where the effects of each term end.
                assert ours[name].tolist() == np.diff(np.atleast_1d(theirs["Gp"])).tolist()
            else:
                check(name, ours[name], theirs[name])
        for name in ("theta", "fixef", "lower", "Ztlist"):
            labels = list(ours[name].index if isinstance(ours[name], pd.Series) else ours[name])
            if name in ("theta", "fixef", "lower"):
                assert labels == np.atleast_1d(said["labels"][name]).tolist(), name
        assert list(ours["devcomp"]["cmp"].index) == said["cmp"]
        assert list(ours["devcomp"]["dims"].index) == said["dims"]
        np.testing.assert_allclose(ours["Lambdat"].data, np.atleast_1d(said["values"]))
        np.testing.assert_array_equal(ours["Lambdat"].data, fit.optimum.theta[getME(fit, "Lind")])
