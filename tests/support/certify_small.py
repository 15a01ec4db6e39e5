"""Small models with data of every kind, for tests: made here, fitted nowhere else."""

import random
from fractions import Fraction

from relmer.reference.certificates.records import RandomTerm, Score
from relmer.reference.certify.models import Model

ONE, X, XX = ("(Intercept)",), ("x", "x"), ("I(x^2)", "x", "x")
F, T = ("fb", "f=b"), ("t.L", "t.L")
SCORES = {"t.L": Score("t", {"lo": -1, "mid": 0, "hi": 1}, 2)}


def model(name: str, fixed: tuple, *random_terms: tuple) -> Model:
    terms = tuple(RandomTerm("".join(group), group, columns) for group, columns in random_terms)
    return Model(name, "none", "", {}, "y", fixed, terms, SCORES)


MODELS = (
    model("one-way", (ONE,), (("g",), (ONE,))),
    model("slopes", (ONE, X, XX), (("g",), (ONE, X))),
    model("nested", (ONE, F, T), (("h", "g"), (ONE,)), (("g",), (ONE, X))),
    model("crossed", (ONE, F, X), (("g",), (ONE,)), (("k",), (ONE, X))),
    model("three", (ONE, ("fb:x", "f=b", "x"), T), (("g",), (ONE, X, XX))),
)


def text(seed: int, rows: int = 18) -> str:
    """A CSV with unequal groups, a huge mean, decimals that no double has, and two rows with nothing in a field."""
    draw = random.Random(seed)
    lines = ["g,h,k,f,t,x,y"]
    for i in range(rows):
        g, h, k = draw.choice("pqqr"), draw.choice("12"), draw.choice("uvw")
        x = f"{draw.randint(-20, 20) / 10}"
        y = f"{1000000 + draw.randint(-999, 999)}.{draw.randint(0, 999)}"
        lines.append(f"{g},{h},{k},{'ab'[i % 2]},{('lo', 'mid', 'hi')[i % 3]},{x},{y}")
    lines[3] = lines[3].rpartition(",")[0] + ","
    lines[4] = lines[4].rpartition(",")[0] + ",NA"
    return "\n".join(lines) + "\n"


def factor_value(model: Model, row: dict[str, str], factor: str, double: bool) -> Fraction:
    """A factor of a product, read once more."""
    if factor in model.scores:
        return Fraction(model.scores[factor].scores[row[model.scores[factor].column]])
    if "=" in factor:
        column, level = factor.split("=")
        return Fraction(int(row[column] == level))
    return Fraction(float(row[factor])) if double else Fraction(row[factor])
