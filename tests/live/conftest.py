"""R with lme4 for the live tests: where RELMER_REQUIRE names lme4, its absence fails and never skips."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from relmer.reference.engines.r.lme4 import Lme4, default


def absent(reason: str, needed: str = "lme4") -> None:
    """Skip for `reason`, or fail where what is needed is required."""
    if needed in os.environ.get("RELMER_REQUIRE", "").replace(",", " ").split():
        pytest.fail(f"RELMER_REQUIRE asks for {needed}, but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def rscript() -> str:
    """Path to Rscript."""
    path = shutil.which("Rscript")
    if path is None:
        absent("Rscript is not on the PATH")
    return str(path)


@pytest.fixture(scope="session")
def rscript_of_inference(rscript: str) -> str:
    """Rscript whose R has lmerTest and pbkrtest; RELMER_REQUIRE=lmerTest asks for them."""
    probe = "for (p in c('lmerTest', 'pbkrtest')) if (!requireNamespace(p, quietly = TRUE)) cat(p, '')"
    said = subprocess.run([rscript, "--vanilla", "-e", probe], check=False, capture_output=True, text=True, timeout=120)
    if said.returncode or said.stdout.strip():
        absent(f"R has no {said.stdout.strip() or 'packages'}", "lmerTest")
    return rscript


@pytest.fixture(scope="session")
def lme4_engine() -> Iterator[Lme4]:
    """lme4 as a user calls it."""
    engine = default()
    if reason := engine.available():
        absent(reason)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def rscript_of_2() -> list[str]:
    """The words that start an Rscript whose lme4 is of 2.0 or later: those of RELMER_RSCRIPT_2, else Rscript.

    RELMER_REQUIRE=lme4-2 asks for it; without it the skip says what there is instead.
    """
    words = shlex.split(os.environ.get("RELMER_RSCRIPT_2", "Rscript"))
    if shutil.which(words[0]) is None:
        absent(f"{words[0]} is not on the PATH; structured covariances are asked of lme4 >= 2.0", "lme4-2")
    asked = [*words, "-e", "cat(format(packageVersion('lme4')))"]
    said = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=120)
    version = said.stdout.strip()
    if tuple(map(int, re.findall(r"\d+", version)))[:1] < (2,):
        absent(f"lme4 is {version or 'missing'}; structured covariances are asked of lme4 >= 2.0", "lme4-2")
    return words
