"""The parent's side of lme4, without R: what is sent, what is believed, what a user is told to install."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import Case
from relmer.reference.engines.errors import EngineError, EngineMissing
from relmer.reference.engines.r import lme4_process
from relmer.reference.engines.r.lme4 import Lme4, bobyqa, default, tight
from relmer.reference.engines.r.lme4_process import Lme4Process, advice, column, opening, outdated
from relmer.solver.errors import ModelError

HELLO = {"R": ["4.2.2"], "lme4": ["1.1-31"], "platform": ["a\nplatform"]}
PROGRAM = """
from relmer.reference.engines.child import serve

replies = {replies!r}
serve(lambda request: replies[request["op"]])
"""


def case(formula: str, dataset: str = "sleepstudy") -> Case:
    return Case("test/case", dataset, formula, True, "", "", {})


SLEEP = case("Reaction ~ Days + (Days | Subject)")


@pytest.fixture
def pretender(tmp_path, monkeypatch):
    """Make an engine whose child process gives prepared replies."""
    monkeypatch.setenv("R_HOME", "somewhere")
    made = []

    def make(**replies: object) -> Lme4:
        program = tmp_path / "pretender.py"
        program.write_text(PROGRAM.format(replies={"hello": HELLO, "open": {}, **replies}))
        made.append(Lme4Process((str(program),)))
        return Lme4("pretender", False, made[-1])

    yield make
    for process in made:
        process.close()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            "ffi.error: symbol 'R_getVar' not found in library 'libR.so': undefined symbol: R_getVar",
            "the installed rpy2-rinterface does not fit this R, which has no symbol R_getVar: "
            "3.6.3 to 3.6.5 load R 4.2, 3.6.6 and later need R >= 4.5",
        ),
        ("ImportError: _rinterface_cffi_api.so: undefined symbol: R_getVar", "no symbol R_getVar"),
        ("ModuleNotFoundError: No module named 'rpy2'", "package rpy2 is missing: pip install 'rpy2>"),
        ("OSError: libR.so: cannot open shared object file", "--enable-R-shlib"),
        ("ValueError: r_home is None. Try python -m rpy2.situation", "install R >= 4.0"),
        ("Segmentation\nfault", "R does not start from Python: Segmentation fault"),
    ],
)
def test_an_error_at_the_start_of_r_becomes_advice_in_one_line(error, expected):
    line = advice(error)
    assert expected in line
    assert "\n" not in line


def test_a_folder_of_r_that_is_none_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("R_HOME", str(tmp_path))
    assert advice("OSError: libR.so: cannot open shared object file").startswith("R_HOME names a folder without R")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "R").touch()
    assert "--enable-R-shlib" in advice("OSError: libR.so: cannot open shared object file")


def test_an_r_that_does_not_start_is_given_up_and_said(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "R").touch()
    monkeypatch.setenv("R_HOME", str(tmp_path))
    monkeypatch.setattr(lme4_process, "MEETING_SECONDS", 0.5)
    program = tmp_path / "hangs.py"
    program.write_text("import time\ntime.sleep(600)")
    engine = Lme4("lme4", "default", Lme4Process((str(program),)))
    assert "R does not start from Python: lme4: no answer to 'hello' within 0.5 s" in engine.available()


@pytest.mark.parametrize(
    ("r", "lme4", "expected"),
    [
        ("4.2.2", "1.1-31", ""),
        ("4.0.0", "1.1-26", ""),
        ("10.0.0", "2.0-1", ""),
        ("3.6.3", "1.1-31", "R 3.6.3 is too old: install R >= 4.0"),
        ("", "1.1-31", "R of unknown version is too old"),
        ("4.2.2", "", "R has no package lme4"),
        ("4.2.2", "1.1-25", "lme4 1.1-25 is too old: install lme4 >= 1.1-26"),
        ("4.2.2", "1.0-99", "lme4 1.0-99 is too old"),
    ],
)
def test_versions_that_are_too_old(r, lme4, expected):
    line = outdated({"R": r, "lme4": lme4})
    assert line.startswith(expected)
    assert bool(line) == bool(expected)


def test_without_r_on_the_path_nothing_starts(monkeypatch, tmp_path):
    monkeypatch.delenv("R_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    engine = Lme4("lme4", "default", Lme4Process(("none.py",)))
    assert engine.available().startswith("R is not on the PATH: install R >= 4.0 and its package lme4")
    with pytest.raises(EngineMissing, match="R is not on the PATH"):
        engine.fit(SLEEP)


def test_a_child_that_fails_to_load_r_makes_the_engine_unavailable(tmp_path, monkeypatch):
    monkeypatch.setenv("R_HOME", "somewhere")
    program = tmp_path / "misfit.py"
    program.write_text("raise ImportError('libR.so: undefined symbol: R_getVar')")
    engine = Lme4("lme4", "default", Lme4Process((str(program),)))
    assert "no symbol R_getVar" in engine.available()
    with pytest.raises(EngineMissing, match="and later need R >="):
        engine.version()


def test_versions_are_plain_text(pretender):
    engine = pretender()
    assert engine.available() == ""
    assert engine.version() == "1.1-31"
    assert engine.environment()["platform"] == "a platform"


def test_the_engines_share_one_process():
    assert (default().name, bobyqa().name, tight().name) == ("lme4", "lme4-bobyqa", "lme4-tight")
    assert default()._process is bobyqa()._process is tight()._process


@pytest.mark.parametrize(
    ("values", "kind", "sent"),
    [
        ([1, 2], "number", [1.0, 2.0]),
        ([0.1, None, np.inf, -np.inf], "number", [0.1, None, "Infinity", "-Infinity"]),
        ([True, False], "logical", [True, False]),
        (["b", None, "a\n"], "text", ["b", None, "a\n"]),
        (pd.Categorical(["b", None, "a"], ["b", "a", "c"]), "factor", [1, None, 2]),
    ],
)
def test_columns_as_they_are_sent(values, kind, sent):
    given = column("x", pd.Series(values))
    assert (given["kind"], given["values"]) == (kind, sent)
    assert given.get("levels") == (["b", "a", "c"] if kind == "factor" else None)


def test_a_column_of_another_type_is_refused_by_name():
    with pytest.raises(EngineError, match="column 'took' of type timedelta64"):
        column("took", pd.Series(pd.to_timedelta(["1 day"])))


def test_only_the_columns_of_the_formula_are_sent():
    assert [given["name"] for given in opening(case("Reaction ~ 1 + (1 | Subject)"))["columns"]] == [
        "Reaction",
        "Subject",
    ]


def test_r_gets_the_columns_that_a_dot_stands_for():
    asked = opening(case("Reaction ~ . + (1 | Subject)"))
    assert asked["formula"] == "Reaction ~ (Days + Subject) + (1 | Subject)"
    assert [given["name"] for given in asked["columns"]] == ["Reaction", "Days", "Subject"]


def test_a_column_that_the_data_lack_is_named():
    with pytest.raises(EngineError, match="data set 'sleepstudy' has no column 'Dayz'"):
        opening(case("Reaction ~ Dayz + (1 | Subject)"))


@pytest.mark.parametrize("formula", ["Reaction ~ system('true') + (1 | Subject)", "Reaction ~ quit() + (1|Subject)"])
def test_what_is_no_formula_never_reaches_r(formula):
    with pytest.raises(ModelError):
        opening(case(formula))


def test_a_case_is_opened_once_and_again_only_after_another(pretender, monkeypatch):
    loaded = []
    data_of = lme4_process.data_of
    monkeypatch.setattr(lme4_process, "data_of", lambda case: loaded.append(case) or data_of(case))
    engine = pretender(criterion={"value": {"values": [1.5]}, "warnings": []})
    other = case("Reaction ~ 1 + (1 | Subject)")
    for asked in (SLEEP, SLEEP, other, other, SLEEP):
        assert engine.criterion(asked, [(1.0,)]) == (1.5,)
    assert len(loaded) == 3
    engine.close()
    engine.criterion(SLEEP, [(1.0,)])
    assert len(loaded) == 4


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"values": None},
        {"values": ["x"]},
        {"values": [None]},
        {"values": [[1.0]]},
    ],
)
def test_a_malformed_criterion_is_an_engine_error(pretender, value):
    with pytest.raises(EngineError, match="report a bug"):
        pretender(criterion={"value": value}).criterion(SLEEP, [(1.0,)])


def test_as_many_values_as_thetas(pretender):
    engine = pretender(criterion={"value": {"values": [1.0, "NaN"]}})
    values = engine.criterion(SLEEP, [(1.0,), (2.0,)])
    assert values[0] == 1.0
    assert np.isnan(values[1])
    with pytest.raises(EngineError, match="2 values of the criterion for 1 thetas"):
        engine.criterion(SLEEP, [(1.0,)])


STAGES = {
    "y": [1.0, 2.0, 3.0],
    "X": [1.0, 1.0, 1.0],
    "rows": [3],
    "coefficients": ["(Intercept)"],
    "Zt": {"p": [0, 1, 2, 3], "i": [0, 1, 1], "x": [1.0, 1.0, 1.0], "rows": [2]},
    "Lambdat": {"p": [0, 1, 2], "i": [0, 1], "Lind": [1, 1]},
    "cnms": [["(Intercept)"]],
    "groups": ["g"],
    "nl": [2],
    "theta_names": ["g.(Intercept)"],
    "flist": {"g": {"levels": ["a", "b"], "codes": [0, 1, 1]}},
}


def test_stages_of_a_small_model(pretender):
    data, model = pretender(stages={"value": STAGES}).stages(SLEEP)
    assert (data.rows, data.groupings["g"].levels) == (3, 2)
    assert (model.X.shape, model.Z.shape, model.Lambda.shape) == ((3, 1), (3, 2), (2, 2))
    assert model.Z.weighted == (1 * 1 + 2 * 2 + 3 * 2) / 2
    assert model.Lambda.total == 2


@pytest.mark.parametrize(
    "change",
    [
        {"X": [1.0]},
        {"rows": []},
        {"rows": [-3]},
        {"coefficients": [1]},
        {"Zt": {"p": [0, 1, 2, 3], "i": [0, 1, 9], "x": [1.0, 1.0, 1.0], "rows": [2]}},
        {"Zt": {"p": [0, 9, 2, 3], "i": [0, 1, 1], "x": [1.0, 1.0, 1.0], "rows": [2]}},
        {"Lambdat": {"p": [0, 1, 2], "i": [0, -7], "Lind": [1, 1]}},
        {"Lambdat": {"p": [0, 1, 2], "i": [0, 1], "Lind": [1, None]}},
        {"Lambdat": {"p": [0, 1, 2], "i": [0, 1], "Lind": [1, 10**30]}},
        {"nl": [2, 3]},
        {"flist": {"g": {"levels": ["a", "b"], "codes": [0, None, 1]}}},
        {"flist": []},
        {"flist": 7},
    ],
)
def test_malformed_stages_are_an_engine_error(pretender, change):
    with pytest.raises(EngineError, match="report a bug"):
        pretender(stages={"value": {**STAGES, **change}}).stages(SLEEP)


def test_warnings_are_distinct_bounded_plain_text(pretender):
    numbers = {name: [] for name in ("theta", "se", "varcomp", "b", "fitted", "V_diagonal", "V_rowsum")}
    values = {**numbers, "beta": [1.0, 2.0], "vcov": [1.0, 2.0, 3.0, 4.0], "sigma": ["Infinity"]}
    said = ["singular\n", "singular", "\x1b]0;title\x07", "x" * 9999, *map(str, range(50))]
    reply = {
        "value": {**values, "criterion": ["NaN"], "evaluations": [7], "inference": {"refused": ["no"]}},
        "warnings": said,
    }
    fitted = pretender(fit=reply).fit(SLEEP)
    assert fitted.warnings[:2] == ("singular", "]0;title")
    assert len(fitted.warnings[2]) == 500
    assert len(fitted.warnings) == 20
    assert fitted.warnings[-1] == "and 34 more"
    assert (fitted.evaluations, fitted.estimates.sigma) == (7, float("inf"))
    assert fitted.estimates.vcov == ((1.0, 3.0), (2.0, 4.0))
    assert np.isnan(fitted.estimates.criterion)


def test_available_is_asked_once(pretender, monkeypatch):
    engine = pretender()
    asked = []
    request = engine._process.child.request
    counter = SimpleNamespace(request=lambda *given: asked.append(given) or request(*given), close=engine.close)
    monkeypatch.setattr(engine._process, "child", counter)
    assert [engine.available() for _ in range(3)] == ["", "", ""]
    assert len(asked) == 1
    monkeypatch.undo()
