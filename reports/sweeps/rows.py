"""A row of a sweep: what one engine made of one unit, as the columns of a Parquet data set.

A unit is a problem (a case, a generated design, or a replicate of a simulated response), changed by a transformation
or not, and asked of one engine. Its key is (source, design, replicate, transformation, engine).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

SCHEMA_NAME = "relmer-sweep/1"
KEY = ("source", "design", "replicate", "transformation", "engine")
# Intervals of the coefficients, each at the level of the plan, and the degrees of freedom of those that have any.
METHODS = ("wald", "satterthwaite", "kenward_roger", "profile")
WITH_DF = ("satterthwaite", "kenward_roger")
ENDS = ("lower", "upper")
RUNGS = tuple(f"rung{k}" for k in range(1, 7))
DIGITS = ("criterion", "beta", "se", "sigma")
VECTOR = pa.list_(pa.float64())

TEXT = {
    "source": "name of the plan's table",
    "kind": "kind of the design: the rule that made it, the name of the case, or of the simulation",
    "design": "name of the case or design",
    "replicate": "number of the simulated response, from 0; 0 where none is simulated",
    "REML": "whether the criterion is REML",
    "transformation": "name of the law whose change was made; empty if none",
    "engine": "name of the engine",
    "version": "its version",
    "status": "fitted, failed or unsupported",
    "message": "why it has no fit",
    "warnings": "what it said",
    "verdict": "the worst verdict of all rungs; null where nobody else was asked",
    **{rung: f"the worst verdict of rung {rung[-1]}; empty where it was not asked" for rung in RUNGS},
    "criterion": "the criterion that it tells",
    "at_theta": "the definition's criterion at its theta",
    "best": "the lowest criterion that is known: certified, or of any engine or of relmer's own search",
    "gap": "at_theta - best",
    "allowed": "what rounding may make of the gap",
    **{f"digits_{name}": f"correct digits of {name}, the fewest of its entries" for name in DIGITS},
    "singular": "whether the best theta is on the boundary",
    "theta": "its theta",
    "beta": "its fixed effects",
    "se": "their standard errors",
    "sigma": "its residual standard deviation",
    **{f"df_{name}": f"degrees of freedom of the coefficients by {name}" for name in WITH_DF},
    **{
        f"{end}_{name}": f"{end} ends of the {name} intervals of beta" for name in METHODS for end in ("lower", "upper")
    },
    "seconds": "that passed; the one column that is not the same on repetition",
}
TYPES = {
    **dict.fromkeys(("replicate",), pa.int64()),
    **dict.fromkeys(("REML", "singular"), pa.bool_()),
    **dict.fromkeys(("warnings",), pa.list_(pa.string())),
    **dict.fromkeys(("criterion", "at_theta", "best", "gap", "allowed", "sigma", "seconds"), pa.float64()),
    **dict.fromkeys((f"digits_{name}" for name in DIGITS), pa.float64()),
    **dict.fromkeys(("theta", "beta", "se", *(f"df_{name}" for name in WITH_DF)), VECTOR),
    **dict.fromkeys((f"{end}_{name}" for name in METHODS for end in ENDS), VECTOR),
}
SCHEMA = pa.schema(
    [pa.field(name, TYPES.get(name, pa.string()), metadata={"about": about}) for name, about in TEXT.items()]
)
# Not the same on repetition.
TIMES = ("seconds",)


def table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table; what a row does not name is null.

    Raises
    ------
    ValueError
        A row names what is no column.

    Examples
    --------
    >>> table([{"engine": "lme4", "gap": 1e-9}]).select(["engine", "gap", "theta"]).to_pylist()
    [{'engine': 'lme4', 'gap': 1e-09, 'theta': None}]
    """
    known = list(rows)
    if unknown := {name for row in known for name in row} - {*SCHEMA.names}:
        raise ValueError(f"no column is called {min(unknown)!r}")
    return pa.Table.from_pylist([{name: row.get(name) for name in SCHEMA.names} for row in known], schema=SCHEMA)


def columns(rows: int, given: Mapping[str, Any]) -> pa.Table:
    """Many rows at once, column by column: an array (rows,) or (rows, k), or one value for all; the rest is null.

    Examples
    --------
    >>> found = columns(2, {"engine": "relmer", "beta": np.array([[1.0, 2.0], [3.0, 4.0]])})
    >>> found.select(["engine", "beta"]).to_pylist()
    [{'engine': 'relmer', 'beta': [1.0, 2.0]}, {'engine': 'relmer', 'beta': [3.0, 4.0]}]
    """

    def column(field: pa.Field) -> pa.Array:
        value = given.get(field.name)
        if value is None:
            return pa.nulls(rows, field.type)
        if isinstance(value, np.ndarray) and value.ndim == 2:
            starts = np.arange(rows + 1, dtype=np.int32) * value.shape[1]
            return pa.ListArray.from_arrays(pa.array(starts), pa.array(np.ascontiguousarray(value).ravel()))
        if isinstance(value, np.ndarray):
            return pa.array(value, field.type)
        return pa.repeat(pa.scalar(value, field.type), rows)

    return pa.Table.from_arrays([column(field) for field in SCHEMA], schema=SCHEMA)
