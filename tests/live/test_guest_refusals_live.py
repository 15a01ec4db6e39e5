"""What nlme refuses by its own words is `unsupported` with them; what goes wrong while it fits has `failed`."""

import itertools
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import Case
from relmer.reference import own_fits
from relmer.reference.engines import EngineError, EngineUnsupported
from relmer.reference.engines.r.guests import Gls, Guest, Nlme
from relmer.reference.engines.r.lme4 import Lme4

pytestmark = pytest.mark.live

MADE = itertools.count()
RNG = np.random.default_rng(1137)
PAIRS = pd.DataFrame({f"x{k}": RNG.normal(size=16) for k in range(4)}).assign(
    y=RNG.normal(size=16) + np.repeat(RNG.normal(0, 5, 8), 2),
    pair=[f"p{i // 2}" for i in range(16)],
    one=[f"n{i:02d}" for i in range(16)],
)
# Within each pair as far apart as they can be.
APART = PAIRS.assign(y=0.1 * PAIRS["x1"] + np.tile([1.0, -1.0], 8))
# x0 and x1 differ between the pairs only, by 1e-5, and nlme divides what is between them by some thousands.
NEAR = PAIRS.assign(
    x1=PAIRS["x0"] + 1e-5 * np.repeat(RNG.normal(size=8), 2), y=PAIRS["y"] + np.repeat(RNG.normal(0, 5000, 8), 2)
)
OFF = {"check.nobs.vs.nRE": "ignore", "check.nobs.vs.nlev": "ignore"}


@pytest.fixture(scope="module")
def guests(lme4_engine: Lme4) -> Iterator[Mapping[str, Guest]]:
    """nlme, which lme4 itself needs: where lme4 is, it is there."""
    engines: dict[str, Guest] = {"nlme": Nlme(), "nlme-gls": Gls()}
    assert not any(engine.available() for engine in engines.values())
    yield engines
    for engine in engines.values():
        engine.close()


@pytest.fixture
def case_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Case]:
    """A case on data of the test's own."""

    def of(frame: pd.DataFrame, formula: str, reml: bool = True, **arguments: object) -> Case:
        monkeypatch.setattr(own_fits, "data_of", lambda case: frame)
        return Case(f"made/{formula}", f"made {next(MADE)}", formula, reml, "", "", **arguments)  # type: ignore[arg-type]

    return of


REFUSED, FAILED = EngineUnsupported, EngineError
# Engine, model, what it comes to, and the words.
SAID = {
    "fewer rows in a group than effects": (
        ("nlme", PAIRS, "y ~ x0 + (x0 + x1 | pair)", REFUSED),
        "^nlme: fewer observations than random effects in all level 1 groups",
    ),
    "columns that lme cannot tell apart": (
        ("nlme", NEAR, "y ~ x0 + x1 + (1 | pair)", FAILED),
        "Singularity in backsolve at level 0, block 1",
    ),
    "a negative correlation": (
        ("nlme-gls", APART, "y ~ x0 + (1 | pair)", REFUSED),
        "gls finds a negative correlation within groups, which no random intercept has",
    ),
    "groups of one row": (("nlme-gls", PAIRS, "y ~ x0 + (1 | one)", FAILED), "NA/NaN/Inf in foreign function call"),
    "as many coefficients as rows": (
        ("nlme", PAIRS, "y ~ one + (1 | pair)", REFUSED),
        "^nlme is not asked, for relmer gives it no X and Z: 16 rows",
    ),
}


@pytest.mark.parametrize("what", SAID)
def test_a_refusal_is_told_from_a_crash(guests: Mapping[str, Guest], case_of: Callable[..., Case], what: str) -> None:
    (name, frame, formula, comes_to), words = SAID[what]
    with pytest.raises(EngineError, match=words) as said:
        guests[name].fit(case_of(frame, formula, checks=OFF))
    assert said.type is comes_to
    assert guests[name].version(), "the process lives on"
