"""A sweep on one worker and on two, beside plain loops, and its memory: docs/sweeps/speed.md.

`python tests/bench/sweeps.py` measures all in one run. It needs a machine of two cores with nothing else to do: seconds
by the wall clock are what scaling is about. Memory is the operating system's VmHWM, the peak of each process.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import page

sys.path.append(str(Path(__file__).parents[1] / "support"))

from cluster import Cluster

from relmer.datasets import load
from relmer.reports.sweeps.blocks import Block
from relmer.reports.sweeps.plan import OWN, Simulate, planned
from relmer.reports.sweeps.simulating import truth_of
from relmer.reports.sweeps.work import as_bytes, table_of
from relmer.solver import lmer, refit

FORMULA = "Reaction ~ Days + (Days | Subject)"
SOURCE = {"name": "sleepstudy", "case": "sleepstudy/slopes-reml", "replicates": 4096, "intervals": ["wald"]}
# Replicates of a loop, which takes as long for each.
LOOPED = 100
TICK, LOOK = os.sysconf("SC_CLK_TCK"), 0.05
PLANS = {
    "responses": """
engines = ["relmer"]
[[simulate]]
name = "sleepstudy"
case = "sleepstudy/slopes-reml"
replicates = {responses}
intervals = ["wald"]
""",
    "designs": """
engines = ["relmer", "lme4", "statsmodels"]
[[designs]]
name = "designs"
kinds = ["ordinary", "few rows", "singular", "crossed"]
count = {designs}
""",
}
R = f"""
suppressMessages(library(lme4))
fit <- lmer({FORMULA}, sleepstudy)
Y <- simulate(fit, {LOOPED}, seed = 1)
times <- system.time(for (y in Y) suppressWarnings(suppressMessages(refit(fit, y))))
cat(sum(times[c("user.self", "sys.self")]))
"""


@dataclass
class Watched:
    """Seconds of the processor and peak memory of processes, by what they are, as the operating system counts them."""

    seconds: dict[int, float] = field(default_factory=dict)
    peak: dict[int, int] = field(default_factory=dict)

    def look(self, pids: Sequence[int]) -> None:
        """See how they are."""
        for pid in pids:
            try:
                stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
                status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
            except OSError:
                continue
            self.seconds[pid] = (int(stat[11]) + int(stat[12])) / TICK
            for line in status.splitlines():
                if line.startswith("VmHWM"):
                    self.peak[pid] = int(line.split()[1]) // 1024


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a plan.

    Attributes
    ----------
    plan, backend, workers
        Which.
    seconds
        By the wall clock, from the first block to the last, so that what starts and ends once is not in it.
    rows
        That came between.
    client
        Seconds of the processor of the command itself for each block between.
    scheduler
        The same of Dask's scheduler; 0 without one.
    memory
        Peak megabytes of the command, and of the largest worker.
    """

    plan: str
    backend: str
    workers: int
    seconds: float
    rows: int
    client: float
    scheduler: float
    memory: tuple[int, int]


def rates() -> dict[str, float]:
    """Replicates a second of one core: a sweep's blocks, and three plain loops."""
    (source,) = planned({"engines": [OWN], "simulate": [SOURCE]}).sources
    assert isinstance(source, Simulate)
    plan = planned({"engines": [OWN], "simulate": [SOURCE]})
    truth = truth_of(source)
    Y = truth.responses(1, 0, LOOPED)
    frame = load("sleepstudy").frame
    kept = as_bytes(table_of(plan, Block(0, 0, (OWN,), 0, 64), "0"))
    assert kept
    return {
        "a sweep": 4096 / spent(lambda: as_bytes(table_of(plan, Block(0, 0, (OWN,), 0, 4096), "0"))),
        "a loop of `refit`": LOOPED / spent(lambda: [refit(truth.fit, y) for y in Y.T]),
        "a loop of `lmer`": LOOPED / spent(lambda: [lmer(FORMULA, frame.assign(Reaction=y)) for y in Y.T]),
        "a loop of lme4's `refit`": LOOPED / float(subprocess.check_output(["Rscript", "--vanilla", "-e", R])),
    }


def spent(what: Callable[[], object]) -> float:
    """Seconds of the processor, the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        what()
        best = min(best, time.process_time() - start)
    return best


def run(name: str, text: str, folder: Path, backend: str, workers: int) -> Run:
    """Carry a plan out, and watch."""
    plan, out, watched = folder / "plan.toml", folder / "out", Watched()
    plan.write_text(text, encoding="utf-8")
    words = [str(Path(sys.executable).with_name("relmer")), "sweep", str(plan), "--out", str(out), "--quiet"]
    with ExitStack() as kept:
        others: list[int] = []
        if backend == "dask":
            cluster = Cluster(folder, ("one", "two")[:workers])
            kept.callback(cluster.end)
            others = [process.pid for process in cluster.processes.values()]
            words += ["--backend", "dask", "--scheduler", cluster.address]
        else:
            words += ["--jobs", str(workers)]
        process = subprocess.Popen(words)
        seen: list[tuple[int, float, dict[int, float]]] = []
        while process.poll() is None:
            watched.look([process.pid, *others, *children(process.pid)])
            done = len([*(out / "rows").glob("*.parquet")])
            if done and (not seen or done > seen[-1][0]):
                seen.append((done, time.monotonic(), dict(watched.seconds)))
            time.sleep(LOOK)
        if process.returncode or len(seen) < 2:
            raise RuntimeError(f"{name} on {backend} ended with {process.returncode}, seen {len(seen)} times")
    rows, blocks = counts(out)
    (first, begun, before), (last, ended, after) = seen[0], seen[-1]
    left = last - first
    scheduler = others[0] if others else 0
    workers_of = [pid for pid in watched.peak if pid not in (process.pid, scheduler)]
    return Run(
        plan=name,
        backend=backend,
        workers=workers,
        seconds=ended - begun,
        rows=round(rows * left / blocks),
        client=(after[process.pid] - before[process.pid]) / left,
        scheduler=(after[scheduler] - before[scheduler]) / left if scheduler else 0.0,
        memory=(watched.peak[process.pid], max(watched.peak[pid] for pid in workers_of)),
    )


def children(pid: int) -> list[int]:
    """Python processes that a process has started."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(word) for word in found.split()]


def counts(out: Path) -> tuple[int, int]:
    """Rows and blocks of a sweep."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    files = [*(out / "rows").glob("*.parquet")]
    return sum(pq.read_metadata(file).num_rows for file in files), len(files)


def told(rate: dict[str, float], runs: Sequence[Run], small: Run, commit: str) -> str:
    """The page's tables."""
    sweep = rate["a sweep"]
    lines = [
        f"Measured at commit {commit} by `nox -s bench`, on the machine of [the benchmark](../benchmark.md).",
        "",
        page.row("sleepstudy, Wald intervals, one core", "replicates a second", "a sweep is"),
        page.rule(3),
        *(page.row(name, f"{value:,.0f}", f"{sweep / value:.3g} times as fast") for name, value in rate.items()),
        "",
        page.row("plan", "where", "rows / s on 1", "on 2", "2 / 1", "client, ms a block", "scheduler, ms a block"),
        page.rule(7),
    ]
    for name in PLANS:
        for backend in ("process", "dask"):
            one, two = (next(r for r in runs if (r.plan, r.backend, r.workers) == (name, backend, k)) for k in (1, 2))
            speed = [r.rows / r.seconds for r in (one, two)]
            scheduler = shown(1000 * two.scheduler) if two.scheduler else "–"
            cells = [shown(value) for value in speed] + [f"{speed[1] / speed[0]:.2f}", shown(1000 * two.client)]
            lines.append(page.row(name, backend, *cells, scheduler))
    large = next(r for r in runs if r.plan == "responses" and r.backend == "process" and r.workers == 2)
    lines += [
        "",
        f"Memory at its peak (VmHWM): {small.memory[0]} MB of the command and {small.memory[1]} MB of a worker for "
        f"{small.rows:,} rows; {large.memory[0]} and {large.memory[1]} MB for {large.rows:,}.",
    ]
    return "\n".join(lines)


def shown(value: float) -> str:
    """A number, with a decimal if it is small."""
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all, and print the tables, or write them into the page."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--responses", type=int, default=200_000)
    made.add_argument("--designs", type=int, default=60)
    made.add_argument("--write", action="store_true", help="into docs/sweeps/speed.md")
    asked = made.parse_args(arguments)
    rate, runs = rates(), list[Run]()
    print(rate, flush=True)
    given = {"responses": asked.responses, "designs": asked.designs}
    with TemporaryDirectory() as place:
        for k, (name, backend, workers) in enumerate(
            (name, backend, workers) for name in PLANS for backend in ("process", "dask") for workers in (1, 2)
        ):
            folder = Path(place) / str(k)
            folder.mkdir()
            runs.append(run(name, PLANS[name].format(**given), folder, backend, workers))
            print(runs[-1], flush=True)
        folder = Path(place) / "small"
        folder.mkdir()
        small = run("small", PLANS["responses"].format(responses=asked.responses // 10), folder, "process", 2)
    text = told(rate, runs, small, page.described_commit())
    print(text)
    if asked.write:
        path = Path(__file__).parents[2] / "docs/sweeps/speed.md"
        before, mark, after = path.read_text(encoding="utf-8").partition("## Measured\n")
        _, next_mark, rest = after.partition("\n## ")
        path.write_text(before + mark + "\n" + text + "\n" + next_mark + rest, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
