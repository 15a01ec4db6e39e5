"""Known slips that make another criterion of the same data: which one gives the values that an engine says.

Another method, weights or offset that are left out or misread, a part of the criterion that is lost or counted
otherwise, a theta whose entries stand elsewhere. Each is computed at every theta at which the engine was asked; it is
the cause only if it gives all of them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import permutations

import numpy as np

from relmer.reports.evidence import tolerances
from relmer.reports.evidence.conditioning import rounding_at
from relmer.reports.evidence.landscape import Landscape, model_at
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.model import Design, is_structured
from relmer.solver.paths import Solution, criterion, degrees_of_freedom, prepare, solve_at

# A slip is the cause only if it leaves no more than this of the difference.
EXPLAINED = 1e-3
# Columns of a term that are tried in every order.
MOST_PERMUTED = 3
Reading = Callable[[Array], Array]
Formula = Callable[[Design, Solution, bool], float]


@dataclass(frozen=True)
class Slip:
    """A slip: how it is told, the design and method that it takes, as what it reads theta, how it puts all together."""

    told: str
    design: Design
    REML: bool
    reads: Reading
    formula: Formula = criterion


def misread(view: Landscape, thetas: Sequence[Sequence[float]], said: Array, wanted: Array) -> str:
    """Name the slip that gives what an engine says at some theta; empty if none gives all of it.

    Parameters
    ----------
    view
        Whose model it is.
    thetas
        Theta at which the criterion was asked.
    said, wanted
        What the engine said there, and the definition.
    """
    if not all(map(view.takes, thetas)) or not np.all(np.isfinite(said)):
        return ""
    known_to = np.maximum([rounding_at(view, theta) for theta in thetas], tolerances.EVALUATION)
    bounds = np.minimum(known_to, EXPLAINED * np.abs(said - wanted).max())
    for slip in slips(view):
        try:
            solved = solver_of(view, slip.design)
            values = (
                slip.formula(slip.design, solved(slip.reads(np.array(theta, dtype=float))), slip.REML)
                for theta in thetas
            )
            if all(abs(value - one) <= bound for value, one, bound in zip(values, said, bounds, strict=True)):
                return slip.told
        except (ModelError, ArithmeticError, np.linalg.LinAlgError):
            continue
    return ""


def solver_of(view: Landscape, design: Design) -> Callable[[Array], Solution]:
    """What solves a design at a theta: the landscape, which remembers, if it is its own."""
    if design is view.fit.design:
        return lambda theta: model_at(view, theta.tolist()).solution
    return partial(solve_at, prepare(design, "pls"))


def slips(view: Landscape) -> Iterator[Slip]:
    """The slips that the model leaves room for."""
    design, REML = view.fit.design, view.fit.REML
    other = "ML" if REML else "REML"
    yield Slip(f"by {other}, not by {'REML' if REML else 'ML'}", design, not REML, np.asarray)
    for told, changed in misused(design):
        yield Slip(told, changed, REML, np.asarray)
    for told, formula in formulas(design, REML):
        yield Slip(told, design, REML, np.asarray, formula)
    if not is_structured(design.terms):
        for told, reads in readings([len(term.columns) for term in design.terms], view.fit.sigma):
            yield Slip(told, design, REML, reads)


def misused(design: Design) -> Iterator[tuple[str, Design]]:
    """The designs in which offset or weights are left out, or used in another way."""
    if design.offset is not None:
        yield "without the offset", replace(design, offset=None)
        yield "with the offset added, not taken off", replace(design, offset=-design.offset)
    if (w := design.weights) is not None:
        for told, weights in (
            ("without the weights", None),
            ("with the weights squared", w**2),
            ("with the roots of the weights", np.sqrt(w)),
            ("with the weights as variances", 1 / w),
            ("with the weights over their mean", w / w.mean()),
        ):
            yield told, replace(design, weights=weights)
        if design.offset is not None:
            yield "without weights and offset", replace(design, weights=None, offset=None)


def formulas(design: Design, REML: bool) -> Iterator[tuple[str, Formula]]:
    """How the criterion may be put together, beside as it is (theory.md, 8).

    Its parts are log|L|^2, under REML log|RX|^2, and d (1 + log(2 pi pwrss / d)), pwrss with the penalty |u|^2.
    """

    def plus(log_L: float = 0.0, log_RX: float = 0.0, penalty: float = 0.0, divisor: int = 0) -> Formula:
        def formula(design: Design, at: Solution, REML: bool) -> float:
            d = degrees_of_freedom(design, REML)
            other, pwrss = d + divisor, at.pwrss + penalty * float(at.u @ at.u)
            if min(other, pwrss) <= 0:
                raise ArithmeticError("no logarithm")
            profiled = (e * (1 + np.log(2 * np.pi * of / e)) for e, of in ((other, pwrss), (d, at.pwrss)))
            changed = log_L * at.logdet_L + log_RX * at.logdet_RX + float(np.subtract(*profiled))
            return criterion(design, at, REML) + changed

        return formula

    p = design.X.shape[1]
    if REML:
        yield "without log|RX|²", plus(log_RX=-1.0)
        yield "with half of log|RX|²", plus(log_RX=-0.5)
        yield "with log|RX|² taken off, not added", plus(log_RX=-2.0)
        yield "with n for n - p", plus(divisor=p)
        yield "with n - p - 1 for n - p", plus(divisor=-1)
    else:
        yield "with log|RX|² added, as REML has it", plus(log_RX=1.0)
        yield "with n - p for n", plus(divisor=-p)
        yield "with n - 1 for n", plus(divisor=-1)
    yield "with half of log|L|²", plus(log_L=-0.5)
    yield "without log|L|²", plus(log_L=-1.0)
    yield "with twice log|L|²", plus(log_L=1.0)
    yield "without the penalty |u|²", plus(penalty=-1.0)
    yield "with the penalty |u|² twice", plus(penalty=1.0)


def readings(widths: Sequence[int], sigma: float) -> Iterator[tuple[str, Reading]]:
    """As what theta may be read, beside the lower triangle of T by columns."""
    by_columns = [[(i, j) for j in range(c) for i in range(j, c)] for c in widths]

    def term_by_term(change: Callable[[Array], Array], by_rows: bool = False) -> Reading:
        def read(theta: Array) -> Array:
            found, rest = [], iter(theta.tolist())
            for c, at in zip(widths, by_columns, strict=True):
                T = np.zeros((c, c))
                for place in sorted(at) if by_rows else at:
                    T[place] = next(rest)
                made = change(T)
                found += [made[place] for place in at]
            return np.array(found)

        return read

    if any(c > 2 for c in widths):
        yield "of a theta that is read by rows, not by columns", term_by_term(np.asarray, by_rows=True)
    if any(c > 1 for c in widths):
        yield "of the transpose of T", term_by_term(lambda T: lower_root(T.T @ T))
        yield "of T without its entries below the diagonal", term_by_term(lambda T: np.diag(np.diag(T)))
        for order in list(permutations(range(max(widths))))[1:] if max(widths) <= MOST_PERMUTED else []:
            told = ", ".join(str(k + 1) for k in order)
            yield f"of the columns of a term in the order {told}", term_by_term(partial(reordered, order))
    yield (
        "of theta as the lower triangle of G / sigma^2, not of T",
        term_by_term(lambda T: lower_root(T + np.tril(T, -1).T)),
    )
    yield "of theta in the units of the response, not of sigma", lambda theta: theta / sigma


def reordered(order: Sequence[int], T: Array) -> Array:
    """The factor of a term whose columns stand in another order; of a narrower term as far as it has them."""
    own = [k for k in order if k < len(T)]
    return lower_root((T @ T.T)[np.ix_(own, own)])


def lower_root(G: Array) -> Array:
    """The lower triangular T, T T' = G, with a diagonal that is not negative, of a matrix that may be singular.

    Raises
    ------
    ArithmeticError
        G has a negative eigenvalue: there is none.
    """
    values, vectors = np.linalg.eigh(G)
    if values[0] < -tolerances.EVALUATION * max(values[-1], 0.0) or values[-1] < 0:
        raise ArithmeticError("no covariance matrix")
    R: Array = np.asarray(np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0.0))).T, mode="r"), dtype=float)
    signs: Array = np.where(np.diag(R) < 0, -1.0, 1.0)
    return np.asarray(R.T * signs)
