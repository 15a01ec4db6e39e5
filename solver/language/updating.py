"""R's `update.formula`: a formula in which a dot stands for that side of another."""

from collections.abc import Iterator
from functools import reduce

from relmer.solver.errors import ModelError
from relmer.solver.language.bars import has_bar, split_bars
from relmer.solver.language.formula import DOT, Formula, canonical, parse, replaced, split_offsets
from relmer.solver.language.syntax import Call, Name, Node, Number, call, deparse, names, parse_expression, shown

Summand = tuple[Node, int]


def updated(old: Formula, text: str) -> str:
    """The formula that a text makes of an old one.

    A dot that stands by itself is all of that side, random terms too; a dot in a product or power is the fixed terms.
    Random terms are added and taken out whole.

    Parameters
    ----------
    old : Formula
        What a dot stands for.
    text : str
        As ". ~ . - x + (1 | g)", or "~ . + x".

    Returns
    -------
    str
        A formula, in R's spelling.

    Raises
    ------
    ModelError
        The text is no formula, or takes out a random term that is not there.

    Examples
    --------
    >>> updated(parse("y ~ x + (x | g)"), "log(.) ~ . - (x | g) + (1 | g)")
    'log(y) ~ x + (1 | g)'
    """
    if not isinstance(text, str):
        raise ModelError(f"a formula is text, such as '. ~ . - x', not {type(text).__name__}")
    match parse_expression(f"{DOT} {text}" if text.lstrip().startswith("~") else text):
        case Call("~", (response, right)):
            pass
        case _:
            raise ModelError(f"the formula {text.strip()[:80]!r} has no '~'; write '. ~ . - x'")
    response = replaced(response, Name(DOT), old.response)
    fixed: list[Summand] = []
    bars: dict[Node, None] = {}
    for node, sign in whole(right, old):
        if not has_bar(node):
            fixed.append((node, sign))
            continue
        bar = bare(node)
        if sign > 0:
            bars[bar] = None
        elif bar in bars:
            del bars[bar]
        else:
            there = ", ".join(f"({shown(each)})" for each in bars) or "none"
            raise ModelError(f"({shown(bar)}) is taken out, but there is no such random term; there are {there:.80}")
    terms = summed(fixed)
    for bar in bars:
        terms = call("+", terms, call("(", bar) if isinstance(bar, Call) and bar.function in ("|", "||") else bar)
    return canonical(parse(f"{deparse(response, exact=True)} ~ {deparse(terms, exact=True)}"))


def whole(right: Node, old: Formula) -> Iterator[Summand]:
    """The summands of a right side, those of the old one in the place of a dot."""
    kept, _ = split_bars(old.right)
    within: Node | None = None if kept is None else split_offsets(kept)[0]
    for node, sign in summands(right, 1):
        if node == Name(DOT):
            yield from ((each, sign * own) for each, own in summands(old.right, 1))
        elif DOT in names(node):
            yield replaced(node, Name(DOT), call("(", Number(1) if within is None else within)), sign
        else:
            yield node, sign


def summands(node: Node, sign: int) -> Iterator[Summand]:
    """What a right side is the sum of, with signs."""
    match node:
        case Call("+", (left, right)):
            yield from summands(left, sign)
            yield from summands(right, sign)
        case Call("-", (left, right)):
            yield from summands(left, sign)
            yield from summands(right, -sign)
        case Call("+", (inner,)):
            yield from summands(inner, sign)
        case Call("-", (inner,)):
            yield from summands(inner, -sign)
        case Call("(", (inner,)) if inner_is_sum(inner):
            yield from summands(inner, sign)
        case _:
            yield node, sign


def inner_is_sum(node: Node) -> bool:
    """Whether parentheses hold a sum, or others."""
    return isinstance(node, Call) and node.function in ("+", "-", "(")


def bare(node: Node) -> Node:
    """A random term without parentheses around it."""
    while isinstance(node, Call) and node.function == "(" and len(node.arguments) == 1:
        node = node.arguments[0]
    return node


def summed(parts: list[Summand]) -> Node:
    """The sum of fixed terms; what is subtracted from nothing is subtracted from 1."""
    if not parts:
        return Number(1)
    (first, sign), *others = parts
    start = first if sign > 0 else call("-", Number(1), first)
    return reduce(lambda left, part: call("+" if part[1] > 0 else "-", left, part[0]), others, start)
