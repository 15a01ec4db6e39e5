"""The room of the data: what is fitted, kept so that nobody need ask whether two engines saw the same.

A data set is a CSV, out of R, out of NIST's files or our own, together with its types, order of levels, units,
source, licence and sha256 (`load`, `names`), or is computed from one or from R's random numbers (`RandomStream`),
which are reproduced here bit for bit. A case says which model is fitted to which data set, and what others
printed about it (`cases`, `case`). Nothing here fits a model, and nothing here needs R.
"""

from relmer.datasets.cases import Case, case, cases
from relmer.datasets.exported import DataError
from relmer.datasets.rng import RandomStream
from relmer.datasets.simulated import (
    simulate_three_level,
    sleepstudy_three,
    star_kindergarten,
    star_sample,
)
from relmer.datasets.store import Dataset, describe, frame_sha256, load, names
from relmer.datasets.table import read_table

__all__ = [
    "Case",
    "DataError",
    "Dataset",
    "RandomStream",
    "case",
    "cases",
    "describe",
    "frame_sha256",
    "load",
    "names",
    "read_table",
    "simulate_three_level",
    "sleepstudy_three",
    "star_kindergarten",
    "star_sample",
]
