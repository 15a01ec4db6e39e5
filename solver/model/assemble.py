"""y, X and terms to a design: dependent columns of X are dropped, and terms that no data could tell apart refused."""

from collections.abc import Sequence

from relmer.solver.algebra import full_rank_columns
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.model.checks import Checks, check_sizes
from relmer.solver.model.design import Design
from relmer.solver.model.term import RandomTerm


def assemble(
    y: Array,
    X: Array,
    names: Sequence[str],
    terms: tuple[RandomTerm, ...],
    weights: Array | None = None,
    offset: Array | None = None,
    checks: Checks | None = None,
) -> Design:
    """Design of a response (n,), columns X (n, k) with their names, and random-effects terms, checked as by lme4.

    Raises
    ------
    ModelError
        A grouping factor has one level; there are no more rows than coefficients; or one of the checks fails.
    """
    kept = full_rank_columns(X)
    n = len(y)
    messages = check_sizes(terms, n, checks or Checks())
    if n <= len(kept):
        raise ModelError(f"{n} rows do not determine {len(kept)} coefficients; give more rows or fewer fixed effects")
    whole = len(kept) == len(names)
    if not whole:
        columns = (
            "1 column / coefficient"
            if len(names) == len(kept) + 1
            else f"{len(names) - len(kept)} columns / coefficients"
        )
        messages += (f"fixed-effect model matrix is rank deficient so dropping {columns}",)
    return Design(
        y=y,
        X=X if whole else X[:, kept],
        terms=terms,
        coefficients=tuple(names[k] for k in kept),
        weights=weights,
        offset=offset,
        dropped=tuple(name for k, name in enumerate(names) if k not in set(kept)),
        messages=messages,
    )
