"""The algebra of terms: expected values are what R 4.2.2 returns."""

import pytest

from relmer.solver.language.formula import parse

# R 4.2.2: t <- terms(y ~ ...); attr(t, "term.labels"), attr(t, "intercept"), attr(t, "variables")[-(1:2)].
TERMS = [
    ("(a+b)^2", "a b a:b", True, "a b"),
    ("(a+b+c)^3", "a b c a:b a:c b:c a:b:c", True, "a b c"),
    ("(a+b+a:b)^3", "a b a:b", True, "a b"),
    ("a^2", "a", True, "a"),
    ("(a+0)^2", "a", False, "a"),
    ("1*b", "", True, "b"),
    ("b*1", "b", True, "b"),
    ("1/b", "", True, "b"),
    ("b/1", "b", True, "b"),
    ("1 %in% b", "", True, "b"),
    ("b %in% 1", "b", True, "b"),
    ("b:1", "", True, "b"),
    ("0:a", "", False, "a"),
    ("a-a", "", True, "a"),
    ("a*b-b", "a a:b", True, "a b"),
    ("a*b*c-a:b:c", "a b c a:b a:c b:c", True, "a b c"),
    ("(a+b+c+d)^2-a:b-d", "a b c a:c a:d b:c b:d c:d", True, "a b c d"),
    ("b+a:b+a", "b a b:a", True, "b a"),
    ("b:a+a", "a b:a", True, "b a"),
    ("a:b + b:a", "a:b", True, "a b"),
    ("a:b:a", "a:b", True, "a b"),
    ("0-1", "", False, ""),
    ("a+0+1", "a", True, "a"),
    ("a - 1 + 1", "a", True, "a"),
    ("a - 0", "a", True, "a"),
    ("a-(-1)", "a", True, "a"),
    ("a-(b-1)", "a", True, "a b"),
    ("a+-1", "a", False, "a"),
    ("a+-b", "a", True, "a b"),
    ("-a", "", True, "a"),
    ("--1", "", True, ""),
    ("-(a-1)", "", True, "a"),
    ("-a*b + 1:x", "", True, "a b x"),
    ("+a", "a", True, "a"),
    ("((a+b))", "a b", True, "a b"),
    ("x-z", "x", True, "x z"),
    ("a/b/c", "a a:b a:b:c", True, "a b c"),
    ("a/(b/c)", "a a:b a:b:c", True, "a b c"),
    ("a/(b+c)", "a a:b a:c", True, "a b c"),
    ("a/(b*c)", "a a:b a:c a:b:c", True, "a b c"),
    ("(a+b)/c", "a b a:b:c", True, "a b c"),
    ("(a*b)/c", "a b a:b a:b:c", True, "a b c"),
    ("a/b-a", "a:b", True, "a b"),
    ("(a+b)*(c+d)", "a b c d a:c a:d b:c b:d", True, "a b c d"),
    ("(a+b):(c+d)", "a:c a:d b:c b:d", True, "a b c d"),
    ("b %in% a", "b:a", True, "b a"),
    ("a + b %in% a", "a a:b", True, "a b"),
    ("b %in% (a+c)", "b:a:c", True, "b a c"),
    ("(a+b) %in% c", "a:c b:c", True, "a b c"),
    ("c %in% b %in% a", "c:b:a", True, "c b a"),
    ("a*b %in% c", "a b:c a:b:c", True, "a b c"),
    ("log(a)*b", "log(a) b log(a):b", True, "log(a) b"),
    ("I(a)+a:I(a)", "I(a) I(a):a", True, "I(a) a"),
    ("I(x/2)+I(x/2.0)", "I(x/2)", True, "I(x/2)"),
    ("factor(a)+as.factor(a)", "factor(a) as.factor(a)", True, "factor(a) as.factor(a)"),
    ("a/b + (1|g)", "a a:b", True, "a b"),
    ("x + (1|g) - 1", "x", False, "x"),
    ("x | g", "", True, ""),
    ("(x + (1|g))", "x", True, "x"),
]


@pytest.mark.parametrize(("text", "labels", "intercept", "variables"), TERMS)
def test_terms_as_r(text: str, labels: str, intercept: bool, variables: str) -> None:
    formula = parse(f"y ~ {text}")
    assert formula.fixed.labels == tuple(labels.split())
    assert formula.fixed.intercept is intercept
    each_alone = [parse(f"y ~ {name}").fixed.variables[0] for name in variables.split()]
    assert formula.fixed.variables == tuple(each_alone)
