"""Data on disk as Python and R both read them at once: one file of raw numbers per column, and their names."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def write(folder: Path, model: dict[str, Any], frame: pd.DataFrame) -> None:
    """Write a model and its float64 and category columns; `model.json` comes last, a folder that has it is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    columns: list[dict[str, Any]] = []
    for name in frame:
        column = frame[name]
        levels = None
        if isinstance(column.dtype, pd.CategoricalDtype):
            levels = [str(category) for category in column.cat.categories]
            column.cat.codes.to_numpy().astype("<i4").tofile(folder / f"{name}.bin")
        else:
            column.to_numpy().astype("<f8").tofile(folder / f"{name}.bin")
        columns.append({"name": name, "levels": levels})
    (folder / "model.json").write_text(json.dumps({**model, "rows": len(frame), "columns": columns}))


def read(folder: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    """Read a model and its data frame."""
    model = json.loads((folder / "model.json").read_text())
    found: dict[str, Any] = {}
    for column in model["columns"]:
        path = folder / f"{column['name']}.bin"
        if column["levels"] is None:
            found[column["name"]] = np.fromfile(path, "<f8")
        else:
            codes = np.fromfile(path, "<i4")
            found[column["name"]] = pd.Categorical.from_codes(codes, column["levels"])
    return model, pd.DataFrame(found)
