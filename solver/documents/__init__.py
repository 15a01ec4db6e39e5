"""What the five documents build by hand; each file follows one of them, and none knows another."""

from relmer.solver.documents.curves import criterion_moved, profile_curve, profile_surface
from relmer.solver.documents.marginal import expanded, getFE, getV
from relmer.solver.documents.practical import lmm, lmm_profile, lmm_setup
from relmer.solver.documents.products import Zb, indicators, khatri_rao
from relmer.solver.documents.pseudodata import extended_system, pseudo_data
from relmer.solver.documents.regression import cluster_covariances, gls_table, ols

__all__ = [
    "Zb",
    "cluster_covariances",
    "criterion_moved",
    "expanded",
    "extended_system",
    "getFE",
    "getV",
    "gls_table",
    "indicators",
    "khatri_rao",
    "lmm",
    "lmm_profile",
    "lmm_setup",
    "ols",
    "profile_curve",
    "profile_surface",
    "pseudo_data",
]
