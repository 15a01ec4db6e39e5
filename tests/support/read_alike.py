"""Whether a formula is read here as lme4 reads it: rows, y, X, offset, names, random terms, their levels and order."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

import numpy as np
import pandas as pd

from relmer.solver.errors import ModelError
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import ModelFrame, model_frame
from relmer.solver.language.matrix import fixed_matrix, random_terms

EPS = np.finfo(float).eps
ROUNDED = 1e-13
"""Of the largest value of a column: R's own error in the columns that it rounds (poly, splines, scale, means), whose
condition here is below 300, at a few units in the last place each."""
# Elementary functions, sums, and contr.poly.
ROUNDS = re.compile(
    r"\b(poly|ns|bs|scale|mean|sd|var|sum|log|log10|log1p|expm1|exp)\(|\ba?(sin|cos|tan)h?\("
    # Polynomial contrasts, and those that are completed.
    r"|contr\.poly|\bo\b|ordered|\bC\(\w+, (c|cbind)\("
)


class Outcome(Enum):
    """How two readings stand to each other."""

    SAME = "read alike"
    BOTH_REFUSE = "refused by both"
    REFUSED_HERE = "refused here alone"
    ACCEPTED_HERE = "accepted here alone"
    DIFFERENT = "read differently"


def columns_of(told: dict[str, Any]) -> list[np.ndarray]:
    """The columns of an answer of `lformula.Reader`, as numbers."""
    return [np.array(column.replace("NA", "nan").split(), dtype=float) for column in told["columns"]]


def compared(text: str, frame: pd.DataFrame, answer: dict[str, Any], columns: list[np.ndarray]) -> tuple[Outcome, str]:
    """How our reading stands to lme4's, and what to say of it."""
    try:
        made = model_frame(parse(text), frame)
        fixed, terms = fixed_matrix(made), random_terms(made)
    except ModelError as error:
        if "error" in answer:
            return Outcome.BOTH_REFUSE, f"{error} / {answer['error']}"
        return Outcome.REFUSED_HERE, str(error)
    if "error" in answer:
        return Outcome.ACCEPTED_HERE, str(answer["error"])
    found = next(differences(text, made, fixed, terms, answer, columns), None)
    return (Outcome.SAME, "") if found is None else (Outcome.DIFFERENT, found)


def differences(
    text: str, made: ModelFrame, fixed: Any, terms: Any, answer: dict[str, Any], columns: list[np.ndarray]
) -> Iterator[str]:
    """Yield what differs, in words."""
    X, names = fixed
    if made.rows.tolist() != columns[answer["rows"]].tolist():
        yield "rows"
        return
    yield from unequal(text, "y", made.y, columns[answer["y"]])
    if list(names) != answer["names"]:
        yield f"names {list(names)} {answer['names']}"
        return
    beside = largest(X)
    for j, place in enumerate(answer["X"]):
        yield from unequal(text, f"X {names[j]}", X[:, j], columns[place], beside)
    ours = made.offset if made.offset is not None else np.empty(0)
    yield from unequal(text, "offset", ours, columns[answer["offset"][0]])
    if [term.group for term in terms] != [term["group"] for term in answer["random"]]:
        yield f"groups {[term.group for term in terms]} {[term['group'] for term in answer['random']]}"
        return
    for term, expected in zip(terms, answer["random"], strict=True):
        if list(term.columns) != expected["columns"]:
            yield f"columns of {term.group} {list(term.columns)} {expected['columns']}"
            return
        if list(term.levels) != expected["levels"]:
            yield f"levels of {term.group} {list(term.levels)[:8]} {expected['levels'][:8]}"
        if term.codes.tolist() != columns[expected["codes"]].tolist():
            yield f"codes of {term.group}"
        beside = largest(term.X)
        for j, place in enumerate(expected["X"]):
            yield from unequal(text, f"column {term.columns[j]} of {term.group}", term.X[:, j], columns[place], beside)


def largest(X: np.ndarray) -> float:
    """The largest size in a matrix, at least that of a contrast."""
    return float(np.abs(X[np.isfinite(X)]).max(initial=1))


def unequal(text: str, what: str, actual: np.ndarray, expected: np.ndarray, beside: float = 1) -> Iterator[str]:
    """Yield what differs: to the bit, but where R itself rounds.

    A contrast that is 0 in theory is some eps in R; times a covariate it is some eps of the largest value beside it,
    however small the rest of its column.
    """
    rounded = max(ROUNDED * np.abs(expected).max(initial=0), 4 * EPS * beside)
    allowance = rounded if ROUNDS.search(text) else 0
    if actual.shape != expected.shape:
        yield f"{what}: {actual.size} values for {expected.size}"
    elif not np.all(np.abs(actual - expected) <= allowance):
        yield f"{what}: off by {np.abs(actual - expected).max():.3g}"
