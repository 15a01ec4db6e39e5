"""Time from text and data to the design, beside that of lme4's `lFormula` on data of the same layout, in one run.

`python tests/bench/design.py` prints a line for each layout; its exit status is 1 where one takes more than a fifth.
"""

import subprocess
import sys
import time

import numpy as np
import pandas as pd

from relmer.solver.language import build, model_frame, parse

ROUNDS = 3
MOST = 1 / 5
LAYOUTS = {
    "crossed-1e6": ("y ~ x + (1 | a) + (1 | b)", 1_000_000, {"a": 2000, "b": 900}),
    "InstEval": ("y ~ x + (1 | s) + (1 | d) + (1 | e:f)", 73_421, {"s": 2972, "d": 1128, "e": 14, "f": 2}),
}
SCRIPT = """
suppressMessages(library(lme4)); set.seed(4)
levels <- c({levels}); n <- {n}
d <- data.frame(y = rnorm(n), x = rnorm(n), lapply(levels, function(k) factor(sample(k, n, TRUE))))
cat(min(sapply(1:{rounds}, function(i) system.time(lFormula({formula}, d))[["elapsed"]])))
"""


def theirs(formula: str, n: int, levels: dict[str, int]) -> float:
    """Seconds of `lFormula`."""
    given = ", ".join(f"{name} = {k}" for name, k in levels.items())
    script = SCRIPT.format(levels=given, n=n, rounds=ROUNDS, formula=formula)
    run = subprocess.run(["Rscript", "--vanilla", "-e", script], capture_output=True, encoding="utf-8", check=True)
    return float(run.stdout)


def ours(formula: str, n: int, levels: dict[str, int]) -> float:
    """Seconds of the frame, the design and Z."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"y": rng.normal(size=n), "x": rng.normal(size=n)})
    for name, k in levels.items():
        frame[name] = pd.Categorical.from_codes(rng.integers(0, k, n), [str(i) for i in range(k)])
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        design = build(model_frame(parse(formula), frame))
        _ = design.Z
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> int:
    """Measure every layout."""
    slow = 0
    for name, layout in LAYOUTS.items():
        mine, reference = ours(*layout), theirs(*layout)
        slow += mine > MOST * reference
        print(f"{name}: {mine:.3f} s, lFormula {reference:.3f} s, {mine / reference:.3f} of it")
    return int(slow > 0)


if __name__ == "__main__":
    sys.exit(main())
