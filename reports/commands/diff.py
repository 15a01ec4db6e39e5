"""`relmer diff`: what moved between two reports, or between two engines, versions or recordings."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from relmer.datasets import DataError, write_whole
from relmer.reports.changes import Diff, Kind
from relmer.reports.commands.completion import cases_begun
from relmer.reports.commands.judging import leave
from relmer.reports.commands.options import annotate_option
from relmer.reports.commands.sweep import needed
from relmer.reports.commands.telling import Telling, add, document, say, telling, telling_options
from relmer.reports.commands.terminal import (
    AGREEMENT,
    DISAGREEMENT,
    annotate,
    chosen_cases,
    engines_option,
    listed,
    one_line_errors,
    output,
    progress,
)
from relmer.reports.compared import Asked, asked, compared
from relmer.reports.diff import diff
from relmer.reports.records import Report
from relmer.reports.run import Interrupted
from relmer.reports.voices import (
    DIFF_HEADER,
    diff_annotations,
    diff_json,
    diff_junit,
    diff_markdown,
    diff_rows,
    difference,
    from_json,
)

REPORT, SWEEP = "report.json", "sweep.json"
PAGE = "diff.md"
FILES = (PAGE, "junit.xml")


@click.command("diff")
@click.argument("old")
@click.argument("new")
@click.option(
    "--case",
    "pattern",
    shell_complete=cases_begun,
    default="*",
    metavar="GLOB",
    help="Cases on which engines or recordings are judged.",
)
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes, to judge them.")
@engines_option
@click.option("--only-changed", is_flag=True, help="Leave out the cases and engines of which nothing differs.")
@click.option(
    "--fail-on",
    type=click.Choice([str(kind) for kind in Kind]),
    multiple=True,
    help="Fail with status 1 on this too, beside what got worse so that it breaks; repeat for more.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder for diff.md and junit.xml.",
)
@annotate_option
@telling_options("quiet", "as_json")
@click.pass_obj
def diff_command(
    debug: bool,
    old: str,
    new: str,
    pattern: str,
    jobs: int,
    only_changed: bool,
    fail_on: Sequence[str],
    out: Path | None,
    annotate_as: str | None,
) -> None:
    """Tell what moved from OLD to NEW.

    Each is a report (report.json, or a folder that holds one), an engine by its name, as lme4@2.1-0, or the folder or
    archive of an engine's recordings; or both are folders of sweeps, compared unit by unit. Engines and recordings are
    judged first. Exit status 1 if something got worse so that it breaks, or is what --fail-on names.
    """
    with one_line_errors(debug), ExitStack() as kept:
        if out is not None:
            kept.enter_context(output(out, FILES))
        found = sweeps(Path(old), Path(new)) or diff(*sides((old, new), pattern, jobs))
        chosen = frozenset(map(Kind, fail_on))
        if out is not None:
            texts = (diff_markdown(found, chosen, only_changed), diff_junit(found, chosen, only_changed))
            write_whole(out, dict(zip(FILES, texts, strict=True)))
        say([difference(found)])
        shown = [] if found.identical else list(diff_rows(found, only_changed))
        if shown and telling() == Telling():
            listed(DIFF_HEADER, shown)
        document(lambda: diff_json(found, chosen, only_changed))
        annotate(annotate_as, diff_annotations(found, chosen))
    sys.exit(DISAGREEMENT if found.fails(chosen) else AGREEMENT)


def sweeps(old: Path, new: Path) -> Diff | None:
    """What differs between two folders of sweeps; None if neither is one.

    Raises
    ------
    DataError
        One is a sweep and the other is not, or one is damaged.
    """
    there = [(path / SWEEP).is_file() for path in (old, new)]
    if not any(there):
        return None
    if not all(there):
        swept, other = (old, new) if there[0] else (new, old)
        raise DataError(f"{swept} is a sweep and {other} is none: give two sweeps, or two of anything else")
    found: Diff = needed("relmer.reports.sweeps.moved").moved(old, new)
    return found


def sides(texts: tuple[str, str], pattern: str = "*", jobs: int = 1) -> list[Report]:
    """The two reports: those that are read, and those on engines and recordings, which are judged together."""
    read: dict[str, Report] = {}
    judged: list[Asked] = []
    for text in dict.fromkeys(texts):
        one = None if is_report(Path(text)) else asked(text)
        if one is None:
            read[text] = read_report(Path(text))
        else:
            judged.append(one)
    if judged:
        cases = chosen_cases(pattern)
        try:
            with progress(len(cases)) as advance:
                reports = iter(compared(judged, cases, min(jobs, len(cases)), advance))
        except Interrupted as ended:
            leave(ended, "nothing is compared")
        read |= {text: next(reports) for text in dict.fromkeys(texts) if text not in read}
    return [read[text] for text in texts]


def is_report(path: Path) -> bool:
    """Whether a path is that of a report, or of a folder with one."""
    return (path / REPORT).exists() or (path.is_file() and path.suffix == ".json")


def read_report(path: Path) -> Report:
    """Read a report, or that of a folder.

    Raises
    ------
    DataError
        It is not a report; one line says which file and where.
    OSError
        It cannot be read.
    """
    file = path / REPORT if path.is_dir() else path
    if not file.exists():
        raise DataError(f"{path} is no report, no recordings and no engine; `relmer engines` lists these")
    try:
        return from_json(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{file}: {error}") from error


def say_moved(before: Report, report: Report, out: Path) -> None:
    """Say on a line what moved since an earlier report, and write `diff.md` beside this one."""
    found = diff(before, report)
    write_whole(out, {PAGE: diff_markdown(found, only_changed=True)})
    add([f"since {before.created}: {difference(found)}", f"diff: {out / PAGE}"])
