"""The value alone, by elimination of few entries: the same as by the dense step, which is another way to it."""

import numpy as np
import pytest
from flint import arb, ctx
from generated import generated
from in_balls import criterion_in_balls
from strategies import mixed_data

from relmer.reference.matrices import exact_data
from relmer.reference.verify import Data, evaluate, origin, step, triangles
from relmer.reference.verify.at import values_at
from relmer.reference.verify.criterion import covariance, log_det
from relmer.reference.verify.values import value_at
from relmer.reports.evidence import tolerances
from relmer.solver.language import model_frame, parse
from relmer.solver.language.build import build

FORMULAS = ("y ~ x + (x | g)", "y ~ x + (1 | g) + (1 | k)", "y ~ x + (x | g) + (x | k)", "y ~ 1 + (1 | g / k)")


def data_of(formula: str, rows: int = 40) -> Data:
    found = exact_data(generated(formula, mixed_data(7, rows)).fit.design)
    assert isinstance(found, Data)
    return found


def gamma(data: Data, theta: np.ndarray) -> list[arb]:
    return covariance(data, [[[arb(x) for x in row] for row in T] for T in triangles(data, theta.tolist())])


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("size", [0.0, 1e-3, 1.0, 1e3])
def test_it_meets_the_dense_step(formula: str, size: float) -> None:
    data = data_of(formula)
    theta = size * np.random.default_rng(3).uniform(0.2, 1.5, len(data.gammas))
    with ctx.workprec(256):
        G = gamma(data, theta)
        state = step(data, origin(data), G)
        C, log_V = value_at(data, G)
        dense = log_det(state)
    assert log_V.overlaps(dense)
    assert all(a.overlaps(b) for a, b in zip(C.entries(), state.C.entries(), strict=True))
    # Balls as wide as the numbers would meet anything: of 256 bits at least 128 are left.
    assert all(float(ball.rad()) <= 2.0**-128 for ball in (log_V, dense, *C.entries()))


@pytest.mark.parametrize("REML", [True, False])
@pytest.mark.parametrize("spread", [0, 3, 8])
def test_weights_are_those_of_the_definition(REML: bool, spread: int) -> None:
    """Weights of doubles as they are, against V = W^-1 + Z Lambda Lambda'Z' written out in balls."""
    data = mixed_data(7, 30)
    weights = 10.0 ** np.random.default_rng(5).uniform(-spread, spread, len(data)) * 1.1
    design = build(model_frame(parse("y ~ x + (x | g)"), data, weights=weights))
    found = exact_data(design)
    for theta in ([1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.5, -0.7, 0.1]):
        ball = evaluate(found, REML, triangles(found, theta), 256)["criterion"]
        assert float(ball.rad()) < tolerances.CRITERION
        assert float(ball.mid()) == criterion_in_balls(design, np.array(theta), REML)


def test_a_pivot_that_is_not_told_from_0_leaves_the_dense_way() -> None:
    """G with 1 + Z'Z G = 0 for one level is no covariance, and has no value; one beside it has."""
    data = data_of("y ~ 1 + (1 | g)")
    size = arb(data.components[0].ZZ.tolist()[0][0]) / data.components[0].norms[0]
    with ctx.workprec(128):
        with pytest.raises(ZeroDivisionError, match="pivot"):
            value_at(data, [-1 / size])
        with pytest.raises(ZeroDivisionError):
            values_at(data, True, [-1 / size])


def test_values_are_those_of_the_dense_way_where_a_pivot_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    data = data_of("y ~ x + (x | g) + (1 | k)")
    theta = triangles(data, [0.7, -0.3, 0.4, 1.1])
    found = evaluate(data, True, theta)

    def refuse(*asked: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("relmer.reference.verify.at.value_at", refuse)
    dense = evaluate(data, True, theta)
    assert [*dense] == [*found]
    assert all(dense[key].overlaps(ball) for key, ball in found.items())
