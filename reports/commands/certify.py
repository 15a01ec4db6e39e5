"""`relmer certify`: make certificates, prove them again, give their values away; of one's own model too."""

import json
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
from relmer.reports.certified import shown_values, told_of
from relmer.reports.commands.completion import cases_begun
from relmer.reports.commands.options import Own, model_options
from relmer.reports.commands.own import own_cases
from relmer.reports.commands.telling import document, note, say, telling, telling_options
from relmer.reports.commands.terminal import (
    AGREEMENT,
    DISAGREEMENT,
    check_writable,
    one_line_errors,
    progress,
)
from relmer.reports.corpus import export
from relmer.reports.text import one_line
from relmer.reports.voices import plain


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
@telling_options("quiet", "as_json")
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
            written = [str(path) for path in export(folder, pattern)]
            for path in written:
                click.echo(path, err=telling().as_json)
            as_document([{"file": path} for path in written])
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
        click.echo(one_line(f"{name}: {text}"), err=telling().as_json)
    say([f"{len(told) - len(refused)} of {len(told)} certificates {'proved again' if verify else 'stand'}"])
    as_document([{"certificate": name, "proved": name not in refused, "told": told[name]} for name in sorted(told)])
    sys.exit(DISAGREEMENT if refused else AGREEMENT)


def as_document(found: Sequence[dict[str, Any]]) -> None:
    """Print, if that is asked, what was made, proved or refused: a list of objects."""
    document(lambda: json.dumps(plain(tuple(found)), indent=1, allow_nan=False))


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
    found: list[dict[str, Any]] = []
    for k, case in enumerate(cases, start=1):
        number = f"-{k}" if len(cases) > 1 else ""
        name = f"{data.name.partition('.')[0]}{number}.{'reml' if case.reml else 'ml'}"
        try:
            made = certify(case, source, name, out, wants_global, note)
        except Unproved as reason:
            say([one_line(f"{case.formula}: not proved: {reason}")])
            found.append({"formula": case.formula, "proved": False, "told": (one_line(str(reason)),)})
            status = DISAGREEMENT
            continue
        lines = (*told_of(made.certificate, made.why_matrices), f"certificate: {made.path}")
        say(lines)
        reading, values = shown_values(made.certificate)
        levels = {name: claim["level"] for name, claim in made.certificate["readings"].items()}
        found.append(
            {
                "formula": case.formula,
                "proved": True,
                "certificate": str(made.path),
                "readings": levels,
                "values_of": reading,
                "values": values,
                "told": lines,
            }
        )
    as_document(found)
    return status


def prove_own(path: Path, data: Path, trees: bool) -> int:
    """Prove a certificate of a person's own model again; the exit status."""
    from relmer.reference.ondemand import Unproved, verified, verified_trees  # noqa: PLC0415 python-flint is an extra

    try:
        if trees:
            levels = {reading: f"{leaves:,} leaves" for reading, leaves in verified_trees(path, data).items()}
        else:
            levels = {reading: proof.level for reading, proof in verified(path, data).items()}
    except Unproved as refusal:
        said = one_line(str(refusal))
        say([said])
        as_document([{"certificate": str(path), "proved": False, "told": (said,)}])
        return DISAGREEMENT
    said = one_line(f"{path.name} is proved again: {', '.join(f'{name} {level}' for name, level in levels.items())}")
    say([said])
    as_document([{"certificate": str(path), "proved": True, "readings": levels, "told": (said,)}])
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
