"""Printed figures: the value, the last digit, and bounds; exact arithmetic is the reference."""

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from relmer.datasets import half_unit, is_printed, may_print, number, outside, printed_cells
from relmer.datasets.printed import read_printed

KNOWN = [
    # Stata, SAS and SPSS print without a leading zero, SPSS and SAS with separators.
    (".0390124", "0.0390124", "0.00000005"),
    ("-.5", "-0.5", "0.05"),
    ("1,430.5", "1430.5", "0.05"),
    ("2,287", "2287", "0.5"),
    ("1,234,567.00", "1234567", "0.005"),
    ("1.2e-3", "0.0012", "0.00005"),
    ("1.2E+03", "1200", "50"),
    ("5E2", "500", "50"),
    ("-8126.6092", "-8126.6092", "0.00005"),
    ("−0.138", "-0.138", "0.0005"),
    ("+4.4", "4.4", "0.05"),
    ("12.", "12", "0.5"),
    ("1.867415e-07", "0.0000001867415", "0.00000000000005"),
    ("0", "0", "0.5"),
    ("0.000", "0", "0.0005"),
]


@pytest.mark.parametrize(("text", "value", "half"), KNOWN)
def test_value_and_half_a_unit(text: str, value: str, half: str) -> None:
    assert is_printed(text)
    assert number(text) == float(Fraction(value))
    assert half_unit(text) == float(Fraction(half))


BOUNDS = [
    ("<.0001", "<", 0.0001),
    ("< .0001", "<", 0.0001),
    ("<0.001", "<", 0.001),
    (">.99", ">", 0.99),
    (">1,000", ">", 1000.0),
    ("<=1e-4", "<=", 1e-4),
    ("≤ 0.05", "<=", 0.05),
    ("≥2", ">=", 2.0),
    ("<-3.5", "<", -3.5),
]


@pytest.mark.parametrize(("text", "bound", "value"), BOUNDS)
def test_a_bound_is_kept_by_whatever_is_on_its_side(text: str, bound: str, value: float) -> None:
    assert (read_printed(text).bound, number(text)) == (bound, value)
    side = -1 if bound.startswith("<") else 1
    for far in (1e-9, 0.5, 7.0, 1e9):
        within, beyond = value + side * far, value - side * far
        assert may_print(within, text) and outside(within, text) == 0
        assert not may_print(beyond, text)
        assert outside(beyond, text) == pytest.approx(far, rel=1e-6)
    assert may_print(value, text) == ("=" in bound)


NO_FIGURES = (
    *("", ".", "about 3", "3,4", "1,43", "12,34.5", "1.2.3", "0.05*", "5%", "e5", "1e", "- 5", "<", "<<1", "1,0000"),
    *("nan", "inf", "0x10", "1_000", "1 430", "٣", "--1", "1e1000", "1e999", "<>3", "=3", ",5", "1,430.5,0"),
)


@pytest.mark.parametrize("text", [*NO_FIGURES, "." + "1" * 1200, "1" * 10**7], ids=lambda text: text[:20])
def test_what_is_no_figure(text: str) -> None:
    assert not is_printed(text)
    with pytest.raises(ValueError, match="is no printed figure") as caught:
        number(text)
    assert "\n" not in str(caught.value)


SIGNS, DIGITS = st.sampled_from(["", "-"]), st.integers(0, 10**12)


@settings(deadline=None)
@given(SIGNS, DIGITS, st.integers(0, 12), st.sampled_from(["plain", "separated", "no zero", "e", "E+0"]))
def test_every_spelling_of_a_decimal_is_the_same_figure(sign: str, digits: int, places: int, spelling: str) -> None:
    exact = Fraction(digits, 10**places) * (-1 if sign else 1)
    plain = f"{digits // 10**places}.{digits % 10**places:0{places}d}" if places else str(digits)
    text = sign + plain
    if spelling == "separated":
        text = sign + f"{digits // 10**places:,}" + plain[len(str(digits // 10**places)) :]
    elif spelling == "no zero":
        assume(places and plain.startswith("0."))
        text = sign + plain[1:]
    elif spelling != "plain":
        text = f"{sign}{digits}{spelling.replace('+0', '-0')}-{places}".replace("-0-", "-").replace("e-", "e-0")
    assert number(text) == float(exact)
    assert half_unit(text) == float(Fraction(1, 2 * 10**places))


@settings(deadline=None)
@given(st.decimals(-(10**6), 10**6, places=4), st.integers(0, 4), st.integers(-20, 20))
def test_a_value_prints_what_it_rounds_to(exact: object, places: int, units: int) -> None:
    """Whoever rounds to so many places prints the figure; a value that is a unit or more away does not."""
    value = float(exact)  # type: ignore[arg-type]
    text = f"{value:.{places}f}"
    # The bounds of the interval are doubles, off by a rounding of the value.
    slack = 4 * 2.0**-52 * max(1.0, abs(value)) * 10**places
    assert may_print(value, text, rounding=slack)
    if units:
        assert not may_print(value + (abs(units) + 0.01) * (1 if units > 0 else -1) * 10.0**-places, text)


@pytest.mark.parametrize("text", ["24.74", "<.0001", ">=3", "0"])
def test_what_is_no_number_prints_no_figure(text: str) -> None:
    assert outside(float("nan"), text) == float("inf")
    assert not may_print(float("nan"), text) and not may_print(float("nan"), text, rounding=1e9)


def test_the_cells_of_a_table() -> None:
    assert printed_cells("12.5  < .0001  3 >.99") == ["12.5", "<.0001", "3", ">.99"]
    assert printed_cells("1,430.5 . −3") == ["1,430.5", ".", "−3"]
