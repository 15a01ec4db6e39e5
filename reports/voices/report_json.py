"""`report.json`: a report as JSON and back, and what it must hold to."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from relmer.datasets import read_record
from relmer.reports.records import MOST, RUNGS, SCHEMA, Optimality, Report
from relmer.reports.verdicts import Diagnosis, FigureVerdict, Verdict

FIRST_VERSION = "relmer-report/1"
# How the lines begin that a repetition changes, and no other: when the report was made, and the hash of all the rest.
# What JSON has as it is.
ATOMS = frozenset((str, int, bool, type(None)))
SEAL = ' "sha256": '
BESIDE = (' "created": ', SEAL)


def as_json(report: Report) -> str:
    """Render `report.json`: keys sorted, records in the run's order, ASCII, null for what is not finite.

    Raises
    ------
    ValueError
        The report contradicts itself; see `check`.
    """
    return sealed(report)[1]


def sealed(report: Report) -> tuple[Report, str]:
    """The report with the hash of what it says, and the text of its `report.json`.

    Raises
    ------
    ValueError
        The report contradicts itself; see `check`.
    """
    check(report)
    lines = written(report).splitlines(keepends=True)
    digest = hash_of(lines)
    empty, full = (json.dumps(text) for text in (report.sha256, digest))
    told = (line.replace(empty, full) if line.startswith(SEAL) else line for line in lines)
    return replace(report, sha256=digest), "".join(told)


def written(report: Report) -> str:
    """The text of `report.json`, unchecked."""
    # What is more than a report, as what Python's `judge` gives, has the fields of one.
    content = {name: plain(getattr(report, name)) for name in (f.name for f in fields(Report))}
    return json.dumps(content, sort_keys=True, indent=1, allow_nan=False) + "\n"


def content_sha256(report: Report) -> str:
    """SHA-256 of what a report says: of all lines of `report.json` but those of `created` and `sha256`.

    A run that is made again on the same machine has the same.
    """
    return hash_of(written(report).splitlines(keepends=True))


def hash_of(lines: Iterable[str]) -> str:
    """SHA-256 of the lines of a `report.json` that a repetition does not change."""
    kept = (line for line in lines if not line.startswith(BESIDE))
    return hashlib.sha256("".join(kept).encode()).hexdigest()


def from_json(text: str) -> Report:
    """Read a report back.

    Raises
    ------
    ValueError
        The text is not JSON, not a report, or contradicts itself; one line says where.
    """
    try:
        report: Report = read_record(Report, text, SCHEMA, "report")
    except ValueError:
        if FIRST_VERSION in text:
            refuse_first_version(text)
        raise
    check(report)
    return report


def refuse_first_version(text: str) -> None:
    """Refuse a report of version 1, which cannot be read: what its words mean was decided by another judge."""
    try:
        told = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return
    if isinstance(told, dict) and told.get("schema") == FIRST_VERSION:
        raise ValueError(
            f"the report is of version 1 ({FIRST_VERSION}), and this relmer reads {SCHEMA}: make it anew with "
            "`relmer run` on the same cases; docs/report.md says what changed"
        ) from None


def check(report: Report) -> None:
    """Hold a report to what the voices rely on, so that no comparison is lost in one of them.

    Raises
    ------
    ValueError
        A name is listed twice; a comparison's case, engine, rung, verdict or diagnosis is unknown, or it is accepted
        without being wrong; the case or engine of an answer, a score or an accepted failure is unknown, or an engine
        answers a case twice; a score's optimality or a figure's case or verdict is unknown; or digits exceed 16.
    """
    cases = unique("case", (case.name for case in report.cases))
    engines = unique("engine", (engine.name for engine in report.engines))
    for k, comparison in enumerate(report.comparisons):
        where = f"report.comparisons[{k}]"
        refuse_unknown(where, "case", comparison.case, cases)
        refuse_unknown(where, "engine", comparison.engine, engines)
        refuse_unknown(where, "rung", comparison.rung, RUNGS)
        refuse_unknown(where, "verdict", comparison.verdict, tuple(Verdict))
        refuse_unknown(where, "diagnosis", comparison.diagnosis, tuple(Diagnosis))
        if comparison.accepted and comparison.verdict is not Verdict.WRONG:
            raise ValueError(f"{where}.accepted: what is {comparison.verdict} cannot be accepted")
    unique("answer of", (f"{said.engine} to {said.case}" for said in report.answers))
    for k, said in enumerate(report.answers):
        refuse_unknown(f"report.answers[{k}]", "case", said.case, cases)
        refuse_unknown(f"report.answers[{k}]", "engine", said.engine, engines)
    for k, known in enumerate(report.accepted):
        refuse_unknown(f"report.accepted[{k}]", "case", known.case, cases)
        refuse_unknown(f"report.accepted[{k}]", "engine", known.engine, engines)
        refuse_unknown(f"report.accepted[{k}]", "rung", known.rung, RUNGS)
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
    if type(value) in ATOMS:
        return value
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
