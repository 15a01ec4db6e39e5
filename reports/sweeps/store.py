"""The folder of a sweep: `sweep.json`, which says what it is, and `rows`, a Parquet file for each block that is done.

A file is there whole or not at all, so that what is there is what is done: nothing else is remembered.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import numpy as np

from relmer.datasets import DataError, write_whole
from relmer.reports.machine import machine
from relmer.reports.sweeps.blocks import Block, Blocks
from relmer.reports.sweeps.plan import Plan, Simulate
from relmer.reports.sweeps.rows import SCHEMA_NAME
from relmer.reports.sweeps.simulating import truth_of

MANIFEST, ROWS = "sweep.json", "rows"
NAMED = re.compile(r"(\d+)\.parquet")
# What must be as it was, for a sweep to go on.
SAME = ("schema", "plan", "code", "engines")
CALLED = {"schema": "form", "plan": "plan", "code": "code of relmer", "engines": "engines"}


@dataclass(frozen=True)
class Store:
    """The folder of a sweep."""

    folder: Path

    def begin(self, blocks: Blocks, versions: Mapping[str, str], made_by: str) -> None:
        """Write down what the sweep is; or find that it is the one that stands there.

        Raises
        ------
        DataError
            Another stands there.
        OSError
            The folder cannot be read or written to.
        """
        now = manifest(blocks, versions, made_by)
        path = self.folder / MANIFEST
        if path.exists():
            before = self.read()
            if changed := [name for name in SAME if before.get(name) != now[name]]:
                told = (
                    f"{self.folder} holds a sweep with another {CALLED[changed[0]]}: give another --out, or remove it"
                )
                raise DataError(told)
            return
        if any((self.folder / ROWS).glob("*.parquet")):
            raise DataError(f"{self.folder / ROWS} holds rows of a sweep that is not known: give another --out")
        write_whole(self.folder, {MANIFEST: json.dumps(now, indent=1, ensure_ascii=False) + "\n"})

    def read(self) -> dict[str, Any]:
        """What the sweep is.

        Raises
        ------
        DataError
            There is none.
        """
        path = self.folder / MANIFEST
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise DataError(f"{self.folder} holds no sweep: it has no {MANIFEST}") from None
        except ValueError as error:
            raise DataError(f"{path} is no JSON: {error}") from None
        if not isinstance(found, dict) or found.get("schema") != SCHEMA_NAME:
            raise DataError(f"{path} is no manifest of a sweep ({SCHEMA_NAME})")
        return found

    def done(self, count: int) -> np.ndarray:
        """Which of so many blocks are done (count,)."""
        found = np.zeros(count, dtype=bool)
        if (self.folder / ROWS).is_dir():
            for file in (self.folder / ROWS).iterdir():
                named = NAMED.fullmatch(file.name)
                if named and int(named[1]) < count:
                    found[int(named[1])] = True
        return found

    def keep(self, block: Block, rows: bytes) -> None:
        """Write the rows of a block, whole."""
        write_whole(self.folder / ROWS, {f"{block.number:08d}.parquet": rows})


def manifest(blocks: Blocks, versions: Mapping[str, str], made_by: str) -> dict[str, Any]:
    """What a sweep is, as plain data."""
    told = [source_told(blocks, k) for k in range(len(blocks.plan.sources))]
    return {
        "schema": SCHEMA_NAME,
        "relmer": version_of("relmer"),
        "code": made_by,
        "plan": plain(blocks.plan),
        "engines": dict(versions),
        "sources": told,
        "machine": machine(),
        "units": sum(one["units"] for one in told),
        "blocks": len(blocks),
    }


def plain(plan: Plan) -> dict[str, Any]:
    """A plan as JSON has it, each table under the name of its kind."""
    found = asdict(plan)
    found["sources"] = [{"what": type(source).__name__, **asdict(source)} for source in plan.sources]
    plain_plan: dict[str, Any] = json.loads(json.dumps(found))
    return plain_plan


def source_told(blocks: Blocks, place: int) -> dict[str, Any]:
    """A table of the plan: its units, and of a simulation the truth.

    Raises
    ------
    DataError
        The simulation has no model.
    """
    source = blocks.plan.sources[place]
    told: dict[str, Any] = {
        "name": source.name,
        "what": {"FromCases": "cases", "Designs": "designs", "Simulate": "simulate"}[type(source).__name__],
        "units": blocks.units(place),
        "truth": None,
    }
    if isinstance(source, Simulate):
        truth = truth_of(source)
        told |= {
            "level": source.level,
            "formula": truth.problem.formula,
            "truth": {"theta": list(truth.theta), "beta": list(truth.beta), "sigma": truth.sigma},
            "coefficients": list(truth.fit.design.coefficients),
            "theta_names": list(truth.fit.theta.index),
        }
    return told
