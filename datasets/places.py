"""Where in a TOML text each key and each value stands, so that a message can point at it."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Keys: TypeAlias = "tuple[str | int, ...]"

# Of a text that is TOML: what lies between tokens, a key, and the values that hold no other.
BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
PART = r'(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\')'
KEY = re.compile(rf"{PART}(?:[ \t]*\.[ \t]*{PART})*")
SINGLE = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}' + r"|'''(?:[^']|'(?!''))*'{3,5}" + r'|"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'"
    r"|\d{4}-\d{2}-\d{2} \d{2}:[^\s,\]}#]*|[^\s,\]}#]+",
    re.DOTALL,
)


@dataclass(frozen=True)
class Place:
    """A place in a text, counted from 1."""

    line: int
    column: int


@dataclass
class Scanner:
    """A walk through a text that is TOML, which notes where keys and values begin.

    Attributes
    ----------
    text
        It has been parsed without error; the walk relies on that.
    keys, values
        Offsets by the way that leads to a value; an entry of a list, or of [[tables]], goes by its number from 0.
    """

    text: str
    at: int = 0
    keys: dict[Keys, int] = field(default_factory=dict)
    values: dict[Keys, int] = field(default_factory=dict)
    counts: dict[Keys, int] = field(default_factory=dict)

    def walk(self) -> None:
        """Note every place of the text."""
        table: Keys = ()
        self.blank()
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.blank()

    def blank(self) -> None:
        """Go past spaces, lines and comments."""
        found = BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def key(self) -> Keys:
        """Go past a key, and give its parts."""
        found = KEY.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        parts, told = list[str](), tomllib.loads(f"{found[0]} = 0")
        while isinstance(told, dict):
            (name,) = told
            parts.append(name)
            told = told[name]
        return tuple(parts)

    def header(self) -> Keys:
        """Go past a [table] or a [[table]], and give the way to it."""
        start, several = self.at, self.text.startswith("[[", self.at)
        self.at += 1 + several
        self.blank()
        *above, last = self.key()
        way: Keys = ()
        for part in above:
            way = self.latest((*way, part))
        way = (*way, last)
        if several:
            self.counts[way] = self.counts.get(way, 0) + 1
        way = self.latest(way)
        self.keys[way] = self.values[way] = start
        self.blank()
        self.at += 1 + several
        return way

    def latest(self, way: Keys) -> Keys:
        """The way, to the last of the [[tables]] where it leads to such."""
        return (*way, self.counts[way] - 1) if way in self.counts else way

    def pair(self, table: Keys) -> None:
        """Go past a key and its value."""
        start = self.at
        way = (*table, *self.key())
        self.keys[way] = start
        self.blank()
        self.at += 1
        self.blank()
        self.value(way)

    def value(self, way: Keys) -> None:
        """Go past a value, and those within it."""
        self.values[way] = self.at
        opens = self.text[self.at]
        if opens not in "[{":
            found = SINGLE.match(self.text, self.at)
            assert found is not None
            self.at = found.end()
            return
        closes, k = "]}"[opens == "{"], 0
        self.at += 1
        self.blank()
        while self.text[self.at] != closes:
            if opens == "[":
                self.value((*way, k))
            else:
                self.pair(way)
            k += 1
            self.blank()
            if self.text[self.at] == ",":
                self.at += 1
                self.blank()
        self.at += 1


@dataclass(frozen=True)
class Places:
    """The places of a text."""

    text: str
    keys: Mapping[Keys, int]
    values: Mapping[Keys, int]

    def of(self, *way: str | int, key: bool = False) -> Place:
        r"""Where the value stands to which a way leads, or its key; of one that is not there, what it would stand in.

        Examples
        --------
        >>> found = places('[[case]]\nname = "a"\nlevels = { f = ["x", 2] }')
        >>> found.of("case", 0, "levels", "f", 1)
        Place(line=3, column=22)
        >>> found.of("case", 0, "levels", key=True), found.of("case", 0, "formula")
        (Place(line=3, column=1), Place(line=1, column=1))
        """
        known = self.keys if key else self.values
        offset = next((known[way[:k]] for k in range(len(way), 0, -1) if way[:k] in known), 0)
        return place_at(self.text, offset)


def place_at(text: str, offset: int) -> Place:
    """Line and column of an offset."""
    start = text.rfind("\n", 0, offset) + 1
    return Place(text.count("\n", 0, offset) + 1, offset - start + 1)


def places(text: str) -> Places:
    """The places of a text that is TOML."""
    scanner = Scanner(text)
    scanner.walk()
    return Places(text, scanner.keys, scanner.values)


def stands(error: tomllib.TOMLDecodeError, text: str) -> tuple[Place, str]:
    r"""Where a text is no TOML, and what is said of it.

    Examples
    --------
    >>> try:
    ...     tomllib.loads("a = 1\nb = ")
    ... except tomllib.TOMLDecodeError as error:
    ...     stands(error, "a = 1\nb = ")
    (Place(line=2, column=5), 'Invalid value')
    """
    said = str(error)
    found = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", said)
    if found is None:
        return Place(1, 1), said
    place = Place(int(found[1]), int(found[2])) if found[1] else place_at(text, len(text))
    return place, said[: found.start()]


def content_of(text: str) -> dict[str, Any]:
    """What a TOML text holds.

    Raises
    ------
    ValueError
        It is none; or it is nested too deeply to be read.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
