"""The description of a model that the kernel reads, from how its formula was read.

A column of X or Z is a product of variables (`relmer.solver.language.described_fixed`). Numbers of the file stand in it
by their column's name, what is computed of them as an expression, categories by the texts that the file has for them.
What the kernel has no words for is refused here by `Undescribed`; then the matrices are exported instead.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from math import gcd, lcm
from typing import Any

import numpy as np

from relmer.solver.language import (
    Call,
    ModelFrame,
    Name,
    Node,
    Number,
    Part,
    Product,
    deparse,
    described_fixed,
    described_random,
    names,
    parse_expression,
)
from relmer.solver.model import Design, group_names

Plain = dict[str, Any]
OF_NUMBERS = {
    *("log2", "log10", "log1p", "exp", "expm1", "sqrt", "abs"),
    *("sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan"),
}
SUMMARIES = {"mean", "sum", "var"}
PAIRS = {"+", "-", "*", "/", "^"}
SEVERAL = {"log", "scale", "poly"}


class Undescribed(ValueError):
    """What the kernel has no words for; one line that says what it is."""


class Describer:
    """Collects the expressions and scores that a description needs beside the columns of the file.

    Parameters
    ----------
    header, texts
        The file's columns, and for the rows that take part what stands in each.
    """

    def __init__(self, texts: Mapping[str, np.ndarray[Any, Any]]) -> None:
        self.texts = texts
        self.expressions: Plain = {}
        self.scores: Plain = {}

    def factors(self, product: Product) -> list[str]:
        """The factors of a product, by their names in the description."""
        return [self.number(part) if part.codes is None else self.category(part) for part in product]

    def number(self, part: Part) -> str:
        """A variable of numbers: a column of the file, or an expression."""
        tree = expression(part.node, part.column)
        if tree[0] == "column":
            return str(tree[1])
        name = f"{deparse(part.node)}{f'[, {part.column + 1}]' if part.column else ''}"
        return self.kept(self.expressions, name, tree)

    def response(self, node: Node) -> str:
        """What stands left of the tilde."""
        return self.number(Part(node, 0))

    def category(self, part: Part) -> str:
        """A column of what each level counts, by the texts of the one column that says the level."""
        assert part.codes is not None and part.values is not None
        column = self.source(part.node)
        level: dict[str, int] = {}
        for text, code in zip(self.texts[column].tolist(), part.codes.tolist(), strict=True):
            if level.setdefault(text, code) != code:
                raise Undescribed(f"{deparse(part.node)} is not made of the texts of {column}")
        if part.is_polynomial:
            counts, norm = polynomial(len(part.values), part.column + 1)
        else:
            counts, norm = [int(value) for value in part.values], 1
            if counts != part.values.tolist():
                raise Undescribed(f"the contrasts of {deparse(part.node)} are no whole numbers")
        ones = [text for text, code in level.items() if counts[code]]
        name = f"{column}={ones[0]}" if ones else ""
        # A column whose own name has a sign of equality is one of scores: the kernel would take it apart there.
        is_indicator = norm == 1 and len(ones) == 1 and counts[level[ones[0]]] == 1
        if is_indicator and name not in self.texts and "=" not in column:
            return name
        scores = {"column": column, "scores": {text: counts[code] for text, code in level.items()}, "norm": norm}
        return self.kept(self.scores, f"{deparse(part.node)}.{part.column + 1}", scores)

    def source(self, node: Node) -> str:
        """The one column of the file that a variable is made of."""
        found = list(dict.fromkeys(names(node)))
        if len(found) != 1 or found[0] not in self.texts:
            raise Undescribed(f"{deparse(node)} is made of several columns")
        return found[0]

    def kept(self, known: Plain, name: str, what: Any) -> str:
        """A name for an expression or for scores that nothing else has."""
        while (known.get(name, what) != what) or name in self.texts:
            name = f"{name}'"
        known[name] = what
        return name


def described(
    frame: ModelFrame,
    design: Design,
    texts: Mapping[str, np.ndarray[Any, Any]],
    form: Plain,
    weights: str = "",
    offset: str = "",
) -> Plain:
    """The description of a design by the file that it was made from.

    Parameters
    ----------
    frame, design
        How the formula was read.
    texts
        Of each column of the file what stands in the rows of the frame.
    form
        separator, decimal and missing of the file.
    weights, offset
        lme4's arguments, as columns or expressions of columns; empty where there are none.

    Raises
    ------
    Undescribed
        A part of the model has no description; one line.
    """
    found, fixed = Describer(texts), described_fixed(frame)
    random = [
        {
            "name": name,
            "group": [found.source(node) for node in group],
            "columns": [
                [label, *found.factors(product)] for label, product in zip(term.columns, products, strict=True)
            ],
        }
        for name, term, (group, products) in zip(
            group_names(design.terms), design.terms, described_random(frame), strict=True
        )
    ]
    offsets = [*([parse_expression(offset)] if offset else []), *frame.formula.offsets]
    arguments: Plain = {
        **({"weights": found.number(Part(parse_expression(weights), 0))} if weights else {}),
        **({"offsets": [found.number(Part(node, 0)) for node in offsets]} if offsets else {}),
        **({"rows": runs(frame.rows.tolist())} if frame.subset else {}),
    }
    return {
        "response": found.response(frame.formula.response),
        **arguments,
        "fixed": [[name, *found.factors(fixed[name])] for name in design.coefficients],
        "random": random,
        "scores": found.scores,
        "expressions": found.expressions,
        "table": form,
    }


def runs(rows: Sequence[int]) -> str:
    """Rows, counted from 0 on and ascending, as the kernel names them.

    Examples
    --------
    >>> runs([0, 1, 2, 4])
    '1-3 5'
    """
    starts = [i for i, row in enumerate(rows) if i == 0 or row != rows[i - 1] + 1]
    ends = [*(i - 1 for i in starts[1:]), len(rows) - 1]
    pairs = ((rows[i] + 1, rows[j] + 1) for i, j in zip(starts, ends, strict=True))
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in pairs)


def expression(node: Node, column: int = 0) -> list[Any]:
    """A variable of numbers as the kernel's expression; of several columns the one that is asked for.

    Raises
    ------
    Undescribed
        The kernel has no words for it.
    """
    found: list[Any] | None = None
    match node:
        case Name(name):
            found = ["column", name]
        case Number(value):
            found = ["number", repr(value)]
        case Call("(" | "I" | "+", (inner,)):
            found = expression(inner)
        case Call("-", (inner,)):
            found = ["-", ["number", "0"], expression(inner)]
        case Call(operator, (left, right)) if operator in PAIRS:
            found = [operator, expression(left), expression(right)]
        case Call(function, (inner,)) if function in OF_NUMBERS or function in SUMMARIES:
            found = [function, expression(inner)]
        case Call("sd", (inner,)):
            found = ["sqrt", ["var", expression(inner)]]
        case Call("[", (inner, Number(value))):
            found = expression(inner, int(value) - 1)
        case Call(function) if function in SEVERAL:
            found = several(node, column)
    if found is None:
        raise Undescribed(f"{deparse(node)} is computed in doubles")
    return found


def several(node: Call, column: int) -> list[Any]:
    """A function that takes more than numbers."""
    meaning = node.meaning
    assert meaning is not None, node
    bound = dict(zip((parameter.name for parameter in meaning.parameters), node.bound(meaning), strict=True))
    given = {name: node.arguments[at] for name, at in bound.items() if isinstance(at, int)}
    if node.function == "log":
        return logarithm(given)
    if node.function == "scale":
        return scaled(given)
    others = bound["..."]
    return powers(given, [node.arguments[at] for at in others] if isinstance(others, tuple) else [], column + 1)


def logarithm(given: Mapping[str, Node]) -> list[Any]:
    """log(x), or log(x, base)."""
    found = ["log", expression(given["x"])]
    return ["/", found, ["log", expression(given["base"])]] if "base" in given else found


def is_flag(node: Node | None, default: str) -> str:
    """TRUE or FALSE of an argument."""
    return default if node is None else {"T": "TRUE", "F": "FALSE"}.get(deparse(node), deparse(node))


def scaled(given: Mapping[str, Node]) -> list[Any]:
    """scale(x, center, scale) of flags."""
    centre, scale = (is_flag(given.get(name), "TRUE") for name in ("center", "scale"))
    found: list[Any] = expression(given["x"])
    if {centre, scale} - {"TRUE", "FALSE"}:
        raise Undescribed("scale() by given numbers is computed in doubles")
    if centre == "TRUE":
        found = ["-", found, ["mean", found]]
    return ["/", found, ["rms", found]] if scale == "TRUE" else found


def powers(given: Mapping[str, Node], others: Sequence[Node], which: int) -> list[Any]:
    """A column of poly(x, degree, raw)."""
    degree = given.get("degree", others[0] if len(others) == 1 else Number(1.0))
    if not isinstance(degree, Number) or ("degree" in given and others):
        raise Undescribed("poly() of several variables is computed in doubles")
    x = expression(given["x"])
    if is_flag(given.get("raw"), "FALSE") == "TRUE":
        return ["^", x, ["number", str(which)]]
    return ["poly", x, int(degree.value), str(which)]


def inner(one: Sequence[Fraction], other: Sequence[Fraction]) -> Fraction:
    """The sum of products."""
    return sum((a * b for a, b in zip(one, other, strict=True)), Fraction(0))


@lru_cache(maxsize=100)
def polynomial(k: int, degree: int) -> tuple[list[int], int]:
    """R's contr.poly of k levels: whole numbers, over the root of their squares' sum.

    Examples
    --------
    >>> polynomial(3, 1), polynomial(3, 2)
    (([-1, 0, 1], 2), ([1, -2, 1], 6))
    """
    columns = [[Fraction(1)] * k]
    for j in range(1, degree + 1):
        column = [Fraction(i) ** j for i in range(k)]
        for other in columns:
            share = inner(column, other) / inner(other, other)
            column = [a - share * b for a, b in zip(column, other, strict=True)]
        columns.append(column)
    common = lcm(*(a.denominator for a in columns[-1]))
    whole = [int(a * common) for a in columns[-1]]
    shared = gcd(*whole)
    whole = [a // shared for a in whole]
    return whole, sum(a * a for a in whole)
