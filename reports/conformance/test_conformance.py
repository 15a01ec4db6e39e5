"""The kit as pytest runs it: every check on every case."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest

from relmer.conformance.checks import CHECKS, NotClaimed, Seen, stale


def pytest_generate_tests(metafunc: Any) -> None:
    """By case, so that the checks of a case share one answer."""
    session = getattr(metafunc.config, "relmer", None)
    if session is None:
        raise pytest.UsageError("name the engine: --relmer-engine mypkg.adapter:Engine")
    names = [case.name for case in session.cases]
    if "check" not in metafunc.fixturenames:
        named = {entry.case for entry in session.expected}
        none = pytest.param("none", marks=pytest.mark.skip(reason="no failure is expected"))
        metafunc.parametrize("case", [name for name in names if name in named] or [none])
        return
    pairs = [(name, check) for name in names for check in CHECKS]
    metafunc.parametrize("case, check", pairs, ids=[f"{name}-{check.__name__}" for name, check in pairs])


def test_engine(case: str, check: Callable[..., Seen], request: pytest.FixtureRequest) -> None:
    """One check on one case."""
    session = request.config.relmer  # type: ignore[attr-defined]
    try:
        seen = check(request.config.getoption("relmer_engine"), case, session.expected, session.seconds)
    except NotClaimed as reason:
        pytest.skip(f"not claimed: {reason}")
    except AssertionError as broken:
        pytest.fail(str(broken), pytrace=False)
    if seen.early:
        warnings.warn(f"{case} stopped early: {seen.early[0]}", stacklevel=1)
    if seen.accepted:
        pytest.xfail("; ".join(seen.accepted))


def test_expected_failures_are_not_stale(case: str, request: pytest.FixtureRequest) -> None:
    """What the owner expects to fail does fail."""
    session = request.config.relmer  # type: ignore[attr-defined]
    try:
        stale(request.config.getoption("relmer_engine"), case, session.expected, session.seconds)
    except AssertionError as broken:
        pytest.fail(str(broken), pytrace=False)
