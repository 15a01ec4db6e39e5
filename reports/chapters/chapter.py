"""A chapter for each document: its sections in its own order, with what they print and what they draw."""

import re
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from relmer.datasets import DataError
from relmer.reports.chapters.outlines import OUTLINES, Outline, Part, Scene, Tabulate
from relmer.reports.chapters.scenes import Drawing
from relmer.reports.chapters.tables import Table
from relmer.reports.records import PublishedFigure, Report
from relmer.solver.errors import ModelError

WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Section:
    """A section of a document.

    Attributes
    ----------
    heading, prose
        The document's heading, and what it does there in our words.
    figures
        What it prints, in its order.
    drawings, tables
        What it draws, and what is shown in tables without a printed figure.
    """

    heading: str
    prose: str
    figures: tuple[PublishedFigure, ...]
    drawings: tuple[Drawing, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Chapter:
    """A document: its number, title and sections."""

    document: str
    title: str
    sections: tuple[Section, ...]

    @property
    def figures(self) -> tuple[PublishedFigure, ...]:
        """What the document prints."""
        return tuple(figure for section in self.sections for figure in section.figures)


def chapters(report: Report) -> tuple[Chapter, ...]:
    """Chapters of the documents of which the report has figures, or a case that the document is about."""
    run = {case.name for case in report.cases}
    printed = dict.fromkeys(figure.document for figure in report.figures if figure.document)
    known = {outline.document: outline for outline in OUTLINES}
    wanted = {outline.document for outline in OUTLINES if outline.case in run} | set(printed)
    order = [*known, *(document for document in printed if document not in known)]
    return tuple(
        chapter(report, known.get(document) or Outline(document, f"Document {document}", "", ()))
        for document in order
        if document in wanted
    )


def chapter(report: Report, outline: Outline) -> Chapter:
    """Put the figures of one document into its sections; a section that the outline lacks follows the one before."""
    figures = [figure for figure in report.figures if figure.document == outline.document]
    sections: list[tuple[Part, list[PublishedFigure]]] = [(part, []) for part in outline.parts]
    at = -1
    for heading, group in groupby(figures, key=lambda figure: figure.section):
        found = next((k for k, (part, _) in enumerate(sections) if same_heading(part.heading, heading)), None)
        if found is None:
            found = at + 1
            sections.insert(found, (Part(heading, ""), []))
        sections[found][1].extend(group)
        at = found
    return Chapter(
        outline.document,
        outline.title,
        tuple(section(report, part, tuple(own)) for part, own in sections),
    )


def section(report: Report, part: Part, figures: tuple[PublishedFigure, ...]) -> Section:
    """Draw and tabulate what one section shows."""
    return Section(
        part.heading,
        part.prose,
        figures,
        tuple(drawing for scene in part.scenes if (drawing := drawn(scene)) is not None),
        tuple(table for tabulate in part.tables if (table := tabulated(report, tabulate)) is not None),
    )


@cache
def drawn(scene: Scene) -> Drawing | None:
    """Draw a picture; None where its case or data are not here."""
    try:
        return scene()
    except (DataError, ModelError):
        return None


def tabulated(report: Report, tabulate: Tabulate) -> Table | None:
    """Make a table; None where its case or data are not here, or it has no rows."""
    try:
        table = tabulate(report)
    except (DataError, ModelError):
        return None
    return table if table.rows else None


def same_heading(one: str, other: str) -> bool:
    """Whether two headings have the same words, whatever their case and signs.

    Examples
    --------
    >>> same_heading("3. Three level data", "3 three-level data…")
    True
    """
    return words(one) == words(other)


def words(text: str) -> list[str]:
    """Words and numbers of a text, in lower case."""
    return WORDS.findall(text.lower())
