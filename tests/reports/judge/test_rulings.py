"""The rulings on an error and on a gap, as docs/tolerances.md has them, at their bounds and on either side.

What the evidence finds is given here, so that each row is one sentence of the page: who is excused, by what, how far.
"""

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pytest

from relmer.reports.evidence import tolerances
from relmer.reports.judge import rounding
from relmer.reports.judge.hearing import Hearing
from relmer.reports.judge.rounding import bounded, difference, evaluation
from relmer.reports.verdicts import Diagnosis, Verdict

SIZE = 1e3
# Of the criterion's parts: 1e-12 of their size.
FLOOR = tolerances.CRITERION * SIZE
ABOVE = 1 + 1e-9
THETAS = ((0.0,), (1.0,))


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[float]]:
    """What the evidence says at each theta: nothing, until a test says otherwise."""
    said = {name: [0.0, 0.0] for name in ("condition", "centring", "inverse", "difference")}

    def at(name: str, view: SimpleNamespace, theta: Sequence[float]) -> float:
        assert view.size == SIZE
        return said[name][THETAS.index(tuple(theta))]

    monkeypatch.setattr(rounding, "rounding_at", lambda view, theta: at("condition", view, theta))
    monkeypatch.setattr(
        rounding, "uncentred", lambda view, theta: SimpleNamespace(criterion=at("centring", view, theta))
    )
    monkeypatch.setattr(rounding, "inverted", lambda view, theta: at("inverse", view, theta))
    monkeypatch.setattr(rounding, "products", lambda view, theta: at("difference", view, theta))
    return said


def hearing(own: bool = False, inverting: bool = False) -> Hearing:
    """Of an engine whose house is not ours, unless it is said."""
    stub = SimpleNamespace(
        view=SimpleNamespace(size=SIZE),
        own=own,
        answer=SimpleNamespace(engine="theirs"),
        kin=SimpleNamespace(inverting={"theirs"} if inverting else set()),
    )
    return stub  # type: ignore[return-value]


def ruled(*errors: float, shared: bool = False, **who: bool) -> tuple[Verdict, Diagnosis, str]:
    ruling = evaluation(hearing(**who), errors, THETAS, shared)
    return ruling.verdict, ruling.diagnosis, ruling.evidence


WITHIN, WRONG = (Verdict.WITHIN, Diagnosis.ROUNDING), (Verdict.WRONG, Diagnosis.ROUNDING)
ANOTHER = (Verdict.WRONG, Diagnosis.CRITERION, "")


@pytest.mark.parametrize("own", [True, False])
def test_what_the_criterions_size_allows_agrees_and_no_more(found: dict[str, list[float]], own: bool) -> None:
    assert ruled(0.0, FLOOR, own=own) == (Verdict.AGREE, Diagnosis.NONE, "")
    assert ruled(0.0, FLOOR * ABOVE, own=own) == ANOTHER


@pytest.mark.parametrize("own", [True, False])
def test_the_condition_of_V_excuses_everybody(found: dict[str, list[float]], own: bool) -> None:
    found["condition"] = [1e-5, 3e-5]
    told = "; the condition of V there may move it by 3.0e-05"
    assert ruled(1e-5, 3e-5, own=own) == (*WITHIN, told)
    assert ruled(1e-5 * ABOVE, 0.0, own=own) == ANOTHER, "each theta has its own bound"


def test_where_the_condition_is_small_the_criterions_size_is_the_bound_at_that_theta(
    found: dict[str, list[float]],
) -> None:
    found["condition"] = [1e-5, 0.0]
    assert ruled(1e-5, FLOOR)[:2] == WITHIN
    assert ruled(1e-5, FLOOR * ABOVE) == ANOTHER


def test_what_the_condition_takes_is_harmless_at_a_stop_up_to_a_thousandth_and_at_a_shared_theta_while_a_digit_is_left(
    found: dict[str, list[float]],
) -> None:
    found["condition"] = [1.0, 2 * SIZE]
    assert ruled(tolerances.EARLY, 0.0)[:2] == WITHIN
    assert ruled(tolerances.EARLY * ABOVE, 0.0)[:2] == WRONG
    assert ruled(tolerances.EARLY * ABOVE, 0.0, shared=True)[:2] == WITHIN
    assert ruled(0.0, SIZE / 10, shared=True)[:2] == WITHIN
    assert ruled(0.0, SIZE / 10 * ABOVE, shared=True)[:2] == WRONG
    stopped = evaluation(hearing(), [tolerances.EARLY * ABOVE, 0.0], THETAS)
    assert stopped.verdict is Verdict.WRONG, "where nobody says that it is shared, it is a stop"


@pytest.mark.parametrize("shared", [True, False])
def test_who_does_not_centre_is_excused_where_that_costs_so_much_and_no_path_of_ours(
    found: dict[str, list[float]], shared: bool
) -> None:
    found["centring"] = [1e-5, 3e-5]
    told = "; without centring, rounding may move it by 3.0e-05"
    assert ruled(1e-5, 3e-5, shared=shared) == (*WITHIN, told)
    assert ruled(1e-5, 3e-5, shared=shared, own=True) == ANOTHER
    assert ruled(1e-5 * ABOVE, 0.0, shared=shared) == ANOTHER
    found["centring"] = [1.0, 1.0]
    assert ruled(2 * tolerances.EARLY, 0.0, shared=shared)[:2] == WRONG, "harmless up to a thousandth, shared or not"


def test_what_excuses_one_theta_may_be_another_thing_than_what_excuses_the_next(found: dict[str, list[float]]) -> None:
    found["condition"], found["centring"] = [1e-5, 0.0], [0.0, 2e-5]
    assert ruled(1e-5, 2e-5) == (*WITHIN, "; without centring, rounding may move it by 2.0e-05")
    found["difference"], found["centring"] = [0.0, 3e-5], [0.0, 0.0]
    assert ruled(1e-5, 3e-5) == (*WITHIN, f"; {difference(3e-5)}")
    found["condition"], found["centring"] = [0.0, 0.0], [1e-5, 0.0]
    assert ruled(1e-5, 3e-5) == (*WITHIN, f"; {difference(3e-5)}")


def test_the_inverse_of_G_excuses_who_says_that_it_works_with_it(found: dict[str, list[float]]) -> None:
    found["inverse"] = [1e-5, 3e-5]
    told = "; it works with the inverse of G, which is nearly singular: rounding may move it by 3.0e-05"
    assert ruled(1e-5, 3e-5, inverting=True) == (*WITHIN, told)
    assert ruled(1e-5, 3e-5) == ANOTHER
    assert ruled(1e-5, 3e-5, inverting=True, own=True) == ANOTHER
    assert ruled(1e-5 * ABOVE, 0.0, inverting=True) == ANOTHER
    found["inverse"] = [1.0, 1.0]
    assert ruled(2 * tolerances.EARLY, 0.0, inverting=True)[:2] == WRONG


def test_a_difference_of_sums_of_squares_excuses_who_is_not_ours(found: dict[str, list[float]]) -> None:
    found["difference"] = [1e-5, 3e-5]
    told = "; who takes pwrss as a difference of sums of squares may lose 3.0e-05"
    assert ruled(1e-5, 3e-5) == (*WITHIN, told)
    assert ruled(1e-5, 3e-5, own=True) == ANOTHER
    assert ruled(1e-5 * ABOVE, 0.0) == ANOTHER
    found["difference"] = [1.0, 1.0]
    assert ruled(2 * tolerances.EARLY, 0.0)[:2] == WRONG


def test_an_early_stop_is_a_thousandth() -> None:
    assert tolerances.EARLY == 1e-3
    assert bounded(1e-3) is Verdict.WITHIN
    assert bounded(np.nextafter(1e-3, 1.0)) is Verdict.WRONG
