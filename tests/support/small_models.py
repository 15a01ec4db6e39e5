"""Small models in dense matrices, for the equations of docs/theory.md: V inverted, and no code of the solver."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from bounds import SOLVED
from complex_step import STEP, log_determinant
from scipy.linalg import block_diag

solve = np.linalg.solve


def half(D: np.ndarray) -> np.ndarray:
    """D^1/2, of a complex D too."""
    L = np.zeros_like(D)
    for j in range(len(D)):
        L[j, j] = np.sqrt(D[j, j] - L[j, :j] @ L[j, :j])
        L[j + 1 :, j] = (D[j + 1 :, j] - L[j + 1 :, :j] @ L[j, :j]) / L[j, j]
    return L


@dataclass(frozen=True)
class Model:
    """y, X, and Z and G of each factor."""

    y: np.ndarray
    X: np.ndarray
    Z: list[np.ndarray]
    G: list[np.ndarray]
    REML: bool

    @cached_property
    def Xy(self) -> np.ndarray:
        return np.column_stack([self.X, self.y])

    @property
    def d(self) -> int:
        return len(self.y) - self.X.shape[1] * self.REML

    @property
    def w(self) -> tuple[np.ndarray, np.ndarray]:
        """w_x and w_xz."""
        p = self.X.shape[1]
        columns, pairs = np.full(p + 1, float(self.REML)), np.full((p + 1, p + 1), float(self.REML))
        columns[p] = pairs[p] = pairs[:, p] = self.d
        return columns, pairs

    def V(self, factors: int | None = None) -> np.ndarray:
        """3, of the first so many factors or of all."""
        pairs = list(zip(self.Z, self.G, strict=True))[:factors]
        return np.eye(len(self.y)) + sum(Z @ repeated(G, Z) @ Z.T for Z, G in pairs)

    @cached_property
    def RXy(self) -> np.ndarray:
        """4."""
        return half(self.Xy.T @ solve(self.V(), self.Xy)).T

    @cached_property
    def f(self) -> complex:
        """8, without weights."""
        constant = self.d * (1 + np.log(2 * np.pi * self.RXy[-1, -1] ** 2 / self.d))
        return log_determinant(self.V()) + self.REML * 2 * np.log(self.RXy.diagonal()[:-1]).sum() + constant

    @cached_property
    def H_and_h(self) -> tuple[np.ndarray, np.ndarray]:
        Z = np.hstack(self.Z)
        return Z.T @ solve(self.V(), Z), Z.T @ solve(self.V(), self.Xy @ np.linalg.inv(self.RXy))

    def f_E(self, E: np.ndarray) -> complex:
        """25."""
        H, h = self.H_and_h
        return np.trace(H @ E) - self.w[0] @ np.einsum("ax,ab,bx->x", h, E, h)

    def f_EF(self, E: np.ndarray, F: np.ndarray) -> float:
        """26."""
        return float(self.f_EF_but_squares(*self.H_and_h, E, F) - self.squares(E, F))

    def f_EF_but_squares(self, H: np.ndarray, h: np.ndarray, E: np.ndarray, F: np.ndarray) -> float:
        return -np.trace(H @ E @ H @ F) + 2 * self.w[0] @ np.einsum("ax,ax->x", h, E @ H @ F @ h)

    def squares(self, E: np.ndarray, F: np.ndarray) -> float:
        """The last sum of 26."""
        h = self.H_and_h[1]
        return (self.w[1] * (h.T @ E @ h) * (h.T @ F @ h)).sum()

    @property
    def units(self) -> list[tuple[int, np.ndarray]]:
        """Factor and E_a of every entry of gamma."""
        found = []
        for j, G in enumerate(self.G):
            for column in range(len(G)):
                for row in range(column, len(G)):
                    E = np.zeros(G.shape)
                    E[row, column] = E[column, row] = 1.0
                    found.append((j, E))
        return found

    def whole(self, j: int, E: np.ndarray) -> np.ndarray:
        """A change E of the j-th G, over the effects of all factors."""
        pairs = enumerate(zip(self.G, self.Z, strict=True))
        return block_diag(*(repeated(E if k == j else 0 * G, Z) for k, (G, Z) in pairs))

    def along(self, function: Callable[["Model"], complex], j: int, E: np.ndarray) -> float:
        """The derivative of a function along E, by a complex step."""
        G = [each + 1j * STEP * E if k == j else each for k, each in enumerate(self.G)]
        return float(np.imag(function(replace(self, G=G))) / STEP)


def repeated(block: np.ndarray, Z: np.ndarray) -> np.ndarray:
    """I x block, for all levels of a factor."""
    return np.kron(np.eye(Z.shape[1] // len(block)), block)


def small(kind: str, REML: bool = True) -> Model:
    """Factors nested in each other, or crossed, with slopes, and G regular."""
    random = np.random.default_rng(5)
    n = 40
    a, x = np.arange(n) % 8, random.normal(size=(n, 3))
    factors = {"nested": (a, a // 2, a // 4), "crossed": (a, np.arange(n) % 5)}[kind]
    Z = []
    for codes, width in zip(factors, (2, 1, 2), strict=False):
        columns = np.column_stack([np.ones(n), x[:, 0]])[:, :width]
        Z.append((np.eye(codes.max() + 1)[codes][:, :, None] * columns[:, None]).reshape(n, -1))
    roots = [np.tril(random.uniform(0.4, 1.2, (width, width))) for width in (2, 1, 2)[: len(Z)]]
    return Model(random.normal(size=n), x[:, 1:], Z, [T @ T.T for T in roots], REML)


def Lambda_of(model: Model) -> np.ndarray:
    return block_diag(*(repeated(half(G), Z) for G, Z in zip(model.G, model.Z, strict=True)))


def close(got: np.ndarray | complex, expected: np.ndarray | complex, bound: float = SOLVED) -> None:
    np.testing.assert_allclose(got, expected, rtol=0, atol=bound * max(1.0, np.abs(expected).max()))


@dataclass(frozen=True)
class Front:
    """All levels of a factor at once, when the factors before it are in V: what 14 to 17 make of them."""

    S: np.ndarray
    s: np.ndarray
    G: np.ndarray

    @cached_property
    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """16: R and B."""
        R = half(self.S).T
        return R, solve(R.T, self.s)

    @cached_property
    def D(self) -> np.ndarray:
        return np.eye(len(self.S)) + self.rows[0] @ self.G @ self.rows[0].T

    @cached_property
    def N(self) -> tuple[np.ndarray, np.ndarray]:
        """14."""
        return solve(half(self.D), self.rows[0]), solve(half(self.D), self.rows[1])


def fronts(model: Model) -> list[Front]:
    """The fronts of nested factors, each by 17 from the one before."""
    columns = np.hstack([*model.Z, model.Xy])
    left = columns.T @ columns
    found = []
    for Z, G in zip(model.Z, model.G, strict=True):
        q = Z.shape[1]
        front = Front(S=left[:q, :q], s=left[:q, q:], G=repeated(G, Z))
        found.append(front)
        left = left[q:, q:] - front.rows[1].T @ front.rows[1] + front.N[1].T @ front.N[1]
    close(half(left).T, model.RXy)
    return found


@dataclass(frozen=True)
class Crossed:
    """19 and 20: the first factor eliminated, and the others by one front; all levels of the first at once."""

    model: Model

    @cached_property
    def rows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """R, B and B_y."""
        Q, R = np.linalg.qr(self.model.Z[0])
        return R, Q.T @ self.model.Z[1], Q.T @ self.model.Xy

    @cached_property
    def D(self) -> np.ndarray:
        R = self.rows[0]
        return np.eye(len(R)) + R @ repeated(self.model.G[0], self.model.Z[0]) @ R.T

    @cached_property
    def front(self) -> tuple[np.ndarray, np.ndarray]:
        """S and s."""
        (_, B, B_y), Z = self.rows, self.model.Z[1]
        s0 = Z.T @ self.model.Xy - B.T @ B_y
        return Z.T @ Z - B.T @ B + B.T @ solve(self.D, B), s0 + B.T @ solve(self.D, B_y)

    @cached_property
    def T(self) -> np.ndarray:
        return repeated(half(self.model.G[1]), self.model.Z[1])

    @cached_property
    def M(self) -> np.ndarray:
        return self.T.T @ self.front[0] @ self.T + np.eye(len(self.T))

    @cached_property
    def omega(self) -> np.ndarray:
        return self.T @ solve(self.M, self.T.T)

    @cached_property
    def Psi(self) -> np.ndarray:
        return np.eye(len(self.T)) - self.front[0] @ self.omega
