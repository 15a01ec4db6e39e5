"""R with lme4 for the live tests: where RELMER_REQUIRE names lme4, its absence fails and never skips."""

import os
import shutil
from collections.abc import Iterator

import pytest

from relmer.reference.engines.r.lme4 import Lme4, default


def absent(reason: str) -> None:
    """Skip for `reason`, or fail where lme4 is required."""
    if "lme4" in os.environ.get("RELMER_REQUIRE", "").replace(",", " ").split():
        pytest.fail(f"RELMER_REQUIRE asks for lme4, but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def rscript() -> str:
    """Path to Rscript."""
    path = shutil.which("Rscript")
    if path is None:
        absent("Rscript is not on the PATH")
    return str(path)


@pytest.fixture(scope="session")
def lme4_engine() -> Iterator[Lme4]:
    """lme4 as a user calls it."""
    engine = default()
    if reason := engine.available():
        absent(reason)
    yield engine
    engine.close()
