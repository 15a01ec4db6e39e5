"""A formula's text, cut into R's tokens; what is not of the grammar is named with what to do about it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from relmer.solver.errors import ModelError

STRAY = (
    (("<-", "<<-", "->", "->>", ":="), "nothing is assigned in a formula"),
    (("::", ":::"), "a function goes by its name alone"),
    (("&&", "!=="), "for each row it is one &"),
    (("$", "@", "[[", "]]", "{", "}"), "name the column alone"),
    (('"', "'"), "text has a beginning and an end, without other escapes than of quotes and backslashes"),
    (("`",), "a name in backticks has a beginning and an end"),
    (("%",), "of these only %in%, %% and %/% are known"),
    (("=",), "an argument's name comes first; a comparison is =="),
    (("|>", "\\"), "a formula calls functions by name only"),
)
"""What to do about pieces of text that are not of the grammar."""

CONTROL_WORDS = ("if", "else", "repeat", "while", "function", "for", "next", "break", "in")
CONSTANTS = ("TRUE", "FALSE", "NULL", "Inf", "NaN", "NA")
TYPED_MISSING = ("NA_integer_", "NA_real_", "NA_complex_", "NA_character_")
RESERVED = frozenset((*CONTROL_WORDS, *CONSTANTS, *TYPED_MISSING))
TOKEN_PATTERN = re.compile(
    r"(?P<number>0[xX][0-9a-fA-F]+L?|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?L?)"
    r"|(?P<name>(?:[^\W\d_]|\.(?![0-9]))[\w.]*)"
    r"|`(?P<quoted>[^`\\]+)`"
    r"|(?P<text>\"(?:[^\"\\]|\\[\"'\\])*\"|'(?:[^'\\]|\\[\"'\\])*')"
    r"|(?P<other><<?-|->>?|:::?|:=|&&|\|>|\[\[|\]\])"
    r"|(?P<operator>%in%|%%|%/%|\|\||[<>=!]=|[~|+\-*/:^(),<>!&=\[\]])"
    r"|(?P<unknown>.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text, and where it begins."""

    kind: Literal["number", "name", "quoted", "text", "operator", "other", "end"]
    text: str
    position: int

    def is_operator(self, text: str) -> bool:
        """Whether it is this operator, parenthesis or comma."""
        return self.kind == "operator" and self.text == text


def tokens(text: str) -> Iterator[Token]:
    """Cut a text into tokens, the last of them its end; a comment is nothing, as in R."""
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        if text[position] == "#":
            end = text.find("\n", position)
            position = len(text) if end < 0 else end
            continue
        match = TOKEN_PATTERN.match(text, position)
        assert match is not None
        kind = match.lastgroup
        assert kind is not None
        if kind == "name" and not in_alphabet(match[kind]):
            raise syntax_error(text, position, f"put '{match[kind]}' in backticks")
        if kind in ("quoted", "text") and not match[kind].isprintable():
            what = "a name" if kind == "quoted" else "text"
            raise syntax_error(text, position, f"{what} with a character that cannot be printed")
        yield Token("other" if kind == "unknown" else kind, match[kind], position)  # type: ignore[arg-type]
        position = match.end()
    yield Token("end", "", len(text))


def stray_hint(text: str) -> str:
    """What to do about a piece of text that is not of the grammar; nothing where that is not known."""
    for pieces, hint in STRAY:
        if text in pieces:
            return f" ({hint})"
    return ""


def syntax_error(text: str, position: int, why: str) -> ModelError:
    """The error that says what is wrong at a position, between the 30 characters before and after it."""
    shown = " ".join(text[max(0, position - 30) : position].split("\n"))
    rest = " ".join(text[position : position + 30].split("\n"))
    return ModelError(f"cannot read the formula at character {position + 1}: {why}: {shown!r} <here> {rest!r}")


def in_alphabet(name: str) -> bool:
    """Whether each character is a letter, decimal digit, dot or underscore (TOKEN_PATTERN would also take x²)."""
    return all(character.isalpha() or character.isdecimal() or character in "._" for character in name)


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
