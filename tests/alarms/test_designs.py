"""The designs are what their kinds say, and the same each time."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from relmer.reports.laws.problem import design

from .designs import COUNTS, KINDS, names, problem

ROOT = Path(__file__).parents[2]
TOLD = "[problem(name).frame.to_csv() for name in ('plain/3', 'exact/3', 'adversary/3', 'adversary/399')]"


def test_there_are_two_thousand_each_of_one_kind() -> None:
    all_names = names()
    assert len({*all_names}) == len(all_names) == sum(COUNTS.values()) == 2000
    assert {name.rpartition("/")[0] for name in all_names[: len(KINDS)]} == {*KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_design_is_made_again_from_its_name(kind: str) -> None:
    one, again = problem(f"{kind}/3"), problem(f"{kind}/3")
    assert (one.formula, one.weights, one.reml) == (again.formula, again.weights, again.reml)
    assert one.frame.equals(again.frame)
    assert not one.frame.equals(problem(f"{kind}/5").frame)


def test_a_design_is_the_same_in_a_process_that_has_loaded_less() -> None:
    path = str(ROOT / "tests/support")
    told = f"import sys; sys.path.insert(0, {path!r}); from tests.alarms.designs import problem; print({TOLD})"
    run = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout == f"{eval(TOLD, {'problem': problem})}\n"


def test_kinds_are_what_they_are_called() -> None:
    assert all(len(problem(f"few rows/{k}").frame) <= 12 for k in range(20))
    assert all(design(problem(f"rank-deficient/{k}")).dropped for k in range(20))
    assert all(design(problem(f"offset/{k}")).offset is not None for k in range(20))
    assert all(design(problem(f"weights/{k}")).weights is not None for k in range(20))
    assert min(abs(problem(f"far from zero/{k}").frame["x"]).mean() for k in (0, 2, 4)) > 2000


def test_an_exact_response_is_in_the_span_of_the_model() -> None:
    """Its residual is rounding alone: the smallest noise is none."""
    found = design(problem("exact/0"))
    both = np.hstack([found.X, found.Z.toarray()])
    left = found.y - both @ np.linalg.lstsq(both, found.y, rcond=None)[0]
    # Integers below 100, solved in 20 to 40 rows: n eps of them.
    assert np.abs(left).max() < 40 * 2.0**-52 * 100
