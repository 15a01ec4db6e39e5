"""Where a search begins if no theta is given, at the moment estimate, and where else a minimum may be."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from relmer.solver.algebra import lower_trapezoid
from relmer.solver.arrays import Array
from relmer.solver.model import RandomTerm
from relmer.solver.paths import parts
from relmer.solver.search.moments import Moments
from relmer.solver.search.objective import NOISE, Objective, Point
from relmer.solver.search.term_parts import Par

# Multiples of T = I at which other minima are looked for.
RAY: Array = 4.0 ** np.arange(-2.0, 4.0)
# Where the search begins again after a singular minimum of few effects, as multiples of T = I, and by what the minimum
# is raised. Of 8,360 drawn designs of 24 to 60 rows the first search missed the lowest minimum of 13, all of them with
# a singular minimum; one of the four found each.
AGAIN = (0.1, 1.0, 3.0)
RAISED = 0.5
FEW = 300
# Values of rho, as parts of the way to its bounds, from which a search with a structure begins too.
CORRELATED = (-0.7, 0.7)
# A slope whose covariate is constant within groups has variances (v_1 + v_2 x_i)^2 where G = v v', zero between two of
# the x_i: each gap between them may have a minimum. Directions of v, its lengths beside that of the minimum, the part
# of it in the other directions, and the columns of a bar from which on no pair is looked at. Of 610 drawn designs of 4
# to 8 groups the starts above missed the lowest minimum of 22, these of none. Where the covariate varies the starts
# above missed it in one of some 5,000 designs (10 rows in 3 groups), where they ended in a singular minimum; so there
# too v goes round, once, and what lies in the direction of that minimum, the nearest of these, is not sought again. It
# was missed once more, of 400 designs, where weights 1e10 apart left three levels to tell the three entries of G: the
# criterion of so few bends as it likes. A level counts that holds more than LITTLE of the heaviest's weight.
ANGLES: Array = np.arange(8) * np.pi / 8
LENGTHS = (0.5, 2.0)
ASIDE = np.cos(np.pi / 8)
LEANING = 0.05
WIDE = 4
LITTLE = 1e-3
# Rows that are looked at first.
HEAD = 200


def begin(objective: Objective, found: Moments, start: Sequence[Array] | None) -> Point:
    """Start at the given parts, else at the moment estimate, else, if that is no better than G = 0, at G = I."""
    if start is not None:
        return objective.at(start)
    parts_of = objective.coordinates.parts
    if found.G is not None:
        there = objective.at([part.near(G) for part, G in zip(parts_of, found.G, strict=True)])
        if there.value < sum(objective.parts(found.at)):
            return there
    return at_multiple(objective, 1.0)


def along_ray(objective: Objective) -> list[Point]:
    """Where the criterion is lowest among its neighbours on the ray of the multiples of T = I, if more than once.

    Two minima need a ridge between them: random effects that explain little and leave sigma large, or much.
    """
    logdet, diagonal = objective.structure.elimination.ray(RAY**2)
    logdet_RX = 2.0 * np.log(diagonal[:, :-1]).sum(axis=1) + objective.constant
    along = zip(logdet.tolist(), logdet_RX.tolist(), (diagonal[:, -1] ** 2).tolist(), strict=True)
    values = [np.inf, *(sum(parts(objective.design, objective.REML, *each)) for each in along), np.inf]
    objective.evaluations += len(RAY)
    lowest = [scale for k, scale in enumerate(RAY, 1) if values[k] < min(values[k - 1], values[k + 1])]
    return [at_multiple(objective, scale) for scale in lowest] if len(lowest) > 1 else []


def off_face(objective: Objective, here: Point) -> list[Point]:
    """Regular points around a singular minimum: few effects may leave several faces a minimum of their own."""
    pairs = zip(objective.coordinates.parts, here.blocks, strict=True)
    raised = objective.at([part.raised(own, RAISED) for part, own in pairs])
    return [raised, *(at_multiple(objective, scale) for scale in AGAIN)]


def correlated(objective: Objective) -> list[Point]:
    """Where rho of a structure is far from zero, on either side: in rho the criterion may have several minima."""
    if not any(isinstance(part, Par) and part.has_rho for part in objective.coordinates.parts):
        return []
    return [at_multiple(objective, 1.0, rho) for rho in CORRELATED]


def at_multiple(objective: Objective, scale: float, rho: float = 0.0) -> Point:
    """The criterion at a multiple of T = I, and with rho so far to its bounds."""
    return objective.at([part.multiple(scale, rho) for part in objective.coordinates.parts])


def without(objective: Objective, here: Point, at_zero: float) -> list[Point]:
    """Points without random effects, or without those of one term, whose criterion is below that of an end.

    Of few rows the criterion may have a minimum at zero beside one that is not, with a ridge between them.
    """
    bound = here.value - NOISE * here.size
    points = [at_multiple(objective, 0.0)] if at_zero < bound else []
    if len(here.blocks) > 1 and objective.effects <= FEW:
        for j, part in enumerate(objective.coordinates.parts):
            blocks = list(here.blocks)
            blocks[j] = part.multiple(0.0, 0.0)
            points.append(objective.at(blocks))
    return [point for point in points if point.value < bound]


def around_circles(objective: Objective, here: Point, regular: bool) -> list[Point]:
    """Nearly singular points G = v v' where the criterion is lowest among its neighbours, v going round in a plane.

    Every pair of columns of a bar spans a plane, if they are constant within groups, if weights leave few levels, or if
    the end is singular; the other terms are as they are.
    """
    found: list[Point] = []
    for j, (T, term) in enumerate(zip(here.blocks, objective.design.terms, strict=True)):
        constant = 1 < len(T) < WIDE and is_constant(term)
        if not 1 < len(T) < WIDE or (regular and not constant and not is_told_by_few(term, objective.design.weights)):
            continue
        length = max(float(np.sqrt((T**2).sum())), RAISED)
        leading = np.linalg.svd(T)[0][:, 0]
        for pair in combinations(range(len(T)), 2):
            for scale in LENGTHS if constant else (1.0,):
                plane = length * scale * np.eye(len(T))[:, pair]
                circle = plane @ np.vstack([np.cos(ANGLES), np.sin(ANGLES)])
                floor = LEANING * length * scale * np.eye(len(T))
                points = []
                for v in circle.T:
                    blocks = list(here.blocks)
                    blocks[j] = lower_trapezoid(np.column_stack([v, floor]))
                    points.append(objective.at(blocks))
                values = np.array([point.value for point in points])
                lowest = (values <= np.roll(values, 1)) & (values <= np.roll(values, -1))
                if not constant:
                    lowest &= np.abs(leading @ circle) < ASIDE * length * scale
                found += [points[k] for k in np.flatnonzero(lowest)]
    return found


def is_told_by_few(term: RandomTerm, weights: Array | None) -> bool:
    """Whether weights leave few levels, more than LITTLE of the heaviest's: no more than G has entries, and not all."""
    if weights is None:
        return False
    held = np.bincount(term.codes, weights, len(term.levels))
    left, c = int(np.count_nonzero(held > LITTLE * held.max())), len(term.columns)
    return left < len(held) and left <= c * (c + 1) // 2


def is_constant(term: RandomTerm) -> bool:
    """Whether all columns of a term are constant within its levels; a few rows show that most are not."""
    one_row = np.zeros(len(term.levels), dtype=np.int64)
    one_row[term.codes] = np.arange(len(term.codes))
    return all(np.array_equal(term.X[rows], term.X[one_row[term.codes[rows]]]) for rows in (slice(HEAD), slice(None)))
