"""`relmer record`: freeze what an engine returns now."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from relmer.datasets import Case, load
from relmer.reference.answers import Status, recorded
from relmer.reference.engines import EngineError, answer, engine, tester_names
from relmer.reference.own_fits import design_of, shared_points
from relmer.reports.commands.completion import cases_begun, engines_begun
from relmer.reports.commands.telling import telling_options
from relmer.reports.commands.terminal import (
    check_writable,
    chosen_cases,
    engines_option,
    one_line_errors,
    progress,
)
from relmer.reports.run import chosen_engines, sources


@click.command("record")
@click.option(
    "--engine",
    "names",
    shell_complete=engines_begun,
    multiple=True,
    required=True,
    metavar="NAME",
    help="Engine to record.",
)
@click.option("--case", "pattern", shell_complete=cases_begun, default="*", metavar="GLOB", help="Cases to record.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="DIR",
    help="Folder of the recordings; what it holds of these cases and engines is replaced.",
)
@click.option("--pack", is_flag=True, help="One archive for each engine, in the place of a folder.")
@click.option("--gather", is_flag=True, help="One compressed file for each case, with all that is gathered in DIR.")
@engines_option
@telling_options("quiet")
@click.pass_obj
def record_command(debug: bool, names: Sequence[str], pattern: str, into: Path, pack: bool, gather: bool) -> None:
    """Freeze what an engine returns now, with its versions and the data's sha256."""
    with one_line_errors(debug):
        check_writable(into)
        chosen = chosen_cases(pattern)
        names = chosen_engines(names)
        sources(names, required=names)
        with progress(len(chosen)) as advance:
            for case in chosen:
                record_case(case, names, into)
                advance(case.name)
        for name in names if pack or gather else ():
            recorded.pack(name, into)
        if gather:
            recorded.gather(into)


def record_case(case: Case, names: Sequence[str], into: Path) -> None:
    """Record one case on some engines, which share the theta of all their optima."""
    points = shared_points(design_of(case))
    thetas = [theta for kind in points.values() for theta in kind]
    for name in names:
        said = answer(engine(name), case, thetas)
        if said.status is Status.UNSUPPORTED and name in tester_names():
            said = replace(said, dataset_sha256=load(case.dataset).sha256)
        elif said.status is not Status.FITTED:
            raise EngineError(f"{name} did not fit {case.name}: {said.message}")
        recorded.write(said, into)
