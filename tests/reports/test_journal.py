"""The journal: what is written reads back the same to the bit, torn lines are no entries, what changed is void."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relmer.datasets import case, keep_table
from relmer.reference.engines.child import ended_from_outside
from relmer.reports.journal import JOURNAL, Journal, code, conditions
from relmer.reports.one_case import CaseResult, run_case
from relmer.reports.records import Said
from relmer.reports.run import kin_of_all, run, sources
from relmer.reports.voices import as_json

OWN = ("pls", "qr", "gls")
CASES = tuple(map(case, ("dyestuff/reml", "dyestuff/ml", "docs/three-level-ml")))
ENGINES = sources(OWN)
UNDER = conditions(ENGINES, OWN, None)


@pytest.fixture(scope="module")
def results() -> list[CaseResult]:
    return [run_case(one, OWN, ENGINES, kin_of_all(ENGINES)) for one in CASES]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / JOURNAL, UNDER)


def written(journal: Journal, results: list[CaseResult]) -> Journal:
    for one, result in zip(CASES, results, strict=True):
        journal.keep(one, result)
    return journal


def bits(result: CaseResult) -> str:
    """All that a result holds, each double by its shortest digits."""
    return json.dumps(asdict(result))


def test_results_read_back_to_the_bit_and_make_the_same_report(
    journal: Journal, results: list[CaseResult], tmp_path: Path
) -> None:
    found = written(journal, results).done(CASES)
    assert found.told(3) == "all 3 cases were judged before"
    assert list(map(bits, found.results.values())) == list(map(bits, results))
    fresh = run(CASES, OWN, ENGINES)
    for count in (1, 2, 3):
        done = {place: found.results[place] for place in range(count)}
        asked = Journal(tmp_path / f"again-{count}", UNDER)
        report = run(CASES, OWN, ENGINES, done=done, keep=asked.keep)
        assert [entry["case"] for entry in asked.entries()] == [one.name for one in CASES[count:]]
        assert as_json(replace(report, created="")) == as_json(replace(fresh, created=""))


DOUBLES = st.floats() | st.sampled_from([-0.0, 5e-324, 1.7976931348623157e308, float("nan"), float("inf")])


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.lists(DOUBLES | st.none(), max_size=4),
    texts=st.lists(st.text(st.characters(exclude_categories=())), max_size=3),
    digits=DOUBLES | st.none(),
)
def test_any_number_and_any_text_reads_back(
    results: list[CaseResult],
    tmp_path_factory: pytest.TempPathFactory,
    numbers: list[float | None],
    texts: list[str],
    digits: float | None,
) -> None:
    result = results[0]
    said = replace(result.answers[0], values={"theta": tuple(numbers)}, warnings=tuple(texts), message="".join(texts))
    comparison = replace(result.comparisons[0], digits=digits, evidence="\n".join(texts))
    drawn = replace(result, answers=(said,), comparisons=(comparison,))
    journal = Journal(tmp_path_factory.mktemp("drawn") / JOURNAL, UNDER)
    journal.keep(CASES[0], drawn)
    assert bits(journal.done(CASES).results[0]) == bits(drawn)


def test_a_line_that_is_cut_anywhere_is_no_entry_and_harms_no_other(
    journal: Journal, results: list[CaseResult]
) -> None:
    journal.keep(CASES[0], results[0])
    first = journal.path.stat().st_size
    journal.keep(CASES[1], results[1])
    whole = journal.path.read_bytes()
    for cut in [first, *range(first + 1, len(whole) - 1, max(1, (len(whole) - first) // 23)), len(whole) - 2]:
        journal.path.write_bytes(whole[:cut])
        assert list(journal.done(CASES).results) == [0]
        journal.keep(CASES[2], results[2])
        assert list(journal.done(CASES).results) == [0, 2], cut


@pytest.mark.parametrize("noise", [b"\n", b"[]\n", b"null\n", b"\x00" * 50 + b"\n", b"\xff\xfe\n", b'{"case": 1}\n'])
def test_what_is_no_entry_is_passed_over(journal: Journal, results: list[CaseResult], noise: bytes) -> None:
    written(journal, results)
    journal.path.write_bytes(noise + journal.path.read_bytes() + noise)
    assert len(journal.done(CASES).results) == 3


def test_an_entry_of_another_form_is_judged_anew(journal: Journal, results: list[CaseResult]) -> None:
    written(journal, results)
    journal.path.write_text(journal.path.read_text().replace('"quantity":', '"amount":', 1))
    found = journal.done(CASES)
    assert list(found.results) == [1, 2]
    assert found.told(3) == "2 of 3 cases were judged before; 1 judged anew for a change of the journal's form"


def other_engines(**change: Any) -> dict[str, str]:
    return conditions({**ENGINES, "qr": replace(ENGINES["qr"], **change)}, OWN, None)


@pytest.mark.parametrize(
    ("now", "what"),
    [
        (lambda: other_engines(version="9.9"), "engines"),
        (lambda: other_engines(environment={"BLAS": "another"}), "engines"),
        (lambda: other_engines(source="recorded", note="not here"), "engines"),
        (lambda: conditions(ENGINES, OWN[:2], None), "engines"),
        (lambda: conditions(ENGINES, OWN, 7.0), "--limit"),
        (lambda: {**UNDER, "relmer": "0"}, "relmer"),
        (lambda: {**UNDER, "the machine": "0"}, "the machine"),
        (lambda: {**UNDER, "the machine": "0", "relmer": "0"}, "relmer and the machine"),
    ],
)
def test_under_other_conditions_nothing_is_taken(
    journal: Journal, results: list[CaseResult], now: Callable[[], dict[str, str]], what: str
) -> None:
    found = replace(written(journal, results), conditions=now()).done(CASES)
    assert not found.results
    assert found.told(3) == f"0 of 3 cases were judged before; 3 judged anew for a change of {what}"


@pytest.mark.parametrize(
    "change",
    [{"formula": "Yield ~ 0 + (1 | Batch)"}, {"reml": False}, {"weights": "Yield"}, {"published": {"sigma": "2"}}],
)
def test_another_model_of_that_name_is_judged_anew(
    journal: Journal, results: list[CaseResult], change: dict[str, Any]
) -> None:
    found = written(journal, results).done([replace(CASES[0], **change), *CASES[1:]])
    assert list(found.results) == [1, 2]
    assert found.late == {"the model": 1}


def test_data_are_told_by_what_they_are_and_how_they_are_read_not_by_where(
    tmp_path: Path, results: list[CaseResult]
) -> None:
    def kept(place: str, text: str, decimal: str = ".") -> str:
        (tmp_path / place).mkdir()
        (tmp_path / "mine.csv").write_text(text)
        return keep_table(tmp_path / "mine.csv", tmp_path / place, decimal=decimal)

    table = "Yield,Batch\n1,a\n"
    own = replace(CASES[0], dataset=kept("one", table))
    journal = Journal(tmp_path / JOURNAL, UNDER)
    journal.keep(own, results[0])
    places = [
        kept("two", "Yield,Batch\n1,a\n"),
        kept("three", "Yield,Batch\n2,a\n"),
        kept("four", "Yield,Batch\n1,a\n", "#"),
    ]
    assert [len(journal.done([replace(own, dataset=place)]).results) for place in places] == [1, 0, 0]
    assert journal.done([replace(own, dataset=places[1])]).late == {"the data": 1}


def test_given_answers_are_part_of_the_case(journal: Journal, results: list[CaseResult]) -> None:
    said = results[0].heard[0]
    with_answers = replace(journal, given=(said,))
    with_answers.keep(CASES[0], results[0])
    with_answers.keep(CASES[1], results[1])
    changed = replace(with_answers, given=(replace(said, version="2"),)).done(CASES[:2])
    assert (list(changed.results), changed.late) == ([1], {"the answers": 1})


def test_of_two_entries_the_one_under_the_conditions_of_now_counts(journal: Journal, results: list[CaseResult]) -> None:
    written(journal, results)
    written(replace(journal, conditions={**UNDER, "relmer": "later"}), results)
    assert journal.done(CASES).told(3) == "all 3 cases were judged before"


def failed(result: CaseResult, how: str) -> CaseResult:
    said = result.answers[0]
    message = f"lme4: child process stopped during 'answer' ({how}; last printed: nothing)"
    return replace(result, answers=(replace(said, status="failed", message=message), *result.answers[1:]))


@pytest.mark.parametrize(
    ("how", "kept"),
    [("signal SIGKILL", 0), ("signal SIGTERM", 0), ("signal SIGSEGV", 1), ("signal SIGABRT", 1), ("exit status 1", 1)],
)
def test_an_engine_that_somebody_else_ended_is_asked_anew(
    journal: Journal, results: list[CaseResult], how: str, kept: int
) -> None:
    journal.keep(CASES[0], failed(results[0], how))
    assert len(journal.done(CASES).results) == kept


def test_a_warning_that_quotes_an_end_is_none(journal: Journal, results: list[CaseResult]) -> None:
    said: Said = replace(results[0].answers[0], warnings=("(signal SIGKILL; it said",))
    assert said.status == "fitted"
    assert ended_from_outside(said.warnings[0])
    journal.keep(CASES[0], replace(results[0], answers=(said,)))
    assert len(journal.done(CASES).results) == 1


def test_the_hash_of_relmer_changes_with_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("a.py", "data/b.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("one")

    def now() -> str:
        code.cache_clear()
        return code()

    monkeypatch.setattr("relmer.__path__", [str(tmp_path)])
    before = now()
    os.utime(tmp_path / "a.py", (1, 1))
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("compiled")
    assert now() == before
    (tmp_path / "data" / "b.csv").write_text("two")
    assert now() != before
    code.cache_clear()


def test_a_disk_that_takes_half_a_line_leaves_the_lines_before(
    journal: Journal, results: list[CaseResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.keep(CASES[0], results[0])

    def half(descriptor: int, line: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("relmer.reports.journal.os.write", half)
        with pytest.raises(OSError, match="No space left"):
            journal.keep(CASES[1], results[1])
    assert list(journal.done(CASES).results) == [0]
