"""This project's own paths against the certificates: digits of the worst component, every case, every path."""

from functools import lru_cache

import pytest

from relmer.datasets import case
from relmer.reference.answers.answer import Status
from relmer.reference.certificates.store import certificates
from relmer.reference.engines.protocol import answer, engine
from relmer.reference.own_fits import design_of, is_small
from relmer.reports.evidence.evaluation import Evaluator, evaluator_of
from relmer.reports.evidence.score import score
from relmer.reports.records import Optimality

# What a reference solver owes: a double holds 15.95 digits, of which the estimates' conditioning may take three; the
# criterion is flat where it is least, and loses but the rounding of its sum.
OWED = {"beta": 12, "sigma": 12, "criterion": 14, "se": 12}
# theta is found as the root of a gradient, whose conditioning is that of the Hessian.
OWED_THETA = 10
PROVED = {found.name: found for found in certificates() if found.double.level != "numeric"}


@lru_cache(maxsize=1)
def evaluator(name: str) -> Evaluator:
    return evaluator_of(PROVED[name])


def asked(name: str) -> tuple[str, ...]:
    of = case(PROVED[name].case)
    return ("pls", "qr", "gls") if is_small(design_of(of)) else ("pls", "qr")


@pytest.mark.parametrize(("name", "path"), [(name, path) for name in PROVED for path in asked(name)])
def test_our_own_paths_have_the_digits_that_they_owe(name: str, path: str) -> None:
    said = answer(engine(path), case(PROVED[name].case), [])
    assert said.status is Status.FITTED, said.message
    found = score(said, PROVED[name], evaluator(name))
    owed = OWED | ({"theta": OWED_THETA} if found.regular and "theta" in found.digits else {})
    assert {q: found.digits[q] for q, least in owed.items() if found.digits[q] < least} == {}
    assert found.optimality is Optimality.OPTIMUM
