"""Places in a TOML text: held against a writer that notes where it puts each key and value."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relmer.datasets.places import places, stands

BARE = st.text("abcXYZ019_-", min_size=1, max_size=5)
QUOTED = st.text("ab .[]#=\"'\\é\n", max_size=5)
TEXTS = st.text("ab ,.[]{}#=\"'\\é\n", max_size=8)
SPACE = st.sampled_from(["", " ", "\t"])
LINES = st.sampled_from(["", " ", "\n", "# [[a]] = ]\n", "\n  # x\n"])


def basic(text: str) -> str:
    """A basic string."""
    inner = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{inner}"'


class Writer:
    """Writes TOML by drawn choices, and notes the offsets and the values."""

    def __init__(self, data: st.DataObject) -> None:
        self.data, self.text = data, ""
        self.values: dict[tuple[str | int, ...], int] = {}
        self.keys: dict[tuple[str | int, ...], int] = {}

    def put(self, text: str) -> None:
        self.text += text

    def draw(self, strategy: st.SearchStrategy[Any]) -> Any:
        return self.data.draw(strategy)

    def value(self, way: tuple[str | int, ...], depth: int = 0) -> None:
        self.values[way] = len(self.text)
        kind = self.draw(
            st.sampled_from(["basic", "literal", "long", "raw", "number", "list", "table"][: 7 if depth < 2 else 5])
        )
        text = self.draw(TEXTS)
        if kind == "basic":
            self.put(basic(text))
        elif kind == "literal":
            self.put("'" + text.replace("'", "").replace("\n", "") + "'")
        elif kind == "long":
            self.put('"""' + text.replace("\\", "").replace('"', "q") + 'end"""')
        elif kind == "raw":
            self.put("'''" + text.replace("'", "") + "'''")
        elif kind == "number":
            self.put(self.draw(st.sampled_from(["1", "-2.5e3", "true", "1979-05-27 07:32:00", "1979-05-27", "inf"])))
        elif kind == "list":
            self.put("[" + self.draw(LINES))
            for k in range(self.draw(st.integers(0, 3))):
                self.value((*way, k), depth + 1)
                self.put(self.draw(LINES) + "," + self.draw(LINES))
            self.put("]")
        else:
            self.put("{" + self.draw(SPACE))
            for k, name in enumerate(self.draw(st.lists(BARE, max_size=3, unique=True))):
                self.put(", " if k else "")
                self.pair(way, name, depth + 1)
            self.put(self.draw(SPACE) + "}")

    def pair(self, table: tuple[str | int, ...], name: str, depth: int = 0) -> None:
        way = (*table, name)
        self.keys[way] = len(self.text)
        self.put(basic(name) if not name or self.draw(st.booleans()) or not name.isascii() else name)
        self.put(self.draw(SPACE) + "=" + self.draw(SPACE))
        self.value(way, depth)

    def table(self, header: str, way: tuple[str | int, ...]) -> None:
        self.keys[way] = self.values[way] = len(self.text)
        self.put(header + self.draw(SPACE) + "\n")
        for name in self.draw(st.lists(BARE, max_size=3, unique=True)):
            self.put(self.draw(LINES))
            self.pair(way, name)
            self.put(" # y = 1\n")


@given(st.data())
def test_every_key_and_value_is_found_where_it_was_written(data: st.DataObject) -> None:
    writer = Writer(data)
    for k in range(data.draw(st.integers(0, 3))):
        writer.table("[[ top ]]", ("top", k))
        if data.draw(st.booleans()):
            writer.table('[top."in ner"]', ("top", k, "in ner"))
        for j in range(data.draw(st.integers(0, 2))):
            writer.table("[[top.more]]", ("top", k, "more", j))
    writer.table("[last.'one']", ("last", "one"))
    try:
        tomllib.loads(writer.text)
    except tomllib.TOMLDecodeError:
        # A name of a pair may be that of a table.
        return
    found = places(writer.text)
    assert {way: found.values[way] for way in writer.values} == writer.values
    assert {way: found.keys[way] for way in writer.keys} == writer.keys


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("a = 1\nb = ", 2, 5), ("[[case]\n", 1, 7), ('a = "x', 1, 7), ("\n\na = 1\na = 2\n", 4, 6), ("a = [1,\n", 2, 1)],
)
def test_a_text_that_is_no_toml_is_told_by_line_and_column(text: str, line: int, column: int) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    place, said = stands(caught.value, text)
    assert (place.line, place.column) == (line, column)
    assert "(at" not in said
