"""Random terms: the bars of a formula, taken out of it and expanded as lme4 does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from relmer.solver.errors import ModelError
from relmer.solver.language.functions import BY_PLACE, GROUPING
from relmer.solver.language.labels import number_label
from relmer.solver.language.signatures import Result
from relmer.solver.language.syntax import Call, Constant, Name, Node, Number, call, deparse, functions, names, shown
from relmer.solver.language.terms import Terms, check_arithmetic, expand
from relmer.solver.language.tokens import COMPARISONS
from relmer.solver.model import UNSTRUCTURED, Covariance, structure_of

BARS = ("|", "||")
MOST_NESTED = 20
WEAK = frozenset({*COMPARISONS, "&", "!"})
"""What binds less than a sum."""
COMBINING = ("+", "-", "*", "/", ":", "^", "%in%")
"""The operators of terms, beside which lme4 takes bars out."""


@dataclass(frozen=True)
class Bar:
    """One random term after lme4's expansions of ``||`` and ``/``.

    Attributes
    ----------
    terms : Terms
        The left side of the bar.
    group : Node
        The grouping factor: a column, ``factor(...)`` of one, or interactions of these.
    structure : Covariance
        That of the covariance matrix of one level's effects.
    """

    terms: Terms
    group: Node
    structure: Covariance = UNSTRUCTURED

    @cached_property
    def label(self) -> str:
        """The name that lme4 gives to the grouping factor."""
        return self.group.name if isinstance(self.group, Name) else deparse(self.group)

    @cached_property
    def factors(self) -> tuple[str, ...]:
        """What the grouping factor is made of, in R's spelling, such as ``a`` and ``b`` of ``a:b``."""
        return tuple(deparse(node) for node in factors_of(self.group))


def split_bars(node: Node) -> tuple[Node | None, list[Call]]:
    """Take the bars out of a right-hand side, wherever they stand; return what is left of it, or None, and the bars.

    As lme4's ``nobars``: an operator that loses one of its sides leaves the other, whatever the operator is.
    """
    match node:
        case Call("|" | "||", arguments):
            if any(has_bar(argument) for argument in arguments):
                raise ModelError(f"bars within bars in '{shown(node)}'; put each random term in parentheses")
            return None, [node]
        case Call() if node.makes(Result.STRUCTURE):
            return None, [node]
        case Call(function, (inner,)) if has_bar(node) and function in ("(", "+", "-"):
            kept, bars = split_bars(inner)
            return (None if kept is None else call(function, kept)), bars
        case Call(function, (left, right)) if has_bar(node) and function in COMBINING:
            left_kept, left_bars = split_bars(left)
            right_kept, right_bars = split_bars(right)
            bars = left_bars + right_bars
            if function == "^" and right_kept is None:
                raise ModelError(f"a random term is no exponent: '{shown(node)}'")
            if left_kept is None or right_kept is None:
                return (right_kept if left_kept is None else left_kept), bars
            return call(function, left_kept, right_kept), bars
        case Call(function, _) if has_bar(node):
            raise ModelError(f"a random term can only be added, not used with '{function}': '{shown(node)}'")
    return node, []


def placement_notes(node: Node) -> Iterator[str]:
    """Yield a line for each operator beside a random term that lme4 reads as ``+``."""
    match node:
        case Call("|" | "||", _):
            return
        case Call() if node.makes(Result.STRUCTURE):
            return
        case Call(function, arguments) if has_bar(node):
            if len(arguments) == 2 and function != "+":
                kept = [split_bars(side)[0] for side in arguments]
                if kept[0] is None and kept[1] is not None:
                    yield (
                        f"'{function} {shown(kept[1])}' after random terms alone is read as '+ {shown(kept[1])}', as "
                        f"lme4 does, which takes the random terms out first; write the fixed terms first"
                    )
                elif kept[1] is None:
                    yield f"'{function}' before the random term '{shown(arguments[1])}' is read as '+', as lme4 does"
            for argument in arguments:
                yield from placement_notes(argument)


def has_bar(node: Node) -> bool:
    """Whether there is a bar, or a structure of one, anywhere in a tree."""
    match node:
        case Call(function, arguments):
            return function in BARS or node.makes(Result.STRUCTURE) or any(has_bar(argument) for argument in arguments)
    return False


def expand_bar(node: Call) -> list[Bar]:
    """The random terms of one bar: with ``||`` one for each term of its left side, with ``/`` one for each group."""
    if node.makes(Result.STRUCTURE):
        bar, structure = structured(node)
        return [replace(each, structure=structure) for each in expand_bar(bar)]
    left, right = node.arguments
    groups = expand_groups(right)
    for group in groups:
        check_group(group)
    terms = expand(left)
    check_double_bar(node, terms)
    if not terms.intercept and not terms.terms:
        raise ModelError(f"the random term ({shown(node)}) has no columns; remove it")
    if node.function == "|":
        return [Bar(terms, group) for group in groups]
    separate = [Terms(True, (), ())] if terms.intercept else []
    for term in terms.terms:
        chosen = tuple(as_labelled(terms.variables[i]) for i in term)
        separate.append(Terms(False, chosen, (tuple(range(len(chosen))),)))
    return [Bar(single, group) for single in separate for group in groups]


def structured(node: Call) -> tuple[Call, Covariance]:
    """The bar in ``us()``, ``diag()``, ``cs()`` or ``ar1()``, and the structure.

    Refused is what lme4 2.x reads as something else than it says: a double bar, a bar in parentheses, a bare TRUE.
    """
    name, (bar, *others) = node.function, node.arguments
    plain = f"{name}(x | g)"
    if not isinstance(bar, Call) or bar.function != "|" or node.labels[:1] not in ((), ("",)):
        if any(isinstance(other, Call) and has_bar(other) for other in others):
            raise ModelError(f"the random term comes first; write {plain[:-1]}, hom = TRUE), not '{shown(node)}'")
        if isinstance(bar, Call) and has_bar(bar):
            raise ModelError(f"lme4 2.x reads '{shown(node)}' without the structure; write {plain}, with one bar")
        raise ModelError(f"'{shown(node)}' holds no random term; write {plain}")
    if not others:
        return bar, structure_of(name)
    if node.labels[1:] != ("hom",):
        raise ModelError(f"lme4 2.x does not read '{shown(node)}'; name the argument: {name}(x | g, hom = TRUE)")
    if others[0] not in (Constant("TRUE"), Constant("FALSE")):
        raise ModelError(f"hom is TRUE or FALSE, spelled out, in '{shown(node)}'")
    if isinstance(bar.arguments[1], Call) and bar.arguments[1].function == "/":
        raise ModelError(
            f"lme4 2.x does not nest beside hom, as in '{shown(node)}'; write a term for each grouping factor, "
            f"{name}(x | a, hom = TRUE) + {name}(x | b:a, hom = TRUE)"
        )
    return bar, structure_of(name, others[0] == Constant("TRUE"))


def check_double_bar(node: Call, terms: Terms) -> None:
    """Refuse what lme4 takes apart otherwise: it puts ``0 +`` before the text of each term beside a double bar."""
    weak = next((each for each in terms.variables if isinstance(each, Call) and each.function in WEAK), None)
    if node.function == "||" and weak is not None:
        condition = shown(weak)
        raise ModelError(f"lme4 takes '{condition}' beside '||' for '0 + {condition}'; write I({condition})")


def as_labelled(node: Node) -> Node:
    """What its label says: beside a double bar lme4 reads the labels anew, where numbers have 15 digits and no L."""
    match node:
        case Number(value):
            return Number(float(number_label(value)))
        case Call(function, arguments, labels):
            return Call(function, tuple(map(as_labelled, arguments)), labels)
    return node


def expand_groups(node: Node) -> list[Node]:
    """The grouping factors of one bar: one, or those that ``/``, and since lme4 1.1-36 any operator, make of several.

    The later versions expand them as terms; where there is a ``/``, the factors of each stand the other way round.
    """
    if is_slashes(node):
        return expand_slashes(node)
    if not is_several(node):
        return [node]
    if is_written_with("%in%", node):
        raise ModelError(
            f"'%in%' in the grouping factor '{shown(node)}' is a test in lme4 up to 1.1-35, and a colon in later ones; "
            "write a:b, or factor(... %in% ...)"
        )
    terms = expand(node)
    for variable in terms.variables:
        check_group(variable)
    if len(terms.terms) > MOST_NESTED or not terms.terms:
        raise ModelError(f"'{shown(node)}' makes {len(terms.terms)} grouping factors; write from 1 to {MOST_NESTED}")
    step = -1 if is_written_with("/", node) else 1
    return [interacting([terms.variables[i] for i in term][::step]) for term in terms.terms]


def is_slashes(node: Node) -> bool:
    """Whether it is ``a/b/c`` as all versions of lme4 read it, which nest only in plain columns."""
    match node:
        case Call("/", (left, right)):
            return (isinstance(left, Name) or is_slashes(left)) and not is_several(right)
    return False


def is_several(node: Node) -> bool:
    """Whether a grouping factor is written with operators of terms other than the colon."""
    match node:
        case Call(":" | "(", arguments):
            return any(is_several(argument) for argument in arguments)
        case Call(operator, (_, _)):
            return operator in COMBINING
    return False


def is_written_with(operator: str, node: Node) -> bool:
    """Whether there is this operator of terms, outside of functions."""
    if not isinstance(node, Call) or node.function not in (*COMBINING, "("):
        return False
    return node.function == operator or any(is_written_with(operator, argument) for argument in node.arguments)


def interacting(factors: Sequence[Node]) -> Node:
    """The combinations of some grouping factors."""
    first, *others = factors
    for other in others:
        first = call(":", first, other)
    return first


def expand_slashes(node: Node, depth: int = 1) -> list[Node]:
    """Expand ``a/b/c`` to ``c:(b:a), b:a, a``, the order and the names of lme4."""
    if not (isinstance(node, Call) and node.function == "/"):
        return [node]
    left, right = node.arguments
    if depth == MOST_NESTED:
        raise ModelError(f"more than {MOST_NESTED} grouping factors are nested in each other; write fewer")
    outer = expand_slashes(left, depth + 1)
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
        case Call(function, _) if node.makes(Result.FACTOR) or function in GROUPING:
            check_arithmetic(node)
            if next(names(node), None) is None:
                raise ModelError(f"grouping factor '{shown(node)}' uses no column of the data; remove it")
            coded = next((each for each in functions(node) if each in BY_PLACE), None)
            if coded is not None:
                raise ModelError(
                    f"'{coded}' in the grouping factor '{shown(node)}': lme4 first makes factors of its columns, whose "
                    "numbers are the places of their levels; make it a column of the data"
                )
        case _:
            raise ModelError(f"'{shown(node)}' is no grouping factor; use a column, factor(column), a:b or a/b")
