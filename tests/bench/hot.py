"""The functions that every fit runs through, timed; `nox -s hot` compares them with its last run. None can fail."""

from collections.abc import Callable
from typing import Any

import pytest

from relmer.datasets import load
from relmer.solver import lmer
from relmer.solver.language.build import build
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame
from relmer.solver.paths.criterion import PATHS, prepare, solve_at

FORMULA = "Reaction ~ Days + (Days | Subject)"
MODELS = {
    "sleepstudy": FORMULA,
    "Pastes": "strength ~ 1 + (1 | batch/cask)",
    "Penicillin": "diameter ~ 1 + (1 | plate) + (1 | sample)",
    "star_kindergarten": "read ~ cltype + sx + (sx | sch/tch)",
}
Benchmark = Callable[..., Any]


def test_parse(benchmark: Benchmark) -> None:
    benchmark(parse.__wrapped__, FORMULA)


def test_model_frame(benchmark: Benchmark) -> None:
    benchmark(model_frame, parse(FORMULA), load("sleepstudy").frame)


def test_design(benchmark: Benchmark) -> None:
    benchmark(build, model_frame(parse(FORMULA), load("sleepstudy").frame))


@pytest.mark.parametrize("method", PATHS)
@pytest.mark.parametrize("name", MODELS)
def test_profile(benchmark: Benchmark, name: str, method: str) -> None:
    design = build(model_frame(parse(MODELS[name]), load(name).frame))
    benchmark(solve_at, prepare(design, method), lmer(MODELS[name], load(name).frame).optimum.theta)


@pytest.mark.parametrize("name", MODELS)
def test_lmer(benchmark: Benchmark, name: str) -> None:
    benchmark(lmer, MODELS[name], load(name).frame)
