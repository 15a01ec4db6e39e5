"""The equations of docs/theory.md but those of derivatives, by number, as they stand there, in dense matrices.

That the solver gives the criterion of the definition, whatever the structure, is the matter of
tests/solver/elimination/test_structure.py.
"""

from dataclasses import replace

import numpy as np
import pytest
from bounds import COMPLEX_STEP, SOLVED
from complex_step import STEP, log_determinant
from definition import minus_two_loglik
from scipy.linalg import block_diag
from small_models import Crossed, Lambda_of, Model, close, fronts, half, repeated, small, solve

BOTH = pytest.mark.parametrize("REML", [True, False])


@BOTH
def test_1_to_8_the_criterion(REML: bool) -> None:
    given, random = small("crossed", REML), np.random.default_rng(1)
    W, offset = random.uniform(0.5, 2.0, 40), random.normal(size=40)
    root, Lambda = np.sqrt(W)[:, None], Lambda_of(given)
    rows = Model(root[:, 0] * (given.y - offset), root * given.X, [root * Z for Z in given.Z], given.G, REML)
    V, Z = rows.V(), np.hstack(rows.Z)
    beta = solve(rows.X.T @ solve(V, rows.X), rows.X.T @ solve(V, rows.y))
    u = Lambda.T @ Z.T @ solve(V, rows.y - rows.X @ beta)
    pwrss = ((rows.y - rows.X @ beta - Z @ Lambda @ u) ** 2).sum() + u @ u
    close(rows.RXy[:-1, -1], rows.RXy[:-1, :-1] @ beta)
    close(rows.RXy[-1, -1] ** 2, pwrss)
    close(np.linalg.slogdet(Lambda.T @ Z.T @ Z @ Lambda + np.eye(len(u)))[1], np.linalg.slogdet(V)[1])
    ZL = np.hstack(given.Z) @ Lambda
    of_y = pwrss / rows.d * (ZL @ ZL.T + np.diag(1 / W))
    close(rows.f - np.log(W).sum(), minus_two_loglik(given.X, of_y, given.y - offset, REML))


def test_9_to_11_the_paths() -> None:
    model = small("crossed")
    V, ZL = model.V(), np.hstack(model.Z) @ Lambda_of(model)
    Q, RX = np.linalg.qr(solve(half(V), model.X))
    beta = solve(RX, Q.T @ solve(half(V), model.y))
    close(np.abs(RX.diagonal()), model.RXy.diagonal()[:-1])
    close(model.RXy[:-1, :-1] @ beta, model.RXy[:-1, -1])
    Q, R = np.linalg.qr(np.hstack(model.Z), mode="complete")
    q = ZL.shape[1]
    top = R[:q] @ Lambda_of(model)
    close(Q @ block_diag(top @ top.T + np.eye(q), np.eye(len(V) - q)) @ Q.T, V)
    RZX = solve(half(ZL.T @ ZL + np.eye(q)), ZL.T @ model.X)
    close(model.X.T @ model.X - RZX.T @ RZX, RX.T @ RX)


def test_12_and_13_swept_and_in_working_coordinates() -> None:
    model = small("crossed")
    Q, RX0 = np.linalg.qr(model.X)
    beta0 = solve(RX0, Q.T @ model.y)
    swept = replace(model, X=Q, y=model.y - model.X @ beta0)
    beta, of_Q = (solve(each.RXy[:-1, :-1], each.RXy[:-1, -1]) for each in (model, swept))
    close(beta0 + solve(RX0, of_Q), beta)
    RX = swept.RXy[:-1, :-1] @ RX0
    close(RX.T @ RX, model.RXy[:-1, :-1].T @ model.RXy[:-1, :-1])
    close(swept.RXy[-1, -1], model.RXy[-1, -1])
    Z = model.Z[0]
    C = half(sum(Z[:, i : i + 2].T @ Z[:, i : i + 2] for i in range(0, 16, 2)) / 8)
    working = Z @ repeated(np.linalg.inv(C).T, Z)
    close(replace(model, Z=[working, model.Z[1]], G=[C.T @ model.G[0] @ C, model.G[1]]).V(), model.V())


def test_14_to_17_nested_factors_inside_out() -> None:
    model = small("nested")
    logdet = 0.0
    for j, front in enumerate(fronts(model), start=1):
        logdet += np.linalg.slogdet(front.D)[1]
        Z, columns = model.Z[j - 1], np.hstack([*model.Z[j - 1 :], model.Xy])
        close(logdet, np.linalg.slogdet(model.V(j))[1])
        close(front.N[0].T @ np.hstack(front.N), Z.T @ solve(model.V(j), columns))


def test_18_all_effects_at_once() -> None:
    model, Lambda = small("nested"), Lambda_of(small("nested"))
    q = len(Lambda)
    triangle = np.linalg.qr(np.hstack([*model.Z, model.Xy]), mode="r")
    R, B, R0 = triangle[:q, :q], triangle[:q, q:], triangle[q:, q:]
    D = np.eye(q) + R @ Lambda @ Lambda.T @ R.T
    N_B = solve(half(D), B)
    close(R0.T @ R0 + N_B.T @ N_B, model.RXy.T @ model.RXy)
    close(np.linalg.slogdet(D)[1], np.linalg.slogdet(model.V())[1])


def test_19_to_21_crossed_factors() -> None:
    at = Crossed(small("crossed"))
    model, (S, s), (R, B, B_y), Z = at.model, at.front, at.rows, at.model.Z[1]
    logdet = np.linalg.slogdet(at.D)[1] + np.linalg.slogdet(at.M)[1]
    N_y = solve(half(at.D), B_y)
    A0 = model.Xy.T @ model.Xy - B_y.T @ B_y
    close(logdet, np.linalg.slogdet(model.V())[1])
    close(A0 + N_y.T @ N_y - s.T @ at.omega @ s, model.RXy.T @ model.RXy)
    G = repeated(model.G[1], Z)
    close(at.Psi, np.linalg.inv(np.eye(len(S)) + S @ G))
    close(at.Psi, solve(G, at.omega))
    close(at.Psi @ S, Z.T @ solve(model.V(), Z))
    close(at.Psi @ S, np.linalg.inv(G) - solve(G, at.omega) @ np.linalg.inv(G))
    close(s - S @ at.omega @ s, Z.T @ solve(model.V(), model.Xy))
    close(R.T @ solve(at.D, B_y - B @ at.omega @ s), model.Z[0].T @ solve(model.V(), model.Xy))


def test_22_and_23_traces_by_complex_steps() -> None:
    at = Crossed(small("crossed"))
    S, T, (E, block) = at.front[0], at.T, (np.eye(1), np.linalg.inv(half(at.model.G[1])))
    M_E = T.T @ S @ S @ T
    close(np.imag(log_determinant(at.M + 1j * STEP * M_E)) / STEP, np.trace(solve(at.M, M_E)), COMPLEX_STEP)
    F = block @ E @ block.T
    expected = np.trace(at.Psi @ S)
    close(5 * np.trace(F) - np.trace(solve(at.M, repeated(F, at.model.Z[1]))), expected)
    close(np.imag(log_determinant(np.eye(5) + S @ (T @ T.T + 1j * STEP * np.eye(5)))) / STEP, expected, COMPLEX_STEP)


def test_37_a_dual_is_a_slope_on_the_null_space() -> None:
    model = small("crossed")
    v = np.array([1.0, -2.0])
    root = np.array([[2.0, 0.0], [1.0, 0.0]])
    singular = replace(model, G=[root @ root.T, model.G[1]])
    assert np.all(root.T @ v == 0)
    E = np.outer(v, v)
    close(singular.f_E(singular.whole(0, E)), singular.along(lambda moved: moved.f, 0, E), COMPLEX_STEP)


def test_38_expectations_at_G_0() -> None:
    """Of a quadratic form y'Qy of y ~ N(X beta, V) with Q X = 0 the expectation is tr(Q V)."""
    model = replace(small("crossed"), G=[0 * G for G in small("crossed").G])
    true, Z = small("crossed"), np.hstack(model.Z)
    n, p = model.X.shape
    swept = np.eye(n) - model.X @ np.linalg.pinv(model.X)
    H_X = Z.T @ swept @ Z
    E = [model.whole(j, each) for j, each in model.units]
    gamma = np.array([true.G[0][0, 0], true.G[0][1, 0], true.G[0][1, 1], true.G[1][0, 0]])
    for each in E:
        expected = np.trace(H_X @ each) + sum(np.trace(H_X @ each @ H_X @ F) * g for F, g in zip(E, gamma, strict=True))
        close(expected, np.trace(swept @ Z @ each @ Z.T @ swept @ true.V()))
    pwrss = n - p + sum(np.trace(H_X @ F) * g for F, g in zip(E, gamma, strict=True))
    close(pwrss, np.trace(swept @ true.V()))


def test_41_what_a_look_may_miss() -> None:
    noise, kappa, mu = 1e-11, 2.0, 3.0
    eta = np.sqrt(2 * np.sqrt(noise) / kappa)
    assert (noise / eta) ** 2 / (2 * kappa) == pytest.approx(noise**1.5 / 4, rel=SOLVED)
    assert (eta**2 * mu / 6) ** 2 / (2 * kappa) == pytest.approx(noise * mu**2 / (18 * kappa**3), rel=SOLVED)
