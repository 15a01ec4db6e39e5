"""The closed grammar of formulas: text to a tree of names, constants and calls, and back to R's spelling.

Everything that is not a name or a constant is a call, operators and parentheses included, as in R.
The tree is only ever walked; nothing in it is handed to Python's evaluator.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from relmer.solver.errors import ModelError, shortened
from relmer.solver.language.functions import COLUMNS, ELEMENTS, FUNCTIONS, HINTS, IN_DATA, MARKS, PI, meaning
from relmer.solver.language.labels import LARGEST_INTEGER, number_label, number_of
from relmer.solver.language.signatures import Argument, Binding, Function, Result, bind
from relmer.solver.language.tokens import (
    COMPARISONS,
    CONSTANTS,
    RESERVED,
    SIGNS,
    SPACED,
    STRENGTH,
    Token,
    quoted,
    stray_hint,
    syntax_error,
    tokens,
)

WORD = re.compile(r"[\w.]+")

MAX_CHARACTERS = 5000
MAX_DEPTH = 150

SEQUENCE = ":"
PAIR = 2
FLAGS = {"T": "TRUE", "F": "FALSE"}


@dataclass(frozen=True, slots=True)
class Name:
    """A column of the data."""

    name: str


@dataclass(frozen=True, slots=True)
class Number:
    """A numeric constant, never negative (the sign is a call); R's integer if it is `whole`, as in ``2L``."""

    value: float
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A text constant."""

    text: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant that R has a name for, such as ``TRUE`` or ``pi``, or the name of contrasts."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function, an operator, a pair of parentheses (function ``"("``) or a subscript, with its arguments.

    `labels` are the names that arguments are given by, empty for those that go by position; none if all do.
    """

    function: str
    arguments: "tuple[Node, ...]"
    labels: tuple[str, ...] = ()

    @property
    def meaning(self) -> Function | None:
        """What computes it; None if nothing does, as for ``a:b``, which combines terms (but not for ``1:3``)."""
        if self.function == SEQUENCE and next(names(self), None) is not None:
            return None
        return meaning(self.function, len(self.arguments))

    def makes(self, result: Result) -> bool:
        """Whether it is computed and makes such a result."""
        return self.meaning is not None and self.meaning.result is result

    def label(self, place: int) -> str:
        """The name of an argument: the one that it is given by, else that of the column which it is."""
        argument = self.arguments[place]
        return (self.labels and self.labels[place]) or (argument.name if isinstance(argument, Name) else "")

    def bound(self, function: Function) -> tuple[Binding, ...]:
        """Which arguments each parameter of what computes it gets."""
        return bind(function, self.labels or ("",) * len(self.arguments))


Node = Name | Number | Text | Constant | Call
NOTHING = Constant("NULL")


def call(function: str, *arguments: Node, labels: Sequence[str] = ()) -> Call:
    """Build a call from its arguments."""
    return Call(function, arguments, tuple(labels) if any(labels) else ())


def parse_expression(text: str) -> Node:
    """Read one expression of the closed grammar.

    Parameters
    ----------
    text : str
        R's spelling, at most 5000 characters, nested at most 150 deep.

    Returns
    -------
    Node
        The tree, with R's operator precedence and with the parentheses kept.

    Raises
    ------
    ModelError
        If the text is not an expression of the grammar; the message shows where.

    Examples
    --------
    >>> deparse(parse_expression("a+b:c^2"))
    'a + b:c^2'
    """
    if len(text) > MAX_CHARACTERS:
        raise ModelError(f"formula has {len(text)} characters; the limit is {MAX_CHARACTERS}")
    return Parser(text).parse()


class Parser:
    """Precedence climbing over the tokens of one text; every step down is counted against the limit."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(tokens(text))
        self.next = 0

    def parse(self) -> Node:
        """Read the whole text as one expression."""
        node, _ = self.expression(0, 0)
        if self.peek().kind != "end":
            raise self.unexpected(self.peek(), "an operator was expected")
        return node

    def expression(self, weakest: int, level: int) -> tuple[Node, int]:
        """Read operators that bind at least as strongly as `weakest`; return the tree and its depth."""
        node, depth = self.subscripted(level)
        compared = False
        while (token := self.peek()).kind == "operator":
            strength = STRENGTH.get(token.text, -1)
            if strength < weakest:
                break
            if token.text in COMPARISONS:
                if compared:
                    raise self.error(token, "comparisons cannot be chained; put one in parentheses")
                compared = True
            self.next += 1
            # R reads the exponent down to a sign, so that 2^-1 is 2^(-1).
            right_weakest = strength if token.text == "^" else strength + 1
            right, right_depth = self.expression(right_weakest, level + 1)
            node = call(token.text, node, right)
            depth = self.deeper(max(depth, right_depth), token)
        return node, depth

    def subscripted(self, level: int) -> tuple[Node, int]:
        """Read an operand, and its subscripts: ``[i]`` for values, ``[, j]`` and ``[, j, drop = F]`` for columns."""
        node, depth = self.operand(level)
        while (token := self.peek()).is_operator(ELEMENTS):
            self.take()
            function, labels = ELEMENTS, ["", ""]
            if self.peek().is_operator(","):
                self.take()
                function = COLUMNS
            index, index_depth = self.expression(0, level + 1)
            chosen = [node, index]
            if function == COLUMNS and self.peek().is_operator(","):
                self.take()
                if self.label() != "drop" or self.peek().text not in (*FLAGS, *FLAGS.values()):
                    raise self.error(self.peek(), "after a column there may be drop = FALSE alone")
                chosen.append(Constant(self.take().text))
                labels.append("drop")
            self.expect("]")
            node, depth = call(function, *chosen, labels=labels), self.deeper(max(depth, index_depth), token)
        return node, depth

    def operand(self, level: int) -> tuple[Node, int]:
        """Read a leaf, a call, a sign with what it binds, or parentheses; return the tree and its depth."""
        token = self.take()
        self.deeper(level, token)
        if token.kind == "name" and self.peek().is_operator("("):
            return self.function(token, level)
        if token.kind in ("number", "text", "quoted", "name"):
            return self.leaf(token), 1
        if token.text in SIGNS and token.kind == "operator":
            node, depth = self.expression(SIGNS[token.text], level + 1)
            return call(token.text, node), self.deeper(depth, token)
        if token.is_operator("("):
            node, depth = self.expression(0, level + 1)
            self.expect(")")
            return call("(", node), self.deeper(depth, token)
        if token.is_operator("~"):
            raise self.error(token, "a formula starts with its response")
        raise self.unexpected(token, "a column, a number or '(' was expected")

    def leaf(self, token: Token) -> Node:
        """The constant or the column that a token names."""
        if token.kind == "number":
            return self.number(token)
        if token.kind == "text":
            return Text(token.text)
        if token.kind == "name" and token.text in (*CONSTANTS, PI):
            return Constant(token.text)
        if token.kind == "name" and token.text in RESERVED:
            raise self.error(token, f"'{token.text}' is reserved in R")
        return Name(token.text)

    def function(self, token: Token, level: int) -> tuple[Node, int]:
        """Read the arguments of a known function whose name is the token; return the call and its depth."""
        name = token.text
        function = FUNCTIONS.get(name) or MARKS.get(name)
        if function is None:
            raise self.error(
                token,
                f"function '{shortened(name)}' is not supported in a formula ({HINTS.get(name, IN_DATA)}); "
                f"known functions: {shortened(', '.join(FUNCTIONS), 80)}",
            )
        arguments: list[Node] = []
        labels: list[str] = []
        starts: list[Token] = []
        deepest = 0
        self.expect("(")
        while not self.peek().is_operator(")"):
            if arguments:
                self.expect("," if self.peek().kind != "end" else ")")
            starts.append(self.peek())
            labels.append(self.label())
            node, depth = self.expression(0, level + 1)
            arguments.append(node)
            deepest = max(deepest, depth)
            if len(arguments) > len(function.parameters) and not function.takes_many:
                raise self.error(starts[-1], function.usage)
        if len(arguments) == PAIR and arguments[1] == NOTHING:
            # lme4 puts the arguments back one by one when it looks for double bars: a NULL in the second place is lost.
            arguments, labels = arguments[:1], labels[:1]
        try:
            binding = bind(function, labels)
        except LookupError as error:
            place = error.args[1]
            raise self.error(self.peek() if place is None else starts[place], str(error.args[0])) from None
        for parameter, bound in zip(function.parameters, binding, strict=True):
            if isinstance(bound, int) and parameter.kind in (Argument.FLAG, Argument.SETTING, Argument.CONTRASTS):
                given = arguments[bound]
                if isinstance(given, Name) and (parameter.kind is Argument.CONTRASTS or given.name in FLAGS):
                    # No column: T, F, and the names of contrasts.
                    arguments[bound] = Constant(given.name)
        self.expect(")")
        return call(name, *arguments, labels=labels), self.deeper(deepest, token)

    def label(self) -> str:
        """The name that an argument is given by, if there is one, and its ``=``."""
        token = self.peek()
        if token.kind not in ("name", "quoted") or not self.tokens[self.next + 1].is_operator("="):
            return ""
        self.next += 2
        return token.text

    def number(self, token: Token) -> Number:
        """The finite number that a token spells."""
        value = number_of(token.text.removesuffix("L"))
        if not math.isfinite(value):
            raise self.error(token, "the number is too large")
        return Number(value, token.text.endswith("L") and value == int(value) and value <= LARGEST_INTEGER)

    def expect(self, text: str) -> None:
        """Pass a parenthesis or comma, which must come next."""
        if not self.peek().is_operator(text):
            raise self.unexpected(self.peek(), f"'{text}' was expected")
        self.next += 1

    def peek(self) -> Token:
        """The next token, which stays the next."""
        return self.tokens[self.next]

    def take(self) -> Token:
        """The next token, which is passed unless it is the end."""
        token = self.peek()
        if token.kind != "end":
            self.next += 1
        return token

    def deeper(self, depth: int, token: Token) -> int:
        """One more than a depth, or an error at the token where the depth has reached the limit."""
        if depth >= MAX_DEPTH:
            raise self.error(token, f"nested or chained more than {MAX_DEPTH} deep")
        return depth + 1

    def unexpected(self, token: Token, wanted: str) -> ModelError:
        """The error for a token that cannot stand where it does, with what to do if that is known."""
        before = self.tokens[self.next - 1] if self.next else token
        if token.kind == "end":
            return self.error(token, wanted)
        word = WORD.match(self.text, token.position)
        if word and before.kind in ("name", "number") and token.kind in ("name", "number", "other"):
            name = self.text[before.position : word.end()]
            return self.error(token, f"{wanted}; if '{shortened(name)}' is one name, put it in backticks")
        if token.kind == "other" or token.text == "=":
            return self.error(token, f"unexpected {token.text!r}{stray_hint(token.text)}")
        return self.error(token, wanted)

    def error(self, token: Token, why: str) -> ModelError:
        """The error that shows the text around a token."""
        return syntax_error(self.text, token.position, why)


def deparse(node: Node, *, exact: bool = False) -> str:
    """Spell a tree as R's ``deparse`` does.

    Parameters
    ----------
    node : Node
        The tree.
    exact : bool
        R shows 15 digits of a number, and no L; with `exact`, all that it takes to read the same number again.

    Returns
    -------
    str
        R text.

    Examples
    --------
    >>> deparse(parse_expression("I(x*2 + x / 2) %in% `my column` + cut(x, c(0, 0x1F, 1e5L), right=F)"))
    'I(x * 2 + x/2) %in% `my column` + cut(x, c(0, 31, 100000), right = F)'
    """
    match node:
        case Call("(", (inner,)):
            return f"({deparse(inner, exact=exact)})"
        case Call(sign, (inner,)) if sign in SIGNS:
            return f"{sign}{deparse(inner, exact=exact)}"
        case Call("[" | "[," as opening, (inner, *chosen)):
            within = ", drop = ".join(deparse(each, exact=exact) for each in chosen)
            return f"{deparse(inner, exact=exact)}{opening}{' ' * (opening == COLUMNS)}{within}]"
        case Call(operator, (left, right)) if operator in STRENGTH:
            between = f" {operator} " if operator in SPACED else operator
            return f"{deparse(left, exact=exact)}{between}{deparse(right, exact=exact)}"
        case Call(function, arguments, labels):
            spelled = [deparse(argument, exact=exact) for argument in arguments]
            given = labels or ("",) * len(arguments)
            named = [f"{quoted(name)} = {text}" if name else text for name, text in zip(given, spelled, strict=True)]
            return f"{function}({', '.join(named)})"
    return spelled_leaf(node, exact)


def spelled_leaf(node: Node, exact: bool) -> str:
    """Spell a name or a constant."""
    match node:
        case Name(name):
            return quoted(name)
        case Text(text):
            return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case Number(value, whole):
            if whole:
                return f"{int(value)}L" if exact else f"{int(value)}"
            shown = number_label(value)
            return repr(value) if exact and float(shown) != value else shown
        case Constant(name):
            return name
    raise AssertionError(node)


def shown(node: Node) -> str:
    """Spell a tree for a message, without its middle if it is long."""
    return shortened(deparse(node))


def names(node: Node) -> Iterator[str]:
    """Yield the columns that a tree uses, in the order of the text, with repeats."""
    match node:
        case Name(name):
            yield name
        case Call(_, arguments):
            for argument in arguments:
                yield from names(argument)


def functions(node: Node) -> Iterator[str]:
    """Yield the functions and operators that a tree uses."""
    match node:
        case Call(function, arguments):
            yield function
            for argument in arguments:
                yield from functions(argument)
