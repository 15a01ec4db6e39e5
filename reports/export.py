"""The files of a run, and the report as JSON: written whole or not at all."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from relmer.datasets import write_whole
from relmer.reference.certificates import certificates
from relmer.reports.pages import case_anchors, corpus_page, documents_page, page
from relmer.reports.records import Report
from relmer.reports.voices import as_json, audit, badge, junit, markdown, sealed


def corpus(report: Report) -> str:
    """Render `corpus.html`, linked to the report."""
    return corpus_page(certificates(), {name: f"report.html#{at}" for name, at in case_anchors(report).items()})


VOICES: Mapping[str, Callable[[Report], str]] = {
    "report.json": as_json,
    "report.html": page,
    "documents.html": documents_page,
    "corpus.html": corpus,
    "junit.xml": junit,
    "summary.md": markdown,
    "audit.md": audit,
    "badge.json": badge,
}


def write(report: Report, out: Path, beside: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write the files into the folder `out`, which is made if need be, and texts `beside` them, by name.

    All are rendered and written before the first replaces its predecessor, in one step.

    Raises
    ------
    OSError
        The folder cannot be made or written to.
    ValueError
        The report contradicts itself; see `check`.
    """
    whole, text = sealed(report)
    texts = {name: text if voice is as_json else voice(whole) for name, voice in VOICES.items()}
    write_whole(out, {**texts, **beside})
