"""How a search may end."""

import math
from dataclasses import dataclass
from enum import StrEnum

from relmer.solver.arrays import Array
from relmer.solver.search.objective import NOISE, Point


class Ending(StrEnum):
    """Why a search ended; the value is the sentence that says it."""

    NOTHING = "there are no random effects, so there is nothing to search"
    UNSEEN = "REML sees nothing of the random effects, which X spans: any theta has this criterion, so none is searched"
    SETTLED = "the last step left less of a gap than any digit shows"
    ROUNDED = "rounding hides what a further step would gain"
    STUCK = "no step along Newton's direction lowers the criterion"
    EXHAUSTED = "the steps that a search may take are used up"
    OPEN = "a dual is negative, but no step along it lowers the criterion"
    CONTRADICTED = "values of the criterion lead on from where its derivatives vanish"
    DROWNED = (
        "the random effects are so large beside the residual, or the weights so uneven, that rounding hides where the "
        "criterion is lowest"
    )
    UNCARRIED = (
        "theta's doubles do not carry the optimum that was found, for a covariate's mean is too far above its spread: "
        "subtract the mean"
    )
    GIVEN = "theta was given, nothing was searched"


@dataclass(frozen=True)
class Optimum:
    """Where the search ended, and what shows that it is a minimum.

    Attributes
    ----------
    theta
        At the minimum, in the units of the design.
    evaluations
        Evaluations of the criterion by the path.
    converged
        The decrement is at rounding level and every dual is positive on the null space of its G.
    decrement
        The estimated gap to the minimum: delta (theory.md, 39) where derivatives were last taken, times what the steps
        before say that the last step leaves of it (theory.md, 40).
    duals
        Per term the smallest eigenvalue of the dual on the null space of G, in working coordinates; infinite where G
        has full rank.
    ending
        Why the search ended.
    unidentified
        Per direction in which theta, or theta and sigma, can change without any change of the criterion the names of
        those that do: theta is one of many. By REML so may be beta and its standard errors.
    roots
        Of the G of each term that has a column that is not redundant, (r, c), in sound coordinates: what theta, which
        is rounded, stands for.
    """

    theta: Array
    evaluations: int
    converged: bool
    decrement: float
    duals: tuple[float, ...]
    ending: Ending
    unidentified: tuple[tuple[str, ...], ...] = ()
    roots: tuple[Array, ...] = ()


@dataclass(frozen=True)
class Descent:
    """Where a descent ended: the point, the gap that is left there, the smallest dual of every term, and why."""

    here: Point
    gap: float
    duals: tuple[float, ...]
    ending: Ending

    @property
    def regular(self) -> bool:
        """Whether every G has full rank."""
        return all(map(math.isinf, self.duals))

    @property
    def minimal(self) -> bool:
        """Whether the gap is at rounding level, no dual is negative, and no value of the criterion contradicts."""
        settled = self.gap <= NOISE * self.here.size
        return settled and self.ending not in (Ending.OPEN, Ending.CONTRADICTED)
