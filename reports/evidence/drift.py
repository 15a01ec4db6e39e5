"""How far a live engine is from what was recorded of it."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from relmer.reference.answers import Answer
from relmer.reports.evidence.digits import digits, scales
from relmer.reports.evidence.landscape import values
from relmer.reports.records import MOST, Drift

SHOWN = ("theta", "beta", "sigma", "se")
BLAS = "BLAS"


def drift_of(frozen: Answer, live: Answer) -> Iterator[Drift]:
    """List what moved between the recording and the live answer: nothing, where they are the same to the last bit.

    Of a vector the entry is told that has the fewest digits, in full: the digits that differ are there to be seen.
    """
    moved = partial(
        Drift,
        case=live.case,
        engine=live.engine,
        recorded_blas=blas(frozen),
        live_blas=blas(live),
    )
    if frozen.version != live.version:
        yield moved(quantity="version", recorded=frozen.version, live=live.version, digits=None)
    if frozen.model != live.model or frozen.data != live.data:
        yield moved(quantity="data and model", recorded="as recorded", live="another", digits=None)
    if frozen.estimates is None or live.estimates is None:
        if frozen.status is not live.status:
            yield moved(quantity="status", recorded=frozen.status, live=live.status, digits=None)
        return
    before, now = frozen.estimates, live.estimates
    if before.criterion != now.criterion:
        reached = digits("criterion", np.array(now.criterion), np.array(before.criterion))
        yield moved(quantity="criterion", recorded=repr(before.criterion), live=repr(now.criterion), digits=reached)
    old, new = values(before), values(now)
    for name in SHOWN:
        if old[name].shape != new[name].shape:
            told = (f"{len(old[name])} entries", f"{len(new[name])} entries")
            yield moved(quantity=name, recorded=told[0], live=told[1], digits=0.0)
            continue
        reached = digits(name, new[name], old[name])
        if reached < MOST:
            worst = int(np.argmax(np.abs(new[name] - old[name]) / scales(name, old[name])))
            entry = name if old[name].size == 1 else f"{name}[{worst + 1}]"
            told = (repr(float(old[name][worst])), repr(float(new[name][worst])))
            yield moved(quantity=entry, recorded=told[0], live=told[1], digits=reached)


def blas(answer: Answer) -> str:
    """The BLAS under which an answer came about, its kernel with it, as far as its environment tells."""
    told = [value for name, value in answer.environment.items() if name.startswith(BLAS) and "threads" not in name]
    return ", ".join(dict.fromkeys(told)) or "unknown"
