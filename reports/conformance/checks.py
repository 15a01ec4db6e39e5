"""The checks, each callable alone: an engine as "mypkg.adapter:Engine" or a declared name, and the name of a case.

A check returns what it saw, raises `Broken` with one paragraph, or `NotClaimed` where the engine says nothing of the
kind. Tolerances are the judge's own: docs/tolerances.md has them, with their derivation.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from relmer.conformance.met import features, meet
from relmer.datasets import case as case_of
from relmer.reference.answers import Status
from relmer.reference.engines import participant
from relmer.reports.causes import Cause, causes, scale_of
from relmer.reports.records import RUNGS, Comparison, KnownFailure, Report
from relmer.reports.run import run, sources
from relmer.reports.verdicts import Verdict

SECONDS = 120.0
# Of a message, in an entry that expects it.
WORDS = 60


class Broken(AssertionError):
    """The engine is wrong, or failed; one paragraph says where, by how much, and what that usually means."""


class NotClaimed(Exception):
    """The engine does not claim what the check is about."""


@dataclass(frozen=True)
class Seen:
    """What a check saw where nothing is broken: `early` of stops above the optimum, `accepted` of expected failures."""

    comparisons: tuple[Comparison, ...]

    @property
    def early(self) -> tuple[str, ...]:
        """One sentence for each quantity that is off because the engine stopped early."""
        return tuple(f"{c.quantity}: {c.evidence}" for c in self.comparisons if c.verdict is Verdict.EARLY)

    @property
    def accepted(self) -> tuple[str, ...]:
        """The links under which failures are expected."""
        return tuple(dict.fromkeys(c.accepted for c in self.comparisons if c.accepted))


@lru_cache(maxsize=4)
def judged(engine: str, case: str, expected: tuple[KnownFailure, ...] = (), seconds: float = SECONDS) -> Report:
    """One engine judged on one case; the checks of a case share it."""
    name = meet(engine).name
    return run([case_of(case)], [name], sources([name]), limit=seconds, known=expected)


def look(
    engine: str,
    case: str,
    rung: int,
    needs: str,
    meaning: str,
    quantities: Collection[str],
    expected: tuple[KnownFailure, ...],
    seconds: float,
) -> Seen:
    """Hold one rung of one case, or some of its quantities, against the reference."""
    met = meet(engine)
    if needs not in participant(met.name).capabilities:
        raise NotClaimed(f"{met.name} does not declare the capability {needs!r}")
    if met.claims is not None and (more := sorted(features(case_of(case)) - met.claims)):
        raise NotClaimed(f"{met.name} does not claim {', '.join(more)}")
    report = judged(engine, case, expected, seconds)
    said = next(one for one in report.answers if one.engine == met.name)
    where = f"Rung {rung} ({RUNGS[rung]}) of {case}"
    if said.status == Status.UNSUPPORTED and met.claims is None:
        raise NotClaimed(f"{met.name} refuses the case: {said.message}")
    if said.status == Status.UNSUPPORTED:
        raise Broken(f"{where}: {met.name} claims what the case needs, and refuses it: {said.message}")
    every = [c for c in report.comparisons if c.engine == met.name]
    own = [c for c in every if c.rung == rung and (not quantities or c.quantity.partition("[")[0] in quantities)]
    if said.status == Status.FAILED:
        own = own or [c for c in every if c.verdict is Verdict.FAILED]
    if wrong := [c for c in own if c.breaks]:
        raise Broken(told(where, wrong, meaning, report))
    if not any(c.verdict.judged or c.accepted for c in own):
        raise NotClaimed(own[0].evidence if own else f"{met.name} gives nothing of {RUNGS[rung]}")
    return Seen(tuple(own))


def told(where: str, wrong: Sequence[Comparison], meaning: str, report: Report) -> str:
    """The paragraph of a failure, and the entry that would expect it."""
    worst = min(wrong, key=lambda c: (c.verdict.rank, c.digits if c.digits is not None else 0.0))
    digits = "" if worst.digits is None else f" ({worst.digits:.1f} digits)"
    more = f"; so {len(wrong) - 1} more: {', '.join(c.quantity for c in wrong if c is not worst)}" * (len(wrong) > 1)
    against = f", against {worst.reference} ({worst.kind})" if worst.reference else ""
    diagnosis = f" The diagnosis is {str(worst.diagnosis)!r}." if worst.diagnosis else ""
    text = (
        f"{where}, {worst.quantity}: {worst.verdict.one}{digits}{against}: {worst.evidence}{more}.{diagnosis} {meaning}"
    )
    entry = "".join(
        f'\n[[accepted]]\nengine = "{c.engine}"\ncase = "{c.case}"\nrung = {c.rung}\n'
        f'diagnosis = "{c.diagnosis or c.verdict}"\n{measure(report, c)}\nlink = "the reason"\n'
        for c in causes(report.comparisons)
        if any(one in c.comparisons for one in wrong)
    )
    return text + (f"\nIf it is known, give it a reason in relmer-expected.toml:{entry}" if entry else "")


def measure(report: Report, cause: Cause) -> str:
    """The line of an entry that says how large a failure is, or of no answer the first words of its message."""
    if cause.verdict is Verdict.FAILED:
        return f"says = {json.dumps(cause.teller.evidence[:WORDS], ensure_ascii=False)}"
    return f"size = {scale_of(report, cause.case, cause.engine).size(cause):.3g}"


def data(engine: str, case: str, expected: tuple[KnownFailure, ...] = (), seconds: float = SECONDS) -> Seen:
    """Rung 1: the engine saw the response, weights, offset and rows of the case.

    Source: the data set as its documentation has it, kept with its sha256. A failure means that something was lost
    before any fit: missing rows kept, text read as numbers, weights or offset left out.
    """
    return look(engine, case, 1, "stages", "Something was lost before any fit.", (), expected, seconds)


def model(engine: str, case: str, expected: tuple[KnownFailure, ...] = (), seconds: float = SECONDS) -> Seen:
    """Rung 2: X, Z, names of coefficients and terms are those of the formula.

    Source: lme4's grammar. A failure means another model: contrasts, order of levels, a term or a slope too few.
    """
    return look(engine, case, 2, "stages", "Another model was built than was asked for.", (), expected, seconds)


def criterion_at_theta(
    engine: str, case: str, expected: tuple[KnownFailure, ...] = (), seconds: float = SECONDS
) -> Seen:
    """Rung 3: the profiled criterion, at theta that are given, is the definition's.

    Source: Bates et al. (2015), equations 34 and 41; enclosed by ball arithmetic where a certificate is there. A
    failure means another function: a constant left out, n for n - p, log|RX| lost, ML for REML.
    """
    meaning = "The engine minimises another function: look for a constant, n against n - p, ML against REML."
    return look(engine, case, 3, "criterion", meaning, (), expected, seconds)


def optimum(engine: str, case: str, expected: tuple[KnownFailure, ...] = (), seconds: float = SECONDS) -> Seen:
    """Rung 4: the engine's stop is the minimum, and the criterion that it tells is that of its theta.

    Source: the certified optimum. A failure means a false zero, another local optimum, or a search that ended at
    its cap.
    """
    meaning = "The search ended elsewhere than at the minimum, or tells another criterion than its theta has."
    return look(engine, case, 4, "fit", meaning, (), expected, seconds)


def _estimates(
    engine: str,
    case: str,
    quantities: Collection[str],
    expected: tuple[KnownFailure, ...],
    seconds: float,
    meaning: str,
) -> Seen:
    return look(engine, case, 5, "fit", meaning, quantities, expected, seconds)


def fixed_effects(engine: str, case: str, expected: tuple[KnownFailure, ...] = (), seconds: float = SECONDS) -> Seen:
    """Rung 5: beta, its standard errors and its covariance matrix.

    Source: the definition at the certified optimum, and at the engine's own theta. A failure at a right optimum means
    a formula: errors by least squares, a matrix without sigma^2, the order of the columns.
    """
    meaning = "At a right optimum, look at the formula of the standard errors and at the order of the columns."
    return _estimates(engine, case, ("beta", "se", "vcov"), expected, seconds, meaning)


def variances(engine: str, case: str, expected: tuple[KnownFailure, ...] = (), seconds: float = SECONDS) -> Seen:
    """Rung 5: theta, sigma, and the variances and covariances of the random effects.

    Source: as for `fixed_effects`. A failure at a right optimum means sigma for sigma^2, a correlation for a
    covariance, n for n - p, or the order of the components.
    """
    meaning = "At a right optimum, look for sigma against sigma^2, n against n - p, and the order of components."
    names = ("theta", "sigma", "sigma2", "varcomp", "var", "sd", "cov", "cor")
    return _estimates(engine, case, names, expected, seconds, meaning)


def random_effects(engine: str, case: str, expected: tuple[KnownFailure, ...] = (), seconds: float = SECONDS) -> Seen:
    """Rung 5: the conditional modes b, and the fitted values.

    Source: as for `fixed_effects`. A failure at a right optimum means u for b, an order by column, levels rolled, or
    values fitted without b.
    """
    meaning = "At a right optimum, look for u against b, the order of levels, and fitted values without b."
    return _estimates(engine, case, ("b", "fitted"), expected, seconds, meaning)


def marginal_covariance(
    engine: str, case: str, expected: tuple[KnownFailure, ...] = (), seconds: float = SECONDS
) -> Seen:
    """Rung 5: the diagonal and the sums of the rows of V, the covariance of the response.

    Source: V = sigma^2 (Z Lambda Lambda' Z' + W^-1). A failure at a right optimum means that sigma^2 or the residual
    is left out, or G transposed.
    """
    meaning = "At a right optimum, V lacks sigma^2 or the residual, or has G transposed."
    return _estimates(engine, case, ("V_diagonal", "V_rowsum"), expected, seconds, meaning)


def inference(engine: str, case: str, expected: tuple[KnownFailure, ...] = (), seconds: float = SECONDS) -> Seen:
    """Rung 6: log-likelihood, information criteria, conditional SDs, degrees of freedom, t and p.

    Source: each method's definition at the engine's own theta. A failure means another count of parameters or rows,
    another method of degrees of freedom, or a one-sided p.
    """
    meaning = "Look at the count of parameters and rows, at the method of degrees of freedom, and at the tails of p."
    return look(engine, case, 6, "fit", meaning, (), expected, seconds)


CHECKS: tuple[Callable[..., Seen], ...] = (
    *(data, model, criterion_at_theta, optimum),
    *(fixed_effects, variances, random_effects, marginal_covariance, inference),
)


def stale(engine: str, case: str, expected: Sequence[KnownFailure], seconds: float = SECONDS) -> None:
    """Raise `Broken` where an expected failure of the case is none any more."""
    own = [entry for entry in expected if entry.case == case]
    held = judged(engine, case, tuple(expected), seconds).accepted if own else ()
    for entry in own:
        found = next((one for one in held if (one.rung, one.what) == (entry.rung, entry.what)), None)
        if found is None or found.stale:
            told_as = f"rung {entry.rung}, {entry.what!r}"
            raise Broken(f"{case}: the failure that is expected ({told_as}) is not there any more; remove its entry")
