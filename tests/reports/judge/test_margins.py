"""How far an estimate may be from its reference, quantity by quantity, as docs/tolerances.md has it.

A model of two terms, of two columns and of one, with n - p = 8 and sigma = 2; what the evidence finds is given.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from relmer.reports.evidence import tolerances
from relmer.reports.judge import margins
from relmer.reports.judge.margins import (
    ENTRIES,
    ROUNDINGS,
    close,
    conditioned_at,
    harmless,
    margin,
    rounded_by,
    units,
)

EPS, N, SIGMA = tolerances.EPS, 10, 2.0
SE = np.array([0.5, 4.0])
DAYS = np.linspace(-8.0, 4.0, N)
TERMS = (
    SimpleNamespace(X=np.column_stack([np.ones(N), DAYS]), levels=("p", "q", "r")),
    SimpleNamespace(X=np.full((N, 1), 0.25), levels=("u", "v")),
)
DF = 8


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the evidence says: nothing, until a test says otherwise."""
    said: dict[str, object] = {"condition": 1.0, "carried": 0.0, "allowance": 0.0, "sums": 0.0}
    monkeypatch.setattr(
        margins, "condition", lambda view, at: said["condition"] if at == [0.5] and view.fit else np.nan
    )
    monkeypatch.setattr(margins, "carried", lambda view, at: said["carried"] if at == [0.5] and view.fit else np.nan)
    monkeypatch.setattr(margins, "absolute_sums", lambda view: np.full(len(view.fit.design.y), said["sums"]))
    monkeypatch.setattr(
        margins,
        "allowance",
        lambda view, name, gap: (
            np.asarray(said["allowance"]) * (gap == tolerances.EARLY and view.fit.sigma == SIGMA and name in NAMES)
        ),
    )
    monkeypatch.setattr(
        margins, "degrees_of_freedom", lambda design, REML: len(design.y) - 2 if REML else len(design.y)
    )
    return said


def hearing(REML: bool = True, se: np.ndarray = SE) -> SimpleNamespace:
    design = SimpleNamespace(y=np.zeros(N), X=np.column_stack([np.zeros(N), DAYS]), terms=TERMS)
    fit = SimpleNamespace(
        optimum=SimpleNamespace(theta=np.array([0.5])),
        se=SimpleNamespace(to_numpy=lambda: se),
        design=design,
        sigma=SIGMA,
        REML=REML,
    )
    return SimpleNamespace(view=SimpleNamespace(fit=fit))


def of(name: str, reference: list[float]) -> np.ndarray:
    return margin(hearing(), name, np.array(reference))  # type: ignore[arg-type]


def relative(found: dict[str, object]) -> float:
    """1e-9, or what the condition of V or the rounding of theta takes if that is more."""
    return max(tolerances.EVALUATION, EPS * float(found["condition"]), ENTRIES * float(found["carried"]))  # type: ignore[arg-type]


NAMES = ("beta", "sigma", "se", "vcov", "varcomp", "V_diagonal", "V_rowsum", "theta", "fitted", "b")
LOST = [{}, {"condition": 1e8}, {"carried": 1e-6}]


@pytest.mark.parametrize("lost", LOST)
def test_what_an_evaluation_rounds_is_relative_to_what_it_is_among(
    found: dict[str, object], lost: dict[str, float]
) -> None:
    """A standard error or a covariance to the SE; what has no unit to the largest; fitted values to their spread."""
    found |= lost
    part = relative(found)
    np.testing.assert_allclose(of("se", [0.25, -8.0]), part * np.array([0.5, 8.0]), rtol=1e-14)
    np.testing.assert_allclose(of("vcov", [1.0, 2.0, 2.0, 3.0]), part * np.array([0.25, 2, 2, 16]), rtol=1e-14)
    np.testing.assert_allclose(of("vcov", [1.0, 2.0]), part * np.array([2.0, 2.0]), rtol=1e-14)
    np.testing.assert_allclose(of("sigma", [-3.0]), [part * 3.0], rtol=1e-14)
    np.testing.assert_allclose(of("criterion", [1.0, -3.0]), part * np.array([3.0, 3.0]), rtol=1e-14)
    np.testing.assert_allclose(of("sigma", [-0.5]), [part * 0.5], rtol=1e-14)
    np.testing.assert_array_equal(of("sigma", []), [])
    three = np.array([1.0, 2.0, 4.0])
    of_three = margin(hearing(se=three), "vcov", np.ones(9))  # type: ignore[arg-type]
    np.testing.assert_allclose(of_three, part * np.outer(three, three).ravel(), rtol=1e-14)
    near = np.full(N, 100.0) + np.where(np.arange(N) % 2, 0.25, -0.25)
    expected = part * (0.25 + SIGMA) + ROUNDINGS * EPS * near
    np.testing.assert_allclose(of("fitted", near.tolist()), expected, rtol=1e-14)
    fitted = np.full(N, 100.0)
    fitted[:2] = 90.0, 110.0
    expected = part * (10.0 + SIGMA) + ROUNDINGS * EPS * fitted
    np.testing.assert_allclose(of("fitted", fitted.tolist()), expected, rtol=1e-14)
    np.testing.assert_allclose(of("fitted", [1.0, -3.0]), part * np.array([3.0, 3.0]), rtol=1e-14)


@pytest.mark.parametrize("lost", [*LOST, {"carried": 1e-2}])
def test_of_a_coefficient_no_more_than_is_harmless(found: dict[str, object], lost: dict[str, float]) -> None:
    """Relative to itself, or its SE if that is larger, but at most 3 % of the SE where nothing else is lost."""
    found |= lost
    value = np.array([1e9, -1.0])
    largest = np.array([1e9, 4.0])
    taken = max(EPS * float(found["condition"]), ENTRIES * float(found["carried"]))  # type: ignore[arg-type]
    most = np.maximum(taken * largest, np.sqrt(1e-3) * SE)
    expected = np.minimum(relative(found) * largest, most) + ROUNDINGS * EPS * np.abs(value)
    np.testing.assert_allclose(of("beta", value.tolist()), expected, rtol=1e-14)


def test_every_row_of_V_by_its_own_size(found: dict[str, object]) -> None:
    """A variance by what theta's rounding and the condition take of it; a sum by the sum of the sizes."""
    value = np.arange(1.0, N + 1)
    np.testing.assert_allclose(of("V_diagonal", (-value).tolist()), tolerances.EVALUATION * value, rtol=1e-14)
    found |= {"carried": 1e-6}
    np.testing.assert_allclose(of("V_diagonal", (-value).tolist()), ENTRIES * 1e-6 * value, rtol=1e-14)
    found |= {"condition": 1e12, "carried": 0.0}
    np.testing.assert_allclose(of("V_diagonal", value.tolist()), EPS * 1e12 * value, rtol=1e-14)
    found |= {"condition": 1.0, "sums": 5.0}
    expected = tolerances.EVALUATION * np.maximum(value, 5.0)
    np.testing.assert_allclose(of("V_rowsum", (-value).tolist()), expected, rtol=1e-14)


def test_what_an_entry_does_is_measured_in_the_units_of_its_columns() -> None:
    """Columns of 1, of at most 8, and of 0.25: of theta by the row, of G by both, of b by the column of each level."""
    one = hearing()
    of_G = [1.0, 1 / 8, 1 / 64, 16.0]
    np.testing.assert_allclose(units(one, "theta", (4,)), [1.0, 1 / 8, 1 / 8, 4.0])  # type: ignore[arg-type]
    np.testing.assert_allclose(units(one, "G", (4,)), of_G)  # type: ignore[arg-type]
    np.testing.assert_allclose(units(one, "varcomp", (4,)), SIGMA**2 * np.array(of_G))  # type: ignore[arg-type]
    b = SIGMA * np.array([1, 1 / 8, 1, 1 / 8, 1, 1 / 8, 4, 4])
    np.testing.assert_allclose(units(one, "b", (8,)), b)  # type: ignore[arg-type]
    np.testing.assert_array_equal(units(one, "sigma", (2,)), np.zeros(2))  # type: ignore[arg-type]
    none = hearing()
    none.view.fit.design.terms = ()
    assert units(none, "b", (0,)).shape == (0,)  # type: ignore[arg-type]


def test_a_variance_and_an_effect_are_relative_to_the_largest_by_what_they_do(found: dict[str, object]) -> None:
    """At least to what sigma does: in V an entry of G of 1/64 of a column of 8 is one of sigma^2."""
    of_G = np.array([1.0, 1 / 8, 1 / 64, 16.0])
    np.testing.assert_allclose(of("G", [0.5, 0.0, 0.0, 0.0]), 1e-9 * of_G, rtol=1e-14)
    np.testing.assert_allclose(of("G", [0.5, 0.0, -1.0, 8.0]), 1e-9 * 64 * of_G, rtol=1e-14)
    np.testing.assert_allclose(of("G", [0.5, 4.0]), [4e-9, 4e-9], rtol=1e-14)


@pytest.mark.parametrize("REML", [True, False])
def test_what_moves_no_conclusion_is_a_stop_of_a_thousandth_or_3_percent_of_a_standard_error(
    found: dict[str, object], REML: bool
) -> None:
    """3 % is the root of 1e-3. The residual variance has sigma^2 sqrt(2 / d), a mean of n rows sigma / sqrt(n)."""
    one, part, d = hearing(REML), np.sqrt(1e-3), DF if REML else N

    def allowed(name: str, value: list[float]) -> np.ndarray:
        return harmless(one, name, np.array(value))  # type: ignore[arg-type]

    np.testing.assert_allclose(allowed("beta", [1.0, 1.0]), part * SE)
    for name in ("sigma", "se"):
        np.testing.assert_allclose(allowed(name, [-4.0]), [part * 4.0 / np.sqrt(2 * d)])
    for name in ("vcov", "varcomp", "V_diagonal", "V_rowsum", "theta"):
        np.testing.assert_allclose(allowed(name, [-4.0]), [part * 4.0 * np.sqrt(2 / d)])
    np.testing.assert_allclose(allowed("fitted", [100.0, -1.0]), np.full(2, part * SIGMA / np.sqrt(N)))
    b = SIGMA * np.array([1, 1 / 8, 1, 1 / 8, 1, 1 / 8, 4, 4])
    np.testing.assert_allclose(allowed("b", [1.0] * 8), part * b / np.sqrt(N))
    found["allowance"] = 7.0
    np.testing.assert_allclose(allowed("sigma", [-4.0]), [tolerances.SLACK * 7.0])


@pytest.mark.parametrize("REML", [True, False])
def test_what_a_lost_criterion_and_residual_move(found: dict[str, object], REML: bool) -> None:
    """d log(pwrss) off by D: variances by the part exp(D / d) - 1 of themselves, sigma by half of that."""
    one, d = hearing(REML), DF if REML else N
    moved = SimpleNamespace(criterion=0.5, residual=3.0, beta=np.zeros(0), b=np.zeros(0), fitted=np.zeros(0))
    part = np.exp(0.5 / d) - 1

    def by(name: str, value: list[float]) -> np.ndarray:
        return rounded_by(one, name, np.array(value), moved)  # type: ignore[arg-type]

    for name in ("sigma", "se"):
        np.testing.assert_allclose(by(name, [-4.0, 1.0]), [2 * part, part / 2])
    for name in ("vcov", "varcomp", "V_diagonal", "V_rowsum"):
        np.testing.assert_allclose(by(name, [-4.0, 1.0]), [4 * part, part])
    np.testing.assert_array_equal(by("fitted", [100.0, 1.0]), np.full(2, tolerances.SLACK * 3.0))
    moved.residual = 0.1
    np.testing.assert_array_equal(by("fitted", [100.0, 1.0]), np.full(2, tolerances.SLACK * 0.1))
    moved.residual = 3.0
    b = np.array([1, 1 / 8, 1, 1 / 8, 1, 1 / 8, 4, 4])
    np.testing.assert_allclose(by("b", [1.0] * 8), tolerances.SLACK * 3.0 * b)
    # Of a column of zeros any coefficient does nothing.
    one.view.fit.design.X[:, 0] = 2.0
    np.testing.assert_allclose(by("beta", [1.0, 1.0]), tolerances.SLACK * 3.0 / np.array([2.0, 8.0]))
    np.testing.assert_array_equal(by("theta", [1.0]), [0.0])
    # What `Uncentred` derives for each entry counts where it is more than that of the entry's own column.
    moved.beta, moved.b, moved.fitted = np.array([1.0, 2.0]), np.full(8, 4.0), np.array([1.0, 9.0])
    np.testing.assert_array_equal(by("fitted", [100.0, 1.0]), tolerances.SLACK * np.array([3.0, 9.0]))
    np.testing.assert_allclose(by("beta", [1.0, 1.0]), tolerances.SLACK * np.array([1.5, 2.0]))
    np.testing.assert_allclose(by("b", [1.0] * 8), tolerances.SLACK * np.maximum(3.0 * b, 4.0))


def test_the_condition_of_V_at_an_engines_own_theta_takes_eps_times_it_of_value_and_error(
    found: dict[str, object],
) -> None:
    """The error of sigma is sigma / sqrt(2 d), of which 3 % is harmless; the optimum's theta is 0.5 here."""
    found["condition"] = 1e6
    one, value = hearing(), np.array([-4.0])
    error = harmless(one, "sigma", value) / np.sqrt(tolerances.EARLY)  # type: ignore[arg-type]
    got = conditioned_at(one, [0.5], "sigma", value)  # type: ignore[arg-type]
    np.testing.assert_allclose(got, EPS * 1e6 * (4.0 + error), rtol=1e-12)
    assert error[0] > 0.1


def test_every_entry_must_be_within_its_allowance_and_the_rounding(found: dict[str, object]) -> None:
    reference = np.array([2.0, -4.0])
    allowed = np.array([0.5, 0.0])
    rounding = 4e-9
    for by, is_close in (
        ([0.5, 0.9 * rounding], True),
        ([-0.5, -0.9 * rounding], True),
        ([0.0, 1.1 * rounding], False),
        ([0.5 + 2 * rounding, 0.0], False),
        ([-0.5 - 2 * rounding, 0.0], False),
    ):
        assert close(hearing(), "sigma", reference + np.array(by), reference, allowed) == is_close  # type: ignore[arg-type]
    zeros = np.zeros(2)
    assert close(hearing(), "sigma", allowed, zeros, allowed), "at the bound"  # type: ignore[arg-type]
    # Of a standard error each entry is beside its own, of sigma beside the largest.
    off = np.array([2e-9, 0.0])
    assert close(hearing(), "sigma", reference + off, reference, zeros)  # type: ignore[arg-type]
    assert not close(hearing(), "se", np.array([0.25, -8.0]) + off, np.array([0.25, -8.0]), zeros)  # type: ignore[arg-type]
    assert not close(hearing(), "sigma", reference[:1], reference, allowed)  # type: ignore[arg-type]


def test_a_row_of_V_has_no_larger_sum_than_that_of_the_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """sigma^2 (|Z Lambda| |Z Lambda|' 1 + 1 / w), written out."""
    root = np.array([[1.0, -2.0], [0.5, 0.0], [-1.0, 3.0]])
    asked = []
    monkeypatch.setattr(margins, "marginal_root", lambda *about: asked.append(about) or root)
    weights = np.array([1.0, 2.0, 4.0])
    fit = SimpleNamespace(
        sigma=SIGMA,
        prepared="prepared",
        optimum=SimpleNamespace(theta="theta", roots="roots"),
        R=SimpleNamespace(diagonal=lambda: SIGMA**2 / weights),
    )
    expected = SIGMA**2 * ((abs(root) @ abs(root).T).sum(axis=1) + 1 / weights)
    np.testing.assert_allclose(margins.absolute_sums(SimpleNamespace(fit=fit)), expected)  # type: ignore[arg-type]
    assert asked == [("prepared", "theta", "roots")]
