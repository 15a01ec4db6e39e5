"""Faults of rung 2: other random effects; the wrong model is fitted as it should be."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np

from relmer.reference.answers import Answer, fingerprint
from relmer.solver.model import RandomTerm

from .court import Court
from .data import single
from .fault import FREE, GROUPED, SLOPES, TERMS, Fault, Where, table
from .fixed_effects import MIRRORED
from .reading import COVARIATE, by_formula, fixed_numbers

NESTED = re.compile(r"\(([^()|]*)\| *([\w.]+)/([\w.]+)\)")


CROSSED = re.compile(r"\(1 \| (\w+)\) \+ \(1 \| (\w+)\)")


def of_terms(change: Callable[[Court], list[RandomTerm]]) -> Callable[[Court], Answer | None]:
    """Other terms."""
    return lambda court: court.builds(terms=tuple(change(court)))


def narrowed(term: RandomTerm, places: list[int]) -> RandomTerm:
    """Some columns of a term, in an order."""
    return replace(term, columns=tuple(term.columns[k] for k in places), X=term.X[:, places])


def widest(court: Court) -> int:
    """Which term has the most columns."""
    return int(np.argmax(court.widths))


def of_widest(change: Callable[[RandomTerm], list[RandomTerm]]) -> Callable[[Court], Answer | None]:
    """What becomes of the term with the most columns."""

    def terms(court: Court) -> list[RandomTerm]:
        k, old = widest(court), court.design.terms
        return [*old[:k], *change(old[k]), *old[k + 1 :]]

    return of_terms(terms)


def apart(term: RandomTerm) -> list[RandomTerm]:
    """Every column a term of its own: the correlations are left out."""
    return [narrowed(term, [k]) for k in range(len(term.columns))]


def scaled(term: RandomTerm, change: Callable[[np.ndarray], np.ndarray]) -> list[RandomTerm]:
    """Another last column of a term."""
    X = term.X.copy()
    X[:, -1] = change(X[:, -1])
    return [replace(term, X=X)]


def slopes_of_another(court: Court) -> list[RandomTerm]:
    """The columns of the widest term given to the factor of another."""
    terms, k = court.design.terms, widest(court)
    other = (k + 1) % len(terms)
    exchanged = {k: replace(terms[k], columns=terms[other].columns, X=terms[other].X)}
    exchanged[other] = replace(terms[other], columns=terms[k].columns, X=terms[k].X)
    return [exchanged.get(j, term) for j, term in enumerate(terms)]


HAS_NESTED = Where("a factor is nested in another", lambda c: bool(NESTED.search(c.formula)))


HAS_CROSSED = Where("factors are crossed", lambda c: bool(CROSSED.search(c.formula)))


NOT_SINGLE_Z = SLOPES & Where(
    "single precision cannot hold Z",
    lambda c: any(bool(np.any(single(term.X) != term.X)) for term in c.design.terms),
)


SEVERAL_GROUPS = TERMS & FREE & Where("their columns differ", lambda c: len({t.columns for t in c.design.terms}) > 1)


DIFFERENT_SIZES = TERMS & Where(
    "their factors have other numbers of levels",
    lambda c: any(len(a.levels) != len(b.levels) for a, b in pairwise(c.design.terms)),
)


def of_Z_faults() -> Iterator[Fault]:
    """Other random effects."""
    yield from table(
        2,
        [
            ("a term left out", "has no ", TERMS, of_terms(lambda c: [*c.design.terms[:-1]]), "theta"),
            ("the correlations left out", r"has no \S+\.\S+\.\S+", SLOPES, of_widest(apart), "theta"),
            (
                "the intercept of a term left out",
                r"has no ",
                SLOPES,
                of_widest(lambda t: [narrowed(t, [*range(1, len(t.columns))])]),
                "theta",
            ),
            (
                "the last slope of a term left out",
                "has no ",
                SLOPES,
                of_widest(lambda t: [narrowed(t, [*range(len(t.columns) - 1)])]),
                "theta",
            ),
            ("all slopes of a term left out", "has no ", SLOPES, of_widest(lambda t: [narrowed(t, [0])]), "theta"),
            (
                "a random slope too many",
                "with .* in |against",
                COVARIATE
                & GROUPED
                & Where("a factor has an intercept alone", lambda c: bool(re.search(r"\(1 \|", c.formula))),
                by_formula(lambda c: re.sub(r"\(1 \|", f"({fixed_numbers(c)[0]} |", c.formula, count=1)),
                "terms",
            ),
            (
                "columns of a term in reverse order",
                "against|without|order",
                SLOPES,
                of_widest(lambda t: [narrowed(t, [*reversed(range(len(t.columns)))])]),
                "terms",
            ),
            (
                "columns of a term in reverse order, under their old names",
                "another order|reverse order|differs in",
                SLOPES,
                of_widest(lambda t: [replace(t, X=t.X[:, ::-1])]),
                "Z",
            ),
        ],
    )
    changes: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
        "with the other sign": (np.negative, MIRRORED),
        "times 10": (lambda x: 10 * x, "times 10"),
        "about its mean": (lambda x: x - x.mean(), "about its mean"),
    }
    for told, (change, words) in changes.items():
        yield Fault(f"the last slope {told}", 2, words, SLOPES, of_widest(partial(scaled, change=change)), "Z")
    yield from table(
        2,
        [
            (
                "Z in single precision",
                "single precision",
                NOT_SINGLE_Z,
                of_terms(lambda c: [replace(t, X=single(t.X)) for t in c.design.terms]),
                "Z",
            ),
            (
                "nested read as crossed",
                "against|without|order",
                HAS_NESTED,
                by_formula(lambda c: NESTED.sub(r"(\1| \2) + (\1| \3)", c.formula)),
                "terms",
            ),
            (
                "the outer factor of a nest left out",
                "has no ",
                HAS_NESTED,
                by_formula(lambda c: NESTED.sub(r"(\1| \2:\3)", c.formula)),
                "theta",
            ),
            (
                "crossed read as nested",
                "against|without|order",
                HAS_CROSSED,
                by_formula(lambda c: CROSSED.sub(r"(1 | \2) + (1 | \1:\2)", c.formula)),
                "terms",
            ),
            (
                "terms in another order",
                "against|without|order",
                DIFFERENT_SIZES,
                of_terms(lambda c: [*reversed(c.design.terms)]),
                "terms",
            ),
            (
                "a term's columns given to another factor",
                "without .* and with|against",
                SEVERAL_GROUPS,
                of_terms(slopes_of_another),
                "terms",
            ),
            ("theta's names in reverse order", "against|without|order", SLOPES, names_reversed, "theta names"),
            ("b by column in Z", "differ|against|order", SLOPES, by_column, "Z"),
        ],
    )


def names_reversed(court: Court) -> Answer:
    """An engine whose theta stands in reverse order, and says so."""
    model = court.honest.model
    assert model is not None and model.theta_names is not None
    return replace(court.honest, model=replace(model, theta_names=model.theta_names[::-1]))


def by_column(court: Court) -> Answer | None:
    """An engine whose Z has a term's columns one after the other, within each the levels."""
    model, places, first = court.honest.model, [], 0
    for term in court.design.terms:
        size = len(term.levels) * len(term.columns)
        places.append(first + np.arange(size).reshape(len(term.levels), -1).T.ravel())
        first += size
    Z = court.design.Z[:, np.concatenate(places)]
    assert model is not None
    return replace(court.honest, model=replace(model, Z=fingerprint(Z)))


FAULTS = (*of_Z_faults(),)
