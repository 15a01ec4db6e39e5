"""Why a printed figure differs from an engine's value: evidence that is computed, or no explanation.

Two things are asked of an explanation. The difference must be small enough for an optimiser's stop, in the units of
the criterion. And some fit must print the very digits: lme4's default fit, live or as it was recorded, or the fit at
one theta that gives all the random effects that the document prints. A figure whose digits nobody obtains disagrees.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy

from relmer.datasets import Case, free_of_fit, half_unit, may_print, number, outside, parse_key
from relmer.reference.answers import Answer, Estimates, recorded
from relmer.reference.engines import ORIGINAL
from relmer.reference.own_fits import estimates
from relmer.reference.published import Figure, figures
from relmer.reports.evidence import Landscape, criterion_at, figure, tolerances
from relmer.solver.algebra import root_by_columns
from relmer.solver.arrays import Array
from relmer.solver.fits import at_theta
from relmer.solver.model import Design, factors, is_structured, theta_near

# R's summary prints estimates of this size to three decimals; the authors of document 002 went on with those.
SUMMARY_DECIMALS = 3
ROUNDS = 3
STEP = 1e-4


@dataclass(frozen=True)
class Witness:
    """A fit that may give the printed digits: whose it is, what it estimates, its criterion by the definition."""

    name: str
    estimates: Estimates
    criterion: float


@dataclass(frozen=True)
class Account:
    """What may explain the printed figures of a case.

    Attributes
    ----------
    printed
        The ledger's figures of the case.
    witnesses
        Fits that may give the printed digits.
    printed_criterion
        The criterion at the printed covariance matrices, None where they are not printed.
    """

    printed: tuple[Figure, ...]
    witnesses: tuple[Witness, ...]
    printed_criterion: float | None


def account_of(case: Case, answers: Mapping[str, Answer], view: Landscape) -> Account:
    """Call the witnesses of a case; none are needed where this project's fit gives every printed digit."""
    printed = tuple(f for f in figures() if f.case == case.name)
    own = estimates(view.fit)
    of_fit = [f for f in printed if not free_of_fit(f.quantity)]
    differing = [f for f in of_fit if not prints(figure(view.fit.design, own, f.quantity), f.printed)]
    if not differing:
        return Account(printed, (), None)
    witnesses = default_fits(case, answers, view)
    stop = common_stop(view, [f for f in differing if parse_key(f.quantity)[0] == "b"])
    sigma = witnesses[0].estimates.sigma if witnesses else own.sigma
    theta = printed_theta(view, of_fit, sigma)
    at_printed = None if theta is None else criterion_at(view, theta)
    return Account(printed, (*witnesses, *stop), at_printed)


def prints(value: float, printed: str) -> bool:
    """Whether a value lies within half a unit of the last printed digit.

    Examples
    --------
    >>> prints(24.7449, "24.74"), prints(24.7451, "24.74")
    (True, False)
    """
    return may_print(value, printed, rounding=tolerances.EVALUATION)


def explanation(account: Account, view: Landscape, key: str, printed: str, of: Estimates, gap: float) -> str | None:
    """Say why an engine that stops `gap` above the optimum does not print these digits; None if nothing explains it."""
    design, remark, moved = view.fit.design, "", key
    if parse_key(key)[0] == "coef":
        of, moved = rounded(of), key.replace("coef[", "b[", 1)
        added = of.beta[design.coefficients.index(parse_key(key)[1][2])]
        remark = f"the document added the rounded fixed effect {added:g} to b, which gives {{:.10g}} here"
    value = figure(design, of, key)
    remark = remark.format(value)
    if remark and prints(value, printed):
        return remark
    implied = implied_gap(view, moved, outside(value, printed))
    if not implied <= max(tolerances.STOP * max(1, len(of.theta)), tolerances.SLACK**2 * gap):
        return None
    for witness in account.witnesses:
        said = rounded(witness.estimates) if remark else witness.estimates
        if prints(value := figure(design, said, key), printed):
            told = [f"{witness.name} gives {value:.10g}", criteria(account, witness, view)]
            return "; ".join([remark, *told] if remark else told) + f"; a gap of {implied:.1e} explains the difference"
    return None


def criteria(account: Account, witness: Witness, view: Landscape) -> str:
    """Tell the criterion at the printed covariances, at the witness and at the optimum."""
    optimum = view.fit.criterion
    at_printed = account.printed_criterion
    told = [f"at that fit {witness.criterion:.10f}, {witness.criterion - optimum:+.1e} from the optimum {optimum:.10f}"]
    if at_printed is not None:
        told.insert(0, f"at the printed covariances {at_printed:.10f}")
    return f"criterion {', '.join(told)}"


def implied_gap(view: Landscape, key: str, difference: float) -> float:
    """The smallest gap in the criterion whose ellipsoid of theta lets a figure move by `difference`."""
    if difference <= 0:
        return 0.0
    if key in ("criterion", "logLik"):
        return difference * (2 if key == "logLik" else 1)
    reach = float(view.sensitivity[key][0])
    return (difference / reach) ** 2 / 2 if reach > 0 else float("inf")


def rounded(of: Estimates) -> Estimates:
    """Round the fixed effects as R's summary prints them."""
    return replace(of, beta=tuple(round(value, SUMMARY_DECIMALS) for value in of.beta))


def default_fits(case: Case, answers: Mapping[str, Answer], view: Landscape) -> list[Witness]:
    """lme4's default fit as it is here, and as it was recorded if that is another."""
    found: dict[tuple[float, ...], Witness] = {}
    for said in (answers.get(ORIGINAL), recorded.read(ORIGINAL, case)):
        if said is None or said.estimates is None or not view.takes(said.estimates.theta):
            continue
        name = f"{ORIGINAL} {said.version}'s default fit{', recorded,' if said.recorded else ''}"
        theta = said.estimates.theta
        found.setdefault(theta, Witness(name, said.estimates, criterion_at(view, theta)))
    return list(found.values())


def common_stop(view: Landscape, printed: Sequence[Figure]) -> list[Witness]:
    """The fit at the one theta that comes closest, by its largest error, to all the printed random effects.

    The errors are made linear in theta, which makes the search a linear programme: least t with |r - J d| <= t, where
    every error is in units of its own last digit.
    """
    if len(printed) <= len(view.fit.theta) or is_structured(view.fit.design.terms):
        return []
    wanted = np.array([number(f.printed) for f in printed])
    unit = np.array([2 * half_unit(f.printed) for f in printed])

    def error(theta: Array) -> Array:
        said = estimates(at_theta(view.fit, theta))
        reached = np.array([figure(view.fit.design, said, f.quantity) for f in printed])
        return np.asarray((wanted - reached) / unit)

    theta = np.array(view.fit.optimum.theta)
    for _ in range(ROUNDS):
        J = [(error(theta - step) - error(theta + step)) / (2 * STEP) for step in STEP * np.eye(len(theta))]
        theta = theta + least_largest(np.column_stack(J), error(theta))
    said = estimates(at_theta(view.fit, theta))
    at = ", ".join(f"{value:.8f}" for value in said.theta)
    name = f"theta ({at}), where an earlier optimiser stopped,"
    return [Witness(name, said, criterion_at(view, said.theta))]


def least_largest(J: Array, r: Array) -> Array:
    """The d whose largest |r - J d| is least."""
    m, n = J.shape
    size = np.abs(J).max()
    bound = np.ones((m, 1))
    found = scipy.optimize.linprog(
        np.append(np.zeros(n), 1.0),
        A_ub=np.block([[-J / size, -bound], [J / size, -bound]]),
        b_ub=np.concatenate([-r, r]),
        bounds=[(None, None)] * n + [(0, None)],
    )
    step: Array = np.array(found.x, dtype=float)[:n] / size
    return step


def printed_theta(view: Landscape, printed: Sequence[Figure], sigma: float) -> tuple[float, ...] | None:
    """theta of the printed covariance matrices at a given sigma, None unless they are printed as a whole.

    A matrix of rank one may be indefinite as it is printed: what is negative under the root counts as zero.
    """
    given = {f.quantity: number(f.printed) for f in printed if parse_key(f.quantity)[0] == "G"}
    widths = [len(T) for T in factors(view.fit.design.terms, np.array(view.fit.optimum.theta))]
    blocks, first = [], 1
    for width in widths:
        at = range(first, first + width)
        G = np.array([[given.get(f"G[{i}, {j}]", np.nan) for j in at] for i in at])
        if np.isnan(G).any():
            return None
        blocks.append(root_by_columns(G / sigma**2))
        first += width
    return tuple(theta_near(view.fit.design.terms, blocks).tolist()) if blocks else None


def contradicted_size(design: Design, printed: Sequence[Figure], key: str, size: str) -> str | None:
    """Say that the size which heads a printed Z' is not that of the matrix under it, but of one with fewer rows.

    It must be the size that the first few rows of each level would give.
    """
    columns = [int(names[1]) for matrix, names in (parse_key(f.quantity) for f in printed) if matrix == "Zt"]
    n, levels = len(design.y), len(design.terms[0].levels) if design.terms else 1
    rows, rest = divmod(int(number(size)), levels)
    if key != "dim[Zt, 2]" or max(columns, default=0) != n or rest or not 0 < rows * levels < n:
        return None
    return (
        f"the matrix that is printed under this size has {n} columns, as here; {size} would be that of the first "
        f"{rows} rows of each of the {levels} levels"
    )
