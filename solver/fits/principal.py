"""Principal components of the random effects, as lme4's rePCA."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import linalg

from relmer.solver.arrays import Array
from relmer.solver.model import factors

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit


@dataclass(frozen=True)
class PrincipalComponents:
    """Those of the random effects of one grouping factor.

    Attributes
    ----------
    sdev
        Standard deviations over sigma (c,), largest first.
    rotation
        Orthonormal columns (c, c): each component by effects. The sign of a column means nothing.
    """

    sdev: "pd.Series[float]"
    rotation: pd.DataFrame

    @property
    def proportion(self) -> "pd.Series[float]":
        """Part of the variance that each component has (c,)."""
        squares = self.sdev.to_numpy() ** 2
        return pd.Series(squares / squares.sum() if squares.any() else squares * np.nan, index=self.sdev.index)


def rePCA(fit: "Fit") -> dict[str, PrincipalComponents]:
    """Principal components of G / sigma^2 by grouping factor, the terms of one taken together.

    A standard deviation of 0 says that the effects vary in fewer directions than the model has.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    >>> rePCA(fit)["Subject"].sdev.round(4).tolist()
    [0.9669, 0.2309]
    """
    blocks: dict[str, list[Array]] = {}
    names: dict[str, list[str]] = {}
    for term, T in zip(fit.design.terms, factors(fit.design.terms, fit.optimum.theta), strict=True):
        blocks.setdefault(term.group, []).append(T)
        names.setdefault(term.group, []).extend(term.columns)
    found = {}
    for group, parts in blocks.items():
        rotation, sdev, _ = linalg.svd(linalg.block_diag(*parts))
        components = [f"PC{k + 1}" for k in range(len(sdev))]
        found[group] = PrincipalComponents(
            sdev=pd.Series(sdev, index=components),
            rotation=pd.DataFrame(rotation, index=names[group], columns=components),
        )
    return found
