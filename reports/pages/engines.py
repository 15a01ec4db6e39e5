"""The first screen's table: one row for each engine, and a cell for each rung."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from relmer.reports.records import RUNGS, Comparison, EngineUsed, Report
from relmer.reports.verdicts import Verdict
from relmer.reports.voices import Standing, standing, standings

OWN = "computed"
# Rungs at which an answer may break, the gravest for a user first: one that stops elsewhere, then one that says other
# values; what loses digits of a criterion that no double carries comes after those.
GRAVEST = (4, 5, 2, 1, 3, 6)


@dataclass(frozen=True)
class Cell:
    """How an engine does on one rung over all cases: by verdict, the worst first, on how many."""

    counts: tuple[tuple[Verdict, int], ...]

    @property
    def worst(self) -> Verdict | None:
        """The worst verdict; None if nothing was compared."""
        return self.counts[0][0] if self.counts else None


@dataclass(frozen=True)
class EngineRow:
    """An engine over all cases.

    Attributes
    ----------
    engine
        Which.
    cases
        On how many it was judged.
    wrong, accepted
        On how many it is wrong, and on how many all that is wrong is accepted.
    rungs
        A cell for each rung.
    digits
        The fewest digits of its estimates on any case that it is not wrong on; None without any.
    worst
        The case that it does worst on, and its standing there.
    """

    engine: EngineUsed
    cases: int
    wrong: int
    accepted: int
    rungs: tuple[Cell, ...]
    digits: float | None
    worst: tuple[str, Standing] | None

    @property
    def own(self) -> bool:
        """Whether it is this project's own: the instrument."""
        return self.engine.source == OWN


def engine_rows(report: Report) -> tuple[EngineRow, ...]:
    """A row for each engine that was judged, this project's own last."""
    found = standings(report)
    rows = [
        engine_row(report, engine, {case: s for (case, name), s in found.items() if name == engine.name})
        for engine in report.engines
        if any(name == engine.name for _, name in found)
    ]
    return tuple(sorted(rows, key=lambda row: row.own))


def engine_row(report: Report, engine: EngineUsed, found: dict[str, Standing]) -> EngineRow:
    """Sum up one engine."""
    own = [c for c in report.comparisons if c.engine == engine.name]
    by_rung = {rung: [c for c in own if c.rung == rung] for rung in RUNGS}
    judged = {case: s for case, s in found.items() if s.verdict.judged or s.verdict.breaks}
    wrong = {case: s for case, s in judged.items() if s.verdict.breaks}
    right = [s.digits for case, s in judged.items() if case not in wrong and s.digits is not None]
    worst = min(judged.items(), key=lambda item: gravity(item[1]), default=None)
    return EngineRow(
        engine=engine,
        cases=len(judged),
        wrong=len(wrong),
        accepted=sum(s.accepted for s in wrong.values()),
        rungs=tuple(cell(rung, rows) for rung, rows in by_rung.items()),
        digits=min(right, default=None),
        worst=worst,
    )


def cell(rung: int, rows: Sequence[Comparison]) -> Cell:
    """Count the cases of one rung by their worst verdict on it."""
    cases: dict[str, list[Comparison]] = {}
    for c in rows:
        cases.setdefault(c.case, []).append(c)
    worst = [s.verdict for each in cases.values() if (s := standing(each, rung))]
    seen = Counter(worst)
    return Cell(tuple((verdict, seen[verdict]) for verdict in sorted(seen, key=lambda v: v.rank)))


def gravity(found: Standing) -> tuple[int, int, float]:
    """Sort key: the worst verdict first, of these a wrong optimum before lost digits, then the fewest digits."""
    digits = 0.0 if found.digits is None else found.digits
    return found.verdict.rank, GRAVEST.index(found.broken.rung) if found.broken else 0, digits
