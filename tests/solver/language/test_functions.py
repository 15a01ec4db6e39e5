"""The table of functions: what each entry computes, and that one entry is all that a new function takes."""

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bounds import EPS

from relmer.solver import language
from relmer.solver.errors import ModelError
from relmer.solver.language.contrasts import NAMED
from relmer.solver.language.convert import unchanged
from relmer.solver.language.evaluate import evaluate
from relmer.solver.language.factors import Factor
from relmer.solver.language.formula import canonical, parse
from relmer.solver.language.frame import model_frame
from relmer.solver.language.functions import FUNCTIONS, of_column, of_numbers
from relmer.solver.language.recode import factor
from relmer.solver.language.signatures import Function, Result
from relmer.solver.language.syntax import Call, Name, deparse, parse_expression

DATA = pd.DataFrame(
    {
        "y": [1.0, 2.0, 4.0],
        "x": [0.3, 2.0, 7.5],
        "z": [-1.0, 0.0, 5.0],
        "f": pd.Categorical(["b", "a", "b"], categories=["c", "b", "a"]),
    }
)
# R 4.2.2: sprintf("%.17g", ...) for x <- c(0.3, 2, 7.5). IEEE 754 leaves no choice in these,
CORRECTLY_ROUNDED = {
    "sqrt(x)": [0.54772255750516607, 1.4142135623730951, 2.7386127875258306],
    "abs(-x)": [0.3, 2, 7.5],
    "I(x)": [0.3, 2, 7.5],
    "(x)": [0.3, 2, 7.5],
    "x + 1": [1.3, 3, 8.5],
    "x - 1": [-0.69999999999999996, 1, 6.5],
    "x * 3": [0.89999999999999991, 6, 22.5],
    "x/3": [0.099999999999999992, 0.66666666666666663, 2.5],
    "x^2": [0.089999999999999997, 4, 56.25],
    "+x": [0.3, 2, 7.5],
    "-x": [-0.3, -2, -7.5],
}
# and in these the last bit is the library's, or that of a mean.
ROUNDED = {
    "log(x)": [-1.2039728043259361, 0.69314718055994529, 2.0149030205422647],
    "exp(x)": [1.3498588075760032, 7.3890560989306504, 1808.0424144560632],
    "log2(x)": [-1.7369655941662063, 1, 2.9068905956085187],
    "log10(x)": [-0.52287874528033762, 0.3010299956639812, 0.87506126339170009],
    "log1p(x)": [0.26236426446749106, 1.0986122886681096, 2.1400661634962708],
    "x^0.5": [0.54772255750516607, 1.4142135623730951, 2.7386127875258306],
    "scale(x)": [-0.78828999358586616, -0.33657325568834734, 1.1248632492742134],
}
# R 4.2.2: levels(...) and as.integer(...) - 1 for f <- factor(c("b", "a", "b"), levels = c("c", "b", "a")).
FACTORS = {
    "factor(f)": (("b", "a"), [0, 1, 0]),
    "as.factor(f)": (("c", "b", "a"), [1, 2, 1]),
    "factor(x)": (("0.3", "2", "7.5"), [0, 1, 2]),
    "as.factor(x)": (("0.3", "2", "7.5"), [0, 1, 2]),
}


def value(text: str) -> object:
    column, missing = evaluate(parse_expression(text), DATA)
    assert missing is None
    return column


@pytest.mark.parametrize(("text", "expected"), CORRECTLY_ROUNDED.items())
def test_numbers_as_r(text: str, expected: list[float]) -> None:
    np.testing.assert_array_equal(value(text), expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "expected"), ROUNDED.items())
def test_numbers_as_r_but_for_the_last_bits(text: str, expected: list[float]) -> None:
    # Two libraries, each within a unit in the last place; the mean, the quotient and the root of scale: a unit each.
    np.testing.assert_allclose(value(text), expected, rtol=4 * EPS, atol=0)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "expected"), FACTORS.items())
def test_factors_as_r(text: str, expected: tuple[tuple[str, ...], list[int]]) -> None:
    found = value(text)
    assert isinstance(found, Factor)
    assert (found.levels, found.codes.tolist()) == expected


def test_what_gives_back_its_argument_does_so_with_a_factor() -> None:
    found = value("I((f))")
    assert isinstance(found, Factor)
    assert (found.levels, found.codes.tolist()) == (("c", "b", "a"), [1, 2, 1])


def test_no_other_file_of_the_language_knows_a_function_by_its_name() -> None:
    paths = [path for path in Path(language.__file__).parent.glob("*.py") if path.name != "functions.py"]
    assert len(paths) > 5
    for path in paths:
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        # Contrasts have their names where they are defined.
        known = FUNCTIONS.keys() - NAMED.keys() if path.name == "contrasts.py" else FUNCTIONS.keys()
        assert {node.value for node in nodes if isinstance(node, ast.Constant)}.isdisjoint(known), path


ADDED = [
    of_numbers("logit", np.sign),
    of_numbers("both", np.minimum, 2),
    of_column("trimmed", factor, Result.FACTOR),
    of_column("identity", unchanged, Result.ARGUMENT),
]


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The table with four more records, and nothing else changed."""
    for function in ADDED:
        monkeypatch.setitem(FUNCTIONS, function.name, function)
    yield
    parse.cache_clear()


@pytest.mark.parametrize("function", ADDED, ids=lambda function: function.name)
def test_what_is_added_is_not_there_before(function: Function) -> None:
    with pytest.raises(ModelError, match=f"function '{function.name}' is not supported"):
        parse(f"y ~ {function.name}(x)")


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("logit( x+1 )", "logit(x + 1)"),
        ("both(x,2*`my z`)", "both(x, 2 * `my z`)"),
        ("both(-x,both((x),1))", "both(-x, both((x), 1))"),
        ("trimmed(f)", "trimmed(f)"),
        ("identity(x/2)", "identity(x/2)"),
    ],
)
def test_an_added_function_is_read_and_spelled(written: str, spelled: str) -> None:
    formula = parse(f"y ~ {written}")
    assert formula.fixed.labels == (spelled,)
    assert canonical(formula) == f"y ~ {spelled}"
    assert parse_expression(deparse(formula.right, exact=True)) == formula.right


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("logit(z)", [-1, 0, 1]),
        ("logit(z) * 2 + x", [-1.7, 2, 9.5]),
        ("both(x, z + 1)", [0, 1, 6]),
        ("both(x, both(3, 1 + x))", [0.3, 2, 3]),
        ("identity(x)", [0.3, 2, 7.5]),
        ("identity(x) * 2", [0.6, 4, 15]),
    ],
)
def test_an_added_function_computes(text: str, expected: list[float]) -> None:
    np.testing.assert_array_equal(value(text), expected)  # type: ignore[arg-type]


@pytest.mark.usefixtures("added")
def test_an_added_function_of_numbers_misses_what_any_argument_misses() -> None:
    data = DATA.assign(z=[-1.0, None, 5.0])
    frame = model_frame(parse("y ~ both(x, z)"), data)
    assert frame.rows.tolist() == [0, 2]
    assert frame.columns["both(x, z)"].tolist() == [-1, 5]  # type: ignore[union-attr]


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize("text", ["trimmed(f)", "identity(trimmed(f))", "trimmed(identity(f))"])
def test_an_added_factor_is_one(text: str) -> None:
    found = value(text)
    assert isinstance(found, Factor)
    assert (found.levels, found.codes.tolist()) == (("b", "a"), [0, 1, 0])


@pytest.mark.usefixtures("added")
def test_an_added_factor_groups() -> None:
    formula = parse("y ~ 1 + (1 | trimmed(f)) + (1 | trimmed(f):x)")
    assert [bar.label for bar in formula.bars] == ["trimmed(f)", "trimmed(f):x"]
    assert formula.bars[0].group == Call("trimmed", (Name("f"),))
    assert set(model_frame(formula, DATA).columns) == {"trimmed(f)", "x"}


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("logit()", r"logit\(\) takes one argument: 'y ~ logit\(' <here> '\)'"),
        ("logit(x, z)", r"logit\(\) takes one argument: 'y ~ logit\(x, ' <here> 'z\)'"),
        ("both(x)", r"both\(\) takes 2 arguments: 'y ~ both\(x' <here> '\)'"),
        ("both(x, z, 1)", r"both\(\) takes 2 arguments: 'y ~ both\(x, z, ' <here> '1\)'"),
        ("both(x z)", "',' was expected"),
        ("both(x, z", r"'\)' was expected"),
        ("both(x, " * 200, "150 deep"),
        ("logit(x:z)", "':' in 'x:z' is not arithmetic"),
        ("both(x, f:z)", "':' in 'f:z' is not arithmetic"),
        ("both(1, 2)", r"'both\(1, 2\)' uses no column"),
        ("exp2(x)", "known functions: log, exp"),
        ("1 + (1 | logit(x))", r"'logit\(x\)' is no grouping factor"),
        ("1 + (1 | identity(f))", r"'identity\(f\)' is no grouping factor"),
        ("1 + (1 | trimmed(x:z))", "':' in 'x:z' is not arithmetic"),
        ("logit(f)", "'f' is a factor"),
        ("both(x, identity(f))", "'f' is a factor"),
        ("x * I(2 * trimmed(x))", r"'trimmed\(x\)' is a factor"),
    ],
)
def test_an_added_function_is_refused_where_it_has_no_meaning(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        model_frame(parse(f"y ~ {text}"), DATA)


def test_a_column_called_pi_is_not_read_as_the_constant() -> None:
    """R takes the column; here it is refused, for a formula's `pi` is the constant."""
    data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "pi": [1.0, 2.0, 3.0, 5.0], "g": list("aabb")})
    for text in ("y ~ I(y * pi) + (1 | g)", "y ~ 1 + (I(y * pi) | g)", "log(y + pi) ~ 1 + (1 | g)"):
        with pytest.raises(ModelError, match="a column 'pi'"):
            model_frame(parse(text), data)
    with pytest.raises(ModelError, match="'pi'"):
        parse("y ~ pi + (1 | g)")
    model_frame(parse("y ~ 1 + (1 | g)"), data)
