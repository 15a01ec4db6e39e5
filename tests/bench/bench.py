"""Measure relmer beside lme4, mixedlm and lme-python in one run, and write docs/benchmark.md: `nox -s bench`.

Every engine fits every model in child processes of its own, pinned to one core, in several rounds; then lme4's
criterion judges all answers. Records stay in the cache, so that `--page` can write the page again.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from statistics import median
from typing import Any

import openblas
import page
import results
import store
from models import MODELS, Model

HERE = Path(__file__).parent
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "POLARS_MAX_THREADS")
ENGINES = ("lme4", "lme4-openblas", "mixedlm", "lme-python", "relmer")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    options = parser().parse_args(arguments)
    options.cache = options.cache.resolve()
    if not Path("/proc/self/clear_refs").exists():
        sys.exit("the benchmark needs Linux: it reads the memory of processes from /proc")
    if shutil.which("Rscript") is None:
        sys.exit("R with lme4 is needed: nox -s r installs it where apt is")
    models = [model for model in MODELS if fnmatch(model.name, options.model)]
    chosen = [model for model in models if not options.quick or model.rounds > 2]
    engines = options.engine or ENGINES
    run = datetime.now(UTC).isoformat(timespec="seconds")
    if not options.page:
        libraries = openblas.folder(options.cache) if "lme4-openblas" in engines else None
        for model in chosen:
            folder = data(model, options.cache)
            for old in [path for engine in engines for path in folder.glob(f"{engine}-[0-9]*.json")]:
                old.unlink()
            failed: set[str] = set()
            for number in range(min(model.rounds, options.rounds)):
                for engine in engines:
                    if engine in failed:
                        continue
                    record = {**measure(engine, folder, options, libraries), "run": run}
                    keep(folder / f"{engine}-{number + 1}.json", record)
                    print(f"{model.name:14} {engine:14} round {number + 1}: {brief(record)}", flush=True)
                    failed |= {engine} if "failed" in record else set()
            keep(folder / "judged.json", judge(folder, options, libraries))
    collected = [results.collect(model, options.cache / model.name, ENGINES) for model in chosen]
    measured = [found for found in collected if found.rows]
    if not measured:
        sys.exit("nothing was measured: no page")
    page.write(options.out, measured, [model.name for model in MODELS if model not in chosen], options.page)


def parser() -> argparse.ArgumentParser:
    """Options of the run."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "relmer-bench"
    made = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    made.add_argument("--quick", action="store_true", help="leave out the large models")
    made.add_argument("--model", default="*", help="only models whose names match this pattern")
    made.add_argument("--engine", action="append", choices=ENGINES, help="only these engines")
    made.add_argument("--rounds", type=int, default=3, help="child processes per engine and model (large: 2)")
    made.add_argument("--budget", type=float, default=2.0, help="seconds of warm fits per child process")
    made.add_argument("--limit", type=float, default=300.0, help="seconds after which a child process is stopped")
    made.add_argument("--cache", type=Path, default=cache, help="folder of data and records")
    made.add_argument("--out", type=Path, default=HERE.parent.parent / "docs", help="folder of the page")
    made.add_argument("--page", action="store_true", help="measure nothing, write the page from the records")
    return made


def data(model: Model, cache: Path) -> Path:
    """Write the model's data into the cache, if they are not there yet."""
    folder = cache / model.name
    fields = {"formula": model.formula, "slopes": dict(model.slopes)}
    if not (folder / "model.json").exists() or stale(folder, fields):
        if model.data is None:
            folder.mkdir(parents=True, exist_ok=True)
            keep(folder / "fields.json", fields)
            subprocess.run(
                ["Rscript", "--vanilla", HERE / "lme4.R", "export", folder, folder / "fields.json"], check=True
            )
        else:
            store.write(folder, fields, model.data())
    return folder


def stale(folder: Path, fields: Mapping[str, Any]) -> bool:
    """Whether the data in the cache were written for another formula."""
    written = json.loads((folder / "model.json").read_text())
    return any(written.get(name) != value for name, value in fields.items())


def measure(engine: str, folder: Path, options: argparse.Namespace, libraries: Path | None) -> dict[str, Any]:
    """Measure one engine on one model in one child process: the record, or why there is none."""
    result = folder / "result.json"
    if engine.startswith("lme4"):
        if engine == "lme4-openblas" and libraries is None:
            return {"failed": "no OpenBLAS from apt"}
        command = ["Rscript", "--vanilla", HERE / "lme4.R", "measure", folder, result, str(options.budget)]
    else:
        command = [sys.executable, HERE / "measure.py", engine, folder, result, str(options.budget)]
    record = child(command, result, options.limit, libraries if engine == "lme4-openblas" else None)
    if engine == "lme4-openblas" and "openblas" not in record.get("blas", "openblas"):
        return {"failed": f"R has loaded {record['blas']}"}
    return record


def judge(folder: Path, options: argparse.Namespace, libraries: Path | None) -> dict[str, Any]:
    """Let lme4 evaluate every engine's theta and search its own tight optimum."""
    answers = {
        engine: record["answer"]["theta"] for engine, record in first_records(folder).items() if "answer" in record
    }
    if not answers:
        return {"failed": "no engine has fitted this model"}
    keep(folder / "answers.json", answers)
    command = [
        "Rscript",
        "--vanilla",
        HERE / "lme4.R",
        "judge",
        folder,
        folder / "result.json",
        folder / "answers.json",
    ]
    return child(command, folder / "result.json", 4 * options.limit, libraries)


def child(command: Sequence[Any], result: Path, limit: float, libraries: Path | None) -> dict[str, Any]:
    """Run a command with one thread on one core and a limit of time and memory; give the JSON that it wrote."""
    result.unlink(missing_ok=True)
    environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "RUST_BACKTRACE": "0"}
    if libraries is not None:
        environment["R_LD_LIBRARY_PATH"] = str(libraries)
    try:
        done = subprocess.run(
            [str(part) for part in command],
            env=environment,
            cwd=HERE,
            timeout=limit,
            preexec_fn=confine,
            capture_output=True,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"more than {limit:.0f} s"}
    if done.returncode or not result.exists():
        return {"failed": reason(done.stderr) or f"ended with status {done.returncode}"}
    record: dict[str, Any] = json.loads(result.read_text())
    return record


def reason(stderr: str) -> str:
    """R's error or Rust's, which may have several lines and others after it; else the last line, which is Python's."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not line.startswith("note: ")]
    errors = [i for i, line in enumerate(lines) if line.startswith("Error") or " panicked at " in line]
    return " ".join(lines[errors[0] :] if errors else lines[-1:])[:200]


def confine() -> None:
    """Keep this process on its last core and within nine tenths of the machine's memory."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 9 // 10
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def keep(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record."""
    path.write_text(json.dumps(record))


def first_records(folder: Path) -> dict[str, dict[str, Any]]:
    """The first round of every engine."""
    return {path.name.removesuffix("-1.json"): json.loads(path.read_text()) for path in folder.glob("*-1.json")}


def brief(record: Mapping[str, Any]) -> str:
    """One line to watch the run by."""
    if "failed" in record:
        return str(record["failed"])
    return f"{page.duration(median(record['seconds']))}, first {page.duration(record['first'])}"


if __name__ == "__main__":
    main()
