"""What was judged, as Python shows it: a few lines at the prompt, tables in a notebook."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from relmer.reports.own import Optimum, optimum_told
from relmer.reports.records import EngineUsed, Report
from relmer.reports.text import digits_text, indented, number
from relmer.reports.voices import Standing, sentence, spoken, standings
from relmer.solver.fits import html_table, html_text

# Lines at the prompt, bytes of a sentence, findings in a notebook.
MOST_LINES, MOST_SENTENCE, MOST_FINDINGS = 40, 2000, 10
ENGINE_HEAD = ("engine", "version", "how", "cases", "worst verdict", "on", "note")
CASE_HEAD = ("case", "model", "rows", "engine", "verdict", "rung that breaks", "digits", "diagnosis")


@dataclass(frozen=True, repr=False)
class Judged(Report):
    """A report that shows itself.

    Attributes
    ----------
    optima
        Of models of a person's own the numbers at the optimum, to hold one's figures against.
    """

    optima: tuple[Optimum, ...] = ()

    def __repr__(self) -> str:
        """The answer, who took part, what was found, and the numbers of one's own models."""
        lines = [*spoken(self), *(line for optimum in self.optima for line in optimum_told(optimum))]
        left = [f"and {len(lines) - MOST_LINES} more lines"] if len(lines) > MOST_LINES else []
        return "\n".join(map(indented, [*lines[:MOST_LINES], *left]))

    def _repr_html_(self) -> str:
        """The answer, a table of the engines, one of the cases with the worst first, findings, numbers."""
        found = standings(self)
        more = len(self.findings) - MOST_FINDINGS
        findings = [f"{f.case}, {f.engine}: {f.text}" for f in self.findings[:MOST_FINDINGS]]
        findings += [f"and {number(more, 'more finding')}"] if more > 0 else []
        listed = "".join(f"<li>{html_text(text, MOST_SENTENCE)}</li>" for text in findings)
        return "".join(
            [
                f"<p><strong>{html_text(sentence(self), MOST_SENTENCE)}</strong></p>",
                html_table(ENGINE_HEAD, [engine_row(used, found) for used in self.engines]),
                f"<ul>{listed}</ul>" if findings else "",
                html_table(CASE_HEAD, list(case_rows(self, found))),
                *(optimum_html(optimum) for optimum in self.optima),
            ]
        )

    def write(self, folder: str | Path) -> Path:
        """Write the files of `relmer run` into a folder, which is made if need be; the path of its report.html.

        Raises
        ------
        OSError
            The folder cannot be made or written to.
        """
        # The page takes longer to load than a small model to be judged.
        from relmer.reports.export import write  # noqa: PLC0415

        write(self, Path(folder))
        return Path(folder) / "report.html"


def judged(report: Report, optima: tuple[Optimum, ...] = ()) -> Judged:
    """The report, as one that shows itself."""
    return Judged(**{field.name: getattr(report, field.name) for field in fields(Report)}, optima=optima)


def engine_row(used: EngineUsed, found: dict[tuple[str, str], Standing]) -> tuple[object, ...]:
    """An engine: its version, how it took part, and its worst case."""
    own = {case: standing for (case, name), standing in found.items() if name == used.name}
    if not own:
        return used.name, used.version, used.source, 0, "", "", used.note
    worst = min(own, key=lambda case: badness(own[case]))
    verdict = own[worst].verdict
    where = worst if verdict.breaks or len(own) == 1 else ""
    return used.name, used.version, used.source, len(own), verdict_told(own[worst]), where, used.note


def case_rows(report: Report, found: dict[tuple[str, str], Standing]) -> Iterator[tuple[object, ...]]:
    """A row for each case and engine, the worst first."""
    cases = {case.name: case for case in report.cases}
    for (name, engine), standing in sorted(found.items(), key=lambda each: badness(each[1])):
        case = cases[name]
        digits = digits_text(standing.digits)
        yield (
            name,
            case.model,
            case.rows,
            engine,
            verdict_told(standing),
            standing.rung,
            digits,
            standing.diagnosis,
        )


def verdict_told(standing: Standing) -> str:
    """A verdict with its sign, and whether it is accepted."""
    return f"{standing.verdict.symbol} {standing.verdict}{' (accepted)' if standing.accepted else ''}"


def badness(standing: Standing) -> tuple[int, float]:
    """Sort key: the worst verdict first, within it the fewest digits."""
    return standing.verdict.rank, 99.0 if standing.digits is None else standing.digits


def optimum_html(optimum: Optimum) -> str:
    """The numbers of a model at its optimum, or why there are none."""
    head, *_ = optimum_told(optimum)
    rows = [(what, name, "not finite" if value is None else f"{value:.10g}") for what, name, value in optimum.values]
    table = html_table(("quantity", "name", "value"), rows, len(rows)) if rows else ""
    return f"<p>{html_text(head, MOST_SENTENCE)}</p>{table}"
