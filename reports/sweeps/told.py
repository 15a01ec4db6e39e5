"""A sweep's report, written into its folder."""

from pathlib import Path

from relmer.datasets import write_whole
from relmer.reports.pages import sweep_page
from relmer.reports.sweeps.summary import report_on
from relmer.reports.swept import Sweep
from relmer.reports.voices import sweep_markdown

PAGE, TEXT = "sweep.html", "sweep.md"


def write_report(folder: Path) -> tuple[Sweep, tuple[Path, ...]]:
    """Sum a sweep up and write its page and its Markdown into its folder; what it comes to, and the files.

    Raises
    ------
    DataError
        The folder holds no sweep, or one that is damaged; one line.
    OSError
        It cannot be written to.
    """
    found = report_on(folder)
    write_whole(folder, {PAGE: sweep_page(found), TEXT: sweep_markdown(found)})
    return found, (folder / PAGE, folder / TEXT)
