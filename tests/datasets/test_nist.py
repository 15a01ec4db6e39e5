"""NIST's one-way layouts: the digits of SciPy's files, and the mean squares that NIST prints."""

import csv
import gzip
import io
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import pytest

from relmer.datasets import load
from relmer.datasets.exported import DATA
from relmer.datasets.nist import LAYOUTS, write

FIRST_ROW = 60  # "Data (lines 61 to ...)", says each file


def lines(name: str) -> list[str]:
    """Lines of NIST's file."""
    return files("scipy.stats.tests").joinpath(f"data/nist_anova/{name}.dat").read_text().splitlines()


def table(name: str) -> list[list[str]]:
    """Rows of our CSV file, as text, the header first."""
    return list(csv.reader(io.StringIO(unzipped((DATA / load(name).meta["file"]).read_bytes()).decode())))


def unzipped(content: bytes) -> bytes:
    """Text of a file that may be zipped."""
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_digit_is_nist_s(name: str) -> None:
    header, *rows = lines(name)[FIRST_ROW - 1 :]
    assert table(name) == [header.split()[1:], *(row.split() for row in rows if row.strip())]


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_mean_squares_are_those_that_nist_prints(name: str) -> None:
    _, *rows = table(name)
    groups: dict[str, list[Fraction]] = {}
    for treatment, response in rows:
        groups.setdefault(treatment, []).append(Fraction(response))
    means = {treatment: sum(values) / len(values) for treatment, values in groups.items()}
    mean = sum(Fraction(response) for _, response in rows) / len(rows)
    between = sum(len(values) * (means[treatment] - mean) ** 2 for treatment, values in groups.items())
    within = sum((value - means[treatment]) ** 2 for treatment, values in groups.items() for value in values)
    printed = {row.split()[0]: row.split()[2:5] for row in lines(name) if row.startswith(("Between", "Within"))}
    for kind, squares, df in (("Between", between, len(groups) - 1), ("Within", within, len(rows) - len(groups))):
        said = printed[kind]
        assert int(said[0]) == df
        for value, figure in zip((squares, squares / df), said[1:], strict=True):
            # NIST prints 15 significant digits: within one unit of the last.
            unit = Fraction(10) ** (int(figure.partition("E")[2]) - 14)
            assert abs(value - Fraction(figure)) <= unit


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_committed_files_are_written_again(name: str, tmp_path: Path) -> None:
    write(name, tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(made) == {load(name).meta["file"], f"{name}.json"}
    for file, content in made.items():  # of a zipped file the text counts: another zlib may compress it differently
        assert unzipped((DATA / file).read_bytes()) == unzipped(content)
