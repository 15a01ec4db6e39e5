"""Designs by rule, of every kind that is known to trouble a solver or a judge; each is named KIND/NUMBER.

A number is a seed: a design is made again from its name alone. Odd numbers are ML, even ones REML.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
from adversaries import Adversary, adversaries
from hypothesis import HealthCheck, Phase, given, seed, settings
from strategies import FORMULAS, mixed_data

from relmer.reports.laws.problem import Problem

Made = tuple[str, pd.DataFrame, str]
SEED = 20261126
# How many examples of hypothesis are drawn at once: they are known by their number among these.
DRAWN = 400


def levels(codes: np.ndarray, prefix: str = "g") -> pd.Categorical:
    """Labels for codes."""
    return pd.Categorical([f"{prefix}{code}" for code in codes])


def noise(random: np.random.Generator, n: int, size: float = 1.0) -> np.ndarray:
    """Noise with three decimals in its own unit."""
    return np.asarray(size * random.normal(size=n).round(3))


def plain(number: int, random: np.random.Generator) -> Made:
    """Unbalanced and unsorted, crossed, nested, with slopes: what the project's own tests draw."""
    return str(random.choice(FORMULAS)), mixed_data(number, int(random.integers(24, 60))), ""


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


@cache
def drawn() -> tuple[Adversary, ...]:
    """What hypothesis draws of redundant, constant, huge, tiny and exact columns: the same on every machine."""
    found: list[Adversary] = []

    @seed(SEED)
    @settings(
        max_examples=DRAWN, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=[*HealthCheck]
    )
    @given(adversaries())
    def gather(one: Adversary) -> None:
        found.append(one)

    gather()
    return tuple(found)


def adversary(number: int, random: np.random.Generator) -> Made:
    """What hypothesis draws: redundant, constant, huge, tiny, shifted and nearly exact columns, weights and units."""
    one = drawn()[number]
    data = one.data if one.weights is None else one.data.assign(w=one.weights)
    return one.formula, data, "" if one.weights is None else "w"


KINDS: dict[str, Callable[[int, np.random.Generator], Made]] = {
    "plain": plain,
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
    "adversary": adversary,
}
# In all 2,000.
COUNTS = {kind: 400 if kind == "adversary" else 123 for kind in KINDS} | {"plain": 124}


def problem(name: str) -> Problem:
    """The design of that name.

    Examples
    --------
    >>> problem("offset/4").reml
    True
    """
    kind, _, number = name.rpartition("/")
    random = np.random.default_rng([SEED, [*KINDS].index(kind), int(number)])
    formula, frame, w = KINDS[kind](int(number), random)
    return Problem(name=name, frame=frame, formula=formula, reml=int(number) % 2 == 0, weights=w)


def names() -> list[str]:
    """All designs, kinds in turn, so that the first of them are of every kind."""
    most = max(COUNTS.values())
    return [f"{kind}/{k}" for k in range(most) for kind, count in COUNTS.items() if k < count]
