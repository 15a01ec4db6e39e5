"""The score as the report and docs/faults.md show it."""

from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from relmer.reports.records import RUNGS

from .bank import FAULTS
from .score import Result, counted
from .showing import Showing

ROOT = Path(__file__).parents[2]
# What the report's appendix shows.
SCORE = ROOT / "reports/pages/faults.json"
COLUMNS = ("faults", "pairs", "detected", "localised", "named", "excused", "missed", "hidden", "accused", "edge")
HEADINGS = (
    "rung",
    "faults",
    "must show",
    "detected",
    "right rung",
    "named",
    "excused",
    "missed",
    "cannot show",
    "accused",
    "at the edge",
)
LIST = """## Rung {rung}: {name}

| fault | where it shows | must show | detected | named |
|---|---|---|---|---|
"""
HEAD = """# What the harness catches

A harness is worth what it catches. {faults} faults that a real program might have are planted in honest answers to
{cases} cases of at most 3,000 rows, and the judge hears each. Rungs are those of [report.md](report.md). This page
is made by `nox -s faults -- --write` (`python -m tests.faults --write`); it was measured with relmer {relmer} at commit
`{commit}` on {date}.

A fault of the data or the model is the fit of the wrong data or the wrong model, as it should be fitted; a fault of
the criterion is another formula, minimised where it has another optimum; one of the optimum stops elsewhere and
evaluates rightly there; one of the estimates tells something else of the right optimum; one of the inference concludes
falsely from a right fit. Some engines give a part of an answer, a listing or the estimates alone, which hides less than
they think: what they forget is a fault of the model.

Each fault says on which cases it can show, by theory. On a case it *must* show if it moves a number by more than twice
what the tolerances of the report allow an honest engine; *at the edge* it is within twice of that; below half of it
nobody can see it. A few can be seen nowhere: these must not be accused.

{table}

- **detected**: something is wrong or failed; of a stop at most 0.001 above the optimum, `early`, with its gap and the
  digits that it lost. It is held at 100 % of what must show.
- **right rung**: the first rung that breaks is that of the fault. It is held at 97 %.
- **named**: the evidence there has the fault's words.
- **excused**: it passes as a harmless difference. **missed**: it passes as agreement, or breaks the judge.
- **accused**: what nobody can see is called wrong.

`tests/faults` holds the bank, a file for each kind; a fault is a record with its rung, its words, where it shows, and
the wrapper. In CI each fault is planted on the smallest case where it must show; `nox -s nightly` plants all on all
cases.

"""


def score_of(found: Sequence[Result], cases: int, date: str, commit: str) -> dict[str, Any]:
    """The counts by rung and in all, and what was measured when."""
    return {
        "relmer": version("relmer"),
        "commit": commit,
        "date": date,
        "cases": cases,
        "rungs": {str(rung): asdict(counted(found, rung)) for rung in RUNGS if counted(found, rung).faults},
        "total": asdict(counted(found)),
    }


def table(score: dict[str, Any]) -> str:
    """The counts as a table of Markdown."""
    lines = [f"| {' | '.join(HEADINGS)} |", f"|{'---|' * len(HEADINGS)}"]
    named = [*((f"{rung} {RUNGS[int(rung)]}", one) for rung, one in score["rungs"].items()), ("all", score["total"])]
    lines += [f"| {name} | {' | '.join(f'{one[column]:,}' for column in COLUMNS)} |" for name, one in named]
    return "\n".join(lines)


def page(score: dict[str, Any], found: Sequence[Result]) -> str:
    """docs/faults.md."""
    facts = {name: score[name] for name in ("relmer", "commit", "date", "cases")}
    parts = [HEAD.format(faults=score["total"]["faults"], table=table(score), **facts)]
    for rung, name in RUNGS.items():
        if not any(fault.rung == rung for fault in FAULTS.values()):
            continue
        parts.append(LIST.format(rung=rung, name=name))
        for fault in FAULTS.values():
            if fault.rung == rung:
                must = [r for r in found if r.fault == fault.name and r.showing is Showing.MUST]
                where = f"nowhere: {fault.hidden}" if fault.hidden else fault.where.told
                counts = counted(must)
                cells = [fault.name, where, *(f"{n}" for n in (counts.pairs, counts.detected, counts.named))]
                parts.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n")
        parts.append("\n")
    return "".join(parts).rstrip("\n") + "\n"
