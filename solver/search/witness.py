"""What confirms the criterion where a search ended: the solution, other evaluations, and theta as it is rounded."""

import math
from collections.abc import Sequence

import numpy as np

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.paths import (
    Prepared,
    Reduced,
    Solution,
    criterion,
    is_cheap,
    is_drowned,
    is_graded,
    solution,
    working_roots,
)
from relmer.solver.search.ending import Ending
from relmer.solver.search.objective import Objective, Point
from relmer.solver.search.places import parts_at

# The criterion at the theta that is returned may differ by this from that of the covariances that were found.
CARRIED = 1e-10
# Or by this part of its size, if that is more: V written out loses digits as its condition grows.
ROUNDING = 1e-12
# The same where X and Z leave little of the response: there the response's own doubles carry fewer digits of what is
# left. It is a tenth of the goal, 1e-10 of the criterion's size, so that both evaluations have room in it.
NEAR = 1e-11


def confirmed(
    prepared: Prepared,
    objective: Objective,
    here: Point,
    regular: bool,
    ending: Ending,
    theta: Array,
    roots: Sequence[Array],
) -> tuple[Solution, Ending]:
    """The solution where a search ended, and why it ended: DROWNED or UNCARRIED if the criterion is another one there.

    Where X and Z leave little of the response, or weights are very uneven, it is asked for twice, by the path and by
    what witnesses it; and theta's rounding is looked at.
    """
    sound = prepared.sound
    at = solved_again(prepared, objective, here, regular, roots)
    if at is None:
        return eliminated(objective.reduced, roots), Ending.DROWNED
    rounding = NEAR if objective.near else ROUNDING
    if not is_close(here, criterion(sound.design, at, objective.REML), rounding):
        return at, Ending.DROWNED
    doubtful = objective.near or is_graded(sound.design)
    if doubtful and not is_close(here, witnessed(prepared, objective, roots), NEAR):
        return at, Ending.DROWNED
    if objective.near or not sound.plain:
        value = value_at(objective, parts_at(prepared, objective, theta))
        ending = ending if is_close(here, value, rounding) else Ending.UNCARRIED
    return at, ending


def solved_again(
    prepared: Prepared, objective: Objective, here: Point, regular: bool, roots: Sequence[Array]
) -> Solution | None:
    """The solution at the end of a search, by the path; None where the random effects drown the residual for it."""
    reduced, by_elimination = objective.reduced, prepared.method == "pls"
    if by_elimination and regular and (objective.near or not is_drowned(reduced.scales, here.blocks)):
        return solution(reduced, working_roots(reduced.scales, roots), objective.solved(here))
    try:
        return prepared.path.solve_at(roots)
    except ModelError:
        if by_elimination or objective.near:
            return None
        raise


def witnessed(prepared: Prepared, objective: Objective, roots: Sequence[Array]) -> float:
    """The criterion at the end of a search by what the path does not use; infinite where that has no digits.

    Elimination witnesses the definition, and the definition elimination, unless its blocks are too large.
    """
    reduced = prepared.reduced
    try:
        if prepared.method != "pls":
            at = eliminated(reduced, roots)
        elif is_cheap(reduced.design):
            at = reduced.definition.solve_at(roots)
        else:
            at = reduced.solve_at(roots)
    except (ModelError, np.linalg.LinAlgError):
        return math.inf
    return criterion(prepared.sound.design, at, objective.REML)


def eliminated(reduced: Reduced, roots: Sequence[Array]) -> Solution:
    """The solution by elimination, whatever digits it has."""
    working = working_roots(reduced.scales, roots)
    return solution(reduced, working, reduced.structure.at_roots(working))


def is_close(here: Point, value: float, rounding: float) -> bool:
    """Whether another evaluation of the criterion differs from that of a point by no more than rounding."""
    return abs(value - here.value) <= max(CARRIED, rounding * here.size)


def value_at(objective: Objective, parts: Sequence[Array]) -> float:
    """The criterion at the parts of the terms; infinite where rounding leaves none."""
    try:
        return objective.at(parts).value
    except ModelError:
        return math.inf
