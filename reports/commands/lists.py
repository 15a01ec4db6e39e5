"""`relmer cases`, `engines` and `datasets`: what there is."""

import click

from relmer import datasets
from relmer.reference.certificates import data_sha256
from relmer.reference.engines import engine_names, peer_names, version_names
from relmer.reports.commands.completion import cases_begun
from relmer.reports.commands.terminal import chosen_cases, engines_option, listed, one_line_errors
from relmer.reports.run import sources, with_recorded_version


@click.command("cases")
@click.option("--case", "pattern", shell_complete=cases_begun, default="*", metavar="GLOB")
@click.pass_obj
def cases_command(debug: bool, pattern: str) -> None:
    """List the cases."""
    with one_line_errors(debug):
        listed(
            ("case", "data set", "criterion", "formula"),
            [(c.name, c.dataset, "REML" if c.reml else "ML", c.formula) for c in chosen_cases(pattern)],
        )


@click.command("engines")
@engines_option
@click.pass_obj
def engines_command(debug: bool) -> None:
    """List the engines, and whether they can run here.

    Those that take part only where --engine names them come last: of one version, as lme4@2.1-0 (a pattern such as
    'lme4@*' names several), and adapters to other people's packages.
    """
    with one_line_errors(debug):
        peers = peer_names()
        used = sources((*engine_names(), *peers))
        absent = {name for name in peers if used[name].source == "recorded"}
        used |= {
            name: with_recorded_version(one, datasets.cases()[:1])
            for name, one in sources(version_names()).items()
            if name in version_names()
        }
        listed(
            ("engine", "version", "source", "note"),
            [
                (e.name, e.version, "absent" if e.name in absent else e.source, e.note or on_demand(e.name in peers))
                for e in used.values()
            ],
        )


def on_demand(peer: bool) -> str:
    """What is to be known of an engine that takes part only where it is named."""
    return "where --engine names it" if peer else ""


@click.command("datasets")
@click.pass_obj
def datasets_command(debug: bool) -> None:
    """List the data sets, verified."""
    with one_line_errors(debug):
        loaded = [datasets.load(name) for name in datasets.names()]
        listed(
            ("data set", "rows", "columns", "sha256", "source"),
            [(d.name, *map(str, d.frame.shape), data_sha256(d.name)[:12], source_of(d)) for d in loaded],
        )


def source_of(dataset: datasets.Dataset) -> str:
    """Where a data set comes from, in a few words."""
    source = dataset.meta["source"]
    return " ".join(str(part) for part in source.values()) if isinstance(source, dict) else str(source)
