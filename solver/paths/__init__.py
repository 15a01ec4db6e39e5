"""Three paths from a design and theta to the criterion: gls, qr, pls."""

from relmer.solver.paths import gls, pls, qr
from relmer.solver.paths.criterion import Prepared, criterion, degrees_of_freedom, parts, prepare, profile, size
from relmer.solver.paths.derivatives import Derivatives, derivatives_at
from relmer.solver.paths.factor import Factor, extended_factor
from relmer.solver.paths.solution import Profile

__all__ = [
    "Derivatives",
    "Factor",
    "Prepared",
    "Profile",
    "criterion",
    "degrees_of_freedom",
    "derivatives_at",
    "extended_factor",
    "gls",
    "parts",
    "pls",
    "prepare",
    "profile",
    "qr",
    "size",
]
