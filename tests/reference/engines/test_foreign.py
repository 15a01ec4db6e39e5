"""An engine of somebody else's may do what it likes: its answer fails in one line, and the next case is asked."""

import os
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from planting import planted

from relmer.datasets import Case, case
from relmer.reference.answers import Answer, Status
from relmer.reference.engines import EngineUnsupported, answer, engine, engine_names, installed, participant, protocol
from relmer.reference.engines.child import plain_text
from relmer.reference.engines.errors import EngineError
from relmer.reference.engines.foreign import Foreign
from relmer.reference.engines.kin import kin_of
from relmer.reports.evidence import tolerances

# The name of a case says what the engine does; what it answers otherwise is what pls says.
TEXT = r"""
import math, os, signal, stat, sys, time
from dataclasses import replace
from relmer.reference.engines import UNDEFINED, EngineUnsupported, Fitted, engine

class Engine:
    name, house, witness_of, definition, needs = "any", "any", None, False, ()
    capabilities = frozenset({"stages", "criterion", "fit"})
    dialect = {"levels of text columns": "by locale"}
    def available(self): return ""
    def version(self): return "2.0"
    def environment(self): return {"any": "2.0"}
    def stages(self, case):
        return act(case, "stages", lambda: engine("pls").stages(case))
    def criterion(self, case, thetas):
        return act(case, "criterion", lambda: engine("pls").criterion(case, thetas))
    def fit(self, case):
        return act(case, "fit", lambda: engine("pls").fit(case))

def fstat(k):
    try:
        return os.fstat(k).st_mode
    except OSError:
        return 0

def act(case, where, honest):
    member, _, deed = case.name.partition(": ")
    if member != where:
        return honest()
    told = honest()
    namespace = {**globals(), "told": told, "E": lambda **new: Fitted(replace(told.estimates, **new))}
    try:
        return eval(deed, namespace)
    except SyntaxError:
        exec(deed, namespace)
        return namespace.get("said", told)
"""
MODEL = case("docs/sleepstudy")
FAILS = {
    "fit: 1 / 0": "ZeroDivisionError",
    "fit: E(sigma=None)": "sigma must be a number",
    "fit: E(sigma='25.6')": "sigma must be a number",
    "fit: E(sigma=-1.0)": "not negative",
    "fit: E(sigma=math.inf)": "sigma is inf",
    "fit: E(criterion=math.nan)": "criterion is nan",
    "fit: E(beta=(251.4, math.nan))": "beta[2] is nan",
    "fit: E(se=(6.8,))": "se must have 2 entries as beta, not 1",
    "fit: E(vcov=((1.0,),))": "vcov must be 2 × 2",
    "fit: E(fitted=told.estimates.fitted[:-1])": "fitted must have 180 entries",
    "fit: E(V_diagonal=())": "V_diagonal must have 180 entries",
    "fit: E(theta=7)": "theta must be a vector",
    "fit: None": "fit() must return a Fitted, not NoneType",
    "fit: told.estimates": "fit() must return a Fitted, not Estimates",
    "fit: Fitted(None)": "must return estimates as Estimates",
    "fit: Fitted(told.estimates, warnings=7)": "warnings must be texts",
    "fit: sys.exit(0)": "SystemExit: 0",
    "fit: os._exit(0)": "exit status 0",
    "fit: os.kill(os.getpid(), signal.SIGSEGV)": "SIGSEGV",
    "fit: time.sleep(1000)": "within 5 s",
    "fit: len(bytearray(2**42))": "MemoryError",
    "fit: Fitted(None, figures={'beta[x]': '1' * 2**30})": "figures beta[x] is '111",
    "fit: Fitted(None, figures={f'beta[{k}]': '.' + '1' * 10**3 for k in range(2 * 10**5)})": "a message of",
    "fit: raise ValueError(*['y' * 2**20] * 1000)": "ValueError: ('yyy",
    "criterion: told * 2**25": "criterion() gave",
    "fit: [os.write(k, b'9' * 2**20) for k in range(3, 64) if stat.S_ISSOCK(fstat(k))]": "child process killed",
    "fit: raise ValueError('y' * 10**7)": "yyy",
    "fit: raise ValueError('a\\u202eb\\ud800\\x1b[31m')": "ValueError: a b",
    "fit: raise BaseException('base')": "BaseException: base",
    "fit: raise KeyboardInterrupt": "child process stopped",
    "stages: None": "stages() must return a pair",
    "stages: (7, None)": "stages() must return Data or None",
    "stages: raise KeyError('q')": "KeyError",
    "stages: (told[0], replace(told[1], coefficients=(1, 2)))": "coefficients",
    "criterion: told[:-1]": "criterion() gave",
    "criterion: (math.nan, *told[1:])": "criterion()[1] is nan",
    "criterion: (*told[:-1], math.nan)": "is nan",
    "criterion: 7.0": "a value for each theta",
    "criterion: None": "a value for each theta",
}
HARMLESS = {
    "an honest case",
    "fit: print('x' * 10**6)\nsys.stderr.write('y' * 10**6)",
    "fit: os.fork()\nsaid = told",
    "fit: Fitted(told.estimates, warnings=['x' * 2**30])",
    "fit: os.environ.clear()\nsaid = told",
    "fit: from numpy import array\nsaid = E(**{k: array(v) for k, v in vars(told.estimates).items()})",
}


@pytest.fixture(scope="module")
def anybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        planted(tmp_path_factory.mktemp("any"), patch, "anybody", TEXT, {"any": "Engine"})
        yield
        engine("any").close()


def said(deed: str, seconds: float = 20.0) -> Answer:
    return answer(engine("any"), replace_name(deed), [(1.0, 0.0, 1.0)], seconds=seconds)


def replace_name(deed: str) -> Case:
    return replace(MODEL, name=deed)


@pytest.mark.parametrize("deed", FAILS)
def test_whatever_it_does_is_its_verdict(anybody: None, deed: str) -> None:
    found = said(deed, 5.0 if "sleep" in deed else 20.0)
    assert found.status is Status.FAILED
    assert FAILS[deed] in found.message
    assert found.message == plain_text(found.message)
    assert (found.case, found.engine) == (deed, "any")


@pytest.mark.parametrize("deed", sorted(HARMLESS))
def test_what_harms_nobody_is_an_answer(anybody: None, deed: str) -> None:
    """And it is what pls says, to the last bit."""
    before = dict(os.environ)
    found = said(deed)
    assert found.status is Status.FITTED, found.message
    assert found.estimates == engine("pls").fit(MODEL).estimates
    assert dict(os.environ) == before


def test_what_it_rewrites_stays_in_its_process(anybody: None) -> None:
    before = dict(vars(tolerances))
    deed = "fit: import relmer.reports.evidence.tolerances as t\nt.GAP = t.EVALUATION = 1e300"
    assert said(deed).status is Status.FITTED
    assert dict(vars(tolerances)) == before


def test_its_own_words(anybody: None) -> None:
    found = said("fit: Fitted(told.estimates, warnings=['a\\nb', *map(str, range(99))])")
    assert found.warnings[:2] == ("a b", "0")
    assert found.warnings[-1] == "and 51 more"
    assert (found.version, found.environment) == ("2.0", {"any": "2.0"})
    unsupported = said("fit: raise EngineUnsupported('no slopes')")
    assert (unsupported.status, unsupported.message) == (Status.UNSUPPORTED, "no slopes")
    with pytest.raises(EngineUnsupported, match="no slopes"):
        engine("any").fit(replace_name("fit: raise EngineUnsupported('no slopes')"))
    assert engine("any").dialect == {"levels of text columns": "by locale"}


@pytest.mark.parametrize("nothing", ["None", "UNDEFINED"])
def test_a_criterion_that_is_not_defined_is_said_to_be_none(anybody: None, nothing: str) -> None:
    found = said(f"criterion: ({nothing}, *told[1:])")
    assert found.status is Status.FITTED
    assert [point.value is None for point in found.criterion] == [True, False]


def test_parts_of_the_model_that_it_cannot_tell(anybody: None) -> None:
    found = said("stages: (None, replace(told[1], Z=None, Lambda=None))")
    assert found.status is Status.FITTED
    assert (found.data, found.model.Z, found.model.coefficients) == (None, None, ("(Intercept)", "Days"))


def test_a_theta_of_another_model_is_heard(anybody: None) -> None:
    """The slope and its correlation left out: a fault of the model, for rung 2, not of the form."""
    found = said("fit: E(theta=(1.0,), varcomp=(650.0,), b=(0.0,) * 18)\nsaid = E(theta=(1.0,), varcomp=(650.0,))")
    assert found.status is Status.FAILED, "its criterion cannot be had at a theta of another length"
    deed = "fit: E(theta=(1.0,), varcomp=(650.0,), b=(0.0,) * 18)"
    asked = engine("any").answer(replace_name(deed), [], ["stages", "fit"])
    assert asked.estimates.theta == (1.0,)


def test_who_never_answers_is_not_asked_for_ever(anybody: None) -> None:
    for _ in range(2):
        assert "within 3 s" in said("fit: time.sleep(1000)", 3.0).message
    assert "not asked, it left 2 cases in a row" in said("an honest case").message
    engine("any")._late = 0
    assert said("an honest case").status is Status.FITTED


class Double:
    """An engine that a test makes: it is asked where it stands."""

    name, house, witness_of, definition, needs = "double", "double", None, False, ()
    capabilities = frozenset({"fit"})

    def __init__(self, deed: object = None) -> None:
        self.deed = deed

    def available(self) -> str:
        return ""

    def version(self) -> str:
        return "1"

    def environment(self) -> dict[str, str]:
        return {}

    def fit(self, case: Case) -> object:
        if isinstance(self.deed, BaseException):
            raise self.deed
        return self.deed


@pytest.mark.parametrize("deed", [None, 7, SystemExit(0), GeneratorExit(), RecursionError(), EngineError("so it is")])
def test_an_engine_in_this_process_fails_in_one_line_as_well(deed: object) -> None:
    found = answer(Double(deed), MODEL, [])
    assert found.status is Status.FAILED
    assert found.message == plain_text(found.message) != ""


def test_an_interrupt_is_nobodys_failure() -> None:
    with pytest.raises(KeyboardInterrupt):
        answer(Double(KeyboardInterrupt()), MODEL, [])


def test_what_only_looks_like_an_entry_point_is_made_here(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = SimpleNamespace(name="double", value="of a test", load=lambda: Double)
    ours = protocol.entry_points(group="relmer.engines")
    monkeypatch.setattr(protocol, "entry_points", lambda group: [*ours, declared])
    assert isinstance(engine("double"), Double)
    assert "double" in {one.name for one in installed()}


def test_an_entry_point_of_the_backport_is_one_all_the_same(anybody: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who imports importlib_metadata, as Dask does, gets its class from the standard library: it is no looks-like."""

    class EntryPoint:
        def __init__(self, entry: metadata.EntryPoint) -> None:
            self.name, self.value, self.group = entry.name, entry.value, entry.group

    EntryPoint.__module__ = "importlib_metadata"
    monkeypatch.setattr(protocol, "entry_points", lambda group: map(EntryPoint, metadata.entry_points(group=group)))
    found = participant("any")
    assert isinstance(found, Foreign)
    assert not isinstance(engine("pls"), Foreign)


CLASS = """
class Engine:
    name, house, witness_of, definition = {name!r}, "mixed", {witness!r}, False
    needs, capabilities = (), frozenset()
    def available(self): return ""
    def version(self): return "1"
    def environment(self): return {{}}
"""


@pytest.mark.parametrize("house, rivals", [("mixed", ("one", "two")), ("lme4", ("one",))])
def test_two_that_speak_for_one_house_are_refused_and_the_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, house: str, rivals: tuple[str, ...]
) -> None:
    for name in rivals:
        text = CLASS.format(name=name, witness=house).replace('"mixed"', repr(house))
        planted(tmp_path, monkeypatch, f"package_{name}", text, {name: "Engine"})
    kin = kin_of(installed())
    assert kin.witnesses == {"lme4": "lme4-tight"}
    assert {*engine_names()} - {one.name for one in installed()} == {*rivals}
    with pytest.raises(EngineError, match=f"'one' speaks for {house}, and so does"):
        engine("one")
    refused = participant("one")
    assert answer(refused, MODEL, []).status is Status.FAILED


def test_a_name_is_not_taken_from_us_and_not_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("first", "second"):
        text = CLASS.format(name="same", witness=None)
        planted(tmp_path, monkeypatch, package, text, {"same": "Engine", "gls": "Engine"})
    assert engine("gls").definition
    with pytest.raises(EngineError, match=r"'same' is declared twice, as first:Engine and second:Engine; remove one"):
        engine("same")


def test_only_what_is_recorded_of_a_house_excuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """lme4-x is of another house, whatever it is called; its own tight fit has shown nothing."""
    for name, witness in (("lme4-x", None), ("lme4-x-tight", "mixed")):
        package = name.replace("-", "_")
        planted(tmp_path, monkeypatch, package, CLASS.format(name=name, witness=witness), {name: "Engine"})
    kin = kin_of(installed())
    assert kin.witness("lme4-x") == "lme4-x-tight"
    assert kin.recordings("lme4-x") == kin.recordings("pls") == ()
    assert kin.recordings("lme4-bobyqa") == ("lme4", "lme4-bobyqa", "lme4-tight")
