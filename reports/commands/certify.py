"""`relmer certify`: make certificates, prove them again, give their values away; of one's own model too."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click

from relmer.datasets import DataError
from relmer.reference.certificates import certificates
from relmer.reports.certified import told_of
from relmer.reports.commands.completion import cases_begun
from relmer.reports.commands.options import Own, model_options
from relmer.reports.commands.own import own_cases
from relmer.reports.commands.telling import telling_options
from relmer.reports.commands.terminal import (
    AGREEMENT,
    DISAGREEMENT,
    check_writable,
    one_line_errors,
    progress,
)
from relmer.reports.corpus import export
from relmer.reports.text import indented, one_line


@click.command("certify")
@click.option(
    "--case", "pattern", shell_complete=cases_begun, default="*", metavar="GLOB", help="Cases, such as 'sleepstudy/*'."
)
@model_options
@click.option("--global", "wants_global", is_flag=True, help="With --data: prove too that no minimum is lower.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Where they are written.")
@click.option("--verify", is_flag=True, help="Prove what is stored again, from the CSV files.")
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="With --verify and --data: the certificate of your own model.",
)
@click.option("--trees", is_flag=True, help="With --verify: the bisection trees of the global proofs instead; minutes.")
@click.option("--again", is_flag=True, help="Make also what is neither missing nor stale.")
@click.option("--export", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write the values there.")
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
@telling_options("quiet")
@click.pass_obj
def certify_command(
    debug: bool,
    pattern: str,
    own: Own,
    wants_global: bool,
    out: Path,
    verify: bool,
    certificate: Path | None,
    trees: bool,
    again: bool,
    folder: Path | None,
    jobs: int,
) -> None:
    """Make the certificates that are missing or stale; with --verify prove all again, with --export write their values.

    With --data and --formula the optimum of a model of your own is proved, and its certificate written as a file, which
    --verify --certificate FILE --data DATA proves again.

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
        if certificate is not None:
            if not verify or own.data is None:
                raise DataError("--certificate is proved with --verify and --data FILE: give all three")
            if replace(own, data=None).given or wants_global:
                raise DataError("--certificate holds the model and how the file is read: leave the model's options out")
            sys.exit(prove_own(certificate, own.data, trees))
        if own.given:
            sys.exit(make_own(own, out, wants_global))
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


def make_own(own: Own, out: Path, wants_global: bool) -> int:
    """Certify a person's own models; the exit status."""
    if own.cases_file is not None:
        raise DataError("a certificate is of --formula and --data: leave out --cases")
    with own_cases(own) as cases:
        assert own.data is not None
        check_writable(out)
        # Types are in the data set that the cases are of; the kernel reads texts.
        form = {name: value for name, value in own.reading.asked.items() if name != "types"}
        return make_each(cases, own.data, form, out, wants_global)


def make_each(cases: Sequence[Any], data: Path, form: dict[str, Any], out: Path, wants_global: bool) -> int:
    """Certify every model of a file of data; the exit status."""
    from relmer.reference.ondemand import Source, Unproved, certify  # noqa: PLC0415 python-flint is an extra

    status, source = AGREEMENT, Source(data, **form)
    for k, case in enumerate(cases, start=1):
        number = f"-{k}" if len(cases) > 1 else ""
        name = f"{data.name.partition('.')[0]}{number}.{'reml' if case.reml else 'ml'}"
        try:
            made = certify(case, source, name, out, wants_global, lambda line: click.echo(one_line(line), err=True))
        except Unproved as reason:
            click.echo(one_line(f"{case.formula}: not proved: {reason}"))
            status = DISAGREEMENT
            continue
        for line in told_of(made.certificate, made.why_matrices):
            click.echo(indented(line))
        click.echo(f"certificate: {made.path}")
    return status


def prove_own(path: Path, data: Path, trees: bool) -> int:
    """Prove a certificate of a person's own model again; the exit status."""
    from relmer.reference.ondemand import Unproved, verified, verified_trees  # noqa: PLC0415 python-flint is an extra

    try:
        if trees:
            told = ", ".join(f"{reading} {leaves:,} leaves" for reading, leaves in verified_trees(path, data).items())
        else:
            proofs = verified(path, data)
            told = ", ".join(f"{reading} {proof.level}" for reading, proof in proofs.items())
    except Unproved as refusal:
        click.echo(one_line(str(refusal)))
        return DISAGREEMENT
    click.echo(one_line(f"{path.name} is proved again: {told}"))
    return AGREEMENT


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
