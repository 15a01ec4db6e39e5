"""A p-value in full doubles moves with the rounding of beta and se; what they do not move it by is wrong."""

from dataclasses import replace

import pytest
from scipy import stats

from relmer.datasets import key_of
from relmer.reports.verdicts import Verdict
from tests.faults.court import court

# Less than an evaluation may round (tolerances.EVALUATION); and more than a stop that rounding hides moves t by, which
# is the root of 1e-11 or so.
ROUNDED, MISPRINTED = 2e-10, 1e-4


@pytest.mark.parametrize(("off", "verdict"), [(ROUNDED, Verdict.AGREE), (MISPRINTED, Verdict.WRONG)])
def test_p_is_that_of_t_to_rounding(off: float, verdict: Verdict) -> None:
    at, name = court("drawn/weights"), "x"
    k = at.design.coefficients.index(name)
    beta, se = at.said.beta[k] * (1 + ROUNDED), at.said.se[k]
    p = 2 * stats.t.sf(abs(beta / se), 40.5) * (1 + off)
    figures = {key_of("beta", name): repr(beta), key_of("se", name): repr(se)}
    figures |= {key_of("ddf", name): "40.5", key_of("p", name): repr(float(p))}
    said = replace(at.honest, data=None, model=None, criterion=(), estimates=None, figures=figures)
    (found,) = [c for c in at.judge(said) if c.quantity == key_of("p", name)]
    assert found.verdict is verdict, found.evidence
