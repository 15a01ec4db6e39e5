"""A run goes on: past a model that is refused, an engine that fails, and to a marked report after an interrupt."""

import os
import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from planting import planted

from relmer.datasets import case
from relmer.reference.certificates import certificate_of
from relmer.reference.engines.r import lme4_process
from relmer.reports import one_case
from relmer.reports import run as module
from relmer.reports.export import write
from relmer.reports.records import OF_A_FIT, Report
from relmer.reports.run import Interrupted, run, sources
from relmer.reports.verdicts import Verdict

OWN = ("pls", "qr", "gls")
GOOD = case("dyestuff/reml")
# Each level of the grouping factor has one row: Lot/Wafer/Site is the row's own name.
REFUSED = {
    "no residual": replace(
        case("dyestuff/reml"), name="own/refused", dataset="Oxide", formula="Thickness ~ (1 | nosuch)"
    ),
    "two terms alike": replace(
        GOOD, name="own/twice", dataset="Oxide", formula="Thickness ~ (0 + Site | Lot/Wafer/Site)"
    ),
    "not a formula": replace(GOOD, name="own/grammar", formula="Yield ~ (1 | Batch"),
}


@pytest.fixture(autouse=True)
def without_r(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    lme4_process.shared.cache_clear()


def verdicts(report: Report, name: str, engine: str) -> set[Verdict]:
    return {c.verdict for c in report.comparisons if (c.case, c.engine) == (name, engine)}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_model_that_is_refused_is_a_case_all_the_same(kind: str, tmp_path: Path) -> None:
    refused = REFUSED[kind]
    report = run([refused, GOOD], OWN, sources(OWN))
    assert [found.name for found in report.cases] == [refused.name, GOOD.name]
    for engine in OWN:
        assert verdicts(report, refused.name, engine) == {Verdict.UNSUPPORTED}
        assert Verdict.AGREE in verdicts(report, GOOD.name, engine)
    told = [c for c in report.comparisons if c.case == refused.name]
    assert {c.rung for c in told} == OF_A_FIT
    assert all(c.evidence and "\n" not in c.evidence for c in told)
    write(report, tmp_path / "out")


@pytest.mark.parametrize(
    "error", [np.linalg.LinAlgError("singular"), MemoryError(), ZeroDivisionError("x"), KeyError(3)]
)
def test_what_breaks_inside_is_the_verdict_of_its_case(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    honest = one_case.judge_case

    def breaks(asked: object, *arguments: object) -> object:
        if asked == GOOD:
            raise error
        return honest(asked, *arguments)

    monkeypatch.setattr(one_case, "judge_case", breaks)
    report = run([GOOD, case("dyestuff/ml")], ["pls"], sources(["pls"]))
    assert verdicts(report, GOOD.name, "pls") == {Verdict.FAILED}
    assert f"report a bug: {type(error).__name__}" in report.findings[0].text
    assert Verdict.AGREE in verdicts(report, "dyestuff/ml", "pls")


def test_an_answer_that_breaks_the_judge_leaves_the_others_their_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = one_case.judge_case

    def breaks(asked: object, answers: object, judged: tuple[str, ...], *arguments: object) -> object:
        if "qr" in judged:
            raise ValueError("shapes (5,) (2,)")
        return honest(asked, answers, judged, *arguments)

    before = run([GOOD], OWN, sources(OWN))
    monkeypatch.setattr(one_case, "judge_case", breaks)
    after = run([GOOD], OWN, sources(OWN))
    assert verdicts(after, GOOD.name, "qr") == {Verdict.FAILED}
    for report in (before, after):
        assert len(report.figures) == len(before.figures)
    for engine in ("pls", "gls"):
        kept = [[c for c in report.comparisons if c.engine == engine] for report in (before, after)]
        assert kept[0] == kept[1]


TEXT = """
import sys
sys.exit(0)
"""


def test_a_broken_package_does_not_stop_those_who_ask_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(tmp_path / "site", monkeypatch, "broken", TEXT, {"broken": "Engine"})
    names = module.engine_names()
    assert names[-1] == "broken"
    report = run([GOOD], names, sources(names))
    assert verdicts(report, GOOD.name, "broken") == {Verdict.FAILED}
    assert Verdict.AGREE in verdicts(report, GOOD.name, "gls")
    (used,) = (used for used in report.engines if used.name == "broken")
    assert used.note.startswith("engine 'broken' (broken:Engine) cannot be loaded, mend or remove it: SystemExit: 0")


# Two programs that read more than this project's language: they evaluate the model by its paths, one stops above.
READERS = """
import numpy as np
from relmer.datasets import load
from relmer.reference.engines import Fitted
from relmer.reference.own_fits import estimates
from relmer.solver import lmer
from relmer.solver.fits import at_theta
from relmer.solver.paths import criterion, solve_at


class Reader:
    witness_of, definition, needs = None, False, ()
    capabilities = frozenset({"fit", "criterion"})

    def __init__(self, name, stop):
        self.name = self.house = name
        self.stop = stop

    def available(self):
        return ""

    def version(self):
        return "1"

    def environment(self):
        return {}

    def read(self, case):
        return lmer(case.formula.replace("mystery(1)", "1"), load(case.dataset).frame, REML=case.reml)

    def fit(self, case):
        fit = self.read(case)
        return Fitted(estimates(at_theta(fit, self.stop * fit.optimum.theta)))

    def criterion(self, case, thetas):
        fit = self.read(case)
        return tuple(criterion(fit.design, solve_at(fit.prepared, np.array(theta)), case.reml) for theta in thetas)


def right():
    return Reader("right", 1.0)


def alike():
    return Reader("alike", 1.0)


def lazy():
    return Reader("lazy", 0.5)
"""


def test_engines_that_read_what_this_project_refuses_are_held_against_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("right", "alike", "lazy")
    planted(tmp_path / "site", monkeypatch, "readers", READERS, {name: name for name in names})
    unread = replace(GOOD, name="own/unread", formula="Yield ~ mystery(1) + (1 | Batch)")
    report = run([unread], names, sources(names))
    found = {(c.engine, c.rung, c.quantity): c for c in report.comparisons}
    for name in ("right", "alike"):
        assert found[name, 4, "its own criterion"].verdict is Verdict.AGREE
        assert Verdict.WRONG not in verdicts(report, unread.name, name)
    lazy = found["lazy", 4, "its own criterion"]
    assert lazy.verdict is Verdict.WRONG
    assert "'mystery' is not supported" in lazy.evidence
    beta = found["right", 5, "beta"]  # balanced: the mean, wherever they stop
    assert (beta.verdict, beta.reference) == (Verdict.AGREE, "alike 1, lazy 1")
    assert found["right", 5, "se"].verdict is Verdict.UNSUPPORTED
    assert "alike 1: 16.0 digits" in found["right", 5, "se"].evidence
    pair = run([unread], names[:2], sources(names[:2]))
    assert verdicts(pair, unread.name, "right") == {Verdict.AGREE, Verdict.NOT_GIVEN}
    write(report, tmp_path / "out")


@pytest.mark.parametrize("after", [0, 1])
def test_an_interrupt_keeps_what_is_done(after: int, tmp_path: Path) -> None:
    done: list[str] = []

    def interrupted(name: str) -> None:
        done.append(name)
        if len(done) == after:
            raise KeyboardInterrupt

    def at_once(*arguments: object, **keywords: object) -> object:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted) as caught:
        if after == 0:
            patch.setattr(module, "run_case", at_once)
        run([GOOD, case("dyestuff/ml")], ["pls"], sources(["pls"]), progress=interrupted)
    report = caught.value.report
    assert [found.name for found in report.cases] == [GOOD.name][:after]
    told = f"the run was interrupted after {after} of 2 cases: {2 - after} were not judged"
    assert report.findings[0].text == report.environment["partial"] == told
    write(report, tmp_path / "out")
    for file in ("report.json", "report.html", "summary.md"):
        assert told in (tmp_path / "out" / file).read_text(encoding="utf-8"), file


@pytest.mark.parametrize("name", ["docs/three-level", "star/kindergarten-reml", "dyestuff/reml"])
def test_the_hash_of_what_is_certified_is_the_hash_that_is_shown(name: str) -> None:
    certificate = certificate_of(case(name))
    assert certificate is not None
    assert one_case.described(case(name), None).dataset_sha256 == certificate.data.sha256


def test_the_machine_names_its_blas_and_its_kernel() -> None:
    told = module.machine()
    assert {"BLAS", "BLAS kernel", "BLAS libraries"} <= told.keys()
    assert "/" not in told["BLAS libraries"]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the kernels that are named here are of x86-64")
def test_the_kernel_is_that_which_computes() -> None:
    """Byte identity is promised per kernel: one that is chosen from outside is told."""
    asked = [sys.executable, "-c", "from relmer.reports.machine import machine; print(machine()['BLAS kernel'])"]
    found = subprocess.run(
        asked, env={**os.environ, "OPENBLAS_CORETYPE": "Nehalem"}, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "Nehalem" if "openblas" in module.machine()["BLAS"] else found.stdout
