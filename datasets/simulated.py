"""Data sets that are computed: simulated, or taken out of an exported one, as the documents do it in R."""

import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from relmer.datasets.exported import DATA, read_exported
from relmer.datasets.rng import RandomStream


@dataclass(frozen=True, slots=True)
class Derived:
    """How a derived data set comes about: `build(root)` makes its frame from the exported files in `root`."""

    build: Callable[[Path], pd.DataFrame]
    title: str
    source: str
    licence: str


def simulate_three_level(seed: int = 123, n1: int = 5, n2: int = 3, n3: int = 10) -> pd.DataFrame:
    """Simulate pupils with teachers in schools, as document 000 does in section 3.

    The document's R code is followed to the letter: it draws only `n1` school effects and `n1 * n2` teacher
    effects, which R then recycles along the rows.

    Parameters
    ----------
    seed
        What R's `set.seed` is given.
    n1, n2, n3
        Pupils of a teacher, teachers of a school, schools (at most 26).

    Returns
    -------
    pandas.DataFrame
        Columns `y`, `sch.cl`, `tch.cl`, `e3`, `e2`, `x1`, `e1`.

    Raises
    ------
    ValueError
        If R could not recycle the columns to one length, or a size is out of range.

    Examples
    --------
    >>> simulate_three_level().loc[0, "y"].round(8)
    np.float64(0.40529698)
    """
    if min(n1, n2, n3) < 1 or n3 > len(string.ascii_lowercase):
        raise ValueError(f"sizes {n1}, {n2}, {n3} do not fit: give n1, n2 from 1 and n3 from 1 to 26")
    rows = n1 * n2 * max(n1, n3)
    if max(n1, n3) % min(n1, n3):
        raise ValueError(f"n1 = {n1} and n3 = {n3} do not fit: one must be a multiple of the other")
    stream = RandomStream(seed)
    e3 = np.resize(np.repeat(stream.normal(n1), n1 * n2), rows)
    e2 = np.resize(np.repeat(stream.normal(n2 * n1), n1), rows)
    x1 = np.resize(stream.normal(n1 * n2 * n3), rows)
    e1 = np.resize(stream.normal(n1 * n2 * n3), rows)
    schools = np.repeat(list(string.ascii_lowercase[:n3]), n1 * n2)
    teachers = np.repeat(np.arange(1, n2 * n3 + 1), n1)
    return pd.DataFrame(
        {
            "y": e3 + e2 + 0.5 * x1 + e1,
            "sch.cl": np.resize(schools, rows),
            "tch.cl": np.resize(teachers, rows),
            "e3": e3,
            "e2": e2,
            "x1": x1,
            "e1": e1,
        }
    )


def star_kindergarten(*, root: Path = DATA) -> pd.DataFrame:
    """Return the kindergarten rows of star; factors keep the levels that no row has any more.

    Examples
    --------
    >>> set(star_kindergarten()["gr"])
    {'K'}
    """
    star, _ = read_exported("star", root)
    return star[star["gr"] == "K"].reset_index(drop=True)


def star_sample(seed: int = 123, fraction: float = 0.2, *, root: Path = DATA) -> pd.DataFrame:
    """Draw from the kindergarten rows of star, as document 000 does in section 4.

    The rows are those of `set.seed(seed)` and dplyr's `sample_frac(fraction)`, in the order of the draw.

    Raises
    ------
    ValueError
        If the fraction is not between 0 and 1.

    Examples
    --------
    >>> len(star_sample())
    1265
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction {fraction} is out of range: give a number from 0 to 1")
    kindergarten = star_kindergarten(root=root)
    drawn = RandomStream(seed).sample(len(kindergarten), round(len(kindergarten) * fraction))
    return kindergarten.iloc[drawn - 1].reset_index(drop=True)


def sleepstudy_three(*, root: Path = DATA) -> pd.DataFrame:
    """Return the rows of subjects 309, 330 and 371 of sleepstudy; `Subject` keeps its 18 levels, as in R.

    Examples
    --------
    >>> len(sleepstudy_three())
    30
    """
    sleepstudy, _ = read_exported("sleepstudy", root)
    return sleepstudy[sleepstudy["Subject"].isin(["309", "330", "371"])].reset_index(drop=True)


DERIVED = {
    "sleepstudy_three": Derived(
        lambda root: sleepstudy_three(root=root),
        "Three subjects of sleepstudy",
        "document 002: the rows of sleepstudy with Subject 309, 330 or 371",
        "GPL (>= 2)",
    ),
    "star_kindergarten": Derived(
        lambda root: star_kindergarten(root=root),
        "Kindergarten pupils of star",
        "the rows of star with gr == 'K'",
        "GPL (>= 2)",
    ),
    "star_sample": Derived(
        lambda root: star_sample(root=root),
        "A fifth of the kindergarten pupils of star",
        "document 000, section 4: set.seed(123), then sample_frac(.2) of the rows of star with gr == 'K'",
        "GPL (>= 2)",
    ),
    "three_level": Derived(
        lambda root: simulate_three_level(),
        "Simulated pupils with teachers in schools",
        "document 000, section 3: simulated after set.seed(123)",
        "MIT",
    ),
}
