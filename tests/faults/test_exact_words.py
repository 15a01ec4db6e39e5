"""On a model where every slip gives other numbers, the evidence has exactly the words of the slip, and no others.

The model has a factor, two slopes, weights and an offset; the engine tells no stages, so that nothing but its numbers
can give it away.
"""

from dataclasses import replace

import pytest

from relmer.reference.answers import Answer
from relmer.reports.verdicts import Verdict

from .bank import FAULTS
from .court import court

# By fault: the rung on which it must be found, the quantity, and words of the cause.
WORDS = {
    "in silence, the other of ML and REML": (3, "criterion, start", "by ML, not by REML"),
    "in silence, no offset": (3, "criterion, start", "without the offset"),
    "in silence, the offset's sign": (3, "criterion, random", "offset added, not taken off"),
    "in silence, weights ignored": (3, "criterion, start", "without the weights"),
    "in silence, weights squared": (3, "criterion, start", "weights squared"),
    "in silence, weights as variances": (3, "criterion, start", "weights as variances"),
    "in silence, weights as roots": (3, "criterion, random", "roots of the weights"),
    "T transposed": (3, "criterion, random", "transpose of T"),
    "T by rows": (3, "criterion, random", "read by rows"),
    "in silence, slopes in another order": (3, "criterion, random", "columns of a term in the order 1, 3, 2"),
    "covariances forgotten": (3, "criterion, random", "without its entries below the diagonal"),
    "in silence, theta by rows": (4, "criterion at its own theta", "read by rows"),
    "in silence, G for theta": (4, "criterion at its own theta", "lower triangle of G / sigma^2"),
    "correlations for covariances": (5, "varcomp", "correlations, not covariances"),
    "standard deviations and correlations": (5, "varcomp", "standard deviations and correlations"),
    "G by rows": (5, "varcomp", "by rows, not by columns"),
    "b by column": (5, "b", "by column, within it by level"),
    "b in the order of the numbers": (5, "b", "in the order of the numbers in them"),
    "u for b": (5, "b", "u, not Lambda u"),
    "b in units of sigma": (5, "b", "in units of sigma"),
    "b and beta": (5, "b", "with the coefficients added"),
    "in silence, the intercept last": (5, "beta", "intercept last"),
    "in silence, coefficients reversed": (5, "vcov", "in reverse order"),
    "in silence, another reference level": (5, "beta", "with fb as the reference level"),
    "SE of least squares": (5, "se", "of least squares"),
    "SE in units of sigma": (5, "se", "in units of sigma"),
    "sigma by n for n - p": (5, "sigma", "divisor 56 for 52"),
    "fitted without the offset": (5, "fitted", "without the offset"),
    "fitted of rows by factor": (5, "fitted", "of rows sorted by g"),
    "V's diagonal of rows by factor": (5, "V_diagonal", "of rows sorted by g"),
    "V's row sums without the weights": (5, "V_rowsum", "without the weights"),
}


def silent(name: str) -> Answer:
    """The fault's answer, of an engine that tells neither its data nor its model."""
    planted = FAULTS[name].plant(court("drawn/weights"))
    assert planted is not None
    return replace(planted, data=None, model=None)


@pytest.mark.parametrize("name", WORDS)
def test_a_planted_fault_is_caught_on_its_rung_and_its_cause_is_named(name: str) -> None:
    rung, quantity, told = WORDS[name]
    wrong = [c for c in court("drawn/weights").judge(silent(name)) if c.verdict is Verdict.WRONG]
    assert min(c.rung for c in wrong) == rung
    (named,) = [c for c in wrong if c.quantity == quantity]
    assert told in named.evidence


@pytest.mark.parametrize(
    "name",
    [
        "T transposed",
        "in silence, theta by rows",
        "b by column",
        "V's diagonal of rows by factor",
        "fitted of rows by factor",
        "SE of least squares",
    ],
)
def test_without_the_definition_another_path_is_the_measure(name: str) -> None:
    """`gls` is too large for some models: nothing passes there that is found elsewhere."""
    rung, quantity, told = WORDS[name]
    wrong = [c for c in court("drawn/weights").judge(silent(name), peer="pls") if c.verdict is Verdict.WRONG]
    assert min(c.rung for c in wrong) == rung
    assert any(c.quantity == quantity and told in c.evidence for c in wrong)


def test_without_a_fault_nothing_is_found() -> None:
    at = court("drawn/weights")
    found = at.judge(replace(at.honest, data=None, model=None))
    assert {c.verdict for c in found} == {Verdict.AGREE, Verdict.NOT_GIVEN}


@pytest.mark.parametrize("name", ["the last slope of a term left out", "the correlations left out"])
def test_a_column_or_the_correlations_left_out_are_another_model(name: str) -> None:
    found = court("drawn/weights").judge(replace(silent(name), criterion=()))
    (theta,) = [c for c in found if c.quantity == "theta"]
    assert (theta.rung, theta.verdict) == (2, Verdict.WRONG)
    wrong = [c for c in found if c.verdict is Verdict.WRONG]
    assert not [c for c in found if c.rung > 2 and c.verdict in (Verdict.AGREE, Verdict.WITHIN, Verdict.EARLY)]
    assert min(c.rung for c in wrong) == 2
