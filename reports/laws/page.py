"""What was found of the laws, as a page."""

import math
import shlex
from collections.abc import Sequence

from relmer.reports.laws.asking import Outcome
from relmer.reports.laws.law import Law
from relmer.reports.laws.problem import Problem

HEAD = """# Metamorphic laws
What an engine must answer to a changed problem follows from what it answers to the given one, without any reference:
a year in the place of a number, other units, other rows first. `relmer laws` changes the cases by each law and asks
both.

    relmer laws [--engine NAME]… [--engines FILE] [--law NAME]… [--case GLOB] [--limit SECONDS] [--out DIR]
        [--journal FILE] [--page FILE] [--record FILE]

A cell has the largest excess of the criterion, as the definition has it at the engine's theta, over the lowest value
that is known: by the law, by this project's search, or in closed form. **Bold** is a law that is broken:

- the criterion is more than 0.001 above (the report's largest early stop) beyond rounding;
- `told`: what the engine tells does not move as the law says: its criterion by as much; beta or sigma by 3 % of a
  standard error beyond what its own theta moves them; standard errors or variances by 3 % of themselves more than those
  of the given problem, each beside the definition's at its own theta;
- `error`: there is none, where the given problem had an answer.

`-` is an engine that does not take the problem. Of each broken law the smallest example that was found, groups left out
by halves, is written to the folder `--out`: a CSV file of the changed problem and the command that shows it. With
`--journal` what is found is kept as it is found; the same command takes it up, where neither relmer nor an engine has
changed.

Exit status: 0 where every law is kept, 1 where one is broken, 2 for bad input, 3 where an engine that is named cannot
run. There is no list of accepted laws: a broken law is a finding about its engine.
"""


def written_page(laws: Sequence[Law], engines: Sequence[str], outcomes: Sequence[Outcome], command: str) -> str:
    """The page: the table engines x laws, what each law says, what is broken."""
    cells = {
        (law.name, name): cell([o for o in outcomes if (o.law, o.engine) == (law.name, name)])
        for law in laws
        for name in engines
    }
    tried = ", ".join(f"`{case}`" for case in dict.fromkeys(o.case for o in outcomes))
    lines = [
        HEAD,
        "## The table",
        f"Made by `{command}`, on {tried}.",
        "",
        f"| law | {' | '.join(engines)} |",
        "|---" * (len(engines) + 1) + "|",
        *(f"| {law.name} | {' | '.join(cells[law.name, name] for name in engines)} |" for law in laws),
        "",
        *(f"- {told}" for told in (kept(name, laws, outcomes) for name in engines)),
        "",
        "## What they say",
        "Derivations stand in `reports/laws/law.py`, beside each law.",
        "",
        *(f"- `{law.name}`: {law.says}." for law in laws),
    ]
    return "\n".join(lines) + "\n"


def cell(found: Sequence[Outcome]) -> str:
    """The worst of a law.

    Examples
    --------
    >>> cell([Outcome(law="rows", engine="e", case="c", rows=9, excess=2.0, broken="stops above")])
    '**2**'
    """
    heard = [o for o in found if not o.silent]
    if not heard:
        return "-"
    excesses = [o.excess for o in heard if math.isfinite(o.excess)]
    told = f"{max(excesses):.3g}" if excesses and max(excesses) > 1e-7 else "0" if excesses else ""
    if any(o.broken.startswith("an error") for o in heard):
        told = f"{told}, error" if told else "error"
    elif any(o.broken and "stops" not in o.broken and not math.isnan(o.excess) for o in heard):
        told = f"{told}, told"
    return f"**{told}**" if any(o.broken for o in heard) else told


def kept(engine: str, laws: Sequence[Law], outcomes: Sequence[Outcome]) -> str:
    """How many laws an engine keeps."""
    heard = {o.law for o in outcomes if o.engine == engine and not o.silent}
    broken = {o.law for o in outcomes if o.engine == engine and o.broken}
    names = ", ".join(law.name for law in laws if law.name in broken)
    return f"{engine} keeps {len(heard - broken)} of {len(heard)}" + (f"; broken: {names}" if names else "")


def command_of(problem: Problem, engine: str, file: str) -> str:
    """What is typed to see an engine's answer to a problem that stands in a file."""
    told = ["relmer", "run", "--data", file, "--formula", problem.formula, "--engine", engine]
    told += [] if problem.reml else ["--ml"]
    told += ["--weights", problem.weights] if problem.weights else []
    told += [f"--contrasts={name}={value}" for name, value in problem.contrasts.items()]
    return shlex.join(told)
