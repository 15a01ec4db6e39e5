"""One model through the whole benchmark: lme4, relmer and the judge, in child processes."""

import argparse
from pathlib import Path

import numpy as np
from benchmarking import bench, results, store

# SPSS, as cited in lme4's documentation: 246.990746.
PUBLISHED = 246.990746


def test_lme4_judges_relmer(rscript: str, tmp_path: Path) -> None:
    model = next(model for model in bench.MODELS if model.name == "Pastes")
    assert model.data is not None
    folder = tmp_path / model.name
    store.write(folder, {"formula": model.formula, "slopes": {}}, model.data())
    options = argparse.Namespace(budget=0.0, limit=300.0)
    for engine in ("lme4", "relmer"):
        record = bench.measure(engine, folder, options, None)
        assert "failed" not in record, record
        bench.keep(folder / f"{engine}-1.json", {**record, "run": "now"})
    bench.keep(folder / "judged.json", bench.judge(folder, options, None))
    found = results.collect(model, folder, bench.ENGINES)
    # Half a unit of the last published digit.
    assert abs(found.optimum - PUBLISHED) <= 5e-7
    for one in (found.engines["lme4"], found.engines["relmer"]):
        assert len(one.rounds) == 1 and one.rounds[0] > 0
        assert 0 <= one.above <= 1e-6
        # The criterion is flat to second order: within 1e-6 of the minimum, theta and all that follow have 3 digits.
        assert one.digits >= 3
        assert np.isfinite([one.errors, *one.cold, *one.memory]).all()
    assert found.engines["mixedlm"].failed == "not measured"
