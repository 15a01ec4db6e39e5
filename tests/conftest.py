"""What tests of several rooms share."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sample import examples, with_examples
from threadpoolctl import threadpool_limits

from relmer.reference.engines.r import lme4_process

# No test depends on a time: a machine that is busy makes a draw slow, not wrong.
settings.register_profile("relmer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("relmer")
# One BLAS thread, here and in what tests start: as many workers as cores run, and on small matrices threads that wait
# for each other take up to ten times as long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
threadpool_limits(limits=int(os.environ["OPENBLAS_NUM_THREADS"]), user_api="blas")
# What a shell starts in its background ignores SIGINT, and so do its children: whom a test interrupts would go on.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Files of tests that take minutes, the longest first.
LONG = (
    "test_sweep.py",
    "test_in_browser.py",
    "test_paths_live.py",
    "test_resume.py",
    "test_optimise.py",
    "test_laws.py",
    "test_bank.py",
)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Draw a part of the examples that a property asks for; all with RELMER_ALL (tests/support/sample.py)."""
    with_examples(item, examples)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files first that take minutes, so that no worker is left with one when the others have nothing to do."""
    place = {name: k for k, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONG)))


@pytest.fixture
def without_r(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A PATH on which there is no R."""
    monkeypatch.setenv("PATH", str(tmp_path))
    lme4_process.shared.cache_clear()
    yield
    lme4_process.shared.cache_clear()


def absent(reason: str) -> None:
    """Skip for `reason`, or fail where a browser is required."""
    if "chromium" in os.environ.get("RELMER_REQUIRE", "").replace(",", " ").split():
        pytest.fail(f"RELMER_REQUIRE asks for chromium, but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """Debian's chromium, driven by Playwright."""
    found = shutil.which("chromium")
    if found is None:
        absent("chromium is not on the PATH")
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415
    except ImportError:
        absent("the Python package playwright is not installed: pip install 'relmer[dev]'")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
