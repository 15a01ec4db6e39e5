"""Numbers as R spells them."""

import pytest

from relmer.solver.language.labels import number_label

# R 4.2.2: as.character(c(...)).
NUMBERS = [
    (1e5, "1e+05"),
    (123456.0, "123456"),
    (1e15, "1e+15"),
    (1e-5, "1e-05"),
    (0.0001, "1e-04"),
    (0.1 + 0.2, "0.3"),
    (1 / 3, "0.333333333333333"),
    (100000.5, "100000.5"),
    (1e22, "1e+22"),
    (-1e5, "-1e+05"),
    (3e10, "3e+10"),
    (1234567890123456.0, "1234567890123456"),
    (2.0**53, "9007199254740992"),
    (0.0, "0"),
    (float("inf"), "Inf"),
    (float("-inf"), "-Inf"),
]


@pytest.mark.parametrize(("value", "label"), NUMBERS)
def test_numbers_as_r_spells_them(value: float, label: str) -> None:
    assert number_label(value) == label
