"""What CI takes of many: a sample by a rule that is stated here; `nox -s nightly` takes all, by RELMER_ALL=1.

What is left out is not generated, so that nothing of it is skipped.
"""

import os
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar
from zlib import crc32

import pytest
from hypothesis import settings

EVERYTHING = bool(os.environ.get("RELMER_ALL"))
# Examples that a property has at least, of those that its test asks for; beyond these a third.
LEAST, PART = 12, 3

T = TypeVar("T")


def one_of_each(items: Iterable[T], kind: Callable[[T], Hashable], name: Callable[[T], str]) -> list[T]:
    """Of each kind the item whose name has the lowest checksum, in the order of the items; all with RELMER_ALL."""
    listed = [*items]
    if EVERYTHING:
        return listed
    lowest: dict[Hashable, T] = {}
    for item in sorted(listed, key=lambda one: crc32(name(one).encode())):
        lowest.setdefault(kind(item), item)
    return [item for item in listed if lowest[kind(item)] is item]


def together_or_one_by_one(names: Iterable[str]) -> list[tuple[str, ...]]:
    """What is tried in one, where none may have an effect; with RELMER_ALL also each by itself."""
    listed = tuple(names)
    return [listed, *((name,) for name in listed if EVERYTHING)]


def examples(asked: int) -> int:
    """How many examples hypothesis draws where a test asks for so many."""
    return asked if EVERYTHING else min(asked, max(LEAST, asked // PART))


def with_examples(item: pytest.Item, most: Callable[[int], int]) -> None:
    """Let a property draw so many examples of those that its test asks for; other tests are left alone."""
    test = getattr(item, "obj", None)
    function = getattr(test, "__func__", test)
    if getattr(function, "is_hypothesis_test", False):
        own = getattr(function, "_hypothesis_internal_use_settings", None) or settings()
        function._hypothesis_internal_use_settings = settings(own, max_examples=most(own.max_examples))
