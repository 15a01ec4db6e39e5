"""Quantity × engine: the digits of a case in one table, the worst first; what all engines share stands once."""

from collections.abc import Sequence
from dataclasses import dataclass

from relmer.reports.records import MOST, Comparison, EngineUsed
from relmer.reports.text import digits_text, number
from relmer.reports.verdicts import Verdict
from relmer.reports.voices import badness, rung_name

# Rungs on which bits are compared.
EXACT = (1, 2)


@dataclass(frozen=True)
class Line:
    """A quantity: the worst comparison of each engine, None where it was not compared."""

    rung: int
    quantity: str
    cells: tuple[Comparison | None, ...]

    @property
    def compared(self) -> tuple[Comparison, ...]:
        """Those of the engines that have one."""
        return tuple(c for c in self.cells if c is not None)

    @property
    def same_bits(self) -> bool:
        """Whether all engines have the same bits."""
        return self.rung in EXACT and all(
            c.verdict is Verdict.AGREE and c.digits in (None, MOST) for c in self.compared
        )

    @property
    def alike(self) -> str:
        """What is to be said of all engines at once, as "6 engines, 16.0"; empty if they differ."""
        said = {(c.verdict, digits_text(c.digits)) for c in self.compared}
        if len(said) != 1 or len(self.compared) < 2 or self.compared[0].verdict is not Verdict.AGREE:
            return ""
        told = "same bits" if self.same_bits else f"{digits_text(self.compared[0].digits)} digits"
        return f"{number(len(self.compared), 'engine')}, {told}"

    @property
    def gravity(self) -> tuple[int, float]:
        """Sort key: the worst verdict first, of one verdict the fewest digits."""
        return min(map(badness, self.compared))


@dataclass(frozen=True)
class Agreement:
    """The table of a case: the lines that differ somewhere or have digits, and the quantities of the same bits."""

    engines: tuple[str, ...]
    lines: tuple[Line, ...]
    same: tuple[Line, ...]

    @property
    def engines_of_same(self) -> str:
        """How many engines have the same bits, as "6 engines"."""
        return number(len({c.engine for line in self.same for c in line.compared}), "engine")

    @property
    def named(self) -> str:
        """The quantities of the same bits, rung by rung."""
        rungs = dict.fromkeys(line.rung for line in self.same)
        return "; ".join(
            f"{rung_name(rung)}: {', '.join(line.quantity for line in self.same if line.rung == rung)}"
            for rung in rungs
        )


def agreement(judged: Sequence[Comparison], engines: Sequence[EngineUsed]) -> Agreement:
    """Arrange the comparisons of one case; figures that others print have a table of their own."""
    worst: dict[tuple[int, str], dict[str, Comparison]] = {}
    for c in judged:
        if c.kind != "published":
            row = worst.setdefault((c.rung, c.quantity), {})
            row[c.engine] = min(row.get(c.engine, c), c, key=badness)
    shown = tuple(engine.name for engine in engines if any(engine.name in row for row in worst.values()))
    lines = [Line(rung, quantity, tuple(map(row.get, shown))) for (rung, quantity), row in worst.items()]
    apart = sorted((line for line in lines if not line.same_bits), key=lambda line: (*line.gravity, line.rung))
    return Agreement(shown, tuple(apart), tuple(line for line in lines if line.same_bits))
