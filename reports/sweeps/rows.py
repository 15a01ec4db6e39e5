"""A row of a sweep: what one engine made of one unit, as the columns of a Parquet data set.

A unit is a problem (a case, a generated design, or a replicate of a simulated response), changed by a transformation
or not, and asked of one engine. Its key is (source, design, replicate, transformation, engine).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

SCHEMA_NAME = "relmer-sweep/1"
KEY = ("source", "design", "replicate", "transformation", "engine")
# Intervals of the coefficients, each at the level of the plan, and the degrees of freedom of those that have any.
METHODS = ("wald", "satterthwaite", "kenward_roger", "profile")
WITH_DF = ("satterthwaite", "kenward_roger")
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
    "verdict": "the worst verdict of all rungs",
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
    **{f"{end}_{name}": f"{end} ends of the {name} intervals of beta" for name in METHODS for end in ("lower", "upper")},
    "seconds": "that passed; the one column that is not the same on repetition",
}
TYPES = {
    **dict.fromkeys(("replicate",), pa.int64()),
    **dict.fromkeys(("REML", "singular"), pa.bool_()),
    **dict.fromkeys(("warnings",), pa.list_(pa.string())),
    **dict.fromkeys(("criterion", "at_theta", "best", "gap", "allowed", "sigma", "seconds"), pa.float64()),
    **dict.fromkeys((f"digits_{name}" for name in DIGITS), pa.float64()),
    **dict.fromkeys(("theta", "beta", "se", *(f"df_{name}" for name in WITH_DF)), VECTOR),
    **dict.fromkeys((f"{end}_{name}" for name in METHODS for end in ("lower", "upper")), VECTOR),
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
