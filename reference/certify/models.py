"""The models of `certified/models.toml`, and the CSV texts that they are fitted to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relmer.datasets import from_plain, toml_entries, write_whole
from relmer.reference.certificates import CERTIFIED, Column, RandomTerm, Score, csv_path, csv_text


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
    entries = toml_entries(path.name, path.read_text(encoding="utf-8"), "model")
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


def stored_text(dataset: str, root: Path = CERTIFIED) -> tuple[str, str]:
    """`csv_text` of a data set; one that is derived is stored first if it is not there, for the proof reads files."""
    file, text = csv_text(dataset, root)
    if csv_path(dataset, root) is None:
        write_whole(root / "data", {file: text})
    return file, text
