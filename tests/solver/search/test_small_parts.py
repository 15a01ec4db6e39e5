"""Parts of the search by themselves, by hand: coordinates, bounds, faces, valleys, starts, what a look steps by."""

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bounds import DENSE
from scipy import sparse

from relmer.datasets import load
from relmer.solver import ModelError, lmer
from relmer.solver.algebra import lower_trapezoid
from relmer.solver.elimination import crossed
from relmer.solver.language import build, model_frame, parse
from relmer.solver.model import Carrier
from relmer.solver.paths import prepare
from relmer.solver.search import look, residual, valleys, witness
from relmer.solver.search.coordinates import Coordinates, coordinates_of
from relmer.solver.search.faces import without_little
from relmer.solver.search.objective import NOISE, Objective, Point, bounded_step, solved_lower
from relmer.solver.search.optimise import advanced, lowest
from relmer.solver.search.residual import falls, least_squares
from relmer.solver.search.starts import RAY, along_ray, at_multiple
from relmer.solver.search.term_parts import Par
from relmer.solver.search.valleys import LONGEST, farthest, slid
from relmer.solver.search.witness import solved_again


def objective(formula: str) -> Objective:
    data = load("sleepstudy").frame
    data = data.assign(day=pd.Categorical(data["Days"].astype(int)), half=data["Days"] / 2)
    return Objective(prepare(build(model_frame(parse(f"Reaction ~ Days + {formula}"), data)), "pls"), True)


def par_of(formula: str, C: np.ndarray) -> Par:
    """The coordinates of a term's structure where its working columns are those of C."""
    (part,) = objective(formula).coordinates.parts
    return Par(Carrier(part.carrier.structure, C), np.ones(len(part.unit)))


CS3 = par_of("cs(Days + half + I(Days^2) | Subject)", np.eye(4))


def test_the_unit_of_a_structure_is_a_working_standard_deviation_of_one() -> None:
    """Of a C with a row of zeros, a column that is redundant, par is as it is."""
    term = objective("cs(Days | Subject)").design.terms[0]
    for C in (np.array([[3.0, 4.0], [0.0, 2.0]]), np.array([[3.0, 4.0], [0.0, 0.0]])):
        (part,) = coordinates_of([term], [C], [0]).parts
        lengths = [5.0, 2.0 if C.any(axis=1).all() else 1.0]
        np.testing.assert_allclose(part.unit, [1 / lengths[0], 1 / lengths[1], 1.0], rtol=DENSE)
    (part,) = coordinates_of(
        [objective("cs(Days | Subject, hom = TRUE)").design.terms[0]], [np.diag([1.0, 7.0])], [0]
    ).parts
    np.testing.assert_allclose(part.unit, [1 / 5.0, 1.0], rtol=DENSE)


def test_the_room_of_a_step_is_up_to_the_first_bound() -> None:
    coordinates = Coordinates((CS3,))
    x = np.array([1.0, 2.0, 3.0, 4.0, 0.5])
    for step, part in (
        ([0.0, -4.0, -3.0, 0.0, 0.0], 0.5),
        ([1.0, 1.0, 1.0, 1.0, 0.0], 1.0),
        ([1.0, 0.0, 0.0, 0.0, 1.0], 0.5),
        ([0.0, 0.0, 0.0, 0.0, -5 / 3], 0.5),
        ([-1.0, 0.0, 1.0, 0.0, 0.0], 1.0),
        ([-4.0, 0.0, 1.0, 0.0, 0.0], 0.25),
    ):
        assert coordinates.room(x, np.array(step)) == pytest.approx(part, rel=DENSE)


def test_a_part_is_inside_where_no_deviation_is_negligible_and_rho_between_its_ends() -> None:
    """Compound symmetry of four columns: rho from -1/3 to 1."""
    for s, rho, inside in (
        ([1.0, 2.0, 3.0, 4.0], 0.5, True),
        ([1.0, 2.0, 3.0, 4.0], 1.0, False),
        ([1.0, 2.0, 3.0, 4.0], -1 / 3, False),
        ([1.0, 0.0, 3.0, 4.0], 0.5, False),
        ([1.0, 1e-6, 3.0, 4.0], 0.5, False),
    ):
        assert CS3.is_inside(np.array([*s, rho])) is inside


def test_a_multiple_has_rho_a_part_of_the_way_to_either_end() -> None:
    for rho, expected in ((0.0, 0.0), (0.5, 0.5), (1.0, 1.0), (-0.5, -1 / 6), (-1.0, -1 / 3)):
        np.testing.assert_allclose(CS3.multiple(2.0, rho), [2.0, 2.0, 2.0, 2.0, expected], rtol=DENSE)


def test_what_is_near_has_the_mean_correlation_of_neighbours_each_no_more_than_one() -> None:
    """The moments' G may be no covariance: of correlations 3, -5 and 0.2 the mean is that of 1, -1 and 0.2."""
    s = np.array([1.0, 2.0, 0.5, 4.0])
    R = np.eye(4)
    R[[0, 1], [1, 0]], R[[1, 2], [2, 1]], R[[2, 3], [3, 2]] = 3.0, -5.0, 0.2
    np.testing.assert_allclose(CS3.near(s[:, None] * R * s), [*s, 0.2 / 3], rtol=DENSE)


def test_a_probe_of_two_deviations_that_are_zero_asks_any_rho() -> None:
    """G = t^2 / 2 [[1, rho], [rho, 1]] for a step t, so the criterion rises by t^2 (1 - 2 rho) for this dual."""
    two = par_of("cs(Days | Subject)", np.eye(2))
    found = two.probe(np.array([0.0, 0.0, 0.0]), np.array([[1.0, -2.0], [-2.0, 1.0]]))
    assert (found.rho, found.rise) == (1.0, pytest.approx(-1.0, rel=1e-9))
    np.testing.assert_allclose(np.abs(found.way), [0.5**0.5, 0.5**0.5, 0.0], rtol=1e-9)


def test_a_start_has_no_correlation_unless_one_is_asked_for() -> None:
    for formula in ("cs(Days | Subject)", "ar1(0 + day | Subject)"):
        (part,) = at_multiple(objective(formula), 1.5).blocks
        assert part[-1] == 0.0
        assert np.all(part[:-1] == 1.5)
    (part,) = at_multiple(objective("cs(Days | Subject)"), 1.5, -1.0).blocks
    assert part[-1] == -1.0


def test_roots_are_by_the_closed_form_unless_the_definition_is_asked_for() -> None:
    here = objective("ar1(0 + day | Subject)")
    part = here.coordinates.parts[0].multiple(1.0, 0.7)
    closed, defined = (here.coordinates.roots([part], of)[0] for of in (False, True))
    np.testing.assert_array_equal(here.coordinates.roots([part])[0], closed)
    assert not np.array_equal(closed, defined)
    np.testing.assert_allclose(closed @ closed.T, defined @ defined.T, rtol=0, atol=DENSE)


def test_little_variance_goes_where_its_dual_is_positive() -> None:
    for size in (1.0, 1e-3):
        root = without_little(np.diag([2.0, 1e-4]), size * np.eye(2))
        assert root is not None
        np.testing.assert_allclose(root @ root.T, np.diag([4.0, 0.0]), rtol=0, atol=DENSE)
    assert without_little(np.diag([2.0, 1e-4]), np.diag([1.0, -1.0])) is None
    assert without_little(np.diag([2.0, 0.1]), np.eye(2)) is None
    assert without_little(np.diag([2.0, 0.0]), np.eye(2)) is None


def test_what_is_solved_is_the_triangle_or_its_transpose() -> None:
    S = np.tril(np.random.default_rng(1).normal(size=(4, 4))) + 4 * np.eye(4)
    b = np.arange(8.0).reshape(4, 2)
    np.testing.assert_allclose(S @ solved_lower(S, b), b, rtol=0, atol=1e2 * DENSE)
    np.testing.assert_allclose(S.T @ solved_lower(S, b, 1), b, rtol=0, atol=1e2 * DENSE)


def test_a_step_of_what_no_bound_holds() -> None:
    """-H^-1 g = (-4.2, 4.8): the first goes below zero, so it is held, and the other goes alone by 1."""
    pair = Coordinates((par_of("diag(Days | Subject)", np.eye(2)),))
    H, g = np.array([[1.0, 0.9], [0.9, 1.0]]), np.array([-0.1, -1.0])
    found = bounded_step(pair, np.array([0.0, 1.0]), g, H, 10.0)
    np.testing.assert_allclose(-found.axes @ found.lengths, [0.0, 1.0], rtol=DENSE)
    assert found.decrement == pytest.approx(0.5, rel=DENSE)
    none = bounded_step(pair, np.zeros(2), np.array([1.0, 2.0]), H, 10.0)
    assert none.decrement == 0.0
    assert not (none.axes @ none.lengths).any()


def test_the_average_information_is_corrected_once_the_optimum_is_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """Far away it stands for the second derivatives; where these are taken the corrected ones are they."""
    monkeypatch.setattr(crossed, "COSTLY", 0)
    random = np.random.default_rng(3)
    g, h = random.integers(0, 40, 600), random.integers(0, 25, 600)
    x, (b, c) = random.normal(size=600), random.normal(size=(2, 25))
    y = random.normal(size=40)[g] + 0.7 * b[h] + 0.5 * c[h] * x + random.normal(size=600)
    data = pd.DataFrame({"y": y, "x": x, "g": g.astype(str), "h": h.astype(str)})
    fit = lmer("y ~ x + (1 | g) + (x | h)", data)
    here = Objective(fit.prepared, True)
    assert here.costly
    optimum = [C.T @ root for C, root in zip(here.reduced.scales, fit.optimum.roots, strict=True)]
    for times, corrected in ((3.0, False), (1.0, True)):
        point = here.at([lower_trapezoid(times * root) for root in optimum])
        exact = here.structure.curvature(here.solved(point), here.weights)[1]
        average = here.structure.curvature(here.solved(point), here.weights, exact=False)[1]
        assert np.abs(average - exact).max() > 1e-3 * np.abs(exact).max()
        found = here.curvature(point)[1]
        np.testing.assert_allclose(found, exact if corrected else average, rtol=0, atol=1e-10 * np.abs(exact).max())


def test_the_steps_of_a_look_are_those_of_the_criterions_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    here = objective("(Days | Subject)")
    point = here.at([lower_trapezoid(here.reduced.scales[0].T @ np.array([[0.93, 0.0], [0.02, 0.22]]))])
    asked: list[float] = []

    def recorded(noise: float, curvatures: np.ndarray) -> np.ndarray:
        asked.append(noise)
        return np.sqrt(2.0 * np.sqrt(noise) / curvatures)

    monkeypatch.setattr(look, "lengths", recorded)
    monkeypatch.setattr(look, "measured_noise", lambda *_: 0.0)
    look.lower_point(here, point)
    assert asked == [NOISE * point.size] * 2


def test_by_maximum_likelihood_X_has_no_part_in_whether_the_criterion_falls() -> None:
    """Four rows of three fixed effects and two groups: log|RX|^2 holds up REML's, and nothing that of ML."""
    random = np.random.default_rng(2)
    X = np.column_stack([np.ones(4), random.normal(size=(4, 2))])
    Z = sparse.csr_array(np.kron(np.eye(2), np.ones((2, 1))))
    y = random.normal(size=4)
    reduced: Any = SimpleNamespace(design=SimpleNamespace(y=y, offset=None, weights=None), residual0=y)
    assert falls(reduced, X, [Z], REML=False)
    assert not falls(reduced, X, [Z], REML=True)


@pytest.mark.parametrize("dense", [True, False])
def test_columns_of_any_length_are_swept(dense: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not dense:
        monkeypatch.setattr(residual, "DENSE", 0)
    random = np.random.default_rng(5)
    columns = random.normal(size=(30, 4)) * [1e12, 1.0, 1e-12, 0.0]
    y = columns @ [1e-12, 1.0, 1e12, 1.0]
    e = random.normal(size=30)
    Q = np.linalg.qr(columns[:, :3] / [1e12, 1.0, 1e-12])[0]
    e -= Q @ (Q.T @ e)
    left, rank = least_squares([sparse.csr_array(columns)], 1e4 * y + e)
    np.testing.assert_allclose(left, e, rtol=0, atol=1e-10)
    assert rank == (3 if dense else 4)


class Valley(Objective):
    """A criterion of one variance v that stands at 1: f = 10 - 2 t (v - 1) + (v - 1)^2 for a t of its own."""

    def __init__(self, lowest: float, directions: int) -> None:
        self.lowest = lowest
        change = lambda size: SimpleNamespace(at=lambda G: [np.array([[size]])])  # noqa: E731
        self.level = (*[change(0.0)] * (directions - 1), change(1.0))  # type: ignore[assignment]

    def at(self, blocks: Any) -> Point:
        v = float(blocks[0][0, 0] ** 2)
        return Point(list(blocks), 10.0 - 2 * self.lowest * (v - 1) + (v - 1) ** 2, 1.0)


@pytest.mark.parametrize("directions", [1, 3])
def test_a_valley_is_followed_to_the_lowest_point_of_its_parabola(directions: int) -> None:
    """From v = 1 no further than LONGEST: to v = 1 + t, or to the end of it."""
    for t, v in ((1.5, 2.5), (LONGEST + 3.0, 1 + LONGEST), (-0.5, 0.5), (-3.0, 0.0)):
        here = Valley(t, directions)
        found = slid(here, here.at([np.eye(1)]), [np.array([[-2 * t]])])
        assert found is not None
        assert float((found.blocks[0] ** 2).sum()) == pytest.approx(v, abs=1e-9)
    flat = Valley(0.0, directions)
    assert slid(flat, flat.at([np.eye(1)]), [np.zeros((1, 1))]) is None


def test_a_small_covariance_changes_by_no_more_than_one_times_longest() -> None:
    assert farthest([0.1 * np.eye(1)], [2.0 * np.eye(1)]) == pytest.approx(LONGEST / 2, rel=1e-9)
    assert farthest([3.0 * np.eye(1)], [2.0 * np.eye(1)]) == pytest.approx(3 * LONGEST / 2, rel=1e-9)
    assert valleys.NULL < 1e-9


def test_a_step_is_full_where_nothing_shortens_it() -> None:
    here = objective("(Days | Subject)")
    T = lower_trapezoid(here.reduced.scales[0].T @ np.array([[0.93, 0.0], [0.02, 0.22]]))
    point = here.at([T])
    x = here.coordinates.joined([T])
    promised = here.newton_step(point, x, np.inf)
    there, full = advanced(here, point, x, promised, 10.0)
    assert there is not None and there.value < point.value
    assert full
    least = float(np.abs(promised.lengths).min())
    there, full = advanced(here, point, x, promised, 2 * least)
    assert there is not None
    assert not full


class Start(SimpleNamespace):
    """A point of which only the value is asked."""


@pytest.mark.parametrize(
    ("begun", "alone", "descended", "value"),
    [
        (None, False, [10.0], 10.0),
        (9.0, False, [10.0, 9.0], 9.0),
        (11.0, False, [10.0, 11.0], 10.0),
        (11.0, True, [11.0], 11.0),
    ],
)
def test_a_start_that_is_given_is_followed_beside_the_others_or_alone(
    begun: float | None, alone: bool, descended: list[float], value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search's own start ends at 10, the given one where it is; of a costly model these are all."""
    seen: list[float] = []

    def descend(_: object, here: Start) -> SimpleNamespace:
        seen.append(here.value)
        return SimpleNamespace(here=here, regular=True)

    module = sys.modules["relmer.solver.search.optimise"]
    monkeypatch.setattr(module, "begin", lambda _, found, at: Start(value=at[0] if at else 10.0, size=1.0))
    monkeypatch.setattr(module, "descend", descend)
    stub: Any = SimpleNamespace(costly=True)
    found: Any = None
    end = lowest(stub, found, None if begun is None else [begun], alone)  # type: ignore[list-item]
    assert (seen, end.here.value) == (descended, value)


@pytest.mark.parametrize("REML", [True, False])
def test_along_the_ray_are_the_points_that_are_lower_than_their_neighbours(REML: bool) -> None:
    """The criterion at every multiple of T = I by itself; most responses have one such point, and few have two."""
    several = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        g = np.repeat(np.arange(3), 3)
        data = pd.DataFrame(
            {"y": random.normal(size=9), "x": random.normal(size=9) + g, "z": random.normal(size=9), "g": g}
        )
        here = Objective(prepare(build(model_frame(parse("y ~ x + z + (z || g)"), data)), "pls"), REML)
        values = [np.inf, *(at_multiple(here, scale).value for scale in RAY), np.inf]
        lower = [k for k in range(1, len(RAY) + 1) if values[k] < min(values[k - 1], values[k + 1])]
        found = [point.value for point in along_ray(here)]
        assert found == ([values[k] for k in lower] if len(lower) > 1 else [])
        several += len(lower) > 1
    assert several


@pytest.mark.parametrize(
    ("method", "regular", "near", "is_drowned", "by"),
    [
        ("pls", True, False, False, "elimination"),
        ("pls", True, False, True, "path"),
        ("pls", True, True, True, "elimination"),
        ("pls", False, False, False, "path"),
        ("qr", True, False, False, "path"),
        ("gls", True, True, False, "path"),
    ],
)
def test_what_elimination_has_the_digits_of_is_not_solved_again(
    method: str, regular: bool, near: bool, is_drowned: bool, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, "is_drowned", lambda scales, blocks: is_drowned)
    monkeypatch.setattr(witness, "working_roots", lambda scales, roots: roots)
    monkeypatch.setattr(witness, "solution", lambda *_: "elimination")

    def refused(_: object) -> None:
        raise ModelError("no digits")

    here: Any = SimpleNamespace(blocks=[])
    asked: Any = SimpleNamespace(near=near, reduced=SimpleNamespace(scales=()), solved=lambda here: None)
    prepared: Any = SimpleNamespace(method=method, path=SimpleNamespace(solve_at=lambda roots: "path"))
    assert solved_again(prepared, asked, here, regular, []) == by
    prepared.path.solve_at = refused
    if by == "elimination":
        assert solved_again(prepared, asked, here, regular, []) == by
    elif method == "pls" or near:
        assert solved_again(prepared, asked, here, regular, []) is None
    else:
        with pytest.raises(ModelError, match="no digits"):
            solved_again(prepared, asked, here, regular, [])
