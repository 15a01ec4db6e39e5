"""What every engine and its judge agree on: what it can be asked, and what `fit` returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from relmer.reference.answers import Estimates, Inference

# This project's own house, whose definition all other engines are held against.
OWN_HOUSE = "relmer"
CAPABILITIES = ("stages", "criterion", "fit")
# What `criterion` gives where the engine's criterion is not defined: this very object, or None. Other NaN are slips.
UNDEFINED = float("nan")


@dataclass(frozen=True)
class Fitted:
    """What `fit` returns: the estimates, what the engine said meanwhile, how often it evaluated its criterion.

    An engine that has only part of them gives no estimates but `figures`, texts by key as a listing prints them, such
    as {"beta[Days]": "10.467"}: each is judged at half a unit of its last digit, and what is absent is not given.
    `inference` is what it concludes from them, as far as it tells; alone, it has its own theta.
    """

    estimates: Estimates | None = None
    warnings: tuple[str, ...] = ()
    evaluations: int | None = None
    figures: Mapping[str, str] = field(default_factory=dict)
    inference: Inference | None = None
