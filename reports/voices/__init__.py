"""Voices: a report as JSON, JUnit, Markdown and text."""

from relmer.reports.voices.annotations import Annotation, diff_annotations, github, report_annotations
from relmer.reports.voices.answer import (
    answer,
    drift_told,
    drifts_of,
    found_of,
    sentence,
    warnings_of,
    warnings_told,
)
from relmer.reports.voices.badge import badge
from relmer.reports.voices.diff import HEADER as DIFF_HEADER
from relmer.reports.voices.diff import diff_junit, diff_markdown, difference
from relmer.reports.voices.diff import rows as diff_rows
from relmer.reports.voices.heat import QUANTITIES, digits_of, maps, worst
from relmer.reports.voices.junit import junit
from relmer.reports.voices.kinds import Kind, decision, kinds
from relmer.reports.voices.markdown import markdown
from relmer.reports.voices.report_json import as_json, from_json
from relmer.reports.voices.summary import (
    Standing,
    against,
    counts,
    rung_name,
    standing,
    standings,
    told,
)
from relmer.reports.voices.versions import versions_page

__all__ = [
    "DIFF_HEADER",
    "QUANTITIES",
    "Annotation",
    "Kind",
    "Standing",
    "against",
    "answer",
    "as_json",
    "badge",
    "counts",
    "decision",
    "diff_annotations",
    "diff_junit",
    "diff_markdown",
    "diff_rows",
    "difference",
    "digits_of",
    "drift_told",
    "drifts_of",
    "found_of",
    "from_json",
    "github",
    "junit",
    "kinds",
    "maps",
    "markdown",
    "report_annotations",
    "rung_name",
    "sentence",
    "standing",
    "standings",
    "told",
    "versions_page",
    "warnings_of",
    "warnings_told",
    "worst",
]
