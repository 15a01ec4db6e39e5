"""relmer: the independent reference for linear mixed models, and the harness that holds every engine against it.

Examples
--------
>>> import relmer
>>> case = relmer.case("dyestuff/reml")
>>> fit = relmer.lmer(case.formula, relmer.load(case.dataset).frame, REML=case.reml)
>>> f"{fit.criterion:.9f}"
'319.654276842'
"""

from importlib.metadata import version as _version

from relmer.datasets import case, cases, load
from relmer.reports.run import compare
from relmer.solver import Fit, lmer

__all__ = ["Fit", "case", "cases", "compare", "lmer", "load", "version"]

version = _version("relmer")
