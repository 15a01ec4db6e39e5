"""Theta is let in at one place: of another length than the model's it is refused by name, whatever the path."""

import numpy as np
import pytest

from relmer.datasets import case, load
from relmer.reference.engines import engine
from relmer.solver import lmer
from relmer.solver.errors import ModelError
from relmer.solver.fits.fit import Fit
from relmer.solver.fits.given import at_theta
from relmer.solver.paths.criterion import prepare, solve_at
from relmer.solver.paths.derivatives import derivatives_at
from relmer.solver.search.optimise import optimise

NAMES = r"Subject\.\(Intercept\), Subject\.Days\.\(Intercept\), Subject\.Days"
REFUSED = rf"^theta has shape .*; it needs 3 values: {NAMES}$"
# Too short: one number was taken for all three. Too long: what is too much was ignored. A matrix: not theta at all.
WRONG = [[], [1.0], [1.0, 0.0], [1.0, 0.0, 1.0, 5.0], [[1.0, 0.0, 1.0]]]
METHODS = ["pls", "qr", "gls"]


@pytest.fixture(scope="module")
def fit() -> Fit:
    return lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)


@pytest.mark.parametrize("theta", WRONG)
@pytest.mark.parametrize("method", METHODS)
def test_a_path_refuses_it(fit: Fit, method: str, theta: list[float]) -> None:
    with pytest.raises(ModelError, match=REFUSED):
        solve_at(prepare(fit.design, method), theta)


@pytest.mark.parametrize("theta", WRONG)
def test_whatever_takes_a_theta_refuses_it(fit: Fit, theta: list[float]) -> None:
    for taken in (
        lambda: at_theta(fit, theta),
        lambda: derivatives_at(fit.prepared, theta, True),
        lambda: optimise(fit.prepared, True, np.array(theta)),
    ):
        with pytest.raises(ModelError, match=REFUSED):
            taken()


@pytest.mark.parametrize("method", METHODS)
def test_an_engine_refuses_it(method: str) -> None:
    with pytest.raises(ModelError, match=REFUSED):
        engine(method).criterion(case("sleepstudy/slopes-reml"), [(1.0,)])


def test_without_random_effects_theta_is_empty() -> None:
    plain = lmer("Reaction ~ Days", load("sleepstudy").frame)
    assert at_theta(plain, []).criterion == plain.criterion
    with pytest.raises(ModelError, match=r"it needs 0 values"):
        at_theta(plain, [1.0])
