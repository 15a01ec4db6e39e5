"""lme4's formulas: a response, ordinary terms, and random terms between bars."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

from relmer.solver.errors import ModelError
from relmer.solver.language.functions import Result
from relmer.solver.language.syntax import Call, Name, Node, Number, call, deparse, names, parse_expression
from relmer.solver.language.terms import Terms, check_arithmetic, expand

BARS = ("|", "||")


@dataclass(frozen=True)
class Bar:
    """One random term after lme4's expansions of ``||`` and ``/``.

    Attributes
    ----------
    terms : Terms
        The left side of the bar.
    group : Node
        The grouping factor: a column, ``factor(...)`` of one, or interactions of these.
    """

    terms: Terms
    group: Node

    @cached_property
    def label(self) -> str:
        """The name that lme4 gives to the grouping factor."""
        return self.group.name if isinstance(self.group, Name) else deparse(self.group)

    @cached_property
    def factors(self) -> tuple[str, ...]:
        """What the grouping factor is made of, in R's spelling, such as ``a`` and ``b`` of ``a:b``."""
        return tuple(deparse(node) for node in factors_of(self.group))


@dataclass(frozen=True)
class Formula:
    """A formula, read and expanded.

    Attributes
    ----------
    text : str
        As the user wrote it.
    response : Node
        The left side.
    right : Node
        The right side as written, bars included.
    fixed : Terms
        The terms outside bars.
    bars : tuple of Bar
        The random terms in lme4's order of expansion (not yet reordered by their numbers of levels).
    """

    text: str
    response: Node
    right: Node
    fixed: Terms
    bars: tuple[Bar, ...]

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled and copied: the fields; what is remembered beside them is made again."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @cached_property
    def outcome(self) -> str:
        """The response, in R's spelling."""
        return deparse(self.response)

    @cached_property
    def predictors(self) -> Mapping[str, Node]:
        """Every variable of the right side, in or outside bars, by R's spelling."""
        nodes = dict(zip(self.fixed.names, self.fixed.variables, strict=True))
        for bar in self.bars:
            nodes |= zip(bar.terms.names, bar.terms.variables, strict=True)
            nodes |= zip(bar.factors, factors_of(bar.group), strict=True)
        return MappingProxyType(nodes)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data that the formula uses, in the order of the text.

        Examples
        --------
        >>> parse("log(y) ~ x + I(x^2) + (x | g:h)").columns
        ('y', 'x', 'g', 'h')
        """
        return tuple(dict.fromkeys([*names(self.response), *names(self.right)]))


@lru_cache(maxsize=256)
def parse(text: str) -> Formula:
    """Read a formula.

    Parameters
    ----------
    text : str
        In the notation of R and lme4.

    Returns
    -------
    Formula
        Response, fixed terms and expanded random terms.

    Raises
    ------
    ModelError
        If the text is not in the grammar; nothing of it is ever evaluated as code.

    Examples
    --------
    >>> formula = parse("Reaction ~ Days + (Days || Subject)")
    >>> formula.fixed.labels
    ('Days',)
    >>> [(bar.terms.intercept, bar.terms.labels, bar.label) for bar in formula.bars]
    [(True, (), 'Subject'), (False, ('Days',), 'Subject')]
    """
    tree = parse_expression(text)
    match tree:
        case Call("~", (Call("~", _), _)):
            raise ModelError("the formula has more than one '~'; a model has one response")
        case Call("~", (response, right)):
            pass
        case _:
            raise ModelError(f"the formula {text.strip()[:80]!r} has no '~'; write 'response ~ terms'")
    check_arithmetic(response)
    if next(names(response), None) is None:
        raise ModelError(f"the response '{deparse(response)}' is not a column")
    fixed_node, bar_nodes = split_bars(right)
    fixed = expand(fixed_node if fixed_node is not None else Number(1))
    if response in fixed.variables:
        raise ModelError(f"the response '{deparse(response)}' is also on the right-hand side; remove it there")
    bars = tuple(bar for node in bar_nodes for bar in expand_bar(node))
    return Formula(text, response, right, fixed, bars)


def canonical(formula: Formula) -> str:
    """Spell a formula as R text made from its tree alone, so that it is safe to hand to R.

    Parameters
    ----------
    formula : Formula
        A formula that was read by `parse`.

    Returns
    -------
    str
        R text; ``||`` and ``/`` stay as the user wrote them.

    Examples
    --------
    >>> canonical(parse("y~x+(x||a/b)"))
    'y ~ x + (x || a/b)'
    """
    return f"{deparse(formula.response, exact=True)} ~ {deparse(formula.right, exact=True)}"


def split_bars(node: Node) -> tuple[Node | None, list[Call]]:
    """Take the bars out of a sum; return what is left of it, or None, and the bars from left to right."""
    match node:
        case Call("|" | "||", arguments):
            if any(has_bar(argument) for argument in arguments):
                raise ModelError(f"bars within bars in '{deparse(node)}'; put each random term in parentheses")
            return None, [node]
        case Call("+" | "(" as function, (inner,)):
            kept, bars = split_bars(inner)
            return (None if kept is None else call(function, kept)), bars
        case Call("+", (left, right)):
            left_kept, left_bars = split_bars(left)
            right_kept, right_bars = split_bars(right)
            bars = left_bars + right_bars
            if left_kept is None or right_kept is None:
                return (right_kept if left_kept is None else left_kept), bars
            return call("+", left_kept, right_kept), bars
        case Call("-", (left, right)) if not has_bar(right):
            kept, bars = split_bars(left)
            if kept is None:
                raise ModelError(
                    f"lme4 reads '- {deparse(right)}' after random terms alone as '+ {deparse(right)}'; "
                    "write the fixed terms first, as in '0 + (1 | g)'"
                )
            return call("-", kept, right), bars
        case Call(function, _) if has_bar(node):
            raise ModelError(f"a random term can only be added, not used with '{function}': '{deparse(node)}'")
    return node, []


def has_bar(node: Node) -> bool:
    """Whether there is a bar anywhere in a tree."""
    match node:
        case Call(function, arguments):
            return function in BARS or any(has_bar(argument) for argument in arguments)
    return False


def expand_bar(node: Call) -> list[Bar]:
    """The random terms of one bar: with ``||`` one for each term of its left side, with ``/`` one for each group."""
    left, right = node.arguments
    groups = expand_slashes(right)
    for group in groups:
        check_group(group)
    terms = expand(left)
    if not terms.intercept and not terms.terms:
        raise ModelError(f"the random term ({deparse(node)}) has no columns; remove it")
    if node.function == "|":
        return [Bar(terms, group) for group in groups]
    separate = [Terms(True, (), ())] if terms.intercept else []
    for term in terms.terms:
        chosen = tuple(terms.variables[i] for i in term)
        separate.append(Terms(False, chosen, (tuple(range(len(chosen))),)))
    return [Bar(single, group) for single in separate for group in groups]


def expand_slashes(node: Node) -> list[Node]:
    """Expand ``a/b/c`` to ``c:(b:a), b:a, a``, the order and the names of lme4."""
    if not (isinstance(node, Call) and node.function == "/"):
        return [node]
    left, right = node.arguments
    if not isinstance(left, Name) and not (isinstance(left, Call) and left.function == "/"):
        raise ModelError(f"lme4 nests only in a plain column, not in '{deparse(left)}'; write the grouping factors out")
    outer = expand_slashes(left)
    innermost = outer[0] if isinstance(outer[0], Name) else call("(", outer[0])
    return [call(":", right, innermost), *outer]


def factors_of(group: Node) -> Iterator[Node]:
    """Yield the factors that are combined in a grouping factor, from left to right."""
    match group:
        case Call(":" | "(", arguments):
            for argument in arguments:
                yield from factors_of(argument)
        case Name() | Call():
            yield group


def check_group(node: Node) -> None:
    """Refuse what is not one grouping factor: a column, a call that makes a factor, or an interaction of these."""
    match node:
        case Name():
            return
        case Call(":", arguments) | Call("(", arguments):
            for argument in arguments:
                check_group(argument)
        case Call() if node.makes(Result.FACTOR):
            check_arithmetic(node)
        case Call("*", (left, right)):
            a, b = deparse(left), deparse(right)
            raise ModelError(
                f"grouping factor '{deparse(node)}' is not supported; "
                f"write it out: (1 | {a}) + (1 | {b}) + (1 | {a}:{b})"
            )
        case Call("/", _):
            raise ModelError(f"cannot nest in parentheses, '{deparse(node)}'; write the grouping factors out")
        case _:
            raise ModelError(f"'{deparse(node)}' is no grouping factor; use a column, factor(column), a:b or a/b")
