"""Figures as the documents print them, and fits at the theta where lme4's default search stopped."""

from collections.abc import Iterable
from decimal import Decimal

import numpy as np

from relmer.datasets import case, load
from relmer.reference.answers.recorded import read
from relmer.solver import Fit, lmer
from relmer.solver.fits.given import at_theta


def assert_printed(values: Iterable[float], figures: str) -> None:
    """Every value rounds to its printed figure: it lies within half a unit of the last digit."""
    texts = figures.split()
    numbers = np.ravel(np.asarray(values, dtype=float)).tolist()
    assert len(numbers) == len(texts) > 0
    for number, text in zip(numbers, texts, strict=True):
        half = 0.5 * 10.0 ** Decimal(text).as_tuple().exponent
        assert abs(number - float(text)) <= half * (1 + 1e-6), f"{number!r} is not {text}"


def where_lme4_stopped(name: str) -> Fit:
    """The model of a case at the theta that was recorded of lme4 1.1-31 with its default settings."""
    chosen = case(name)
    answer = read("lme4", chosen)
    assert answer is not None
    assert answer.estimates is not None
    fit = lmer(chosen.formula, load(chosen.dataset).frame, REML=chosen.reml)
    return at_theta(fit, np.array(answer.estimates.theta))
