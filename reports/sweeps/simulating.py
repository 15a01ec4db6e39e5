"""Responses of a model whose parameters are known: drawn in any part, fitted side by side, or asked of engines."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import special

from relmer.datasets import DataError, data_of
from relmer.reports.laws import Problem, problem_of
from relmer.reports.sweeps.plan import OWN, Simulate, named_case
from relmer.reports.sweeps.rows import ENDS, columns
from relmer.reports.verdicts import Verdict
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit, Refits, at_theta, lmer, profile_ends, refit, simulate
from relmer.solver.inference import coef_table

# What of a case a drawn response can take part in.
KEPT = {"weights", "contrasts"}
DDF = {"satterthwaite": "Satterthwaite", "kenward_roger": "Kenward-Roger"}


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A model with its true parameters.

    Attributes
    ----------
    problem
        Its data, with some response.
    fit
        The model at the true theta, where searches begin.
    theta, beta, sigma
        The parameters.
    """

    problem: Problem
    fit: Fit
    theta: tuple[float, ...]
    beta: tuple[float, ...]
    sigma: float

    def responses(self, seed: int, first: int, count: int) -> Array:
        """Responses (n, count) from number `first` on."""
        given = {"theta": self.theta, "beta": self.beta, "sigma": self.sigma}
        return simulate(self.fit, count, seed, newparams=given, first=first).to_numpy()


@lru_cache(maxsize=4)
def truth_of(source: Simulate) -> Truth:
    """The model of a table, with its parameters.

    Raises
    ------
    DataError
        It has none: the formula is refused, or the parameters are not those of the model.
    """
    where = f"simulate {source.name!r}"
    try:
        problem = of_case(source, where) if source.case else of_layout(source)
        asked: dict[str, Any] = {"weights": problem.weights, "contrasts": problem.contrasts}
        given = {name: value for name, value in asked.items() if value}
        fit = lmer(problem.formula, problem.frame, REML=problem.reml, **given)
        theta = source.theta or tuple(fit.optimum.theta.tolist())
        beta = source.beta or tuple(fit.beta.tolist())
        at_truth = at_theta(fit, theta)
        simulate(at_truth, 1, 0, newparams={"beta": beta})
    except ModelError as error:
        raise DataError(f"{where}: {error}") from None
    if problem.response not in problem.frame:
        raise DataError(f"{where}: the response is {problem.response:.40}, no column: no other can stand in its place")
    return Truth(problem=problem, fit=at_truth, theta=theta, beta=beta, sigma=source.sigma or fit.sigma)


def of_case(source: Simulate, where: str) -> Problem:
    """The problem of a case, its rows those that are fitted."""
    case = named_case(source.case)
    assert case is not None
    if stray := {*case.told} - KEPT:
        raise DataError(f"{where}: {source.case} has {min(stray)}: take a case with weights and contrasts at most")
    fit = lmer(case.formula, data_of(case), REML=case.reml, **case.arguments)
    rows = simulate(fit, 1, 0).index
    return replace(problem_of(case), frame=data_of(case).loc[rows].reset_index(drop=True))


def of_layout(source: Simulate) -> Problem:
    """The problem of groups with as many rows each; its response is noise."""
    g, x = np.divmod(np.arange(source.groups * source.rows), source.rows)
    frame = pd.DataFrame(
        {
            "y": np.random.default_rng(0).normal(size=len(g)),
            "x": x.astype(float),
            "z": (2 * g >= source.groups).astype(float),
            "g": pd.Categorical([f"g{k}" for k in g]),
            "h": pd.Categorical([f"h{k}" for k in x]),
        }
    )
    return Problem(name=source.name, frame=frame, formula=source.formula, reml=source.reml)


def problems(source: Simulate, seed: int, first: int, count: int) -> Iterator[Problem]:
    """The problems of some responses, as others are asked about them."""
    truth = truth_of(source)
    for y in truth.responses(seed, first, count).T:
        yield replace(truth.problem, frame=truth.problem.frame.assign(**{truth.problem.response: y}))


def side_by_side(source: Simulate, seed: int, first: int, count: int, version: str) -> pa.Table:
    """The rows of this project's search for some responses of one design."""
    truth = truth_of(source)
    begun = perf_counter()
    Y = truth.responses(seed, first, count)
    found = refit(truth.fit, Y)
    assert isinstance(found, Refits)
    given = own_columns(found)
    if "wald" in source.intervals:
        half = special.ndtri((1 + source.level) / 2) * given["se"]
        given |= {"lower_wald": given["beta"] - half, "upper_wald": given["beta"] + half}
    slow = [method for method in source.intervals if method != "wald"]
    if slow:
        given |= with_intervals(truth, found, Y, slow, source.level)
    fitted = ~np.isnan(given["criterion"])
    # Of a fit there is none: nobody is asked beside it.
    verdict = np.full(count, None, dtype=object)
    verdict[~fitted] = str(Verdict.FAILED)
    told = {
        "source": source.name,
        "kind": source.case or source.name,
        "design": source.case or source.name,
        "replicate": np.arange(first, first + count),
        "REML": truth.problem.reml,
        "transformation": "",
        "engine": OWN,
        "version": version,
        "status": np.where(fitted, "fitted", "failed"),
        "message": np.array([found.failures.get(k, "") for k in range(count)], dtype=object),
        "verdict": verdict,
        "seconds": (perf_counter() - begun) / count,
    }
    return columns(count, {**told, **given})


def own_columns(found: Refits) -> dict[str, Any]:
    """What the search tells of every response; its criterion is the lowest that is known."""
    criterion = found.criterion.to_numpy()
    return {
        **{name: getattr(found, name).to_numpy() for name in ("theta", "beta", "se", "sigma", "singular")},
        **dict.fromkeys(("criterion", "at_theta", "best"), criterion),
        "gap": np.where(np.isnan(criterion), np.nan, 0.0),
    }


def with_intervals(truth: Truth, found: Refits, Y: Array, methods: list[str], level: float) -> Mapping[str, Array]:
    """Intervals that follow from each fit; NaN where a method has none."""
    given: dict[str, Array] = {}
    if "profile" in methods:
        given["lower_profile"], given["upper_profile"] = profile_ends(truth.fit, Y, level)
    tests = [method for method in methods if method in DDF]
    names = [f"{name}_{method}" for method in tests for name in (*ENDS, "df")]
    given |= {name: np.full(found.beta.shape, np.nan) for name in names}
    for k in range(len(found) if tests else 0):
        if k in found.failures:
            continue
        fit = refit(truth.fit, Y[:, k])
        assert isinstance(fit, Fit)
        for method in tests:
            with suppress(ModelError):
                for name, value in by_t(fit, method, level).items():
                    given[name][k] = value
    return given


def by_t(fit: Fit, method: str, level: float) -> dict[str, Array]:
    """The intervals of beta by a method that has degrees of freedom.

    Raises
    ------
    ModelError
        It has none for the fit.
    """
    table = coef_table(fit, DDF[method])
    beta, se, df = (table[name].to_numpy() for name in ("Estimate", "Std. Error", "df"))
    half = special.stdtrit(df, (1 + level) / 2) * se
    return {f"df_{method}": df, f"lower_{method}": beta - half, f"upper_{method}": beta + half}
