"""A fit, with all its matrices."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.linalg import lapack

from relmer.solver.algebra import inverse_of_cross_product, units_of_rows
from relmer.solver.arrays import Array, Integers
from relmer.solver.fits import (
    comparing,
    components,
    criteria,
    effects,
    getting,
    influencing,
    intervals,
    matrices,
    of_rows,
    predicting,
    principal,
    printing,
    refitting,
    simulating,
    updating,
)
from relmer.solver.fits.html import html
from relmer.solver.fits.unidentified import Unidentified, unidentified
from relmer.solver.language import ModelFrame, canonical
from relmer.solver.model import (
    Design,
    Lambda,
    group_names,
    not_carried,
    par_names,
    par_of,
    theta_names,
)
from relmer.solver.paths import (
    Derivatives,
    ExtendedFactor,
    Prepared,
    Solution,
    criterion,
    degrees_of_freedom,
    derivatives_at,
    extended_factor,
    marginal_root,
)
from relmer.solver.paths import effects as effects_of
from relmer.solver.paths import fitted as fitted_of
from relmer.solver.search import Ending, Optimum


@dataclass(frozen=True, repr=False)
class Fit:
    """A fitted linear mixed model; the names are those of lme4's `getME` and of Bates et al. (2015).

    G, R and V have sigma^2 in them and are those of the rows as they were given (theory.md, 1); `optimum.theta` and the
    matrices of the solution are in units of sigma^2, of the weighted rows (theory.md, 3).

    Attributes
    ----------
    REML
        What was asked for.
    frame
        The formula, and the rows that it has.
    index
        The labels, in the caller's data, of the rows for which fitted values are told (`frame.shown`).
    prepared
        The design, and what the path made of it once and for all theta.
    optimum
        Where the search ended, with the evidence that it is a minimum.
    solution
        The penalized least squares solution at the optimum.
    arguments
        What `lmer` was given, the data among it, for `update`; None of a refit.
    """

    REML: bool
    frame: ModelFrame
    index: "pd.Index[Any]"
    prepared: Prepared
    optimum: Optimum
    solution: Solution
    arguments: Mapping[str, Any] | None = None

    def __repr__(self) -> str:
        """The fit as lme4 prints it."""
        return printing.printed(self)

    def _repr_html_(self) -> str:
        """The fit as a notebook shows it."""
        return html(self)

    @property
    def method(self) -> str:
        """The path that was asked for: "pls", "qr" or "gls"."""
        return self.prepared.method

    @property
    def design(self) -> Design:
        """y, X, Z, terms, template."""
        return self.prepared.design

    @property
    def dropped(self) -> tuple[str, ...]:
        """Names of the columns of X that were dropped because those before them determine them."""
        return self.design.dropped

    @property
    def messages(self) -> tuple[str, ...]:
        """What was noticed while the model was made, in lme4's words where it has them."""
        return (*self.design.messages, *not_carried(self.design, self.prepared.sound.bases))

    @property
    def formula(self) -> str:
        """The formula, as R spells it."""
        return canonical(self.frame.formula)

    @property
    def theta(self) -> "pd.Series[float]":
        """Relative covariance parameters, named as lme4 names them."""
        return pd.Series(self.optimum.theta, index=list(theta_names(self.design.terms)), dtype=float)

    @property
    def par(self) -> "pd.Series[float]":
        """theta, but of terms with a structure standard deviations over sigma, and rho, named as in lme4 2.x."""
        values = par_of(self.design.terms, self.optimum.theta)
        return pd.Series(values, index=list(par_names(self.design.terms)), dtype=float)

    @property
    def beta(self) -> "pd.Series[float]":
        """Fixed effects (p,)."""
        return pd.Series(self.solution.beta, index=list(self.design.coefficients))

    @property
    def sigma(self) -> float:
        """Residual standard deviation (theory.md, 8): sqrt(pwrss / (n - p)) for REML, sqrt(pwrss / n) for ML."""
        return float(np.sqrt(self.solution.pwrss / degrees_of_freedom(self.design, self.REML)))

    @property
    def criterion(self) -> float:
        """REML criterion or deviance at the optimum, -2 loglik."""
        return criterion(self.design, self.solution, self.REML)

    @property
    def loglik(self) -> float:
        """Log-likelihood (restricted for REML) at the optimum."""
        return -self.criterion / 2

    @cached_property
    def _factor(self) -> ExtendedFactor:
        return extended_factor(self.prepared, self.optimum.theta)

    @property
    def L(self) -> sparse.csc_array:
        """Sparse Cholesky factor (q, q): L L' = P (Lambda'Z'W Z Lambda + I) P' (theory.md, 11)."""
        return self._factor.L

    @property
    def P(self) -> sparse.csc_array:
        """Fill-reducing permutation (q, q)."""
        return self._factor.P

    @property
    def RZX(self) -> Array:
        """Solution (q, p) of L RZX = P Lambda'Z'W X."""
        return self._factor.RZX

    @property
    def RX(self) -> Array:
        """Upper triangular (p, p): RX'RX = X'W X - RZX'RZX = X'V^-1 X sigma^2."""
        return self.solution.RX

    @cached_property
    def vcov(self) -> pd.DataFrame:
        """Covariance matrix of the fixed effects, sigma^2 (RX'RX)^-1."""
        names = list(self.design.coefficients)
        return pd.DataFrame(inverse_of_cross_product(self.RX, self.sigma**2), index=names, columns=names)

    @cached_property
    def se(self) -> "pd.Series[float]":
        """Standard errors of the fixed effects (p,)."""
        inverse = lapack.dtrtri(self.RX)[0] if len(self.RX) else self.RX
        unit = units_of_rows(inverse)
        length = np.sqrt(((inverse / unit[:, None]) ** 2).sum(axis=1)) * unit
        return pd.Series(self.sigma * length, index=list(self.design.coefficients))

    @property
    def t(self) -> "pd.Series[float]":
        """t values, beta / se."""
        return self.beta / self.se

    @property
    def u(self) -> Array:
        """Spherical random effects (q,), the conditional mode."""
        return self.solution.u

    @property
    def b(self) -> "pd.Series[float]":
        """Random effects b = Lambda u (q,), indexed by group, level and column."""
        index = [
            (group, level, column)
            for group, term in zip(group_names(self.design.terms), self.design.terms, strict=True)
            for level in term.levels
            for column in term.columns
        ]
        names = ["group", "level", "column"]
        labels = (
            pd.MultiIndex.from_tuples(index, names=names) if index else pd.MultiIndex.from_arrays([[]] * 3, names=names)
        )
        b = effects_of(self.prepared, self.optimum.theta, self.optimum.roots, self.solution)
        return pd.Series(b, index=labels)

    @property
    def X(self) -> pd.DataFrame:
        """Fixed-effects matrix (n, p), the rows under their labels in the data."""
        return pd.DataFrame(self.design.X, columns=list(self.design.coefficients), index=self.index[self._places])

    @property
    def Z(self) -> sparse.csc_array:
        """Random-effects matrix (n, q), sparse."""
        return self.design.Z

    @property
    def Lambda(self) -> sparse.csc_array:
        """Relative covariance factor (q, q), sparse lower triangular."""
        return Lambda(self.design.template, self.optimum.theta)

    @property
    def G(self) -> sparse.csc_array:
        """Covariance of b, sigma^2 Lambda Lambda' (q, q), sparse block-diagonal."""
        root = self.sigma * self.Lambda
        return sparse.csc_array(root @ root.T)

    @property
    def R(self) -> sparse.csc_array:
        """Covariance of the residuals, sigma^2 W^-1 (n, n), sparse diagonal."""
        weights = np.ones(len(self.design.y)) if self.design.weights is None else self.design.weights
        return sparse.csc_array(sparse.diags_array(self.sigma**2 / weights))

    @property
    def V(self) -> sparse.csc_array:
        """Marginal covariance of y, Z G Z' + R (n, n), sparse."""
        root = self.sigma * marginal_root(self.prepared, self.optimum.theta, self.optimum.roots)
        return sparse.csc_array(root @ root.T + self.R)

    @property
    def mu(self) -> Array:
        """X beta + Z b + offset (n,), of the rows of the frame."""
        return fitted_of(self.prepared, self.optimum.theta, self.optimum.roots, self.solution)

    def padded(self, values: Array) -> "pd.Series[float]":
        """Values of the n rows of the frame as those of the rows that are told of."""
        if len(values) == len(self.index):
            return pd.Series(values, index=self.index)
        whole = np.full(len(self.index), np.nan)
        whole[self._places] = values
        return pd.Series(whole, index=self.index)

    @property
    def _places(self) -> Integers:
        """Where the rows of the frame stand among those that are told of (n,)."""
        return np.searchsorted(self.frame.shown, self.frame.rows)

    @cached_property
    def derivatives(self) -> Derivatives:
        """Exact gradient and Hessian of the criterion in par, and its derivatives in the G, at the optimum."""
        return derivatives_at(self.prepared, self.optimum.theta, self.REML)

    @cached_property
    def unidentified(self) -> Unidentified:
        """Covariances, coefficients and standard errors that are one choice of many: the data leave them open.

        Looked for where the search saw covariances that no data tell apart, and where it could not look; nothing is
        open of a fit at a given theta.
        """
        looked = not self.prepared.reduced.structure.elimination.is_sparse
        if self.optimum.ending is Ending.GIVEN or (looked and not self.optimum.unidentified):
            return Unidentified()
        return unidentified(self.design, self.solution, self.optimum.theta, self.REML)

    @property
    def structure(self) -> str:
        """How the random effects are eliminated, step by step."""
        return str(self.prepared.reduced.structure)

    @property
    def singular(self) -> bool:
        """Whether some covariance matrix G_j has not full rank."""
        return bool(np.any(np.isfinite(self.optimum.duals)))

    # What follows from a fit is a function in a file of its own; those with R's names are methods as they are.
    VarCorr = components.VarCorr
    coef = effects.coef
    fitted = of_rows.fitted
    fixef = effects.fixef
    isSingular = components.isSingular
    model_matrix = matrices.model_matrix
    ngrps = components.ngrps
    postVar = effects.postVar
    predict = predicting.predict
    ranef = effects.ranef
    residuals = of_rows.residuals
    refit = refitting.refit
    simulate = simulating.simulate
    summary = printing.summary
    AIC = criteria.AIC
    BIC = criteria.BIC
    REMLcrit = criteria.REMLcrit
    deviance = criteria.deviance
    df_residual = criteria.df_residual
    logLik = criteria.logLik
    nobs = criteria.nobs
    getME = getting.getME
    rePCA = principal.rePCA
    refitML = updating.refitML
    update = updating.update
    cooks_distance = influencing.cooks_distance
    hatvalues = influencing.hatvalues
    influence = influencing.influence
    rstudent = influencing.rstudent
    confint = intervals.confint
    profile = intervals.profile
    anova = comparing.anova
    drop1 = comparing.drop1
    lrt = comparing.lrt
