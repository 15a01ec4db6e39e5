"""The code of docs/python.md runs, in one namespace, in a folder with a file of one's own."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

PAGE = Path(__file__).parents[3] / "docs" / "python.md"


def test_the_page_runs(
    without_r: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(1)
    g = np.repeat(np.arange(8), 6)
    x = random.normal(size=48)
    y = 0.5 * x + random.normal(size=8)[g] + random.normal(size=8)[g] * x + 0.3 * random.normal(size=48)
    pd.DataFrame({"y": y, "x": x, "g": [f"g{k}" for k in g]}).round(3).to_csv(tmp_path / "my.csv", index=False)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 6
    namespace: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), namespace)
    assert (tmp_path / "relmer-report" / "report.html").is_file()
    assert {path.name for path in (tmp_path / "proof").iterdir()} == {"my.reml.json", "trees"}
    assert capfd.readouterr() == ("", "")
