"""The score as docs/mutation.md shows it."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from .equivalents import Equivalent, Rule
from .mutants import Fate, Mutant
from .wings import ROOT, WINGS, modules

SCORE = Path(__file__).parent / "score.json"
PAGE = ROOT / "docs/mutation.md"
COLUMNS = ("mutants", "killed", "equivalent", "living")
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
| `nox -s mutation -- --read` | nothing is run: what earlier runs left |

A run that was ended goes on where it was; when tests have changed, what lives is tried again. On one core at the lowest
priority a mutant takes about a second where a test kills it, and as long as all tests of its wing where none does: a
module takes five to thirty minutes, and all of them, some 16,000 mutants, about a day. Each mutant is met by the tests
that mirror its wing (`tests/mutation/wings.py` has the list, and the few slow tests that are left out), so one that
lives here may still fail a test of another wing.

## The score

{table}

- **killed**: a test failed, or did not end in time.
- **equivalent**: read, and named with its reason in [equivalent.toml](../tests/mutation/equivalent.toml), or under a
  rule below, and then not run. An entry whose line is no longer in the code fails the tests; one whose mutant is killed
  fails `nox -s mutation`.
- **living**: not killed, and not read or not yet killed.
- **score**: killed, of those that are not equivalent.

{open}

Not changed at all: constants of a module, functions with a decorator, and the letters of sentences that a person reads
(what these must say is held by tests of their words).

## Equivalent by rule

{rules}
"""


def counts(found: Sequence[Mutant], entries: Sequence[Equivalent], by_rule: Sequence[Rule]) -> dict[str, int]:
    """The counts of a module, in the order of the columns."""
    ruled = [one for one in found if any(rule.holds(one) for rule in by_rule)]
    run = [one for one in found if one.fate is not Fate.ASIDE and one not in ruled]
    killed = [one for one in run if one.fate is Fate.KILLED]
    named = [one for one in run if one.fate is not Fate.KILLED and any(entry.names(one) for entry in entries)]
    total, harmless = len(run) + len(ruled), len(named) + len(ruled)
    return dict(zip(COLUMNS, (total, len(killed), harmless, total - len(killed) - harmless), strict=True))


def table(score: Mapping[str, Mapping[str, int]]) -> str:
    """The counts as a table of Markdown."""
    lines = [f"| module | {' | '.join(COLUMNS)} | score |", f"|---|{'---|' * len(COLUMNS)}---|"]
    total: Counter[str] = Counter()
    for module, one in score.items():
        total.update(one)
        lines.append(row(f"`{module}`", one))
    return "\n".join([*lines, row("all that were run", total)])


def row(name: str, one: Mapping[str, int]) -> str:
    """A line of the table."""
    real = one["mutants"] - one["equivalent"]
    share = f"{100 * one['killed'] / real:.1f} %" if real else "–"
    return f"| {name} | {' | '.join(f'{one[column]:,}' for column in COLUMNS)} | {share} |"


def page(score: Mapping[str, Mapping[str, int]], by_rule: Sequence[Rule]) -> str:
    """docs/mutation.md."""
    every = [module for wing in WINGS for module in modules(wing)]
    left = [module for module in every if module not in score]
    said = (
        f"Not run yet: {', '.join(f'`{module}`' for module in left)}." if left else "All modules of the heart were run."
    )
    told = "\n".join(f"- `{rule.erase}`: {rule.reason}" for rule in by_rule)
    return HEAD.format(table=table(score), open=said, rules=told)


def stored() -> dict[str, dict[str, int]]:
    """The score as it was measured."""
    found: dict[str, dict[str, int]] = json.loads(SCORE.read_text(encoding="utf-8"))
    return found
