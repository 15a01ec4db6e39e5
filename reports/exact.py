"""Where a closed form exists, the exact estimates of a case."""

import numpy as np

from relmer.reference.exact import OneWay, one_way
from relmer.reports.landscape import Landscape


def exact_one_way(view: Landscape) -> OneWay | None:
    """Exact estimates of a balanced one-way layout y ~ 1 + (1 | g), None for any other model."""
    design = view.fit.design
    plain = design.weights is None and design.offset is None and design.coefficients == ("(Intercept)",)
    if not plain or len(design.terms) != 1 or design.terms[0].columns != ("(Intercept)",):
        return None
    return one_way(design.y.tolist(), design.terms[0].codes.tolist(), view.fit.REML)


def exact_values(exact: OneWay) -> dict[str, np.ndarray]:
    """Quantities of an answer that the closed form gives, correctly rounded."""
    return {
        "beta": np.array([float(exact.mean)]),
        "sigma": np.sqrt([float(exact.residual)]),
        "se": np.sqrt([float(exact.mean_variance)]),
        "varcomp": np.array([float(exact.between)]),
    }
