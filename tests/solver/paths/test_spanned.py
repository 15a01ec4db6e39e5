"""Responses of which X and Z leave little: what is taken apart, when, and in which coordinates."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bounds import DENSE, EPS
from in_balls import criterion_in_balls

from relmer.reports.evidence import tolerances
from relmer.solver import ModelError
from relmer.solver.language import build, model_frame, parse
from relmer.solver.model import Design
from relmer.solver.paths import criterion, pls, prepare, size, solve_at
from relmer.solver.paths import spanned as module
from relmer.solver.paths.pls import unrotated_scale
from relmer.solver.paths.spanned import spanned, surely_left
from relmer.solver.paths.sweeping import swept


def made(formula: str, noise: float, x_size: float = 1.0) -> Design:
    """40 rows of 8 levels, with effects of order one, and what they leave of order `noise`."""
    random = np.random.default_rng(7)
    g = np.repeat(np.arange(8), 5)
    data = pd.DataFrame({"x": random.normal(size=40), "zero": np.zeros(40), "g": g, "k": np.tile(np.arange(5), 8)})
    b, s, e = random.normal(size=8)[g], random.normal(size=8)[g], random.normal(size=40)
    data["y"] = 1e3 + b + s * data["x"] + noise * e
    data["x"] *= x_size
    return build(model_frame(parse(f"y ~ {formula}"), data))


def test_what_is_left_lies_across_X_and_Z_to_its_own_last_digit() -> None:
    design = made("x + (x | g)", 1e-6)
    found = spanned(design, swept(design).residual)
    assert found is not None
    assert found.rank == 16
    columns = np.column_stack([design.X, design.Z.toarray()])
    lengths = np.linalg.norm(columns, axis=0)
    # Sums of 40 products, of columns that determine each other to one digit.
    assert np.abs(columns.T @ found.residual / lengths).max() <= 400 * EPS * np.linalg.norm(found.residual)


def test_the_residual_beside_X_is_that_of_its_coefficients() -> None:
    design = replace(made("x + (x | g)", 1e-6), weights=np.linspace(0.5, 2.0, 40))
    reduced = prepare(design, "pls").reduced
    assert reduced.spanned is not None
    expected = np.sqrt(design.weights) * (design.y - design.X @ reduced.beta0)
    np.testing.assert_allclose(reduced.residual0, expected, rtol=0, atol=8 * EPS * np.abs(design.y).max())


def test_a_response_of_which_much_is_left_is_not_taken_apart() -> None:
    for noise, is_taken in ((0.5, False), (1e-3, True), (1e-15, False)):
        design = made("x + (x | g)", noise)
        assert (spanned(design, swept(design).residual) is not None) is is_taken


def test_what_is_too_large_to_be_written_out_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """40 rows of 2 columns of X and 16 of Z."""
    design = made("x + (x | g)", 1e-6)
    for most, is_taken in ((40 * 18, True), (40 * 18 - 1, False)):
        monkeypatch.setattr(module, "DENSE", most)
        assert (spanned(design, swept(design).residual) is not None) is is_taken


@pytest.mark.parametrize("formula", ["x + (x | g)", "x + (x | g) + (1 | k)"])
def test_much_is_surely_left_where_it_is_left_beside_free_effects(
    formula: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[bool] = []

    def recorded(*of: Any) -> bool:
        told.append(surely_left(*of))
        return told[-1]

    monkeypatch.setattr(pls, "surely_left", recorded)
    for noise, expected in ((1.0, True), (1e-6, False)):
        reduced = prepare(made(formula, noise), "pls").reduced
        assert told.pop() is expected
        assert (reduced.spanned is None) is expected


def test_what_cannot_be_solved_is_not_surely_left() -> None:
    def refused(_: np.ndarray) -> None:
        raise ModelError("none")

    elimination: Any = SimpleNamespace(within=np.eye(3), is_swept=False, is_costly=False, ray=refused)
    assert not surely_left(elimination, np.ones(4), None)
    elimination.is_costly = True
    assert surely_left(elimination, np.ones(4), None), "a costly one is not asked"


@pytest.mark.parametrize(
    ("formula", "order"),
    [
        ("1 + (x | g)", [1, 0]),
        ("x + (x | g)", [0, 1]),
        ("0 + x + (x | g)", [0, 1]),
        ("1 + (0 + x | g)", [0]),
        ("1 + cs(x | g)", [0, 1]),
        ("1 + (x + zero | g)", [1, 0, 2]),
    ],
)
def test_columns_in_the_span_of_X_come_last_in_units_of_a_level(formula: str, order: list[int]) -> None:
    """sqrt of the sum of squares per level; one for a column of zeros, which lies in any span."""
    design = made(formula, 1e-6)
    (term,) = design.terms
    sizes = [float(np.sqrt(sum(value**2 for value in column) / 8)) or 1.0 for column in term.X.T]
    C = unrotated_scale(term, design.X)
    expected = np.zeros((len(sizes), len(sizes)))
    for place, k in enumerate(order):
        expected[k, place] = sizes[k]
    np.testing.assert_allclose(C, expected, rtol=DENSE)


@pytest.mark.parametrize("large", [1e4, 1e8])
@pytest.mark.parametrize("x_size", [1.0, 1e-3])
@pytest.mark.parametrize("formula", ["x + (x || g)", "1 + (x || g)", "x + (1 | k) + (x || g)"])
def test_a_variance_of_zero_beside_large_ones_is_right_by_every_path(formula: str, x_size: float, large: float) -> None:
    """What a column without variance explains is in the rows' rest, however small the column is in a block."""
    design = made(formula, 1e-6, x_size)
    k = len(design.template.diagonal)
    for zero in range(k):
        theta = np.where(np.arange(k) == zero, 0.0, large)
        expected = criterion_in_balls(design, theta, True)
        for method in ("pls", "qr", "gls"):
            at = solve_at(prepare(design, method), theta)
            assert abs(criterion(design, at, True) - expected) <= tolerances.CRITERION * size(design, at, True)
