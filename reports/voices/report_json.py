"""`report.json`: a report as JSON and back, and what it must hold to."""

import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from relmer.datasets import read_record
from relmer.reports.records import MOST, RUNGS, SCHEMA, Optimality, Report
from relmer.reports.verdicts import FigureVerdict, Verdict


def as_json(report: Report) -> str:
    """Render `report.json`: keys sorted, records in the run's order, ASCII, null for what is not finite.

    Raises
    ------
    ValueError
        The report contradicts itself; see `check`.
    """
    check(report)
    return json.dumps(plain(report), sort_keys=True, indent=1, allow_nan=False) + "\n"


def from_json(text: str) -> Report:
    """Read a report back.

    Raises
    ------
    ValueError
        The text is not JSON, not a report, or contradicts itself; one line says where.
    """
    report: Report = read_record(Report, text, SCHEMA, "report")
    check(report)
    return report


def check(report: Report) -> None:
    """Hold a report to what the voices rely on, so that no comparison is lost in one of them.

    Raises
    ------
    ValueError
        A name is listed twice, a comparison's case, engine, rung or verdict is unknown, a score's case, engine or
        optimality or a figure's case or verdict is, or digits exceed 16.
    """
    cases = unique("case", (case.name for case in report.cases))
    engines = unique("engine", (engine.name for engine in report.engines))
    for k, comparison in enumerate(report.comparisons):
        where = f"report.comparisons[{k}]"
        refuse_unknown(where, "case", comparison.case, cases)
        refuse_unknown(where, "engine", comparison.engine, engines)
        refuse_unknown(where, "rung", comparison.rung, RUNGS)
        refuse_unknown(where, "verdict", comparison.verdict, tuple(Verdict))
    for k, figure in enumerate(report.figures):
        where = f"report.figures[{k}]"
        refuse_unknown(where, "case", figure.case, {*cases, ""})
        refuse_unknown(where, "verdict", figure.verdict, tuple(FigureVerdict))
    for k, score in enumerate(report.scores):
        where = f"report.scores[{k}]"
        refuse_unknown(where, "case", score.case, cases)
        refuse_unknown(where, "engine", score.engine, engines)
        refuse_unknown(where, "optimality", score.optimality, tuple(Optimality))
    judged = [(f"comparisons[{k}]", comparison.digits) for k, comparison in enumerate(report.comparisons)]
    moved = [(f"drift[{k}]", drift.digits) for k, drift in enumerate(report.drift)]
    counted = [
        (f"scores[{k}].{name}", digits)
        for k, score in enumerate(report.scores)
        for name, digits in (*score.digits.items(), *score.evaluation.items())
    ]
    for place, digits in judged + moved + counted:
        if digits is not None and math.isfinite(digits) and digits > MOST:
            raise ValueError(f"report.{place}.digits must be at most {MOST:g}, not {digits}")


def refuse_unknown(where: str, what: str, value: object, listed: Collection[object]) -> None:
    """Refuse what the report does not list."""
    if value not in listed:
        raise ValueError(f"{where}.{what}: the report knows no {what} {value!r:.60}")


def unique(what: str, names: Iterable[str]) -> set[str]:
    """Names as a set, each of which must occur once."""
    seen = Counter(names)
    twice = [name for name, times in seen.items() if times > 1]
    if twice:
        raise ValueError(f"the report lists the {what} {twice[0]!r:.60} twice")
    return set(seen)


def plain(value: Any) -> Any:
    """Records as the objects, lists and numbers that JSON has."""
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
