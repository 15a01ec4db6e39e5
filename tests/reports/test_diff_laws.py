"""The laws of a diff: nothing differs only where nothing does, and the other way round it is its mirror."""

from collections import Counter
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from typing import Any

from fewer import without
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relmer.reports.changes import Change, Way
from relmer.reports.diff import diff
from relmer.reports.moves import first_differing
from relmer.reports.records import Report
from relmer.reports.verdicts import FigureVerdict, Verdict

CASE, ENGINE = "sleepstudy/REML", "lme4"
DOUBLES = st.floats(allow_nan=False, allow_infinity=False)


@given(DOUBLES, DOUBLES)
def test_the_first_digit_that_differs_is_that_of_the_decimals(was: float, now: float) -> None:
    """By another way: both decimals are written with the same power of ten, and cut after k digits."""
    found = first_differing(was, now)
    assert (found is None) == (was == now)
    assert found == first_differing(now, was)
    if found is None or found == 1:
        return
    one, other = Decimal(repr(was)), Decimal(repr(now))
    for k, same in ((found - 1, True), (found, False)):
        unit = one.adjusted() - k + 1
        assert (int(one.scaleb(-unit)) == int(other.scaleb(-unit))) is same


EDITS: dict[str, Callable[[Any, Any], Any]] = {
    "comparisons": lambda c, draw: replace(
        c,
        verdict=draw(st.sampled_from(Verdict)),
        digits=draw(st.none() | st.floats(0, 16)),
        evidence=draw(st.sampled_from(("one", "other"))),
        reference=draw(st.sampled_from((c.reference, "qr 0.1.0", "document 000"))),
        kind=draw(st.sampled_from((c.kind, "published"))),
    ),
    "answers": lambda a, draw: replace(
        a,
        status=draw(st.sampled_from(("fitted", "failed"))),
        warnings=tuple(draw(st.lists(st.sampled_from(("singular", "scale")), max_size=3))),
        values=draw(
            st.dictionaries(
                st.sampled_from(("criterion", "theta", "beta")),
                st.lists(st.none() | DOUBLES, min_size=1, max_size=3).map(tuple),
            )
        ),
    ),
    "scores": lambda s, draw: replace(
        s,
        optimiser_error=draw(st.floats(0, 1)),
        certificate=draw(st.sampled_from((s.certificate, "another"))),
        digits={**s.digits, "theta": draw(st.floats(0, 16))},
    ),
    "accepted": lambda k, draw: replace(k, stale=draw(st.booleans()), why=draw(st.sampled_from(("", "more")))),
    "figures": lambda f, draw: replace(f, verdict=draw(st.sampled_from(FigureVerdict))),
    "cases": lambda c, draw: replace(c, rows=draw(st.integers(1, 3)), source=draw(st.sampled_from(("", "other")))),
    "engines": lambda e, draw: replace(e, version=draw(st.sampled_from((e.version, "9"))), environment={"R": "4"}),
    "tolerances": lambda t, draw: replace(t, value=draw(st.sampled_from(("1", t.value))), why="another"),
}


@st.composite
def edited(draw: st.DrawFn, report: Report) -> Report:
    """A report in which some records are others, or gone."""
    for field in draw(st.lists(st.sampled_from(sorted(EDITS)), max_size=6)):
        records = list(getattr(report, field))
        if records:
            k = draw(st.integers(0, len(records) - 1))
            gone = field not in ("cases", "engines") and draw(st.booleans())
            records[k : k + 1] = [] if gone else [EDITS[field](records[k], draw)]
            report = replace(report, **{field: tuple(records)})
    for gone in draw(st.lists(st.sampled_from(({"case": CASE}, {"engine": ENGINE})), max_size=1)):
        report = without(report, **gone)
    return report


def mirrored(change: Change) -> Change:
    return replace(change, before=change.after, after=change.before)


def counted(changes: Any) -> Counter[str]:
    """Records as they are written: some hold mappings, which have no hash."""
    return Counter(map(repr, changes))


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_a_diff_the_other_way_is_its_mirror(data: st.DataObject, make_report: Callable[[int], Report]) -> None:
    first = make_report(3)
    before, after = data.draw(edited(first)), data.draw(edited(first))
    there, back = diff(before, after), diff(after, before)
    assert counted(map(mirrored, there.changes)) == counted(back.changes)
    assert set(there.same) == set(back.same) and there.elsewhere == back.elsewhere
    assert (there.before, there.after) == (back.after, back.before)
    opposite = {Way.NEARER: Way.FARTHER, Way.FARTHER: Way.NEARER}
    ways = Counter((type(c), opposite.get(c.way, c.way)) for c in there.changes if hasattr(c, "way"))
    assert ways == Counter((type(c), c.way) for c in back.changes if hasattr(c, "way"))


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_nothing_differs_only_where_nothing_does(data: st.DataObject, make_report: Callable[[int], Report]) -> None:
    first = make_report(3)
    before, after = data.draw(edited(first)), data.draw(edited(first))
    assert diff(before, replace(before, created="later")).identical
    assert diff(before, after).identical == (before == after)


def test_every_change_has_two_sides() -> None:
    """So that a diff has a mirror."""
    for kind in Change.__args__:
        assert is_dataclass(kind)
        types = {f.name: f.type for f in fields(kind)}
        assert types["before"] == types["after"], kind
