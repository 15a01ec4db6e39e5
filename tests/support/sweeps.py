"""Folders of sweeps, made by hand."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from relmer.reports.sweeps.rows import table

Row = Mapping[str, Any]
DESIGNS = {
    "name": "stops",
    "what": "designs",
    "units": 100,
    "level": None,
    "truth": None,
    "coefficients": [],
    "theta_names": [],
}
SIMULATED = {
    "name": "coverage",
    "what": "simulate",
    "units": 100,
    "level": 0.9,
    "truth": {"theta": [0.5], "beta": [2.0, -1.0], "sigma": 3.0},
    "coefficients": ["(Intercept)", "x"],
    "theta_names": ["g.(Intercept)"],
}


def row(**told: Any) -> dict[str, Any]:
    """A row that is fitted, of the first source, unless it says otherwise."""
    plain = {
        "source": "stops",
        "kind": "nested",
        "design": "d0",
        "replicate": 0,
        "transformation": "",
        "engine": "lme4",
        "version": "1.1-31",
        "status": "fitted",
        "warnings": [],
        "verdict": "agree",
    }
    return plain | told


def folder_of(
    folder: Path, blocks: Sequence[Sequence[Row]], sources: Sequence[Row] = (DESIGNS, SIMULATED), **manifest: Any
) -> Path:
    """Write a sweep of these blocks; what is named replaces an entry of its manifest."""
    (folder / "rows").mkdir(parents=True, exist_ok=True)
    for k, block in enumerate(blocks):
        pq.write_table(table(block), folder / "rows" / f"{k:06d}.parquet")
    content = {
        "schema": "relmer-sweep/1",
        "relmer": "0.1.0",
        "plan": {"seed": 1},
        "sources": list(sources),
        "engines": {"lme4": "1.1-31", "pls": "0.1.0"},
        "machine": {"cores": "2"},
        "units": sum(source["units"] for source in sources),
        "blocks": len(blocks),
    }
    (folder / "sweep.json").write_text(json.dumps(content | manifest), encoding="utf-8")
    return folder
