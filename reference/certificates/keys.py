"""Keys of certified values."""


def theta_key(group: str, row: str, column: str) -> str:
    """lme4's name of an entry of T: group.column on the diagonal, group.row.column below it."""
    return f"theta[{group}.{row}]" if row == column else f"theta[{group}.{row}.{column}]"


def matrix_key(variance: str, covariance: str, group: str, row: str, column: str) -> str:
    """Key of an entry of a term's covariance matrix; the column that comes first in the term comes first."""
    return f"{variance}[{group}, {row}]" if row == column else f"{covariance}[{group}, {column}, {row}]"
