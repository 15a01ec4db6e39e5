"""The reference solver: text and data to formula, frame, design, criterion, optimum, fit; then what follows from it."""

from relmer.solver.curves import profile_curve, profile_surface
from relmer.solver.errors import ModelError
from relmer.solver.fit import Fit, lmer
from relmer.solver.marginal import covariances, expanded, getFE, getV, ngrps
from relmer.solver.practical import lmm, lmm_profile, lmm_setup
from relmer.solver.products import Zb, Ztlist, coef, indicators, khatri_rao, mmList
from relmer.solver.pseudodata import extended_system, pseudo_data
from relmer.solver.regression import cluster_covariances, gls_table, ols

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
