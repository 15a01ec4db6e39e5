"""The equations of docs/theory.md on derivatives, by number, as they stand there, in dense matrices.

That the solver gives the derivatives of the definition, whatever the structure, is the matter of
tests/solver/elimination/test_structure.py.
"""

from dataclasses import replace

import numpy as np
import pytest
from bounds import COMPLEX_STEP
from complex_step import STEP
from scipy.linalg import block_diag
from small_models import Crossed, Model, close, fronts, repeated, small, solve

BOTH = pytest.mark.parametrize("REML", [True, False])


@BOTH
@pytest.mark.parametrize("kind", ["nested", "crossed"])
def test_24_to_27_derivatives_in_G(kind: str, REML: bool) -> None:
    model = small(kind, REML)
    H, h = model.H_and_h
    pwrss, e = model.RXy[-1, -1] ** 2, h[:, -1] * model.RXy[-1, -1]
    H_X = H - h[:, :-1] @ h[:, :-1].T
    in_traces = H_X if REML else H
    for j, unit in model.units:
        E = model.whole(j, unit)
        first = model.along(lambda moved: moved.f, j, unit)
        close(model.f_E(E), first, COMPLEX_STEP)
        close(np.trace(in_traces @ E) - model.d * e @ E @ e / pwrss, first, COMPLEX_STEP)
        for k, other in model.units:
            F = model.whole(k, other)
            second = model.along(lambda moved, E=E: moved.f_E(E), k, other)
            close(model.f_EF(E, F), second, COMPLEX_STEP)
            textbook = -np.trace(in_traces @ E @ in_traces @ F) + 2 * model.d * e @ E @ H_X @ F @ e / pwrss
            close(textbook - model.d * (e @ E @ e) * (e @ F @ e) / pwrss**2, second, COMPLEX_STEP)


@BOTH
def test_28_to_32_derivatives_of_nested_factors(REML: bool) -> None:
    model = small("nested", REML)
    found, w, p = fronts(model), model.w[0], model.X.shape[1]
    inverse = np.linalg.inv(model.RXy)
    H = [front.N[0].T @ front.N[0] for front in found]
    K = [front.N[0].T @ front.N[1][:, : -p - 1] for front in found]
    h, Phi, omega, outer = [], [], [], []
    omega_out, b = np.zeros((0, 0)), np.zeros((0, p + 1))
    for j in (2, 1, 0):
        G = found[j].G
        h.insert(0, found[j].N[0].T @ found[j].N[1][:, -p - 1 :] @ inverse - K[j] @ b)
        Phi.insert(0, K[j] @ omega_out @ K[j].T + (h[0] * w) @ h[0].T)
        omega.insert(0, G - G @ H[j] @ G)
        outer.insert(0, omega_out)
        step = G @ K[j] @ omega_out
        omega_out = np.block([[omega[0] + step @ K[j].T @ G, -step], [-step.T, omega_out]])
        b = np.vstack([G @ h[0], b])
    close(np.vstack(h), model.H_and_h[1])

    def reaching(t: int, j: int, E: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """31: S_E and s+_E at factor t of a change at factor j."""
        K_j = model.Z[j].T @ solve(model.V(t), model.Z[t])
        beyond = model.Z[j].T @ solve(model.V(t + 1), np.hstack([np.zeros((40, 0)), *model.Z[t + 1 :]]))
        return -K_j.T @ E @ K_j, -K_j.T @ E @ np.hstack([beyond, h[j]])

    def passing(t: int, j: int, E: np.ndarray, k: int, F: np.ndarray) -> float:
        """32, of a factor t outside those of both changes."""
        (S_E, s_E), (S_F, s_F), weights = reaching(t, j, E), reaching(t, k, F), block_diag(outer[t], np.diag(w))
        return -np.trace(omega[t] @ S_E @ omega[t] @ S_F) - 2 * np.trace(weights @ s_E.T @ omega[t] @ s_F)

    def mixed(t: int, F: np.ndarray, j: int, E: np.ndarray) -> float:
        """32, of a change F of factor t itself and one E from inside."""
        (S_E, s_E), weights = reaching(t, j, E), block_diag(outer[t], np.diag(w))
        Psi = np.eye(len(F)) - H[t] @ found[t].G
        return np.trace(F @ (Psi @ S_E @ Psi.T - 2 * Psi @ s_E @ weights @ np.hstack([K[t], h[t]]).T))

    for j, unit in model.units:
        E = repeated(unit, model.Z[j])
        close(np.trace((H[j] - Phi[j]) @ E), model.f_E(model.whole(j, unit)))
        for k, other in model.units:
            F = repeated(other, model.Z[k])
            value = sum(passing(t, j, E, k, F) for t in range(max(j, k) + 1, 3))
            if j == k:
                value += -np.trace(H[j] @ E @ H[j] @ F) + 2 * np.trace(E @ H[j] @ F @ Phi[j])
            else:
                value += mixed(j, E, k, F) if k < j else mixed(k, F, j, E)
            whole = model.whole(j, unit), model.whole(k, other)
            close(value - model.squares(*whole), model.f_EF(*whole))


@BOTH
def test_28_to_34_derivatives_of_crossed_factors(REML: bool) -> None:
    at = Crossed(small("crossed", REML))
    model, (S, s), (R, B, B_y), w = at.model, at.front, at.rows, at.model.w[0]
    inverse = np.linalg.inv(model.RXy)
    H1, U = R.T @ solve(at.D, R), R.T @ np.linalg.inv(at.D)
    K, h1 = U @ B, U @ (B_y - B @ at.omega @ s) @ inverse
    h2 = at.Psi @ s @ inverse
    Phi = K @ at.omega @ K.T + (h1 * w) @ h1.T
    H, h = model.H_and_h
    H_X, d = H - h[:, :-1] @ h[:, :-1].T, model.d
    for j, unit in model.units:
        E, whole_E = repeated(unit, model.Z[j]), model.whole(j, unit)
        Delta = H1 - Phi if j == 0 else at.Psi @ S - (h2 * w) @ h2.T
        close(np.trace(Delta @ E), model.f_E(whole_E))
        for k, other in model.units:
            F, whole_F = repeated(other, model.Z[k]), model.whole(k, other)
            if j == k == 1:
                value = model.f_EF_but_squares(at.Psi @ S, h2, E, F)
            elif j == k == 0:
                S_E, S_F, s_E, s_F = (-K.T @ X @ Y for Y in (K, h1) for X in (E, F))
                value = -np.trace(H1 @ E @ H1 @ F) + 2 * np.trace(E @ H1 @ F @ Phi)
                value -= np.trace(at.omega @ S_E @ at.omega @ S_F) + 2 * np.trace((s_E * w).T @ at.omega @ s_F)
            else:
                inside, own = (E, F) if j == 0 else (F, E)
                S_E, s_E = -K.T @ inside @ K, -K.T @ inside @ h1
                value = np.trace(own @ (at.Psi @ S_E @ at.Psi.T - 2 * at.Psi @ (s_E * w) @ h2.T))
            close(value - model.squares(whole_E, whole_F), model.f_EF(whole_E, whole_F))
            g, other_g = whole_E @ h[:, -1], whole_F @ h[:, -1]
            (g1, g2), (k1, k2) = np.split(g, [16]), np.split(other_g, [16])
            t, t_other = B.T @ U.T @ g1 + S @ g2, B.T @ U.T @ k1 + S @ k2
            quadratic = g1 @ H1 @ k1 + g2 @ B.T @ U.T @ k1 + k2 @ B.T @ U.T @ g1 + g2 @ S @ k2 - t @ at.omega @ t_other
            close(quadratic, g @ H @ other_g)
            AI = d * g @ H_X @ other_g - d * (h[:, -1] @ g) * (h[:, -1] @ other_g)
            replaced = model.f_EF(whole_E, whole_F) - d * g @ H_X @ other_g
            if REML:
                close(AI, replaced + np.trace(H_X @ whole_E @ H_X @ whole_F))


PLACES = [(0, 0), (1, 0), (1, 1)]


def unit_of(place: tuple[int, int]) -> np.ndarray:
    """T_a of an entry of T (2, 2)."""
    change = np.zeros((2, 2))
    change[place] = 1.0
    return change


def first_of(model: Model) -> np.ndarray:
    """df/dgamma of the first factor."""
    return np.array([model.f_E(model.whole(j, E)) for j, E in model.units if j == 0])


def second_of(model: Model) -> np.ndarray:
    """d2f/dgamma2 of the first factor."""
    E = [model.whole(j, each) for j, each in model.units if j == 0]
    return np.array([[model.f_EF(one, two) for two in E] for one in E])


def dual_of(model: Model) -> np.ndarray:
    """Delta of the first factor: entries off the diagonal count twice in gamma."""
    first = first_of(model)
    return np.array([[first[0], first[1] / 2], [first[1] / 2, first[2]]])


def jacobian(T: np.ndarray) -> np.ndarray:
    """dgamma/dtheta."""
    changes = [unit_of(a) @ T.T + T @ unit_of(a).T for a in PLACES]
    return np.array([[change[place] for place in PLACES] for change in changes])


def test_35_and_36_from_G_to_theta_and_to_other_coordinates() -> None:
    crossed = small("crossed")
    C, T = (np.tril(np.random.default_rng(seed).uniform(0.5, 1.5, (2, 2))) for seed in (2, 3))

    def at(root: np.ndarray) -> Model:
        return replace(crossed, G=[root @ root.T, crossed.G[1]])

    model, J = at(T), jacobian(T)
    Delta, second = dual_of(model), second_of(model)
    bent = [[2 * np.trace(Delta @ unit_of(a) @ unit_of(o).T) for o in PLACES] for a in PLACES]
    steps = [T + 1j * STEP * unit_of(a) for a in PLACES]
    close(J @ first_of(model), np.imag([at(step).f for step in steps]) / STEP, COMPLEX_STEP)
    gradients = [jacobian(step) @ first_of(at(step)) for step in steps]
    close(J @ second @ J.T + bent, np.imag(gradients) / STEP, COMPLEX_STEP)
    columns = model.Z[0] @ repeated(np.linalg.inv(C).T, model.Z[0])
    working = replace(model, Z=[columns, model.Z[1]], G=[C.T @ model.G[0] @ C, model.G[1]])
    J_C = np.array([[(C.T @ E @ C)[place] for place in PLACES] for j, E in model.units if j == 0])
    close(Delta, C @ dual_of(working) @ C.T)
    close(second, J_C @ second_of(working) @ J_C.T)
