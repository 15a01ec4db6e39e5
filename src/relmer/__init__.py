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

from importlib import import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

from relmer.datasets import cases
from relmer.solver import lmer

if TYPE_CHECKING:
    from relmer.reference.engines import engine_names as engines
    from relmer.reports.python import certify, compare, judge

__all__ = ["cases", "certify", "compare", "engines", "judge", "lmer", "version"]

version = _version("relmer")

# Who only fits need not wait for the judge: these are loaded when they are asked for.
_LATE = {
    "certify": ("relmer.reports.python", "certify"),
    "compare": ("relmer.reports.python", "compare"),
    "engines": ("relmer.reference.engines", "engine_names"),
    "judge": ("relmer.reports.python", "judge"),
}


def __getattr__(name: str) -> Any:
    """The parts of the façade that are loaded late."""
    if name not in _LATE:
        raise AttributeError(f"module 'relmer' has no attribute {name!r}")
    module, attribute = _LATE[name]
    return getattr(import_module(module), attribute)
