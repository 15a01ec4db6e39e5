"""The score: how many digits of an answer are right, where the others were lost, and whether its theta is the optimum.

An engine's error splits in two. Its optimiser stopped at some theta: the exact values there, less those of the proved
optimum, are what the optimiser lost. What the engine printed, less the exact values at its own theta, is what its
evaluation lost. The certificate gives the optimum; the values at the engine's theta come from an `Evaluator`.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

from relmer.datasets import case
from relmer.reference.answers import Answer, Estimates
from relmer.reference.certificates import Certificate, Value, in_order
from relmer.reports.evidence.digits import exact_digits
from relmer.reports.evidence.evaluation import Evaluator, evaluator_of
from relmer.reports.evidence.optimality import optimality
from relmer.reports.records import Score

# A double whose square is a double too; and a theta whose square, an entry of G, leaves squares of covariates a hundred
# powers of ten: theta goes with the scales of these and of weights.
LARGEST, LARGEST_THETA = 1e150, 1e100


def score(answer: Answer, certificate: Certificate, evaluator: Evaluator | None = None) -> Score:
    """Hold an answer against a certificate.

    Parameters
    ----------
    answer
        An engine's answer; it must have estimates.
    certificate
        That of the answer's case, or of the same model under another name. Its `double` reading counts, which is what
        an engine reads.
    evaluator
        What evaluates the model at the engine's theta, if it is at hand.

    Raises
    ------
    ValueError
        The answer is of another case, or has no estimates of this model.
    """
    estimates, reading = answer.estimates, certificate.double
    if estimates is None or not is_of(answer.case, certificate):
        raise ValueError(f"{answer.engine} on {answer.case}: no estimates of the model of {certificate.name}")
    if reason := mismatch(estimates, certificate):
        raise ValueError(f"{answer.engine} on {answer.case}: {reason}")
    proved = in_order(certificate, reading.values)
    mine = answered(estimates, [len(term.columns) for term in certificate.model.random])
    evaluator = evaluator or evaluator_of(certificate)
    at = evaluator.at(estimates.theta)
    (best,) = proved["criterion"]
    gap = at.criterion - best.exact
    found = optimality(evaluator.view, estimates.theta, float(gap))
    return Score(
        case=answer.case,
        engine=answer.engine,
        certificate=certificate.name,
        kind=reading.kind,
        level=reading.level,
        regular=reading.regular,
        digits={
            name: exact_digits(name, mine[name], [value.exact for value in wanted]) for name, wanted in proved.items()
        },
        evaluation={name: exact_digits(name, mine[name], wanted) for name, wanted in at.values.items()},
        distance=farthest(mine["theta"], proved["theta"]) if "theta" in proved else None,
        distance_G=farthest(mine["G"], proved["G"]),
        optimiser_error=float(gap),
        evaluation_error=float(Fraction(estimates.criterion) - at.criterion),
        uncertainty=rounded_up(at.uncertainty + best.error),
        evaluated=at.how,
        optimality=found.optimality,
        reason=found.reason,
    )


def is_of(name: str, certificate: Certificate) -> bool:
    """Whether a case is that of a certificate, or its model under another name."""
    if name == certificate.case:
        return True
    named = case(name)
    return not named.told and (named.formula, named.reml, named.dataset) == certificate.of


def mismatch(estimates: Estimates, certificate: Certificate) -> str:
    """Why estimates cannot be held against a certificate: not as many, or not finite; nothing if they can."""
    p, widths = len(certificate.coefficients), [len(term.columns) for term in certificate.model.random]
    m = sum(width * (width + 1) // 2 for width in widths)
    flat = [estimates.criterion, estimates.sigma, *(v for row in estimates.vcov for v in row)]
    for name, length in {"theta": m, "beta": p, "se": p, "varcomp": m}.items():
        given = getattr(estimates, name)
        flat += given
        if len(given) != length:
            return f"{name} has {len(given)} values, the certified model has {length}"
    if [len(row) for row in estimates.vcov] != [p] * p:
        return f"vcov is not {p} × {p}"
    if not all(abs(value) < LARGEST for value in flat):
        return f"an estimate is not a number below {LARGEST:g}"
    return "" if evaluable(estimates.theta) else f"theta is not a number below {LARGEST_THETA:g}"


def evaluable(theta: Sequence[float]) -> bool:
    """Whether the criterion can be evaluated at theta."""
    return all(abs(value) < LARGEST_THETA for value in theta)


def answered(estimates: Estimates, widths: Sequence[int]) -> dict[str, tuple[float | Fraction, ...]]:
    """What an engine says, in the order of the proved values; G = T T' of its theta is exact."""
    return {
        "theta": estimates.theta,
        "G": relative_covariances(estimates.theta, widths),
        "beta": estimates.beta,
        "sigma": (estimates.sigma,),
        "criterion": (estimates.criterion,),
        "se": estimates.se,
        "vcov": tuple(value for row in estimates.vcov for value in row),
        "varcomp": estimates.varcomp,
    }


def relative_covariances(theta: Sequence[float], widths: Sequence[int]) -> tuple[Fraction, ...]:
    """Lower triangles of T T', column by column, term after term: exact, of doubles.

    Examples
    --------
    >>> [str(entry) for entry in relative_covariances([1.0, 0.5, 2.0], [2])]
    ['1', '1/2', '17/4']
    """
    entries, rest = [], iter(map(Fraction, theta))
    for width in widths:
        cells = [(i, j) for j in range(width) for i in range(j, width)]
        T = dict(zip(cells, rest, strict=False))
        entries += [sum((T[i, k] * T[j, k] for k in range(j + 1)), Fraction(0)) for i, j in cells]
    return tuple(entries)


def farthest(mine: Sequence[float | Fraction], proved: Sequence[Value]) -> float:
    """Upper bound of the largest distance from the true values."""
    distances = (abs(Fraction(m) - p.exact) + p.error for m, p in zip(mine, proved, strict=True))
    return rounded_up(max(distances, default=Fraction(0)))


def rounded_up(value: Fraction) -> float:
    """A double that is not below the value.

    Examples
    --------
    >>> Fraction(rounded_up(Fraction(1, 3))) >= Fraction(1, 3)
    True
    """
    near = float(value)
    return near if Fraction(near) >= value else math.nextafter(near, math.inf)
