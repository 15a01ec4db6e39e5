"""A sweep's report, written into its folder."""

from pathlib import Path

from relmer.datasets import write_whole
from relmer.reports.pages import sweep_page
from relmer.reports.sweeps.summary import report_on
from relmer.reports.voices import sweep_lines, sweep_markdown, sweep_title

PAGE, TEXT = "sweep.html", "sweep.md"


def write_report(folder: Path) -> list[str]:
    """Sum a sweep up and write its page and its Markdown into its folder; what is to be said of it, the answer first.

    Raises
    ------
    DataError
        The folder holds no sweep, or one that is damaged; one line.
    OSError
        It cannot be written to.
    """
    found = report_on(folder)
    write_whole(folder, {PAGE: sweep_page(found), TEXT: sweep_markdown(found)})
    answers = [f"  {name}: {told}" for name, told in sweep_lines(found)]
    return [sweep_title(found), *answers, *(f"report: {folder / name}" for name in (PAGE, TEXT))]
