"""What `relmer fit` prints of a fit, beside its numbers."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from relmer.datasets import load
from relmer.reports.commands.main import main
from relmer.solver import lmer


def relmer(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["fit", *arguments], catch_exceptions=False)


def written(data: pd.DataFrame, folder: Path) -> str:
    data.to_csv(folder / "data.csv", index=False)
    return str(folder / "data.csv")


@pytest.fixture
def phases(tmp_path: Path) -> str:
    """Three phases of two rows for each of nine subjects; the last phase's last level in one subject alone."""
    random = np.random.default_rng(4)
    subject = np.repeat(np.arange(9), 6)
    phase = np.tile(np.repeat(["a", "b", "c"], 2), 9)
    phase[(subject > 0) & (phase == "c")] = "b"
    y = random.normal(size=9)[subject] * 2 + (phase == "b") * random.normal(size=9)[subject] + random.normal(size=54)
    return written(pd.DataFrame({"y": y, "phase": phase, "id": [f"s{k}" for k in subject]}), tmp_path)


@pytest.mark.parametrize("method", ["pls", "qr", "gls"])
def test_what_reml_leaves_open_is_named_and_marked(phases: str, method: str) -> None:
    asked = ("y ~ phase + (0 + phase | id)", phases, "--method", method)
    text = relmer(*asked).stdout
    row = next(line for line in text.splitlines() if "phasec" in line and "id" not in line)
    assert row.count("(open)") == 3
    assert "left open by the data" in text
    assert "id.phasec" in text
    assert not any("(open)" in line for line in text.splitlines() if "phaseb" in line and "id" not in line)
    plain = json.loads(relmer(*asked, "--json").stdout)["unidentified"]
    assert plain["beta"] == plain["se"] == ["phasec"]
    assert {name for names in plain["theta"] for name in names} >= {"id.phasec"}
    maximum = relmer(*asked, "--ml")
    assert "open" not in maximum.stdout


def test_covariances_that_no_data_tell_apart_are_named(tmp_path: Path) -> None:
    data = written(load("Machines").frame, tmp_path)
    asked = ("score ~ Machine + (Machine || Worker)", data)
    plain = json.loads(relmer(*asked, "--json").stdout)
    names = {name for names in plain["unidentified"]["theta"] for name in names}
    assert {"Worker.(Intercept)", "Worker.1.MachineA"} <= names
    assert [row["group"] for k, row in enumerate(plain["varcorr"]) if k in plain["unidentified"]["varcorr"]] == [
        "Worker",
        *["Worker.1"] * 6,
    ]
    assert "Worker.(Intercept) with Worker.1.MachineA" in relmer(*asked).stdout


def test_nothing_is_said_where_all_is_determined(tmp_path: Path) -> None:
    asked = ("Reaction ~ Days + (Days | Subject)", written(load("sleepstudy").frame, tmp_path))
    assert "open" not in relmer(*asked).stdout
    plain = json.loads(relmer(*asked, "--json").stdout)
    assert plain["unidentified"] == {"theta": [], "varcorr": [], "beta": [], "se": []}
    assert plain["dropped"] == plain["messages"] == []


def test_dropped_columns_are_told(tmp_path: Path) -> None:
    asked = ("Reaction ~ Days + I(2 * Days) + (1 | Subject)", written(load("sleepstudy").frame, tmp_path))
    said = "fixed-effect model matrix is rank deficient so dropping 1 column / coefficient"
    assert f"{said}: I(2 * Days)" in relmer(*asked).stdout
    plain = json.loads(relmer(*asked, "--json").stdout)
    assert (plain["dropped"], plain["messages"]) == (["I(2 * Days)"], [said])


def test_a_check_can_be_left_out(tmp_path: Path) -> None:
    frame = load("Orthodont").frame
    asked = ("distance ~ age * Sex + (0 + factor(age) | Subject)", written(frame, tmp_path))
    refused = relmer(*asked)
    assert refused.exit_code == 2
    assert "check.nobs.vs.nRE" in refused.stderr
    plain = json.loads(relmer(*asked, "--ignore-check", "check.nobs.vs.nRE", "--json").stdout)
    fit = lmer(asked[0], frame, checks={"check.nobs.vs.nRE": "ignore"})
    assert plain["criterion"] == pytest.approx(fit.criterion, rel=1e-12)
    assert "sigma" in plain["unidentified"]["theta"][0]
    assert relmer(*asked, "--ignore-check", "nRE").exit_code == 2
