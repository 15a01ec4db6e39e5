"""The examples in the docstrings of every module, by import name."""

import doctest
import importlib
import pkgutil

import pytest

ROOMS = ("solver", "datasets", "reference", "reports")
# These modules run inside the child process and import rpy2 at once.
WITHOUT_R = {"relmer.reference.engines.r.embedded_r", "relmer.reference.engines.r.lme4_child"}


def modules_of(room: str) -> list[str]:
    """Import names of a room and all that is in it."""
    name = f"relmer.{room}"
    found = pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}.")
    return sorted({name, *(module.name for module in found)} - WITHOUT_R)


@pytest.mark.parametrize("name", ["relmer", *(name for room in ROOMS for name in modules_of(room))])
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("room", ROOMS)
def test_there_are_examples(room: str) -> None:
    finder = doctest.DocTestFinder()
    tests = [test for name in modules_of(room) for test in finder.find(importlib.import_module(name))]
    assert sum(len(test.examples) for test in tests) >= 3
