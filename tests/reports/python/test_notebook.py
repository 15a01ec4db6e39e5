"""The notebook of the docs: its cells run as they stand, and show what is stored."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support import notebook

PATH = Path(__file__).parents[3] / "docs" / "notebook.ipynb"
CELLS: list[dict[str, Any]] = notebook.read(PATH)["cells"]
NUMBER = re.compile(r"[-+]?\d+\.\d+(?:e[-+]?\d+)?|[-+]?\d+e[-+]?\d+")
VERSION = re.compile(r"\b\d+\.\d+\.\d+\b")
# Our paths owe 10 digits of theta and 12 of the rest on every machine; the dearest number here is theta in years from
# the year 0, of which a double keeps three digits less than of a centred year.
DIGITS = 1e-7


def parts(text: str) -> tuple[list[str], list[float]]:
    """The words of a text, whatever the width of its columns, and its numbers; a version is a word."""
    text = VERSION.sub("VERSION", text)
    return NUMBER.sub(" # ", text).split(), [float(each) for each in NUMBER.findall(text)]


def test_the_cells_show_what_is_stored(without_r: None) -> None:
    """Text to the word, numbers as far as machines agree on them; every HTML is there too."""
    found = list(notebook.run(CELLS))
    assert len(found) >= 6
    for cell, outputs in found:
        words, numbers = parts(notebook.plain(outputs))
        wanted_words, wanted_numbers = parts(notebook.plain(cell["outputs"]))
        assert words == wanted_words, cell["id"]
        assert numbers == pytest.approx(wanted_numbers, rel=DIGITS), cell["id"]
        for now, then in zip(outputs, cell["outputs"], strict=True):
            assert ("text/html" in now.get("data", {})) == ("text/html" in then.get("data", {})), cell["id"]


def test_it_is_a_notebook_that_was_run() -> None:
    """By nbformat 4.5: kinds and names of cells, executed in order, nothing of the machine that ran it."""
    found = notebook.read(PATH)
    assert (found["nbformat"], found["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in CELLS}) == len(CELLS)
    code = [cell for cell in CELLS if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == [*range(1, len(code) + 1)]
    assert all(cell["outputs"] for cell in code)
    text = PATH.read_text(encoding="utf-8")
    assert len(text) < 100_000 and "/tmp" not in text and "/home" not in text
