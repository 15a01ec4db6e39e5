"""The minimum of a balanced layout's criterion, by the rational closed form of its analysis of variance."""

from relmer.reference.exact import Layout, NotExact, Term, estimates, rational
from relmer.reports.laws.problem import Problem, design

# Fractions of n rows have denominators that grow with n; no balanced case has more.
MOST_ROWS = 300


def anova(problem: Problem) -> float:
    """The minimum, of which `relmer.reference.exact.balanced` has the proof.

    Raises
    ------
    NotExact
        The layout has no rational closed form.
    """
    if problem.weights or len(problem.frame) > MOST_ROWS:
        raise NotExact("it has weights, or too many rows")
    found = design(problem)
    if not found.terms or not all(term.is_free for term in found.terms):
        raise NotExact("a term's covariances have a structure, or there is none")
    layout = Layout(
        y=rational(found.y),
        X=tuple(rational(row) for row in found.X),
        coefficients=tuple(found.coefficients),
        terms=tuple(
            Term(term.group, tuple(term.codes.tolist()), term.columns, tuple(rational(row) for row in term.X))
            for term in found.terms
        ),
    )
    return float(estimates.exact(layout, problem.reml).criterion.decimal(30))


def is_balanced(problem: Problem) -> bool:
    """Whether the minimum is known in closed form.

    Examples
    --------
    >>> from relmer.datasets import cases
    >>> from relmer.reports.laws.problem import problem_of
    >>> [is_balanced(problem_of(cases(name)[0])) for name in ("pastes/reml", "docs/star-sample")]
    [True, False]
    """
    try:
        anova(problem)
    except NotExact:
        return False
    return True
