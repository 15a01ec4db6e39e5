"""What differs between two reports, or two sweeps, as rows, a sentence, Markdown and JUnit XML."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import singledispatch
from xml.etree import ElementTree

from relmer.reports.causes import OPTIMUM
from relmer.reports.changes import (
    Change,
    Diff,
    Differs,
    Gap,
    Kind,
    Known,
    Moved,
    Presence,
    Reading,
    Reproduced,
    Swept,
    Turned,
    Warned,
    Way,
)
from relmer.reports.records import Comparison, KnownFailure, Score
from relmer.reports.text import digits_text, number, printable
from relmer.reports.verdicts import Outcome
from relmer.reports.voices.answer import found_of, listed
from relmer.reports.voices.junit import totals
from relmer.reports.voices.markdown import LISTED, escape, table
from relmer.reports.voices.summary import rung_name, source, told

HEADER = ("change", "case", "engine", "rung", "quantity", "before", "after", "shared", "digits", "way")
IDENTICAL = "The two reports are the same, but for the time."
# A report's own facts have no case; JUnit's suite must have a name.
AROUND = "environment"
ABSENT, SAME = "none", "same"
Row = tuple[str, ...]
SCHEMA = "relmer-diff/1"


def rows(found: Diff, only_changed: bool = False) -> Iterator[Row]:
    """Render a row for each change, and, unless only changes are wanted, for each case and engine that is the same."""
    for change in found.changes:
        yield row(change)
    if not only_changed:
        yield from ((SAME, case, engine, *("",) * (len(HEADER) - 3)) for case, engine in found.same)


def as_json(found: Diff, chosen: frozenset[Kind] = frozenset(), only_changed: bool = False) -> str:
    """Render the difference as a JSON document, as `diff.schema.json` describes it."""
    content = {
        "schema": SCHEMA,
        "before": {"created": found.before.created, "version": found.before.version},
        "after": {"created": found.after.created, "version": found.after.version},
        "summary": difference(found),
        "identical": found.identical,
        "fails": bool(found.fails(chosen)),
        "changes": [dict(zip(HEADER, cells, strict=True)) for cells in rows(found, only_changed)],
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


@singledispatch
def row(change: Change) -> Row:
    """One change in the columns of HEADER."""
    raise TypeError(type(change).__name__)


@row.register
def of_presence(change: Presence) -> Row:
    """A case or engine that came or went."""
    there = [ABSENT if not side else "there" for side in (change.before, change.after)]
    return "came" if change.after else Kind.GONE, change.case, change.engine, "", "", *there, "", "", ""


@row.register
def of_verdict(change: Turned) -> Row:
    """A verdict that is another; where it is not, what was seen or by whom."""
    digits = [None if one is None else one.digits for one in (change.before, change.after)]
    sides = [verdict(one, change) for one in (change.before, change.after)]
    words = {Way.NEARER: "better", Way.FARTHER: Kind.WORSE}.get(change.way, "")
    if Kind.BROKEN in change.kinds:
        words = Kind.BROKEN
    return *place(Kind.VERDICT, change), *sides, "", between(*digits), words


def verdict(comparison: Comparison | None, change: Turned) -> str:
    """A verdict in words, with the reference and the evidence where only these tell the sides apart."""
    if comparison is None:
        return ABSENT
    if change.before is None or change.after is None or told(change.before) != told(change.after):
        return told(comparison)
    against = (change.before.kind, change.before.reference) != (change.after.kind, change.after.reference)
    more = f"against {comparison.kind} {comparison.reference}" if against else comparison.evidence
    return f"{told(comparison)}: {more}"


@row.register
def of_value(change: Moved) -> Row:
    """A value that moved."""
    first = "" if change.first is None else f"digit {change.first} differs"
    agree = ", ".join(filter(None, (digits_text(change.shared), first)))
    digits = between(change.before.digits, change.after.digits)
    against = " and ".join(dict.fromkeys(filter(None, (change.before.against, change.after.against))))
    digits += f" by {against}" if digits and against else ""
    sides = [value(one) for one in (change.before, change.after)]
    return *place(Kind.MOVED, change), *sides, agree, digits, change.way


def value(reading: Reading) -> str:
    """A value, or its digits where a report holds no values."""
    return reading.value or (f"{digits_text(reading.digits)} digits" if reading.digits is not None else ABSENT)


@row.register
def of_gap(change: Gap) -> Row:
    """A gap that is another."""
    sides = [gap(one) for one in (change.before, change.after)]
    return "gap", change.case, change.engine, rung_name(OPTIMUM), "gap to the optimum", *sides, "", "", change.way


def gap(score: Score | None) -> str:
    """How far above the optimum an engine stops, and at what."""
    if score is None:
        return ABSENT
    errors = f"{score.optimiser_error:.3g} above, evaluation {score.evaluation_error:+.3g}"
    return f"{score.optimality}, {errors} ({score.certificate}, {score.level})"


@row.register
def of_warning(change: Warned) -> Row:
    """A warning that came or went."""
    way = "came" if change.after > change.before else "went"
    return Kind.WARNING, change.case, change.engine, "", change.text, str(change.before), str(change.after), "", "", way


@row.register
def of_fact(change: Differs) -> Row:
    """A fact that is another."""
    what = "answer" if change.case and change.engine else Kind.ENVIRONMENT
    sides = [ABSENT if one is None else one for one in (change.before, change.after)]
    return what, change.case, change.engine, "", change.fact, *sides, "", "", ""


@row.register
def of_figure(change: Reproduced) -> Row:
    """A printed figure that comes to something else."""
    one = change.after or change.before
    name = "" if one is None else f"{source(one)}: {one.label}, {one.quantity}, printed {one.printed}"
    sides = [ABSENT if figure is None else str(figure.verdict) for figure in (change.before, change.after)]
    return "figure", change.case, "", "", name, *sides, "", "", Kind.BROKEN if Kind.BROKEN in change.kinds else ""


@row.register
def of_known(change: Known) -> Row:
    """An accepted failure that is another."""
    one = change.after or change.before
    rung, quantity = ("", "") if one is None else (rung_name(one.rung), str(one.diagnosis))
    sides = [acceptance(side) for side in (change.before, change.after)]
    way = Kind.BROKEN if Kind.BROKEN in change.kinds else ""
    return "accepted", change.case, change.engine, rung, quantity, *sides, "", "", way


@row.register
def of_swept(change: Swept) -> Row:
    """What is another on some units of a sweep."""
    more = "farthest" if change.what in ("gap", "moved") else "first"
    units = f"{change.quantity}: {number(change.units, 'unit')}" + (f", {more} {change.where}" if change.where else "")
    words = next((str(kind) for kind in (Kind.BROKEN, Kind.WORSE) if kind in change.kinds), str(change.way))
    return change.what, change.case, change.engine, "", units, change.before, change.after, "", "", words


def acceptance(known: KnownFailure | None) -> str:
    """An accepted failure: the size that is accepted, what was found, the link."""
    if known is None:
        return ABSENT
    covers = number(known.covers, "comparison")
    return f"{known.size:.3g}, found {found_of(known)}, {covers}, {known.link} {known.why}".rstrip()


def place(what: str, change: Turned | Moved) -> Row:
    """The first columns of what has a rung."""
    return what, change.case, change.engine, rung_name(change.rung), change.quantity


def between(before: float | None, after: float | None) -> str:
    """Digits of both sides, as "6.1 → 7.4"; empty where there are none."""
    texts = [digits_text(digits) or ABSENT for digits in (before, after)]
    return "" if texts == [ABSENT, ABSENT] else " → ".join(texts)


def difference(found: Diff) -> str:
    """Say what differs, on one line: engine by engine, then what is around them."""
    if found.identical:
        return IDENTICAL
    engines = dict.fromkeys(filter(None, (*(getattr(c, "engine", "") for c in found.changes),)))
    parts = {name: told_of(found, name) for name in engines}
    clauses = [f"{versioned(found, name)}: {text}" for name, text in parts.items() if text]
    same = list(dict.fromkeys(engine for _, engine in found.same if not parts.get(engine)))
    if same:
        clauses.append(f"{listed(same)}: nothing")
    sentences = [f"{'; '.join(clauses)}."] if clauses else []
    facts = [fact for fact in found.differs if not (fact.case and fact.engine)]
    around = [
        *(presence(found, "case", "cases")),
        *(presence(found, "engine", "engines")),
        counted(found.figures, "printed figure"),
        counted([fact for fact in facts if not fact.engine], "fact around them", "facts around them"),
        counted([fact for fact in facts if fact.engine], "fact of the engines", "facts of the engines"),
    ]
    if any(around):
        sentences.append(f"Beside: {', '.join(filter(None, around))}.")
    if found.elsewhere:
        sentences.append(f"In words, order or less than is shown: {', '.join(found.elsewhere)}.")
    return " ".join(sentences)


def told_of(found: Diff, engine: str) -> str:
    """What differs of an engine, counted; empty if nothing does."""

    def own(changes: Iterable[Change]) -> list[Change]:
        return [change for change in changes if getattr(change, "engine", "") == engine]

    turned, moved, warned = own(found.turned), own(found.moved), own(found.warned)
    came = [w for w in warned if w.kinds]
    presence = [p for p in own(found.presence) if p.case]
    told_apart = [
        noted(counted(turned, "verdict"), {str(kind): having(turned, kind) for kind in (Kind.WORSE, Kind.BROKEN)}),
        noted(
            counted(moved, "quantity moved", "quantities moved"),
            {str(way): sum(getattr(m, "way", None) is way for m in moved) for way in Way if way},
        ),
        counted(own(found.gaps), "gap"),
        *swept_told(own(found.swept)),
        f"{number(len(came), 'warning')} came" if came else "",
        f"{number(len(warned) - len(came), 'warning')} went" if len(warned) > len(came) else "",
        counted([fact for fact in own(found.differs) if fact.case], "other answer"),
        counted(own(found.known), "accepted failure"),
        counted([p for p in presence if p.kinds], "case no longer judged", "cases no longer judged"),
        counted([p for p in presence if not p.kinds], "case judged that was not", "cases judged that were not"),
    ]
    return ", ".join(filter(None, told_apart))


def swept_told(changes: Iterable[Change]) -> Iterator[str]:
    """Of a sweep, on how many units what differs."""
    units: dict[str, Counter[str]] = {}
    for change in changes:
        if isinstance(change, Swept):
            mine = units.setdefault(change.what, Counter())
            mine["units"] += change.units
            for kind in (Kind.BROKEN, Kind.WORSE, Kind.FARTHER):
                mine[kind] += change.units * (kind in change.kinds)
    nouns = {"verdict": "verdict", "answer": "status", "gap": "gap", "moved": "number of digits", "warning": "doubt"}
    several = {"answer": "statuses", "moved": "numbers of digits"}
    for what, mine in units.items():
        noun = nouns.get(what, f"unit {what}")
        told = number(mine.pop("units"), noun, several.get(what, "" if what in nouns else f"units {what}"))
        yield noted(told, dict(mine))


def having(changes: Iterable[Change], kind: Kind) -> int:
    """How many changes are of a kind."""
    return sum(kind in change.kinds for change in changes)


def counted(changes: Collection[Change], noun: str, several: str = "") -> str:
    """A count of changes with its noun; empty if there are none."""
    return number(len(changes), noun, several) if changes else ""


def noted(text: str, counts: dict[str, int]) -> str:
    """A count and what it consists of, as "3 verdicts (2 worse)"."""
    notes = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    return f"{text} ({notes})" if text and notes else text


def presence(found: Diff, noun: str, several: str) -> Iterator[str]:
    """Count whole cases or engines that came and went."""
    whole = [p for p in found.presence if getattr(p, noun) and not (p.case and p.engine)]
    for word, some in (("gone", [p for p in whole if p.before]), ("new", [p for p in whole if p.after])):
        if some:
            yield f"{number(len(some), noun, several)} {word}"


def versioned(found: Diff, engine: str) -> str:
    """An engine, with both its versions where they differ, as "lme4 1.1-31 → 1.1-37"."""
    for fact in found.differs:
        if (fact.engine, fact.case, fact.fact) == (engine, "", "version"):
            return f"{engine} {fact.before} → {fact.after}"
    return engine


def diff_markdown(found: Diff, chosen: frozenset[Kind] = frozenset(), only_changed: bool = False) -> str:
    """Render `diff.md`: the answer, what fails, and a table for each kind of change."""
    parts = [f"# relmer diff: {escape(difference(found), longest=None)}"]
    failing = [row(change) for change in found.fails(chosen)]
    named: dict[str, list[Row]] = {}
    for one in rows(found, only_changed):
        named.setdefault(one[0].capitalize(), []).append(one)
    for heading, listed_rows in {"Fails": failing, **named}.items():
        if listed_rows:
            parts += [f"## {heading}", table(HEADER, listed_rows[:LISTED])]
        if len(listed_rows) > LISTED:
            parts.append(f"… and {len(listed_rows) - LISTED:,} more, which `relmer diff` lists.")
    sides = (", ".join(filter(None, (f"relmer {side.version}", side.created))) for side in (found.before, found.after))
    parts.append(escape(f"Before: {next(sides)}. After: {next(sides)}."))
    return "\n\n".join(parts) + "\n"


def diff_junit(found: Diff, chosen: frozenset[Kind] = frozenset(), only_changed: bool = False) -> str:
    """Render `junit.xml`: a suite for each case, a test for each change; what one fails on is a failure."""
    failing = set(map(id, found.fails(chosen)))
    suites: dict[str, ElementTree.Element] = {}
    names: Counter[tuple[str, str]] = Counter()
    tests = [(row(change), change.kinds & (chosen | {Kind.BROKEN}), id(change) in failing) for change in found.changes]
    tests += [(one, frozenset(), False) for one in rows(found, only_changed) if one[0] == SAME]
    for (what, case, *rest), kinds, fails in tests:
        suite = suites.setdefault(case, ElementTree.Element("testsuite", name=printable(case or AROUND)))
        name = printable(" · ".join(filter(None, (what, *rest[:3]))))
        names[case, name] += 1
        name = name if names[case, name] == 1 else f"{name} ({names[case, name]})"
        test = ElementTree.SubElement(suite, "testcase", classname=printable(case or AROUND), name=name)
        message = printable(" → ".join(rest[3:5])) if what != SAME else SAME
        text = printable(" · ".join(filter(None, rest[3:])))
        if fails:
            kind = ", ".join(sorted(kinds))
            ElementTree.SubElement(test, Outcome.FAILURE, type=kind, message=message).text = text
        else:
            ElementTree.SubElement(test, Outcome.PASSED).text = text or message
    for suite in suites.values():
        suite.attrib |= totals([suite])
    root = ElementTree.Element("testsuites", {"name": "relmer diff", **totals(suites.values())})
    root.extend(suites.values())
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
