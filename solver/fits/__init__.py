"""`lmer`: from text and data to a fit, and what a fit tells."""

from relmer.solver.fits.comparing import anova, drop1, lrt
from relmer.solver.fits.components import VarCorr, covariances, isSingular, ngrps, open_components
from relmer.solver.fits.criteria import AIC, BIC, LogLik, REMLcrit, deviance, df_residual, logLik, nobs
from relmer.solver.fits.effects import coef, fixef, postVar, ranef
from relmer.solver.fits.fit import Fit
from relmer.solver.fits.fitting import lmer
from relmer.solver.fits.getting import getME
from relmer.solver.fits.given import at_par, at_theta
from relmer.solver.fits.html import html_table, html_text
from relmer.solver.fits.influencing import Influence, cooks_distance, hatvalues, influence, rstudent
from relmer.solver.fits.intervals import Profile, confint, profile
from relmer.solver.fits.listing import LmList, lmList
from relmer.solver.fits.matrices import Ztlist, mmList, model_matrix
from relmer.solver.fits.of_rows import fitted, residuals
from relmer.solver.fits.predicting import predict
from relmer.solver.fits.principal import PrincipalComponents, rePCA
from relmer.solver.fits.printing import Summary, summary
from relmer.solver.fits.profiled import profile_ends
from relmer.solver.fits.refitting import Refits, refit
from relmer.solver.fits.remarking import remarks
from relmer.solver.fits.simulating import bootstrap, simulate
from relmer.solver.fits.updating import refitML, update

__all__ = [
    "AIC",
    "BIC",
    "Fit",
    "Influence",
    "LmList",
    "LogLik",
    "PrincipalComponents",
    "Profile",
    "REMLcrit",
    "Refits",
    "Summary",
    "VarCorr",
    "Ztlist",
    "anova",
    "at_par",
    "at_theta",
    "bootstrap",
    "coef",
    "confint",
    "cooks_distance",
    "covariances",
    "deviance",
    "df_residual",
    "drop1",
    "fitted",
    "fixef",
    "getME",
    "hatvalues",
    "html_table",
    "html_text",
    "influence",
    "isSingular",
    "lmList",
    "lmer",
    "logLik",
    "lrt",
    "mmList",
    "model_matrix",
    "ngrps",
    "nobs",
    "open_components",
    "postVar",
    "predict",
    "profile",
    "profile_ends",
    "ranef",
    "rePCA",
    "refit",
    "refitML",
    "remarks",
    "residuals",
    "rstudent",
    "simulate",
    "summary",
    "update",
]
