"""Frames and formulas drawn from the grammar are read as the lme4 that is here reads them, or refused by both.

CI draws 500, `nox -s nightly` 20,000. A failure is shrunk, and kept in tests/live/kept_formulas.txt,
whose lines (seed, rows and formula) are tried first, for ever.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from drawn_formulas import drawn_frame, formulas, is_fair
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lformula import Reader
from read_alike import columns_of, compared
from sample import EVERYTHING

pytestmark = pytest.mark.live
EXAMPLES = 20_000 if EVERYTHING else 500
KEPT = Path(__file__).parent / "kept_formulas.txt"


@pytest.fixture(scope="module")
def reader(rscript: str) -> Iterator[Reader]:
    with Reader(rscript) as one:
        yield one


def check(reader: Reader, seed: int, rows: int, texts: list[str]) -> tuple[str, str]:
    """The first formula that is read otherwise, and how; empty if there is none."""
    frame = drawn_frame(seed, rows)
    told = reader.ask(frame, texts)
    columns = columns_of(told)
    for text in texts:
        outcome, why = compared(text, frame, told["answers"][text], columns)
        if not is_fair(text, outcome, why, told["versions"]["lme4"]):
            return text, f"{outcome.value}: {why}"
    return "", ""


def kept() -> list[str]:
    return KEPT.read_text(encoding="utf-8").splitlines()


def test_what_was_kept_is_read_as_lme4_reads_it(reader: Reader) -> None:
    for line in kept():
        seed, rows, text = line.split("\t")
        assert check(reader, int(seed), int(rows), [text]) == ("", ""), line


def test_what_is_drawn_is_read_as_lme4_reads_it(reader: Reader) -> None:
    failures: list[str] = []

    # A batch is one question to R.
    @settings(max_examples=max(1, EXAMPLES // 4), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 999), st.integers(12, 40), st.lists(formulas(), min_size=4, max_size=4, unique=True))
    def run(seed: int, rows: int, texts: list[str]) -> None:
        text, why = check(reader, seed, rows, texts)
        if text:
            failures.append(f"{seed}\t{rows}\t{text}")
        assert text == "", f"{text} on {rows} rows of seed {seed}: {why}"

    try:
        run()
    finally:
        if failures:
            KEPT.write_text("\n".join([*kept(), failures[-1], ""]), encoding="utf-8")
