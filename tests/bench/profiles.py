"""Profile intervals beside lme4's `confint`, in one run: sleepstudy, (Days | Subject), all six parameters.

`python tests/bench/profiles.py` prints the times of either and their ratio; its exit status is 1 where ours is longer.
"""

import subprocess
import sys
import time

from relmer.datasets import load
from relmer.solver import confint, lmer

FORMULA = "Reaction ~ Days + (Days | Subject)"
MOST = 1.0
SCRIPT = f"""
suppressMessages(library(lme4))
fit <- lmer({FORMULA}, sleepstudy, REML = FALSE)
cat(min(replicate(3, sum(system.time(suppressMessages(confint(fit, quiet = TRUE)))[c("user.self", "sys.self")]))))
"""


def ours() -> float:
    """Seconds of the processor, the best of three."""
    fit = lmer(FORMULA, load("sleepstudy").frame, REML=False)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        confint(fit, method="profile")
        seconds.append(time.process_time() - start)
    return min(seconds)


def theirs() -> float:
    """The same of lme4."""
    run = subprocess.run(["Rscript", "--vanilla", "-e", SCRIPT], capture_output=True, encoding="utf-8", check=True)
    return float(run.stdout)


def main() -> int:
    """Measure both."""
    seconds, reference = ours(), theirs()
    print(f"profile intervals: {seconds:.2f} s, lme4 {reference:.2f} s, 1/{reference / seconds:.1f}")
    return int(seconds > MOST * reference)


if __name__ == "__main__":
    sys.exit(main())
