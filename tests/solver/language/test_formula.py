"""The grammar: what is read, how it is spelled again, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relmer.solver.errors import ModelError
from relmer.solver.language.formula import Formula, canonical, parse
from relmer.solver.language.syntax import Call, Name, Node, Number, deparse, parse_expression

# R 4.2.2: deparse(quote(...)), and the outermost operator, as.character(quote(...)[[1]]).
SPELLING = [
    ("a+b*c", "a + b * c", "+"),
    ("a*b/c", "a * b/c", "/"),
    ("a/b:c", "a/b:c", "/"),
    ("a:b %in% c", "a:b %in% c", "%in%"),
    ("a*b%in%c", "a * b %in% c", "*"),
    ("-a:b", "-a:b", ":"),
    ("-a^2", "-a^2", "-"),
    ("2^-a:b", "2^-a:b", ":"),
    ("2^3^4", "2^3^4", "^"),
    ("a-b-c", "a - b - c", "-"),
    ("a|b||c", "a | b || c", "||"),
    ("a+b|c", "a + b | c", "|"),
    ("I((x+1)*-x^-2 %in% b)", "I((x + 1) * -x^-2 %in% b)", "I"),
    ("x*1e5", "x * 1e+05", "*"),
    ("x*100000", "x * 1e+05", "*"),
    ("x/123456", "x/123456", "/"),
    ("x + .5", "x + 0.5", "+"),
    ("log( x+1 )", "log(x + 1)", "log"),
    ("`my x`+`if`", "`my x` + `if`", "+"),
    ("`x.1`:.a", "x.1:.a", ":"),
]

# lme4 1.1-31: sapply(findbars(y ~ ...), deparse1).
BARS = [
    ("(1|g)", ["1 | g"]),
    ("x|g", ["x | g"]),
    ("x + 1|g", ["x + 1 | g"]),
    ("(x||g)", ["1 | g", "0 + x | g"]),
    ("(0+x||g)", ["0 + x | g"]),
    ("(f*x||g)", ["1 | g", "0 + f | g", "0 + x | g", "0 + f:x | g"]),
    ("(x-z||g)", ["1 | g", "0 + x | g"]),
    ("(x||a/b)", ["1 | b:a", "1 | a", "0 + x | b:a", "0 + x | a"]),
    ("1|a/b", ["1 | b:a", "1 | a"]),
    ("(1|a/b/c)", ["1 | c:(b:a)", "1 | b:a", "1 | a"]),
    ("(1|a/b:c)", ["1 | b:c:a", "1 | a"]),
    ("(1|a:(b:c))", ["1 | a:(b:c)"]),
    ("(1|h) + x + (0 + x|g)", ["1 | h", "0 + x | g"]),
]

REFUSED = [
    ("", "a column, a number or '\\(' was expected"),
    ("y", "has no '~'"),
    ("y ~", "character 4"),
    ("~ x", "starts with its response"),
    ("y ~ x ~ z", "more than one '~'"),
    ("1 ~ x", "response '1' is not a column"),
    ("y ~ x; z", "character 6: unexpected ';'"),
    ("y ~ x z", "character 7"),
    ("y ~ (x", "'\\)' was expected"),
    ("y ~ x)", "character 6"),
    ('y ~ system("x")', "'system' is not supported.* known functions: log, exp, sqrt"),
    ('y ~ "x"', "uses no column"),
    ("y ~ x <- z", "unexpected '<-' \\(nothing is assigned"),
    ("y ~ stats::sd(x)", "unexpected '::'"),
    ("y ~ I(x && z)", "unexpected '&&'"),
    ("y ~ I(w = z)", "no argument 'w'"),
    ("y ~ function(x) x", "'function' is not supported"),
    ("y ~ I(x < z < 1)", "cannot be chained"),
    ("y ~ 1.5L * x", "'1.5' is no term"),
    ("y ~ I(x * 1e999)", "too large"),
    ("y ~ system(x)", "'system' is not supported.* known functions: log, exp, sqrt"),
    ("y ~ __import__(x)", "unexpected '_'"),
    ("y ~ eval(x)", "'eval' is not supported"),
    ("y ~ x$a", "unexpected '\\$'"),
    ("y ~ x@a", "unexpected '@'"),
    ("y ~ x[1", "'\\]' was expected"),
    ("y ~ scale(x)[, 1, 2]", "drop = FALSE alone"),
    ("y ~ x.__class__(z)", "'x.__class__' is not supported"),
    ("y ~ loess(x, 2)", "'loess' is not supported"),
    ("y ~ NULL", "uses no column"),
    ("y ~ NA_real_", "reserved"),
    ("y ~ log(x, 2, 3)", r"log\(\) takes x, base"),
    ("y ~ log()", r"log\(\) takes x, base"),
    ("y ~ log(x, bass = 2)", "no argument 'bass'"),
    ("y ~ scale(x, center = 2, center = 3)", "given twice"),
    ("y ~ I(a:b)", "':' in 'a:b' is not arithmetic"),
    ("y ~ 2", "'2' is no term"),
    ("y ~ I(2)", "uses no column"),
    ("y ~ (a + b)^1", "whole number from 2"),
    ("y ~ a^b", "whole number from 2"),
    ("y ~ y + x", "response 'y' is also on the right"),
    ("y ~ 1e999", "too large"),
    ("y ~ `a\nb`", "cannot be printed"),
    ("y ~ x²", "backticks"),
    ("y ~ log((1 | g))", "only be added"),
    ("y ~ (x > 0 | z > 0) * I((1 | g))", "only be added"),
    ("y ~ (1 | g) + x | h", "bars within bars"),
    ("y ~ (0 | g)", "no columns"),
    ("y ~ (1 | a %in% b)", "a test in lme4 up to 1.1-35, and a colon in later ones"),
    ("y ~ (1 | a + 2)", "'2' is no term"),
    ("y ~ (1 | as.numeric(a))", "'as.numeric\\(a\\)' is no grouping factor"),
    ("y ~ (1 | factor(as.numeric(a)))", "the places of their levels"),
    ("y ~ (x > 2 || a)", "write I\\(x > 2\\)"),
    ("y ~ (1 | log(a))", "'log\\(a\\)' is no grouping factor"),
    ("y ~ " + "(" * 2000 + "x", "150 deep"),
    ("y ~ " + "-" * 2000 + "x", "150 deep"),
    ("y ~ " + "x^" * 2000 + "2", "150 deep"),
    ("y ~ " + "log(" * 1000 + "x", "150 deep"),
    ("y ~ " + "x + " * 1000 + "x", "150 deep"),
    ("y ~ " + "x" * 5000, "limit is 5000"),
    ("y ~ " + "*".join("abcdefghijklmnop"), "more than 500 terms"),
    ("y ~ (" + "+".join("abcdefghijklmnop") + ")^99", "more than 500 terms"),
]


@pytest.mark.parametrize(("text", "spelled", "outermost"), SPELLING)
def test_precedence_and_spelling_are_those_of_r(text: str, spelled: str, outermost: str) -> None:
    tree = parse_expression(text)
    assert isinstance(tree, Call)
    assert (deparse(tree), tree.function) == (spelled, outermost)


@pytest.mark.parametrize(("text", "expected"), BARS)
def test_bars_expand_as_in_lme4(text: str, expected: list[str]) -> None:
    bars = parse(f"y ~ {text}").bars
    assert len(bars) == len(expected)
    for bar, shown in zip(bars, expected, strict=True):
        left, group = shown.split(" | ")
        alone = parse(f"y ~ {left}").fixed
        assert (bar.terms.intercept, bar.terms.labels) == (alone.intercept, alone.labels)
        assert bar.label == group


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_group_of_a_backticked_column_has_its_plain_name() -> None:
    # lme4 1.1-31: names(cnms) is "my g" and "`my g`:a".
    formula = parse("y ~ 1 + (1 | `my g`) + (1 | `my g`:a)")
    assert [bar.label for bar in formula.bars] == ["my g", "`my g`:a"]


def test_canonical_leaves_the_expansions_to_r() -> None:
    formula = parse("log(y)~x*(f+ 0)-1+( x||a/b )+(1|`my g`)")
    assert canonical(formula) == "log(y) ~ x * (f + 0) - 1 + (x || a/b) + (1 | `my g`)"


def test_canonical_keeps_every_digit_of_a_number() -> None:
    formula = parse("y ~ I(x * 0.12345678901234567)")
    assert formula.fixed.labels == ("I(x * 0.123456789012346)",)
    assert parse(canonical(formula)).fixed == formula.fixed


def test_variables_in_the_order_of_the_text() -> None:
    formula = parse("log(y) ~ I(b + a) - c + (x | g/h) + (b || factor(`my g`))")
    assert formula.columns == ("y", "b", "a", "c", "x", "g", "h", "my g")


COLUMN_NAMES = st.sampled_from(["x", "z.1", "a_b", ".c", "my column", "if", "1st"])


def arithmetic() -> st.SearchStrategy[Node]:
    leaves = COLUMN_NAMES.map(Name) | st.floats(0, 1e300, allow_subnormal=False).map(Number)

    def larger(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        in_parentheses = inner.map(lambda node: Call("(", (node,)))
        function = st.sampled_from(["log", "exp", "I", "scale", "factor"])
        operator = st.sampled_from(["+", "-", "*", "/", "^"])
        return st.builds(lambda name, node: Call(name, (node,)), function, inner) | st.builds(
            lambda name, left, right: Call(name, (left, right)), operator, in_parentheses, in_parentheses
        )

    return st.recursive(leaves, larger, max_leaves=8)


@given(arithmetic())
def test_a_tree_is_read_back_from_its_spelling(tree: Node) -> None:
    assert parse_expression(deparse(tree, exact=True)) == tree


ATOMS = ["x", "f", "g", "`my x`", "log(x)", "I(x^2)", "factor(f)"]
SUMS = st.recursive(
    st.sampled_from([*ATOMS, "1", "0"]),
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", ":", "/", "%in%"]), inner)
        | inner.map("({})^2".format)
    ),
    max_leaves=6,
)


@given(SUMS, st.lists(st.tuples(st.sampled_from(["|", "||"]), st.sampled_from(["g", "g/h", "a:b"])), max_size=3))
def test_canonical_is_read_as_the_same_model(fixed: str, bars: list[tuple[str, str]]) -> None:
    formula = parse(" + ".join([f"y ~ {fixed}", *(f"(x {bar} {group})" for bar, group in bars)]))
    again = parse(canonical(formula))
    assert model(again) == model(formula)
    assert canonical(again) == canonical(formula)


def model(formula: Formula) -> tuple[object, ...]:
    return formula.response, formula.right, formula.fixed, formula.bars


OPERATORS = ["~", "+", "-", "*", "/", ":", "^", "%in%", "(", ")", "|", "||", ",", "`", ";", " ", "\n"]
OPERANDS = ["y", "x", "g", "1", "0", "2", "1e9", ".", "I(", "log(", "factor(", "exec("]
PIECES = OPERATORS + OPERANDS
FRAGMENTS = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


@given(st.text(max_size=60) | FRAGMENTS | FRAGMENTS.map("y ~ ".__add__))
def test_any_text_is_a_formula_or_a_model_error(text: str) -> None:
    try:
        formula = parse(text)
    except ModelError as error:
        assert str(error)
    else:
        assert model(parse(canonical(formula))) == model(formula)
