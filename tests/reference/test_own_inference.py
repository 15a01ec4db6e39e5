"""What our own fits conclude, and what lmerTest and pbkrtest concluded from theirs, against the certified values."""

from collections import Counter
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from relmer.datasets import case
from relmer.reference.answers import recorded
from relmer.reference.certificates.records import Certificate
from relmer.reference.certificates.store import certificates, effects_of
from relmer.reference.own_fits import fit_of
from relmer.reference.own_inference import inference_of
from relmer.reports.evidence import relative_digits
from relmer.solver.model import group_names

PROVED = {found.name: found for found in certificates()}
METHODS = ("satterthwaite", "kenward-roger")
# The criterion owes 14 digits, beta and standard errors 12 (tests/reports/evidence/test_own_digits.py), and so does
# what is made of them; of p = P(|T| > |t|) a relative error of t costs |t| times as much or more, up to some hundreds
# here.
OWED = {"logLik": 14, "AIC": 14, "BIC": 14, "t": 12, "se": 12, "ddf": 12, "b": 12, "condsd": 12, "p": 10}
# Below, p has no digits that a double could show.
SMALLEST = 1e-300
PAGE = Path(__file__).parents[2] / "docs" / "certified.md"


def told(found: Certificate, quantity: str, method: str = "") -> np.ndarray:
    """Certified values of the coefficients."""
    values = found.double.inference.values
    names = [f"{method}, {name}" if method else name for name in found.coefficients]
    return np.array([float(values[f"{quantity}[{name}]"].value) for name in names])


def digits(said: object, right: np.ndarray, scale: np.ndarray | float) -> float:
    """Correct digits of the worst."""
    return relative_digits(float(np.max(np.abs(np.asarray(said) - right) / scale, initial=0.0)))


@pytest.mark.parametrize("name", PROVED)
def test_our_own_inference_has_the_digits_that_it_owes(name: str) -> None:
    found = PROVED[name]
    fit = fit_of(case(found.case), "pls")
    own, values, reached = inference_of(fit), found.double.inference.values, {}
    assert own.df == int(values["df"].value)
    for quantity in ("logLik", "AIC", "BIC"):
        right = float(values[quantity].value)
        reached[quantity] = digits(getattr(own, quantity), np.array(right), abs(right))
    t = told(found, "t")
    reached["t"] = digits(own.t, t, np.maximum(np.abs(t), 1))
    assert {*own.tests} == {*METHODS} - {*found.double.inference.refused}
    for method, tested in own.tests.items():
        ddf, p = told(found, "ddf", method), told(found, "p", method)
        reached[f"ddf {method}"] = digits(tested.df, ddf, ddf)
        seen = p > SMALLEST
        reached[f"p {method}"] = digits(np.array(tested.p)[seen], p[seen], p[seen])
        if method == "kenward-roger":
            se = told(found, "se", method)
            reached["se"] = digits(tested.se, se, se)
    effects, design = effects_of(found)["double"], fit.design
    keys = [
        f"[{group}, {level}, {column}]"
        for group, term in zip(group_names(design.terms), design.terms, strict=True)
        for level in term.levels
        for column in term.columns
    ]
    for kind, said in (("b", fit.b), ("condsd", own.condsd)):
        right = np.array([float(effects[kind + key].value) for key in keys])
        reached[kind] = digits(said, right, np.abs(right).max() or 1.0)
    assert {key: got for key, got in reached.items() if got < OWED[key.split()[0]]} == {}


# ---- the packages that others use ----


@lru_cache(maxsize=1)
def of_packages() -> dict[str, dict[str, float]]:
    """Digits of the worst degree of freedom that each package's recorded answer has, by fit."""
    found: dict[str, dict[str, float]] = {}
    for package, method in (("lmertest", METHODS[0]), ("pbkrtest", METHODS[1])):
        for name, certificate in PROVED.items():
            said = recorded.read(package, case(certificate.case))
            if said and said.inference and method in said.inference.tests and method not in refused(certificate):
                ddf = told(certificate, "ddf", method)
                found.setdefault(package, {})[name] = digits(said.inference.tests[method].df, ddf, ddf)
    return found


def refused(found: Certificate) -> set[str]:
    return {*found.double.inference.refused}


def row(package: str, reached: dict[str, float]) -> str:
    """A line of the table."""
    at = Counter(min(int(got // 2 * 2), 8) if got >= 2 else 0 for got in reached.values())
    return f"| {package} | {len(reached)} | {at[8]} | {at[6]} | {at[4]} | {at[2]} | {at[0]} |"


def test_the_page_has_the_digits_of_lmertest_and_pbkrtest() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [row(package, reached) for package, reached in of_packages().items()]
    assert len(rows) == 2
    assert [line for line in lines if line.startswith(("| lmertest", "| pbkrtest"))] == rows
