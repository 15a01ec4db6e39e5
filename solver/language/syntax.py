"""The closed grammar of formulas: text to a tree of names, numbers and calls, and back to R's spelling.

Everything that is not a name or a number is a call, operators and parentheses included, as in R.
The tree is only ever walked; nothing in it is handed to Python's evaluator.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from relmer.solver.errors import ModelError, shortened
from relmer.solver.language.functions import ARGUMENTS, FUNCTIONS, HINTS, IN_DATA, MARKS, Function, Result, meaning
from relmer.solver.language.labels import number_label

STRAY = (
    ("<>!&", "a comparison: make a logical column in the data first"),
    ("\"'", "text cannot stand in a formula"),
    ("=", "arguments have no names; a comparison needs a column in the data"),
    ("$[@", "name the column alone"),
    ("`", "a name in backticks has a beginning and an end"),
    ("%", "only %in% is known"),
)
"""What to do about pieces of text that are not of the grammar, by their first character."""
WORD = re.compile(r"[\w.]+")

MAX_CHARACTERS = 5000
MAX_DEPTH = 150

# R's binding strengths, weakest first; all of these operators associate to the left but "^".
STRENGTH = {"~": 1, "|": 2, "||": 2, "+": 3, "-": 3, "*": 4, "/": 4, "%in%": 5, ":": 6, "^": 8}
UNARY_STRENGTH = 7
SPACED = frozenset({"~", "|", "||", "+", "-", "*", "%in%"})

CONTROL_WORDS = ("if", "else", "repeat", "while", "function", "for", "next", "break", "in")
CONSTANTS = ("TRUE", "FALSE", "NULL", "Inf", "NaN", "NA")
TYPED_MISSING = ("NA_integer_", "NA_real_", "NA_complex_", "NA_character_")
RESERVED = frozenset((*CONTROL_WORDS, *CONSTANTS, *TYPED_MISSING))
TOKEN_PATTERN = re.compile(
    r"(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>(?:[^\W\d_]|\.(?![0-9]))[\w.]*)"
    r"|`(?P<quoted>[^`\\]+)`"
    r"|(?P<operator>%in%|\|\||[~|+\-*/:^(),])"
    r"|(?P<other>[<>=!]=?|&&?|\"[^\"]*\"|'[^']*'|.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Name:
    """A column of the data."""

    name: str


@dataclass(frozen=True, slots=True)
class Number:
    """A numeric constant, never negative (the sign is a call)."""

    value: float


@dataclass(frozen=True, slots=True)
class Call:
    """A function, an operator or a pair of parentheses (function ``"("``) with its arguments."""

    function: str
    arguments: "tuple[Node, ...]"

    @property
    def meaning(self) -> Function | None:
        """What computes it; None if nothing does, as for ``a:b``, which combines terms."""
        return meaning(self.function, len(self.arguments))

    def makes(self, result: Result) -> bool:
        """Whether it is computed and makes such a result."""
        return self.meaning is not None and self.meaning.result is result


Node = Name | Number | Call


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text, and where it begins."""

    kind: Literal["number", "name", "quoted", "operator", "other", "end"]
    text: str
    position: int

    def is_operator(self, text: str) -> bool:
        """Whether it is this operator, parenthesis or comma."""
        return self.kind == "operator" and self.text == text


def call(function: str, *arguments: Node) -> Call:
    """Build a call from its arguments."""
    return Call(function, arguments)


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
        node, depth = self.operand(level)
        while (token := self.peek()).kind == "operator":
            strength = STRENGTH.get(token.text, -1)
            if strength < weakest:
                break
            self.next += 1
            # R reads the exponent down to a sign, so that 2^-1 is 2^(-1).
            right_weakest = strength if token.text == "^" else strength + 1
            right, right_depth = self.expression(right_weakest, level + 1)
            node = call(token.text, node, right)
            depth = self.deeper(max(depth, right_depth), token)
        return node, depth

    def operand(self, level: int) -> tuple[Node, int]:
        """Read a number, a column, a call, a sign with what it binds, or parentheses; return the tree and its depth."""
        token = self.take()
        self.deeper(level, token)
        if token.kind == "number":
            return self.number(token), 1
        if token.kind == "quoted":
            return Name(token.text), 1
        if token.kind == "name":
            if self.peek().is_operator("("):
                return self.function(token, level)
            if token.text in RESERVED:
                raise self.error(token, f"'{token.text}' is reserved in R")
            return Name(token.text), 1
        if token.text in ("+", "-") and token.kind == "operator":
            node, depth = self.expression(UNARY_STRENGTH, level + 1)
            return call(token.text, node), self.deeper(depth, token)
        if token.is_operator("("):
            node, depth = self.expression(0, level + 1)
            self.expect(")")
            return call("(", node), self.deeper(depth, token)
        if token.is_operator("~"):
            raise self.error(token, "a formula starts with its response")
        raise self.unexpected(token, "a column, a number or '(' was expected")

    def function(self, token: Token, level: int) -> tuple[Node, int]:
        """Read the arguments of a known function whose name is the token; return the call and its depth."""
        name = token.text
        function = FUNCTIONS.get(name) or MARKS.get(name)
        if function is None:
            raise ModelError(
                f"function '{shortened(name)}' is not supported in a formula ({HINTS.get(name, IN_DATA)}); "
                f"known functions: {', '.join(FUNCTIONS)}"
            )
        count = len(function.arguments)
        takes = f"{name}() takes {'one argument' if count == 1 else f'{count} arguments'}"
        if name in ARGUMENTS:
            takes = f"{takes}; {ARGUMENTS[name]}"
        arguments: list[Node] = []
        deepest = 0
        self.expect("(")
        while len(arguments) < count:
            if self.peek().is_operator(")"):
                raise self.error(self.peek(), takes)
            if arguments:
                self.expect(",")
            node, depth = self.expression(0, level + 1)
            arguments.append(node)
            deepest = max(deepest, depth)
        if self.peek().is_operator(",") or self.peek().text == "=":
            raise self.error(self.peek(), takes)
        self.expect(")")
        return call(name, *arguments), self.deeper(deepest, token)

    def number(self, token: Token) -> Number:
        """The finite number that a token spells."""
        value = float(token.text)
        if not math.isfinite(value):
            raise self.error(token, "the number is too large")
        return Number(value)

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
        if token.kind == "other":
            return self.error(token, f"unexpected {token.text[0]!r}{stray_hint(token.text)}")
        return self.error(token, wanted)

    def error(self, token: Token, why: str) -> ModelError:
        """The error that shows the text around a token."""
        return syntax_error(self.text, token.position, why)


def tokens(text: str) -> Iterator[Token]:
    """Cut a text into tokens, the last of them its end."""
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = TOKEN_PATTERN.match(text, position)
        assert match is not None
        kind = match.lastgroup
        assert kind in ("number", "name", "quoted", "operator", "other")
        if kind == "name" and not in_alphabet(match[kind]):
            raise syntax_error(text, position, f"put '{match[kind]}' in backticks")
        if kind == "quoted" and not match[kind].isprintable():
            raise syntax_error(text, position, "a name with a character that cannot be printed")
        yield Token(kind, match[kind], position)  # type: ignore[arg-type]
        position = match.end()
    yield Token("end", "", len(text))


def stray_hint(text: str) -> str:
    """What to do about a piece of text that is not of the grammar; nothing where that is not known."""
    for pieces, hint in STRAY:
        if text[0] in pieces:
            return f" ({hint})"
    return ""


def syntax_error(text: str, position: int, why: str) -> ModelError:
    """The error that says what is wrong at a position, between the 30 characters before and after it."""
    shown = " ".join(text[max(0, position - 30) : position].split("\n"))
    rest = " ".join(text[position : position + 30].split("\n"))
    return ModelError(f"cannot read the formula at character {position + 1}: {why}: {shown!r} <here> {rest!r}")


def deparse(node: Node, *, exact: bool = False) -> str:
    """Spell a tree as R's ``deparse`` does.

    Parameters
    ----------
    node : Node
        The tree.
    exact : bool
        R shows 15 digits of a number; with `exact`, as many as it takes to read the same number again.

    Returns
    -------
    str
        R text.

    Examples
    --------
    >>> deparse(parse_expression("I(x*2 + x / 2) %in% `my column`"))
    'I(x * 2 + x/2) %in% `my column`'
    """
    match node:
        case Name(name):
            return quoted(name)
        case Number(value):
            shown = number_label(value)
            return repr(value) if exact and float(shown) != value else shown
        case Call("(", (inner,)):
            return f"({deparse(inner, exact=exact)})"
        case Call("+" | "-" as sign, (inner,)):
            return f"{sign}{deparse(inner, exact=exact)}"
        case Call(operator, (left, right)) if operator in STRENGTH:
            between = f" {operator} " if operator in SPACED else operator
            return f"{deparse(left, exact=exact)}{between}{deparse(right, exact=exact)}"
        case Call(function, arguments):
            return f"{function}({', '.join(deparse(argument, exact=exact) for argument in arguments)})"


def shown(node: Node) -> str:
    """Spell a tree for a message, without its middle if it is long."""
    return shortened(deparse(node))


def quoted(name: str) -> str:
    """Put backticks around a name that R could not read without them.

    Examples
    --------
    >>> quoted("x.1"), quoted("my column"), quoted("if")
    ('x.1', '`my column`', '`if`')
    """
    match = TOKEN_PATTERN.fullmatch(name)
    if match and match.lastgroup == "name" and in_alphabet(name) and name not in RESERVED:
        return name
    return f"`{name}`"


def in_alphabet(name: str) -> bool:
    """Whether each character is a letter, decimal digit, dot or underscore (TOKEN_PATTERN would also take x²)."""
    return all(character.isalpha() or character.isdecimal() or character in "._" for character in name)


def names(node: Node) -> Iterator[str]:
    """Yield the columns that a tree uses, in the order of the text, with repeats."""
    match node:
        case Name(name):
            yield name
        case Call(_, arguments):
            for argument in arguments:
                yield from names(argument)
