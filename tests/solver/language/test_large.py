"""Large designs stay sparse: nothing dense of n × q is made, and what is made on the way is small beside the result."""

import sys
import tracemalloc
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pytest

from relmer.solver.language import build, model_frame, parse

MOST = 1.5
"""Peak memory, times that of the data and of what is made of them (the issue of this language asks for it)."""


def crossed(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    a, b = (pd.Categorical.from_codes(rng.integers(0, k, n), [f"l{i}" for i in range(k)]) for k in (2000, 900))
    return pd.DataFrame({"y": rng.normal(size=n), "x": rng.normal(size=n), "a": a, "b": b})


def as_inst_eval() -> pd.DataFrame:
    """Rows, levels and types of lme4's InstEval."""
    rng, n = np.random.default_rng(5), 73_421
    frame = pd.DataFrame({"y": rng.integers(1, 6, n).astype(float)})
    for name, k in (("s", 2972), ("d", 1128), ("dept", 14), ("service", 2)):
        frame[name] = pd.Categorical.from_codes(rng.integers(0, k, n), [str(i) for i in range(k)])
    return frame


def held(arrays: Iterable[np.ndarray]) -> int:
    """Bytes of some arrays, those that share their memory once."""
    owners = {id(owner): owner for owner in (array if array.base is None else array.base for array in arrays)}
    return sum(owner.nbytes for owner in owners.values())


@pytest.mark.parametrize(
    ("formula", "data"),
    [
        ("y ~ x + (1 | a) + (1 | b)", lambda: crossed(1_000_000)),
        ("y ~ x + (x | a) + (1 | b)", lambda: crossed(200_000)),
        ("y ~ service + (1 | s) + (1 | d) + (1 | dept:service)", as_inst_eval),
    ],
    ids=["a million rows, two crossed factors", "a slope", "the layout of InstEval"],
)
def test_memory_is_that_of_the_data_and_the_design(formula: str, data) -> None:
    frame = data()
    used = frame[list(parse(formula).columns)]
    tracemalloc.start()
    try:
        made = model_frame(parse(formula), frame)
        design = build(made)
        Z = design.Z
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    n, q = Z.shape
    columns = [getattr(column, "codes", column) for column in made.columns.values()]
    terms = [part for term in design.terms for part in (term.X, term.codes)]
    results = held([made.y, made.rows, *columns, design.y, design.X, *terms, Z.data, Z.indices, Z.indptr])
    results += sum(sys.getsizeof(level) for term in design.terms for level in term.levels)
    given = int(used.memory_usage(index=False, deep=False).sum())
    assert peak + given <= MOST * (results + given)
    assert Z.nnz <= n * sum(len(term.columns) for term in design.terms)
    assert peak < n * q, "a dense matrix would take eight times that"
