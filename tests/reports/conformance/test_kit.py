"""The kit in a package of its own outside this repository, without R."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sample import EVERYTHING

from relmer.conformance import checks
from relmer.conformance.checks import Broken, NotClaimed

ROOT = Path(__file__).parents[3]
CASE = "dyestuff/reml"
ADAPTER = re.search(r"```python\n(.*?)```", (ROOT / "docs/conformance.md").read_text(encoding="utf-8"), re.S)
MIXEDLM = """
import re
from relmer.datasets import data_of
from relmer.reference.engines import Fitted

class Engine:
    name = house = "theirs"
    witness_of, definition, needs = None, False, ("mixedlm",)
    capabilities = frozenset({"fit"})
    claims = {"REML", "ML"}
    def available(self): return ""
    def version(self): return "1"
    def environment(self): return {}
    def fit(self, case):
        import mixedlm
        fit = mixedlm.lmer(case.formula, data_of(case), REML=case.reml)
        value = fit.REMLcrit() if case.reml else float(fit.get_deviance())
        return Fitted(figures={"criterion": f"{value:.6f}", "sigma": f"{float(fit.sigma):.4g}"})
"""
# What is wrong with each is told by its name; sigma is 49.51 there, and twice that is no rounding.
FAULTY = """
import time
from relmer.reference.engines import Fitted
from mypkg.adapter import Engine as Honest

class Doubled(Honest):
    def fit(self, case):
        told = dict(super().fit(case).figures)
        return Fitted(figures=told | {"sigma": repr(2 * float(told["sigma"]))})

class Raises(Honest):
    def fit(self, case): raise IndexError("no such level")

class Shapeless(Honest):
    def fit(self, case): return [1.0, 2.0]

class Hangs(Honest):
    def fit(self, case): time.sleep(600)

class Boaster(Honest):
    claims = frozenset({"everything"})
"""

BROKEN = {
    "Raises": "IndexError: no such level",
    "Shapeless": "fit() must return a Fitted, not list",
    "Hangs": "seconds",
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Somebody else's repository."""
    assert ADAPTER is not None
    (tmp_path / "mypkg").mkdir()
    (tmp_path / "nothing").mkdir()
    for name, text in {"__init__": "", "adapter": ADAPTER[1], "theirs": MIXEDLM, "faulty": FAULTY}.items():
        (tmp_path / "mypkg" / f"{name}.py").write_text(text, encoding="utf-8")
    return tmp_path


def kit(package: Path, engine: str, *more: str) -> tuple[int, str]:
    """The command, as it is typed there; no R is on its path."""
    typed = ["--pyargs", "relmer.conformance", "--relmer-engine", engine, "--relmer-case", CASE, *more]
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "R_HOME", "RELMER"))}
    environment = {**clean, "PATH": str(package / "nothing"), "OPENBLAS_NUM_THREADS": "1"}
    command = [str(Path(sys.executable).parent / "pytest"), *typed, "-p", "no:cacheprovider", "-rsx"]
    ended = subprocess.run(
        command, cwd=package, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


def expect(package: Path, diagnosis: str, link: str, rung: int = 5) -> None:
    """An entry of the owner's."""
    entry = f'[[accepted]]\nengine = "mine"\ncase = "{CASE}"\nrung = {rung}\ndiagnosis = "{diagnosis}"\nsize = 1\n'
    (package / "relmer-expected.toml").write_text(entry + link, encoding="utf-8")


@pytest.mark.parametrize("engine, name", [("mypkg.adapter:Engine", "mine"), ("mypkg.theirs:Engine", "theirs")])
def test_an_honest_engine_passes_and_what_it_does_not_claim_is_shown(package: Path, engine: str, name: str) -> None:
    code, said = kit(package, engine)
    assert code == 0, said
    assert f"engine {name} " in said
    assert "9 checks on 1 cases" in said
    assert f"not claimed: {name} does not declare the capability 'criterion'" in said


def test_a_fault_fails_its_entry_makes_it_pass_and_a_stale_one_fails(package: Path) -> None:
    code, said = kit(package, "mypkg.faulty:Doubled")
    assert code == 1, said
    assert re.search(r"Rung 5 \(estimates\) of dyestuff/reml, sigma", said), said
    assert "1 failed" in said
    found = re.search(r'diagnosis = "(.*)"', said)
    assert found is not None, said
    expect(package, found[1], 'link = "sigma is on another scale"')
    code, said = kit(package, "mypkg.faulty:Doubled")
    assert code == 0, said
    assert "sigma is on another scale" in said
    code, said = kit(package, "mypkg.adapter:Engine")
    assert code == 1, said
    assert "is not there any more; remove its entry" in said


def test_an_engine_that_gives_no_answer_is_expected_by_what_it_says(package: Path) -> None:
    """Its failure prints the entry; another message is not covered, and of an engine that answers it is stale."""
    code, said = kit(package, "mypkg.faulty:Raises")
    assert code == 1, said
    entry = said.partition("relmer-expected.toml:\n")[2].partition('link = "the reason"')[0]
    assert 'diagnosis = "failed"' in entry and "no such level" in entry, said
    file = package / "relmer-expected.toml"
    file.write_text(re.sub(r"(?m)^E +", "", entry) + 'link = "issue 7"\n', encoding="utf-8")
    code, said = kit(package, "mypkg.faulty:Raises")
    assert code == 0 and "issue 7" in said, said
    file.write_text(file.read_text(encoding="utf-8").replace("no such level", "another word"), encoding="utf-8")
    code, said = kit(package, "mypkg.faulty:Raises")
    assert code == 1 and "is not there any more" in said, said


def test_an_entry_without_a_reason_is_refused(package: Path) -> None:
    expect(package, "estimates", "")
    code, said = kit(package, "mypkg.adapter:Engine")
    assert code == 4, said
    assert "relmer-expected.toml, entry 1" in said


@pytest.mark.parametrize("engine", BROKEN if EVERYTHING else ["Shapeless"])
def test_a_broken_adapter_is_told_plainly(package: Path, engine: str) -> None:
    code, said = kit(package, f"mypkg.faulty:{engine}", "--relmer-seconds", "4")
    assert code == 1, said
    assert BROKEN[engine] in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "engine, told", [("mypkg.nowhere:Engine", "cannot be loaded"), ("mypkg.faulty:Boaster", "claims 'everything'")]
)
def test_an_engine_that_cannot_be_met_is_one_line(package: Path, engine: str, told: str) -> None:
    code, said = kit(package, engine)
    assert code == 4
    assert told in said
    assert "Traceback" not in said


def test_a_check_is_called_alone(without_r: None) -> None:
    assert checks.criterion_at_theta("pls", CASE).accepted == ()
    with pytest.raises(NotClaimed, match="capability 'stages'"):
        checks.data("statsmodels", CASE)
    assert issubclass(Broken, AssertionError)


def test_the_options_load_nothing_of_relmer() -> None:
    """Every pytest run of whoever installs relmer loads them."""
    code = "import relmer_pytest, sys; print(sorted(m for m in sys.modules if m.split('.')[0] in ('relmer', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
