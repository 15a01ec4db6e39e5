"""The models of `certified/models.toml`, and the CSV texts that they are fitted to."""

import csv
import gzip
import io
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relmer.datasets import DATA, from_plain, load, write_whole

CERTIFIED = Path(__file__).parent.parent / "certified"
Column = tuple[str, ...]


@dataclass(frozen=True)
class RandomTerm:
    """A random term: its name, the columns whose combination is its grouping factor, and the columns of its matrix.

    A column is its name, then the factors of the product that it is.
    """

    name: str
    group: tuple[str, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Score:
    """A column of integer scores over sqrt(norm), by the text that another column has."""

    column: str
    scores: Mapping[str, int]
    norm: int


@dataclass(frozen=True)
class Model:
    """A model as `models.toml` describes it; the comment at the top of that file explains the fields."""

    name: str
    dataset: str
    formula: str
    cases: Mapping[str, str]
    response: str
    fixed: tuple[Column, ...]
    random: tuple[RandomTerm, ...]
    scores: Mapping[str, Score] = field(default_factory=dict)
    wants_global: bool = False


def models(path: Path = CERTIFIED / "models.toml") -> tuple[Model, ...]:
    """Read the models.

    Raises
    ------
    ValueError
        The file is not TOML, or a model lacks something; one line that says where.

    Examples
    --------
    >>> next(model.formula for model in models() if model.name == "dyestuff")
    'Yield ~ 1 + (1 | Batch)'
    """
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["model"]
    plain = [{"wants_global" if key == "global" else key: value for key, value in entry.items()} for entry in entries]
    return tuple(from_plain(Model, entry, f"model {entry.get('name')}") for entry in plain)


def described(model: Model) -> dict[str, Any]:
    """What a certificate holds of the model: all that a proof needs."""
    return {
        "response": model.response,
        "fixed": [list(column) for column in model.fixed],
        "random": [
            {"name": term.name, "group": list(term.group), "columns": [list(column) for column in term.columns]}
            for term in model.random
        ],
        "scores": {
            name: {"column": score.column, "scores": dict(score.scores), "norm": score.norm}
            for name, score in model.scores.items()
        },
    }


def csv_text(dataset: str, root: Path = CERTIFIED) -> tuple[str, str]:
    """Name of a data set's CSV file, and the text in it; one that is derived is written first if it is not there.

    Returns
    -------
    tuple
        The file's name without `.gz`, and the text, uncompressed.
    """
    exported = DATA / f"{dataset}.csv"
    if exported.exists():
        return exported.name, exported.read_text(encoding="utf-8")
    zipped = DATA / f"{dataset}.csv.gz"
    if zipped.exists():
        return exported.name, gzip.decompress(zipped.read_bytes()).decode("utf-8")
    derived = root / "data" / exported.name
    if not derived.exists():
        write_whole(derived.parent, {derived.name: derived_csv(dataset)})
    return derived.name, derived.read_text(encoding="utf-8")


def derived_csv(dataset: str) -> str:
    """Data set as CSV: numbers as their shortest decimals, text as it is, nothing where a value is missing.

    Examples
    --------
    >>> derived_csv("sleepstudy_three").splitlines()[1]
    '222.7339,0.0,309'
    """
    frame = load(dataset).frame
    values = frame.astype(object).where(frame.notna(), "")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(frame.columns)
    writer.writerows(values.itertuples(index=False, name=None))
    return text.getvalue()
