"""lme4 itself, in its child process: the figures that it is known for, and what happens when R misbehaves."""

import itertools
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sample import together_or_one_by_one

from relmer.datasets import Case, case
from relmer.reference.answers.answer import Status, data_seen, fingerprint
from relmer.reference.engines.errors import EngineError
from relmer.reference.engines.protocol import answer
from relmer.reference.engines.r import lme4_process
from relmer.reference.engines.r.lme4 import Lme4, tight
from relmer.reference.engines.r.lme4_process import Lme4Process
from relmer.reports.run import sources
from relmer.solver.errors import ModelError

pytestmark = pytest.mark.live

MADE = itertools.count()
SLEEP = case("sleepstudy/slopes-reml")
EVALUATOR = """
import sys, types
# What rpy2 looks for is its own help in C, which is there where it was built with a compiler; it turns strides about.
sys.modules.setdefault("rpy2.rinterface_lib._bufferprotocol", types.SimpleNamespace(memoryview_swapstrides=id))
from rpy2 import rinterface
from relmer.reference.engines.r import embedded_r, lme4_child
from relmer.reference.engines.child import serve

def answer(request):
    if request["op"] == "evaluate":
        lme4_child.functions()
        return {"value": embedded_r.plain(rinterface.evalr(request["text"]))}
    return lme4_child.answer(request)

serve(answer)
"""
# An independent view of the same models: dense algebra on what lme4 exports, printed as hexadecimal doubles.
DIRECT = """
suppressMessages(library(lme4))
hex <- function(x) cat(sprintf("%a", as.numeric(x)), "\\n")
show <- function(formula, REML) {
  fit <- lmer(formula, sleepstudy, REML)
  cat(names(getME(fit, "theta")), "\\n")
  hex(getME(fit, "theta")); hex(REMLcrit(fit)); hex(fixef(fit))
  hex(unlist(ranef(fit, condVar = FALSE)$Subject))
  hex(as.matrix(getME(fit, "Z"))); hex(model.matrix(fit))
  ZL <- as.matrix(getME(fit, "Z") %*% getME(fit, "Lambda"))
  V <- sigma(fit)^2 * (tcrossprod(ZL) + diag(nrow(ZL)))
  hex(diag(V)); hex(rowSums(V)); hex(fitted(fit)); hex(sqrt(diag(as.matrix(vcov(fit)))))
}
show(Reaction ~ Days + (Days | Subject), TRUE)
"""


@pytest.fixture
def evaluator(lme4_engine, tmp_path):
    """An engine whose child, in this test only, also evaluates R code."""
    program = tmp_path / "evaluator.py"
    program.write_text(EVALUATOR)
    with Lme4Process((str(program),), memory_bytes=4 * 2**30) as process:
        yield Lme4("evaluator", "default", process)


def evaluate(engine: Lme4, text: str, seconds: float = 60) -> object:
    return engine._process.child.request({"op": "evaluate", "text": text}, seconds)["value"]


@pytest.mark.parametrize(("text", "value"), [("numeric(0)", []), ("integer(0)", []), ("c(1.5, 2)", [1.5, 2.0])])
def test_a_vector_is_read_however_rpy2_was_built(evaluator, text, value):
    """rpy2's view of no numbers, by its help in C, is a TypeError: every fit failed that had a part of length zero."""
    assert evaluate(evaluator, text) == value


def made(monkeypatch: pytest.MonkeyPatch, frame: pd.DataFrame, formula: str, reml: bool = True) -> Case:
    """Make a case on data of the test's own."""
    monkeypatch.setattr(lme4_process, "data_of", lambda case: frame)
    return Case(f"made/{formula}", f"made {next(MADE)}", formula, reml, "", "", {})


def test_the_default_fit_of_sleepstudy_is_the_one_that_users_see(lme4_engine):
    fitted = lme4_engine.fit(SLEEP)
    if lme4_engine.version() == "1.1-31":
        assert fitted.evaluations == 43
        assert fitted.estimates.theta == pytest.approx((0.9667417740, 0.0151690589, 0.2309099532), abs=1e-10)
    assert fitted.warnings == ()
    assert fitted.estimates.criterion == pytest.approx(1743.628271959952, rel=1e-9)
    assert fitted.estimates.beta == pytest.approx((251.4051048, 10.4672860), rel=1e-8)
    assert fitted.estimates.se == pytest.approx((6.824597, 1.545790), rel=1e-6)


def test_the_tight_fit_is_no_worse_than_any_known(lme4_engine):
    fitted = tight().fit(SLEEP)
    assert fitted.estimates.criterion == pytest.approx(1743.628271958491, rel=1e-14)
    assert fitted.estimates.theta == pytest.approx((0.9667328936, 0.0151690675, 0.2309095920), abs=1e-6)


def test_the_tight_fit_escapes_the_false_minimum_of_the_star_data(lme4_engine):
    star = case("star/kindergarten-reml")
    assert lme4_engine.fit(star).estimates.criterion > 55196
    fitted = tight().fit(star)
    assert fitted.estimates.criterion == pytest.approx(55060.5344430553, rel=1e-13)
    assert fitted.warnings == ("boundary (singular) fit: see help('isSingular')",)


def test_the_criterion_at_given_theta(lme4_engine):
    at_start, at_boundary, at_fit = lme4_engine.criterion(
        SLEEP, [(1, 0, 1), (0, 0, 0), (0.9667417740, 0.0151690589, 0.2309099532)]
    )
    assert at_start == 1773.6803306160002
    assert at_boundary == pytest.approx(1893.663663472109, rel=1e-14)
    assert np.isnan(lme4_engine.criterion(SLEEP, [(float("nan"), 0, 1)])[0])
    assert at_fit == pytest.approx(1743.628271959952, rel=1e-14)


def test_without_variance_the_criterion_is_that_of_least_squares(lme4_engine):
    plain = Case("sleep/plain", "sleepstudy", "Reaction ~ Days", True, "", "", {})
    assert lme4_engine.criterion(plain, [()]) == pytest.approx(lme4_engine.criterion(SLEEP, [(0, 0, 0)]), rel=1e-14)


def test_a_theta_of_the_wrong_length_is_refused(lme4_engine):
    with pytest.raises(EngineError, match="theta has 2 entries, but the model takes 3"):
        lme4_engine.criterion(SLEEP, [(1, 0, 1), (1, 1)])


def test_the_stages_and_the_fit_are_those_of_an_independent_run_of_r(lme4_engine, rscript):
    run = subprocess.run([rscript, "--vanilla", "-e", DIRECT], capture_output=True, text=True, timeout=120, check=True)
    names, *lines = run.stdout.splitlines()
    theta, criterion, beta, b, Z, X, V_diagonal, V_rowsum, fitted, se = (
        np.array([float.fromhex(word) for word in line.split()]) for line in lines
    )
    data, model = lme4_engine.stages(SLEEP)
    assert " ".join(model.theta_names) == names.strip()
    assert model.coefficients == ("(Intercept)", "Days")
    assert fingerprint(X.reshape((180, 2), order="F")) == model.X
    assert fingerprint(Z.reshape((180, 36), order="F")) == model.Z
    template = np.kron(np.eye(18), np.array([[1.0, 0.0], [2.0, 3.0]]))
    assert model.Lambda == fingerprint(template)
    assert [(term.group, term.columns, term.levels) for term in model.terms] == [
        ("Subject", ("(Intercept)", "Days"), 18)
    ]
    estimates = lme4_engine.fit(SLEEP).estimates
    assert estimates.theta == tuple(theta)
    assert estimates.criterion == criterion[0]
    assert estimates.beta == tuple(beta)
    assert np.array(estimates.b).reshape(18, 2) == pytest.approx(b.reshape(2, 18).T, rel=1e-14)
    assert estimates.fitted == tuple(fitted)
    assert estimates.se == pytest.approx(se, rel=1e-15)
    assert estimates.V_diagonal == pytest.approx(V_diagonal, rel=1e-13)
    assert estimates.V_rowsum == pytest.approx(V_rowsum, rel=1e-13)
    T = np.array([[theta[0], 0], [theta[1], theta[2]]])
    G = estimates.sigma**2 * T @ T.T
    assert estimates.varcomp == pytest.approx((G[0, 0], G[1, 0], G[1, 1]), rel=1e-13)
    assert data.rows == 180


def test_terms_are_named_and_ordered_as_lme4_does(lme4_engine):
    _, model = lme4_engine.stages(case("docs/three-level"))
    assert [(term.group, term.levels) for term in model.terms] == [("tch.cl:sch.cl", 30), ("sch.cl", 10)]
    _, model = lme4_engine.stages(case("sleepstudy/uncorrelated-reml"))
    assert [term.group for term in model.terms] == ["Subject", "Subject"]
    assert model.theta_names == ("Subject.(Intercept)", "Subject.Days")


def test_least_squares_in_closed_form(lme4_engine, monkeypatch):
    x = np.arange(6.0)
    y = np.array([1.0, 3.0, 2.0, 5.0, 4.0, 6.0])
    frame = pd.DataFrame({"y": y, "x": x, "twice": 2 * x})
    X = np.column_stack([np.ones(6), x])
    beta, rss = np.linalg.lstsq(X, y)[:2]
    logdet = np.log(np.linalg.det(X.T @ X))
    for reml, df in ((True, 4), (False, 6)):
        plain = made(monkeypatch, frame, "y ~ x + twice", reml)
        variance = rss[0] / df
        estimates = lme4_engine.fit(plain).estimates
        assert estimates.criterion == pytest.approx(df * np.log(2 * np.pi * variance) + df + reml * logdet, rel=1e-13)
        assert estimates.sigma == pytest.approx(np.sqrt(variance), rel=1e-13)
        assert estimates.beta == pytest.approx(beta, rel=1e-12)
        assert np.array(estimates.vcov) == pytest.approx(variance * np.linalg.inv(X.T @ X), rel=1e-12)
        assert estimates.V_diagonal == estimates.V_rowsum == pytest.approx([variance] * 6, rel=1e-13)
        assert (estimates.theta, estimates.varcomp, estimates.b) == ((), (), ())
        data, model = lme4_engine.stages(plain)
        assert (model.X, model.Z.shape, model.terms) == (fingerprint(X), (6, 0), ())
        assert data == data_seen(y, {})


def test_columns_of_every_kind_reach_r_as_they_are(lme4_engine, monkeypatch):
    rows = 24
    y = np.random.default_rng(1).normal(size=rows)
    y[3] = np.nan
    frame = pd.DataFrame(
        {
            "y": y,
            "flag": [k % 2 == 0 for k in range(rows)],
            "word": ["zwei", "éins", "drei"] * (rows // 3),
            "g": pd.Categorical(["b", "c", "a", "b"] * (rows // 4), ["c", "unused", "b", "a"]),
            "dose": pd.Categorical(["lo", "hi", "lo", "hi", "mid", "mid"] * 4, ["lo", "mid", "hi"], ordered=True),
        }
    )
    data, model = lme4_engine.stages(made(monkeypatch, frame, "y ~ flag + word + dose + (1 | g)"))
    assert model.coefficients == ("(Intercept)", "flagTRUE", "wordzwei", "wordéins", "dose.L", "dose.Q")
    kept = frame[frame["y"].notna()]
    codes = np.array([["c", "b", "a"].index(level) for level in kept["g"]])
    assert data == data_seen(kept["y"].to_numpy(), {"g": (["c", "b", "a"], codes)})


def test_a_missing_number_is_na_and_an_infinite_one_is_refused_by_lme4(lme4_engine, monkeypatch):
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0, 7.0, 5.0], "g": [1.0, 1.0, 2.0, 2.0, np.nan, np.nan]})
    data, _ = lme4_engine.stages(made(monkeypatch, frame, "y ~ 1 + (1 | g)"))
    assert (data.rows, data.groupings["g"].levels) == (4, 2)
    frame = frame.fillna(3).replace({"y": {7.0: np.inf}})
    with pytest.raises(EngineError, match="NA/NaN/Inf in 'y'"):
        lme4_engine.fit(made(monkeypatch, frame, "y ~ 1 + (1 | g)"))


def test_messages_and_refusals_are_lme4s_own(lme4_engine, monkeypatch):
    frame = pd.DataFrame({"y": np.arange(8.0) % 3, "x": np.arange(8.0), "z": 2 * np.arange(8.0), "g": list("aabbccdd")})
    fitted = lme4_engine.fit(made(monkeypatch, frame, "y ~ x + z + (1 | g)"))
    assert fitted.warnings == (
        "fixed-effect model matrix is rank deficient so dropping 1 column / coefficient",
        "boundary (singular) fit: see help('isSingular')",
    )
    frame["id"] = [f"i{k}" for k in range(8)]
    with pytest.raises(EngineError, match="number of levels of each grouping factor must be < number of observations"):
        lme4_engine.fit(made(monkeypatch, frame, "y ~ 1 + (1 | id)"))
    monkeypatch.undo()
    assert lme4_engine.criterion(SLEEP, [(1, 0, 1)]) == (1773.6803306160002,)


def test_code_never_reaches_r(lme4_engine, tmp_path):
    trace = tmp_path / "trace"
    with pytest.raises(ModelError):
        lme4_engine.fit(Case("bad", "sleepstudy", f"Reaction ~ file.create('{trace}')", True, "", "", {}))
    assert not trace.exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("quit(status = 3)", "exit status 3"),
        ("{cat('parting words\n'); quit(status = 4)}", "exit status 4; last printed: parting words"),
        ("tools::pskill(Sys.getpid(), 6)", "signal SIGABRT"),
        ("tools::pskill(Sys.getpid(), 11)", "signal SIGSEGV"),
        ("repeat {}", "no answer to 'evaluate' within 2 s"),
        ("Sys.sleep(600)", "no answer to 'evaluate' within 2 s"),
    ],
)
def test_when_r_goes_the_next_request_finds_a_new_one(evaluator, text, expected):
    assert evaluator.criterion(SLEEP, [(1, 0, 1)]) == (1773.6803306160002,)
    with pytest.raises(EngineError) as caught:
        evaluate(evaluator, text, 2)
    assert expected in str(caught.value)
    assert evaluator.criterion(SLEEP, [(1, 0, 1)]) == (1773.6803306160002,)
    assert evaluator._process.child.starts == 2


def test_what_r_prints_does_not_disturb_the_answers(evaluator):
    assert evaluator.available() == ""
    assert evaluate(evaluator, "{for (i in 1:20000) cat('noise', i, '\\n'); system('echo noise'); 1}") == [1.0]
    assert evaluator.criterion(SLEEP, [(1, 0, 1)]) == (1773.6803306160002,)
    assert evaluator._process.child.starts == 1


def test_r_without_memory_says_so_and_lives_on(evaluator):
    assert evaluator.available() == ""
    with pytest.raises(EngineError, match="cannot allocate vector of size"):
        evaluate(evaluator, "numeric(1e9)")
    assert evaluator.criterion(SLEEP, [(1, 0, 1)]) == (1773.6803306160002,)
    assert evaluator._process.child.starts == 1


def test_r_is_vanilla_and_no_double_changes_on_the_way(evaluator, tmp_path, monkeypatch):
    profile = tmp_path / ".Rprofile"
    profile.write_text("options(relmer.seen = TRUE); cat('profile read')")
    monkeypatch.chdir(tmp_path)
    assert evaluator.available() == ""
    assert evaluate(evaluator, "getOption('relmer.seen')") is None
    values = evaluate(evaluator, "c(0.1, pi, 5e-324, -0, Inf, NaN, .Machine$double.xmax)")
    expected = [0.1, np.pi, 5e-324, -0.0, np.inf, np.nan, sys.float_info.max]
    assert [repr(float(value)) for value in values] == [repr(value) for value in expected]


def test_the_environment_names_versions_and_no_path_of_this_machine(lme4_engine):
    environment = lme4_engine.environment()
    assert {"R", "lme4", "Matrix", "nloptr", "minqa", "rpy2", "BLAS", "LAPACK", "platform"} == set(environment)
    assert all(environment.values())
    assert os.sep not in "".join(environment.values())


def test_an_ordinary_program_needs_no_closing(lme4_engine):
    program = (
        "import json\nfrom relmer.datasets import case\nfrom relmer.reference.engines.r.lme4 import default\n"
        "engine = default()\nvalue = engine.criterion(case('sleepstudy/slopes-reml'), [(1, 0, 1)])\n"
        "print(json.dumps([value, engine._process.child.process_id]))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    value, pid = json.loads(run.stdout)
    assert value == [1773.6803306160002]
    assert run.stderr == ""
    assert not Path(f"/proc/{pid}").exists()


# All together, which CI tries, and one by one.
FILES = ("R_PROFILE", "R_PROFILE_USER", "R_TESTS", "R_ENVIRON", "R_ENVIRON_USER", "HOME")
VARIABLES = {
    "R_DEFAULT_PACKAGES": "NULL",
    "R_MAX_VSIZE": "1M",
    "R_GCTORTURE": "1",
    "_R_CHECK_LENGTH_1_CONDITION_": "abort",
}
PROFILE = 'file.create("{trace}"); options(contrasts = c("contr.sum", "contr.poly")); stop("a profile ran")\n'


@pytest.mark.parametrize("variables", together_or_one_by_one(FILES), ids=" ".join)
def test_no_file_of_the_user_runs_when_r_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lme4_engine: Lme4, variables: tuple[str, ...]
) -> None:
    """Neither profiles nor .Renviron files, nor what they would set; the answer is what it always is."""
    trace = tmp_path / "trace"
    (tmp_path / ".Rprofile").write_text(PROFILE.format(trace=trace))
    (tmp_path / ".Renviron").write_text("R_DEFAULT_PACKAGES=NULL\nR_LIBS_SITE=/nowhere\n")
    file = {"HOME": tmp_path, "R_ENVIRON": tmp_path / ".Renviron", "R_ENVIRON_USER": tmp_path / ".Renviron"}
    for variable in variables:
        monkeypatch.setenv(variable, str(file.get(variable, tmp_path / ".Rprofile")))
    monkeypatch.chdir(tmp_path)
    with Lme4Process() as process:
        engine = Lme4("lme4", "default", process)
        assert engine.available() == ""
        assert engine.fit(SLEEP) == lme4_engine.fit(SLEEP)
    assert not trace.exists()


@pytest.mark.parametrize("variables", together_or_one_by_one(VARIABLES), ids=" ".join)
def test_no_variable_of_the_user_changes_how_r_works(
    monkeypatch: pytest.MonkeyPatch, lme4_engine: Lme4, variables: tuple[str, ...]
) -> None:
    for name in variables:
        monkeypatch.setenv(name, VARIABLES[name])
    with Lme4Process() as process:
        assert Lme4("lme4", "default", process).fit(SLEEP) == lme4_engine.fit(SLEEP)


def test_the_environment_says_in_which_order_levels_of_text_are(lme4_engine: Lme4) -> None:
    used = sources(["lme4"])["lme4"]
    assert (used.source, used.environment["levels of text columns"]) == ("live", "by code point (collation C)")
    assert "/" not in lme4_engine.environment()["BLAS"]


@pytest.mark.parametrize("formula", ["Reaction ~ Days + cs(Days | Subject)", "Reaction ~ Days + us(Days | Subject)"])
def test_a_formula_of_a_later_lme4(lme4_engine: Lme4, formula: str) -> None:
    """Structures came with lme4 2.0: an older one is not asked, and a newer one answers."""
    asked = replace(SLEEP, formula=formula)
    said = answer(lme4_engine, asked, [])
    if lme4_process.parts_of_version(lme4_engine.version()) >= (2, 0):
        assert said.status is Status.FITTED
        assert said.estimates is not None and said.estimates.criterion == pytest.approx(1743.62827, abs=1e-4)
        return
    assert said.status is Status.UNSUPPORTED
    assert said.message == f"lme4: {formula} needs lme4 2.0 or later, not {lme4_engine.version()}"
