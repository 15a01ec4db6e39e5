"""Change the heart in small ways, and tell what no test saw: `python -m tests.mutation --help`."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from .equivalents import dead, equivalents, rules, stale
from .mutants import ALIVE, Fate, Looked, Mutant, drawn, mutants_of, settle, strike
from .page import COLUMNS, PAGE, SCORE, counts, page, stored
from .tree import digest, in_tree, lay_out
from .wings import WINGS, Wing, chosen, modules


def arguments() -> argparse.Namespace:
    """What is asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description="What the tests of the heart miss.")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="files, folders or patterns (all)")
    parser.add_argument("--place", type=Path, default=Path(".nox/mutants"), metavar="FOLDER", help="where mutants live")
    parser.add_argument("--sample", type=int, metavar="N", help="N mutants of each module (all of them)")
    parser.add_argument("--read", action="store_true", help="run nothing: tell what earlier runs left")
    parser.add_argument("--write", action="store_true", help="write docs/mutation.md and the score that it shows")
    return parser.parse_args()


def mutate(place: Path, wing: Wing, asked: Sequence[str], sample: int | None) -> None:
    """Make the mutants of a wing, and run those of the asked modules that have not been run by these tests."""
    if lay_out(place, wing) or not (place / "mutants/mutmut-stats.json").exists():
        # The first mutants of a module: with them all are made, and the time of every test is taken.
        tool(place, [f"{in_tree(asked[0]).removesuffix('.py').replace('/', '.')}.*__mutmut_1"])
    # By which tests each module was met.
    record, known = place / "tests.json", digest(wing)
    met: dict[str, str] = json.loads(record.read_text("utf-8")) if record.exists() else {}
    named = equivalents()

    def again(mutant: Mutant) -> bool:
        """What is named takes all tests of its wing each time: it is met anew where its module is."""
        changed = met.get(mutant.module, known) != known
        return changed and not any(entry.names(mutant) for entry in named)

    for module in modules(wing):
        wanted = {one.name for one in drawn(mutants_of(place, module), sample)} if module in asked else set()
        settle(place, module, is_ruled, wanted, again)
    for module, lines in errors_of_types(place).items():
        if module in asked:
            strike(place, module, lines)
    record.write_text(json.dumps(met | dict.fromkeys(asked, known)), "utf-8")
    tool(place, [])


def is_ruled(mutant: Mutant) -> bool:
    """Whether a rule of equivalent.toml is about it."""
    return any(rule.holds(mutant) for rule in rules())


def tool(place: Path, names: Sequence[str]) -> None:
    """Run mutmut in a tree, one mutant at a time, at the lowest priority."""
    shared = str(place / "tests/support")
    environment = {**os.environ, "PYTHONPATH": shared, "OPENBLAS_NUM_THREADS": "1"}
    program = Path(sys.executable).with_name("mutmut")
    done = subprocess.run(
        ["nice", "-n", "19", str(program), "run", "--max-children", "1", *names],
        cwd=place,
        env=environment,
        check=False,
    )
    if done.returncode:
        sys.exit(f"mutmut ended with status {done.returncode} in {place}")


def errors_of_types(place: Path) -> dict[str, set[int]]:
    """Lines with an error of types in a tree, by module: CI checks types, so that it is a test like the others."""
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "-p", "relmer", "--output", "json"]
    done = subprocess.run(command, cwd=place / "mutants", check=False, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"mypy ended with status {done.returncode} in {place}: {done.stderr.strip()}")
    found: dict[str, set[int]] = {}
    for line in done.stdout.splitlines():
        error = json.loads(line)
        # The tool's own comments are refused in every line that it writes.
        if error["severity"] == "error" and error["code"] != "unused-ignore":
            found.setdefault(error["file"].removeprefix("relmer/"), set()).add(error["line"])
    return found


def found_in(place: Path, module: str, sample: int | None) -> Looked | None:
    """What was looked at of a module: all, or else the sample; nothing if it has not been run to its end."""
    made = place / "mutants" / f"{in_tree(module)}.meta"
    every = drawn(mutants_of(place, module), None) if made.exists() else []
    for tried in (every, drawn(every, sample)):
        if tried and not any(one.fate in {Fate.OPEN, Fate.ASIDE} and not is_ruled(one) for one in tried):
            return Looked(tuple(tried), len(every))
    return None


def tell(looked: Mapping[str, Looked]) -> None:
    """Print what lives and is not named."""
    named, by_rule = equivalents(), rules()
    for module, found in looked.items():
        print(module, counts(found, named, by_rule))
        for one in found.tried:
            if one.fate in ALIVE and not is_ruled(one) and not any(e.names(one) for e in named):
                print(f"  {one.function}, {one.fate}\n    - {one.before}\n    + {one.after}")


def main() -> int:
    """Print the score of the modules; 1 if an entry of equivalent.toml is stale."""
    asked = arguments()
    wanted = chosen(asked.modules)
    if not wanted:
        sys.exit(f"{' '.join(asked.modules)} is no module of {', '.join(dict.fromkeys(wing.folder for wing in WINGS))}")
    looked: dict[str, Looked] = {}
    for wing, names in wanted.items():
        place = (asked.place / wing.name).resolve()
        if not asked.read:
            mutate(place, wing, names, asked.sample)
        looked |= {module: found for module in names if (found := found_in(place, module, asked.sample))}
    tell(looked)
    entries, by_rule = equivalents(), rules()
    old = [*filter(None, map(stale, entries)), *dead(entries, looked)]
    for line in old:
        print(f"stale in equivalent.toml: {line}", file=sys.stderr)
    if asked.write:
        before = stored()
        measured = before | {
            module: counts(found, entries, by_rule, before.get(module)) for module, found in looked.items()
        }
        every = [module for wing in WINGS for module in modules(wing) if module in measured]
        score = {module: {column: measured[module][column] for column in COLUMNS} for module in every}
        SCORE.write_text(json.dumps(score, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(page(score, by_rule), encoding="utf-8")
    return int(bool(old))


if __name__ == "__main__":
    sys.exit(main())
