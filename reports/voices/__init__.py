"""Voices: a report as JSON, JUnit, Markdown and text."""

from relmer.reports.voices.heat import QUANTITIES, digits_of, maps, worst
from relmer.reports.voices.junit import junit
from relmer.reports.voices.markdown import markdown
from relmer.reports.voices.report_json import as_json
from relmer.reports.voices.summary import (
    Standing,
    against,
    counts,
    rung_name,
    sentence,
    standing,
    standings,
)

__all__ = [
    "QUANTITIES",
    "Standing",
    "against",
    "as_json",
    "counts",
    "digits_of",
    "junit",
    "maps",
    "markdown",
    "rung_name",
    "sentence",
    "standing",
    "standings",
    "worst",
]
