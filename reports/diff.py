"""What moved between two reports: a pure function of the two; nothing is fitted or judged again."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from relmer.reports.changes import (
    Diff,
    Differs,
    Gap,
    Known,
    Moved,
    Presence,
    Reproduced,
    Side,
    Turned,
    Warned,
)
from relmer.reports.moves import PRINTED, moves, united
from relmer.reports.records import Comparison, KnownFailure, PublishedFigure, Report, Said

# Facts of a case that are not its name, and of an engine that are not its name or environment.
CASE_FACTS = ("dataset", "dataset_sha256", "formula", "REML", "rows", "coefficients", "random_effects")
ENGINE_FACTS = ("version", "source", "note")
BOUND = "tolerance"
# Which fields of a report the changes of each kind tell of. The others follow from these, or are words.
TOLD: Mapping[str, tuple[str, ...]] = {
    "presence": ("cases", "engines", "comparisons", "answers", "scores", "figures", "accepted"),
    "turned": ("comparisons",),
    "moved": ("answers", "comparisons", "scores"),
    "gaps": ("scores",),
    "warned": ("answers",),
    "figures": ("figures",),
    "known": ("accepted",),
}
# Fields that are compared as a whole, and the time and the hash, which are not.
WHOLE = ("created", "version", "environment", "fail_on", "schema", "sha256")
Pair = tuple[str, str]


def diff(before: Report, after: Report) -> Diff:
    """List what differs between two reports, the time aside.

    Engines are paired by name; one that is called by its version, as "lme4@2.1", has the name before the sign where
    that leaves no doubt. What only one report has is told once, not quantity by quantity.

    Examples
    --------
    >>> from relmer.reports.records import Report
    >>> empty = Report(created="today", version="1", environment={}, engines=(), cases=(), comparisons=())
    >>> diff(empty, replace(empty, created="tomorrow")).identical
    True
    >>> diff(empty, replace(empty, version="2")).differs
    (Differs(case='', engine='', fact='relmer', before='1', after='2'),)
    """
    old, new = paired(before, after)
    judged_old, judged_new = by_pair(old.comparisons), by_pair(new.comparisons)
    both = [pair for pair in judged_old if pair in judged_new]
    said = matched(old.answers, new.answers)
    scored = matched(old.scores, new.scores)
    owners = owners_of(before, old) | owners_of(after, new)
    turned: list[Turned] = []
    moved: list[Moved] = []
    for pair in both:
        compared = pairs_of(judged_old[pair], judged_new[pair], owners)
        turned += [one for c in compared if (one := turned_of(pair, *c, owners)) is not None]
        moved += moves(pair, compared, said.get(pair), scored.get(pair))
    moved += [m for pair in said if pair not in both for m in moves(pair, [], said[pair], scored.get(pair))]
    found = Diff(
        before=Side(before.created, before.version),
        after=Side(after.created, after.version),
        presence=(*presences(old, new), *judged_once(old, new, judged_old, judged_new)),
        turned=tuple(turned),
        moved=tuple(moved),
        gaps=tuple(gaps(old, new, both)),
        warned=tuple(w for pair, (was, now) in said.items() for w in warnings(pair, was, now)),
        differs=(*surroundings(before, after, old, new), *answered(old, new, said)),
        figures=tuple(figures(old, new)),
        known=tuple(known(old, new)),
    )
    touched = {(change.case, getattr(change, "engine", "")) for change in found.changes}
    same = tuple(dict.fromkeys(pair for pair in (*both, *said) if pair not in touched))
    return replace(found, same=same, elsewhere=tuple(elsewhere(before, after, found)))


def paired(before: Report, after: Report) -> tuple[Report, Report]:
    """The reports, with engines that are called by their versions under one name."""
    old, new = [e.name for e in before.engines], [e.name for e in after.engines]
    left = [name for name in old if name not in new], [name for name in new if name not in old]
    bases = [Counter(name.partition("@")[0] for name in names) for names in left]
    shared = {*old} & {*new}
    common = {base for base, times in bases[0].items() if times == bases[1][base] == 1 and base not in shared}
    calls = [{name: base for name in names if (base := name.partition("@")[0]) in common} for names in left]
    return called(before, calls[0]), called(after, calls[1])


def called(report: Report, names: Mapping[str, str]) -> Report:
    """The report with other names of engines."""
    if all(name == other for name, other in names.items()):
        return report

    def told(records: Iterable[Any], field: str = "engine") -> tuple[Any, ...]:
        return tuple(replace(r, **{field: names.get(getattr(r, field), getattr(r, field))}) for r in records)

    return replace(
        report,
        engines=told(report.engines, "name"),
        comparisons=told(report.comparisons),
        answers=told(report.answers),
        scores=told(report.scores),
        accepted=told(report.accepted),
    )


def by_pair(records: Iterable[Any]) -> dict[Pair, list[Any]]:
    """Records by case and engine."""
    found: dict[Pair, list[Any]] = defaultdict(list)
    for record in records:
        found[record.case, record.engine].append(record)
    return dict(found)


def matched(before: Iterable[Any], after: Iterable[Any]) -> dict[Pair, tuple[Any, Any]]:
    """Records of which each report has one for a case and an engine: those that both have."""
    now = {(record.case, record.engine): record for record in after}
    return {pair: (r, now[pair]) for r in before if (pair := (r.case, r.engine)) in now}


def presences(old: Report, new: Report) -> Iterator[Presence]:
    """Cases and engines that only one report has."""
    for field in ("case", "engine"):
        was, now = ([one.name for one in getattr(report, f"{field}s")] for report in (old, new))
        for name in united(was, now):
            if (name in was) != (name in now):
                case, engine = (name if part == field else "" for part in ("case", "engine"))
                yield Presence(case, engine, name in was, name in now)


def judged_once(old: Report, new: Report, was: Mapping[Pair, Any], now: Mapping[Pair, Any]) -> Iterator[Presence]:
    """Engines that only one report judges on a case, though both have the two."""
    cases, engines = (
        {one.name for one in getattr(old, field)} & {one.name for one in getattr(new, field)}
        for field in ("cases", "engines")
    )
    for pair in united(was, now):
        case, engine = pair
        if (pair in was) != (pair in now) and case in cases and engine in engines:
            yield Presence(case, engine, pair in was, pair in now)


def owners_of(report: Report, renamed: Report) -> dict[str, str]:
    """Whose a reference value is: an engine without its version, so that another version is the same reference."""
    return {f"{e.name} {e.version}": r.name for e, r in zip(report.engines, renamed.engines, strict=True)}


def pairs_of(
    before: Sequence[Comparison], after: Sequence[Comparison], owners: Mapping[str, str]
) -> list[tuple[Comparison | None, Comparison | None]]:
    """Pair the comparisons of a quantity: those that are the same, then by their reference, then as they come."""

    def place(c: Comparison) -> tuple[Hashable, ...]:
        return c.rung, c.quantity, c.reference if c.kind == PRINTED else ""

    def against(c: Comparison) -> tuple[Hashable, ...]:
        return *place(c), c.kind, owners.get(c.reference, c.reference)

    found: dict[int, tuple[Comparison | None, Comparison | None]] = {}
    old, new = dict(enumerate(before)), dict(enumerate(after))
    keys: tuple[Callable[[Comparison], Hashable], ...] = (lambda c: c, against, place)
    for key in keys:
        waiting: dict[Hashable, list[int]] = defaultdict(list)
        for k in reversed(new):
            waiting[key(new[k])].append(k)
        for k in list(old):
            if same := waiting.get(key(old[k])):
                found[k] = old.pop(k), new.pop(same.pop())
    found |= {k: (c, None) for k, c in old.items()}
    return [*(found[k] for k in sorted(found)), *((None, c) for c in new.values())]


def turned_of(pair: Pair, was: Comparison | None, now: Comparison | None, owners: Mapping[str, str]) -> Turned | None:
    """A comparison that says something else: not where only its digits moved."""

    def said(c: Comparison) -> tuple[Hashable, ...]:
        words = c.evidence if c.digits is None else ""
        return c.verdict, c.diagnosis, c.accepted, c.kind, owners.get(c.reference, c.reference), words

    if was is not None and now is not None and said(was) == said(now):
        return None
    one = was or now
    return None if one is None else Turned(*pair, one.rung, one.quantity, was, now)


def gaps(old: Report, new: Report, both: Collection[Pair]) -> Iterator[Gap]:
    """Gaps that differ by more than their bounds allow, and scores that only one report has where both judge."""
    was, now = ({(s.case, s.engine): s for s in report.scores} for report in (old, new))
    pair: Pair
    for pair in united(was, now):
        one, other = was.get(pair), now.get(pair)
        if one is None or other is None:
            if pair in both:
                yield Gap(*pair, one, other)
            continue
        bound = one.uncertainty + other.uncertainty
        parts = ("optimiser_error", "evaluation_error")
        named = ("optimality", "certificate", "kind", "level", "regular")
        if any(abs(getattr(one, p) - getattr(other, p)) > bound for p in parts) or any(
            getattr(one, name) != getattr(other, name) for name in named
        ):
            yield Gap(*pair, one, other)


def warnings(pair: Pair, was: Said, now: Said) -> Iterator[Warned]:
    """Warnings that came and went."""
    before, after = Counter(was.warnings), Counter(now.warnings)
    for text in united(was.warnings, now.warnings):
        if before[text] != after[text]:
            yield Warned(*pair, text, before[text], after[text])


def facts(case: str, engine: str, was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Differs]:
    """Facts of one thing that differ."""
    for name in united(was, now):
        if was.get(name) != now.get(name):
            yield Differs(case, engine, name, was.get(name), now.get(name))


def taken(record: Any, names: Iterable[str]) -> dict[str, str]:
    """Some fields of a record, as texts."""
    return {name: str(getattr(record, name)) for name in names}


def surroundings(before: Report, after: Report, old: Report, new: Report) -> Iterator[Differs]:
    """What differs around the answers: relmer, the machine, the engines, the cases, what is chosen, the tolerances."""
    chosen = [{"relmer": report.version, "fail_on": ", ".join(report.fail_on)} for report in (before, after)]
    yield from facts("", "", *chosen)
    yield from facts("", "", before.environment, after.environment)
    yield from facts("", "", *({f"{BOUND} {t.name}": t.value for t in one.tolerances} for one in (before, after)))
    was, now = (
        {r.name: (e.name, e) for e, r in zip(report.engines, renamed.engines, strict=True)}
        for report, renamed in ((before, old), (after, new))
    )
    for name, (called_before, one) in was.items():
        if name in now:
            called_after, other = now[name]
            yield from facts("", name, {"name": called_before}, {"name": called_after})
            yield from facts("", name, taken(one, ENGINE_FACTS), taken(other, ENGINE_FACTS))
            yield from facts("", name, one.environment, other.environment)
    cases = {case.name: case for case in new.cases}
    for case in old.cases:
        if case.name in cases:
            yield from facts(case.name, "", taken(case, CASE_FACTS), taken(cases[case.name], CASE_FACTS))


def answered(old: Report, new: Report, said: Mapping[Pair, tuple[Said, Said]]) -> Iterator[Differs]:
    """What differs in how an engine answered, unless that is a fact of the engine."""
    was, now = ({e.name: e for e in report.engines} for report in (old, new))
    for (case, engine), (one, other) in said.items():
        names = ["status", "message"]
        if (one.version, other.version) != (was[engine].version, now[engine].version):
            names.append("version")
        if was[engine].source == now[engine].source:
            names.append("recorded")
        yield from facts(case, engine, taken(one, names), taken(other, names))


def figures(old: Report, new: Report) -> Iterator[Reproduced]:
    """Printed figures that come to something else, or that only one report has, of cases that both have."""

    def counted(report: Report, cases: set[str]) -> dict[tuple[Hashable, ...], PublishedFigure]:
        seen: Counter[tuple[str, ...]] = Counter()
        found: dict[tuple[Hashable, ...], PublishedFigure] = {}
        for f in report.figures:
            key = (f.case, f.document, f.section, f.label, f.quantity, f.printed)
            if f.case in cases:
                found[*key, seen[key]] = f
                seen[key] += 1
        return found

    both = {"", *({case.name for case in old.cases} & {case.name for case in new.cases})}
    was, now = counted(old, both), counted(new, both)
    for key in united(was, now):
        one, other = was.get(key), now.get(key)
        if one is None or other is None or one.verdict is not other.verdict:
            yield Reproduced(str(key[0]), one, other)


def known(old: Report, new: Report) -> Iterator[Known]:
    """Accepted failures that differ in what a reader is shown, of what both reports judge."""

    def shown(one: KnownFailure | None) -> Hashable:
        return None if one is None else replace(one, found=None if one.found is None else float(f"{one.found:.3g}"))

    def listed(report: Report) -> dict[tuple[Hashable, ...], KnownFailure]:
        return {(k.case, k.engine, k.rung, k.diagnosis): k for k in report.accepted if (k.case, k.engine) in both}

    both = {(c.case, c.engine) for c in old.comparisons} & {(c.case, c.engine) for c in new.comparisons}
    was, now = listed(old), listed(new)
    for key in united(was, now):
        if shown(was.get(key)) != shown(now.get(key)):
            yield Known(str(key[0]), str(key[1]), was.get(key), now.get(key))


def elsewhere(before: Report, after: Report, found: Diff) -> Iterator[str]:
    """Fields that differ, and of which no change is listed: words, orders, what is below what is shown."""
    told = {*WHOLE, *(field for part, of in TOLD.items() if getattr(found, part) for field in of)}
    if any(True for _ in found.changes):
        told.add("findings")
    for fact in found.differs:
        if fact.fact.startswith(BOUND):
            told.add("tolerances")
        elif fact.engine:
            # An answer's version is its engine's.
            told.update(("answers",) if fact.case else ("engines", "answers"))
        elif fact.case:
            told.add("cases")
    for field in fields(Report):
        if field.name not in told and getattr(before, field.name) != getattr(after, field.name):
            yield field.name
