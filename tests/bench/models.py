"""What is fitted: real data that every engine knows, and simulated data that grow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from relmer.datasets import load


@dataclass(frozen=True)
class Model:
    """A model, its data and what is asked of the solver's speed.

    Attributes
    ----------
    name
        Also the name of the folder in the cache.
    formula
        Fitted by REML.
    data
        Makes the data frame; None if R exports it from lme4.
    rounds
        Child processes at most; the large models, which `--quick` leaves out, have two.
    series
        Whether it belongs to the nested series, which gives the exponent of time over rows.
    goals
        By engine, the largest allowed ratio of relmer's time to the engine's.
    slopes
        Factors of two levels with a random slope, which lme-python wants as a column of 0 and 1, by that column's name.
    """

    name: str
    formula: str
    data: Callable[[], pd.DataFrame] | None
    rounds: int = 9
    series: bool = False
    goals: Mapping[str, float] = field(default_factory=dict)
    slopes: Mapping[str, str] = field(default_factory=dict)


def columns(dataset: str, *names: str) -> pd.DataFrame:
    """Complete rows of some columns of a data set."""
    return load(dataset).frame[list(names)].dropna().reset_index(drop=True)


def categories(codes: np.ndarray) -> pd.Categorical:
    """Levels 1, 2, ... as text, as a user has them."""
    return pd.Categorical.from_codes(codes, [str(i + 1) for i in range(int(codes.max()) + 1)])


def grouped(rows: int, groups: int, slopes: int) -> pd.DataFrame:
    """y ~ x + (x | g), or with a second slope z."""
    random = np.random.default_rng(20240501)
    g = random.permutation(np.arange(rows) % groups)
    covariates = random.normal(size=(rows, slopes))
    b = random.normal(size=(groups, 1 + slopes)) * np.array([1.0, 0.5, 0.3])[: 1 + slopes]
    y = 1 + covariates.sum(axis=1) / 2 + b[g, 0] + (covariates * b[g, 1:]).sum(axis=1) + random.normal(size=rows)
    return pd.DataFrame({"y": y, **dict(zip("xz", covariates.T, strict=False)), "g": categories(g)})


def crossed(rows: int, first: int, second: int) -> pd.DataFrame:
    """y ~ x + (1 | g) + (1 | h)."""
    random = np.random.default_rng(20240502)
    g, h = random.integers(0, first, rows), random.integers(0, second, rows)
    x = random.normal(size=rows)
    y = 1 + x / 2 + random.normal(size=first)[g] + random.normal(size=second)[h] / 2 + random.normal(size=rows)
    return pd.DataFrame({"y": y, "x": x, "g": categories(g), "h": categories(h)})


def nested(rows: int) -> pd.DataFrame:
    """y ~ x + (1 | a) + (1 | b): 20 rows in each b, five b in each a, in random order."""
    random = np.random.default_rng(20240503)
    b = random.permutation(np.arange(rows) // 20)
    a = b // 5
    x = random.normal(size=rows)
    inner, outer = random.normal(size=b.max() + 1), random.normal(size=a.max() + 1)
    y = 1 + x / 2 + outer[a] + inner[b] / 2 + random.normal(size=rows)
    return pd.DataFrame({"y": y, "x": x, "a": categories(a), "b": categories(b)})


TENTH = {"lme4": 1 / 10}
LARGE = 2
NESTED = "y ~ x + (1 | a) + (1 | b)"
MODELS = (
    Model(
        "sleepstudy",
        "Reaction ~ Days + (Days | Subject)",
        partial(columns, "sleepstudy", "Reaction", "Days", "Subject"),
        goals={**TENTH, "mixedlm": 1, "lme-python": 1},
    ),
    Model(
        "Machines",
        "score ~ Machine + (1 | Worker/Machine)",
        partial(columns, "Machines", "score", "Machine", "Worker"),
        goals=TENTH,
    ),
    Model(
        "Pastes",
        "strength ~ 1 + (1 | batch/cask)",
        partial(columns, "Pastes", "strength", "batch", "cask"),
        goals=TENTH,
    ),
    Model(
        "Penicillin",
        "diameter ~ 1 + (1 | plate) + (1 | sample)",
        partial(columns, "Penicillin", "diameter", "plate", "sample"),
        goals=TENTH,
    ),
    Model(
        "bdf",
        "aritPOST ~ aritPRET + sex + schoolSES + (sex | schoolNR)",
        partial(columns, "bdf", "aritPOST", "aritPRET", "sex", "schoolSES", "schoolNR"),
        goals=TENTH,
        slopes={"sex": "sex1"},
    ),
    Model(
        "kindergarten",
        "read ~ cltype + sx + (sx | sch/tch)",
        partial(columns, "star_kindergarten", "read", "cltype", "sx", "sch", "tch"),
        goals={"lme4": 1 / 8},
        slopes={"sx": "sxF"},
    ),
    Model("grouped-1e5", "y ~ x + (x | g)", partial(grouped, 100_000, 5_000, 1), goals={"lme4": 1 / 30}),
    Model(
        "InstEval",
        "y ~ service + (1 | s) + (1 | d) + (1 | dept:service)",
        None,
        rounds=LARGE,
        goals={"lme4": 1 / 25, "mixedlm": 1 / 3},
    ),
    Model(
        "crossed-1e6",
        "y ~ x + (1 | g) + (1 | h)",
        partial(crossed, 1_000_000, 50_000, 1_000),
        rounds=LARGE,
        goals={"lme4": 1 / 15},
    ),
    *(Model(f"nested-1e{k}", NESTED, partial(nested, 10**k), series=True) for k in (4, 5)),
    *(Model(f"nested-1e{k}", NESTED, partial(nested, 10**k), series=True, rounds=LARGE) for k in (6, 7)),
    Model("slopes-1e7", "y ~ x + z + (x + z | g)", partial(grouped, 10_000_000, 100_000, 2), rounds=LARGE),
)
