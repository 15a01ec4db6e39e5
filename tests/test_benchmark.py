"""The benchmark says what it measured, what it left out, and who stopped early."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from benchmarking import bench, inference, page, picture, results, store
from bounds import counted

GOOD = results.Measured("", (0.002, 0.004), (0.001, 0.005), 1e-4, (0.5, 0.01), 7, (2.0**20, 2.0**27), 1.0, 0.0, 9.0)
FAILED = results.Measured("more than 300 s")
MODEL = bench.MODELS[0]


def result(**engines: Any) -> Any:
    found = dict.fromkeys(bench.ENGINES, GOOD) | {name.replace("_", "-"): one for name, one in engines.items()}
    return results.Result(MODEL, 180, found, 1743.6282719585, 1743.6282719585)


def test_data_come_back_as_they_were(tmp_path: Path) -> None:
    categories = pd.Categorical(["b", "a", "b", None], categories=["b", "unused", "a"])
    frame = pd.DataFrame({"y": [0.1, np.nan, -0.0, 1e300], "g": categories})
    store.write(tmp_path, {"formula": "y ~ 1 + (1 | g)"}, frame)
    model, read = store.read(tmp_path)
    assert (model["formula"], model["rows"]) == ("y ~ 1 + (1 | g)", 4)
    pd.testing.assert_frame_equal(read, frame)
    assert np.signbit(read["y"][2])


@pytest.mark.parametrize(("error", "digits"), [(0.0, 15), (1e-5, 5), (-1e-12, 12), (1e-17, 15)])
@pytest.mark.parametrize("name", ["beta", "se", "sigma"])
def test_digits_are_those_of_the_worst_number(name: str, error: float, digits: float) -> None:
    right = {"beta": [2.0, -300.0], "se": [0.5, 4.0], "sigma": 0.5, "theta": {"g": [1.0, 0.0, 0.5]}}
    mine = json.loads(json.dumps(right))
    mine[name] = np.array(right[name]) * (1 + error)
    # sigma is squared in the covariances, so twice its error counts there.
    expected = digits - np.log10(2) * (name == "sigma" and 0 < digits < 15)
    # Of 12 digits or fewer, and of 15 and more all.
    assert results.digits(mine, right) == pytest.approx(expected, abs=counted(12))


def test_a_covariance_is_judged_in_units_of_its_variances() -> None:
    right = {"beta": [1.0], "se": [1.0], "sigma": 1.0, "theta": {"g": [1.0, 0.0, 1000.0]}}
    # Covariance 1e-3 instead of 0, where the variances are 1 and 1e6: 1e-6 of their geometric mean.
    mine = {**right, "theta": {"g": [1.0, 1e-3, 1000.0]}}
    assert results.digits(mine, right) == pytest.approx(6, abs=1e-6)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("open(r'{}', 'w').write('[1, 2]')", [1, 2]),
        ("raise SystemExit('no licence\\n')", {"failed": "no licence"}),
        ("", {"failed": "ended with status 0"}),
        ("import time; time.sleep(60)", {"failed": "more than 1 s"}),
    ],
)
def test_a_child_gives_its_result_or_the_reason(tmp_path: Path, code: str, expected: object) -> None:
    written = tmp_path / "result.json"
    assert bench.child([sys.executable, "-c", code.format(written)], written, 1.0, None) == expected


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        (
            "Loading\nError in f(x) : \n  no such column\nCalls: g -> f\nExecution halted\n",
            "Error in f(x) : no such column",
        ),
        (
            "thread '<unnamed>' panicked at src/fit.rs:7:5:\nout of memory\nnote: run with `RUST_BACKTRACE=full`\n",
            "thread '<unnamed>' panicked at src/fit.rs:7:5: out of memory",
        ),
        (
            "memory allocation of 9 bytes failed\nnote: run with `RUST_BACKTRACE=1`\n",
            "memory allocation of 9 bytes failed",
        ),
        ("Traceback\n  File ...\nMemoryError\n", "MemoryError"),
        ("\n", ""),
    ],
)
def test_the_reason_of_a_failure_is_the_error(stderr: str, said: str) -> None:
    assert bench.reason(stderr).startswith(said)


def test_a_child_has_one_thread(tmp_path: Path) -> None:
    written = tmp_path / "result.json"
    found = "[len(os.sched_getaffinity(0)), os.environ['OMP_NUM_THREADS']]"
    code = f"import json, os; json.dump({found}, open(r'{written}', 'w'))"
    assert bench.child([sys.executable, "-c", code], written, 30.0, None) == [1, "1"]


def text_of(tmp_path: Path, *found: Any, left_out: tuple[str, ...] = ()) -> str:
    page.write(tmp_path, list(found), left_out)
    return (tmp_path / "benchmark.md").read_text(encoding="utf-8")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    text = text_of(tmp_path, result(lme_python=FAILED), left_out=("InstEval",))
    assert "- InstEval: not in this run" in text
    assert "- sleepstudy, lme-python: more than 300 s" in text


def test_a_model_without_a_judge_is_named(tmp_path: Path) -> None:
    text = text_of(tmp_path, replace(result(), unjudged="more than 1200 s"))
    assert "- sleepstudy, the judge: more than 1200 s" in text


def test_an_early_stop_is_in_italics(tmp_path: Path) -> None:
    text = text_of(tmp_path, result(mixedlm=replace(GOOD, rounds=(0.001,), above=2e-6)))
    assert "| *1.00 ms* |" in text
    assert "| 3.00 ms |" in text


@pytest.mark.parametrize(
    ("above", "seconds", "holds"), [(0.0, 0.0001, "yes"), (0.0, 0.002, "no"), (1e-6, 0.0001, "no: not the optimum")]
)
def test_speed_counts_at_the_optimum_only(tmp_path: Path, above: float, seconds: float, holds: str) -> None:
    ours = replace(GOOD, rounds=(seconds, seconds), above=above)
    lines = text_of(tmp_path, result(relmer=ours)).splitlines()
    (line,) = [line for line in lines if line.startswith("| sleepstudy | lme4 |")]
    assert line.split(" | ")[-1] == f"{holds} |"


def test_ratios_are_taken_round_by_round() -> None:
    found = result(relmer=replace(GOOD, rounds=(0.001, 0.001)))
    assert found.ratio("lme4") == (0.375, 0.25, 0.5)


def test_what_is_concluded_stands_in_the_page_and_stays_there(tmp_path: Path) -> None:
    """Its times are measured by another program: either keeps what the other wrote."""
    rows = [inference.Row("one", "lme4", 1.0, 4.0, 1.0), inference.Row("two", "lmerTest", 3.0, 2.0, 1.0)]
    page.write(tmp_path, [result()], [])
    plain = (tmp_path / "benchmark.md").read_text(encoding="utf-8")
    for load in (0.1, 7.0):
        page.keep(tmp_path, inference.section(rows, load, 2, "now", "c"))
    page.write(tmp_path, [result()], [])
    text = (tmp_path / "benchmark.md").read_text(encoding="utf-8")
    assert "| one | lme4 | 4.00 s | 1.00 s | 1/4 | 1 | yes |" in text
    assert "| two | lmerTest | 2.00 s | 3.00 s | 1.5 | 1 | **no** |" in text
    assert text.count(page.BEYOND) == 1 and text.count("load was 7.0 on 2 cores") == 1 and "load was 0.1" not in text
    assert text.index("## What was asked") < text.index(page.BEYOND) < text.index(page.EVERY_HEAD)
    begin, end = text.index(page.BEYOND), text.index(page.EVERY_HEAD)
    assert text[:begin] + text[end:] == plain


def test_the_history_grows_by_a_line(tmp_path: Path) -> None:
    for _ in range(2):
        text_of(tmp_path, result())
    lines = (tmp_path / "benchmark-history.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["models"]["sleepstudy"]["relmer"]["rounds"] for line in lines] == [[0.002, 0.004]] * 2


def test_the_picture_is_vector_graphics_with_every_engine() -> None:
    slow = replace(result(), rows=1_800, model=replace(MODEL, series=True))
    slower = replace(slow, rows=18_000, engines=slow.engines | {"lme4": FAILED})
    root = ET.fromstring(picture.draw([result(), slow, slower]))
    lines = [element for element in root if element.get("class") == "line"]
    assert len(lines) == len(bench.ENGINES)
    assert all("NaN" not in str(value) for element in root for value in element.attrib.values())


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.00123456, "1.23 ms"), (12.3456, "12.3 s"), (345.6, "346 s"), (3.21e-6, "3.21 µs")]
)
def test_durations(seconds: float, shown: str) -> None:
    assert page.duration(seconds) == shown
