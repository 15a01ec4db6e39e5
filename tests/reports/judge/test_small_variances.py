"""A small entry of V is held to its own size: no large one beside it hides a fault, and no rounding is one."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from generated import OWN, Generated, generated

from relmer.reports.records import Comparison
from relmer.reports.verdicts import Verdict

GROUPS, SIZE = 8, 12
SPANS = (0, 3, 6)


@lru_cache
def model(span: int, seed: int, centred: bool = False) -> Generated:
    """A slope whose covariate spans 10^-span to 10^span: V_ii spans twice as many orders, the slope has its part."""
    random = np.random.default_rng(seed)
    g = np.repeat(np.arange(GROUPS), SIZE)
    x = 10.0 ** random.uniform(-span, span, len(g)) * (random.choice([-1.0, 1.0], len(g)) if centred else 1.0)
    slope = random.normal(size=GROUPS)[g]
    y = 2 + random.normal(size=len(g)) + random.normal(size=GROUPS)[g] + x * slope
    return generated("y ~ x + (x | g)", pd.DataFrame({"y": y, "x": x, "g": [f"g{k}" for k in g]}))


def judged(made: Generated, **changes: object) -> dict[str, Comparison]:
    here = tuple(made.fit.theta)
    said = made.answer("lme4", here)
    answers = {"gls": made.answer("gls", here), "lme4": replace(said, estimates=replace(said.estimates, **changes))}
    return {c.quantity: c for c in made.judged(answers, "lme4")}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("factor", [2.0, 0.0, 1.1])
def test_a_wrong_small_entry_is_found(span: int, seed: int, factor: float) -> None:
    made = model(span, seed)
    V = np.array(made.answer("lme4", tuple(made.fit.theta)).estimates.V_diagonal)
    V[np.argmin(V)] *= factor
    assert judged(made, V_diagonal=tuple(V.tolist()))["V_diagonal"].verdict is Verdict.WRONG


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("span", SPANS)
def test_a_wrong_small_sum_is_found(span: int, seed: int) -> None:
    made = model(span, seed)
    sums = np.array(made.answer("lme4", tuple(made.fit.theta)).estimates.V_rowsum)
    sums[np.argmin(np.abs(sums))] *= 2.0
    assert judged(made, V_rowsum=tuple(sums.tolist()))["V_rowsum"].verdict is Verdict.WRONG


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("span", SPANS)
def test_who_is_right_is_not_accused(span: int, seed: int, centred: bool) -> None:
    """Each path of this project, and the same in R's way, another order of summing."""
    made = model(span, seed, centred)
    here = tuple(made.fit.theta)
    answers = {name: made.answer(name, here) for name in (*OWN, "lme4")}
    at = answers["lme4"].estimates
    design, sigma = made.fit.design, at.sigma
    G = np.zeros((2, 2))
    G[np.tril_indices(2)[::-1]] = at.varcomp
    G = G + G.T - np.diag(np.diag(G))
    Z = design.terms[0].X
    V = (Z @ G @ Z.T) * np.equal.outer(design.terms[0].codes, design.terms[0].codes) + sigma**2 * np.eye(len(Z))
    other = replace(at, V_diagonal=tuple(np.diag(V).tolist()), V_rowsum=tuple(V.sum(axis=1).tolist()))
    answers["lme4"] = replace(answers["lme4"], estimates=other)
    for name in answers:
        found = {c.quantity: c.verdict for c in made.judged(answers, name) if c.quantity.startswith("V_")}
        assert found and {*found.values()} <= {Verdict.AGREE, Verdict.WITHIN}, name
