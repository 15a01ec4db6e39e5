"""`lmer`: from text and data to a fit, and what a fit tells."""

from relmer.solver.fits.components import covariances, ngrps
from relmer.solver.fits.effects import coef
from relmer.solver.fits.fit import Fit, at_theta, lmer
from relmer.solver.fits.matrices import Ztlist, mmList

__all__ = ["Fit", "Ztlist", "at_theta", "coef", "covariances", "lmer", "mmList", "ngrps"]
