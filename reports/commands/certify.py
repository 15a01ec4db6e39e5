"""`relmer certify`: make certificates, prove them again, give their values away."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from fnmatch import fnmatchcase
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import click

from relmer.datasets import DataError
from relmer.reference.certificates import certificates
from relmer.reports.commands.terminal import AGREEMENT, DISAGREEMENT, one_line, one_line_errors, progress
from relmer.reports.corpus import export


@click.command("certify")
@click.option("--case", "pattern", default="*", metavar="GLOB", help="Cases, such as 'sleepstudy/*'.")
@click.option("--verify", is_flag=True, help="Prove what is stored again, from the CSV files.")
@click.option("--trees", is_flag=True, help="With --verify: the bisection trees of the global proofs instead; minutes.")
@click.option("--again", is_flag=True, help="Make also what is neither missing nor stale.")
@click.option("--export", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write the values there.")
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
@click.pass_obj
def certify_command(
    debug: bool, pattern: str, verify: bool, trees: bool, again: bool, folder: Path | None, jobs: int
) -> None:
    """Make the certificates that are missing or stale; with --verify prove all again, with --export write their values.

    What is made is proved before it is written, and written one by one: a run that is interrupted goes on where it was.
    """
    with one_line_errors(debug):
        if trees and not verify:
            raise DataError("--trees belongs to --verify: give both")
        asked = {"--export": folder is not None, "--verify": verify, "--again": again}
        excluding = [option for option, given in asked.items() if given]
        if len(excluding) > 1:
            raise DataError(f"{' and '.join(excluding)} exclude each other: give them in commands of their own")
        if folder is not None:
            for path in export(folder, pattern):
                click.echo(path)
            return
        if find_spec("flint") is None:
            raise DataError("relmer certify needs python-flint: pip install 'relmer[certify]'")
        from relmer.reference.certify import jobs as work  # noqa: PLC0415 python-flint is an extra

        if verify:
            stored = [c for c in certificates() if fnmatchcase(c.case, pattern) and (work.has_tree(c) or not trees)]
            told = run_all(partial(work.proved, trees=trees), [c.name for c in stored], pattern, jobs)
        else:
            told = run_all(partial(work.made, again=again), work.names(pattern), pattern, jobs)
    refused = {name: text for name, text in told.items() if text.startswith(work.REFUSED)}
    for name, text in refused.items():
        click.echo(one_line(f"{name}: {text}"))
    click.echo(f"{len(told) - len(refused)} of {len(told)} certificates {'proved again' if verify else 'stand'}")
    sys.exit(DISAGREEMENT if refused else AGREEMENT)


def run_all(work: Callable[[str], str], names: Sequence[str], pattern: str, jobs: int) -> dict[str, str]:
    """Do the work for every name, in processes; what it said, by name."""
    if not names:
        raise DataError(f"no certificate matches {pattern!r}; `relmer cases` lists the cases")
    told = {}
    with progress(len(names)) as advance, ProcessPoolExecutor(min(jobs, len(names)), get_context("spawn")) as pool:
        waiting = {pool.submit(work, name): name for name in names}
        for done in as_completed(waiting):
            told[waiting[done]] = done.result()
            advance(f"{waiting[done]}: {done.result()}")
    return told
