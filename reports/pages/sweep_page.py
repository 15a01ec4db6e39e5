"""The page of a sweep: the answer of each source first, its gaps and coverage drawn, then all tables; no script."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from relmer.reports.pages.page import asset, digest, environment
from relmer.reports.pictures import Bar, bars, strips
from relmer.reports.swept import Source, Sweep
from relmer.reports.voices import INTERVALS, Table, decades, surroundings, sweep_lines, sweep_tables, sweep_title


@dataclass(frozen=True)
class Picture:
    """A drawing, and what is said below it."""

    svg: Markup
    caption: str


@dataclass(frozen=True)
class Shown:
    """A source as the page shows it."""

    name: str
    tables: tuple[Table, ...]
    strip: Picture | None
    coverage: tuple[Picture, ...]


def sweep_page(sweep: Sweep) -> str:
    """Render `sweep.html`."""
    style = asset("page.css")
    return (
        environment()
        .get_template("sweep.html")
        .render(
            title=sweep_title(sweep),
            lines=sweep_lines(sweep),
            sources=[
                Shown(source.name, tuple(sweep_tables(source)), strip(source), tuple(coverage(source)))
                for source in sweep.sources
            ],
            surroundings=list(surroundings(sweep)),
            style=style,
            policy=f"default-src 'none'; style-src '{digest(style)}'; base-uri 'none'; form-action 'none'",
        )
    )


def strip(source: Source) -> Picture | None:
    """Gaps by decade, a row for each engine."""
    judged = [part for part in source.engines if part.gaps.judged]
    if not judged:
        return None
    told = "; ".join(
        f"{part.engine}: {part.gaps.histogram[0]} of {part.gaps.judged} within rounding, {part.gaps.beyond} above"
        for part in judged
    )
    drawn = strips(
        [(part.engine, part.gaps.histogram) for part in judged],
        decades(),
        f"Gaps to the lowest known criterion: {source.name}",
        told,
    )
    return Picture(
        Markup(drawn),
        "Fits by their gap to the lowest known criterion: within what rounding allows, then above it by decade, each "
        "column named by where it begins.",
    )


def coverage(source: Source) -> Iterator[Picture]:
    """Coverage of a simulation's intervals, a picture for each coefficient."""
    if source.level is None:
        return
    told = [part for part in source.engines if any(one.intervals for one in part.parameters)]
    for k, parameter in enumerate(told[0].parameters if told else ()):
        found = [(part.engine, one) for part in told for one in part.parameters[k].intervals if one.covered.of]
        found.sort(key=lambda pair: [*INTERVALS].index(pair[1].method))
        rows = [
            Bar(f"{INTERVALS[one.method]}, {engine}", one.covered.value or 0.0, *one.covered.range)
            for engine, one in found
        ]
        if rows:
            words = "; ".join(f"{bar.name}: {100 * bar.value:.1f} %" for bar in rows)
            name = f"Coverage of {parameter.name}"
            caption = (
                f"{parameter.name}: percent of intervals that hold the truth, with 95 % Monte Carlo ranges (Wilson)."
            )
            yield Picture(Markup(bars(rows, source.level, name, words)), caption)
