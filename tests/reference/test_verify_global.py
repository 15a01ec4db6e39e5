"""Global proofs: the bounds against dense matrices at sampled points, whole proofs, and trees that must be refused."""

import copy
import gzip
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from relmer.reference.certify import branch
from relmer.reference.certify.models import CERTIFIED, csv_text
from relmer.reference.verify import Refused, State, derivatives, origin, prove, read, step
from relmer.reference.verify.bounds import Setting, divided, excesses, log_det, quadratic, rho, two_columns, within
from relmer.reference.verify.trees import (
    BITS,
    Cell,
    change,
    face,
    halves,
    head_of,
    middle,
    pressed,
    prove_tree,
    roots,
    vertices,
)

# A dense V of order n <= 14 has here a condition below 1e5 (x below 20, B^2 below 9, squares of columns below 300): n
# eps 1e5 is below 1e-9, relative to log|V| and N log r^2, of which neither is above a few tens.
DENSE = 1e-8
ONE, X = ["(Intercept)"], ["x", "x"]


def term(group: str, *columns: list[str]) -> dict[str, Any]:
    return {"name": group, "group": [group], "columns": list(columns)}


MODELS = [
    {"response": "y", "fixed": [ONE], "random": [term("g", ONE)]},
    {"response": "y", "fixed": [ONE, X], "random": [term("g", ONE), term("h", ONE)]},
    {"response": "y", "fixed": [ONE], "random": [term("g", ONE), term("h", X), term("k", ONE)]},
    {"response": "y", "fixed": [ONE, X], "random": [term("g", ONE, X)]},
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
    model, REML = draw(st.sampled_from(MODELS)), draw(st.booleans())
    n = draw(st.integers(8, 14))
    codes = st.integers(0, 3)
    rows = [
        {"y": draw(st.integers(-9, 9)), "x": draw(st.integers(-3, 4)), "g": draw(codes), "h": draw(codes)}
        | {"k": draw(codes)}
        for _ in range(n)
    ]
    text = "y,x,g,h,k\n" + "".join(",".join(str(row[name]) for name in "yxghk") + "\n" for row in rows)
    try:
        data = read(model | {"scores": {}}, "decimal", text)
    except Refused:
        assume(False)
    assume(rho(data) > 0)
    quarters = st.integers(1, 6).map(lambda k: fmpq(k, 4))
    widths = [len(part["columns"]) for part in model["random"]]
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
    return setting, Dense(model, rows, [np.array(B, dtype=float) for B in units])


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


def test_a_negative_definite_V_of_positive_determinant_is_seen() -> None:
    certificate, text = stored("sleepstudy-slopes.reml")
    data = read(certificate["model"], "decimal", text)
    with ctx.workprec(BITS):
        at_zero = origin(data)
        m = (fmpq(2), fmpq(0), fmpq(1))
        setting = Setting(data, True, at_zero, *divided(data, at_zero), m, (0, 1, 2), fmpq(1, 4), arb(0), arb(1))
        with pytest.raises(Refused, match="not positive definite"):
            log_det(setting, (fmpq(-9), fmpq(0), fmpq(-9)))


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


# ---- whole proofs ----


@cache
def stored(name: str) -> tuple[dict[str, Any], str]:
    """A certificate, and the CSV."""
    certificate = json.loads((CERTIFIED / f"{name}.json").read_text(encoding="utf-8"))
    return certificate, csv_text(certificate["data"]["name"])[1]


@cache
def tree_of(name: str) -> str:
    return branch.search(*stored(name))[0]


@pytest.mark.parametrize(
    "name",
    ["dyestuff.reml", "dyestuff2.reml", "dyestuff2.ml", "penicillin.ml", "two-optima.reml", "sleepstudy-three.ml"],
)
def test_the_minimum_is_proved_to_be_the_lowest(name: str) -> None:
    certificate, text = stored(name)
    for reading in certificate["readings"]:
        nodes = tree_of(name).partition("\n")[2]
        assert prove_tree(certificate, reading, text, tree_of(name)) == sum(map(nodes.count, "tfq")) >= 3


def test_a_stored_tree_of_two_columns_is_proved() -> None:
    certificate, text = stored("sleepstudy-three.reml")
    claim = certificate["readings"]["decimal"]["tree"]
    tree = gzip.decompress((CERTIFIED / claim["file"]).read_bytes()).decode()
    assert prove_tree(certificate, "decimal", text, tree) == claim["boxes"]


def test_a_variance_of_zero_is_pressed_flat() -> None:
    assert "x" in tree_of("dyestuff2.reml").partition("\n")[2]


def with_head(**changes: Any) -> Callable[[str], str]:
    def change(tree: str) -> str:
        head, _, nodes = tree.partition("\n")
        return json.dumps(json.loads(head) | changes) + "\n" + nodes

    return change


def first(old: str, new: str) -> Callable[[str], str]:
    def change(tree: str) -> str:
        head, _, nodes = tree.partition("\n")
        assert old in nodes
        return head + "\n" + nodes.replace(old, new, 1)

    return change


TAMPERED = {
    "a bound in the place of the region": (lambda t: t.replace("q", "t"), "the bound less the criterion is -"),
    "the region in the place of a bound": (first("t", "q"), "the cell is not in the region"),
    "an endless cell closed by tangents": (first("f", "t"), "the cell has no end"),
    "a wide cell pressed flat": (first("t", "x"), "too wide to be pressed flat"),
    "a cell pressed flat where f does not rise": (first("tq", "xq"), "the criterion is not proved to rise"),
    "an endless cell pressed flat": (first("f", "x"), "the cell has no end"),
    "a leaf in the place of the root": (lambda t: t.partition("\n")[0] + "\nf\n", "the bound less the criterion is -"),
    "a subtree cut off": (lambda t: t.rstrip()[:-9], "cells open"),
    "no nodes": (lambda t: t.partition("\n")[0], "1 cells open"),
    "a leaf too many": (lambda t: t.rstrip() + "t", "goes on after its last leaf"),
    "no such node": (first("t", "u"), "there is no such node"),
    "no such coordinate": (first("t", "2"), "there is no such node"),
    "a lower criterion": (with_head(criterion="246.9"), "is below that of the optimum"),
    "a higher criterion": (with_head(criterion="260"), "the bound less the criterion is -"),
    "a region too wide": (with_head(region="0.9"), "the quadratic bound is not proved"),
    "no region": (with_head(region="0"), "not proved to be in the middle"),
    "a region that is none": (with_head(region="-1"), "not proved to be in the middle"),
    "another middle": (with_head(units=[[["3"]], [["1"]]]), "not proved to be in the middle"),
    "singular units": (with_head(units=[[["0"]], [["1"]]]), "the units of the tree are singular"),
    "units of another model": (with_head(units=[[["1"]]]), "the units of the tree do not fit"),
    "not a number": (with_head(criterion="nan"), "is not a number"),
    "a type": (with_head(region=1), "tree.region is missing or of the wrong type"),
    "another schema": (with_head(schema="relmer-tree/0"), "the schema of the tree"),
    "another certificate": (with_head(certificate="pastes.ml"), "the tree is of another certificate"),
    "another criterion": (with_head(REML=False), "the tree is of another certificate"),
    "another reading": (with_head(readings=["double"]), "does not claim the decimal reading"),
    "not JSON": (lambda t: "{" + t, "the head of the tree is not JSON"),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_tampered_tree_is_refused_with_the_reason(how: str) -> None:
    change, reason = TAMPERED[how]
    certificate, text = stored("pastes.reml")
    tampered = change(tree_of("pastes.reml"))
    assert tampered != tree_of("pastes.reml")
    with pytest.raises(Refused, match=reason):
        prove_tree(certificate, "decimal", text, tampered)


def moved(certificate: dict[str, Any], text: str, start: str) -> dict[str, Any]:
    """The certificate of another stationary point: Newton's method in the one entry of R."""
    other = copy.deepcopy(certificate)
    for reading in other["readings"]:
        claim = other["readings"][reading]
        data = read(other["model"], reading, text)
        with ctx.workprec(400):
            R = arb(start)
            for _ in range(12):
                gradient, hessian = derivatives(data, step(data, origin(data), [R * R]), other["REML"])
                slope, bend = gradient[0] * 2 * R, hessian[0][0] * 4 * R * R + 2 * gradient[0]
                R = (R - slope / bend).mid()
            claim["centre"][0]["R"] = [[R.str(80, radius=False)]]
        claim |= {"unique": "1e-20", "curvature": "1e-3"}
    return other


def test_a_minimum_that_is_not_the_lowest_is_refused() -> None:
    """The model has two strict minima of the REML criterion, near 0.0062 and 10.46; the second is the lower one."""
    certificate, text = stored("two-optima.reml")
    worse = moved(certificate, text, "0.0789")
    proof = prove(worse, "decimal", text)
    assert float(proof.values["G[g, x]"].mid()) == pytest.approx(0.00622, rel=1e-2)
    R = float(worse["readings"]["decimal"]["centre"][0]["R"][0][0])
    criterion = branch.above(float(proof.values["criterion"].upper()))
    aimed = with_head(units=[[[f"{R:.9g}"]]], criterion=criterion, region="0.001")(tree_of("two-optima.reml"))
    with pytest.raises(Refused, match="node"):
        prove_tree(worse, "decimal", text, aimed)


def test_the_search_gives_up_on_a_minimum_that_is_not_the_lowest(monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, text = stored("two-optima.reml")
    monkeypatch.setattr(branch, "MOST_NODES", 500)
    with pytest.raises(ValueError, match="more than 500 nodes"):
        branch.search(moved(certificate, text, "0.0789"), text)


def test_models_with_more_parameters_are_refused() -> None:
    certificate, text = stored("machines-by-machine.reml")
    with pytest.raises(ValueError, match="at most three terms of one column, or for one of two"):
        branch.search(certificate, text)


def test_a_tree_of_another_certificate_is_refused() -> None:
    certificate, text = stored("dyestuff.ml")
    with pytest.raises(Refused, match="of another certificate"):
        prove_tree(certificate, "decimal", text, tree_of("dyestuff.reml"))
    assert head_of(tree_of("dyestuff.reml"))["certificate"] == "dyestuff.reml"


def test_roots_are_the_whole_cone() -> None:
    """A tree has no root box that could be too small: it starts from all of the cone."""
    slopes, text = stored("sleepstudy-slopes.reml")
    data = read(slopes["model"], "decimal", text)
    ray, circle = (fmpq(0), None), (fmpq(-1), fmpq(1))
    assert roots(data) == [(0, (ray, ray, circle)), (1, (ray, ray, circle))]


def test_within_is_loewners_order() -> None:
    certificate, text = stored("sleepstudy-slopes.reml")
    data = read(certificate["model"], "decimal", text)
    at_zero = origin(data)
    m = (fmpq(2), fmpq(0), fmpq(1))
    setting = Setting(data, True, at_zero, *divided(data, at_zero), m, (0, 1, 2), fmpq(1, 4), arb(0), arb(1))
    inside = [(fmpq(5, 2), fmpq(0), fmpq(5, 4)), (fmpq(2), fmpq(1, 3), fmpq(1))]
    outside = [(fmpq(5, 2), fmpq(1, 100), fmpq(5, 4)), (fmpq(2), fmpq(2, 5), fmpq(1)), (fmpq(2), fmpq(0), fmpq(1, 2))]
    assert all(within(setting, gamma, fmpq(1, 4)) for gamma in inside)
    assert not any(within(setting, gamma, fmpq(1, 4)) for gamma in outside)
