"""Sweeps that are killed: nothing is lost and nothing done twice, on processes and on Dask.

Two random moments of each kind are tried, and twenty with RELMER_ALL, as in `nox -s nightly`.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from cluster import Cluster
from sample import EVERYTHING

from relmer.reports.sweeps.backends import Processes
from relmer.reports.sweeps.on_dask import Dask
from relmer.reports.sweeps.plan import Designs, Simulate, read_plan
from relmer.reports.sweeps.rows import ENDS, KEY, METHODS, TIMES
from relmer.reports.sweeps.sweep import Sweep

PLANS = Path(__file__).parents[3] / "docs/sweeps"
KILLS = 20 if EVERYTHING else 2
SECONDS = 120.0
SCRIPT = Path(sys.executable).with_name("relmer")
# Each time that it is begun one block at least, and with two workers often two, is done before the kill: there are more
# than twice as many blocks as kills.
COUNT, FEW = (160, 320) if EVERYTHING else (6, 20)
PLAN = f"""
engines = ["relmer", "pls"]
[[designs]]
name = "designs"
kinds = ["ordinary", "singular", "exact"]
count = {COUNT}
[[simulate]]
name = "side by side"
case = "dyestuff/reml"
replicates = 9000
intervals = ["wald"]
engines = ["relmer"]
[[simulate]]
name = "few groups"
formula = "y ~ x + (1 | g)"
groups = 4
rows = 4
theta = [1.0]
beta = [0.0, 1.0]
replicates = {FEW}
intervals = ["satterthwaite"]
"""
KILLER = """
import os, signal
from relmer.reference.engines.peers.statsmodels import MixedLM


class Killer(MixedLM):
    name = "killer"

    def fit(self, case):
        os.kill(os.getppid(), signal.SIGKILL)
"""
Rows = list[dict[str, object]]


def rows(folder: Path) -> Rows:
    """The rows as a set: in the order of their keys, without times."""
    found: pa.Table = ds.dataset(folder / "rows").to_table().drop_columns([*TIMES])
    return sorted(found.to_pylist(), key=lambda row: str([row[name] for name in KEY]))


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plan's file."""
    path = tmp_path_factory.mktemp("plan") / "plan.toml"
    path.write_text(PLAN, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def whole(plan: Path, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """The rows of a sweep that nobody ends, by one process."""
    folder = tmp_path_factory.mktemp("whole")
    carried_out(plan, folder)
    found = rows(folder)
    # Designs of 3 kinds and FEW responses by two engines, 9,000 by one.
    assert len(found) == 2 * 3 * COUNT + 9000 + 2 * FEW
    assert len({tuple(row[name] for name in KEY) for row in found}) == len(found)
    return found


def carried_out(plan: Path, folder: Path, workers: int = 1) -> None:
    """Carry a plan out in processes."""
    backend = Processes(workers)
    try:
        Sweep(read_plan(plan), folder).run(backend)
    finally:
        backend.close()


@pytest.mark.parametrize("name", ["lme4-stops", "coverage"])
def test_the_plans_in_the_box_in_small(name: str, tmp_path: Path) -> None:
    plan = read_plan(PLANS / f"{name}.toml")
    here = {"lme4", "lme4-bobyqa", "nlme"} if shutil.which("Rscript") else set[str]()
    engines = tuple(one for one in plan.engines if one in {"relmer", "statsmodels", *here})
    # The first table and the last: designs of one kind, or the fewest groups and the widest bar.
    few = []
    for source in dict.fromkeys([plan.sources[0], plan.sources[-1]]):
        if isinstance(source, Designs):
            few.append(replace(source, kinds=source.kinds[:1], count=1))
        elif isinstance(source, Simulate):
            few.append(replace(source, replicates=1))
    backend = Processes(1)
    try:
        Sweep(replace(plan, engines=engines, sources=tuple(few)), tmp_path).run(backend)
    finally:
        backend.close()
    found = rows(tmp_path)
    assert {row["engine"] for row in found} == {*engines} and {row["status"] for row in found} == {"fitted"}
    for row in found:
        if name == "coverage":
            assert all(row[f"{end}_{method}"] is not None for end in ENDS for method in METHODS)


def begun(plan: Path, folder: Path, *more: str) -> subprocess.Popen[str]:
    """`relmer sweep` as a process of its own."""
    command = [str(SCRIPT), "sweep", str(plan), "--out", str(folder), *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def blocks_done(folder: Path) -> int:
    """How many blocks are there."""
    return len([*(folder / "rows").glob("*.parquet")])


def killed_at_random(start: Callable[[], subprocess.Popen[str]], victim: Callable[[int], None], folder: Path) -> int:
    """Begin, kill at a random moment after the first block, until the sweep is whole; how often it was killed."""
    drawn, kills = random.Random(20261127), 0
    for _ in range(KILLS):
        process, before, ends = start(), blocks_done(folder), time.monotonic() + SECONDS
        while blocks_done(folder) == before and process.poll() is None and time.monotonic() < ends:
            time.sleep(0.01)
        time.sleep(drawn.uniform(0.0, 0.5))
        if process.poll() is None:
            victim(process.pid)
            kills += 1
        process.wait(SECONDS)
    return kills


def test_two_workers_give_the_rows_of_one(plan: Path, whole: Rows, tmp_path: Path) -> None:
    carried_out(plan, tmp_path, workers=2)
    assert rows(tmp_path) == whole


def test_a_killed_run_goes_on(plan: Path, whole: Rows, tmp_path: Path) -> None:
    kills = killed_at_random(lambda: begun(plan, tmp_path), lambda pid: os.kill(pid, signal.SIGKILL), tmp_path)
    assert kills == KILLS
    there = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "rows").glob("*.parquet")}
    carried_out(plan, tmp_path, workers=2)
    assert rows(tmp_path) == whole
    # What was done before the last run was not done again.
    assert all((tmp_path / "rows" / name).stat().st_mtime_ns == then for name, then in there.items())


def test_an_interrupt_says_what_is_kept(plan: Path, tmp_path: Path) -> None:
    process = begun(plan, tmp_path)
    while blocks_done(tmp_path) == 0 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode in (130, 143) and "the same command goes on" in said.splitlines()[-1], said


def test_a_killed_worker_costs_no_row(plan: Path, whole: Rows, tmp_path: Path) -> None:
    drawn, backend = random.Random(1), Processes(2)
    sweep, left = Sweep(read_plan(plan), tmp_path), [KILLS]

    def advance(block: object) -> None:
        if left[0] and backend._pool is not None and (workers := [*backend._pool._processes]):
            left[0] -= 1
            os.kill(drawn.choice(workers), signal.SIGKILL)

    try:
        sweep.run(backend, advance)
    finally:
        backend.close()
    assert left == [0] and rows(tmp_path) == whole


def test_who_ends_its_worker_three_times_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "killer.py").write_text(KILLER, encoding="utf-8")
    (tmp_path / "relmer.toml").write_text('[engine.killer]\npython = "killer:Killer"\n', encoding="utf-8")
    monkeypatch.setenv("RELMER_ENGINES", str(tmp_path / "relmer.toml"))
    path = tmp_path / "plan.toml"
    text = 'engines = [{}"relmer", "statsmodels"]\n[[designs]]\nname = "d"\nkinds = ["ordinary"]\ncount = 1\n'
    path.write_text(text.format('"killer", '), encoding="utf-8")
    carried_out(path, tmp_path / "out")
    found = rows(tmp_path / "out")
    path.write_text(text.format(""), encoding="utf-8")
    carried_out(path, tmp_path / "without")
    # The others' rows are what they are where nobody ends the worker: the lowest criterion known is of all of them.
    assert [row for row in found if row["engine"] != "killer"] == rows(tmp_path / "without")
    found = [row for row in found if row["engine"] != "statsmodels"]
    assert [(row["design"], row["engine"], row["status"]) for row in found] == [
        ("ordinary/0", "killer", "failed"),
        ("ordinary/0", "relmer", "fitted"),
    ]
    assert found[0]["message"] == "it ended its worker three times"


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster for one test."""
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    yield found
    found.end()


def by_dask(plan: Path, folder: Path, address: str) -> None:
    """Carry a plan out on a cluster."""
    backend = Dask(address)
    try:
        Sweep(read_plan(plan), folder).run(backend)
    finally:
        backend.close()


def test_dask_gives_the_rows_of_processes_whatever_workers_are_killed(
    plan: Path, whole: Rows, tmp_path: Path, cluster: Cluster
) -> None:
    backend, kills = Dask(cluster.address), iter(range(KILLS))

    def advance(block: object) -> None:
        if (k := next(kills, None)) is not None:
            cluster.kill(("one", "two")[k % 2])

    try:
        Sweep(read_plan(plan), tmp_path).run(backend, advance)
    finally:
        backend.close()
    assert next(kills, None) is None and rows(tmp_path) == whole


@pytest.mark.parametrize("killed", ["run", "scheduler"])
def test_a_sweep_goes_on_after_its_scheduler_or_itself_was_killed(
    plan: Path, whole: Rows, tmp_path: Path, cluster: Cluster, killed: str
) -> None:
    def start() -> subprocess.Popen[str]:
        return begun(plan, tmp_path, "--backend", "dask", "--scheduler", cluster.address)

    def victim(pid: int) -> None:
        if killed == "run":
            os.kill(pid, signal.SIGKILL)
            return
        for name in ("scheduler", "one", "two"):
            cluster.kill(name)

    assert killed_at_random(start, victim, tmp_path) == KILLS
    by_dask(plan, tmp_path, cluster.address)
    assert rows(tmp_path) == whole
