"""Voices: a report as JSON, JUnit, Markdown and text."""

from relmer.reports.voices.annotations import Annotation, diff_annotations, github, report_annotations
from relmer.reports.voices.answer import (
    answer,
    clause,
    drift_told,
    drifts_of,
    found_of,
    sentence,
    warnings_of,
    warnings_told,
)
from relmer.reports.voices.audit import CHECK, TAKEN_OVER, Met, audit, data_of, requirements
from relmer.reports.voices.badge import badge
from relmer.reports.voices.diff import HEADER as DIFF_HEADER
from relmer.reports.voices.diff import as_json as diff_json
from relmer.reports.voices.diff import diff_junit, diff_markdown, difference
from relmer.reports.voices.diff import rows as diff_rows
from relmer.reports.voices.heat import QUANTITIES, digits_of, maps, worst
from relmer.reports.voices.junit import junit
from relmer.reports.voices.kinds import Kind, Told, decision, kinds
from relmer.reports.voices.markdown import markdown
from relmer.reports.voices.peers import peers_page
from relmer.reports.voices.report_json import as_json, content_sha256, from_json, plain, sealed
from relmer.reports.voices.spoken import spoken
from relmer.reports.voices.summary import (
    Standing,
    against,
    badness,
    counts,
    rung_name,
    standing,
    standings,
    told,
)
from relmer.reports.voices.sweep import (
    INTERVALS,
    Table,
    decades,
    surroundings,
    sweep_lines,
    sweep_markdown,
    sweep_tables,
    sweep_title,
)
from relmer.reports.voices.versions import versions_page
from relmer.reports.voices.warned import Warned, Word, warned, warned_told
from relmer.reports.voices.warnings_page import warnings_page

__all__ = [
    "CHECK",
    "DIFF_HEADER",
    "INTERVALS",
    "QUANTITIES",
    "TAKEN_OVER",
    "Annotation",
    "Kind",
    "Met",
    "Standing",
    "Table",
    "Told",
    "Warned",
    "Word",
    "against",
    "answer",
    "as_json",
    "audit",
    "badge",
    "badness",
    "clause",
    "content_sha256",
    "counts",
    "data_of",
    "decades",
    "decision",
    "diff_annotations",
    "diff_json",
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
    "peers_page",
    "plain",
    "report_annotations",
    "requirements",
    "rung_name",
    "sealed",
    "sentence",
    "spoken",
    "standing",
    "standings",
    "surroundings",
    "sweep_lines",
    "sweep_markdown",
    "sweep_tables",
    "sweep_title",
    "told",
    "versions_page",
    "warned",
    "warned_told",
    "warnings_of",
    "warnings_page",
    "warnings_told",
    "worst",
]
