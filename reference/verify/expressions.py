"""Columns that a formula computes, in rationals where they are rational and in balls elsewhere.

An expression is a tree of lists, its operation first: ["log", ["column", "x"]]. The operations are

    ["column", NAME]      a column of numbers; nothing where it is missing
    ["number", TEXT]      a constant
    ["+", a, b] and -, *, /;  ["^", a, b]
    ["log", a] and the other functions of FUNCTIONS
    ["mean", a], ["sum", a], ["var", a], ["rms", a]      of all rows that have a value; var and rms divide by their
                          number less one, var after the mean is taken away; rms is the root
    ["poly", a, K, "J"]   the J-th orthonormal polynomial of all rows that have a value, of positive leading coefficient
"""

from collections.abc import Callable, Sequence
from typing import Any

from flint import arb, fmpq

from relmer.reference.verify.data import Refused, ratio

Number = fmpq | arb
Values = list[Number | None]
"""One for each row of the table; nothing where a value is missing."""
Column = Callable[[str], Values]

DEEPEST, MOST_DEGREE = 50, 100
# A power is multiplied out up to this exponent.
LARGEST_POWER = 64
# Of a rational power: beyond it is a ball.
MOST_BITS = 20_000
NO_NUMBER = arb("nan")
FUNCTIONS: dict[str, Callable[[arb], arb]] = {
    "log": arb.log,
    "log2": lambda x: x.log() / arb(2).log(),
    "log10": lambda x: x.log() / arb(10).log(),
    "log1p": arb.log1p,
    "exp": arb.exp,
    "expm1": arb.expm1,
    "sqrt": arb.sqrt,
    "abs": abs,
    **{name: getattr(arb, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan")},
}


def divided(a: Any, b: Any) -> Any:
    """a / b; no number where b is zero, which is refused where such a row takes part."""
    return NO_NUMBER if isinstance(b, fmpq) and b == 0 else a / b


def power(a: Number, b: Number) -> Number:
    """a to the power of b: multiplied out for a small whole number, else exp(b log a).

    Examples
    --------
    >>> power(fmpq(-3, 2), fmpq(2))
    9/4
    """
    if isinstance(b, fmpq) and b.q == 1 and abs(b.p) <= LARGEST_POWER:
        times = abs(int(b.p))
        if isinstance(a, fmpq) and times * max(a.p.height_bits(), a.q.height_bits()) > MOST_BITS:
            a = arb(a)
        product: Number = fmpq(1)
        for _ in range(times):
            product *= a
        return product if b >= 0 else divided(fmpq(1), product)
    return (arb(b) * arb(a).log()).exp()


PAIRS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": divided,
    "^": power,
}


def evaluate_tree(tree: Any, column: Column, rows: int, reading: str, depth: int = 0) -> Values:
    """The values of an expression for every row of a table.

    Parameters
    ----------
    tree
        Untrusted JSON.
    column
        Gives the values of a column by its name.
    rows
        Of the table.
    reading
        How a constant is read: "decimal", or the "double" next to it.

    Raises
    ------
    Refused
        There is no such operation. A value that is not finite is left for those to refuse who use its row.
    """
    if not isinstance(tree, list) or not tree or not isinstance(tree[0], str) or depth > DEEPEST:
        raise Refused("an expression is malformed")
    name, *parts = tree
    if name in ("column", "number") and len(parts) == 1 and isinstance(parts[0], str):
        return column(parts[0]) if name == "column" else [fmpq(*ratio(parts[0], reading))] * rows
    size = 2 if name in PAIRS else 3 if name == "poly" else 1
    if name not in {*PAIRS, *FUNCTIONS, *SUMMARIES, "poly"} or len(parts) != size:
        raise Refused(f"expression {name[:20]!r}: there is no such operation")
    first = evaluate_tree(parts[0], column, rows, reading, depth + 1)
    try:
        if name in PAIRS:
            second = evaluate_tree(parts[1], column, rows, reading, depth + 1)
            found = [None if a is None or b is None else PAIRS[name](a, b) for a, b in zip(first, second, strict=True)]
        elif name in FUNCTIONS:
            known = {id(a): None if a is None else FUNCTIONS[name](arb(a)) for a in first}
            found = [known[id(a)] for a in first]
        elif name in SUMMARIES:
            found = [SUMMARIES[name]([a for a in first if a is not None])] * rows
        else:
            found = orthonormal(first, parts[1], parts[2])
    except ZeroDivisionError:
        raise Refused(f"expression {name!r} divides by zero") from None
    return found


def squares(values: Sequence[Number]) -> Number:
    """The mean square, of one value less."""
    return sum((a * a for a in values), fmpq(0)) / (len(values) - 1)


def mean(values: Sequence[Number]) -> Number:
    """The arithmetic mean."""
    return sum(values, fmpq(0)) / len(values)


def variance(values: Sequence[Number]) -> Number:
    """The mean square of what the mean leaves, of one value less."""
    middle = mean(values)
    return squares([a - middle for a in values])


SUMMARIES: dict[str, Callable[[Sequence[Number]], Number]] = {
    "mean": mean,
    "sum": lambda values: sum(values, fmpq(0)),
    "var": variance,
    "rms": lambda values: arb(squares(values)).sqrt(),
}


def orthonormal(values: Values, degree: Any, which: Any) -> Values:
    """The orthonormal polynomial of a degree, by its recursion of three terms in balls."""
    if type(degree) is not int or not str(which).isdigit() or not 1 <= int(which) <= degree <= MOST_DEGREE:
        raise Refused("expression 'poly' has no such degree")
    x = [arb(a) for a in values if a is not None]
    before, here, norm_before = [arb(0)] * len(x), [arb(1)] * len(x), arb(1)
    for _ in range(int(which)):
        norm = sum((p * p for p in here), arb(0))
        alpha = sum((a * p * p for a, p in zip(x, here, strict=True)), arb(0)) / norm
        beta = norm / norm_before
        before, here = here, [(a - alpha) * p - beta * q for a, p, q in zip(x, here, before, strict=True)]
        norm_before = norm
    root = sum((p * p for p in here), arb(0)).sqrt()
    found = iter(p / root for p in here)
    return [None if a is None else next(found) for a in values]
