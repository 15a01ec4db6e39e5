"""What all tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from relmer.reference.engines.r import lme4_process


@pytest.fixture
def without_r(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A PATH on which there is no R."""
    monkeypatch.setenv("PATH", str(tmp_path))
    lme4_process.shared.cache_clear()
    yield
    lme4_process.shared.cache_clear()
