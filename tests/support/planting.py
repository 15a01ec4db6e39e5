"""Install a package that declares engines, for as long as a test lasts."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

HONEST = """
from relmer.datasets import data_of
from relmer.reference.engines import Fitted
from relmer.reference.own_fits import estimates
from relmer.solver import lmer


class Engine:
    name, house, witness_of, definition = "theirs", "theirs", None, False
    needs, capabilities = (), frozenset({"fit"})

    def available(self):
        return ""

    def version(self):
        return "1"

    def environment(self):
        return {}

    def fit(self, case):
        return Fitted(estimates(lmer(case.formula, data_of(case), REML=case.reml)))
"""
"""An engine of another package that answers as `pls` does, and tells no stages."""


def planted(folder: Path, patch: pytest.MonkeyPatch, package: str, text: str, engines: Mapping[str, str]) -> None:
    """Write module and metadata of `package` into `folder`, and put that on the path, for child processes too."""
    folder.mkdir(exist_ok=True)
    (folder / f"{package}.py").write_text(text, encoding="utf-8")
    metadata = folder / f"{package}-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n", encoding="utf-8")
    lines = [f"{name} = {package}:{maker}\n" for name, maker in engines.items()]
    (metadata / "entry_points.txt").write_text("[relmer.engines]\n" + "".join(lines), encoding="utf-8")
    patch.syspath_prepend(folder)
    patch.setenv("PYTHONPATH", str(folder))
    patch.delitem(sys.modules, package, raising=False)
