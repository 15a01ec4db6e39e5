"""Printed figures: recomputed from an engine's estimates, compared at half a unit of their last printed digit."""

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from relmer.reports import tolerances
from relmer.reports.digits import digits
from relmer.reports.figures import figure
from relmer.reports.hearing import Hearing
from relmer.reports.records import Comparison


def judge_published(hearing: Hearing) -> Iterator[Comparison]:
    """Every printed figure of the case against the engine's value."""
    mine = hearing.answer.estimates
    if mine is None or len(mine.theta) != len(hearing.view.fit.theta):
        return
    for key, printed in hearing.case.published.items():
        value = figure(hearing.view.fit.design, mine, key)
        half = half_unit(printed)
        difference = abs(value - float(printed))
        verdict, evidence = "agree", f"printed {printed}, here {value:.10g}"
        if not difference <= half * (1 + tolerances.EVALUATION):
            gap, own_gap = implied_gap(hearing, key, difference - half), hearing.gaps[hearing.answer.engine]
            printed_gap = tolerances.STOP * max(1, len(mine.theta))
            whose = "the engine's own stop" if own_gap > printed_gap else "a stop like lme4's, when it was printed,"
            verdict = "explained" if gap <= max(printed_gap, tolerances.SLACK**2 * own_gap) else "disagree"
            evidence += f"; {whose} would have to lie {gap:.1e} above the optimum to explain the difference"
        yield Comparison(
            hearing.case.name,
            hearing.answer.engine,
            4 if key in ("criterion", "logLik") else 5,
            key,
            verdict,
            digits("figure", np.array(value), np.array(float(printed))),
            "published",
            f"document {hearing.case.document}" if hearing.case.document else hearing.case.source,
            evidence,
        )


def half_unit(printed: str) -> float:
    """Half a unit of the last printed digit.

    Examples
    --------
    >>> half_unit("24.74")
    0.005
    """
    exponent = Decimal(printed).as_tuple().exponent
    return float(Decimal(5).scaleb(int(exponent) - 1))


def implied_gap(hearing: Hearing, key: str, difference: float) -> float:
    """Give the smallest gap in the criterion whose ellipsoid of theta lets a figure move by `difference`."""
    if key in ("criterion", "logLik"):
        return difference * (2 if key == "logLik" else 1)
    reach = float(hearing.view.sensitivity[key][0])
    return (difference / reach) ** 2 / 2 if reach > 0 else float("inf")
