"""Drift: what moved between a recording and the live answer, to the last digit, and under which BLAS."""

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from relmer.reference.answers import Answer, Estimates, Status
from relmer.reports.evidence import drift_of

ESTIMATES = Estimates(
    theta=(0.9667417740, 0.0151690589, 0.2309099532),
    criterion=1743.628271959952,
    sigma=25.59179,
    beta=(251.4051, 10.46729),
    se=(6.824597, 1.545790),
    vcov=((46.57, -1.45), (-1.45, 2.389)),
    varcomp=(612.1, 9.6, 35.07),
    b=(0.0,),
    fitted=(0.0,),
    V_diagonal=(0.0,),
    V_rowsum=(0.0,),
)
RECORDED = Answer(
    case="sleepstudy",
    engine="lme4",
    version="1.1-31",
    status=Status.FITTED,
    environment={"R": "4.2.2", "BLAS": "libblas.so.3.11.0"},
    estimates=ESTIMATES,
    recorded=True,
)
LIVE = replace(RECORDED, recorded=False, environment={"BLAS": "libopenblas.so.0", "BLAS kernel": "Haswell"})


def moved(**changes: object) -> list:
    return list(drift_of(RECORDED, replace(LIVE, estimates=replace(ESTIMATES, **changes))))


def test_the_same_bits_are_no_drift() -> None:
    assert moved() == []


@given(st.integers(0, 2), st.floats(1e-14, 0.5))
def test_of_a_vector_the_entry_is_told_that_moved_most_in_full(at: int, error: float) -> None:
    theta = list(ESTIMATES.theta)
    theta[at] *= 1 + error
    assume(theta[at] != ESTIMATES.theta[at])
    (drift,) = moved(theta=tuple(theta))
    assert drift.quantity == f"theta[{at + 1}]"
    assert (float(drift.recorded), float(drift.live)) == (ESTIMATES.theta[at], theta[at])
    # The error that was planted, to the rounding of its own digits.
    assert drift.digits == pytest.approx(-math.log10(abs(theta[at] / ESTIMATES.theta[at] - 1)), abs=0.05)


@given(st.floats(0.1, 1e6))
def test_numbers_alone_have_no_entry(value: float) -> None:
    assume(abs(value / ESTIMATES.sigma - 1) > 1e-15)
    (drift,) = moved(sigma=value)
    assert (drift.quantity, drift.recorded, drift.live) == ("sigma", repr(ESTIMATES.sigma), repr(value))


def test_the_blas_of_then_and_now_is_named_with_its_kernel() -> None:
    (drift,) = moved(criterion=1743.628271959951)
    assert drift.recorded_blas == "libblas.so.3.11.0"
    assert drift.live_blas == "libopenblas.so.0, Haswell"
    assert (drift.recorded, drift.live) == ("1743.628271959952", "1743.628271959951")


def test_what_cannot_be_counted_in_digits_is_told_in_words() -> None:
    (version,) = drift_of(RECORDED, replace(LIVE, version="1.1-37"))
    assert (version.quantity, version.recorded, version.live, version.digits) == ("version", "1.1-31", "1.1-37", None)
    (status,) = drift_of(RECORDED, replace(LIVE, status=Status.FAILED, estimates=None))
    assert (status.quantity, status.recorded, status.live) == ("status", "fitted", "failed")
    (shape,) = moved(beta=(251.4051,))
    assert (shape.quantity, shape.recorded, shape.live, shape.digits) == ("beta", "2 entries", "1 entries", 0.0)
