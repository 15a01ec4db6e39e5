"""The benchmark's page: tables in Markdown, one line of history, and the picture."""

import json
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import picture
from results import Measured, Result

# An engine that stops higher above the optimum than this has not fitted the model.
STOPPED = 1e-6
# The criterion is a sum of about n terms of its own size, each rounded.
NOISE = 64 * np.finfo(float).eps
NAMES = {"lme4": "lme4", "lme4-openblas": "lme4, OpenBLAS"}
LIBRARIES = ("numpy", "scipy", "pandas")


def write(out: Path, results: Sequence[Result], left_out: Sequence[str], again: bool = False) -> None:
    """Write benchmark.md and benchmark.svg; append a line to benchmark-history.jsonl, if it is not the page again."""
    out.mkdir(parents=True, exist_ok=True)
    where = machine()
    commit = described_commit()
    runs = sorted({one.run for result in results for one in result.engines.values() if one.run})
    (out / "benchmark.svg").write_text(picture.draw(results), encoding="utf-8")
    parts = [
        HEAD,
        described(where, commit, runs, results),
        summary(results),
        "![Seconds per fit, by rows for the nested series, and by model](benchmark.svg)",
        goals(results),
        series(results),
        kept(out),
        f"{EVERY_HEAD}\n" + EVERY,
        *(details(result) for result in results),
        missing(results, left_out),
    ]
    (out / "benchmark.md").write_text("\n\n".join(part.strip() for part in parts if part) + "\n", encoding="utf-8")
    if again:
        return
    line = {"runs": runs, "commit": commit, "machine": where, "models": {r.model.name: history(r) for r in results}}
    with (out / "benchmark-history.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def kept(out: Path) -> str:
    """The section that `inference.py` wrote into the page, which this does not measure again; empty without one."""
    path = out / "benchmark.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    _, head, rest = text.partition(f"{BEYOND}\n")
    return head + rest.partition("\n## ")[0] if head else ""


def keep(out: Path, section: str) -> None:
    """Put a section that begins with BEYOND into the page, in the place of the one that is there."""
    path = out / "benchmark.md"
    text, old = path.read_text(encoding="utf-8"), kept(out)
    made = text.replace(old.strip(), section) if old else text.replace(EVERY_HEAD, f"{section}\n\n{EVERY_HEAD}", 1)
    path.write_text(made, encoding="utf-8")


BEYOND = "## What is concluded from a fit"
EVERY_HEAD = "## Every number"
HEAD = """
# How fast, beside the others

Written by `nox -s bench`. The numbers are those of one run on one machine; only their ratios mean anything elsewhere.

- A fit goes from formula and data frame, which are in memory, to what the engine's `lmer` returns, by its defaults and
  by REML. Every fit is given the formula as text; relmer remembers the texts that it has read.
- Every engine fits in child processes of its own, pinned to one core, BLAS and all else on one thread, in turns: each
  round starts one process per engine. *Warm* is the median after the first fit. *Cold* is the import and the first fit.
- Memory: what the first fit added at its peak to libraries and data, and the peak of the whole process.
- lme4 is the judge, by its own criterion: at every engine's theta, and at its own optimum with all tolerances at 1e-12,
  searched from its default start and from the best theta of all. A search by values alone stops at about 7 digits, so
  Newton steps by differences of lme4's criterion follow, which leave 9 to 11; beyond 2,000,000 rows these alone, from
  the best theta of all. *Above* is the criterion above that
  optimum; where the difference is rounding, it follows from the curvature. *Digits* are the correct digits of beta,
  standard errors, sigma and covariances, the worst of them. A time in *italics* is of an engine that stopped more than
  1e-6 above: speed without the digits does not count.
- mixedlm and relmer get pandas categories, lme-python polars categories, lme4 factors. lme-python takes no factor as a
  slope: there it gets the column of 0 and 1.
"""
EVERY = """
Warm: the median, and the quartiles of all fits. *+ SE*: what the standard errors take on top, where the fit does not
hold them yet. Evaluations as the engine counts them.
"""


def described(where: dict[str, Any], commit: str, runs: Sequence[str], results: Sequence[Result]) -> str:
    """Give machine, versions and commit in words."""
    engines: dict[str, set[str]] = {}
    for result in results:
        for name, one in result.engines.items():
            if one.version:
                engines.setdefault(name, set()).add(one.version)
    versions = "; ".join(f"{NAMES.get(name, name)} {', '.join(sorted(found))}" for name, found in engines.items())
    warning = "" if len(runs) == 1 else f"\n\n**The records come from {len(runs)} runs: ratios across runs are rough.**"
    return (
        f"Run of {', '.join(runs)} at commit {commit}: {where['processor']}, {where['cores']} cores, "
        f"{where['memory']:.0f} GiB, {where['system']}, Python {where['python']}, "
        f"{', '.join(f'{name} {number}' for name, number in where['libraries'].items())}. {versions}.{warning}"
    )


def summary(results: Sequence[Result]) -> str:
    """One row per model: the warm times, and the peak memory of relmer's process over that of lme4's."""
    engines = list(results[0].engines)
    lines = [
        row("model", "rows", *(NAMES.get(name, name) for name in engines), "memory / lme4's"),
        rule(3 + len(engines)),
    ]
    for result in results:
        cells = [cell(result.engines[name]) for name in engines]
        memory = result.engines["relmer"].memory[1] / result.engines["lme4"].memory[1]
        cells.append(f"{memory:.2f}" if np.isfinite(memory) else "–")
        lines.append(row(f"{result.model.name}: `{result.model.formula}`".replace("|", "\\|"), rows(result), *cells))
    return "\n".join(lines)


def cell(one: Measured) -> str:
    """A time, in italics if the engine stopped above the optimum."""
    if one.failed:
        return "–"
    return f"*{duration(one.seconds)}*" if one.above > STOPPED else duration(one.seconds)


def goals(results: Sequence[Result]) -> str:
    """What was asked of the solver, and whether it holds."""
    lines = ["## What was asked", "", row("model", "relmer's time over that of", "is", "asked", "holds"), rule(5)]
    for result in results:
        exact = result.engines["relmer"].above <= max(1e-9, NOISE * abs(result.optimum))
        for engine, most in result.model.goals.items():
            middle, low, high = result.ratio(engine)
            known = np.isfinite(middle)
            ratio = f"{fraction(middle)} ({fraction(low)} to {fraction(high)})" if known else "not measured"
            holds = (
                "–" if not known else "yes" if middle <= most and exact else "no" if exact else "no: not the optimum"
            )
            lines.append(row(result.model.name, NAMES.get(engine, engine), ratio, fraction(most), holds))
    return "\n".join(lines)


def series(results: Sequence[Result]) -> str:
    """The exponent of time over rows on the nested series."""
    nested = [result for result in results if result.model.series]
    if len(nested) < 2:
        return ""
    lines = [
        "## Time over rows",
        "",
        "Nested groups, 20 rows in each, five in each larger one: time = rows^exponent.",
        "",
    ]
    lines += [row("engine", "rows", "exponent", "between neighbours"), rule(4)]
    for engine in nested[0].engines:
        points = [(r.rows, r.engines[engine].seconds) for r in nested if r.engines[engine].rounds]
        if len(points) < 2:
            continue
        x, y = np.log10(np.array(points)).T
        slope = np.polyfit(x, y, 1)[0]
        steps = ", ".join(f"{step:.2f}" for step in np.diff(y) / np.diff(x))
        span = f"{points[0][0]:,} to {points[-1][0]:,}"
        lines.append(row(NAMES.get(engine, engine), span, f"{slope:.2f}", steps))
    return "\n".join(lines)


def details(result: Result) -> str:
    """All that was measured on one model."""
    lines = [f"### {result.model.name}", f"`{result.model.formula}`, {rows(result)} rows"]
    if np.isfinite(result.optimum):
        lines[-1] += f"; optimum {result.optimum:.10f}"
        if result.own - result.optimum > STOPPED:
            lines[-1] += f"; lme4's own tight search stops {result.own - result.optimum:.3g} above it"
    lines += [
        "",
        row("engine", "warm (quartiles)", "relmer is (rounds)", "+ SE", "cold: import + first", "evaluations"),
    ]
    lines[-1] = lines[-1] + row("memory of fit", "of process", "above", "digits").removeprefix("|")
    lines.append(rule(10))
    for name, one in result.engines.items():
        if one.failed:
            lines.append(row(NAMES.get(name, name), one.failed, *[""] * 8))
            continue
        low, high = (duration(value) for value in one.quartiles)
        middle, least, most = result.ratio(name)
        ratio = f"{middle:.3g} ({least:.3g} to {most:.3g})" if np.isfinite(middle) else ""
        noisy = f" (machine {one.busy:.0%} ours)" if one.busy < 0.9 else ""
        lines.append(
            row(
                NAMES.get(name, name),
                f"{cell(one)} ({low} to {high}){noisy}",
                ratio if name != "relmer" else "",
                duration(one.errors),
                f"{duration(one.cold[0])} + {duration(one.cold[1])}",
                str(one.evaluations),
                *(size(value) for value in one.memory),
                f"{one.above:.1g}" if np.isfinite(one.above) else "not judged",
                f"{one.digits:.1f}" if np.isfinite(one.digits) else "",
            )
        )
    return "\n".join(lines)


def missing(results: Sequence[Result], left_out: Sequence[str]) -> str:
    """What the tables do not show, and why."""
    lines = [f"- {name}: not in this run" for name in left_out]
    for result in results:
        lines += [
            f"- {result.model.name}, {NAMES.get(name, name)}: {one.failed}"
            for name, one in result.engines.items()
            if one.failed
        ]
        lines += [f"- {result.model.name}, the judge: {result.unjudged}"] if result.unjudged else []
    return "\n".join(["## Left out", *lines]) if lines else ""


def history(result: Result) -> dict[str, Any]:
    """One model for the history: engine to seconds, cold seconds, bytes, digits."""
    return {
        name: {
            "seconds": one.seconds,
            "rounds": one.rounds,
            "cold": one.cold,
            "evaluations": one.evaluations,
            "memory": one.memory,
            "above": finite(one.above),
            "digits": finite(one.digits),
        }
        for name, one in result.engines.items()
        if not one.failed
    }


def finite(value: float) -> float | None:
    """None for what JSON has no number for."""
    return float(value) if np.isfinite(value) else None


def machine() -> dict[str, Any]:
    """Describe the machine without its name."""
    cpu = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*:\s*(.+)", cpu.read_text()) if cpu.exists() else None
    return {
        "processor": model[1].strip() if model else platform.machine(),
        "cores": os.cpu_count(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        "system": f"{platform.system()} {platform.freedesktop_os_release().get('PRETTY_NAME', '')}",
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def described_commit() -> str:
    """Short name of the commit, with + if the tree has changes."""
    command = ["git", "describe", "--always", "--exclude=*", "--dirty=+"]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def rows(result: Result) -> str:
    """Number of rows, readable."""
    return f"{result.rows:,}"


def row(*cells: str) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"


def rule(columns: int) -> str:
    """The line below a table's head."""
    return "|" + "---|" * columns


def fraction(ratio: float) -> str:
    """A ratio as 1/x where it is below 1."""
    return f"{ratio:.2g}" if ratio >= 1 else f"1/{f'{1 / ratio:.1f}'.removesuffix('.0')}"


def duration(seconds: float) -> str:
    """Seconds to three digits in a fitting unit."""
    if not np.isfinite(seconds):
        return ""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1 or unit == "µs":
            value = seconds * factor
            return f"{value:.{max(0, 2 - int(np.log10(max(value, 1))))}f} {unit}"
    raise AssertionError


def size(count: float) -> str:
    """Bytes in MiB or GiB."""
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
