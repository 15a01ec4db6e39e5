"""From a model frame to a design."""

from relmer.solver.algebra.rank import full_rank_columns
from relmer.solver.errors import ModelError
from relmer.solver.language.frame import ModelFrame
from relmer.solver.language.matrix import fixed_matrix, random_terms
from relmer.solver.model.design import Design, check_term


def build(frame: ModelFrame) -> Design:
    """Design of a model frame, checked as lme4 checks it.

    Raises
    ------
    ModelError
        A grouping factor has one level, or as many as there are rows; a term has as many random effects as there
        are rows; there are no more rows than coefficients.
    """
    X, names = fixed_matrix(frame)
    kept = full_rank_columns(X)
    terms = random_terms(frame)
    n = len(frame.y)
    for term in terms:
        check_term(term, n)
    if n <= len(kept):
        raise ModelError(f"{n} rows do not determine {len(kept)} coefficients; give more rows or fewer fixed effects")
    whole = len(kept) == len(names)
    return Design(
        y=frame.y,
        X=X if whole else X[:, kept],
        terms=terms,
        coefficients=tuple(names[k] for k in kept),
        weights=frame.weights,
        offset=frame.offset,
        dropped=tuple(name for k, name in enumerate(names) if k not in set(kept)),
    )
