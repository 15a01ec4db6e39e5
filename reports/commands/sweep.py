"""`relmer sweep`: thousands of units, in processes or on a cluster, and what they come to."""

import sys
from contextlib import ExitStack, closing
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from relmer.datasets import DataError
from relmer.reports.commands.telling import say, telling_options
from relmer.reports.commands.terminal import (
    AGREEMENT,
    INTERRUPTED,
    complain,
    engines_option,
    one_line_errors,
    output,
    progress,
    sigterm_interrupts,
)

OUT = Path("relmer-sweep")
# Modules of the extra, and the packages that they need.
PACKAGES = ("pyarrow", "loky", "distributed")


@click.command("sweep")
@click.argument("plan", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=OUT,
    show_default=True,
    metavar="DIR",
    help="Folder of the rows; a sweep that was ended there goes on.",
)
@click.option(
    "--backend", type=click.Choice(["process", "dask"]), default="process", show_default=True, help="Where it runs."
)
@click.option("--jobs", type=click.IntRange(1, 1024), default=2, show_default=True, help="Processes of this machine.")
@click.option("--scheduler", metavar="ADDRESS", help="Of Dask, such as tcp://127.0.0.1:8786.")
@engines_option
@click.option(
    "--report",
    "reported",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="In place of PLAN: tell what the rows of a sweep come to, in sweep.html and sweep.md there.",
)
@telling_options("quiet")
@click.pass_obj
def sweep_command(
    debug: bool, plan: Path | None, out: Path, backend: str, jobs: int, scheduler: str | None, reported: Path | None
) -> None:
    """Ask engines about thousands of cases, generated designs or simulated responses, as PLAN (a TOML file) says.

    Every unit is a row of a Parquet data set in DIR/rows. A sweep that is ended, however that happens, goes on with the
    same command; nothing that is done is lost or done again.
    """
    with one_line_errors(debug), ExitStack() as kept:
        if (plan is None) == (reported is None):
            raise DataError("give either a plan, such as plan.toml, or --report with the folder of a sweep")
        if reported is not None:
            say(needed("relmer.reports.sweeps.reporting").write_report(reported))
            sys.exit(AGREEMENT)
        if (backend == "dask") != (scheduler is not None):
            raise DataError("--backend dask and --scheduler ADDRESS stand together: give both or none")
        sweeps = needed("relmer.reports.sweeps.sweep")
        kept.enter_context(output(out, ("sweep.json",)))
        found = sweeps.Sweep(needed("relmer.reports.sweeps.plan").read_plan(plan), out)
        total, left = len(found.blocks), found.left
        try:
            with sigterm_interrupts():
                carry_out(found, backend, jobs, scheduler)
        except KeyboardInterrupt:
            done = total - found.left
            complain(f"interrupted; {done} of {total} blocks are kept in {out}: the same command goes on", INTERRUPTED)
        say([f"sweep: {total} blocks, {total - left} of them done before; rows: {out / 'rows'}"])
    sys.exit(AGREEMENT)


def carry_out(found: Any, backend: str, jobs: int, scheduler: str | None) -> None:
    """Work on what is left, if anything is."""
    left = found.left
    if not left:
        return
    if backend == "dask":
        made = needed("relmer.reports.sweeps.on_dask").Dask(scheduler)
    else:
        made = needed("relmer.reports.sweeps.backends").Processes(min(jobs, left))
    with closing(made), progress(left) as advance:
        found.run(made, lambda block: advance(found.described(block)))


def needed(module: str) -> ModuleType:
    """A module that needs the packages of the extra `sweep`.

    Raises
    ------
    DataError
        They are not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in PACKAGES:
            raise
        raise DataError(f"relmer sweep needs {error.name}: pip install 'relmer[sweep]'") from None
