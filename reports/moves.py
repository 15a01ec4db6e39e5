"""What moved in one engine's answer to one case, and whether it is nearer to the truth."""

import math
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from relmer.reports.causes import OPTIMUM
from relmer.reports.changes import Moved, Reading
from relmer.reports.evidence import relative_digits, scales
from relmer.reports.records import Comparison, Said, Score

ESTIMATES, PRINTED = 5, "published"
Pair = tuple[str, str]


def united(before: Iterable[Any], after: Iterable[Any]) -> list[Any]:
    """What is in either, once, in the order of the first."""
    return list(dict.fromkeys([*before, *after]))


def moves(
    pair: Pair,
    compared: Iterable[tuple[Comparison | None, Comparison | None]],
    said: tuple[Said, Said] | None,
    scored: tuple[Score, Score] | None,
) -> Iterator[Moved]:
    """What moved in an answer: the values that both reports have, and the digits of what has no values in a report.

    Correct digits are those of the certificate where there is one, else those of the judge.
    """
    judged: dict[tuple[int, str], tuple[Comparison, Comparison]] = {}
    for was, now in compared:
        if was is not None and now is not None and PRINTED not in (was.kind, now.kind):
            judged.setdefault((was.rung, was.quantity), (was, now))

    def reading(rung: int, name: str, value: str, side: int) -> Reading:
        if scored is not None and rung >= OPTIMUM and all(name in score.digits for score in scored):
            return Reading(value, scored[side].digits[name], scored[side].certificate)
        if (rung, name) not in judged:
            return Reading(value, None, "")
        one = judged[rung, name][side]
        return Reading(value, one.digits, one.kind)

    seen = set()
    values = ({}, {}) if said is None else tuple(one.values for one in said)
    for name in united(*values):
        old, new = (one.get(name) for one in values)
        if old is not None and new is not None and old != new:
            rung = OPTIMUM if name == "criterion" else ESTIMATES
            entry, texts, shared, first = worst_entry(name, old, new)
            before, after = (reading(rung, name, text, side) for side, text in enumerate(texts))
            seen.add((rung, name))
            yield Moved(*pair, rung, entry, before, after, shared, first)
    for rung, name in judged:
        before, after = (reading(rung, name, "", side) for side in (0, 1))
        if (rung, name) not in seen and before.far_from(after):
            yield Moved(*pair, rung, name, before, after, None, None)


def worst_entry(
    name: str, was: Sequence[float | None], now: Sequence[float | None]
) -> tuple[str, tuple[str, str], float, int | None]:
    """The entry that moved most, both its values, the digits that all entries share, and the first that differs."""
    if len(was) != len(now):
        return name, (f"{len(was)} entries", f"{len(now)} entries"), 0.0, None
    old, new = (np.array([math.nan if v is None else v for v in values]) for values in (was, now))
    # Neither side is the reference: an entry's scale is that of the larger.
    size = scales(name, np.nan_to_num(np.fmax(np.abs(old), np.abs(new))))
    error = np.abs(new - old) / size
    error[np.isnan(old) & np.isnan(new)] = 0.0
    error[np.isnan(error)] = math.inf
    k = int(np.argmax(error))
    told = tuple("none" if v is None else repr(v) for v in (was[k], now[k]))
    entry = name if len(was) == 1 else f"{name}[{k + 1}]"
    return entry, (told[0], told[1]), relative_digits(float(error[k])), first_differing(was[k], now[k])


def first_differing(was: float | None, now: float | None) -> int | None:
    """Which significant digit is the first to differ, of the shortest decimals that give the doubles back.

    Examples
    --------
    >>> first_differing(1743.628271959952, 1743.628271959951), first_differing(0.5, 0.5000001)
    (16, 7)
    >>> first_differing(0.25, -0.25), first_differing(99.5, 100.5)
    (1, 1)
    """
    if was is None or now is None or not (math.isfinite(was) and math.isfinite(now)):
        return None
    one, other = (Decimal(repr(v)).normalize() for v in (was, now))
    if one == other:
        return None
    if one.is_signed() != other.is_signed() or one.adjusted() != other.adjusted() or not (one and other):
        return 1
    digits = [d.as_tuple().digits for d in (one, other)]
    longest = max(map(len, digits))
    padded = [(*d, *(0,) * (longest - len(d))) for d in digits]
    return next((k for k, (a, b) in enumerate(zip(*padded, strict=True), start=1) if a != b), None)
