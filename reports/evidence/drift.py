"""How far a live engine is from what was recorded of it."""

from collections.abc import Iterator

import numpy as np

from relmer.reference.answers import Answer
from relmer.reports.evidence.digits import digits
from relmer.reports.evidence.landscape import values
from relmer.reports.records import MOST, Drift

SHOWN = ("theta", "beta", "sigma", "se")


def drift_of(frozen: Answer, live: Answer) -> Iterator[Drift]:
    """List what moved between the recording and the live answer: nothing, where they are the same to the last bit."""

    def moved(quantity: str, recorded: str, now: str, reached: float | None = None) -> Drift:
        return Drift(case=live.case, engine=live.engine, quantity=quantity, recorded=recorded, live=now, digits=reached)

    if frozen.version != live.version:
        yield moved("version", frozen.version, live.version)
    if frozen.model != live.model or frozen.data != live.data:
        yield moved("data and model", "as recorded", "another")
    if frozen.estimates is None or live.estimates is None:
        if frozen.status is not live.status:
            yield moved("status", frozen.status, live.status)
        return
    before, now = frozen.estimates, live.estimates
    if before.criterion != now.criterion:
        reached = digits("criterion", np.array(now.criterion), np.array(before.criterion))
        yield moved("criterion", repr(before.criterion), repr(now.criterion), reached)
    old, new = values(before), values(now)
    for name in SHOWN:
        reached = digits(name, new[name], old[name])
        if reached < MOST:
            yield moved(name, shown(old[name]), shown(new[name]), reached)


def shown(value: np.ndarray) -> str:
    """First entries, to ten digits."""
    text = ", ".join(f"{entry:.10g}" for entry in value[:3])
    return text + (", …" if len(value) > 3 else "")
