"""The score as docs/mutation.md shows it."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .equivalents import Equivalent, Rule
from .mutants import ALIVE, Fate, Looked
from .wings import ROOT, WINGS, modules

SCORE = Path(__file__).parent / "score.json"
PAGE = ROOT / "docs/mutation.md"
COLUMNS = ("mutants", "tried", "first", "killed", "equivalent", "living")
NAMES = {"first": "killed at first"}
HEAD = """# Own tests are tested

A test that cannot fail is worth nothing. The heart of relmer is changed in small ways, one at a time: a sign, a number,
a comparison, an argument left out. Such a **mutant** should fail a test; one that lives shows what no test looks at,
and is read. `nox -s mutation` does it, by [mutmut](https://mutmut.readthedocs.io), in a copy of the package:

| command | what it does |
|---|---|
| `nox -s mutation` | all modules of the heart |
| `nox -s mutation -- solver/paths` | those of a folder |
| `nox -s mutation -- solver/paths/criterion.py` | one |
| `nox -s mutation -- --write solver/paths/criterion.py` | the same, and this page anew |
| `nox -s mutation -- --sample 20` | 20 mutants of each module, drawn by the checksums of their names |
| `nox -s mutation -- --read` | nothing is run: what earlier runs left |

A run that was ended goes on where it was; when tests have changed, what lives and is not named is tried again. On one
core at the lowest priority a mutant takes about a second where a test kills it, and as long as all tests of its wing
where none does: a module takes five to thirty minutes, and all of them, some 19,000 mutants, about a day. Each mutant
is met by the tests that mirror its wing (`tests/mutation/wings.py` has the list, and the few slow tests that are left
out), so one that lives here may still fail a test of another wing.

## The score

{table}

- **tried**: all mutants of a module, or a sample of them.
- **killed**: a test failed or did not end in time, or the type checker, which CI runs too, has an error in it.
- **killed at first**: so many were when the module was first looked at, before those that lived were read.
- **equivalent**: read, and named with its reason in [equivalent.toml](../tests/mutation/equivalent.toml), or under a
  rule below, and then not run. An entry whose line is no longer in the code fails the tests; one whose mutant is killed
  fails `nox -s mutation`.
- **living**: not killed, and not read or not yet killed.
- **score**: killed, of those that are not equivalent. Of all modules it is that of all their mutants: those that were
  tried as they are, the others as those of their module were at first, for the tests that were written since are about
  mutants that were drawn. Beside it stands its standard error, which is that of drawing.

{open}

Not changed at all: constants of a module, functions with a decorator, and the letters of sentences that a person reads
(what these must say is held by tests of their words).

## Equivalent by rule

{rules}
"""


def counts(
    looked: Looked, entries: Sequence[Equivalent], by_rule: Sequence[Rule], before: Mapping[str, int] | None = None
) -> dict[str, int]:
    """The counts of a module, in the order of the columns; `before` are those of an earlier look."""
    ruled = [one for one in looked.tried if any(rule.holds(one) for rule in by_rule)]
    run = [one for one in looked.tried if one not in ruled]
    killed = len([one for one in run if one.fate is Fate.KILLED])
    named = [one for one in run if one.fate in ALIVE and any(entry.names(one) for entry in entries)]
    tried, harmless = len(looked.tried), len(named) + len(ruled)
    first = min(before["first"], killed) if before and before["tried"] == tried else killed
    found = (looked.mutants, tried, first, killed, harmless, tried - killed - harmless)
    return dict(zip(COLUMNS, found, strict=True))


def table(score: Mapping[str, Mapping[str, int]]) -> str:
    """The counts as a table of Markdown."""
    heads = [NAMES.get(column, column) for column in COLUMNS]
    lines = [f"| module | {' | '.join(heads)} | score |", f"|---|{'---|' * len(COLUMNS)}---|"]
    total: Counter[str] = Counter()
    for module, one in score.items():
        total.update(one)
        lines.append(row(f"`{module}`", one, share(one)))
    return "\n".join([*lines, row("all that were looked at", total, overall(score.values()))])


def row(name: str, one: Mapping[str, int], told: str) -> str:
    """A line of the table."""
    return f"| {name} | {' | '.join(f'{one[column]:,}' for column in COLUMNS)} | {told} |"


def share(one: Mapping[str, int]) -> str:
    """The score of a module."""
    real = one["tried"] - one["equivalent"]
    return f"{100 * one['killed'] / real:.1f} %" if real else "–"


def overall(modules: Iterable[Mapping[str, int]]) -> str:
    """The score of all mutants, and its standard error: a ratio of totals over strata, drawn without replacement.

    W. G. Cochran, Sampling Techniques (3rd ed., 1977), (6.51) with the variance of each stratum as in (2.8).
    """
    drawn = [one for one in modules if one["tried"]]
    killed = sum(one["killed"] + (one["mutants"] / one["tried"] - 1) * one["first"] for one in drawn)
    real = sum(one["mutants"] * (1 - one["equivalent"] / one["tried"]) for one in drawn)
    ratio = killed / real
    variance = 0.0
    for one in drawn:
        t, M = one["tried"], one["mutants"]
        # d = (1 if it was killed at first) - ratio (1 if it is not equivalent), of each that was tried.
        lived = t - one["equivalent"] - one["first"]
        mean = (one["first"] - ratio * (t - one["equivalent"])) / t
        square = (one["first"] * (1 - ratio) ** 2 + lived * ratio**2) / t - mean**2
        if t < M:
            variance += M**2 * (1 - t / M) * square / (t - 1)
    error = f" ± {100 * variance**0.5 / real:.1f}" if variance else ""
    return f"{100 * ratio:.1f}{error} %"


def page(score: Mapping[str, Mapping[str, int]], by_rule: Sequence[Rule]) -> str:
    """docs/mutation.md."""
    every = [module for wing in WINGS for module in modules(wing)]
    left = [module for module in every if module not in score]
    names = ", ".join(f"`{module}`" for module in left)
    said = f"Not looked at yet: {names}." if left else "All modules of the heart were looked at."
    told = "\n".join(f"- `{rule.erase}`: {rule.reason}" for rule in by_rule)
    return HEAD.format(table=table(score), open=said, rules=told)


def stored() -> dict[str, dict[str, int]]:
    """The score as it was measured."""
    found: dict[str, dict[str, int]] = json.loads(SCORE.read_text(encoding="utf-8"))
    return found
