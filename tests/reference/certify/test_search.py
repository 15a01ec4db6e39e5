"""The search: it leaves every saddle, and names what else is stationary."""

import numpy as np
import pytest
from bounds import EPS

from relmer.reference.certificates.texts import csv_text
from relmer.reference.certify.criterion import DOUBLES, numbers
from relmer.reference.certify.data import Products, products
from relmer.reference.certify.models import models
from relmer.reference.certify.search import drawn, minimise, ranks_of, search, whitened

# Criteria of the size 1.4e4, rounded to 64 eps of it, and published to 1e-10.
PRINTED = 64 * EPS * 1.4e4 + 5e-11


def cross_products(name: str) -> Products:
    model = next(model for model in models() if model.name == name)
    return products(model, csv_text(model.dataset)[1], "decimal")


def test_bdf_has_a_stationary_point_of_rank_one_that_is_no_minimum() -> None:
    """Known from certify.md: 13550.137 on the face, 13547.5128465597 (lme4, tight) inside."""
    found = search(cross_products("bdf"), True)
    assert found.criterion == pytest.approx(13547.5128465597, abs=PRINTED)
    assert found.ranks == (2,)
    assert found.reached == found.tried == 101
    where = {round(point.criterion, 3): point for point in found.elsewhere}
    assert where[13550.137].ranks == (1,)
    assert where[13550.137].dual < 0


def test_a_boundary_optimum_has_exactly_that_rank() -> None:
    for REML, criterion in ((True, 161.8282778123), (False, 162.8730366538)):
        found = search(cross_products("dyestuff2"), REML)
        assert found.ranks == (0,)
        assert found.criterion == pytest.approx(criterion, abs=PRINTED)


def test_zero_covariances_are_left() -> None:
    """All derivatives in R vanish at R = 0, which is a saddle wherever df/dG is not positive definite."""
    data, _ = whitened(numbers(cross_products("sleepstudy-slopes"), DOUBLES))
    factors, values, arrived = minimise(data, [np.zeros((1, 2, 2))], True)
    assert arrived[0]
    assert ranks_of([factors[0][0]]) == (2,)
    assert values[0] == pytest.approx(1743.6282719585, abs=PRINTED)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_false_minimum_of_theta_is_left(sign: int) -> None:
    """The star sample from theta_11 = 0, where nlminbwrap stops 28 above the optimum for one sign of theta_21."""
    data = numbers(cross_products("star-sample"), DOUBLES)
    begin = [np.array([[[0.45, 0.0], [-0.03, 0.0]]]), np.array([[[0.0, 0.0], [sign * 0.3, 0.0]]])]
    _, values, arrived = minimise(data, begin, True)
    assert arrived[0]
    assert values[0] == pytest.approx(10990.3881547322, abs=PRINTED)


def test_starts_are_the_same_every_time() -> None:
    first, second = (drawn(np.random.default_rng(2026), 3, 2, 2) for _ in range(2))
    assert (first == second).all()
