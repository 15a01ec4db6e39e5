"""Digits against the certificates: a map of cases and quantities for each engine, and the worst of each quantity."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relmer.reports.records import Optimality, Report, Score

QUANTITIES = ("theta", "beta", "sigma", "criterion", "se", "vcov", "varcomp")
# What theta's uniqueness and a boundary do to its digits is no matter of skill: the rows are kept apart.
REGULAR, SINGULAR = "theta, full rank", "theta, singular"


@dataclass(frozen=True)
class Map:
    """An engine's scores in the order of the cases, and how many of them end at which kind of point."""

    engine: str
    scores: tuple[Score, ...]

    @property
    def ends(self) -> tuple[tuple[Optimality, int], ...]:
        """Kinds of points that occur, with their number."""
        seen = Counter(score.optimality for score in self.scores)
        return tuple((kind, seen[kind]) for kind in Optimality if seen[kind])


@dataclass(frozen=True)
class Worst:
    """The fewest digits of one quantity over all certified cases, by engine: the score, None if there is none."""

    quantity: str
    cells: tuple[tuple[float, Score] | None, ...]


def maps(report: Report) -> tuple[Map, ...]:
    """A map for each engine that has scores."""
    by_engine = {engine.name: tuple(s for s in report.scores if s.engine == engine.name) for engine in report.engines}
    return tuple(Map(engine, scores) for engine, scores in by_engine.items() if scores)


def worst(shown: Sequence[Map]) -> tuple[Worst, ...]:
    """The worst component over all certified cases, a row for each quantity."""
    rows: list[Worst] = []
    for name in (REGULAR, SINGULAR, *QUANTITIES[1:]):
        cells = tuple(fewest(name, one.scores) for one in shown)
        if any(cells):
            rows.append(Worst(name, cells))
    return tuple(rows)


def fewest(row: str, scores: Iterable[Score]) -> tuple[float, Score] | None:
    """Fewest digits of a row of the table, and the score that has them."""
    counted = [s for s in scores if row not in (REGULAR, SINGULAR) or s.regular == (row == REGULAR)]
    found = [(digits_of(s, row.partition(",")[0]), s) for s in counted]
    return min(found, key=lambda pair: pair[0], default=None)


def digits_of(score: Score, quantity: str) -> float:
    """Digits of a quantity; those of G stand for theta where theta is not unique."""
    return score.digits[quantity if quantity in score.digits else "G"]
