"""X, the random terms, names, rows and order, held against `lme4::lFormula` in a running R.

R gets `canonical(formula)`, so that this also shows that R reads the canonical text as the user's text.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from relmer.solver.algebra.rank import full_rank_columns
from relmer.solver.errors import ModelError
from relmer.solver.language.dialect import unread
from relmer.solver.language.formula import canonical, parse
from relmer.solver.language.frame import model_frame
from relmer.solver.language.matrix import fixed_matrix, random_terms

pytestmark = pytest.mark.live

EPS = np.finfo(float).eps

# Indicators, data and products of two of them have one correctly rounded value: they must be equal.
EXACT = [
    "y ~ 1 + (1 | g)",
    "y ~ 0 + (1 | g)",
    "y ~ x + (1 | g)",
    "y ~ x + t + x:t + (x | g)",
    "y ~ f + (1 | g)",
    "y ~ 0 + f + (1 | g)",
    "y ~ f - 1 + (1 | g)",
    "y ~ -1 + x + f + h + (1 | g)",
    "y ~ 0 + x:f + (1 | g)",
    "y ~ f * h + (1 | g)",
    "y ~ f:h + (1 | g)",
    "y ~ f + f:h + (1 | g)",
    "y ~ h + f:h + (1 | g)",
    "y ~ 0 + f:h + (1 | g)",
    "y ~ 0 + h + f:h + (1 | g)",
    "y ~ f:x + (1 | g)",
    "y ~ x + f:x + (1 | g)",
    "y ~ x*f*h + (1 | g)",
    "y ~ x*f*h - x:f:h + (1 | g)",
    "y ~ x*f*h - f + (1 | g)",
    "y ~ f:h:x + h + (1 | g)",
    "y ~ f:h + f:s + h:s + (1 | g)",
    "y ~ f:h:s + f:h + (1 | g)",
    "y ~ h:f + f + (1 | g)",
    "y ~ f/h + (1 | g)",
    "y ~ h/(f + x) + (1 | g)",
    "y ~ f/h/s + (1 | g)",
    "y ~ h %in% f + (1 | g)",
    "y ~ f + h %in% f + (1 | g)",
    "y ~ f * h %in% s + (1 | g)",
    "y ~ (x + f + h)^2 + (1 | g)",
    "y ~ (x + f + h)^3 - x:f:h + (1 | g)",
    "y ~ f^2 + (1 | g)",
    "y ~ x + f - x + (1 | g)",
    "y ~ x - t + (1 | g)",
    "y ~ x - l + (1 | g)",
    "y ~ 1*x + f + (1 | g)",
    "y ~ a + (1 | g)",
    "y ~ a*x + (1 | a)",
    "y ~ s + (1 | g)",
    "y ~ l + (1 | g)",
    "y ~ 0 + l + (1 | g)",
    "y ~ 0 + l:f + (1 | g)",
    "y ~ l*f + (1 | g)",
    "y ~ l:x + (1 | l)",
    "y ~ I(x^2) + (1 | g)",
    "y ~ I(x*2) + I(x*2.0) + I(x/4) + (1 | g)",
    "y ~ I(-x + 1e5) + (1 | g)",
    "y ~ I((x - t) * -2^-1) + (1 | g)",
    "y ~ I(l * 2) + I(l) + I(f) + (1 | g)",
    "y ~ abs(x) + (1 | g)",
    "y ~ factor(t) + (1 | g)",
    "y ~ factor(t)*h + (1 | g)",
    "y ~ factor(v) + as.factor(w) + (1 | g)",
    "y ~ 0 + factor(f) + as.factor(l) + (1 | g)",
    "y ~ `my column` + `my factor` + `my column`:`my factor` + (`my column` | `my factor`:g)",
    "y ~ x + (1 | `my factor`)",
    "I(y * 2) ~ x + (1 | g)",
    "y/4 ~ x + (1 | g)",
    "-y ~ x + (1 | g)",
    "y ~ x | g",
    "y ~ x + 1 | g",
    "y ~ (x + (1 | g))",
    "y ~ (1 | g) + x - 1",
    "y ~ 0 + (1 | g) + f",
    "y ~ x + (x | g)",
    "y ~ x + (0 + x | g)",
    "y ~ x + (-1 + x | g)",
    "y ~ x + (x - 1 | g)",
    "y ~ x + (f | g)",
    "y ~ x + (0 + f | g)",
    "y ~ x + (f:x | g)",
    "y ~ x + (0 + f:x | g)",
    "y ~ x + (x || g)",
    "y ~ x + (f || g)",
    "y ~ x + (0 + x + t || g)",
    "y ~ x + (x * f || g)",
    "y ~ x + (t:x || g)",
    "y ~ x + (x - t || g)",
    "y ~ x + (x || g/h)",
    "y ~ x + (1 | g/h)",
    "y ~ x + (x | g/h/s)",
    "y ~ x + (1 | h/s:f)",
    "y ~ x + (1 | g:h)",
    "y ~ x + (1 | h:g)",
    "y ~ x + (1 | s:f:h)",
    "y ~ x + (1 | s:(f:h))",
    "y ~ x + (1 | (s:f))",
    "y ~ x + (1 | f:f)",
    "y ~ x + (1 | g) + (1 | f)",
    "y ~ x + (1 | f) + (1 | g)",
    "y ~ x + (1 | f) + (0 + x | f)",
    "y ~ x + (1 | h) + (x | g) + (1 | g)",
    "y ~ x + (1 | h) + (1 | f) + (1 | o) + (0 + x | h)",
    "y ~ x + (x || g) + (1 | k)",
    "y ~ x + (1 | k) + (1 | v)",
    "y ~ k + (1 | k)",
    "y ~ x + (k | k)",
    "y ~ x + (1 | v:l)",
    "y ~ x + (1 | l)",
    "y ~ x + (1 | o)",
    "y ~ x + (1 | w)",
    "y ~ t + x + (1 | factor(t))",
    "y ~ t + x + (x | factor(t):g)",
    "y ~ x + t + I(x + t) + (1 | g)",
    "y ~ f + h + f:h + I(x * 0) + (1 | g)",
    "y ~ f:h + h + f + (1 | g)",
    "y ~ l + h + f + l:h:f + (1 | g)",
]
# Each of these goes through an elementary function or a mean, whose last bits are the library's own choice.
ROUNDED = [
    "y ~ o + (1 | g)",
    "y ~ o*x + (1 | g)",
    "y ~ o:f + (1 | g)",
    "y ~ 0 + o + (1 | g)",
    "y ~ 0 + f + o + (1 | g)",
    "y ~ x + (o | g)",
    "y ~ x + (o || g)",
    "y ~ factor(o) + I(o) + (1 | g)",
    "log(p) ~ x + (1 | g)",
    "y ~ log(p) + (log(p) | g)",
    "y ~ log(p + 1) + exp(x) + sqrt(p) + log2(p) + log10(p) + log1p(p) + (1 | g)",
    "y ~ log(x) + (1 | g)",
    "y ~ scale(x) + (scale(x) | g)",
    "y ~ scale(x):f + I(scale(t)^2) + (1 | g)",
    "scale(y) ~ x + (1 | g)",
    "y ~ I(x^3) + I(p^0.5) + (1 | g)",
    "y ~ x*t*p*f + (1 | g)",
    "y ~ I(x * 0.1 + t / 3) + (1 | g)",
]
OFFSETS = [
    "y ~ x + offset(shift) + (1 | g)",
    "y ~ offset(shift) + (1 | g)",
    "y ~ offset(shift * 2) + f + offset(p) + (x | g)",
    "y ~ 0 + offset(x) + x + (1 | g)",
    "y ~ (x + offset(p/4)) + (1 | g) + offset(shift)",
    "y ~ (1 | g) + offset(I(t^2)) - 1",
    "y ~ offset(l + 1) + x - 1 + (1 | g)",
    "y ~ offset(shift) - 1 + f + (1 | g)",
]
WEIGHTED = "y ~ x + f + (x | g)"
# What lme4 1.1-31 stops at, and so do we.
REFUSED = [
    "y ~ only + (1 | g)",
    "y ~ 0 + only + (1 | g)",
    "y ~ x - only + (1 | g)",
    "y ~ x + (only | g)",
    "y ~ x + (1 | log(x))",
    "y ~ x + (1 | empty)",
    "y ~ log(f) + (1 | g)",
    "y ~ 2 + (1 | g)",
    "y ~ (x + f)^1 + (1 | g)",
    "y ~ scale(f) + (1 | g)",
    "f ~ x + (1 | g)",
    "s ~ x + (1 | g)",
    "y ~ absent + (1 | g)",
    "y ~ offset(f) + (1 | g)",
]
# What lme4 reads from 1.1-36 on.
LATER = [
    "y ~ x + (1 | f*h)",
    "y ~ x + (1 | f + h)",
    "y ~ x + (1 | (f/h))",
    "y ~ x + (1 | f/(h/s))",
    "y ~ x + (1 | f:h/s)",
]


def mixed_data() -> pd.DataFrame:
    """Every type, unsorted, with missing values in different rows and with unused levels."""
    n = 60
    rng = np.random.default_rng(20240229)

    def text(*values: str) -> pd.Series:
        return pd.Series(rng.choice(values, n))

    f = pd.Categorical(rng.choice(["b", "c", "a"], n), categories=["c", "unused", "a", "b"])
    o = pd.Categorical(rng.choice(["low", "mid", "high", "top"], n), ["low", "mid", "high", "never", "top"], True)
    data = pd.DataFrame(
        {
            "y": rng.normal(300, 50, n),
            "x": rng.normal(1, 2, n),
            "p": rng.uniform(0.1, 9, n),
            "t": rng.integers(0, 5, n),
            "k": rng.choice([100000, 7, 20, 3], n),
            "v": rng.choice([100000.0, 0.1, 123456.5, -2.0, 1e-5, 1 / 3], n),
            "w": rng.choice([1.0, 10.0, 2.0], n),
            "f": f,
            "o": o,
            "h": text("yes", "no"),
            "a": text("B", "a", "C"),
            "s": text("z", "Z", "m 1"),
            "l": pd.Series(rng.integers(0, 2, n).astype(bool), dtype=object),
            "g": text("g10", "g9", "g1", "g2", "g03"),
            "my column": rng.integers(0, 9, n) / 4,
            "my factor": pd.Categorical(rng.choice(["u", "v"], n)),
            "only": pd.Categorical(["one"] * n),
            "empty": np.full(n, np.nan),
            "weight": rng.uniform(0.5, 2, n),
            "shift": rng.normal(size=n),
        }
    )
    for row, name in enumerate(["y", "x", "f", "o", "s", "l", "g", "weight", "shift", "v"]):
        data.loc[3 * row + 2, name] = None
    return data


def r_vector(series: pd.Series) -> str:
    """Spell a column as R code."""

    def spelled(value: Any) -> str:
        if pd.isna(value):
            return "NA"
        if isinstance(value, str):
            return json.dumps(value)
        if isinstance(value, bool):
            return str(value).upper()
        return f"{value}L" if isinstance(value, int) else f"{value:.17g}"

    vector = f"c({', '.join(map(spelled, series.tolist()))})"
    if isinstance(series.dtype, pd.CategoricalDtype):
        levels = ", ".join(map(json.dumps, series.cat.categories))
        return f"factor({vector}, levels = c({levels}), ordered = {str(series.cat.ordered).upper()})"
    return vector


# R sorts text by ICU's rules even in C.UTF-8; LC_COLLATE=C makes it sort by code point, as data should be.
SCRIPT = """
invisible(Sys.setlocale("LC_COLLATE", "C"))
suppressMessages(library(lme4))
exactly <- function(x) sprintf("%.17g", as.vector(x))
control <- function(rank) lmerControl(
  check.nobs.vs.nRE = "ignore", check.nobs.vs.nlev = "ignore", check.nlev.gtr.1 = "ignore",
  check.rankX = rank, check.scaleX = "ignore")
random <- function(r, i) {
  group <- r$flist[[attr(r$flist, "assign")[i]]]
  codes <- as.integer(group)
  width <- length(r$cnms[[i]])
  Zt <- as.matrix(r$Ztlist[[i]])
  X <- sapply(seq_len(width), function(c) Zt[cbind((codes - 1) * width + c, seq_along(codes))])
  list(group = names(r$cnms)[i], columns = I(r$cnms[[i]]), levels = I(levels(group)),
       codes = I(codes - 1L), X = I(exactly(X)))
}
describe <- function(text, extras = list()) suppressWarnings({
  formula <- as.formula(text)
  m <- do.call(lFormula, c(list(formula, d, control = control("ignore")), extras))
  dropped <- do.call(lFormula, c(list(formula, d, control = control("silent.drop.cols")), extras))
  list(rows = I(as.integer(rownames(m$fr)) - 1L), y = I(exactly(model.response(m$fr))),
       names = I(as.character(colnames(m$X))), X = I(exactly(m$X)),
       kept = I(as.character(colnames(dropped$X))),
       variables = I(all.vars(formula)),
       weights = I(exactly(model.weights(m$fr))), offset = I(exactly(model.offset(m$fr))),
       random = lapply(seq_along(m$reTrms$cnms), function(i) random(m$reTrms, i)))
})
answers <- lapply(formulas, function(text)
  tryCatch(describe(text), error = function(e) list(error = conditionMessage(e))))
weighted <- describe(weighted, list(weights = d$weight, offset = d$shift))
said <- list(answers = answers, weighted = weighted, lme4 = as.character(packageVersion("lme4")))
cat(jsonlite::toJSON(said, auto_unbox = TRUE))
"""


@pytest.fixture(scope="module")
def answers(rscript: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What lme4 makes of every formula, from one run of R."""
    data = mixed_data()
    columns = ",\n".join(f"`{name}` = {r_vector(data[name])}" for name in data)
    texts = [canonical(parse(text)) for text in EXACT + ROUNDED + OFFSETS]
    asked = [*texts, *REFUSED, *LATER]
    script = tmp_path_factory.mktemp("matrix") / "matrix.R"
    lines = [
        f"d <- data.frame({columns}, check.names = FALSE)",
        f"formulas <- c({', '.join(map(json.dumps, asked))})",
        f"weighted <- {json.dumps(WEIGHTED)}",
        SCRIPT,
    ]
    Path(script).write_text("\n".join(lines), encoding="utf-8")
    run = subprocess.run(
        [rscript, "--vanilla", str(script)],
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    return {
        **dict(zip(EXACT + ROUNDED + OFFSETS + REFUSED + LATER, result["answers"], strict=True)),
        "weighted": result["weighted"],
        "lme4": result["lme4"],
    }


def numbers(texts: list[str]) -> np.ndarray:
    return np.array([float(text) for text in texts])


def assert_same(actual: np.ndarray, texts: list[str], rounded: bool) -> None:
    """Compare column by column (R's order); a few roundings of a column's largest value where it says so."""
    expected = numbers(texts).reshape(actual.shape, order="F")
    allowance = 16 * EPS * np.abs(expected).max(axis=0, initial=0) if rounded else 0
    assert np.all(np.abs(actual - expected) <= allowance)


def check(formula_text: str, answer: dict[str, Any], rounded: bool, **extras: Any) -> None:
    assert "error" not in answer, answer
    formula = parse(formula_text)
    frame = model_frame(formula, mixed_data(), **extras)
    X, names = fixed_matrix(frame)
    assert list(formula.columns) == answer["variables"]
    assert frame.rows.tolist() == answer["rows"]
    assert_same(frame.y, answer["y"], rounded)
    assert list(names) == answer["names"]
    assert_same(X, answer["X"], rounded)
    assert [names[j] for j in full_rank_columns(X)] == answer["kept"]
    terms = random_terms(frame)
    assert [term.group for term in terms] == [term["group"] for term in answer["random"]]
    for term, expected in zip(terms, answer["random"], strict=True):
        assert list(term.columns) == expected["columns"]
        assert list(term.levels) == expected["levels"]
        assert term.codes.tolist() == expected["codes"]
        assert_same(term.X, expected["X"], rounded)


@pytest.mark.parametrize("text", EXACT)
def test_exactly_as_lme4(text: str, answers: dict[str, Any]) -> None:
    check(text, answers[text], rounded=False)


@pytest.mark.parametrize("text", ROUNDED)
def test_as_lme4_up_to_rounding(text: str, answers: dict[str, Any]) -> None:
    check(text, answers[text], rounded=True)


def test_weights_and_offset_drop_rows_as_in_lme4(answers: dict[str, Any]) -> None:
    data = mixed_data()
    extras = {"weights": data["weight"], "offset": data["shift"]}
    check(WEIGHTED, answers["weighted"], rounded=False, **extras)
    frame = model_frame(parse(WEIGHTED), data, **extras)
    assert frame.weights is not None and frame.offset is not None
    assert frame.weights.tolist() == numbers(answers["weighted"]["weights"]).tolist()
    assert frame.offset.tolist() == numbers(answers["weighted"]["offset"]).tolist()


@pytest.mark.parametrize("text", OFFSETS)
def test_offsets_in_the_formula_are_those_of_lme4(text: str, answers: dict[str, Any]) -> None:
    check(text, answers[text], rounded=False)
    frame = model_frame(parse(text), mixed_data())
    assert frame.offset is not None
    assert frame.offset.tolist() == numbers(answers[text]["offset"]).tolist()


@pytest.mark.parametrize("text", REFUSED)
def test_refused_as_by_lme4(text: str, answers: dict[str, Any]) -> None:
    assert "error" in answers[text]
    with pytest.raises(ModelError):
        random_terms_and_matrix(text)


@pytest.mark.parametrize("text", LATER)
def test_what_only_a_later_lme4_reads_is_read_and_says_so(text: str, answers: dict[str, Any]) -> None:
    random_terms_and_matrix(text)
    assert bool(unread(parse(text), answers["lme4"])) == ("error" in answers[text])


def random_terms_and_matrix(text: str) -> None:
    frame = model_frame(parse(text), mixed_data())
    fixed_matrix(frame)
    random_terms(frame)
