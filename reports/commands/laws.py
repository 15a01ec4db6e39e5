"""`relmer laws`: what every engine must answer to a changed problem."""

import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from relmer.datasets import Case, DataError, write_whole
from relmer.reference.engines import EngineMissing, engine, engine_names
from relmer.reports.commands.completion import cases_begun, engines_begun
from relmer.reports.commands.terminal import (
    AGREEMENT,
    DISAGREEMENT,
    check_writable,
    chosen_cases,
    engines_option,
    listed,
    one_line_errors,
    progress,
)
from relmer.reports.journal import code
from relmer.reports.laws import (
    LAWS,
    Heard,
    Kept,
    Law,
    Outcome,
    command_of,
    heard,
    outcome,
    problem_of,
    smallest,
    written_page,
    written_record,
)

# One of each kind: correlated slopes, REML and ML, split ones, nested factors with a fixed one, one way, crossed,
# and one of some thousand rows with two covariates.
SAMPLE = (
    *("dyestuff/reml", "sleepstudy/slopes-reml", "sleepstudy/slopes-ml", "sleepstudy/uncorrelated-reml"),
    *("machines/nested-reml", "machines/nested-ml", "penicillin/reml", "docs/bdf"),
)


@click.command("laws")
@click.option(
    "--engine",
    "engines",
    multiple=True,
    shell_complete=engines_begun,
    metavar="NAME",
    help="Engine to ask; repeat for more; else all.",
)
@engines_option
@click.option(
    "--law", "names", multiple=True, metavar="NAME", help="Law to hold it against; repeat for more; else all."
)
@click.option("--case", "pattern", shell_complete=cases_begun, metavar="GLOB", help="Cases to change; else eight.")
@click.option(
    "--limit", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Seconds of an engine for one answer."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write the smallest example of every broken law here, as a CSV file and a command.",
)
@click.option(
    "--journal",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Keep here what is found, and take up what is there.",
)
@click.option("--page", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write the table here.")
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the table here as JSON, as the report shows it.",
)
@click.pass_obj
def laws_command(
    debug: bool,
    engines: Sequence[str],
    names: Sequence[str],
    pattern: str | None,
    limit: float | None,
    out: Path | None,
    journal: Path | None,
    page: Path | None,
    record: Path | None,
) -> None:
    """Hold engines against metamorphic laws: shift and scale, order, labels, contrasts, weights, spelling.

    It prints engine, law, the largest excess over the optimum, and what is broken; that is exit status 1.
    """
    with one_line_errors(debug):
        laws, asked = chosen_laws(names), tuple(dict.fromkeys(engines or usable()))
        for name in asked:
            if missing := engine(name).available():
                raise EngineMissing(f"{name}: {missing}")
        for place in filter(None, (out, journal and journal.parent, page and page.parent, record and record.parent)):
            check_writable(place)
        cases = chosen_cases(pattern) if pattern else sample()
        found = outcomes_of(laws, asked, cases, limit, journal)
        listed(
            ("engine", "law", "case", "excess", "broken"),
            [(o.engine, o.law, o.case, f"{o.excess:.3g}", o.broken or o.silent) for o in found],
        )
        told = [*(f"--engine={name}" for name in engines), *(f"--law={name}" for name in names)]
        told += [f"--case={pattern}"] if pattern else []
        command = ["relmer", "laws", *told]
        if page is not None:
            text = written_page(laws, asked, found, shlex.join([*command, "--page", str(page)]))
            write_whole(page.parent, {page.name: text})
        if record is not None:
            versions = {name: engine(name).version() for name in asked}
            text = written_record(laws, versions, found, shlex.join(command), datetime.now(UTC).date().isoformat())
            write_whole(record.parent, {record.name: text})
        if out is not None:
            write_examples(out, laws, cases, found, limit)
    sys.exit(DISAGREEMENT if any(o.broken for o in found) else AGREEMENT)


def sample() -> list[Case]:
    """The cases that are changed where none are named."""
    return [case for name in SAMPLE for case in chosen_cases(name)]


def usable() -> list[str]:
    """The engines that can run here and take part unasked."""
    return [name for name in engine_names() if not engine(name).available()]


def chosen_laws(names: Sequence[str]) -> tuple[Law, ...]:
    """The laws of some names; all if there are none."""
    known = {law.name: law for law in LAWS}
    for name in names:
        if name not in known:
            raise DataError(f"no law is called {name!r}; there are {', '.join(known)}")
    return tuple(law for law in LAWS if not names or law.name in names)


def outcomes_of(
    laws: Sequence[Law], engines: Sequence[str], cases: Sequence[Case], limit: float | None, journal: Path | None
) -> list[Outcome]:
    """Every law on every case for every engine; a law that speaks of none of the cases has no outcome."""
    problems = [problem_of(case) for case in cases]
    versions = [f"{name} {engine(name).version()}" for name in engines]
    kept = Kept(journal, [code(), *versions, str(limit)])
    work = [(name, one, law) for name in engines for one in problems for law in laws if law.applies(one)]
    before: dict[tuple[str, str], Heard] = {}
    with progress(len(work)) as advance:
        for name, problem, law in work:
            if kept.of(name, law.name, problem.name) is None:
                if (name, problem.name) not in before:
                    before = {(name, problem.name): heard(engine(name), problem, seconds=limit)}
                kept.keep(outcome(law, engine(name), problem, limit, before[name, problem.name]))
            advance(f"{name}: {law.name} of {problem.name}")
    return [found for name, one, law in work if (found := kept.of(name, law.name, one.name))]


def write_examples(
    out: Path, laws: Sequence[Law], cases: Sequence[Case], found: Sequence[Outcome], limit: float | None
) -> None:
    """Write the smallest example of each broken law of each engine: a CSV file, and the command in `commands.txt`."""
    by_name, by_law, commands, files = {c.name: c for c in cases}, {law.name: law for law in laws}, [], {}
    for name, law_name in dict.fromkeys((o.engine, o.law) for o in found if o.broken):
        first = min((o for o in found if (o.engine, o.law) == (name, law_name) and o.broken), key=lambda o: o.rows)
        law = by_law[law_name]
        problem, last = smallest(law, engine(name), problem_of(by_name[first.case]), limit)
        shown = law.transformed(problem)
        file = f"{name}-{law_name.replace('*', 'x')}.csv"
        files[file] = shown.frame.to_csv(index=False)
        commands.append(f"# {name}, {law.says}: {last.broken}\n{command_of(shown, name, file)}\n")
    if files:
        write_whole(out, {**files, "commands.txt": "\n".join(commands)})
