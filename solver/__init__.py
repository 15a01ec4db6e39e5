"""The reference solver: text and data to formula, frame, design, criterion, optimum, fit; then what follows from it."""

from relmer.solver.documents import (
    Zb,
    cluster_covariances,
    expanded,
    extended_system,
    getFE,
    getV,
    gls_table,
    indicators,
    khatri_rao,
    lmm,
    lmm_profile,
    lmm_setup,
    ols,
    profile_curve,
    profile_surface,
    pseudo_data,
)
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit, Ztlist, coef, covariances, lmer, mmList, ngrps
from relmer.solver.inference import anova_table, coef_table, contest, hypotheses

__all__ = [
    "Fit",
    "ModelError",
    "Zb",
    "Ztlist",
    "anova_table",
    "cluster_covariances",
    "coef",
    "coef_table",
    "contest",
    "covariances",
    "expanded",
    "extended_system",
    "getFE",
    "getV",
    "gls_table",
    "hypotheses",
    "indicators",
    "khatri_rao",
    "lmer",
    "lmm",
    "lmm_profile",
    "lmm_setup",
    "mmList",
    "ngrps",
    "ols",
    "profile_curve",
    "profile_surface",
    "pseudo_data",
]
