"""The parametric bootstrap beside `lme4::bootMer`, in one run: 10,000 refits of sleepstudy, (Days | Subject).

`python tests/bench/refit.py` prints the times and their ratio, and the memory; its exit status is 1 above a fiftieth.
lme4 does a tenth of the draws, since each takes the same time.
"""

import resource
import subprocess
import sys
import time

from relmer.datasets import load
from relmer.solver import bootstrap, lmer

FORMULA = "Reaction ~ Days + (Days | Subject)"
DRAWS, THEIRS = 10_000, 1_000
MOST = 1 / 50
SCRIPT = f"""
suppressMessages(library(lme4))
fit <- lmer({FORMULA}, sleepstudy)
told <- function(m) c(getME(m, "theta"), fixef(m), sigma(m))
spent <- system.time(suppressWarnings(suppressMessages(bootMer(fit, told, nsim = {THEIRS}, seed = 1))))
cat(sum(spent[c("user.self", "sys.self")]))
"""


def ours() -> tuple[float, int]:
    """Seconds of the processor, the best of three, and the megabytes that the process took more for it."""
    fit = lmer(FORMULA, load("sleepstudy").frame)
    bootstrap(fit, 10, seed=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(3):
        start = time.process_time()
        bootstrap(fit, DRAWS, seed=1)
        seconds.append(time.process_time() - start)
    return min(seconds), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024


def theirs() -> float:
    """Seconds of the processor of `bootMer` for as many draws."""
    run = subprocess.run(["Rscript", "--vanilla", "-e", SCRIPT], capture_output=True, encoding="utf-8", check=True)
    return float(run.stdout) * DRAWS / THEIRS


def main() -> int:
    """Measure both."""
    (seconds, megabytes), reference = ours(), theirs()
    print(f"{DRAWS} refits: {seconds:.2f} s and {megabytes} MB, bootMer {reference:.1f} s, 1/{reference / seconds:.0f}")
    return int(seconds > MOST * reference)


if __name__ == "__main__":
    sys.exit(main())
