"""Formulas made of others: what R's update.formula makes of them stands in tests/live; here what R has no sense for."""

import pytest

from relmer.solver import ModelError
from relmer.solver.language import parse, updated

OLD = "y ~ x + log(z) + (x | g) + (1 | h)"


@pytest.mark.parametrize(
    ("new", "made"),
    [
        # R has (x | g:w) here; a dot in a product is the fixed terms.
        (". ~ .:w", "y ~ (x + log(z)):w"),
        (". ~ . + (1 | h)", OLD),
        (". ~ -x", "y ~ 1 - x"),
        (". ~ (1 | g)", "y ~ 1 + (1 | g)"),
    ],
)
def test_what_is_made(new: str, made: str) -> None:
    assert updated(parse(OLD), new) == made


@pytest.mark.parametrize("new", [". ~ . - (1 | g)", "x", ". ~ . ~ .", ". ~ . +", "", 3, ". ~ system('x')", ". ~ y"])
def test_what_makes_no_formula_is_told_in_a_line(new: object) -> None:
    with pytest.raises(ModelError) as told:
        updated(parse(OLD), new)  # type: ignore[arg-type]
    assert "\n" not in str(told.value)
