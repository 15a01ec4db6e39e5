"""docs/alarms.md and docs/alarms.csv: what the judge says of engines on generated designs, and what is proved of it."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from relmer.reports.verdicts import Verdict

from .hearing import ENGINES, OWN, Heard, Trial

ROOT = Path(__file__).parents[2]
PAGE, LIST = ROOT / "docs/alarms.md", ROOT / "docs/alarms.csv"
ORDER = (Verdict.AGREE, Verdict.WITHIN, Verdict.EARLY, Verdict.WRONG, Verdict.FAILED, Verdict.UNSUPPORTED)


def cause(one: Heard) -> str:
    return one.diagnosis


def table(found: Sequence[Trial]) -> str:
    lines = []
    for engine in ENGINES:
        counts = Counter(h.verdict for t in found for h in t.heard if h.engine == engine)
        lines.append(f"{engine}: {dict(counts)}")
    return "\n".join(lines)


def false_alarms(found: Sequence[Trial]) -> Iterator[str]:
    out = []
    for t in found:
        for h in t.heard:
            if h.verdict == "failed" and h.engine not in OWN:
                continue
            if h.verdict in ("wrong", "failed") and (h.engine in OWN or not h.proved):
                out.append(f"{t.design}: {t.formula}: {h.engine}: {h.verdict} rung {h.rung} {h.told[:260]} {[ (p.quantity,p.told,p.exact,p.noise) for p in h.proofs if not p.proved][:3]}")
    return out

def page(*a): return ""
def rows(*a): return ""
