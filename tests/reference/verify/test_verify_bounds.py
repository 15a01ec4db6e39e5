"""Global proofs: the bounds against dense matrices at sampled points, and the cells that they are of."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from claims import ONE, SLEEPSTUDY, X, model, term
from flint import arb, ctx, fmpq
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls
from stored_layouts import text_of

from relmer.reference.verify.bounds import Setting, divided, excesses, log_det, quadratic, rho, two_columns, within
from relmer.reference.verify.criterion import State, derivatives, origin, step
from relmer.reference.verify.data import Refused
from relmer.reference.verify.reading import read
from relmer.reference.verify.trees import BITS, Cell, change, face, halves, middle, pressed, vertices

# A dense V of order n <= 14 has here a condition below 1e5 (x below 20, B^2 below 9, squares of columns below 300): n
# eps 1e5 is below 1e-9, relative to log|V| and N log r^2, of which neither is above a few tens.
DENSE = 1e-8
MODELS = [
    model("y", [ONE], term("g", ONE)),
    model("y", [ONE, X], term("g", ONE), term("h", ONE)),
    model("y", [ONE], term("g", ONE), term("h", X), term("k", ONE)),
    model("y", [ONE, X], term("g", ONE, X)),
]


class Dense:
    """A model by its definition, in doubles: V written out."""

    def __init__(self, model: dict[str, Any], rows: list[dict[str, Any]], units: list[np.ndarray]) -> None:
        def columns(items: list[list[str]]) -> np.ndarray:
            return np.array([[float(row["x"]) if len(item) > 1 else 1.0 for item in items] for row in rows])

        self.X, self.y = columns(model["fixed"]), np.array([float(row["y"]) for row in rows])
        self.blocks = []
        for part, B in zip(model["random"], units, strict=True):
            levels = np.array([row[part["group"][0]] for row in rows])
            Z = columns(part["columns"]) @ B
            self.blocks.append((Z, levels[:, None] == levels))

    def criterion(self, gamma: np.ndarray, REML: bool) -> float:
        """L + s M + N log r^2 at a G in the units."""
        gammas = iter(gamma)
        V = np.eye(len(self.y))
        for Z, same in self.blocks:
            a = next(gammas)
            G = np.array([[a]]) if Z.shape[1] == 1 else np.array([[a, b := next(gammas)], [b, next(gammas)]])
            V = V + same * (Z @ G @ Z.T)
        inverse = np.linalg.inv(V)
        Cxx = self.X.T @ inverse @ self.X
        left = self.y - self.X @ np.linalg.solve(Cxx, self.X.T @ inverse @ self.y)
        value = np.linalg.slogdet(V)[1] + (len(self.y) - REML * self.X.shape[1]) * np.log(left @ inverse @ left)
        return float(value + REML * np.linalg.slogdet(Cxx)[1])


@st.composite
def designs(draw: st.DrawFn) -> tuple[Setting, Dense]:
    """A model on drawn data, in drawn units, with the level 0."""
    chosen, REML = draw(st.sampled_from(MODELS)), draw(st.booleans())
    n = draw(st.integers(8, 14))
    codes = st.integers(0, 3)
    rows = [
        {"y": draw(st.integers(-9, 9)), "x": draw(st.integers(-3, 4)), "g": draw(codes), "h": draw(codes)}
        | {"k": draw(codes)}
        for _ in range(n)
    ]
    text = "y,x,g,h,k\n" + "".join(",".join(str(row[name]) for name in "yxghk") + "\n" for row in rows)
    try:
        data = read(chosen, "decimal", text)
    except Refused:
        assume(False)
    assume(rho(data) > 0)
    quarters = st.integers(1, 6).map(lambda k: fmpq(k, 4))
    widths = [len(part["columns"]) for part in chosen["random"]]
    units = [[[draw(quarters) if a >= b else fmpq(0) for b in range(c)] for a in range(c)] for c in widths]
    with ctx.workprec(BITS):
        at_zero = origin(data)
        changes = [change(data, component, units) for component in data.components]
        H = tuple(B.transpose() * A * B for B, A in zip(changes, at_zero.H, strict=True))
        start = State(at_zero.C, H, tuple(B.transpose() * b for B, b in zip(changes, at_zero.h, strict=True)))
        two, (parts, shares) = two_columns(data), divided(data, start)
        setting = Setting(
            data=data,
            REML=REML,
            start=start,
            parts=parts,
            shares=shares,
            middle=(fmpq(2), fmpq(0), fmpq(1)) if two else (fmpq(1),) * len(widths),
            free=tuple(range(len(data.gammas))),
            region=fmpq(draw(st.integers(1, 8)), 32),
            level=arb(0),
            rho=arb(rho(data)),
        )
    return setting, Dense(chosen, rows, [np.array(B, dtype=float) for B in units])


@st.composite
def cells(draw: st.DrawFn, two: bool, d: int) -> Cell:
    """A bounded cell, down to a point."""
    box = []
    for k in range(d):
        low = fmpq(draw(st.integers(-8, 7)), 8) if two and k == 2 else fmpq(draw(st.integers(0, 24)), 8)
        room = 1 - low if two and k == 2 else fmpq(3)
        box.append((low, low + room * fmpq(draw(st.integers(0, 8)), 8)))
    return draw(st.integers(0, int(two))), tuple(box)


def gamma_at(two: bool, chart: int, x: np.ndarray) -> np.ndarray:
    """The gammas of a point on a chart, by the definition."""
    if not two:
        return x
    w = np.array([1, x[2]] if chart == 0 else [x[2], 1])
    G = x[0] * np.eye(2) + x[1] * np.outer(w, w)
    return G[[0, 1, 1], [0, 0, 1]]


def sampled(cell: Cell, seed: int, beyond: bool = False) -> Iterator[np.ndarray]:
    """Points of a cell, corners among them; or of all that is above its floor."""
    random = np.random.default_rng(seed)
    low, high = (np.array([float(interval[side]) for interval in cell[1]]) for side in (0, 1))
    for _ in range(8):
        share = random.choice([random.uniform(size=len(low)), random.integers(0, 2, len(low))])
        x = low + share * (high - low)
        x[:2] += beyond * random.choice([0, 1, 10], 2)[: len(x)]
        yield x


# ---- the bounds ----


@given(designs(), st.data(), st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_no_point_of_a_cell_is_below_its_bounds(design: tuple[Setting, Dense], data: st.DataObject, seed: int) -> None:
    setting, dense = design
    two = two_columns(setting.data)
    cell = data.draw(cells(two, len(setting.middle)))
    for floor in (False, True):
        closed = face(two, cell) if floor else cell
        with ctx.workprec(BITS):
            try:
                bounds = list(excesses(setting, middle(two, closed), vertices(two, closed), floor))
            except Refused:
                continue
        bound = min(float(excess.mid()) for excess in bounds)
        for x in sampled(cell, seed, beyond=floor):
            assert dense.criterion(gamma_at(two, cell[0], x), setting.REML) >= bound - DENSE


@given(designs(), st.data())
@settings(max_examples=100, deadline=None)
def test_where_a_cell_is_a_point_the_bound_is_the_criterion(design: tuple[Setting, Dense], data: st.DataObject) -> None:
    setting, dense = design
    two = two_columns(setting.data)
    chart, box = data.draw(cells(two, len(setting.middle)))
    at = middle(two, (chart, box))
    with ctx.workprec(BITS):
        (excess,) = excesses(setting, at, [at], floor=False)
    expected = dense.criterion(np.array([float(g) for g in at]), setting.REML)
    assert float(excess.mid()) == pytest.approx(expected, abs=DENSE)
    assert excess.rad() < 1e-20


@given(designs(), st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_the_quadratic_bound_holds_about_any_middle(design: tuple[Setting, Dense], seed: int) -> None:
    """(2 - 2k) (f(G) - f(m) - df(m)[G - m]) is not below the form, whether f is least at m or not."""
    setting, dense = design
    two, random = two_columns(setting.data), np.random.default_rng(seed)
    k, m = float(setting.k), [float(g) for g in setting.middle]
    with ctx.workprec(BITS):
        state = step(setting.data, setting.start, list(map(arb, setting.middle)))
        slope = np.array([float(f.mid()) for f in derivatives(setting.data, state, setting.REML)[0]])
        form = np.array(
            [[float(x.mid()) for x in row] for row in quadratic(setting, list(map(arb, setting.middle))).tolist()]
        )
    for _ in range(8):
        if two:
            S = random.normal(size=(2, 2))
            S = (S + S.T) / np.linalg.norm(S + S.T, 2) * random.choice([k, k * random.uniform()])
            root = np.sqrt(np.diag([m[0], m[2]]))
            away = (root @ S @ root)[[0, 1, 1], [0, 0, 1]]
        else:
            away = k * random.uniform(-1, 1, len(m))
        grown = dense.criterion(m + away, setting.REML) - dense.criterion(np.array(m), setting.REML)
        assert (2 - 2 * k) * (grown - slope @ away) >= away @ form @ away - DENSE


@given(designs())
@settings(max_examples=60, deadline=None)
def test_rho_is_the_residual_sum_of_squares(design: tuple[Setting, Dense]) -> None:
    setting, dense = design
    columns = [dense.X, *(np.where(row[:, None], Z, 0) for Z, same in dense.blocks for row in np.unique(same, axis=0))]
    XZ = np.column_stack(columns)
    left = dense.y - XZ @ np.linalg.lstsq(XZ, dense.y)[0]
    assert float(setting.rho.mid()) == pytest.approx(left @ left, abs=DENSE)


@given(st.floats(0.01, 0.6), st.floats(-1, 1), st.floats(0, 1), st.floats(-1, 1))
def test_the_elementary_inequalities_of_the_quadratic_bound(k: float, at: float, share: float, where: float) -> None:
    """In the notation of verify/bounds.py, to rounding: x and a within k, and b between a^2 and k^2."""
    x, a = where * k, at * k
    b = a * a + share * (k * k - a * a)
    assert np.log1p(x) >= x - x * x / (2 - 2 * k) - 1e-15
    assert 1 / (1 + x) >= 1 - x + x * x / (1 + k) - 1e-15
    z = b / (1 + k) - a
    assert z >= -k - 1e-15
    assert z * z <= (1 + k) * a * a + k * b / (1 + k) + 1e-15
    assert np.log1p(z) >= -a + (b * (2 - 3 * k) / (1 + k) - (1 + k) * a * a) / (2 - 2 * k) - 1e-15


def about_two_columns() -> Setting:
    """Sleepstudy, in the units of the data, about a middle of (2, 0, 1)."""
    data = read(SLEEPSTUDY, "decimal", text_of("sleepstudy.csv"))
    at_zero = origin(data)
    m = (fmpq(2), fmpq(0), fmpq(1))
    return Setting(data, True, at_zero, *divided(data, at_zero), m, (0, 1, 2), fmpq(1, 4), arb(0), arb(1))


def test_a_negative_definite_V_of_positive_determinant_is_seen() -> None:
    with ctx.workprec(BITS), pytest.raises(Refused, match="not positive definite"):
        log_det(about_two_columns(), (fmpq(-9), fmpq(0), fmpq(-9)))


def test_within_is_loewners_order() -> None:
    setting = about_two_columns()
    inside = [(fmpq(5, 2), fmpq(0), fmpq(5, 4)), (fmpq(2), fmpq(1, 3), fmpq(1))]
    outside = [(fmpq(5, 2), fmpq(1, 100), fmpq(5, 4)), (fmpq(2), fmpq(2, 5), fmpq(1)), (fmpq(2), fmpq(0), fmpq(1, 2))]
    assert all(within(setting, gamma, fmpq(1, 4)) for gamma in inside)
    assert not any(within(setting, gamma, fmpq(1, 4)) for gamma in outside)


# ---- the cells ----


@given(st.booleans(), st.data(), st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_a_cell_is_in_the_hull_of_its_vertices(two: bool, data: st.DataObject, seed: int) -> None:
    cell = data.draw(cells(two, 3))
    corners = np.array([[float(g) for g in v] for v in vertices(two, cell)])
    for x in sampled(cell, seed):
        target = np.append(gamma_at(two, cell[0], x), 1)
        _, misfit = nnls(np.column_stack([corners, np.ones(len(corners))]).T, target)
        assert misfit < DENSE


@given(st.lists(st.floats(-3, 3), min_size=4, max_size=4), st.booleans())
def test_the_charts_cover_the_cone(entries: list[float], singular: bool) -> None:
    F = np.array(entries).reshape(2, 2)
    G = np.outer(F[0], F[0]) if singular else F @ F.T
    (l, k), vectors = np.linalg.eigh(G)
    w = vectors[:, 1] / vectors[np.argmax(np.abs(vectors[:, 1])), 1]
    chart = int(np.argmax(np.abs(w)))
    x = np.array([l, (k - l) / (w @ w), w[1 - chart]])
    assert x.min() >= -1 - DENSE and x[0] >= -DENSE and x[1] >= 0 and abs(x[2]) <= 1
    np.testing.assert_allclose(gamma_at(True, chart, x), G[[0, 1, 1], [0, 0, 1]], atol=DENSE)


@given(st.booleans(), st.data())
@settings(max_examples=50, deadline=None)
def test_halves_meet_and_leave_nothing_out(two: bool, data: st.DataObject) -> None:
    cell = data.draw(cells(two, 3))
    k = data.draw(st.integers(0, 2))
    (_, below), (_, above) = halves(cell, k)
    assert (below[k][0], above[k][1], below[k][1]) == (cell[1][k][0], cell[1][k][1], above[k][0])
    assert pressed(cell, [k])[1][k] == (cell[1][k][0],) * 2
    _, ((_, first), *_) = halves((0, ((fmpq(0), None),)), 0)[0]
    assert first == 1
