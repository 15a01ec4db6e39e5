"""Tables that a chapter computes: the practical's ways to one fit, the pieces of the slides' criterion."""

import math

import numpy as np

from relmer.reports.chapters.scenes import fit_of
from relmer.reports.chapters.tables import Table
from relmer.reports.records import Report
from relmer.reports.text import digits_text
from relmer.solver.paths import degrees_of_freedom

PRACTICAL, SLIDES = "docs/machines", "docs/sleepstudy"
COMPARED = {4: "criterion", 5: "estimates"}


def practical_estimates(report: Report) -> Table:
    """What `lmm` of document 003 returns: beta, and theta as log standard deviations."""
    fit = fit_of(PRACTICAL)
    spread = fit.VarCorr()
    beta = [(f"beta {name}", f"{value:.7f}") for name, value in fit.beta.items()]
    logs = [("theta₁ log σ", fit.sigma)] + [
        (f"theta log σ of {group}", deviation)
        for group, deviation in zip(spread["grp"], spread["sdcor"], strict=True)
        if group != "Residual"
    ]
    theta = [(name, f"{float(np.log(value)):.7f}") for name, value in logs]
    return Table("What lmm returns: beta and theta, fitted here", ("Parameter", "Value"), tuple(beta + theta))


def practical_agreement(report: Report) -> Table:
    """How each engine of the run does on the model of document 003."""
    rows = []
    for engine in report.engines:
        for rung, name in COMPARED.items():
            own = [
                c
                for c in report.comparisons
                if (c.case, c.engine, c.rung) == (PRACTICAL, engine.name, rung) and c.kind != "published"
            ]
            digits = [c for c in own if c.digits is not None]
            worst = min(digits, key=lambda c: c.digits or 0.0, default=None)
            verdicts = ", ".join(f"{v.symbol} {v}" for v in dict.fromkeys(c.verdict for c in own))
            if own:
                fewest = f"{digits_text(worst.digits)} ({worst.quantity})" if worst else ""
                rows.append((engine.name, name, fewest, verdicts))
    return Table(
        "The same estimates by every engine of this run: the fewest correct digits, and of what",
        ("Engine", "Compared", "Fewest digits", "Verdicts"),
        tuple(rows),
    )


def pieces_of_the_criterion(report: Report) -> Table:
    """The symbols of document 004 with their values for the sleepstudy model."""
    fit = fit_of(SLIDES)
    n, p = fit.design.X.shape
    d = degrees_of_freedom(fit.design, fit.REML)
    last = d * (1 + math.log(2 * math.pi * fit.solution.pwrss / d))
    rows = (
        ("n, p, q", "observations, fixed effects, random effects", f"{n}, {p}, {fit.Z.shape[1]}"),
        ("θ", "relative covariance parameters", ", ".join(f"{value:.6f}" for value in fit.theta)),
        ("log |L|²", "twice the sum of the logs of the diagonal of L", f"{fit.solution.logdet_L:.6f}"),
        ("log |RX|²", "the same of RX", f"{fit.solution.logdet_RX:.6f}"),
        ("r²", "the least penalized sum of squares", f"{fit.solution.pwrss:.6f}"),
        ("(n − p)[1 + log(2π r²/(n − p))]", "the last term", f"{last:.6f}"),
        ("−2 ℓ(θ)", "their sum, the profiled REML criterion", f"{fit.criterion:.6f}"),
        ("σ̂²", "r² / (n − p)", f"{fit.sigma**2:.6f}"),
    )
    return Table("The pieces of the REML criterion of the sleepstudy model", ("Symbol", "Meaning", "Value"), rows)
