"""Judge every design on every engine, and count the false alarms: `python -m tests.alarms --help`.

A design that the journal has, of the same code, is not judged again: a run that was interrupted goes on.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from relmer.reports.journal import code  # noqa: E402
from relmer.reports.laws.page import command_of  # noqa: E402

from .designs import problem  # noqa: E402
from .hearing import ENGINES, STORED, Trial, as_record, engines, everything, of_record, trial  # noqa: E402
from .page import LIST, PAGE, false_alarms, page, rows, table  # noqa: E402


def arguments() -> argparse.Namespace:
    """What is asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.alarms", description="The false alarms of the judge.")
    parser.add_argument("--design", action="append", metavar="GLOB", help="designs of these names only: weights/7")
    parser.add_argument("--csv", type=Path, metavar="DIR", help="write their data here, and print what repeats them")
    parser.add_argument("--most", type=int, metavar="N", help="so many at most, of all kinds")
    parser.add_argument("--minutes", type=float, metavar="M", help="begin no more after so many minutes")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="keep results here, and go on from them")
    parser.add_argument("--write", action="store_true", help="write docs/alarms.md and docs/alarms.csv")
    return parser.parse_args()


def kept(journal: Path | None) -> dict[str, Trial]:
    """The designs in a journal, of this code; a line that was cut off is none."""
    found: dict[str, Trial] = {}
    for line in journal.read_text("utf-8").splitlines() if journal and journal.exists() else []:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry["code"] == measured():
            found[entry["trial"]["design"]] = of_record(entry["trial"])
    return found


def judged(chosen: list[str], journal: Path | None, minutes: float | None) -> Iterator[Trial]:
    """The designs that are judged, those of the journal among them."""
    have, begun = kept(journal), time.monotonic()
    for k, name in enumerate(chosen):
        if name in have:
            yield have[name]
            continue
        if minutes is not None and time.monotonic() - begun > 60 * minutes:
            continue
        found = trial(name)
        if journal:
            with journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"code": measured(), "trial": as_record(found)}) + "\n")
        if k % 50 == 0:
            print(f"{k} of {len(chosen)}", file=sys.stderr, flush=True)
        yield found


@cache
def measured() -> str:
    """A hash of what a result depends on: relmer's files, the designs and the proofs."""
    found = hashlib.sha256(code().encode())
    for name in ("designs.py", "hearing.py", "proof.py"):
        found.update(Path(__file__).with_name(name).read_bytes())
    return found.hexdigest()[:12]


@cache
def commit() -> str:
    """The commit that was measured; empty where git tells none."""
    told = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return told.stdout.strip()


def written(chosen: list[str], folder: Path) -> None:
    """Write the data of some designs, and print the command that judges each."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in chosen:
        if name.startswith(STORED):
            print(f"relmer run --case {name.removeprefix(STORED + '/')} --engine lme4")
            continue
        made = problem(name)
        file = folder / f"{name.replace('/', '-').replace(' ', '-')}.csv"
        made.frame.to_csv(file, index=False, float_format="%.17g")
        print(command_of(made, "lme4", str(file)))


def main() -> int:
    """Print the counts; 1 if an own path is called wrong or failed, or another without proof."""
    asked = arguments()
    warnings.simplefilter("ignore")
    chosen = [n for n in everything() if not asked.design or any(fnmatchcase(n, p) for p in asked.design)]
    chosen = chosen[: asked.most]
    if asked.csv:
        written(chosen, asked.csv)
        return 0
    found = list(judged(chosen, asked.journal, asked.minutes))
    for engine in ENGINES:
        print(table(found, engine), end="\n\n")
    alarms = false_alarms(found)
    for line in alarms:
        print(line)
    if asked.write:
        used = engines()[0]
        versions = ", ".join(f"{name} {used[name].version}" for name in ("lme4", "nlme"))
        told = page(found, len(chosen), versions, commit(), datetime.now(UTC).date().isoformat())
        PAGE.write_text(told, encoding="utf-8")
        LIST.write_text(rows(found), encoding="utf-8", newline="")
    return int(bool(alarms))


if __name__ == "__main__":
    sys.exit(main())
