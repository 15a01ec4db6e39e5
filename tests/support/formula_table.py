"""A table of formulas by rule: every function with its arguments, every operator, kind of column and form of bar."""

import datetime
import json
from itertools import permutations, product
from typing import Any

import numpy as np
import pandas as pd

NUMERIC = [
    "poly(x, 2)",
    "poly(x, degree = 3)",
    "poly(x, 1)",
    "poly(k, 2, raw = TRUE)",
    "poly(x, degree = 2, raw = T)",
    "poly(x, p, degree = 2)",
    "poly(u, 2, raw = TRUE)",
    "poly(x, day, degree = 2)",
    "scale(l, F)",
    "ifelse(x > 0, day, 0)",
    "ifelse(scale(x) > 0, scale(p), 0)",
    "I(scale(x) > 0)",
    "ifelse(x > 100, x, l)",
    "ifelse(o >= 'low', l, h)",
    "I(f == as.character(e))",
    "poly(x, k, p, degree = 2, raw = TRUE)",
    "poly(k, degree = 2)[, 2]",
    "poly(log(p), 2)",
    "poly(day, 2)",
    "ns(x, 3)",
    "ns(x, df = 4)",
    "ns(x, df = 3, intercept = TRUE)",
    "ns(x, knots = c(0.5, 2))",
    "ns(x, knots = median(x))",
    "ns(x, knots = quantile(x, c(1/3, 2/3)), Boundary.knots = c(-20, 20))",
    "ns(x)",
    "ns(u, df = 3)",
    "bs(x)",
    "bs(x, 4)",
    "bs(x, df = 5)",
    "bs(x, df = 4, degree = 2)",
    "bs(x, knots = c(0, 1), degree = 1)",
    "bs(x, df = 6, intercept = TRUE)",
    "bs(x, knots = 1, Boundary.knots = c(-30, 30))",
    "bs(u, df = 4)",
    "scale(x)",
    "scale(u)",
    "scale(x, center = TRUE, scale = FALSE)",
    "scale(x, scale = FALSE)",
    "scale(x, center = FALSE)",
    "scale(x, FALSE, FALSE)",
    "scale(x, center = 2, scale = 0x10)",
    "scale(x, scale = sd(x))",
    "scale(x)[, 1]",
    "scale(k)[, 1L]",
    "scale(day)",
    "I(x > 0)",
    "I(x >= 1.5)",
    "I(k == 3L)",
    "I(k != 3)",
    'I(f == "a")',
    'I(h != "yes")',
    'I(o < "mid")',
    'I(o >= "mid")',
    'I(f %in% c("a", "b"))',
    "I(k %in% 2:4)",
    "I(x > 0 & p < 5)",
    "I(!(x > 0))",
    "I(!l)",
    "I(l == TRUE)",
    "I((x > 0) * p)",
    "I(u > 0)",
    "ifelse(x > 0, 1, 0)",
    "ifelse(x > 0, x, 0)",
    'ifelse(h == "yes", "on", "off")',
    "ifelse(is.na(u), 0, u)",
    "ifelse(l, TRUE, FALSE)",
    "is.na(u)",
    "I(is.na(u) * 1)",
    "log(p, 2)",
    "log(p, base = 10)",
    "log(p, base = 3)",
    "log(base = 3, p)",
    "I(k %% 3)",
    "I(x %% 0.7)",
    "I(k %/% 2L)",
    "I(x %/% 0.7)",
    "I(-k %% 3L)",
    "pmin(x, p)",
    "pmax(x, 0)",
    "pmin(x, u, na.rm = TRUE)",
    "I(x - mean(x))",
    "I(u - mean(u, na.rm = TRUE))",
    "I((x - mean(x)) / sd(x))",
    "I(x / max(x))",
    "I((x - min(x)) / (max(x) - min(x)))",
    "I(x - median(x))",
    "I(p / sum(p))",
    "I(x / var(x))",
    "sin(x)",
    "cos(2 * pi * x)",
    "sin(2 * pi * k / 12)",
    "tan(x)",
    "atan(x)",
    "expm1(x)",
    "round(x)",
    "round(x, 1)",
    "round(p, digits = 2)",
    "floor(x)",
    "ceiling(x)",
    "trunc(x)",
    "sign(x)",
    "as.numeric(f)",
    "as.numeric(l)",
    "as.numeric(digits)",
    "as.integer(o)",
    "as.integer(x)",
    "as.numeric(scale(x))",
    "as.character(k)",
    "as.character(f)",
    "as.logical(k)",
    "as.numeric(as.character(factor(k)))",
    "day",
    "time",
    "I(day - min(day))",
    'I(day - as.Date("2020-01-01"))',
    "as.numeric(day)",
    "I(as.numeric(day) / 7)",
    "I(as.numeric(time) / 3600)",
    "I(time - min(time))",
    "as.numeric(as.Date(time))",
    'I(day > as.Date("2020-03-01"))',
    "I(x * 1e3)",
    "I(x * 0x1F)",
    "I(k * 2L)",
    "I(x^2L)",
    "I(x * pi)",
    "exp(-x)",
    "I(1 / p)",
]
FACTORS = [
    "l",
    "months(day)",
    "weekdays(day)",
    "quarters(day)",
    "months(day, abbreviate = TRUE)",
    "factor(day)",
    "factor(k)",
    "factor(k, levels = c(4, 3, 2, 1, 0))",
    "factor(k, levels = 4:0)",
    "factor(k, levels = 1:3)",
    'factor(k, labels = c("v", "w", "x", "y", "z"))',
    'factor(k, labels = "k")',
    'factor(f, levels = c("b", "a"))',
    'factor(f, levels = c("b", "a", "c"), labels = c("B", "A", "C"))',
    "factor(k, ordered = TRUE)",
    "factor(o, ordered = FALSE)",
    "factor(x > 0)",
    'factor(l, labels = c("no", "yes"))',
    "factor(round(x))",
    "factor(k %/% 2L)",
    "factor(k * 50000L)",
    "factor(k * 50000)",
    "ordered(k)",
    'ordered(h, levels = c("yes", "no"))',
    "as.ordered(f)",
    "as.factor(h)",
    'relevel(f, ref = "b")',
    'relevel(f, "a")',
    "relevel(f, ref = 2)",
    'relevel(factor(h), ref = "yes")',
    "relevel(factor(k), ref = 3)",
    'relevel(factor(k), ref = "3")',
    "droplevels(f)",
    "droplevels(o)",
    "droplevels(C(e, contr.sum))",
    "factor(C(e, contr.sum))",
    "relevel(C(e, contr.sum), 2)",
    "I(C(e, contr.sum))",
    "C(e, contr.sum)",
    "C(e, sum)",
    'C(e, "contr.sum")',
    "C(e, contr.treatment)",
    "C(e, treatment)",
    'C(e, "contr.treatment")',
    "C(e, contr.treatment, base = 2)",
    "C(e, contr.helmert)",
    "C(e, helmert)",
    "C(e, contr.poly)",
    "C(e, contr.SAS)",
    "C(e, SAS)",
    "C(e)",
    "C(e, contr.helmert, 1)",
    "C(e, contr.sum, how.many = 2)",
    "C(f, contr.sum)",
    "C(factor(k), contr.sum)",
    "C(ordered(k), contr.treatment)",
    "cut(x, 3)",
    "cut(x, breaks = 4)",
    "cut(x, c(-20, 0, 1, 20))",
    "cut(x, breaks = c(-Inf, 0, 2, Inf))",
    "cut(x, c(-Inf, 0, Inf), right = FALSE)",
    'cut(x, c(-Inf, 0, Inf), labels = c("low", "high"))',
    "cut(k, c(0, 2, 4), include.lowest = TRUE)",
    "cut(k, c(0, 2, 4), include.lowest = TRUE, right = FALSE)",
    "cut(x, c(-20, 0.123456, 20), dig.lab = 5)",
    "cut(x, 3, ordered_result = TRUE)",
    "cut(x, 3, labels = FALSE)",
    "cut(x, quantile(x, c(0, 0.25, 0.75, 1)), include.lowest = TRUE)",
    "interaction(f, h)",
    'interaction(f, h, sep = "_")',
    "interaction(f, h, drop = TRUE)",
    "interaction(f, h, lex.order = TRUE)",
    "interaction(h, l, e)",
    "as.factor(l)",
    "as.logical(h2)",
]
BARRED = ['dummy(f, "a")', "dummy(f)", 'dummy(f, c("a", "b"))', "dummy(h)", 'dummy(l, "TRUE")', *FACTORS[:0]]
PLAIN = ["x", "k", "l", "f", "o", "e", "h", "day", "time", "`my column`", "`my factor`"]
GROUPS = ["g", "f", "h", "k", "w", "l", "day", "time", "`my factor`", "o", "id"]
PLACED = [
    "y ~ x * (1 | g)",
    "y ~ x:(1 | g)",
    "y ~ x - (1 | g)",
    "y ~ 1 - (1 | g)",
    "y ~ (1 | g) * x",
    "y ~ (1 | g) / x",
    "y ~ (1 | g) - 1",
    "y ~ (1 | g) - x",
    "y ~ (1 | g) + 0",
    "y ~ (1 | g) - (0 + x | g) - 1",
    "y ~ 0 + (1 | g) * x",
    "y ~ x + (1 | g) * f",
    "y ~ (x + (1 | g))^2",
    "y ~ (x + f + (1 | g))^2",
    "y ~ x %in% (1 | g)",
    "y ~ (1 + (x | g))",
    "y ~ x + f + ((1 | g))",
    "y ~ x + ((1 | g) + f) + (0 + x | g)",
    "y ~ -(1 | g)",
    "y ~ +(1 | g)",
    "y ~ 1 + (1 | g) - 1 + x",
    "y ~ (x + l + f)^2L + (1 | g)",
    "y ~ (x + l + f)^0x2 + (1 | g)",
    "y ~ (x + k + p + f)^3 - x:k + (1 | g)",
    "y ~ x + # a comment\n (1 | g) # and another",
    "y ~ x + # (1 | h) +\n (1 | g)",
    "y ~ TRUE + x + (1 | g)",
    "y ~ (x > 0) + (1 | g)",
    "y ~ (f == 'a') * x + (1 | g)",
    "y ~ x + (x > 0 | g)",
    "y ~ x %% 2 + (1 | g)",
    "l ~ x + (1 | g)",
    "as.numeric(y > 300) ~ x + (1 | g)",
    "scale(y) ~ x + (1 | g)",
    "scale(y)[, 1] ~ x + (1 | g)",
    "log(p, 2) ~ x + (1 | g)",
    "y ~ offset(log(p, base = 2)) + x + (1 | g)",
    "y ~ offset(2 * pi * x) + (1 | g)",
    "y ~ offset(scale(x)[, 1]) + (1 | g)",
]
REFUSED = [
    "y ~ I(f == e) + (1 | g)",
    "y ~ I(o != f) + (1 | g)",
    'y ~ relevel(h, "yes") + (1 | g)',
    "y ~ C(h, contr.sum) + (1 | g)",
    "y ~ C(l, contr.sum) + (1 | g)",
    "y ~ poly(u, 2) + (1 | g)",
    "y ~ poly(l, 3) + (1 | g)",
    "y ~ I(mean(x)) + (1 | g)",
    "y ~ pi * x + (1 | g)",
    "y ~ x > 0 + (1 | g)",
    "y ~ I(x > 0 | p > 0) + (1 | g)",
    "y ~ x^(1 | g)",
    "y ~ (1 | g)^2",
    "y ~ log((1 | g))",
    "y ~ !l + (1 | g)",
    'y ~ relevel(f, "zz") + (1 | g)',
    'y ~ relevel(o, "mid") + (1 | g)',
    "y ~ cut(f, 3) + (1 | g)",
    "y ~ cut(x, c(1, 1, 2)) + (1 | g)",
    "y ~ x + (dummy(f, 'zz') | g)",
    "y ~ log(day) + (1 | g)",
    "y ~ droplevels(h) + (1 | g)",
    "y ~ scale(f) + (1 | g)",
    'y ~ factor(k, labels = c("a", "b")) + (1 | g)',
    "y ~ sin(f) + (1 | g)",
]


def formulas() -> dict[str, None]:
    """The table, without repeats, in order."""
    found = list(PLACED)
    for term in NUMERIC:
        found += [f"y ~ {term} + (1 | g)", f"y ~ f * {term} + (1 | g)", f"y ~ x + (1 + {term} | g)"]
        found += [f"y ~ 0 + {term}:e + (1 | g)", f"y ~ x + (0 + {term} || g)"]
    for term in FACTORS:
        found += [f"y ~ {term} + (1 | g)", f"y ~ x * {term} + (1 | g)", f"y ~ 0 + {term} + (1 | g)"]
        found += [f"y ~ {term}:x + (1 | g)", f"y ~ x + ({term} | g)", f"y ~ e + e:{term} + (1 | g)"]
    for term in BARRED:
        found += [
            f"y ~ {term} + (1 | g)",
            f"y ~ x + (0 + {term} | g)",
            f"y ~ x + ({term} | g)",
            f"y ~ x + ({term} || g)",
        ]
    for first, second in permutations(PLAIN, 2):
        found.append(f"y ~ {first} * {second} + (1 | g)")
    for first, group in product(PLAIN, GROUPS):
        found += [f"y ~ {first} + ({first} | {group})"]
    for first, second in permutations(GROUPS, 2):
        found.append(f"y ~ x + (1 | {first}:{second})")
    for first, second in permutations(GROUPS[:6], 2):
        found.append(f"y ~ x + (x || {first}/{second})")
    return dict.fromkeys(found)


def data() -> pd.DataFrame:
    """Every kind of column, unsorted, with missing values in `u`, `y` and `g`, unused levels and odd names."""
    n = 48
    rng = np.random.default_rng(20240301)
    start = datetime.date(2020, 1, 15)
    o = pd.Categorical(rng.choice(["low", "mid", "high"], n), ["low", "mid", "high", "never"], ordered=True)
    frame = pd.DataFrame(
        {
            "y": rng.normal(300, 50, n),
            "x": rng.normal(1, 2, n),
            "p": rng.uniform(0.1, 9, n),
            "u": rng.normal(size=n),
            "k": rng.integers(0, 5, n),
            "w": rng.choice([100000.0, 0.1, -2.5, 1 / 3], n),
            "l": rng.integers(0, 2, n).astype(bool),
            "f": pd.Categorical(rng.choice(["b", "c", "a"], n), categories=["c", "unused", "a", "b"]),
            "o": o,
            "e": pd.Categorical(rng.choice(["p", "q", "r"], n)),
            "h": rng.choice(["yes", "no"], n),
            "h2": rng.choice(["T", "false", "TRUE"], n),
            "digits": rng.choice(["1", "2.5", "1e3"], n),
            "g": rng.choice(["g10", "g9", "g1", "g2", "g03"], n),
            "id": rng.integers(100, 110, n),
            "day": [start + datetime.timedelta(days=int(d)) for d in rng.integers(0, 100, n)],
            "time": pd.Timestamp("2020-03-28 20:00") + pd.to_timedelta(rng.integers(0, 40, n) * 1800, unit="s"),
            "my column": rng.integers(0, 9, n) / 4,
            "my factor": pd.Categorical(rng.choice(["u", "v"], n)),
        }
    )
    for row, name in [(3, "u"), (10, "u"), (34, "u"), (7, "y"), (21, "g")]:
        frame.loc[row, name] = None
    return frame


def r_column(series: "pd.Series[Any]") -> str:
    """Spell a column as R code."""
    if series.dtype.kind == "M":
        seconds = ", ".join(str(value // 10**9) for value in series.astype("datetime64[ns]").astype("int64"))
        return f'as.POSIXct(c({seconds}), origin = "1970-01-01", tz = "UTC")'

    def spelled(value: Any) -> str:
        if pd.isna(value):
            return "NA"
        if isinstance(value, str):
            return json.dumps(value)
        if isinstance(value, bool | np.bool_):
            return str(bool(value)).upper()
        if isinstance(value, datetime.date):
            return json.dumps(value.isoformat())
        return f"{value}L" if isinstance(value, int | np.integer) else f"{value:.17g}"

    vector = f"c({', '.join(map(spelled, series.tolist()))})"
    if isinstance(series.dtype, pd.CategoricalDtype):
        levels = ", ".join(map(json.dumps, series.cat.categories))
        return f"factor({vector}, levels = c({levels}), ordered = {str(series.cat.ordered).upper()})"
    return f"as.Date({vector})" if isinstance(series.dropna().iloc[0], datetime.date) else vector
