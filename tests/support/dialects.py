"""Formulas that not every lme4 reads, and some that all do."""

EVERYWHERE = [
    "y ~ x + (1 | f/h)",
    "y ~ x + (x || f)",
    "y ~ x + k + (1 | factor(k))",
    "y ~ k + (1 | interaction(k, f)) + f",
    "y ~ k + (1 | factor(k == 2))",
    "y ~ x + (1 | (f:h))",
    "y ~ x + (0 + h || f)",
]
SINCE_1_1_36 = [
    "y ~ x + (1 | f*h)",
    "y ~ x + (x | f + h)",
    "y ~ x + (1 | (f/h))",
    "y ~ x + (1 | f/(h + e))",
    "y ~ x + (1 | (f + h)/e)",
    "y ~ x + (1 | e:(f*h))",
    "y ~ x + (x || f*h)",
    "y ~ x + (1 | f:h/e)",
    "y ~ x + (1 | (f + h)^2)",
    "y ~ x + k + (1 | factor(k)*f)",
]
NOWHERE = [
    "y ~ x + (1 || f)",
    "y ~ x + (TRUE || f)",
    "y ~ x + (x || `my factor`)",
    "y ~ x + (1 | factor(k))",
    "y ~ x + (x | factor(k):f)",
    "y ~ x + (1 | cut(x, 3))",
    "y ~ x + (1 | factor(x > 0))",
    "y ~ x + (1 | interaction(f, h))",
    "y ~ x + (1 | factor(k)*f)",
]
