"""Faults of rung 2 of who gives a part: offset or weights forgotten, by a listing or by an engine without stages."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from relmer.datasets import key_of
from relmer.reference.answers import Answer

from .court import Court
from .fault import FIXED, OFFSET, WEIGHTED, Fault
from .misread import silently

DECIMALS = 5


def estimates_alone(court: Court, answer: Answer) -> Answer:
    """An engine that is asked for its fit and nothing else."""
    return replace(answer, data=None, model=None, criterion=())


def listing(court: Court, answer: Answer) -> Answer:
    """What a program prints: coefficients, their standard errors, sigma and the criterion."""
    said, names = answer.estimates, court.design.coefficients
    assert said is not None
    values = {"sigma": said.sigma, "criterion": said.criterion}
    for quantity in ("beta", "se"):
        values |= {key_of(quantity, name): x for name, x in zip(names, getattr(said, quantity), strict=True)}
    figures = {key: f"{value:.{DECIMALS}f}" for key, value in values.items()}
    return replace(estimates_alone(court, answer), estimates=None, figures=figures)


FORMS: dict[str, Callable[[Court, Answer], Answer]] = {
    "an answer without stages": estimates_alone,
    "a listing": listing,
}


def forgotten() -> Iterator[Fault]:
    """Offset, weights or both left out, and weights taken for variances."""
    both = WEIGHTED & OFFSET
    for form, cut in FORMS.items():
        for told, words, where, change in (
            ("without the offset", "without the offset", OFFSET, {"offset": None}),
            ("without the weights", "without the weights", WEIGHTED, {"weights": None}),
            ("without weights and offset", "without weights and offset", both, {"weights": None, "offset": None}),
            ("with weights as variances", "weights as variances", WEIGHTED, {"weights": np.reciprocal}),
        ):
            yield Fault(f"{form}, {told}", 2, words, where & FIXED, silently(change), quantity="model", cut=cut)


FAULTS = tuple(forgotten())
