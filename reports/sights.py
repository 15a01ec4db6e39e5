"""What a case looks like, as plain numbers: the source of its pictures."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sight:
    """The criterion around the optimum of a case with every engine's answer, and the patterns of Z and V.

    Attributes
    ----------
    case
        Which.
    axes
        What the axes stand for: one name for a curve, two for contours; none where nothing could be drawn.
    x, y
        Values along the axes, (m,) and (k,); y is empty for a curve.
    rise
        The criterion less `lowest`: (m,), or (k m,) row by row; None stands for what is no finite number.
    lowest
        The lowest criterion known: of all answers and of this project's fit, each by this project's solver.
    bound
        Where a curve leaves theta's chart: beyond it a diagonal element is negative, which is the same covariance with
        the sign of a column turned; None where it does not.
    marks
        Per engine its place on the axes, and at last the criterion at its theta less `lowest`.
    outside
        Engines whose theta is too far away to be drawn.
    sorted_by
        The grouping factors by which the rows of Z and V are sorted; none where they stand as in the data.
    Z, V
        The matrices in cells, a string for each row of them: "." where all entries are zero, "1" to "6" for positive
        ones in steps of a sixth of the largest, "a" to "f" for negative ones. A cell of Z tells its largest entry, one
        of V the mean of its entries.
    largest
        The largest absolute value of a cell, of Z and of V.
    why
        Why nothing could be drawn; empty if something was.
    """

    case: str
    axes: tuple[str, ...] = ()
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()
    rise: tuple[float | None, ...] = ()
    lowest: float = 0.0
    bound: float | None = None
    marks: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    outside: tuple[str, ...] = ()
    sorted_by: tuple[str, ...] = ()
    Z: tuple[str, ...] = ()
    V: tuple[str, ...] = ()
    largest: Mapping[str, float] = field(default_factory=dict)
    why: str = ""
