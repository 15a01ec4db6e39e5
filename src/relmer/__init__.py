"""relmer: the independent reference for linear mixed models, and the harness that holds every engine against it.

Examples
--------
>>> import relmer
>>> from relmer.datasets import load
>>> case, = relmer.cases("dyestuff/reml")
>>> fit = relmer.lmer(case.formula, load(case.dataset).frame, REML=case.reml)
>>> f"{fit.criterion:.9f}"
'319.654276842'
"""

from importlib.metadata import version as _version

from relmer.datasets import cases
from relmer.reference.engines import engine_names as engines
from relmer.reports.run import compare
from relmer.solver import lmer

__all__ = ["cases", "compare", "engines", "lmer", "version"]

version = _version("relmer")
