"""From a model frame to a design."""

from relmer.solver.language.frame import ModelFrame
from relmer.solver.language.matrix import fixed_matrix, random_terms
from relmer.solver.model import Checks, Design, assemble


def build(frame: ModelFrame, checks: Checks | None = None) -> Design:
    """Design of a model frame, checked as lme4 checks it, or as is said.

    Raises
    ------
    ModelError
        As `assemble` does, or a factor of the fixed effects has one level.
    """
    X, names = fixed_matrix(frame)
    return assemble(frame.y, X, names, random_terms(frame), frame.weights, frame.offset, checks)
