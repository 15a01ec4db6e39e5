"""The generator of certificates: it searches by any means, and what it finds counts only once the kernel has proved it.

models        `models.toml`, and the CSV texts
data          exact cross products
criterion     the profiled criterion in the relative covariances, with its derivatives, in doubles and in balls
factors       the same in the factors of the covariances, and the chart of a rank
search        Newton's method in doubles, from many starts
refine        Newton's method to 90 digits, and the values there
branch        the bisection tree of a global proof
certificate   certificates: made, proved, written
"""

from relmer.reference.certify import jobs
from relmer.reference.certify.branch import plant
from relmer.reference.certify.certificate import (
    CENTRE_DIGITS,
    cautious,
    decimal,
    json_text,
    made_by,
    printed_values,
)
from relmer.reference.certify.factors import trapezoidal

__all__ = [
    "CENTRE_DIGITS",
    "cautious",
    "decimal",
    "jobs",
    "json_text",
    "made_by",
    "plant",
    "printed_values",
    "trapezoidal",
]
