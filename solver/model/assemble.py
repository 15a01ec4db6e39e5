"""y, X and terms to a design: dependent columns of X are dropped, and terms that no data could tell apart refused."""

from collections.abc import Sequence

from relmer.solver.algebra import full_rank_columns
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.model.design import Design
from relmer.solver.model.term import RandomTerm


def assemble(
    y: Array,
    X: Array,
    names: Sequence[str],
    terms: tuple[RandomTerm, ...],
    weights: Array | None = None,
    offset: Array | None = None,
) -> Design:
    """Design of a response (n,), columns X (n, k) with their names, and random-effects terms, checked as by lme4.

    Raises
    ------
    ModelError
        A grouping factor has one level, or as many as there are rows; a term has as many random effects as there
        are rows; there are no more rows than coefficients.
    """
    kept = full_rank_columns(X)
    n = len(y)
    for term in terms:
        check_term(term, n)
    if n <= len(kept):
        raise ModelError(f"{n} rows do not determine {len(kept)} coefficients; give more rows or fewer fixed effects")
    whole = len(kept) == len(names)
    return Design(
        y=y,
        X=X if whole else X[:, kept],
        terms=terms,
        coefficients=tuple(names[k] for k in kept),
        weights=weights,
        offset=offset,
        dropped=tuple(name for k, name in enumerate(names) if k not in set(kept)),
    )


def check_term(term: RandomTerm, n: int) -> None:
    """Refuse a random-effects term that n rows cannot tell from the residual."""
    levels, width = len(term.levels), len(term.columns)
    if levels < 2:
        raise ModelError(f"grouping factor {term.group} has one level; it needs at least two, or leave the term out")
    if levels >= n:
        raise ModelError(
            f"grouping factor {term.group} has {levels} levels for {n} rows; levels must be fewer than rows"
        )
    if levels * width >= n:
        raise ModelError(
            f"term ({' + '.join(term.columns)} | {term.group}) has {levels * width} random effects for {n} rows; "
            "they must be fewer than rows: leave out a slope"
        )
