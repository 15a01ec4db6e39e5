"""Where a closed form exists, the exact estimates of a case."""

from collections.abc import Iterator

import numpy as np

from relmer.reference.exact import OneWay, one_way
from relmer.reports import tolerances
from relmer.reports.digits import digits
from relmer.reports.hearing import Hearing
from relmer.reports.landscape import Landscape, allowance, unexplained, values, within
from relmer.reports.records import Comparison
from relmer.solver.design import Array

SOURCE = "rational analysis of variance"


def exact_one_way(view: Landscape) -> OneWay | None:
    """Exact estimates of a balanced one-way layout y ~ 1 + (1 | g), None for any other model."""
    design = view.fit.design
    plain = design.weights is None and design.offset is None and design.coefficients == ("(Intercept)",)
    if not plain or len(design.terms) != 1 or design.terms[0].columns != ("(Intercept)",):
        return None
    return one_way(design.y.tolist(), design.terms[0].codes.tolist(), view.fit.REML)


def exact_values(exact: OneWay, view: Landscape) -> dict[str, Array]:
    """Every quantity of an answer, from rationals, rounded once or twice."""
    n, codes = len(view.fit.design.y), view.fit.design.terms[0].codes
    fitted = [float(exact.mean + effect) for effect in exact.effects]
    return {
        "theta": np.sqrt([float(exact.between / exact.residual)]),
        "beta": np.array([float(exact.mean)]),
        "sigma": np.sqrt([float(exact.residual)]),
        "se": np.sqrt([float(exact.mean_variance)]),
        "vcov": np.array([float(exact.mean_variance)]),
        "varcomp": np.array([float(exact.between)]),
        "b": np.array([float(effect) for effect in exact.effects]),
        "fitted": np.array(fitted)[codes],
        "V_diagonal": np.full(n, float(exact.residual + exact.between)),
        "V_rowsum": np.full(n, float(exact.residual + exact.size * exact.between)),
    }


def judge_exact(hearing: Hearing, exact: OneWay) -> Iterator[Comparison]:
    """Every quantity against its exact value."""
    estimates = hearing.answer.estimates
    if estimates is None:
        return
    mine = values(estimates)
    gap = max(hearing.gaps[hearing.answer.engine], 0.0)
    noise = tolerances.GAP * hearing.view.size
    for name, reference in exact_values(exact, hearing.view).items():
        floor = tolerances.SLACK * allowance(hearing.view, name, noise)
        stretched = tolerances.SLACK * allowance(hearing.view, name, (np.sqrt(gap) + np.sqrt(noise)) ** 2)
        verdict, evidence = "agree", "within what the rounding of the criterion leaves open"
        if not within(name, mine[name], reference, floor):
            if within(name, mine[name], reference, stretched):
                verdict, evidence = "explained", f"within what a stop {gap:.1e} above the optimum leaves open"
            else:
                verdict, evidence = unexplained(name, mine[name], reference, stretched)
        reached = digits(name, mine[name], reference)
        yield Comparison(hearing.case.name, hearing.answer.engine, 5, name, verdict, reached, "exact", SOURCE, evidence)
