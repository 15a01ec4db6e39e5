"""Designs by rule: one ordinary kind, and every kind that is known to trouble a solver or a judge.

A rule makes a design out of its number and a generator of random numbers; odd numbers are ML, even ones REML.
"""

from collections.abc import Callable, Mapping
from zlib import crc32

import numpy as np
import pandas as pd

from relmer.reports.laws import Problem

Made = tuple[str, pd.DataFrame, str]
"""Formula, data, and the column of weights, if any."""


def levels(codes: np.ndarray, prefix: str = "g") -> "pd.Categorical[str]":
    """Labels for codes."""
    return pd.Categorical([f"{prefix}{code}" for code in codes])


def noise(random: np.random.Generator, n: int, size: float = 1.0) -> np.ndarray:
    """Noise with three decimals in its own unit."""
    return np.asarray(size * random.normal(size=n).round(3))


def ordinary(number: int, random: np.random.Generator) -> Made:
    """What is fitted every day: 8 to 30 groups of 3 to 12 rows, a slope, groups that vary as much as rows or less."""
    groups = int(random.integers(8, 31))
    g = np.repeat(np.arange(groups), random.integers(3, 13, groups))
    x = noise(random, len(g))
    size = random.uniform(0.2, 1.5, 2).round(2)
    b, s = size[0] * noise(random, groups), size[1] * noise(random, groups)
    bar = random.choice(["(1 | g)", "(x | g)", "(x || g)"])
    y = 1 + x / 2 + b[g] + (0 if bar == "(1 | g)" else s[g] * x) + noise(random, len(g))
    return f"y ~ x + {bar}", pd.DataFrame({"y": y, "x": x, "g": levels(g)}), ""


def few_rows(number: int, random: np.random.Generator) -> Made:
    """Six to twelve rows of three groups."""
    n = int(random.integers(6, 13))
    g = np.concatenate([np.arange(3), random.integers(0, 3, n - 3)])
    x = noise(random, n)
    y = x + noise(random, 3)[g] + noise(random, n)
    bar = random.choice(["(1 | g)", "(1 | g)", "(0 + x | g)", "(x || g)", "(x | g)"])
    return f"y ~ {random.choice(['1', 'x'])} + {bar}", pd.DataFrame({"y": y, "x": x, "g": levels(g)}), ""


def singular(number: int, random: np.random.Generator) -> Made:
    """Groups that vary less than chance, slopes that a line of the intercepts tells, or no slopes at all."""
    groups, n = int(random.integers(4, 9)), 40
    g, x = random.integers(0, groups, n), noise(random, n)
    g[:groups] = np.arange(groups)
    b = noise(random, groups)
    y = x + noise(random, n)
    what = number // 2 % 4
    if what == 0:
        y = y - 0.95 * pd.Series(y).groupby(g).transform("mean").to_numpy().round(3)
    elif what == 1:
        y = y + 2 * b[g] * (1 + 0.5 * x)
    elif what == 2:
        y = y + b[g]
    bar = "(1 | g)" if what == 0 else random.choice(["(x | g)", "(x || g)", "(x | g) + (1 | k)"])
    frame = pd.DataFrame({"y": y, "x": x, "g": levels(g), "k": levels(random.integers(0, 3, n), "k")})
    return f"y ~ x + {bar}", frame, ""


def unidentified(number: int, random: np.random.Generator) -> Made:
    """Directions of theta that the data do not tell: an intercept or a factor twice, a slope that is an intercept."""
    g, n = np.repeat(np.arange(6), 5), 30
    x, b = noise(random, n), noise(random, 6)
    frame = pd.DataFrame({"y": x + 1.5 * b[g] + noise(random, n), "x": x, "g": levels(g), "same": levels(g, "s")})
    frame["two"] = 2.0
    bars = ("(1 | g) + (x | g)", "(1 | g) + (1 | same)", "(0 + two | g) + (1 | g)", "(1 | g) + (1 | g)", "(two | g)")
    return f"y ~ x + {bars[number // 2 % len(bars)]}", frame, ""


def crossed(number: int, random: np.random.Generator) -> Made:
    """Two or three factors that cross, with empty cells."""
    n = int(random.integers(30, 60))
    g, h, k = random.integers(0, 6, n), random.integers(0, 5, n), random.integers(0, 3, n)
    x = noise(random, n)
    sizes = 10.0 ** random.integers(-1, 2, 3)
    y = x + sizes[0] * noise(random, 6)[g] + sizes[1] * noise(random, 5)[h] + sizes[2] * noise(random, 3)[k]
    frame = pd.DataFrame({"x": x, "g": levels(g), "h": levels(h, "h"), "k": levels(k, "k")})
    frame["y"] = y + noise(random, n)
    bars = ("(1 | g) + (1 | h)", "(1 | g) + (1 | h) + (1 | k)", "(x | g) + (1 | h)", "(x || g) + (x || h)")
    return f"y ~ x + {random.choice(bars)}", frame, ""


def nested(number: int, random: np.random.Generator) -> Made:
    """Factors that nest, some inner levels with a single row."""
    n = int(random.integers(30, 60))
    g, h, k = random.integers(0, 5, n), random.integers(0, 3, n), random.integers(0, 2, n)
    x = noise(random, n)
    y = x + 2 * noise(random, 5)[g] + noise(random, 15)[3 * g + h] + noise(random, n)
    frame = pd.DataFrame({"y": y, "x": x, "g": levels(g), "h": levels(h, "h"), "k": levels(k, "k")})
    return f"y ~ x + {random.choice(['(1 | g/h)', '(x | g/h)', '(1 | g/h/k)', '(x | g) + (1 | g:h)'])}", frame, ""


def weights(number: int, random: np.random.Generator) -> Made:
    """Weights of one size, of many, tiny or huge, or one of them far from the others."""
    n = int(random.integers(25, 50))
    g, x = np.arange(n) % 6, noise(random, n)
    w = random.uniform(0.3, 3.0, n).round(2)
    what = number // 2 % 5
    w = (w, w * 10.0 ** random.integers(-4, 5, n), w * 1e-9, w * 1e9, np.where(np.arange(n) == 3, 1e7 * w, w))[what]
    y = x + 2 * noise(random, 6)[g] + noise(random, 6)[g] * x + noise(random, n) / np.sqrt(w)
    frame = pd.DataFrame({"y": y, "x": x, "g": levels(g), "w": w})
    return f"y ~ x + {random.choice(['(1 | g)', '(x | g)', '(x || g)'])}", frame, "w"


def far_from_zero(number: int, random: np.random.Generator) -> Made:
    """Years, dates and seconds as covariates and slopes; a response that is far from zero; tiny and huge units."""
    n = int(random.integers(30, 50))
    g, days = np.arange(n) % 6, random.integers(0, 10, n).astype(float)
    centred = days - 4.5
    y = centred / 4 + 2 * noise(random, 6)[g] + noise(random, 6)[g] * centred / 4 + noise(random, n)
    x = (days + 2015.0, days + 16436.0, 1.7e9 + 86400.0 * days, days * 1e6, days * 1e-6, days)[number // 2 % 6]
    frame = pd.DataFrame({"y": y + (0.0, 1e6, 1e4, 0.0)[number // 3 % 4], "x": x, "g": levels(g)})
    return f"y ~ x + {random.choice(['(1 | g)', '(x | g)', '(x || g)'])}", frame, ""


def rank_deficient(number: int, random: np.random.Generator) -> Made:
    """Columns of X that others determine: sums, multiples, converted units, constants, empty cells."""
    n = int(random.integers(25, 45))
    g, x, z = np.arange(n) % 5, noise(random, n), noise(random, n)
    frame = pd.DataFrame({"x": x, "z": z, "sum": x + z, "lb": x * 0.453592, "two": 2.0, "g": levels(g)})
    f = random.integers(0, 3, n)
    frame["f"], frame["e"] = levels(f, "f"), levels(np.where(f == 2, 0, random.integers(0, 2, n)), "e")
    frame["y"] = x - z + 2 * noise(random, 5)[g] + noise(random, n)
    fixed = random.choice(["x + z + sum", "x + lb", "two + x", "f * e", "x + I(3 * x) + z"])
    return f"y ~ {fixed} + {random.choice(['(1 | g)', '(x | g)', '(z || g)'])}", frame, ""


def exact(number: int, random: np.random.Generator) -> Made:
    """No residual, or nearly none: lines, group means and slopes that are the whole response; one constant."""
    n, groups = int(random.integers(20, 40)), 5
    g, x = np.arange(n) % groups, random.integers(0, 8, n).astype(float)
    b, s = random.integers(-9, 10, groups).astype(float), random.integers(-3, 4, groups).astype(float)
    small = (0.0, 1e-10, 1e-7, 1e-4)[number // 2 % 4]
    signal = (2 * x + b[g], 2 * x + b[g] + s[g] * x, b[g] + 0 * x, np.full(n, 5.0))[number // 8 % 4]
    frame = pd.DataFrame({"y": signal + small * random.normal(size=n), "x": x, "g": levels(g)})
    return f"y ~ {random.choice(['1', 'x'])} + {random.choice(['(1 | g)', '(x | g)', '(x || g)'])}", frame, ""


def offset(number: int, random: np.random.Generator) -> Made:
    """An offset of the response's size, far above it, or that is nearly all of it."""
    n = int(random.integers(25, 45))
    g, x = np.arange(n) % 6, noise(random, n)
    o = noise(random, n) * (1.0, 100.0, 0.01)[number // 2 % 3] + (0.0, 1e5)[number // 6 % 2]
    frame = pd.DataFrame({"y": o + x + 2 * noise(random, 6)[g] + noise(random, n), "x": x, "o": o, "g": levels(g)})
    return f"y ~ x + offset(o) + {random.choice(['(1 | g)', '(x | g)', '(x || g)'])}", frame, ""


def ratios(number: int, random: np.random.Generator) -> Made:
    """Groups that vary a thousand to a billion times as much as the residual, or as little."""
    n = int(random.integers(25, 45))
    g, x = np.arange(n) % 6, noise(random, n)
    size = 10.0 ** random.integers(-6, 10)
    y = x + size * (noise(random, 6)[g] + noise(random, 6)[g] * x) + noise(random, n)
    return (
        f"y ~ x + {random.choice(['(1 | g)', '(x | g)', '(x || g)'])}",
        pd.DataFrame({"y": y, "x": x, "g": levels(g)}),
        "",
    )


def wide(number: int, random: np.random.Generator) -> Made:
    """Terms of three and four columns for few groups: many covariances, often singular."""
    n, groups = int(random.integers(40, 60)), int(random.integers(5, 9))
    g = np.arange(n) % groups
    frame = pd.DataFrame({name: noise(random, n) for name in ("x", "z")})
    frame["f"], frame["g"] = levels(random.integers(0, 3, n), "f"), levels(g)
    B = noise(random, groups * 3).reshape(groups, 3) @ np.array([[1, 0.5, 0], [0, 1, 0.5], [0, 0, 0.3]])
    frame["y"] = frame["x"] + B[g, 0] + B[g, 1] * frame["x"] + B[g, 2] * frame["z"] + noise(random, n)
    bar = random.choice(["(x + z | g)", "(x + z || g)", "(f | g)", "(0 + f | g)", "(x * z | g)"])
    return f"y ~ x + z + f + {bar}", frame, ""


KINDS: Mapping[str, Callable[[int, np.random.Generator], Made]] = {
    "ordinary": ordinary,
    "few rows": few_rows,
    "singular": singular,
    "unidentified": unidentified,
    "crossed": crossed,
    "nested": nested,
    "weights": weights,
    "far from zero": far_from_zero,
    "rank-deficient": rank_deficient,
    "exact": exact,
    "offset": offset,
    "ratios": ratios,
    "wide": wide,
}


def made(kind: str, number: int, seed: int) -> Problem:
    """The design of a kind with that number, as the seed has it.

    Examples
    --------
    >>> one, again = made("offset", 4, seed=1), made("offset", 4, seed=1)
    >>> one.formula == again.formula, one.frame.equals(again.frame), one.reml
    (True, True, True)
    """
    random = np.random.default_rng([seed, crc32(kind.encode()), number])
    return problem_of_rule(f"{kind}/{number}", KINDS[kind], number, random)


def problem_of_rule(
    name: str, rule: Callable[[int, np.random.Generator], Made], number: int, random: np.random.Generator
) -> Problem:
    """What a rule makes, by REML if its number is even."""
    formula, frame, w = rule(number, random)
    return Problem(name=name, frame=frame, formula=formula, reml=number % 2 == 0, weights=w)
