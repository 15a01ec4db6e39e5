"""What is concluded from a fit, beside lme4, lmerTest and pbkrtest, in one run: refits, profiles, degrees of freedom.

`python tests/bench/inference.py` writes the section of docs/benchmark.md that has these rows; its exit status is 1
where a ratio is above what is asked. Seconds are those of the processor, so that other work on the machine counts
little.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import page
import profiles
import refit

from relmer.datasets import load
from relmer.solver import coef_table, lmer

MODELS = {
    "sleepstudy": ("Reaction ~ Days + (Days | Subject)", ("Subject",)),
    "bdf": ("aritPOST ~ aritPRET + sex + schoolSES + (sex | schoolNR)", ("schoolNR", "sex")),
}
PACKAGES = {"Satterthwaite": "lmerTest", "Kenward-Roger": "pbkrtest"}
TIMES = 3
SCRIPT = """
suppressMessages({library(lme4); library(lmerTest); library(pbkrtest)})
asked <- commandArgs(TRUE)
d <- read.csv(asked[1], stringsAsFactors = TRUE)
for (name in strsplit(asked[3], " ")[[1]]) d[[name]] <- factor(d[[name]])
fit <- lme4::lmer(as.formula(asked[2]), d)
seconds <- function(expression, times) min(replicate(times, sum(system.time(expression())[c("user.self", "sys.self")])))
satterthwaite <- function() coef(summary(lmerTest::as_lmerModLmerTest(fit)))
roger <- function() {
  adjusted <- vcovAdj(fit)
  p <- length(fixef(fit))
  vapply(seq_len(p), function(k) Lb_ddf(diag(p)[k, ], vcov(fit), adjusted), 0)
}
cat(seconds(satterthwaite, 3), seconds(roger, if (nrow(d) > 1000) 1 else 3))
"""


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes
    ----------
    what, whose
        Of which the times are; who it is beside.
    ours, theirs
        Seconds.
    most
        The ratio that is asked.
    """

    what: str
    whose: str
    ours: float
    theirs: float
    most: float

    @property
    def holds(self) -> bool:
        """Whether the ratio is what is asked."""
        return self.ours <= self.most * self.theirs


def best(what: Callable[[], object]) -> float:
    """Seconds of the processor, the best of some times."""
    seconds = []
    for _ in range(TIMES):
        start = time.process_time()
        what()
        seconds.append(time.process_time() - start)
    return min(seconds)


def degrees_of_freedom(name: str) -> list[Row]:
    """Both methods of one model, all coefficients."""
    formula, factors = MODELS[name]
    frame = load(name).frame
    fit = lmer(formula, frame)
    with TemporaryDirectory() as folder:
        data = Path(folder) / "data.csv"
        frame.to_csv(data, index=False)
        words = ["Rscript", "--vanilla", "-e", SCRIPT, str(data), formula, " ".join(factors)]
        said = subprocess.run(words, capture_output=True, encoding="utf-8", check=True).stdout.split()
    rows = []
    for (ddf, package), theirs in zip(PACKAGES.items(), map(float, said), strict=True):
        ours = best(lambda ddf=ddf: coef_table(fit, ddf))  # type: ignore[misc]
        rows.append(Row(f"{name}, {ddf}", package, ours, theirs, 1.0))
    return rows


def rows() -> list[Row]:
    """All comparisons, in one run."""
    (refits, _), bootstrap = refit.ours(), refit.theirs()
    return [
        Row(f"sleepstudy, {refit.DRAWS:,} bootstrap refits", "lme4's bootMer", refits, bootstrap, refit.MOST),
        Row("sleepstudy, profile intervals of 6 parameters", "lme4", profiles.ours(), profiles.theirs(), profiles.MOST),
        *(row for name in MODELS for row in degrees_of_freedom(name)),
    ]


def section(found: Sequence[Row], load_of_machine: float, cores: int, now: str, commit: str) -> str:
    """The rows as a section of the page."""
    shared = load_of_machine > 1.5
    note = f" The machine was shared: its load was {load_of_machine:.1f} on {cores} cores." if shared else ""
    lines = [
        page.BEYOND,
        "",
        f"Run of {now} at commit {commit}. Seconds of the processor, the best of three; bootMer once, for a",
        f"tenth of the draws, pbkrtest once for bdf. The fit is there already.{note}",
        "",
        page.row("what", "beside", "its time", "relmer", "relmer is", "asked", "holds"),
        page.rule(7),
        *(
            page.row(
                one.what,
                one.whose,
                page.duration(one.theirs),
                page.duration(one.ours),
                page.fraction(one.ours / one.theirs),
                page.fraction(one.most),
                "yes" if one.holds else "**no**",
            )
            for one in found
        ),
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all, and write the section."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument(
        "--out", type=Path, default=Path(__file__).parent.parent.parent / "docs", help="folder of the page"
    )
    out = made.parse_args(arguments).out
    busy = os.getloadavg()[0]
    found = rows()
    for one in found:
        print(f"{one.what}: {one.ours:.4f} s, {one.whose} {one.theirs:.4f} s, {page.fraction(one.ours / one.theirs)}")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    page.keep(out, section(found, busy, os.cpu_count() or 1, now, page.described_commit()))
    return int(not all(one.holds for one in found))


if __name__ == "__main__":
    sys.exit(main())
