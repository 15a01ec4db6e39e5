"""The doubles of a model's matrices, read exactly: what ball arithmetic needs of a model that has no certificate."""

from collections.abc import Iterable
from typing import Any

from relmer.solver.model import Design, group_names, response

# Multiplications for the cross products, and for the Cholesky factors of what couples: a second or two each.
MOST_PRODUCTS, MOST_OPERATIONS = 4 * 10**6, 2 * 10**6


def exact_data(design: Design) -> Any:
    """Cross products of a design in rationals, as the kernel's `evaluate` takes them.

    Parameters
    ----------
    design
        Of n rows; its y, X and Z are taken for the doubles that they are.

    Returns
    -------
    Data or None
        None where it would take long, or where no random term is.

    Raises
    ------
    ImportError
        There is no python-flint.
    """
    from relmer.reference.verify import Blocks, Refused, prepared  # noqa: PLC0415

    widths = [len(term.columns) for term in design.terms]
    n, p = design.X.shape
    if not widths or n * sum(widths) * (sum(widths) + p) > MOST_PRODUCTS:
        return None
    try:
        data = prepared(table_of(design))
    except Refused:
        return None
    sizes = [core.size for core in data.cores] if isinstance(data, Blocks) else [len(c.norms) for c in data.components]
    return data if sum(size**3 for size in sizes) <= MOST_OPERATIONS else None


def table_of(design: Design) -> Any:
    """The columns, levels and weights of a design, as the kernel takes them."""
    from relmer.reference.verify import Table  # noqa: PLC0415

    return Table(
        design.coefficients,
        tuple(zip(group_names(design.terms), (term.columns for term in design.terms), strict=True)),
        [exact(column) for column in (*design.X.T.tolist(), response(design).tolist())],
        [[exact(column) for column in term.X.T.tolist()] for term in design.terms],
        list(zip(*(term.codes.tolist() for term in design.terms), strict=True)),
        None if design.weights is None else exact(design.weights.tolist())[:2],
    )


def exact(column: Iterable[float]) -> tuple[list[int], int, int]:
    """A column of doubles as integers over one denominator, and 1: there is no norm to divide by.

    Examples
    --------
    >>> exact([0.5, 3.0])
    ([1, 6], 2, 1)
    """
    ratios = [value.as_integer_ratio() for value in column]
    common = max((below for _, below in ratios), default=1)
    return [above * (common // below) for above, below in ratios], common, 1
