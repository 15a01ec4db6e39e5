"""What differs between two sweeps: by hand, in any cut, and by the command with its exit statuses."""

import json
import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from sweeps import folder_of, row

from relmer.datasets import DataError
from relmer.reports.changes import Kind
from relmer.reports.commands.main import main
from relmer.reports.sweeps import moved as module
from relmer.reports.sweeps.moved import moved
from relmer.reports.sweeps.rows import table

GRADIENT = "failed to converge"
OTHER = {"seed": 2}


def told(found):
    return {(c.case, c.engine, c.what, c.quantity, c.before, c.after, c.units, c.where) for c in found.swept}


def two(tmp_path, old, new, **manifest):
    folder_of(tmp_path / "old", [old])
    folder_of(tmp_path / "new", [new], **manifest)
    return moved(tmp_path / "old", tmp_path / "new")


def test_the_same_sweep_differs_in_nothing_but_its_seconds(tmp_path):
    rows = [row(design=f"d{k}", gap=0.5, allowed=1e-9, digits_beta=3.0, seconds=1.0) for k in range(3)]
    found = two(tmp_path, rows, [one | {"seconds": 2.0} for one in rows])
    assert found.identical and found.same == (("stops", "lme4"),) and not found.fails(frozenset(Kind))


@pytest.mark.parametrize(
    "before, after, change, kinds",
    [
        ({}, {"verdict": "wrong"}, ("verdict", "agree", "wrong"), {Kind.VERDICT, Kind.WORSE, Kind.BROKEN}),
        ({"verdict": "wrong"}, {}, ("verdict", "wrong", "agree"), {Kind.VERDICT}),
        ({}, {"verdict": "early"}, ("verdict", "agree", "early"), {Kind.VERDICT, Kind.WORSE}),
        ({}, {"verdict": "not given"}, ("verdict", "agree", "not given"), {Kind.VERDICT, Kind.WORSE, Kind.GONE}),
        ({"verdict": "unsupported"}, {}, ("verdict", "unsupported", "agree"), {Kind.VERDICT}),
        # Without a ladder the gap tells: within what rounding allows, up to 0.001, above.
        (
            {"verdict": None, "gap": 0.0, "allowed": 1.0},
            {"verdict": None, "gap": 0.9, "allowed": 1e-9},
            ("verdict", "agree", "wrong"),
            {Kind.VERDICT, Kind.WORSE, Kind.BROKEN},
        ),
        (
            {"verdict": None, "gap": 1e-3, "allowed": 1e-9},
            {"verdict": None, "gap": 1e-3, "allowed": 1e-2},
            ("verdict", "early", "agree"),
            {Kind.VERDICT},
        ),
        ({}, {"warnings": [GRADIENT]}, ("warning", "no doubt", "a doubt"), {Kind.WARNING}),
        ({"warnings": [GRADIENT]}, {"warnings": ["singular"]}, ("warning", "a doubt", "no doubt"), set()),
    ],
)
def test_what_turned_is_told_with_its_kinds(tmp_path, before, after, change, kinds):
    found = two(tmp_path, [row(**before)], [row(**after)])
    (one,) = [c for c in found.swept if c.what == change[0]]
    assert (one.what, one.before, one.after, one.units, one.where) == (*change, 1, "d0, replicate 0")
    assert one.kinds == kinds
    assert bool(found.fails(frozenset())) == (Kind.BROKEN in kinds)


def test_what_failed_breaks(tmp_path):
    found = two(tmp_path, [row()], [row(status="failed", verdict=None)])
    assert {(c.what, c.before, c.after) for c in found.swept} == {
        ("answer", "fitted", "failed"),
        ("verdict", "agree", "failed"),
    }
    assert [c.what for c in found.fails(frozenset())] == ["verdict"]


def test_gaps_and_digits_that_moved_are_counted_with_the_farthest(tmp_path):
    old = [row(design=f"d{k}", gap=gap, allowed=1e-8, digits_beta=8.0) for k, gap in enumerate([0.0, 1e-6, 1e-6, 1e-5])]
    gaps, digits = [9e-9, 0.0, 3e-4, 2e-5], [8.05, 7.0, 8.0, 12.0]
    new = [one | {"gap": gap, "digits_beta": d} for one, gap, d in zip(old, gaps, digits, strict=True)]
    found = two(tmp_path, old, new)
    assert told(found) == {
        # 0 to 9e-9 is less than rounding allows.
        (
            "stops",
            "lme4",
            "gap",
            "gap to the lowest known criterion (2 farther, 1 nearer)",
            "1e-06",
            "0.0003",
            3,
            "d2, replicate 0",
        ),
        ("stops", "lme4", "moved", "digits of beta (1 farther, 1 nearer)", "8", "12", 2, "d3, replicate 0"),
    }
    assert {str(c.way) for c in found.swept} == {"farther", "nearer"}
    assert {c.what for c in found.fails(frozenset({Kind.FARTHER}))} == {"gap", "moved"}


def test_units_that_only_one_has_and_what_is_around_them(tmp_path):
    old = [row(design="a"), row(design="b"), row(design="b", engine="pls")]
    new = [row(design="b"), row(design="c"), row(design="b", engine="pls")]
    found = two(tmp_path, old, new, engines={"lme4": "2.1-0", "pls": "0.1.0"}, plan=OTHER)
    assert told(found) == {
        ("stops", "lme4", "gone", "unit", "there", "none", 1, "a, replicate 0"),
        ("stops", "lme4", "came", "unit", "none", "there", 1, "c, replicate 0"),
    }
    assert {(d.engine, d.fact, d.before, d.after) for d in found.differs} == {
        ("lme4", "version", "1.1-31", "2.1-0"),
        ("", "plan", "one", "another"),
    }
    assert found.same == (("stops", "pls"),) and not found.fails(frozenset())


def test_an_engine_that_only_one_asks_came_or_went(tmp_path):
    found = two(tmp_path, [row()], [row(engine="nlme")], engines={"nlme": "3.1", "pls": "0.1.0"})
    assert [(p.engine, p.before, p.after) for p in found.presence] == [("lme4", True, False), ("nlme", False, True)]
    assert found.differs == ()
    first = command(tmp_path / "old", tmp_path / "new").stdout.splitlines()[0]
    assert first == "lme4: 1 unit gone; nlme: 1 unit came. Beside: 1 engine gone, 1 engine new."


UNITS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 3),
        st.sampled_from(["lme4", "pls"]),
        st.sampled_from(["agree", "wrong", "early"]),
        st.sampled_from([0.0, 1e-6, 0.5]),
    ),
    max_size=12,
    unique_by=lambda unit: unit[:3],
)


# Each draw writes and reads four files.
@settings(max_examples=40)
@given(old=UNITS, new=UNITS, cuts=st.tuples(st.integers(0, 12), st.integers(0, 12)), seed=st.integers(0, 99))
def test_any_order_and_cut_of_the_rows_differs_in_the_same(tmp_path_factory, old, new, cuts, seed):
    """Held against a comparison of two dictionaries."""
    sides = [
        {
            unit[:3]: row(
                **dict(zip(("design", "replicate", "engine", "verdict", "gap"), unit, strict=True)), allowed=1e-9
            )
        }
        for side in (old, new)
        for unit in side
    ]
    was, now = ({k: v for one in part for k, v in one.items()} for part in (sides[: len(old)], sides[len(old) :]))
    shuffled = list(now.values())
    random.Random(seed).shuffle(shuffled)
    base = tmp_path_factory.mktemp("any")
    first, second = list(was.values()), shuffled
    folder_of(base / "old", [first[: cuts[0]], first[cuts[0] :]])
    folder_of(base / "new", [second[: cuts[1]], second[cuts[1] :]], plan=OTHER if seed % 2 else {"seed": 1})
    found = moved(base / "old", base / "new", piece=3)
    count = {}
    for c in found.swept:
        count[c.engine, c.what] = count.get((c.engine, c.what), 0) + c.units
    expected = {}
    for key in {*was, *now}:
        a, b = was.get(key), now.get(key)
        happened = ["came"] if a is None else ["gone"] if b is None else []
        if a and b:
            happened += ["verdict"] * (a["verdict"] != b["verdict"]) + ["gap"] * (a["gap"] != b["gap"])
        for what in happened:
            expected[key[2], what] = expected.get((key[2], what), 0) + 1
    assert count == expected


def test_no_more_than_a_piece_is_held(tmp_path, monkeypatch):
    rows = [row(design=f"d{k}") for k in range(400)]
    folder_of(tmp_path / "old", [rows[k : k + 20] for k in range(0, 400, 20)])
    folder_of(tmp_path / "new", [rows], plan=OTHER)
    held, part = [], module.part

    def seen(*arguments):
        found = part(*arguments)
        held.append(found.batch.num_rows)
        return found

    monkeypatch.setattr(module, "part", seen)
    assert moved(tmp_path / "old", tmp_path / "new", piece=100).swept == ()
    # Four pieces of each; a check sum parts 400 names so that none of four parts has twice its share.
    assert len(held) == 8 and sum(held) == 800 and max(held) < 200


def test_a_unit_with_two_rows_is_named(tmp_path):
    with pytest.raises(DataError, match="two rows of one unit: lme4 on stops: d0, replicate 0"):
        two(tmp_path, [row(), row()], [row()])


def command(*words):
    return CliRunner().invoke(main, ["diff", *map(str, words)])


def test_the_command_tells_fails_and_writes(tmp_path):
    rows = [row(design=f"d{k}", gap=0.0, allowed=1e-9) for k in range(3)]
    old = folder_of(tmp_path / "old", [rows])
    new = folder_of(tmp_path / "new", [[*rows[:2], rows[2] | {"verdict": "wrong", "gap": 0.5}]])
    assert (same := command(old, old)).exit_code == 0 and "the same" in same.stdout
    ended = command(old, new, "--out", tmp_path / "out")
    assert ended.exit_code == 1
    first = ended.stdout.splitlines()[0]
    assert first == "lme4: 1 verdict (1 broken, 1 worse), 1 gap (1 farther)."
    assert "d2, replicate 0" in ended.stdout
    assert "worst verdict: 1 unit, first d2" in (tmp_path / "out" / "diff.md").read_text(encoding="utf-8")
    assert 'failures="1"' in (tmp_path / "out" / "junit.xml").read_text(encoding="utf-8")
    # What got better breaks nothing, unless it is chosen.
    assert command(new, old).exit_code == 0 and command(new, old, "--fail-on", "verdict").exit_code == 1


def test_the_document_is_as_the_schema_says(tmp_path):
    old = folder_of(tmp_path / "old", [[row(), row(design="gone")]])
    new = folder_of(tmp_path / "new", [[row(verdict="wrong", warnings=[GRADIENT])]], plan=OTHER)
    document = json.loads(command(old, new, "--json").stdout)
    schema = json.loads((Path(__file__).parents[3] / "reports" / "diff.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(document)
    assert document["fails"] and {c["change"] for c in document["changes"]} >= {"verdict", "gone", "warning"}


@pytest.mark.parametrize("swap", [False, True])
def test_a_sweep_and_something_else_is_an_error_of_one_line(tmp_path, swap):
    sides = [folder_of(tmp_path / "sweep", [[row()]]), tmp_path / "other"]
    ended = command(*(reversed(sides) if swap else sides))
    assert ended.exit_code not in (0, 1) and ended.stderr.count("\n") == 1
    assert f"{tmp_path / 'sweep'} is a sweep and {tmp_path / 'other'} is none" in ended.stderr


def test_a_damaged_side_is_named(tmp_path):
    old, new = (folder_of(tmp_path / name, [[row()]]) for name in ("old", "new"))
    (new / "rows" / "000000.parquet").write_bytes(b"PAR1")
    ended = command(old, new)
    assert ended.exit_code not in (0, 1) and f"{new / 'rows' / '000000.parquet'} is no Parquet file" in ended.stderr


def test_files_are_matched_by_what_they_hold_if_not_by_their_names(tmp_path):
    """Of one plan, but cut into other blocks."""
    rows = [row(design=f"d{k}") for k in range(4)]
    old = folder_of(tmp_path / "old", [rows[:2], rows[2:]])
    new = folder_of(tmp_path / "new", [rows[:3]])
    pq.write_table(table(rows[3:]), new / "rows" / "later.parquet")
    assert moved(old, new).identical
