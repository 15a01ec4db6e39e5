"""A design before the judge: every engine asked as `relmer run` asks it, and a proof of all that is called wrong."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache

from relmer.datasets import Case, case, cases, data_of
from relmer.reference.answers import Answer, Status
from relmer.reference.engines.kin import Kin
from relmer.reference.own_fits import design_of, shared_points
from relmer.reports.laws.problem import case_of
from relmer.reports.one_case import CaseResult, run_case
from relmer.reports.records import Comparison, EngineUsed
from relmer.reports.run import kin_of_all, sources
from relmer.reports.verdicts import Verdict
from relmer.solver.errors import ModelError

from .designs import names, problem
from .proof import STOPS, Proof, Witness, accused, proofs

OWN = ("pls", "qr", "gls")
ENGINES = (*OWN, "lme4", "lme4-bobyqa", "lme4-tight", "nlme")
STORED = "stored"
# Rows up to which a stored case is among the designs: its V is written out in ball arithmetic.
MOST_ROWS = 150
SECONDS = 60.0


@dataclass(frozen=True)
class Heard:
    """What became of an engine on a design.

    Attributes
    ----------
    engine
        Its name.
    verdict
        The worst.
    counts
        Comparisons by verdict.
    told
        Of what is wrong or failed, the evidence of the first rung that is.
    rung, diagnosis
        Of the same.
    proofs
        Of each that is wrong.
    """

    engine: str
    verdict: str
    counts: dict[str, int]
    told: str = ""
    rung: int = 0
    diagnosis: str = ""
    proofs: list[Proof] = field(default_factory=list)

    @property
    def proved(self) -> bool:
        """Whether every verdict that something is wrong is proved."""
        return bool(self.proofs) and all(proof.proved for proof in self.proofs)


@dataclass(frozen=True)
class Trial:
    """A design, and what became of every engine on it; `refused` is why this project's solver takes it for no model."""

    design: str
    formula: str
    REML: bool
    rows: int
    weights: str
    refused: str
    heard: list[Heard]

    @property
    def kind(self) -> str:
        """Its kind."""
        return self.design.rpartition("/")[0] if not self.design.startswith(STORED) else STORED


@cache
def engines() -> tuple[dict[str, EngineUsed], Kin]:
    """All that take part; each lives in one child process for as long as this one lives."""
    used = sources(ENGINES)
    return used, kin_of_all(used)


def stored() -> list[str]:
    """The cases of the store that are small enough."""
    return [f"{STORED}/{one.name}" for one in cases() if len(data_of(one)) <= MOST_ROWS]


def everything() -> list[str]:
    """All designs, the stored cases first."""
    return [*stored(), *names()]


def trial(name: str, judged: Sequence[str] = ENGINES) -> Trial:
    """Judge a design of that name on some engines."""
    if name.startswith(STORED):
        return tried(name, case(name.removeprefix(f"{STORED}/")), judged)
    with case_of(problem(name)) as made:
        return tried(name, made, judged)


def tried(name: str, made: Case, judged: Sequence[str]) -> Trial:
    """Judge a case."""
    used, kin = engines()
    result = run_case(made, judged, {one: used[one] for one in used if one in judged or kin.is_own(one)}, kin)
    refused = next((said.message for said in result.heard if said.engine == OWN[0] and said.estimates is None), "")
    return Trial(
        design=name,
        formula=made.formula,
        REML=made.reml,
        rows=result.case.rows,
        weights=made.weights,
        refused=refused,
        heard=[heard(made, result, engine) for engine in judged],
    )


def heard(made: Case, result: CaseResult, engine: str) -> Heard:
    """What became of an engine."""
    found = [c for c in result.comparisons if c.engine == engine]
    said = next(one for one in result.heard if one.engine == engine)
    worst = Verdict.worst(c.verdict for c in found)
    counts = dict(Counter(str(c.verdict) for c in found))
    if not worst.breaks:
        return Heard(engine, str(worst), counts)
    broken = [c for c in found if c.verdict.breaks]
    first = min(broken, key=lambda c: (c.verdict is not Verdict.WRONG, c.rung))
    wrong = accused(found, engine)
    told = f"{first.quantity}: {first.evidence}" if said.status is Status.FITTED else said.message
    return Heard(engine, str(worst), counts, told, first.rung, str(first.diagnosis), proved(made, result, said, wrong))


def proved(made: Case, result: CaseResult, said: Answer, wrong: Sequence[Comparison]) -> list[Proof]:
    """The proofs of what is wrong; where the model is refused here, or its numbers are none, nothing is proved."""
    if not wrong:
        return []
    nothing = [Proof(c.quantity, 0.0, 0.0, 0.0, proved=False) for c in wrong]
    if said.estimates is None:
        return nothing
    try:
        design = design_of(made)
        return proofs(design, made.reml, said, wrong, lowest(made, result, wrong), dict(shared_points(design)))
    except (ModelError, ArithmeticError, AssertionError):
        return nothing


def lowest(made: Case, result: CaseResult, wrong: Sequence[Comparison]) -> tuple[float, ...]:
    """The theta at which the definition is lowest, of all that engines stopped at."""
    stops = dict.fromkeys(one.estimates.theta for one in result.heard if one.estimates)
    if not any(c.quantity in STOPS for c in wrong):
        return next(iter(stops))
    witness, values = Witness(design_of(made), made.reml), {}
    for theta in stops:
        with suppress(ArithmeticError, AssertionError, IndexError):
            values[theta] = witness.criterion(theta)
    # Where no ball is finite anywhere, nothing can be proved at any of them.
    return min(values, key=lambda theta: values[theta], default=next(iter(stops)))


def as_record(found: Trial) -> dict[str, object]:
    """As plain data."""
    return asdict(found)


def of_record(plain: dict[str, object]) -> Trial:
    """Out of plain data."""
    given = dict(plain)
    each = [{**one, "proofs": [Proof(**proof) for proof in one["proofs"]]} for one in given.pop("heard")]  # type: ignore[attr-defined]
    return Trial(heard=[Heard(**one) for one in each], **given)  # type: ignore[arg-type]
