"""What every engine and its judge agree on: what it can be asked, and what `fit` returns."""

from dataclasses import dataclass

from relmer.reference.answers import Estimates

# This project's own house, whose definition all other engines are held against.
OWN_HOUSE = "relmer"
CAPABILITIES = ("stages", "criterion", "fit")
# What `criterion` gives where the engine's criterion is not defined: this very object, or None. Other NaN are slips.
UNDEFINED = float("nan")


@dataclass(frozen=True)
class Fitted:
    """What `fit` returns: the estimates, what the engine said meanwhile, how often it evaluated its criterion."""

    estimates: Estimates
    warnings: tuple[str, ...] = ()
    evaluations: int | None = None
