"""What differs between two sweeps, unit by unit: never more than a piece of each is held.

Two sweeps of one plan have the same blocks, and are compared file by file. Otherwise a unit may stand anywhere: the
rows are taken in pieces by design and replicate, and each piece is a pass over both folders.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from relmer.datasets import DataError
from relmer.reports.changes import TENTH, Diff, Differs, Kind, Presence, Side, Swept, Way
from relmer.reports.sweeps.columns import VERDICTS, Array, Columns, columns, texts
from relmer.reports.sweeps.reading import Manifest, batches, files_of, manifest_of, rows_in
from relmer.reports.sweeps.rows import DIGITS, KEY, RUNGS, SCHEMA
from relmer.reports.sweeps.tally import OF_STOP
from relmer.reports.swept import STATUS, WRONG, Unit
from relmer.reports.verdicts import Verdict

PIECE = 100_000
TAKEN = (
    *KEY,
    "status",
    "warnings",
    "verdict",
    *RUNGS,
    "gap",
    "allowed",
    *(f"digits_{name}" for name in DIGITS),
    "singular",
    "seconds",
)
NONE = "none"
# The last is that of no verdict, -1.
BREAKS = (*(verdict.breaks for verdict in Verdict), False)
JUDGED = (*(verdict.judged for verdict in Verdict), False)
# The higher, the better; what is not judged is no better or worse than anything.
RANK = (*(verdict.rank for verdict in Verdict), 0)


@dataclass
class Move:
    """What moved: how many units each way, and the farthest."""

    nearer: int = 0
    farther: int = 0
    most: float = 0.0
    ends: tuple[float, float] = (0.0, 0.0)
    where: Unit | None = None


@dataclass
class Sums:
    """What differs of one engine on one source."""

    both: int = 0
    came: int = 0
    gone: int = 0
    first_came: Unit | None = None
    first_gone: Unit | None = None
    turns: Counter[tuple[str, str, str, frozenset[Kind]]] = field(default_factory=Counter)
    first: dict[tuple[str, str, str, frozenset[Kind]], Unit] = field(default_factory=dict)
    moves: dict[str, Move] = field(default_factory=dict)

    def turn(self, what: str, before: str, after: str, kinds: frozenset[Kind], unit: Unit) -> None:
        """Count what turned."""
        key = what, before, after, kinds
        self.turns[key] += 1
        self.first.setdefault(key, unit)


Found = dict[tuple[str, str], Sums]


def moved(old: Path, new: Path, piece: int = PIECE) -> Diff:
    """Compare two sweeps.

    Raises
    ------
    DataError
        One is no sweep, or damaged, or has two rows of one unit.
    """
    manifests = (manifest_of(old), manifest_of(new))
    paths = (files_of(old), files_of(new))
    found: Found = {}
    if manifests[0].plan == manifests[1].plan:
        found = by_blocks(*paths)
    if not found or any(sums.came and sums.gone for sums in found.values()):
        found = in_pieces(*paths, piece)
    swept = [change for (source, engine), sums in found.items() for change in changes(source, engine, sums)]
    changed = {(change.case, change.engine) for change in swept}
    return Diff(
        before=Side("", manifests[0].relmer),
        after=Side("", manifests[1].relmer),
        presence=tuple(
            Presence("", engine, engine in manifests[0].engines, engine in manifests[1].engines)
            for engine in dict.fromkeys((*manifests[0].engines, *manifests[1].engines))
            if not all(engine in one.engines for one in manifests)
        ),
        differs=tuple(facts(*manifests)),
        swept=tuple(swept),
        same=tuple(pair for pair in found if pair not in changed),
    )


def by_blocks(old: Sequence[Path], new: Sequence[Path]) -> Found:
    """Compare files of the same name."""
    sides = [{path.name: path for path in side} for side in (old, new)]
    found: Found = {}
    for name in sorted({*sides[0], *sides[1]}):
        compare(found, *(part([side[name]] if name in side else []) for side in sides))
    return found


def in_pieces(old: Sequence[Path], new: Sequence[Path], piece: int) -> Found:
    """Compare the units whose design and replicate fall into the same piece, piece by piece."""
    pieces = max(1, math.ceil(max(sum(map(rows_in, side)) for side in (old, new)) / piece))
    found: Found = {}
    for k in range(pieces):
        compare(found, *(part(side, k, pieces) for side in (old, new)))
    return found


def part(paths: Sequence[Path], k: int = 0, pieces: int = 1) -> Columns:
    """The rows of a piece.

    Raises
    ------
    DataError
        A file is damaged, or says what is no status or verdict.
    """
    kept = []
    for path in paths:
        for batch in batches(path, TAKEN):
            kept.append(batch if pieces == 1 else batch.filter(pa.array(piece_of(batch, pieces) == k)))
    schema = pa.schema([SCHEMA.field(name) for name in TAKEN])
    whole = pa.Table.from_batches([batch.cast(schema) for batch in kept], schema).combine_chunks()
    (one,) = whole.to_batches() or [pa.RecordBatch.from_pylist([], schema)]
    return columns(one)


def piece_of(batch: pa.RecordBatch, pieces: int) -> NDArray[np.int64]:
    """In which piece each row is: the same for all engines and transformations of a problem."""
    names, where = texts(batch["design"])
    sums = np.array([crc32(name.encode("utf-8", "surrogatepass")) for name in names], dtype=np.int64)
    replicate = batch["replicate"].fill_null(0).to_numpy(zero_copy_only=False)
    return np.asarray((sums[where] + replicate) % pieces)


def keys(side: Columns) -> dict[tuple[Any, ...], int]:
    """Where each unit stands.

    Raises
    ------
    DataError
        One has two rows.
    """
    named = [side.batch[name].fill_null(0 if name == "replicate" else "").to_pylist() for name in KEY]
    found = {key: k for k, key in enumerate(zip(*named, strict=True))}
    if len(found) < side.batch.num_rows:
        twice = next(key for key, count in Counter(zip(*named, strict=True)).items() if count > 1)
        raise DataError(f"a sweep has two rows of one unit: {twice[-1]} on {twice[0]}: {Unit(*twice)}")
    return found


def compare(found: Found, before: Columns, after: Columns) -> None:
    """Count what differs between two pieces."""
    was, now = keys(before), keys(after)
    pairs = [(k, now[key], key) for key, k in was.items() if key in now]
    for key in was:
        if key not in now:
            sums = found.setdefault((key[0], key[-1]), Sums())
            sums.gone, sums.first_gone = sums.gone + 1, sums.first_gone or Unit(*key)
    for key in now:
        if key not in was:
            sums = found.setdefault((key[0], key[-1]), Sums())
            sums.came, sums.first_came = sums.came + 1, sums.first_came or Unit(*key)
    if not pairs:
        return
    i, j = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
    places: dict[tuple[str, str], list[int]] = {}
    for k, (*_, key) in enumerate(pairs):
        places.setdefault((key[0], key[-1]), []).append(k)
    for pair, rows in places.items():
        sums = found.setdefault(pair, Sums())
        sums.both += len(rows)
        add(sums, before, after, i[rows], j[rows])


def add(sums: Sums, before: Columns, after: Columns, i: NDArray[np.int64], j: NDArray[np.int64]) -> None:
    """Count what differs on rows i of one and j of the other, all of one engine and source."""
    verdicts = effective(before)[i], effective(after)[j]
    for k in np.flatnonzero(before.status[i] != after.status[j]).tolist():
        was, now = STATUS[before.status[i[k]]], STATUS[after.status[j[k]]]
        sums.turn("answer", was, now, frozenset({Kind.VERDICT}), after.unit(int(j[k])))
    for k in np.flatnonzero(verdicts[0] != verdicts[1]).tolist():
        a, b = int(verdicts[0][k]), int(verdicts[1][k])
        was, now = (NONE if place < 0 else VERDICTS[place] for place in (a, b))
        sums.turn("verdict", was, now, turned(a, b), after.unit(int(j[k])))
    came = after.doubts[j][:, OF_STOP].any(axis=1).astype(int) - before.doubts[i][:, OF_STOP].any(axis=1).astype(int)
    for k in np.flatnonzero(came).tolist():
        was, now = ("no doubt", "a doubt") if came[k] > 0 else ("a doubt", "no doubt")
        kinds = frozenset({Kind.WARNING} if came[k] > 0 else ())
        sums.turn("warning", was, now, kinds, after.unit(int(j[k])))
    rounding = np.fmax(np.nan_to_num(before.allowed[i]), np.nan_to_num(after.allowed[j]))
    put(sums, "gap", before.gap[i], after.gap[j], rounding, after, j)
    for q, name in enumerate(DIGITS):
        # More digits are nearer: what is farther is what is lost.
        put(sums, name, -before.digits[i, q], -after.digits[j, q], np.full(len(i), TENTH), after, j)


def put(
    sums: Sums, name: str, before: Array, after: Array, bound: Array, side: Columns, rows: NDArray[np.int64]
) -> None:
    """Count what moved by more than a bound; larger is farther."""
    with np.errstate(invalid="ignore"):
        step = after - before
    there = np.abs(step) > bound
    if not there.any():
        return
    move = sums.moves.setdefault(name, Move())
    move.nearer += int((there & (step < 0)).sum())
    move.farther += int((there & (step > 0)).sum())
    most = int(np.argmax(np.where(there, np.abs(step), -1.0)))
    if abs(step[most]) > abs(move.most):
        move.most, move.where = float(step[most]), side.unit(int(rows[most]))
        move.ends = (float(before[most]), float(after[most]))


def effective(side: Columns) -> NDArray[np.int64]:
    """The verdict of each row; where none is given what its status or its gap comes to; -1 where nothing tells."""
    place = VERDICTS.index
    found = side.verdicts[:, 0].copy()
    known = (found < 0) & ~(np.isnan(side.gap) | np.isnan(side.allowed))
    found[known] = place(Verdict.EARLY)
    found[known & (side.gap > WRONG)] = place(Verdict.WRONG)
    found[known & (side.gap <= side.allowed)] = place(Verdict.AGREE)
    for status in ("failed", "unsupported"):
        found[side.status == STATUS.index(status)] = place(status)
    return found


def turned(before: int, after: int) -> frozenset[Kind]:
    """What a verdict that is another is; -1 is none."""
    found = {Kind.VERDICT}
    if BREAKS[after] and not BREAKS[before]:
        found |= {Kind.BROKEN, Kind.WORSE}
    if JUDGED[before] and (not JUDGED[after] or RANK[after] < RANK[before]):
        found.add(Kind.WORSE)
    if JUDGED[before] and not JUDGED[after]:
        found.add(Kind.GONE)
    return frozenset(found)


def changes(source: str, engine: str, sums: Sums) -> Iterator[Swept]:
    """What differs of one engine on one source, as records."""

    def change(what: str, quantity: str, ends: tuple[str, str], units: int, where: Unit | None, **more: Any) -> Swept:
        told = {"way": Way.UNKNOWN, "kinds": frozenset()} | more
        return Swept(
            case=source,
            engine=engine,
            what=what,
            quantity=quantity,
            before=ends[0],
            after=ends[1],
            units=units,
            where="" if where is None else str(where),
            **told,
        )

    if sums.came:
        yield change("came", "unit", (NONE, "there"), sums.came, sums.first_came)
    if sums.gone:
        yield change("gone", "unit", ("there", NONE), sums.gone, sums.first_gone, kinds=frozenset({Kind.GONE}))
    for key, count in sorted(sums.turns.items(), key=lambda item: (item[0][:3], -item[1])):
        what, before, after, kinds = key
        quantity = {"answer": "status", "warning": "doubt of the stop"}.get(what, "worst verdict")
        yield change(what, quantity, (before, after), count, sums.first[key], kinds=kinds)
    for name, move in sums.moves.items():
        ends, what, quantity = move.ends, "gap", "gap to the lowest known criterion"
        if name != "gap":
            ends, what, quantity = (-ends[0], -ends[1]), "moved", f"digits of {name}"
        told = f"{quantity} ({move.farther:,} farther, {move.nearer:,} nearer)"
        kinds = frozenset({Kind.MOVED, Kind.FARTHER} if move.farther else {Kind.MOVED})
        way = Way.FARTHER if move.most > 0 else Way.NEARER
        shown = (f"{ends[0]:.3g}", f"{ends[1]:.3g}")
        yield change(what, told, shown, move.farther + move.nearer, move.where, way=way, kinds=kinds)


def facts(before: Manifest, after: Manifest) -> Iterator[Differs]:
    """What differs around the units."""
    for name, was, now in (
        ("relmer", before.relmer, after.relmer),
        ("code", before.code, after.code),
        ("units planned", str(before.units), str(after.units)),
        ("plan", "one", "one" if before.plan == after.plan else "another"),
    ):
        if was != now:
            yield Differs("", "", name, was, now)
    for engine in dict.fromkeys((*before.engines, *after.engines)):
        versions = before.engines.get(engine), after.engines.get(engine)
        if None not in versions and versions[0] != versions[1]:
            yield Differs("", engine, "version", *versions)
    for name in dict.fromkeys((*before.machine, *after.machine)):
        values = before.machine.get(name), after.machine.get(name)
        if values[0] != values[1]:
            yield Differs("", "", name, *values)
