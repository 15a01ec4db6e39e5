"""What an answer says of V by its theta and sigma alone: what is compared where the data do not tell G apart."""

from collections.abc import Sequence

import numpy as np

from relmer.solver.arrays import Array
from relmer.solver.model import Design, Lambda

SIGNS = 4


def marginal(design: Design, theta: Sequence[float], sigma: float) -> Array:
    """V of theta and sigma seen by its diagonal, its row sums and its products with vectors of signs (6 n).

    A difference of two V hides from k vectors of random signs with a probability of 2^-k at most, row by row.
    """
    root = sigma * (design.Z @ Lambda(design.template, np.asarray(theta, dtype=float)))
    n = len(design.y)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(n, SIGNS))
    seen = np.column_stack([np.ones(n), signs])
    residual = np.full(n, sigma**2) if design.weights is None else sigma**2 / design.weights
    products = root @ (root.T @ seen) + residual[:, None] * seen
    diagonal = np.asarray(root.multiply(root).sum(axis=1)).ravel() + residual
    return np.concatenate([diagonal, products.T.ravel()])
