"""Plant every fault on every case, and print the score by rung: `python -m tests.faults --help`.

A case that the journal has whole, of the same commit, is not judged again: a run that was interrupted goes on.
"""

import argparse
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from threadpoolctl import threadpool_limits  # noqa: E402

from .bank import FAULTS  # noqa: E402
from .court import courts  # noqa: E402
from .page import SCORE, page, score_of, table  # noqa: E402
from .score import Outcome, Result, results  # noqa: E402
from .showing import Showing  # noqa: E402


def arguments() -> argparse.Namespace:
    """What is asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="The score of the judge, by rung.")
    parser.add_argument("--case", action="append", metavar="GLOB", help="cases of these names only")
    parser.add_argument("--fault", action="append", metavar="GLOB", help="faults of these names only")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="cases at a time")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="keep results here, and go on from them")
    parser.add_argument("--write", action="store_true", help="write docs/faults.md and the score in the report")
    return parser.parse_args()


def chosen(names: list[str], patterns: list[str] | None) -> list[str]:
    """The names that match one of the patterns."""
    return [name for name in names if not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)]


def of_case(case: str, faults: list[str]) -> list[Result]:
    """All results of a case."""
    warnings.simplefilter("ignore")
    with threadpool_limits(limits=1, user_api="blas"):
        return list(results([case], [FAULTS[name] for name in faults]))


def kept(journal: Path | None) -> dict[str, list[Result]]:
    """The results of whole cases in a journal, of this commit; a line that was cut off is none."""
    found: dict[str, list[Result]] = {}
    for line in journal.read_text("utf-8").splitlines() if journal and journal.exists() else []:
        try:
            case = json.loads(line)
        except ValueError:
            continue
        if case["commit"] != commit():
            continue
        found[case["case"]] = [
            Result(**{**one, "showing": Showing(one["showing"]), "outcome": Outcome(one["outcome"])})
            for one in case["results"]
        ]
    return found


def judged(cases: list[str], faults: list[str], jobs: int, journal: Path | None) -> Iterator[Result]:
    """The results of all cases, those of the journal first."""
    have = kept(journal)
    for case in cases:
        yield from have.get(case, [])
    left = [case for case in cases if case not in have]
    with ProcessPoolExecutor(jobs) as pool:
        for case, found in zip(left, pool.map(of_case, left, [faults] * len(left)), strict=True):
            print(f"{case}: {len(found)} faults", file=sys.stderr, flush=True)
            if journal:
                with journal.open("a", encoding="utf-8") as file:
                    file.write(
                        json.dumps({"commit": commit(), "case": case, "results": [asdict(one) for one in found]}) + "\n"
                    )
            yield from found


@cache
def commit() -> str:
    """The commit that was measured; empty where git tells none."""
    told = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return told.stdout.strip()


def main() -> int:
    """Print the score; 1 if a fault was missed that must show, or one accused that nobody sees."""
    asked = arguments()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    cases, faults = chosen([*courts()], asked.case), chosen([*FAULTS], asked.fault)
    found = list(judged(cases, faults, asked.jobs, asked.journal))
    score = score_of(found, len(cases), datetime.now(UTC).date().isoformat(), commit())
    print(table(score))
    for one in found:
        if one.showing is Showing.MUST and not one.named:
            print(f"{one.case}: {one.fault}: {one.outcome} on rung {one.rung}: {one.told[:200]}")
    if asked.write:
        SCORE.write_text(json.dumps(score, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (ROOT / "docs/faults.md").write_text(page(score, found), encoding="utf-8")
    total = score["total"]
    return int(total["detected"] < total["pairs"] or total["accused"] > 0)


if __name__ == "__main__":
    sys.exit(main())
