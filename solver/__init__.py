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

__all__ = [
    "Fit",
    "ModelError",
    "Zb",
    "Ztlist",
    "cluster_covariances",
    "coef",
    "covariances",
    "expanded",
    "extended_system",
    "getFE",
    "getV",
    "gls_table",
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
