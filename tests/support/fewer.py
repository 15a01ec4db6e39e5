"""Reports with less in them."""

from dataclasses import replace
from typing import Any

from relmer.reports.records import Report


def without(report: Report, case: str = "", engine: str = "") -> Report:
    """The report without a case or an engine."""

    def left(one: Any) -> bool:
        return one.case != case and getattr(one, "engine", "other") != engine

    return replace(
        report,
        cases=tuple(c for c in report.cases if c.name != case),
        engines=tuple(e for e in report.engines if e.name != engine),
        **{
            field: tuple(filter(left, getattr(report, field)))
            for field in ("comparisons", "answers", "scores", "drift", "figures", "accepted")
        },
    )
