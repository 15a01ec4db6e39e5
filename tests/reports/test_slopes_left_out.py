"""An engine that leaves a slope out is heard on its own account, and the others keep their verdicts."""

from pathlib import Path

import pytest
from planting import planted

from relmer.datasets import case
from relmer.reference.engines.r import lme4_process
from relmer.reports.records import Verdict
from relmer.reports.run import run, sources

TEXT = """
from dataclasses import replace
from relmer.reference.engines import engine

class Engine:
    name = house = "noslope"
    witness_of, definition, needs, capabilities = None, False, (), frozenset({"stages", "fit", "criterion"})
    def available(self): return ""
    def version(self): return "1"
    def environment(self): return {}
    def _its(self, case): return replace(case, formula="Reaction ~ Days + (1 | Subject)")
    def stages(self, case): return engine("pls").stages(self._its(case))
    def fit(self, case): return engine("pls").fit(self._its(case))
    def criterion(self, case, thetas):
        its = self._its(case)
        return [engine("pls").criterion(its, [at])[0] if len(at) == 1 else None for at in thetas]
"""
MODEL = case("docs/sleepstudy")


def test_a_slope_left_out_breaks_that_engine_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    lme4_process.shared.cache_clear()
    planted(tmp_path / "site", monkeypatch, "noslope", TEXT, {"noslope": "Engine"})
    names = ("pls", "gls", "lme4", "noslope")
    found = {name: [] for name in names}
    for comparison in run([MODEL], names, sources(names)).comparisons:
        found[comparison.engine].append(comparison)
    assert any(c.verdict.breaks for c in found["noslope"])
    alone = run([MODEL], names[:-1], sources(names[:-1])).comparisons
    for name in names[:-1]:
        assert found[name] == [c for c in alone if c.engine == name]
        assert Verdict.AGREE in {c.verdict for c in found[name]}
