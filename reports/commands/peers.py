"""`relmer peers`: the page on other people's packages, made of a report."""

from pathlib import Path

import click

from relmer.datasets import DataError, write_whole
from relmer.reference.engines import peer_names
from relmer.reports.commands.diff import read_report
from relmer.reports.commands.terminal import check_writable, one_line_errors
from relmer.reports.voices import peers_page


@click.command("peers")
@click.argument("report", metavar="REPORT", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write the page to this file."
)
@click.pass_obj
def peers_command(debug: bool, report: Path, out: Path | None) -> None:
    """Write a page in Markdown on other people's packages, of the REPORT of a run that named them.

    It tells where each stands, what is wrong, what failed, what is not supported, and the verdict on every case.
    `nox -s peers` brings the packages that it can, runs them on every case (again, from where it was ended), and makes
    the page.
    """
    with one_line_errors(debug):
        if out is not None:
            check_writable(out.parent, (out.name,))
        found, peers = read_report(report), peer_names()
        if not {engine.name for engine in found.engines}.intersection(peers):
            raise DataError(
                f"{report} judges no package of other people: name some to `relmer run --engine`, of {', '.join(peers)}"
            )
        page = peers_page(found, peers)
        if out is None:
            click.echo(page, nl=False)
        else:
            write_whole(out.parent, {out.name: page})
