"""Linear algebra on plain arrays; knows nothing of models."""

from relmer.solver.algebra.basis import Basis, is_plain, plain_basis, taken_apart
from relmer.solver.algebra.cholesky import factorize, repeated
from relmer.solver.algebra.doubled import less
from relmer.solver.algebra.least_squares import Swept, generalized_least_squares, least_squares, sweep
from relmer.solver.algebra.rank import full_rank_columns
from relmer.solver.algebra.roots import (
    RANK,
    graded_sizes,
    is_regular,
    lower_trapezoid,
    positive,
    reduced_root,
    root_by_columns,
    root_of,
    row_sizes,
    spectral_root,
)
from relmer.solver.algebra.triangles import (
    inverse_of_cross_product,
    logdet_triangle,
    lower_triangle,
    triangular_solve,
    units_of_rows,
)
from relmer.solver.algebra.whitening import LARGE_EFFECTS, marginal_half, whitened_by_augmenting, whitened_by_root

__all__ = [
    "LARGE_EFFECTS",
    "RANK",
    "Basis",
    "Swept",
    "factorize",
    "full_rank_columns",
    "generalized_least_squares",
    "graded_sizes",
    "inverse_of_cross_product",
    "is_plain",
    "is_regular",
    "least_squares",
    "less",
    "logdet_triangle",
    "lower_trapezoid",
    "lower_triangle",
    "marginal_half",
    "plain_basis",
    "positive",
    "reduced_root",
    "repeated",
    "root_by_columns",
    "root_of",
    "row_sizes",
    "spectral_root",
    "sweep",
    "taken_apart",
    "triangular_solve",
    "units_of_rows",
    "whitened_by_augmenting",
    "whitened_by_root",
]
