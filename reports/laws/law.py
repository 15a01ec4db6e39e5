"""The laws: what an engine must answer to a changed problem, given what the unchanged one has for an answer.

In all of them V = sigma^2 (Z Lambda Lambda' Z' + W^-1), and the criterion is -2 log of the likelihood of y, or of its
error contrasts under REML, which adds log|X' V^-1 X|: a change of basis X B adds 2 log|det B| to that, and to nothing
else (Harville 1974). Whatever leaves the set of all V, the span of X and y as they are leaves ML as it is.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from relmer.reports.laws.balanced import anova, is_balanced
from relmer.reports.laws.problem import Problem, design
from relmer.solver.arrays import Array

SEED = 20261126
INTERCEPT = "(Intercept)"
Coefficients = Mapping[str, float]


def nothing(problem: Problem) -> float:
    """No change of the criterion."""
    return 0.0


def unchanged(problem: Problem) -> Problem:
    """The problem as it is."""
    return problem


def same(beta: Coefficients, problem: Problem) -> Coefficients:
    """The coefficients as they are."""
    return beta


@dataclass(frozen=True, kw_only=True)
class Law:
    """A law: min criterion(transformed) = factor * min criterion + change.

    Attributes
    ----------
    name
        As the command line calls it.
    says
        The equation, and why it holds.
    applies
        Whether it speaks of a problem.
    given, transformed
        The two problems, made of one.
    factor, change
        Of the criterion's minimum.
    at_most
        Whether the new minimum is only bounded by the old one.
    beta, sigma
        What becomes of the estimates; None where the law says nothing of them.
    closed
        The minimum itself, where it is known in closed form.
    at_zero
        Whether the closed form is that of the criterion at theta = 0, not of its minimum.
    """

    name: str
    says: str
    applies: Callable[[Problem], bool]
    transformed: Callable[[Problem], Problem]
    given: Callable[[Problem], Problem] = unchanged
    factor: float = 1.0
    change: Callable[[Problem], float] = nothing
    at_most: bool = False
    beta: Callable[[Coefficients, Problem], Coefficients] | None = same
    sigma: float | None = 1.0
    closed: Callable[[Problem], float] | None = None
    at_zero: bool = False


def shift(by: float) -> Law:
    """x + c spans with the intercept what x does, in X and in each (x | g): det B = 1."""

    def moved(beta: Coefficients, problem: Problem) -> Coefficients:
        return {**beta, INTERCEPT: beta[INTERCEPT] - by * sum(beta[x] for x in problem.movable)}

    return Law(
        name=f"shift{by:+g}",
        says=f"x + {by:g} for every covariate: the criterion is the same, the intercept less {by:g} of each slope",
        applies=lambda problem: bool(problem.movable),
        transformed=lambda problem: with_columns(problem, problem.movable, lambda x: x + by),
        beta=moved,
    )


def scale(by: float) -> Law:
    """c x: k columns of X times c, det B = c^k; the slopes of Z take 1 / c of theta."""

    def scaled(beta: Coefficients, problem: Problem) -> Coefficients:
        return {name: value / by if name in problem.movable else value for name, value in beta.items()}

    return Law(
        name=f"scale*{by:g}",
        says=f"{by:g} x for every covariate: ML is the same, REML 2 log {by:g} more for each, the slopes 1/{by:g}",
        applies=lambda problem: bool(problem.movable),
        transformed=lambda problem: with_columns(problem, problem.movable, lambda x: x * by),
        change=lambda problem: 2 * math.log(by) * len(problem.movable) * problem.reml,
        beta=scaled,
    )


def response(times: float, plus: float) -> Law:
    """a y + d: the density has a Jacobian of a for each of n rows, of n - p error contrasts; d goes into X."""

    def moved(beta: Coefficients, problem: Problem) -> Coefficients:
        return {name: times * value + plus * (name == INTERCEPT) for name, value in beta.items()}

    return Law(
        name=f"response*{times:g}{plus:+g}",
        says=f"{times:g} y + {plus:g} for y: the criterion 2 (n or n - p) log {times:g} more; beta and sigma follow",
        applies=lambda problem: problem.response in problem.frame and not {"0", "-1"} & {*problem.fixed},
        transformed=lambda problem: with_columns(problem, [problem.response], lambda y: times * y + plus),
        change=lambda problem: 2 * math.log(times) * degrees(problem),
        beta=moved,
        sigma=times,
    )


def degrees(problem: Problem) -> int:
    """n of ML, n - p of REML."""
    n, p = design(problem).X.shape
    return int(n) - int(p) * problem.reml


def with_columns(problem: Problem, names: Sequence[str], change: Callable[[pd.Series], pd.Series]) -> Problem:
    """The problem with other columns in the place of some."""
    changed = {name: change(problem.frame[name].astype(float)) for name in names}
    return replace(problem, frame=problem.frame.assign(**changed))


def along(problem: Problem) -> Problem:
    """y + X c: what error contrasts do not see."""
    return with_columns(problem, [problem.response], lambda y: y + design(problem).X @ steps(problem))


def steps(problem: Problem) -> Array:
    """c, which moves each coefficient by some spreads of y over the size of its column."""
    found = design(problem)
    size = np.maximum(np.abs(found.X).max(axis=0), np.finfo(float).tiny)
    return np.asarray(float(np.std(found.y)) * (1.0 + np.arange(found.X.shape[1]) % 3) / size)


def moved_along(beta: Coefficients, problem: Problem) -> Coefficients:
    """beta + c."""
    return {name: value + c for (name, value), c in zip(beta.items(), steps(problem), strict=True)}


def permuted(problem: Problem) -> Problem:
    """The rows in another order."""
    order = np.random.default_rng(SEED).permutation(len(problem.frame))
    return replace(problem, frame=problem.frame.iloc[order].reset_index(drop=True))


def relabelled(problem: Problem) -> Problem:
    """Every grouping factor with other labels, in the opposite order."""
    codes = {name: pd.factorize(problem.frame[name].astype(str), sort=True)[0] for name in problem.groups}
    labels = {name: [f"new{9999 - k}" for k in found] for name, found in codes.items()}
    return replace(problem, frame=problem.frame.assign(**labels))


def doubled(problem: Problem) -> Problem:
    """All rows twice, the second time in groups of their own."""
    second = problem.frame.assign(**{name: problem.frame[name].astype(str) + " again" for name in problem.groups})
    first = problem.frame.assign(**{name: problem.frame[name].astype(str) for name in problem.groups})
    return replace(problem, frame=pd.concat([first, second], ignore_index=True))


def grouped_apart(problem: Problem) -> bool:
    """Whether no column that groups has another part in the model: then its labels mean nothing."""
    fixed = {word for text in (*problem.fixed, *problem.bars) for word in re.findall(r"[\w.]+", text.split("|")[0])}
    return bool(problem.groups) and fixed.isdisjoint(problem.groups)


def reordered(problem: Problem) -> Problem:
    """The terms from the last to the first, those of random effects before the others."""
    terms = [*reversed(problem.bars), *reversed(problem.fixed)]
    return replace(problem, formula=f"{problem.response} ~ {' + '.join(terms)}")


def weighted(problem: Problem, weight: float) -> Problem:
    """Weights of 1 to 3 by row, times a constant."""
    rows = 1.0 + np.arange(len(problem.frame)) % 3
    return replace(problem, frame=problem.frame.assign(w_=weight * rows), weights="w_")


NEST = re.compile(r"\(([^|()]*)\| *(\w+)/(\w+)\)")
SPLIT = re.compile(r"\((\w+) *\|\| *(\w+)\)")
SLOPE = re.compile(r"(?<!\w)\((\w+) *\| *(\w+)\)")


def rewritten(pattern: re.Pattern[str], into: str) -> Callable[[Problem], Problem]:
    """Spell the formula otherwise."""
    return lambda problem: replace(problem, formula=pattern.sub(into, problem.formula))


def factor_of(problem: Problem) -> str:
    """The first factor that stands alone in the fixed effects, with an intercept; empty if none does."""
    if {"0", "-1"} & {*problem.fixed} or problem.contrasts:
        return ""
    texts = problem.frame.select_dtypes(exclude="number").columns
    ordered = [n for n in texts if getattr(problem.frame[n].dtype, "ordered", False)]
    words = " ".join([*problem.fixed, *(bar.split("|")[0] for bar in problem.bars)])
    return next((n for n in problem.fixed if n in texts and n not in ordered and words.split().count(n) == 1), "")


def treatment_to_sum(problem: Problem) -> float:
    """[1 | contr.treatment] of k levels is unit triangular, |det [1 | contr.sum]| = k: det B = k."""
    return 2 * math.log(problem.frame[factor_of(problem)].nunique()) * problem.reml


def with_noise(problem: Problem) -> Problem:
    """One more covariate in X."""
    z = np.random.default_rng(SEED).normal(size=len(problem.frame))
    return replace(
        problem, frame=problem.frame.assign(z_=z), formula=f"{problem.response} ~ z_ + {problem.formula.split('~')[1]}"
    )


def least_squares(problem: Problem) -> float:
    """d (1 + log(2 pi rss / d)), with d = n or n - p, and log|X'X| under REML: the criterion of V = sigma^2 I."""
    found, d = design(problem), degrees(problem)
    Q, R = np.linalg.qr(found.X)
    residual = found.y - Q @ (Q.T @ found.y)
    extra = 2 * float(np.log(np.abs(np.diagonal(R))).sum()) * problem.reml
    return d * (1 + math.log(2 * math.pi * float(residual @ residual) / d)) + extra


LAWS = (
    *(shift(by) for by in (100.0, 2010.0, 16436.0)),
    *(scale(by) for by in (1e3, 1e6, 1e-6)),
    response(1000.0, 0.0),
    response(1.0, 1000.0),
    Law(
        name="projection",
        says="y + Xc for y: error contrasts see y off the span of X alone; the criterion is the same, beta is c more",
        applies=lambda problem: problem.response in problem.frame,
        transformed=along,
        beta=moved_along,
    ),
    Law(
        name="rows",
        says="the rows in another order: everything is the same, for V, X and y are permuted alike",
        applies=lambda problem: True,
        transformed=permuted,
    ),
    Law(
        name="labels",
        says="other labels of the groups, in another order: the columns of Z are permuted, ZGZ' is the same",
        applies=grouped_apart,
        transformed=relabelled,
    ),
    Law(
        name="terms",
        says="the terms in another order: the columns of X and Z are permuted, |det B| = 1",
        applies=lambda problem: not any("*" in term or ":" in term for term in problem.fixed),
        transformed=reordered,
    ),
    Law(
        name="contrasts",
        says="contr.sum for contr.treatment of k levels: ML is the same, REML 2 log k more",
        applies=lambda problem: bool(factor_of(problem)),
        transformed=lambda problem: replace(problem, contrasts={factor_of(problem): "contr.sum"}),
        change=treatment_to_sum,
        beta=None,
    ),
    Law(
        name="weights",
        says="weights times 4 (of 1, 2 and 3 by row): V is the same at sigma times 2, theta by 2: so is the criterion",
        applies=lambda problem: not problem.weights,
        given=lambda problem: weighted(problem, 1.0),
        transformed=lambda problem: weighted(problem, 4.0),
        sigma=2.0,
    ),
    Law(
        name="nested",
        says="(… | a) + (… | a:b) for (… | a/b): the same model",
        applies=lambda problem: bool(NEST.search(problem.formula)),
        transformed=rewritten(NEST, r"(\1| \2) + (\1| \2:\3)"),
    ),
    Law(
        name="split",
        says="(1 | g) + (0 + x | g) for (x || g): the same model",
        applies=lambda problem: (
            all(pd.api.types.is_numeric_dtype(problem.frame[x]) for x, _ in SPLIT.findall(problem.formula))
            and bool(SPLIT.search(problem.formula))
        ),
        transformed=rewritten(SPLIT, r"(1 | \2) + (0 + \1 | \2)"),
    ),
    Law(
        name="twice",
        says="ML of all rows twice, in new groups: the likelihood is squared; theta, beta and sigma are the same",
        applies=lambda problem: not problem.reml and grouped_apart(problem),
        transformed=doubled,
        factor=2.0,
    ),
    Law(
        name="more",
        says="ML with one more covariate: a minimum over more is no higher",
        applies=lambda problem: not problem.reml,
        transformed=with_noise,
        at_most=True,
        beta=None,
        sigma=None,
    ),
    Law(
        name="cs",
        says="cs(x | g) for (x | g): of two columns, two variances and a correlation are all there is",
        applies=lambda problem: (
            len(problem.bars) == 1
            and all(x in problem.covariates for x, _ in SLOPE.findall(problem.formula))
            and bool(SLOPE.search(problem.formula))
        ),
        transformed=rewritten(SLOPE, r"cs(\1 | \2)"),
    ),
    Law(
        name="zero",
        says="the criterion at theta = 0 is that of least squares",
        applies=lambda problem: not problem.weights,
        transformed=unchanged,
        closed=least_squares,
        at_zero=True,
        beta=None,
        sigma=None,
    ),
    Law(
        name="balanced",
        says="a balanced layout, crossed, nested or of one term: the minimum is known in closed form",
        applies=is_balanced,
        transformed=unchanged,
        closed=anova,
        beta=None,
        sigma=None,
    ),
)
