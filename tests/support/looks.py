"""Made-up looks of cases, for made-up reports."""

from collections.abc import Sequence
from dataclasses import replace

from relmer.reports.sights import Sight


def seen(case: str, k: int, engines: Sequence[str]) -> Sight:
    """What a case looks like: by turns a line through a false minimum, a surface, a curve, and nothing."""
    told = Sight(
        case=case,
        Z=("66..", "..66"),
        V=("64..", "46..", "..6a", "..a6"),
        largest={"V": 5.5, "Z": 1.0},
        sorted_by=("Subject",) if k % 2 else (),
    )
    x, near = tuple(i / 10 for i in range(-5, 16)), dict.fromkeys(engines, (0.0, 0.0))
    if k % 4 == 3:
        return Sight(case=case, why="relmer refuses the model: no such thing")
    if k % 4 == 1:
        rise = tuple((a - 0.3) ** 2 + (b - 0.2) ** 2 + (a * b) ** 2 for b in x for a in x)
        marks = dict.fromkeys(engines, (0.3, 0.2, 0.0)) | {"lme4": (1.2, 1.1, 4.7)}
        return replace(told, axes=("plate.(Intercept)", "sample.(Intercept)"), x=x, y=x, rise=rise, marks=marks)
    rise = tuple(None if a == 0.5 else 300 * a**2 * (1.4 - a) ** 2 for a in x)
    return replace(
        told,
        axes=("from the optimum (0) to the theta of lme4 (1)",),
        x=x,
        rise=rise,
        lowest=55060.534,
        bound=1.0,
        marks=near | {"lme4": (1.0, 136.0)},
        outside=("gls",),
    )
