"""The reference solver: text and data to formula, frame, design, criterion, optimum, fit."""

from relmer.solver.errors import ModelError
from relmer.solver.fit import Fit, lmer

__all__ = ["Fit", "ModelError", "lmer"]
