"""A table of formulas by rule: every function with its arguments, every operator, kind of column and form of bar."""

from itertools import permutations, product

from formula_terms import FACTORS, NUMERIC

BARRED = ['dummy(f, "a")', "dummy(f)", 'dummy(f, c("a", "b"))', "dummy(h)", 'dummy(l, "TRUE")']
PLAIN = ["x", "k", "l", "f", "o", "e", "h", "day", "time", "`my column`", "`my factor`"]
GROUPS = ["g", "f", "h", "k", "w", "l", "day", "time", "`my factor`", "o", "id"]
PLACED = [
    "y ~ x * (1 | g)",
    "y ~ x:(1 | g)",
    "y ~ x - (1 | g)",
    "y ~ 1 - (1 | g)",
    "y ~ (1 | g) * x",
    "y ~ (1 | g) / x",
    "y ~ (1 | g) - 1",
    "y ~ (1 | g) - x",
    "y ~ (1 | g) + 0",
    "y ~ (1 | g) - (0 + x | g) - 1",
    "y ~ 0 + (1 | g) * x",
    "y ~ x + (1 | g) * f",
    "y ~ (x + (1 | g))^2",
    "y ~ (x + f + (1 | g))^2",
    "y ~ x %in% (1 | g)",
    "y ~ (1 + (x | g))",
    "y ~ x + f + ((1 | g))",
    "y ~ x + ((1 | g) + f) + (0 + x | g)",
    "y ~ -(1 | g)",
    "y ~ +(1 | g)",
    "y ~ 1 + (1 | g) - 1 + x",
    "y ~ (x + l + f)^2L + (1 | g)",
    "y ~ (x + l + f)^0x2 + (1 | g)",
    "y ~ (x + k + p + f)^3 - x:k + (1 | g)",
    "y ~ x + # a comment\n (1 | g) # and another",
    "y ~ x + # (1 | h) +\n (1 | g)",
    "y ~ TRUE + x + (1 | g)",
    "y ~ (x > 0) + (1 | g)",
    "y ~ (f == 'a') * x + (1 | g)",
    "y ~ x + (x > 0 | g)",
    "y ~ x %% 2 + (1 | g)",
    "l ~ x + (1 | g)",
    "as.numeric(y > 300) ~ x + (1 | g)",
    "scale(y) ~ x + (1 | g)",
    "scale(y)[, 1] ~ x + (1 | g)",
    "log(p, 2) ~ x + (1 | g)",
    "y ~ offset(log(p, base = 2)) + x + (1 | g)",
    "y ~ offset(2 * pi * x) + (1 | g)",
    "y ~ offset(scale(x)[, 1]) + (1 | g)",
    "y ~ x + k + (x + k | factor(k))",
    "y ~ x + k + (x:k || factor(k):e)",
    "y ~ x + k + (1 | as.character(k))",
    "y ~ x + (1 | paste(f, h)) + f + h",
    "y ~ f + (1 | f == 'a')",
    "range(x)[1] + y ~ x + (1 | g)",
]
REFUSED = [
    "y ~ k + (1 | k > 2)",
    "y ~ x + (1 | s)",
    "y ~ x + (1 | 1)",
    "y ~ I(f == e) + (1 | g)",
    "y ~ I(o != f) + (1 | g)",
    'y ~ relevel(h, "yes") + (1 | g)',
    "y ~ C(h, contr.sum) + (1 | g)",
    "y ~ C(l, contr.sum) + (1 | g)",
    "y ~ poly(u, 2) + (1 | g)",
    "y ~ poly(l, 3) + (1 | g)",
    "y ~ I(mean(x)) + (1 | g)",
    "y ~ pi * x + (1 | g)",
    "y ~ x > 0 + (1 | g)",
    "y ~ I(x > 0 | p > 0) + (1 | g)",
    "y ~ x^(1 | g)",
    "y ~ (1 | g)^2",
    "y ~ log((1 | g))",
    "y ~ !l + (1 | g)",
    'y ~ relevel(f, "zz") + (1 | g)',
    'y ~ relevel(o, "mid") + (1 | g)',
    "y ~ cut(f, 3) + (1 | g)",
    "y ~ cut(x, c(1, 1, 2)) + (1 | g)",
    "y ~ x + (dummy(f, 'zz') | g)",
    "y ~ log(day) + (1 | g)",
    "y ~ droplevels(h) + (1 | g)",
    "y ~ scale(f) + (1 | g)",
    'y ~ factor(k, labels = c("a", "b")) + (1 | g)',
    "y ~ sin(f) + (1 | g)",
]


def formulas() -> dict[str, None]:
    """The table, without repeats, in order."""
    found = list(PLACED)
    for term in NUMERIC:
        found += [f"y ~ {term} + (1 | g)", f"y ~ f * {term} + (1 | g)", f"y ~ x + (1 + {term} | g)"]
        found += [f"y ~ 0 + {term}:e + (1 | g)", f"y ~ x + (0 + {term} || g)"]
    for term in FACTORS:
        found += [f"y ~ {term} + (1 | g)", f"y ~ x * {term} + (1 | g)", f"y ~ 0 + {term} + (1 | g)"]
        found += [f"y ~ {term}:x + (1 | g)", f"y ~ x + ({term} | g)", f"y ~ e + e:{term} + (1 | g)"]
    for term in BARRED:
        found += [
            f"y ~ {term} + (1 | g)",
            f"y ~ x + (0 + {term} | g)",
            f"y ~ x + ({term} | g)",
            f"y ~ x + ({term} || g)",
        ]
    for first, second in permutations(PLAIN, 2):
        found.append(f"y ~ {first} * {second} + (1 | g)")
    for first, group in product(PLAIN, GROUPS):
        found += [f"y ~ {first} + ({first} | {group})"]
    for first, second in permutations(GROUPS, 2):
        found.append(f"y ~ x + (1 | {first}:{second})")
    for first, second in permutations(GROUPS[:6], 2):
        found.append(f"y ~ x + (x || {first}/{second})")
    return dict.fromkeys(found)
