"""Designs by rule, of every kind that is known to trouble a solver or a judge; each is named KIND/NUMBER.

A number is a seed: a design is made again from its name alone. Odd numbers are ML, even ones REML.
"""

from collections.abc import Callable

import numpy as np
from adversaries import adversary_of
from strategies import FORMULAS, mixed_data

from relmer.reports.laws.problem import Problem
from relmer.reports.sweeps.kinds import KINDS as RULES
from relmer.reports.sweeps.kinds import Made, problem_of_rule

SEED = 20261126


def plain(number: int, random: np.random.Generator) -> Made:
    """Unbalanced and unsorted, crossed, nested, with slopes: what the project's own tests draw."""
    return str(random.choice(FORMULAS)), mixed_data(number, int(random.integers(24, 60))), ""


def adversary(number: int, random: np.random.Generator) -> Made:
    """Redundant, constant, huge, tiny, shifted and nearly exact columns, weights and units."""
    one = adversary_of(random)
    data = one.data if one.weights is None else one.data.assign(w=one.weights)
    return one.formula, data, "" if one.weights is None else "w"


KINDS: dict[str, Callable[[int, np.random.Generator], Made]] = {
    "plain": plain,
    **{kind: rule for kind, rule in RULES.items() if kind != "ordinary"},
    "adversary": adversary,
}
# In all 2,000.
COUNTS = {kind: 400 if kind == "adversary" else 123 for kind in KINDS} | {"plain": 124}


def problem(name: str) -> Problem:
    """The design of that name.

    Examples
    --------
    >>> problem("offset/4").reml
    True
    """
    kind, _, number = name.rpartition("/")
    random = np.random.default_rng([SEED, [*KINDS].index(kind), int(number)])
    return problem_of_rule(name, KINDS[kind], int(number), random)


def names() -> list[str]:
    """All designs, kinds in turn, so that the first of them are of every kind."""
    most = max(COUNTS.values())
    return [f"{kind}/{k}" for k in range(most) for kind, count in COUNTS.items() if k < count]
