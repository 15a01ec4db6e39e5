"""The reference solver: text and data to formula, frame, design, criterion, optimum, fit; then what follows from it."""

from relmer.solver.documents.curves import profile_curve, profile_surface
from relmer.solver.documents.marginal import expanded, getFE, getV
from relmer.solver.documents.practical import lmm, lmm_profile, lmm_setup
from relmer.solver.documents.products import Zb, indicators, khatri_rao
from relmer.solver.documents.pseudodata import extended_system, pseudo_data
from relmer.solver.documents.regression import cluster_covariances, gls_table, ols
from relmer.solver.errors import ModelError
from relmer.solver.fits.components import covariances, ngrps
from relmer.solver.fits.effects import coef
from relmer.solver.fits.fit import Fit, lmer
from relmer.solver.fits.matrices import Ztlist, mmList

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
