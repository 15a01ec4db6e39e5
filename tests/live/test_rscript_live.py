"""A real Rscript as a plain process: the answers of rpy2 to the last bit, and no way out for what goes wrong."""

import itertools
import math
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample import one_of_each

from relmer.datasets import Case, case, cases, load
from relmer.reference.answers import recorded
from relmer.reference.engines import Child, Declaration, EngineError, answer
from relmer.reference.engines.r import lme4_process
from relmer.reference.engines.r.lme4 import Lme4
from relmer.reference.engines.r.rscript import declared
from relmer.reports.compared import Asked, compared
from relmer.reports.diff import diff

pytestmark = pytest.mark.live

MADE = itertools.count()
FUNCTIONS = """
same <- function(x) list(x)
kinds <- function(x) list(typeof(x), is.na(x) + 0L)
leave <- function() quit(status = 7)
endless <- function() repeat NULL
large <- function() numeric(5e8)
talks <- function() { cat("{\\"value\\": 1}\\n"); message("said"); warning("warned"); system("echo more"); list(1) }
"""
PROGRAM = """
from relmer.reference.engines.child import serve
from relmer.reference.engines.r.spoken_r import SpokenR

spoken = SpokenR({command!r}, {functions!r}, {seconds!r}, 2**30)

def answer(request):
    arguments = [getattr(spoken, kind)(values) for kind, values in request["arguments"]]
    return {{"value": spoken.plain(spoken.call(request["op"], *arguments))}}

serve(answer)
"""


def speaking(rscript: str, folder: Path, seconds: float = 60.0) -> Child:
    program = folder / "speaking.py"
    program.write_text(PROGRAM.format(command=(rscript,), functions=FUNCTIONS, seconds=seconds), encoding="utf-8")
    return Child("spoken", (str(program),))


@pytest.fixture(scope="module")
def spoken(rscript: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    child = speaking(rscript, tmp_path_factory.mktemp("spoken"))
    yield child
    child.close()


def told(child: Child, name: str, *arguments: tuple[str, list[object]], seconds: float = 60) -> object:
    return child.request({"op": name, "arguments": list(arguments)}, seconds)["value"]


MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY
@given(values=st.lists(st.floats(width=64)))
def test_doubles_cross_both_ways_as_their_bits(spoken: Child, values: list[float]) -> None:
    sent = [value if math.isfinite(value) else str(value).replace("inf", "Infinity") for value in values]
    (back,) = told(spoken, "same", ("numbers", sent))
    for value, other in zip(values, map(float, back), strict=True):
        assert struct.pack("<d", value) == struct.pack("<d", other) or (math.isnan(value) and math.isnan(other))


@MANY
@given(values=st.lists(st.one_of(st.none(), st.integers(-(2**31) + 1, 2**31 - 1))))
def test_integers_cross_with_what_is_missing(spoken: Child, values: list[int | None]) -> None:
    assert told(spoken, "same", ("integers", values)) == [values]


LETTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\0")


@MANY
@given(values=st.lists(st.one_of(st.none(), st.text(LETTERS))))
def test_texts_cross_in_any_script(spoken: Child, values: list[str | None]) -> None:
    assert told(spoken, "same", ("texts", values)) == [values]


def test_what_is_missing_is_rs_na_of_its_kind(spoken: Child) -> None:
    for kind, mode in (("numbers", "double"), ("integers", "integer"), ("logicals", "logical"), ("texts", "character")):
        other = "a" if kind == "texts" else 1
        assert told(spoken, "kinds", (kind, [None, other])) == [[mode], [1, 0]]


def test_a_long_vector_crosses(spoken: Child) -> None:
    values = np.random.default_rng(1).normal(size=200_000).tolist()
    assert told(spoken, "same", ("numbers", values)) == [values]


def test_what_r_prints_is_no_answer(spoken: Child) -> None:
    assert told(spoken, "talks") == [[1.0]]


def test_an_r_that_leaves_is_replaced(rscript: str, tmp_path: Path) -> None:
    child = speaking(rscript, tmp_path)
    with pytest.raises(EngineError, match=r"child process stopped during 'leave' \(exit status 7"):
        told(child, "leave")
    assert told(child, "same", ("texts", ["here"])) == [["here"]]
    child.close()


def test_an_endless_call_is_ended(rscript: str, tmp_path: Path) -> None:
    """By the end of the process that speaks with R; by R itself, where that does not reach it."""
    child = speaking(rscript, tmp_path)
    told(child, "same", ("texts", []))
    with pytest.raises(EngineError, match="no answer to 'endless' within 1 s"):
        told(child, "endless", seconds=1)
    child.close()
    child = speaking(rscript, tmp_path, seconds=1.0)
    with pytest.raises(EngineError, match="elapsed time limit"):
        told(child, "endless")
    assert told(child, "same", ("texts", ["here"])) == [["here"]]
    child.close()


def test_a_gigabyte_is_refused(spoken: Child) -> None:
    with pytest.raises(EngineError, match=r"memory|allocate"):
        told(spoken, "large")
    assert told(spoken, "same", ("texts", ["here"])) == [["here"]]


@pytest.fixture(scope="module")
def plain(rscript: str) -> Iterator[Lme4]:
    """lme4 behind this machine's own Rscript."""
    engine = declared(Declaration(name="lme4@here", command=(rscript,)))
    yield engine
    engine.close()


# Not penicillin: lme4's own sums there depend on where a process has its memory, and end in two ways (docs/engines.md).
CASES = ("docs/sleepstudy", "docs/star-sample-ml", "docs/mtcars-ols", "cake/temp-factor-ml", "rail/ml")


@pytest.mark.parametrize("name", CASES)
def test_the_answer_is_that_of_rpy2_to_the_last_bit(lme4_engine: Lme4, plain: Lme4, name: str) -> None:
    chosen = case(name)
    thetas = [] if name == "docs/mtcars-ols" else [answer(lme4_engine, chosen, []).estimates.theta]
    by_rpy2, by_process = (answer(one, chosen, thetas) for one in (lme4_engine, plain))
    for part in ("status", "message", "data", "model", "criterion", "estimates", "warnings", "dataset_sha256"):
        assert getattr(by_process, part) == getattr(by_rpy2, part), part
    assert {**by_process.environment, "rpy2": by_rpy2.environment["rpy2"]} == by_rpy2.environment | {
        "BLAS": by_process.environment["BLAS"]
    }


def test_columns_of_every_kind_cross(lme4_engine: Lme4, plain: Lme4, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    n = 60
    frame = pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x y": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "wahr": rng.random(n) < 0.5,
            "größe": rng.choice(["ä", "b", "日本"], n),
            "o": pd.Categorical(rng.choice(["low", "mid", "high"], n), ["low", "mid", "high"], ordered=True),
            "g": pd.Categorical(rng.choice(["b", "a", 'c"\\'], n), ["b", "a", 'c"\\', "unused"]),
        }
    )
    monkeypatch.setattr(lme4_process, "data_of", lambda asked: frame)
    formula = "y ~ `x y` + wahr + größe + o + (1 | g)"
    chosen = Case("made/kinds", f"made {next(MADE)}", formula, True, "", "", {})
    assert plain.stages(chosen) == lme4_engine.stages(chosen)
    assert plain.fit(chosen) == lme4_engine.fit(chosen)


def test_what_r_refuses_is_told_in_its_words(plain: Lme4, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0], "g": ["a", "b", "c"]})
    monkeypatch.setattr(lme4_process, "data_of", lambda asked: frame)
    with pytest.raises(EngineError, match="number of levels of each grouping factor"):
        plain.fit(Case("made/few", f"made {next(MADE)}", "y ~ 1 + (1 | g)", True, "", "", {}))


SMALL = one_of_each(
    (one for one in cases() if len(load(one.dataset).frame) < 1000),
    lambda one: (one.dataset, one.formula),
    lambda one: one.name,
)


def test_the_recording_of_this_version_is_what_lme4_returns_here(lme4_engine: Lme4) -> None:
    """On small cases the same model, warnings and verdicts; where the two machines are alike, the same bits.

    CI takes each model by one of ML and REML, `nox -s nightly` by both (tests/support/sample.py).
    """
    name = f"lme4@{lme4_engine.version()}"
    if name not in recorded.versions():
        pytest.skip(f"there is no recording of {name}")
    before, after = compared([Asked(name), Asked("lme4")], SMALL)
    found = diff(before, after)
    assert len(after.cases) == len(SMALL) > 30
    assert not found.warned
    # The recordings of versions tell no inference: rung 6 is of the live one alone.
    alone = [one for one in found.turned if not (one.before and one.after)]
    assert {(one.rung, one.before) for one in alone} == {(6, None)}
    both = [one for one in found.turned if one.before and one.after]
    assert not [one for one in both if one.before.verdict is not one.after.verdict]
    assert not [one for one in found.differs if one.case and one.engine and one.fact in ("status", "message")]
    moved = {one.case for one in found.moved if one.rung < 6}
    assert len(moved) < len(SMALL) / 2
