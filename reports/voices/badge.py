"""A badge, as shields.io reads it from a file (its "endpoint" schema)."""

import json
from typing import Any

from relmer.reports.causes import wrong_figures
from relmer.reports.records import Report
from relmer.reports.text import number
from relmer.reports.verdicts import FailOn

PARTIAL = "partial"


def badge(report: Report) -> str:
    """Render `badge.json`: on how many cases the run breaks, or that it does not."""
    message, color = said(report)
    told: dict[str, Any] = {"schemaVersion": 1, "label": "relmer", "message": message, "color": color}
    return json.dumps(told, indent=1) + "\n"


def said(report: Report) -> tuple[str, str]:
    """The message of a badge, and its colour."""
    broken = {c.case for c in report.comparisons if report.fails(c)}
    broken |= {figure.case for figure in wrong_figures(report)}
    broken |= {known.case for known in report.accepted if known.stale}
    if FailOn.DRIFT in report.fail_on:
        broken |= {moved.case for moved in report.drift}
    accepted = {c.case for c in report.comparisons if c.accepted}
    cases = number(len(report.cases), "case")
    if broken:
        return f"broken on {len(broken)} of {cases}", "red"
    if PARTIAL in report.environment:
        return f"{PARTIAL}: {cases}", "lightgrey"
    if not any(c.verdict.judged for c in report.comparisons):
        return "nothing judged", "lightgrey"
    if accepted:
        return f"{cases}, {len(accepted)} accepted", "yellow"
    return f"agrees on {cases}", "brightgreen"
