"""A formula's text, cut into R's tokens; what is not of the grammar is named with what to do about it."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from relmer.solver.errors import ModelError

STRAY = (
    (("<-", "<<-", "->", "->>", ":="), "nothing is assigned in a formula"),
    (("::", ":::"), "a function goes by its name alone"),
    (("&&", "!=="), "for each row it is one &"),
    (("$", "@", "[[", "]]", "{", "}"), "name the column alone"),
    (('"', "'"), "text has a beginning and an end"),
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
    r"(?P<number>0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*[pP][+-]?[0-9]+|[0-9a-fA-F]+)L?|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?L?)"
    r"|(?P<raw>[rR](?P<mark>[\"'])(?P<dashes>-*)"
    r"(?:\((?P<curved>.*?)\)|\[(?P<square>.*?)\]|\{(?P<curly>.*?)\})(?P=dashes)(?P=mark))"
    r"|(?P<name>(?:[^\W\d_]|\.(?![0-9]))[\w.]*)"
    r"|`(?P<quoted>[^`\\]+)`"
    r"|(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<other><<?-|->>?|:::?|:=|&&|\|>|\[\[|\]\])"
    r"|(?P<operator>%in%|%%|%/%|\|\||[<>=!]=|[~|+\-*/:^(),<>!&=\[\]])"
    r"|(?P<unknown>.)",
    re.DOTALL,
)


# R's binding strengths, weakest first; all of these operators associate to the left but "^".
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
STRENGTH = {
    **{"~": 1, "|": 2, "||": 2, "&": 3},
    **dict.fromkeys(COMPARISONS, 5),
    **{"+": 6, "-": 6, "*": 7, "/": 7, "%in%": 8, "%%": 8, "%/%": 8, ":": 9, "^": 11},
}
SIGNS = {"+": 10, "-": 10, "!": 4}
"""What stands before its one operand."""
SPACED = frozenset({"~", "|", "||", "&", "+", "-", "*", "%in%", *COMPARISONS})
ESCAPE = re.compile(
    r"\\(?:x(?P<hexadecimal>[0-9a-fA-F]{1,2})|u(?P<short>[0-9a-fA-F]{1,4})|U(?P<long>[0-9a-fA-F]{1,8})"
    r"|[uU]\{(?P<braced>[0-9a-fA-F]{1,8})\}|(?P<octal>[0-7]{1,3})|(?P<kind>.))",
    re.DOTALL,
)
PLAIN_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
PLAIN_ESCAPES |= {each: each for each in "\\\"'` \n"}


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
        spelled = match[kind]
        if kind == "name" and not in_alphabet(spelled):
            raise syntax_error(text, position, f"put '{spelled}' in backticks")
        if kind in ("text", "raw"):
            spelled = (
                spelled[1:-1] if kind == "text" else next(filter(None, match.group("curved", "square", "curly")), "")
            )
            spelled = unescaped(text, position, spelled) if kind == "text" else spelled
            kind = "text"
        if kind in ("quoted", "text") and not spelled.isprintable():
            what = "a name" if kind == "quoted" else "text"
            raise syntax_error(text, position, f"{what} with a character that cannot be printed")
        yield Token("other" if kind == "unknown" else kind, spelled, position)  # type: ignore[arg-type]
        position = match.end()
    yield Token("end", "", len(text))


def unescaped(text: str, position: int, spelled: str) -> str:
    r"""What R reads between quotes: with ``\t``, ``\x41``, ``\u00e9``, ``\101`` and the like replaced.

    Examples
    --------
    >>> unescaped("", 0, r"\x41\u00e9\101\'\\")
    "AéA'\\"
    """

    def character(match: re.Match[str]) -> str:
        kind, digits = match["kind"], next(filter(None, match.group("hexadecimal", "short", "long", "braced")), "")
        if digits or match["octal"]:
            code = int(digits, 16) if digits else int(match["octal"], 8)
            if not 0 < code < sys.maxunicode:
                raise syntax_error(text, position, f"text with {match[0]}, which is no character")
            return chr(code)
        if kind not in PLAIN_ESCAPES:
            raise syntax_error(text, position, f"text with '{match[0]}', which is no escape of R's")
        return PLAIN_ESCAPES[kind]

    return ESCAPE.sub(character, spelled)


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
