"""Options of the conformance kit. Every pytest run where relmer is installed loads this file: it imports nothing.

relmer itself is imported where --relmer-engine is given.
"""

from typing import Any


def pytest_addoption(parser: Any) -> None:
    """The kit's options."""
    group = parser.getgroup("relmer", "relmer's conformance kit (pytest --pyargs relmer.conformance)")
    group.addoption("--relmer-engine", default="", help="the engine: module and class, mypkg.adapter:Engine, or a name")
    group.addoption("--relmer-case", default="*", help="cases whose names match, such as 'docs/*' (all)")
    group.addoption("--relmer-expected", default="", help="accepted failures (relmer-expected.toml in the rootdir)")
    group.addoption("--relmer-seconds", type=float, default=120.0, help="what the engine may take for a case (120)")


def pytest_configure(config: Any) -> None:
    """Meet the engine and read what its owner expects, so that a slip is one line before the first test."""
    if config.getoption("relmer_engine"):
        # Nothing of relmer is loaded for other runs.
        import pytest  # noqa: PLC0415

        from relmer.conformance import ConformanceError, start  # noqa: PLC0415

        try:
            start(config)
        except ConformanceError as error:
            raise pytest.UsageError(str(error)) from None


def pytest_report_header(config: Any) -> str | None:
    """The engine, its version, the cases and relmer's version."""
    session = getattr(config, "relmer", None)
    return None if session is None else str(session.header)
