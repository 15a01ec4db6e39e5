"""Large models, taken apart level by level: the same criterion as without, and the same refusals."""

import io
import math

import numpy as np
import pandas as pd
import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.reference.ondemand.refine import claimed
from relmer.reference.verify import near, prove_of, tabulate
from relmer.reference.verify.blocks import blocks, largest_set
from relmer.reference.verify.data import Refused, Table, cross_products
from relmer.reference.verify.expressions import evaluate_tree
from relmer.solver import lmer
from relmer.solver.model import factors

INTERCEPT, SLOPE = ["(Intercept)"], ["x", "x"]
STRUCTURES = {
    "one factor": [("a", ["a"], [INTERCEPT, SLOPE])],
    "uncorrelated": [("a", ["a"], [INTERCEPT]), ("a.1", ["a"], [SLOPE])],
    "nested": [("b:a", ["b", "a"], [INTERCEPT]), ("a", ["a"], [INTERCEPT, SLOPE])],
    "crossed": [("a", ["a"], [INTERCEPT, SLOPE]), ("c", ["c"], [INTERCEPT])],
    "three": [("b:a", ["b", "a"], [INTERCEPT]), ("a", ["a"], [SLOPE]), ("c", ["c"], [INTERCEPT, SLOPE])],
}


def model_of(structure: str) -> dict[str, object]:
    random = [{"name": name, "group": group, "columns": columns} for name, group, columns in STRUCTURES[structure]]
    return {"response": "y", "fixed": [INTERCEPT, SLOPE], "random": random}


def text_of(seed: int, rows: int, levels: tuple[int, int, int] = (4, 3, 3)) -> str:
    """A data set with three factors, of which b is within a."""
    random = np.random.default_rng(seed)
    a, b, c = (random.integers(0, size, rows) for size in levels)
    x = np.round(random.normal(3, 2, rows), 2)
    effects = random.normal(size=levels[0])[a] + random.normal(size=levels[0])[a] * x
    y = np.round(x + effects + random.normal(size=levels[2])[c] + random.normal(size=rows), 3)
    out = io.StringIO("y,x,a,b,c\n")
    out.seek(0, io.SEEK_END)
    out.writelines(f"{y[i]},{x[i]},a{a[i]},b{b[i]},c{c[i]}\n" for i in range(rows))
    return out.getvalue()


def covariances(table: Table, seed: int) -> list[arb]:
    """Entries of random positive semi-definite matrices, some of them singular, as gamma."""
    random, widths = np.random.default_rng(seed), [len(columns) for _, columns in table.terms]
    factors = [random.normal(size=(c, c)) * random.integers(0, 2, c) for c in widths]
    G = [T @ T.T for T in factors]
    return [arb(float(G[t][a, b])) for t, a, b in table.gammas]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(STRUCTURES)), st.booleans(), st.integers(0, 10**6))
def test_the_criterion_is_that_of_all_effects_at_once(structure: str, REML: bool, seed: int) -> None:
    """Both enclose the truth: at any covariances every value and derivative of the one overlaps that of the other."""
    table = tabulate(model_of(structure), "double", text_of(seed, 40))
    with ctx.workprec(256):
        G = covariances(table, seed)
        whole, apart = cross_products(table), blocks(table)
        (first, second), values = near(whole, REML, G)(G, True)
        (own_first, own_second), own_values = near(apart, REML, G)(G, True)
        assert values.keys() == own_values.keys()
        slopes = [*zip(first, own_first, strict=True)]
        bends = [pair for rows in zip(second, own_second, strict=True) for pair in zip(*rows, strict=True)]
        for pairs in (slopes, bends, *([(values[key], own_values[key])] for key in values)):
            assert all(one.overlaps(other) for one, other in pairs)
            # 256 bits are 77 digits; 40 rows and a few products take a dozen. An entry of the gradient or the Hessian
            # is what cancels of sums as large as its largest.
            largest = max(abs(float(other.mid())) for _, other in pairs)
            assert all(float(other.rad()) <= 1e-60 * (1 + largest) for _, other in pairs)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_derivatives_are_differences_of_the_values(structure: str) -> None:
    """Central differences at 600 bits: the step's square, 1e-60, times third derivatives is what they are off by."""
    table = tabulate(model_of(structure), "double", text_of(3, 60))
    with ctx.workprec(600):
        step = arb("1e-30")
        data, G = blocks(table), [arb(2) if a == b else arb("0.3") for _, a, b in table.gammas]
        (first, second), _ = near(data, True, G)(G, False)
        for k in range(len(G)):
            up, down = ([g + sign * step * (i == k) for i, g in enumerate(G)] for sign in (1, -1))
            (f_up, _), high = near(data, True, up)(up, True)
            (f_down, _), low = near(data, True, down)(down, True)
            assert abs((high["criterion"] - low["criterion"]) / (2 * step) - first[k]) < arb("1e-45")
            for l in range(len(G)):
                assert abs((f_up[l] - f_down[l]) / (2 * step) - second[k][l]) < arb("1e-45")


def test_the_largest_set_is_what_rows_link() -> None:
    assert largest_set(tabulate(model_of("one factor"), "double", text_of(1, 40))) == 2
    assert largest_set(tabulate(model_of("crossed"), "double", text_of(1, 40))) == 4 * 2 + 3


def test_what_is_claimed_is_refused_where_it_is_wrong() -> None:
    """Of the kernel's own claims of a large model none is believed: a centre that is off, a curvature, a dual."""
    text = text_of(8, 400, (9, 3, 5))
    table = tabulate(model_of("crossed"), "double", text)
    fit = lmer("y ~ x + (x | a) + (1 | c)", pd.read_csv(io.StringIO(text)))
    T = factors(fit.design.terms, fit.optimum.theta)
    with ctx.workprec(320):
        data = blocks(table)
        claim = claimed(data, True, T, [2, 1], 256)
    good = {"REML": True, "model": model_of("crossed"), "readings": {"double": {**claim, "unique": "1e-12"}}}
    assert prove_of(data, good, "double").level == "local-proved"
    first, second = claim["centre"]
    off = {**first, "R": [[str(float(first["R"][0][0]) + 1e-3), "0"], first["R"][1]]}
    for wrong, why in [
        ({"centre": [off, second]}, "Krawczyk"),
        ({"curvature": "1e9"}, "curvature"),
        ({"unique": "1e3"}, "unique"),
        ({"duals": ["1", None]}, "dual"),
    ]:
        broken = {**good, "readings": {"double": {**good["readings"]["double"], **wrong}}}
        with pytest.raises(Refused, match=why):
            prove_of(data, broken, "double")


def test_functions_are_those_of_python() -> None:
    """Every function of a column against Python's own, to the rounding of doubles: 4 units of 2^-52."""
    x = [0.3, 0.9, 0.5]
    own = {"log2": math.log2, "log10": math.log10, "log1p": math.log1p, "expm1": math.expm1, "abs": abs}
    own |= {name: getattr(math, name) for name in ("log", "exp", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")}
    own |= {name: getattr(math, name) for name in ("asin", "acos", "atan")}
    with ctx.workprec(100):
        for name, function in own.items():
            found = evaluate_tree([name, ["column", "x"]], lambda _: [arb(v) for v in x], 3, "double")
            assert [float(value) for value in found] == pytest.approx([function(v) for v in x], rel=1e-15)


@pytest.mark.parametrize("tree", [["eval", ["column", "x"]], [], "x", [1]])
def test_what_is_no_expression_is_refused(tree: object) -> None:
    with pytest.raises(Refused):
        evaluate_tree(tree, lambda _: [arb(1)], 1, "decimal")


@pytest.mark.parametrize(
    "tree",
    [["log", ["column", "x"]], ["/", ["number", "1"], ["column", "x"]], ["^", ["column", "x"], ["number", "-2"]]],
)
def test_what_has_no_value_in_a_row_that_takes_part_is_refused(tree: object) -> None:
    """Row 2 has x = 0, where 1/x and log x are none: left out by name, the others are read."""
    lines = ["y,x,a", "1,2,g", "2,0,g", "3,1,h", "5,4,h", "4,3,g"]
    fixed, random = [INTERCEPT, ["f", "f"]], [{"name": "a", "group": ["a"], "columns": [INTERCEPT]}]
    model = {"response": "y", "fixed": fixed, "random": random, "expressions": {"f": tree}}
    with pytest.raises(Refused, match="f has no finite value in a row"):
        tabulate(model, "decimal", "\n".join(lines))
    assert len(tabulate(model | {"rows": "1 3-5"}, "decimal", "\n".join(lines)).levels) == 4
