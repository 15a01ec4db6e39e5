"""The room of the data: what is fitted, kept so that nobody need ask whether two engines saw the same.

A data set is a CSV, out of R, out of NIST's files or our own, together with its types, order of levels, units,
source, licence and sha256 (`load`, `names`), or is computed from one or from R's random numbers (`RandomStream`),
which are reproduced here bit for bit. A case says which model is fitted to which data set, and what others
printed about it (`cases`, `case`). Nothing here fits a model, and nothing here needs R.
"""

from relmer.datasets.beside import OwnCases, as_keys, cases_schema, own_cases
from relmer.datasets.cases import Case, case, cases, data_of
from relmer.datasets.entries import EntryError, entry_record, toml_entries
from relmer.datasets.exported import DATA
from relmer.datasets.levels import with_levels
from relmer.datasets.own import keep_frame, keep_table, written_down
from relmer.datasets.placed import read_places, tables, within
from relmer.datasets.places import Places
from relmer.datasets.plain import from_plain, read_record, to_plain
from relmer.datasets.printed import half_unit, is_bound, is_printed, may_print, number, outside, printed_cells
from relmer.datasets.quantities import (
    JUDGED_OF_A_LISTING,
    OF_A_CERTIFICATE,
    OF_A_DOCUMENT,
    OF_EFFECTS,
    OF_INFERENCE,
    free_of_fit,
    has_form,
    key_of,
    matrix_key,
    parse_key,
    quantities_of,
    quantity_of,
    theta_key,
)
from relmer.datasets.rng import RandomStream
from relmer.datasets.schema import json_schema
from relmer.datasets.simulated import simulate_three_level, sleepstudy_three, star_kindergarten, star_sample
from relmer.datasets.stated import ColumnType, DataError
from relmer.datasets.store import Dataset, describe, frame_sha256, load, names
from relmer.datasets.table import Table, checked_types, read_table, read_types
from relmer.datasets.whole import write_whole

__all__ = [
    "DATA",
    "JUDGED_OF_A_LISTING",
    "OF_A_CERTIFICATE",
    "OF_A_DOCUMENT",
    "OF_EFFECTS",
    "OF_INFERENCE",
    "Case",
    "ColumnType",
    "DataError",
    "Dataset",
    "EntryError",
    "OwnCases",
    "Places",
    "RandomStream",
    "Table",
    "as_keys",
    "case",
    "cases",
    "cases_schema",
    "checked_types",
    "data_of",
    "describe",
    "entry_record",
    "frame_sha256",
    "free_of_fit",
    "from_plain",
    "half_unit",
    "has_form",
    "is_bound",
    "is_printed",
    "json_schema",
    "keep_frame",
    "keep_table",
    "key_of",
    "load",
    "matrix_key",
    "may_print",
    "names",
    "number",
    "outside",
    "own_cases",
    "parse_key",
    "printed_cells",
    "quantities_of",
    "quantity_of",
    "read_places",
    "read_record",
    "read_table",
    "read_types",
    "simulate_three_level",
    "sleepstudy_three",
    "star_kindergarten",
    "star_sample",
    "tables",
    "theta_key",
    "to_plain",
    "toml_entries",
    "with_levels",
    "within",
    "write_whole",
    "written_down",
]
