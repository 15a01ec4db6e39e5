"""What a run found, as plain frozen records: the one source of report.json, the page, JUnit and Markdown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from relmer.reports.sights import Sight
from relmer.reports.verdicts import Diagnosis, FailOn, FigureVerdict, Verdict

MOST = 16.0
RUNGS = {1: "data", 2: "model", 3: "criterion", 4: "optimum", 5: "estimates", 6: "inference"}
# Every answer has a verdict on these; on rung 6 only who concludes something has one.
OF_A_FIT = frozenset({1, 2, 3, 4, 5})
SCHEMA = "relmer-report/2"


class Optimality(StrEnum):
    """What an engine's theta is, in the space of G."""

    OPTIMUM = "optimum"
    EARLY = "stopped early"
    FALSE = "false minimum of theta's chart"
    ANOTHER = "another local optimum"
    NOWHERE = "not stationary"

    @property
    def astray(self) -> bool:
        """Whether it is neither the optimum nor a stop on the way to it."""
        return self not in (Optimality.OPTIMUM, Optimality.EARLY)


@dataclass(frozen=True)
class Comparison:
    """One quantity of one engine's answer, judged.

    Attributes
    ----------
    case, engine
        Names.
    rung
        1 to 6, a key of RUNGS.
    quantity
        What was compared: "response", "X", "devfun at theta[0]", "beta", ...
    verdict
        What it comes to.
    digits
        Correct digits (log relative error) of the worst component, at most 16; None where a yes or no was compared.
    kind, reference
        Kind of the reference value ("exact", "certified", "recorded", "published", "relmer", "live") and whose it is.
    evidence
        One sentence: what was seen and, unless it agrees, why.
    diagnosis
        What went wrong, or what harmless cause makes the difference.
    accepted
        The link under which the engine's owner has accepted that this is wrong; empty if nobody has.
    gap
        Of an optimum, how far above the lowest known criterion the engine stopped, in the criterion's units.
    """

    case: str
    engine: str
    rung: int
    quantity: str
    verdict: Verdict
    digits: float | None
    kind: str
    reference: str
    evidence: str
    diagnosis: Diagnosis = Diagnosis.NONE
    accepted: str = ""
    gap: float | None = None

    @property
    def breaks(self) -> bool:
        """Whether it breaks a run: a wrong value that nobody has accepted, or a failure."""
        return self.verdict.breaks and not self.accepted


@dataclass(frozen=True)
class Said:
    """What an engine said of a case: what two reports are compared by.

    Attributes
    ----------
    case, engine, version
        Names, and the version that said it.
    status
        "fitted", "unsupported" or "failed".
    recorded
        Whether it was recorded, not computed in this run.
    message
        Why there is no fit.
    warnings
        Every warning and message of the fit.
    values
        The estimates by name, vectors in the order of an answer: criterion, sigma, theta, beta, se, varcomp; None
        stands for what is no finite number; empty without a fit.
    """

    case: str
    engine: str
    version: str
    status: str
    recorded: bool
    message: str
    warnings: tuple[str, ...]
    values: Mapping[str, tuple[float | None, ...]]


@dataclass(frozen=True)
class Score:
    """An answer against a certificate.

    Attributes
    ----------
    case, engine
        Names.
    certificate, kind, level
        What it was held against: the certificate's name, and the kind and level of its `double` reading.
    regular
        Whether every covariance matrix has full rank at the optimum.
    digits
        Correct digits of the worst component, at most 16, of theta, G, beta, sigma, criterion, se, vcov and varcomp.
        Without theta where it is not unique (a zero leading pivot of a covariance matrix): then G stands for it.
    evaluation
        The same against the exact values at the engine's own theta: what is missing here, the optimiser did not lose.
    distance, distance_G
        Proved upper bound of the largest |theta - theta*|, None where theta* is not unique; and of |G - G*|.
    optimiser_error
        Exact criterion at the engine's theta, less that of the optimum.
    evaluation_error
        The criterion that the engine printed, less the exact one at its theta.
    uncertainty
        Bound of the error of these two.
    evaluated
        How the values at the engine's theta were had: "ball arithmetic", which proves them, or "doubles".
    optimality
        What its theta is, in the space of G.
    reason
        The numbers behind it, in one sentence.
    """

    case: str
    engine: str
    certificate: str
    kind: str
    level: str
    regular: bool
    digits: Mapping[str, float]
    evaluation: Mapping[str, float]
    distance: float | None
    distance_G: float
    optimiser_error: float
    evaluation_error: float
    uncertainty: float
    evaluated: str
    optimality: Optimality
    reason: str


@dataclass(frozen=True)
class EngineUsed:
    """An engine of the run: `source` is "computed" (this project's own paths), "live" or "recorded"."""

    name: str
    version: str
    source: str
    environment: Mapping[str, str]
    note: str = ""


@dataclass(frozen=True)
class CaseRun:
    """A case of the run; its arguments are what it asks beyond the formula: weights, offset, subset, levels, ..."""

    name: str
    dataset: str
    dataset_sha256: str
    formula: str
    REML: bool
    document: str
    source: str
    rows: int
    coefficients: int
    random_effects: int
    arguments: Mapping[str, str] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """The formula, and what is asked beyond it."""
        return ", ".join([self.formula, *(f"{name} = {text}" for name, text in self.arguments.items())])


@dataclass(frozen=True)
class Finding:
    """Something a reader should know first: what went wrong, once for each cause, or a stop far above the optimum."""

    case: str
    engine: str
    text: str


@dataclass(frozen=True)
class KnownFailure:
    """A failure that the engine's owner has accepted, and what became of it in this run.

    Attributes
    ----------
    engine, case
        Names.
    rung
        The first rung that it breaks.
    diagnosis
        What is wrong; none where the engine fails.
    size
        How large it is: at rung 4 in units of the criterion, elsewhere as a relative error. Up to twice that is known.
        1 where the engine fails.
    link
        Where it is discussed, or the reason why it is accepted.
    why
        More words, if there are any.
    says
        Words that a failure's message has; empty where something is wrong.
    found
        The size that was found; None where nothing of the kind was found, or its size is not known.
    covers
        How many comparisons are accepted by it.
    stale
        Whether the engine was judged on the case and nothing of the kind was found: then the entry is to be removed.
    """

    engine: str
    case: str
    rung: int
    diagnosis: Diagnosis
    size: float
    link: str
    why: str = ""
    says: str = ""
    found: float | None = None
    covers: int = 0
    stale: bool = False

    @property
    def verdict(self) -> Verdict:
        """That of what it accepts."""
        return Verdict.FAILED if self.says else Verdict.WRONG

    @property
    def what(self) -> str:
        """What is wrong, or that the engine fails."""
        return str(self.diagnosis or self.verdict)


@dataclass(frozen=True)
class Drift:
    """How far a live engine is from what was recorded of it.

    Attributes
    ----------
    case, engine, quantity
        Names; of a vector the entry that moved most, as "theta[2]".
    recorded, live
        The two values, to the digit.
    digits
        How many digits they share; None where they are no numbers.
    recorded_blas, live_blas
        The BLAS of the recording and of now.
    """

    case: str
    engine: str
    quantity: str
    recorded: str
    live: str
    digits: float | None
    recorded_blas: str = ""
    live_blas: str = ""


@dataclass(frozen=True)
class PublishedFigure:
    """A figure that a document prints, recomputed.

    Attributes
    ----------
    document, section
        Number of the document ("000"), and where in it the figure stands; figures come in the document's order.
    label
        What the figure is, in the document's words.
    printed
        The printed string.
    case, quantity
        The case and the key of the quantity; the case is empty where no model is fitted.
    relmer, lme4
        The value by this project's solver, and by lme4's default fit; None where it does not apply.
    verdict, evidence
        What it comes to, and why.
    """

    document: str
    section: str
    label: str
    printed: str
    case: str
    quantity: str
    relmer: float | None
    lme4: float | None
    verdict: FigureVerdict
    evidence: str


@dataclass(frozen=True)
class Tolerance:
    """A bound that a verdict uses, and where it comes from."""

    name: str
    value: str
    why: str


@dataclass(frozen=True, repr=False)
class Report:
    """All that a run found.

    Attributes
    ----------
    created, version, environment
        When, by which relmer, and where.
    engines, cases
        Who took part, on what.
    comparisons
        Every quantity that was judged.
    answers
        What every engine said, judged or not.
    scores, findings, drift, figures, tolerances
        What the records of these names hold.
    accepted
        The accepted failures of the cases and engines of this run.
    fail_on
        What breaks this run beside what is wrong or failed.
    sights
        What the cases look like: the numbers behind their pictures.
    command
        How the run is made again beside its files, but for where it writes; empty where that is not known.
    fewest_digits
        And so does a quantity with fewer correct digits, where digits are counted; None if nobody asks for any.
    sha256
        Of all that it says but when it was made; empty until it is written.
    """

    created: str
    version: str
    environment: Mapping[str, str]
    engines: tuple[EngineUsed, ...]
    cases: tuple[CaseRun, ...]
    comparisons: tuple[Comparison, ...]
    answers: tuple[Said, ...] = ()
    scores: tuple[Score, ...] = ()
    findings: tuple[Finding, ...] = ()
    drift: tuple[Drift, ...] = ()
    figures: tuple[PublishedFigure, ...] = ()
    tolerances: tuple[Tolerance, ...] = ()
    accepted: tuple[KnownFailure, ...] = ()
    fail_on: tuple[FailOn, ...] = ()
    sights: tuple[Sight, ...] = ()
    command: str = ""
    fewest_digits: float | None = None
    sha256: str = field(default="", compare=False)
    schema: str = field(default=SCHEMA)

    def __repr__(self) -> str:
        """How much there is: its records are thousands of lines."""
        counted = {"engines": self.engines, "cases": self.cases, "comparisons": self.comparisons}
        told = ", ".join(f"{len(records)} {name}" for name, records in counted.items())
        return f"<Report: {told}>"

    def fails(self, comparison: Comparison) -> bool:
        """Whether a comparison breaks this run."""
        chosen = str(comparison.verdict) in self.fail_on
        known = bool(comparison.accepted) and FailOn.ACCEPTED in self.fail_on
        disagrees = comparison.verdict.breaks and FailOn.DISAGREE in self.fail_on
        return comparison.breaks or chosen or known or disagrees or self.lacks_digits(comparison)

    def lacks_digits(self, comparison: Comparison) -> bool:
        """Whether a comparison has fewer digits than this run asks for."""
        asked, counted = self.fewest_digits, comparison.digits
        return asked is not None and counted is not None and counted < asked

    @property
    def broken(self) -> bool:
        """Whether anything breaks this run: a comparison, a printed figure, a stale acceptance, or drift if chosen."""
        return (
            any(map(self.fails, self.comparisons))
            or any(figure.verdict.means.breaks for figure in self.figures)
            or any(known.stale for known in self.accepted)
            or bool(self.drift and FailOn.DRIFT in self.fail_on)
        )
