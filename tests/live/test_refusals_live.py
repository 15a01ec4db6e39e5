"""What lme4 refuses when it reads a model is `unsupported` with its words; what goes wrong in a fit has `failed`."""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import Case
from relmer.reference.answers.answer import Status
from relmer.reference.engines import Declaration, EngineError, EngineUnsupported, answer
from relmer.reference.engines.r import lme4_process
from relmer.reference.engines.r.lme4 import Lme4
from relmer.reference.engines.r.rscript import declared
from relmer.solver import lmer

pytestmark = pytest.mark.live

MADE = itertools.count()
RNG = np.random.default_rng(1137)
ROWS = 30
POTS = pd.DataFrame(
    {
        "height": RNG.normal(20, 3, ROWS),
        "dose": RNG.gamma(2.0, 1.5, ROWS),
        "light": RNG.normal(0, 1, ROWS),
        "pot": pd.Categorical([f"p{i // 5}" for i in range(ROWS)]),
        "plant": pd.Categorical([f"n{i:02d}" for i in range(ROWS)]),
        "site": pd.Categorical(["only"] * ROWS),
        "kind": pd.Categorical(["a", "b", "c"] * 10),
        "weight": RNG.uniform(0.5, 2, ROWS),
    }
)


def with_(**columns: object) -> pd.DataFrame:
    return POTS.assign(**columns)


def at(name: str, row: int, value: float) -> pd.DataFrame:
    return with_(**{name: [value if i == row else x for i, x in enumerate(POTS[name])]})


@pytest.fixture(scope="module", params=["rpy2", "Rscript"])
def asked(request: pytest.FixtureRequest, lme4_engine: Lme4, rscript: str) -> Iterator[Lme4]:
    """lme4 by both ways."""
    if request.param == "rpy2":
        yield lme4_engine
        return
    engine = declared(Declaration("lme4@here", (rscript,), None, 120.0, 4 * 2**30))
    yield engine
    engine.close()


@pytest.fixture
def case_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Case]:
    """A case on data of the test's own."""

    def of(frame: pd.DataFrame, formula: str, reml: bool = True, **arguments: object) -> Case:
        monkeypatch.setattr(lme4_process, "data_of", lambda case: frame)
        return Case(f"made/{formula}", f"made {next(MADE)}", formula, reml, "", "", **arguments)  # type: ignore[arg-type]

    return of


# The check, the model it meets, and lme4's words.
REFUSED = {
    "check.nobs.vs.nlev": (POTS, "height ~ dose + (1 | plant)", {}, "number of levels of each grouping factor must be"),
    "check.nobs.vs.nlev of an interaction": (POTS, "height ~ 1 + (1 | pot:plant)", {}, "(problems: pot:plant)"),
    "check.nobs.vs.nRE": (POTS, "height ~ 1 + (dose + light + kind | pot)", {}, "<= number of random effects (=30)"),
    "check.nobs.vs.rankZ": (
        POTS,
        "height ~ dose + (dose + light + kind | pot)",
        {"checks": {"check.nobs.vs.nRE": "ignore", "check.nobs.vs.rankZ": "stop"}},
        "<= rank(Z) (=30)",
    ),
    "check.nlev.gtr.1": (POTS, "height ~ dose + (1 | site)", {}, "grouping factors must have > 1 sampled level"),
    "one level by subset": (POTS, "height ~ 1 + (1 | pot)", {"subset": "pot == 'p1'"}, "must have > 1 sampled level"),
    "NA in Z": (at("dose", 4, np.nan), "height ~ 1 + (dose | pot)", {"na_action": "na.pass"}, "NA in Z"),
    "NA in X": (at("dose", 4, np.nan), "height ~ dose + (1 | pot)", {"na_action": "na.pass"}, "NA/NaN/Inf"),
    "NA in y": (at("height", 4, np.nan), "height ~ 1 + (1 | pot)", {"na_action": "na.pass"}, "NA/NaN/Inf in 'y'"),
    "na.fail": (at("dose", 4, np.nan), "height ~ dose + (1 | pot)", {"na_action": "na.fail"}, "missing values in obj"),
    "no rows": (with_(light=np.nan), "height ~ light + (1 | pot)", {}, "0 (non-NA) cases"),
    "infinite response": (at("height", 2, np.inf), "height ~ dose + (1 | pot)", {}, "NA/NaN/Inf in 'y'"),
    "infinite covariate": (at("dose", 2, -np.inf), "height ~ dose + (1 | pot)", {}, "NA/NaN/Inf in foreign"),
    "text as response": (POTS, "kind ~ dose + (1 | pot)", {}, "response must be numeric"),
    "negative weights": (at("weight", 1, -1.0), "height ~ dose + (1 | pot)", {"weights": "weight"}, "weights >= 0"),
    "a factor of one level in X": (POTS, "height ~ site + (1 | pot)", {}, "factors with 2 or more levels"),
    "a function of the formula": (POTS, "height ~ log(kind) + (1 | pot)", {}, "not meaningful for factors"),
    "poly of missing values": (at("dose", 4, np.nan), "height ~ poly(dose, 2) + (1 | pot)", {}, "missing values are"),
    "as many coefficients as rows": (POTS, "height ~ plant + (1 | pot)", {}, "objective in x0 returns NA"),
    "more coefficients than rows": (POTS, "height ~ plant * dose + (1 | pot)", {}, "objective in x0 returns NA"),
    "without random effects, no rows": (with_(light=np.nan), "height ~ light", {}, "0 (non-NA) cases"),
    "without random effects, infinite": (at("height", 2, np.inf), "height ~ dose", {}, "NA/NaN/Inf in 'y'"),
}


@pytest.mark.parametrize("check", REFUSED)
def test_a_model_that_lme4_refuses_is_unsupported_in_its_words(
    asked: Lme4, case_of: Callable[..., Case], check: str
) -> None:
    frame, formula, arguments, words = REFUSED[check]
    said = answer(asked, case_of(frame, formula, **arguments), [])
    assert (said.status, words in said.message) == (Status.UNSUPPORTED, True), said.message
    assert said.message.startswith("lme4: ")
    assert said.version, "the process lives on"


@pytest.mark.parametrize("search", ["bobyqa", "tight"])
def test_every_search_refuses_what_has_no_reml_criterion_in_lme4s_words(
    asked: Lme4, case_of: Callable[..., Case], search: str
) -> None:
    """By itself bobyqa ends with NaN here, and the tight search in a slip; ML has a criterion, without a bound."""
    engine = Lme4("lme4", search, asked._process)
    with pytest.raises(EngineUnsupported, match="objective in x0 returns NA"):
        engine.fit(case_of(POTS, "height ~ plant + (1 | pot)"))
    assert engine.fit(case_of(POTS, "height ~ plant + (1 | pot)", reml=False)).estimates is not None


@pytest.mark.parametrize(
    ("formula", "checks"),
    [
        ("height ~ dose + (1 | pot) + (1 | plant)", ("check.nobs.vs.nlev", "check.nobs.vs.nRE")),
        ("height ~ dose + (dose + light + kind | pot)", ("check.nobs.vs.nRE",)),
    ],
)
@pytest.mark.parametrize("search", ["default", "bobyqa", "tight"])
def test_with_the_check_off_lme4_fits_what_relmer_fits(
    asked: Lme4, case_of: Callable[..., Case], formula: str, checks: tuple[str, ...], search: str
) -> None:
    """V is determined, so that our own path has the criterion at the optimum: lme4 stops there, or above."""
    off = dict.fromkeys(checks, "ignore")
    fitted = Lme4("lme4", search, asked._process).fit(case_of(POTS, formula, checks=off))
    assert fitted.estimates is not None
    gap = fitted.estimates.criterion - lmer(formula, POTS, checks=off).criterion
    assert -1e-9 < gap < 0.1


# In the evaluation at the start or in the search: lme4 took the model, and has no answer.
FAILED = {
    "an infinite slope": (at("dose", 2, np.inf), "height ~ 1 + (0 + dose | pot)", {}, "objective in x0 returns NA"),
    "an infinite weight": (at("weight", 1, np.inf), "height ~ dose + (1 | pot)", {"weights": "weight"}, "returns NA"),
    "a covariate of 1e-200": (with_(dose=POTS["dose"] * 1e-200), "height ~ dose + (1 | pot)", {}, "Downdated VtV"),
}


@pytest.mark.parametrize("what", FAILED)
def test_a_fit_that_goes_wrong_has_failed(asked: Lme4, case_of: Callable[..., Case], what: str) -> None:
    frame, formula, arguments, words = FAILED[what]
    said = answer(asked, case_of(frame, formula, **arguments), [])
    assert (said.status, words in said.message) == (Status.FAILED, True), said.message


@pytest.mark.parametrize("formula", ["height ~ nowhere + (1 | pot)", "height ~ nosuch(dose) + (1 | pot)"])
def test_what_r_does_not_find_is_a_slip_and_no_refusal(asked: Lme4, formula: str) -> None:
    columns = [lme4_process.column(name, POTS[name]) for name in ("height", "dose", "pot")]
    message = {"op": "open", "formula": formula, "reml": True, "columns": columns, "given": {}}
    with pytest.raises(EngineError, match=r"not found|could not find function") as slip:
        asked._process.child.request(message, 60.0)
    assert not isinstance(slip.value, EngineUnsupported)


def test_after_a_refusal_the_next_model_is_answered(asked: Lme4, case_of: Callable[..., Case]) -> None:
    with pytest.raises(EngineUnsupported):
        asked.fit(case_of(POTS, "height ~ dose + (1 | plant)"))
    assert asked.fit(case_of(POTS, "height ~ dose + (1 | pot)")).estimates is not None
