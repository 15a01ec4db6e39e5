"""Three paths from a design and theta to the criterion: gls, qr, pls (theory.md, 9 to 11)."""

from relmer.solver.paths.criterion import (
    PATHS,
    Prepared,
    criterion,
    degrees_of_freedom,
    given,
    parts,
    prepare,
    size,
    solve_at,
    solve_at_par,
    working_scales,
)
from relmer.solver.paths.derivatives import Derivatives, derivatives_at
from relmer.solver.paths.factor import ExtendedFactor, extended_factor
from relmer.solver.paths.gls import block_sizes
from relmer.solver.paths.leverage import leverages
from relmer.solver.paths.pls import Reduced, is_cheap, is_drowned, solution, working_roots
from relmer.solver.paths.rows import effects, fitted, marginal_root
from relmer.solver.paths.solution import Path, Solution
from relmer.solver.paths.spanned import DENSE, Spanned, is_rounding
from relmer.solver.paths.sweeping import is_graded

__all__ = [
    "DENSE",
    "PATHS",
    "Derivatives",
    "ExtendedFactor",
    "Path",
    "Prepared",
    "Reduced",
    "Solution",
    "Spanned",
    "block_sizes",
    "criterion",
    "degrees_of_freedom",
    "derivatives_at",
    "effects",
    "extended_factor",
    "fitted",
    "given",
    "is_cheap",
    "is_drowned",
    "is_graded",
    "is_rounding",
    "leverages",
    "marginal_root",
    "parts",
    "prepare",
    "size",
    "solution",
    "solve_at",
    "solve_at_par",
    "working_roots",
    "working_scales",
]
