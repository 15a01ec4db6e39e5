"""What a page shows of a case and of an engine, arranged out of the records."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from relmer.reports.doubts import Doubt
from relmer.reports.pages.agreement import Agreement, agreement
from relmer.reports.pages.engines import gravity
from relmer.reports.records import RUNGS, CaseRun, Comparison, EngineUsed, PublishedFigure, Report, Said, Score
from relmer.reports.sights import Sight
from relmer.reports.verdicts import Verdict
from relmer.reports.voices import Standing, Warned, Word, badness, clause, rung_name, standing, warned, warned_told

# Of what was not judged.
NO_GRAVITY = (len(Verdict), 0, 0.0)
# Rows of the table of warnings that are no kind of doubt.
OTHER, SILENT = "something else", "no doubt"


@dataclass(frozen=True)
class Climb:
    """How one engine climbs the ladder of one case: its standing, that on each rung, and what tells the most of it."""

    engine: EngineUsed
    standing: Standing | None
    rungs: tuple[Standing | None, ...]
    teller: Comparison | None

    @property
    def gravity(self) -> tuple[int, int, float]:
        """Sort key: the worst first."""
        return NO_GRAVITY if self.standing is None else gravity(self.standing)

    @property
    def diagnosis(self) -> str:
        """What the ladder says, in a few words, and whether that is accepted."""
        known = (
            self.standing.broken.accepted if self.standing and self.standing.broken and self.standing.accepted else ""
        )
        return f"{self.saying}; accepted: {known}" if known else self.saying

    @property
    def saying(self) -> str:
        """What the ladder says, in a few words."""
        if self.standing is None:
            return "not judged"
        if self.standing.broken:
            named = f" ({self.standing.diagnosis})" if self.standing.diagnosis else ""
            return f"breaks at {self.standing.rung}: {self.standing.broken.quantity}{named}"
        if not self.standing.verdict.judged:
            return "nothing could be judged"
        for rung, found in zip(RUNGS, self.rungs, strict=True):
            if found and found.verdict.judged and found.verdict is not Verdict.AGREE:
                return f"{found.verdict} from {rung_name(rung)} on"
        return "holds"


@dataclass(frozen=True)
class Row:
    """A comparison, and all engines of which the same is to be said."""

    comparison: Comparison
    engines: tuple[str, ...]


@dataclass(frozen=True)
class Lead:
    """What is to be said first of some engines on a case, and the comparison that tells it."""

    engines: tuple[str, ...]
    saying: str
    teller: Comparison


@dataclass(frozen=True)
class CaseView:
    """A case as the page shows it.

    Attributes
    ----------
    place
        Its place in the run, from 1.
    run
        The case.
    verdicts
        Those that occur.
    climbs
        The ladder of each engine.
    rungs
        Per rung the comparisons, those that say the same of several engines once.
    scores, warned, printed
        Scores, answers with warnings, and the figures that others print.
    agreement
        The digits, quantity by quantity and engine by engine.
    sight
        What it looks like; None where that is not known.
    """

    place: int
    run: CaseRun
    verdicts: tuple[Verdict, ...]
    climbs: tuple[Climb, ...]
    rungs: tuple[tuple[int, tuple[Row, ...]], ...]
    scores: tuple[Score, ...]
    warned: tuple[Said, ...]
    printed: tuple[PublishedFigure, ...]
    agreement: Agreement
    sight: Sight | None

    @property
    def leads(self) -> tuple[Lead, ...]:
        """What the case is about: the rung that breaks first, for whom and why, the worst first; then early stops."""
        told: dict[tuple[str, str], Lead] = {}
        for climb in sorted(self.climbs, key=lambda climb: climb.gravity):
            if climb.teller is not None:
                key = climb.saying, climb.teller.evidence
                before = told.get(key)
                engines = (*(before.engines if before else ()), climb.engine.name)
                told[key] = Lead(engines, climb.saying, climb.teller)
        return tuple(told.values())

    @property
    def gravity(self) -> tuple[int, int, float]:
        """Sort key: the worst verdict first, of these a wrong optimum before lost digits, then the fewest digits."""
        return min((climb.gravity for climb in self.climbs), default=NO_GRAVITY)


def case_views(report: Report) -> tuple[CaseView, ...]:
    """Every case of a run, in its order."""
    judged: dict[str, list[Comparison]] = {case.name: [] for case in report.cases}
    sights = {seen.case: seen for seen in report.sights}
    for comparison in report.comparisons:
        judged.setdefault(comparison.case, []).append(comparison)
    return tuple(
        view(report, case, place, judged[case.name], sights.get(case.name))
        for place, case in enumerate(report.cases, start=1)
    )


def view(report: Report, case: CaseRun, place: int, judged: Sequence[Comparison], sight: Sight | None) -> CaseView:
    """Arrange the comparisons of one case: by engine for the ladder, by rung and quantity for the table."""
    climbs = []
    for engine in report.engines:
        own = [c for c in judged if c.engine == engine.name]
        by_rung = tuple(standing([c for c in own if c.rung == rung], rung) for rung in RUNGS)
        climbs.append(Climb(engine, standing(own), by_rung, teller_of(own)))
    return CaseView(
        place=place,
        run=case,
        verdicts=tuple(verdict for verdict in Verdict if any(c.verdict is verdict for c in judged)),
        climbs=tuple(climbs),
        rungs=tuple((rung, tuple(rows)) for rung, rows in groupby(alike(judged), key=lambda row: row.comparison.rung)),
        scores=tuple(score for score in report.scores if score.case == case.name),
        warned=tuple(said for said in report.answers if said.case == case.name and said.warnings),
        printed=tuple(f for f in report.figures if f.case == case.name and not f.document),
        agreement=agreement(judged, report.engines),
        sight=sight,
    )


def teller_of(own: Sequence[Comparison]) -> Comparison | None:
    """The worst comparison of the first rung that breaks, else of the first that does not simply agree; or none."""
    told = [c for c in own if c.verdict.breaks] or [
        c for c in own if c.verdict.judged and c.verdict is not Verdict.AGREE and c.kind != "published"
    ]
    first = min((c.rung for c in told), default=0)
    return min((c for c in told if c.rung == first), key=badness, default=None)


def alike(judged: Sequence[Comparison]) -> Iterator[Row]:
    """Comparisons by rung and quantity, the worst first; what is the same of several engines stands once."""
    first_seen = {quantity: k for k, quantity in enumerate(dict.fromkeys(c.quantity for c in judged))}
    same: dict[tuple[object, ...], list[Comparison]] = {}
    for c in judged:
        key = (c.rung, first_seen[c.quantity], c.verdict.rank, c.diagnosis, c.digits, c.kind, c.evidence, c.accepted)
        same.setdefault(key, []).append(c)
    order = sorted(same.values(), key=lambda cs: (cs[0].rung, first_seen[cs[0].quantity], cs[0].verdict.rank))
    for found in order:
        yield Row(found[0], tuple(dict.fromkeys(c.engine for c in found)))


@dataclass(frozen=True)
class EngineView:
    """An engine as the page shows it.

    Attributes
    ----------
    engine
        Which.
    predicate
        What it does over its cases, as "is wrong on 6 of 82 cases"; empty if it was not judged.
    warnings
        Its warnings in a sentence.
    cases
        Its cases with where it stands and what is to be said of its warnings there, the worst first.
    kinds
        Each kind of its warnings, and how many are worth each of `words`.
    """

    engine: EngineUsed
    predicate: str
    warnings: str
    cases: tuple[tuple[str, Standing, tuple[Warned, ...]], ...]
    kinds: tuple[tuple[str, tuple[int, ...]], ...]
    words: tuple[Word, ...] = tuple(Word)


def engine_view(report: Report, engine: EngineUsed, views: Sequence[CaseView]) -> EngineView:
    """Arrange what is to be said of one engine."""
    found = warned(report, engine.name)
    said: dict[str, list[Warned]] = {}
    for one in found:
        said.setdefault(one.case, []).append(one)
    rows = [
        (case.run.name, climb.standing, tuple(said.get(case.run.name, ())))
        for case in views
        for climb in case.climbs
        if climb.engine.name == engine.name and climb.standing is not None
    ]
    predicates = clause(report, engine, [standing for _, standing, _ in rows])
    return EngineView(
        engine=engine,
        predicate=predicates[0] if predicates else "",
        warnings=warned_told(found),
        cases=tuple(sorted(rows, key=lambda row: gravity(row[1]))),
        kinds=warned_by_kind(found),
    )


def warned_by_kind(found: Sequence[Warned]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Count warnings by kind and by what they are worth; a missing one is of no kind.

    Examples
    --------
    >>> warned_by_kind([Warned("a", "failed to converge", Word.TRUE), Warned("b", "", Word.MISSING)])
    (('convergence', (1, 0, 0, 0)), ('no doubt', (0, 0, 1, 0)))
    """
    seen = Counter((kind_of(one), one.word) for one in found)
    order = [*(kind.value for kind in Doubt), OTHER, SILENT]
    present = {kind for kind, _ in seen}
    return tuple((kind, tuple(seen[kind, word] for word in Word)) for kind in order if kind in present)


def kind_of(one: Warned) -> str:
    """The name of a warning's kind, as a row of the table has it."""
    if one.word is Word.MISSING:
        return SILENT
    return OTHER if one.kind is None else one.kind.value
