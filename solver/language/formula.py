"""lme4's formulas: a response, ordinary terms, and random terms between bars."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

from relmer.solver.errors import ModelError, shortened
from relmer.solver.language.bars import Bar, expand_bar, factors_of, placement_notes, split_bars
from relmer.solver.language.signatures import Result
from relmer.solver.language.syntax import Call, Name, Node, Number, call, deparse, names, parse_expression, shown
from relmer.solver.language.terms import Terms, check_arithmetic, expand

DOT = "."


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
    offsets : tuple of Node
        What is inside of each ``offset(...)``: known parts of the mean.
    """

    text: str
    response: Node
    right: Node
    fixed: Terms
    bars: tuple[Bar, ...]
    offsets: tuple[Node, ...] = ()

    @cached_property
    def dotted(self) -> bool:
        """Whether there is a dot, which stands for all columns of the data but the response; see `filled`."""
        return DOT in names(self.right)

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled and copied: the fields; what is remembered beside them is made again."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @cached_property
    def since(self) -> str | None:
        """The first release of lme4 that has the structures that are written; None if there are none.

        Examples
        --------
        >>> parse("y ~ cs(x | g)").since, parse("y ~ (x || g)").since
        ('2.0', None)
        """
        return "2.0" if any(call.makes(Result.STRUCTURE) for call in calls(self.right)) else None

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What should be told about how the text was read."""
        return tuple(dict.fromkeys(placement_notes(self.right)))

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
    if not isinstance(text, str):
        raise ModelError(f"a formula is text, such as 'y ~ x + (x | g)', not {type(text).__name__}")
    return parsed(text)


@lru_cache(maxsize=256)
def parsed(text: str) -> Formula:
    """Read a formula that is text; texts are remembered, since a `Formula` never changes."""
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
        raise ModelError(f"the response '{shown(response)}' is not a column")
    return of_sides(text, response, right)


# As of any function whose results are remembered.
parse.cache_clear = parsed.cache_clear  # type: ignore[attr-defined]


def of_sides(text: str, response: Node, right: Node) -> Formula:
    """The formula with these two sides."""
    terms, bar_nodes = split_bars(right)
    fixed_node, offsets = (None, ()) if terms is None else split_offsets(terms)
    fixed = expand(fixed_node if fixed_node is not None else Number(1))
    if response in fixed.variables:
        raise ModelError(f"the response '{shown(response)}' is also on the right-hand side; remove it there")
    for node in offsets:
        check_arithmetic(node)
        if next(names(node), None) is None:
            raise ModelError(f"the offset '{shown(node)}' uses no column of the data; remove it")
    bars = tuple(bar for node in bar_nodes for bar in expand_bar(node))
    formula = Formula(text=text, response=response, right=right, fixed=fixed, bars=bars, offsets=offsets)
    if formula.dotted:
        check_dot(formula)
    return formula


def check_dot(formula: Formula) -> None:
    """Refuse a dot where lme4 takes the response, weights or an offset for a predictor, or knows no dot."""
    if not isinstance(formula.response, Name):
        raise ModelError(
            f"'.' beside the response '{shown(formula.response)}', which lme4 would take for a predictor; "
            "write the columns out"
        )
    within = (
        *(name for bar in formula.bars for name in bar.terms.names),
        *(f for bar in formula.bars for f in bar.factors),
    )
    if DOT in within:
        raise ModelError("'.' in a random term, where lme4 takes the response with it; write the columns out")
    if formula.offsets:
        raise ModelError("'.' beside an offset, which lme4 would take for a predictor; write the columns out")
    if any(isinstance(node, Call) and DOT in names(node) for node in formula.fixed.variables):
        raise ModelError("'.' stands for columns, not for a number; write the columns out")


def filled(formula: Formula, columns: Iterable[str]) -> Formula:
    """Put the columns of the data in the place of the dot, as lme4 does: all but the response, grouping factors too.

    Parameters
    ----------
    formula : Formula
        With or without a dot.
    columns : iterable of str
        Those of the data, in their order.

    Returns
    -------
    Formula
        The same formula without a dot.

    Examples
    --------
    >>> canonical(filled(parse("y ~ . + (1 | g)"), ["x", "y", "g"]))
    'y ~ (x + g) + (1 | g)'
    """
    if not formula.dotted:
        return formula
    others = [Name(str(column)) for column in columns if Name(str(column)) != formula.response]
    if not others:
        raise ModelError("'.' stands for no column: the data have none but the response")
    everything: Node = others[0]
    for other in others[1:]:
        everything = call("+", everything, other)
    return of_sides(formula.text, formula.response, replaced(formula.right, Name(DOT), call("(", everything)))


def calls(node: Node) -> Iterator[Call]:
    """Yield every call in a tree."""
    if isinstance(node, Call):
        yield node
        for argument in node.arguments:
            yield from calls(argument)


def dot_note(formula: Formula) -> str:
    """What a dot was filled with; nothing where there was none."""
    if not parse(formula.text).dotted:
        return ""
    columns = [name for name in formula.columns if Name(name) != formula.response]
    return (
        f"'.' stands for {len(columns)} columns, grouping factors too, as in lme4: {shortened(', '.join(columns), 200)}"
    )


def replaced(node: Node, old: Node, new: Node) -> Node:
    """A tree with another in the place of each occurrence of one."""
    match node:
        case Call(function, arguments):
            return call(function, *(replaced(argument, old, new) for argument in arguments), labels=node.labels)
    return new if node == old else node


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


def split_offsets(node: Node) -> tuple[Node | None, tuple[Node, ...]]:
    """Take the offsets out of a sum; return what is left of it, or None, and what each offset holds."""
    match node:
        case Call(_, (inner,)) if node.makes(Result.OFFSET):
            return None, (inner,)
        case Call("+" | "(" as function, (inner,)):
            kept, offsets = split_offsets(inner)
            return (None if kept is None else call(function, kept)), offsets
        case Call("+" | "-" as function, (left, right)):
            left_kept, left_offsets = split_offsets(left)
            right_kept, right_offsets = (right, ()) if function == "-" else split_offsets(right)
            offsets = (*left_offsets, *right_offsets)
            if left_kept is None and function == "-":
                return call("-", Number(1), right), offsets
            if left_kept is None or right_kept is None:
                return (right_kept if left_kept is None else left_kept), offsets
            return call(function, left_kept, right_kept), offsets
    return node, ()
