"""Shared theta: fixed, distinct, on and off the boundary."""

from hypothesis import given
from hypothesis import strategies as st

from relmer.reference.answers.shared_theta import shared_thetas


@given(st.lists(st.booleans(), min_size=1, max_size=15).map(lambda rest: [True, *rest]))
def test_points_are_distinct_and_of_their_kind(diagonal: list[bool]) -> None:
    points = shared_thetas(diagonal)
    everything = [theta for thetas in points.values() for theta in thetas]
    assert len(set(everything)) == len(everything)
    assert all(len(theta) == len(diagonal) for theta in everything)
    assert points["start"] == (tuple(map(float, diagonal)),)
    for theta in points["boundary"]:
        assert any(value == 0 for value, on_diagonal in zip(theta, diagonal, strict=True) if on_diagonal)
    for theta in points["random"]:
        assert all(value > 0 for value, on_diagonal in zip(theta, diagonal, strict=True) if on_diagonal)
    assert shared_thetas(diagonal) == points


@given(st.lists(st.booleans(), min_size=1, max_size=15).map(lambda rest: [True, *rest]))
def test_a_cap_and_a_floor_are_found(diagonal: list[bool]) -> None:
    """Two points each where every standard deviation is below a tenth, and above five times, that of the residuals."""
    points = shared_thetas(diagonal)["random"]
    for thetas, low, high in ((points[3:5], 0.0, 0.1), (points[5:], 5.0, 50.0)):
        assert len(thetas) == 2
        for theta in thetas:
            on_diagonal = [value for value, place in zip(theta, diagonal, strict=True) if place]
            assert all(low < value < high for value in on_diagonal)
            assert all(abs(value) <= high / 2 for value in theta if value not in on_diagonal)


def test_no_random_effects_have_one_theta() -> None:
    assert shared_thetas([]) == {"start": ((),)}
