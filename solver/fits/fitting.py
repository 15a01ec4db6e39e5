"""`lmer`: from text and data to a fit."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.fits.fit import Fit
from relmer.solver.language import build, model_frame, parse
from relmer.solver.model import CHECKS, Checks, Design, checked_theta, checks_of, theta_names
from relmer.solver.paths import prepare
from relmer.solver.search import optimise
from relmer.solver.threads import one_thread

# Random effects that are larger by more hide the residual from doubles.
LARGEST_START = 1e10
WITHOUT_MEANING = {
    **dict.fromkeys(
        ("optimizer", "optCtrl", "restart_edge", "boundary.tol", "calc.derivs", "use.last.params", "optimiser"),
        "every optimum is found to rounding, by exact derivatives",
    ),
    **dict.fromkeys(
        ("check.conv.grad", "check.conv.hess", "check.conv.singular"),
        "the fit tells whether it converged and is singular",
    ),
    "check.rankX": "dependent columns are dropped and told",
    "check.scaleX": "the scale of a column changes nothing",
    **dict.fromkeys(("sparseX", "standardize.X", "check.formula.LHS", "check.nlev.gtr.1", "check.nlev.gtreq.5"), ""),
}
"""Options of lme4's `lmerControl` that change nothing here, and why."""


def lmer(
    formula: str,
    data: pd.DataFrame,
    REML: bool = True,
    method: str = "pls",
    weights: Any = None,
    offset: Any = None,
    contrasts: Mapping[str, Any] | None = None,
    checks: Checks | Mapping[str, str] | None = None,
    subset: Any = None,
    na_action: str | None = None,
    start: Any = None,
    control: Mapping[str, Any] | None = None,
) -> Fit:
    """Fit a linear mixed model by maximum likelihood or REML.

    Parameters
    ----------
    formula
        In lme4's grammar: "y ~ x + (x | g)". Without a bar the fit is least squares.
    data
        One row per observation; factors as `pandas.Categorical`.
    REML
        The REML criterion, or the deviance.
    method
        "pls" (sparse penalized least squares), "qr" (Wood's QR of Z) or "gls" (V written out).
    weights, offset
        Prior weights (n,), Var(e_i) = sigma^2 / weights_i, and a known part of the mean (n,): numbers, a Series by the
        labels of its index; or text, a column or an expression of columns.
    contrasts
        By factor of the fixed effects: the name of R's contrasts, such as "contr.sum", or a matrix, a row per level.
    checks
        What lme4's checks of sizes do, by their names in `lmerControl`: "check.nobs.vs.nlev", "check.nobs.vs.nRE" and
        "check.nobs.vs.rankZ" can "stop", as the first two do by default, "warning", "message" or "ignore". With
        {"check.nobs.vs.nRE": "ignore"} an unstructured covariance of repeated measures, (0 + visit | id), is fitted:
        V is determined; theta and sigma apart may not be, and `Fit.unidentified` says so.
    subset
        The rows to take: a condition on columns, such as "x > 0 & g %in% c('a', 'b')", or a logical for each row, a
        Series by the labels of its index. What a term computes over all rows, as a mean, sees all rows of the data.
    na_action
        "na.omit" drops the rows that lack a value, and so does "na.exclude", with which `Fit.fitted` and
        `Fit.residuals` have NaN for them; "na.fail" and "na.pass" refuse them.
    start
        A theta where the search begins too, or {"theta": ...}: the optimum that is found is the same, or lower.
    control
        Options by their names in `lmerControl`: those of `checks`. Optimisers and their tolerances have no meaning
        here: every optimum is found to rounding.

    Returns
    -------
    Fit
        theta, beta, sigma and all the matrices.

    Raises
    ------
    ModelError
        Formula or data do not make a model; the message is one line.

    References
    ----------
    Bates, Mächler, Bolker and Walker (2015), Fitting linear mixed-effects models using lme4, JSS 67(1).

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0, 9.0, 8.0], "g": list("aabbcc")})
    >>> fit = lmer("y ~ 1 + (1 | g)", data)
    >>> f"{fit.beta['(Intercept)']:.6f} {fit.sigma ** 2:.6f}"
    '4.833333 0.500000'
    """
    if not isinstance(REML, bool | np.bool_):
        raise ModelError(f"REML is {REML!r:.40}: give True for REML or False for maximum likelihood")
    parsed = parse(formula)
    frame = model_frame(
        parsed, data, weights=weights, offset=offset, contrasts=contrasts, subset=subset, na_action=na_action
    )
    design = build(frame, checks_of(with_control(checks, control)))
    begun = start_of(start, design)
    with one_thread():
        prepared = prepare(design, method)
        optimum, solution = optimise(prepared, REML, begun, alone=False)
    return Fit(
        REML=REML,
        frame=frame,
        index=data.index[frame.shown],
        prepared=prepared,
        optimum=optimum,
        solution=solution,
        arguments={
            "formula": formula,
            "data": data,
            "REML": REML,
            "method": method,
            "weights": weights,
            "offset": offset,
            "contrasts": contrasts,
            "checks": checks,
            "subset": subset,
            "na_action": na_action,
            "control": control,
        },
    )


def start_of(given: Any, design: Design) -> Array | None:
    """The theta where a search begins too.

    Raises
    ------
    ModelError
        It is no theta of the model: of another length, not finite, or negative on the diagonal of a factor.
    """
    if isinstance(given, Mapping):
        if others := [str(name) for name in given if name != "theta"]:
            raise ModelError(f"start has {', '.join(others):.60}: give theta alone, from which all else follows")
        given = given.get("theta")
    if given is None:
        return None
    names = theta_names(design.terms)
    if isinstance(given, pd.Series) and {*given.index} == {*names}:
        given = given[list(names)]
    try:
        theta = checked_theta(design.terms, given)
    except (TypeError, ValueError) as error:
        why = str(error) if isinstance(error, ModelError) else f"it is {given!r:.60}; give numbers"
        raise ModelError(f"start: {why}") from None
    faults = (
        (~(np.abs(theta) <= LARGEST_START), f"a number up to {LARGEST_START:g}"),
        (design.template.diagonal & (theta < 0), "at least 0"),
    )
    for bad, why in faults:
        if bad.any():
            first = int(np.argmax(bad))
            raise ModelError(f"start: theta of {names[first]} is {theta[first]:g}; it must be {why}")
    return theta


def with_control(
    checks: Checks | Mapping[str, str] | None, control: Mapping[str, Any] | None
) -> Checks | Mapping[str, str] | None:
    """The checks of both arguments.

    Raises
    ------
    ModelError
        An option is not known, or has no meaning here.
    """
    if control is None:
        return checks
    if not isinstance(control, Mapping):
        raise ModelError(f"control must be a mapping such as {{'check.nobs.vs.nRE': 'ignore'}}, not {control!r:.60}")
    for name in control:
        if name not in CHECKS:
            why = WITHOUT_MEANING.get(name)
            told = "is not known" if why is None else f"has no meaning here{why and f', where {why}'}"
            raise ModelError(f"control: {name!r:.60} {told}; the options are {', '.join(CHECKS)}")
    if checks is not None and not isinstance(checks, Mapping):
        raise ModelError("checks and control are both given: put all into one of them")
    if both := [name for name in control if name in (checks or {})]:
        raise ModelError(f"{both[0]!r} is given by checks and by control: give it once")
    return {**(checks or {}), **control}
