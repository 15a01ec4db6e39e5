"""A listing of a fit that stopped a little above the optimum, in however many digits, is nowhere wrong."""

import json
from pathlib import Path

import pytest
from pages import relmer

from relmer.datasets import case
from relmer.reference.answers import recorded
from relmer.reference.own_fits import design_of
from relmer.reports.evidence import figure

# lme4's default fits, as recorded, stop 1e-11 to 1e-7 above these optima.
STOPS = ("sleepstudy/slopes-reml", "orthodont/ml", "penicillin/reml", "cake/reml")


@pytest.mark.parametrize("name", STOPS)
def test_the_digits_of_a_stop_are_never_wrong(name: str, tmp_path: Path, without_r: None) -> None:
    """A stop 1e-9 above moves theta by 1e-5 or so: the sixth digit is the stop's, and no sign of single precision."""
    said = recorded.read("lme4", case(name))
    assert said is not None and said.estimates is not None
    keys = json.loads(relmer("judge", "--template", name).stdout)["figures"]
    values = {key: figure(design_of(case(name)), said.estimates, key) for key in keys}
    listings = [
        {"case": name, "engine": f"in {d} digits", "figures": {key: f"{x:#.{d}g}" for key, x in values.items()}}
        for d in range(4, 11)
    ]
    (tmp_path / "answers.json").write_text(json.dumps(listings), encoding="utf-8")
    found = relmer("judge", str(tmp_path / "answers.json"), "--out", str(tmp_path / "out"))
    assert found.exit_code == 0, found.output
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    seen = {c["verdict"] for c in report["comparisons"] if c["engine"].startswith("in ")}
    assert "agree" in seen and seen <= {"agree", "early", "within", "not given"}
