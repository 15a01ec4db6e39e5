"""What a case looks like: its criterion around the optimum, with every engine's theta in it, and the patterns of Z, V.

Over one theta the criterion is a curve, over two a surface. Over more it is drawn along a straight line of theta: the
one from the optimum to the answer that is highest above it, and beyond, where the chart of theta ends and the same
covariances go on with the sign of a column turned; that is where a false minimum of the chart shows what it is. Where
every answer is at the optimum, the line is that along which the criterion rises the slowest.

The numbers are for pictures: they are rounded, and so many that a picture costs a few dozen evaluations of a model that
an engine's search evaluates as often.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from relmer.reports.evidence import tolerances
from relmer.reports.sights import Sight
from relmer.solver.arrays import Array, Integers
from relmer.solver.fits import Fit
from relmer.solver.model import is_structured, theta_names
from relmer.solver.paths import criterion, derivatives_at, marginal_root, size, solve_at

# How far a picture goes where no answer asks for more: 6 is about the 95 % region of two theta.
RISE = 6.0
# Points of a curve, values along each side of a surface; of models with more random effects than LARGE, fewer.
POINTS, SIDE = 81, 25
LARGE, FEW_POINTS, SHORT_SIDE = 1000, 25, 7
# An answer at a distance of so many times the region's own size is told, not drawn.
FARTHEST = 20.0
FIRST_STEP, DOUBLINGS, HALVINGS = 0.1, 30, 8
# Beyond the answer at its end a line goes on for so much of its length.
BEYOND = 0.5
CELLS, SHADES = 40, 6
DIGITS = 5


@dataclass(frozen=True)
class Ground:
    """The criterion of a fit as a function of theta.

    Attributes
    ----------
    fit
        This project's fit.
    centre
        The theta of the lowest criterion.
    lowest
        That criterion.
    """

    fit: Fit
    centre: Array
    lowest: float

    def rise(self, theta: ArrayLike) -> float:
        """The criterion at theta, less the lowest; what rounding alone may show is 0."""
        found = at(self.fit, theta) - self.lowest
        return 0.0 if abs(found) <= tolerances.GAP * size(self.fit.design, self.fit.solution, self.fit.REML) else found

    def reach(self, direction: Array, farthest: float = np.inf) -> float:
        """How far along a direction the criterion rises by RISE; at most `farthest`, or as far as was looked."""
        low, high = 0.0, min(FIRST_STEP, farthest)
        for _ in range(DOUBLINGS):
            if high >= farthest or not self.rise(self.centre + high * direction) < RISE:
                break
            low, high = high, min(2 * high, farthest)
        else:
            return FIRST_STEP
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if self.rise(self.centre + middle * direction) >= RISE else (middle, high)
        return high

    def lower_bound(self, direction: Array) -> float:
        """How far along a direction no diagonal element of a T is negative."""
        falls = self.fit.design.template.diagonal & (direction < 0)
        return float(np.min(np.maximum(self.centre[falls], 0.0) / -direction[falls], initial=np.inf))


def sight(case: str, fit: Fit, thetas: Mapping[str, Sequence[float]]) -> Sight:
    """What a case looks like.

    Parameters
    ----------
    case
        Its name.
    fit
        This project's fit of it, by a path for any size.
    thetas
        Per engine the theta where it stopped; one of another length, or at which the criterion is no number, is left
        out.
    """
    drawn = matrices(case, fit)
    k = len(fit.optimum.theta)
    answered = {name: np.asarray(theta, dtype=float) for name, theta in thetas.items() if len(theta) == k}
    if k == 0 or (is_structured(fit.design.terms) and k > 2):
        return drawn
    heights = {name: height for name, theta in answered.items() if np.isfinite(height := at(fit, theta))}
    lowest = min([(fit.criterion, ""), *((height, name) for name, height in heights.items())])
    ground = Ground(fit, answered.get(lowest[1], fit.optimum.theta), lowest[0])
    drawn = replace(drawn, lowest=lowest[0])
    stops = {name: answered[name] for name in heights}
    if k > 2:
        return on_line(drawn, ground, stops)
    return on_curve(drawn, ground, stops) if k == 1 else on_surface(drawn, ground, stops)


def at(fit: Fit, theta: ArrayLike) -> float:
    """The criterion at any theta."""
    return criterion(fit.design, solve_at(fit.prepared, np.asarray(theta, dtype=float)), fit.REML)


def on_curve(drawn: Sight, ground: Ground, stops: Mapping[str, Array]) -> Sight:
    """The criterion over the one theta there is."""
    low, high, inside = span(ground, stops, 0)
    x = np.linspace(low, high, points(ground.fit))
    return replace(
        drawn,
        axes=theta_names(ground.fit.design.terms),
        x=short(x),
        rise=heights_at(ground, x[:, None]),
        marks={name: (*short(theta), *short([ground.rise(theta)])) for name, theta in stops.items() if name in inside},
        outside=tuple(name for name in stops if name not in inside),
    )


def on_surface(drawn: Sight, ground: Ground, stops: Mapping[str, Array]) -> Sight:
    """The criterion over the two theta there are."""
    side = SHORT_SIDE if is_large(ground.fit) else SIDE
    (x_low, x_high, by_x), (y_low, y_high, by_y) = (span(ground, stops, k) for k in range(2))
    x, y = np.linspace(x_low, x_high, side), np.linspace(y_low, y_high, side)
    inside = by_x & by_y
    return replace(
        drawn,
        axes=theta_names(ground.fit.design.terms),
        x=short(x),
        y=short(y),
        rise=heights_at(ground, np.column_stack([np.tile(x, side), np.repeat(y, side)])),
        marks={name: (*short(theta), *short([ground.rise(theta)])) for name, theta in stops.items() if name in inside},
        outside=tuple(name for name in stops if name not in inside),
    )


def on_line(drawn: Sight, ground: Ground, stops: Mapping[str, Array]) -> Sight:
    """The criterion along a line of theta, through the answer that is highest above the optimum.

    An answer beside the line is marked at the nearest point of it, and at its own height.
    """
    rises = {name: ground.rise(theta) for name, theta in stops.items()}
    worst = max(rises, key=lambda name: rises[name], default="")
    if worst and rises[worst] > tolerances.EARLY:
        direction = stops[worst] - ground.centre
        low, high = -BEYOND, 1 + BEYOND
        axis = f"from the optimum (0) to the theta of {worst} (1)"
    else:
        direction = slowest(ground)
        low = -ground.reach(-direction, ground.lower_bound(-direction))
        high = ground.reach(direction, ground.lower_bound(direction))
        axis = "theta less that of the optimum, along the slowest rise"
    x = np.linspace(low, high, points(ground.fit))
    bound = ground.lower_bound(direction)
    along = {
        name: float((theta - ground.centre) @ direction / (direction @ direction)) for name, theta in stops.items()
    }
    margin = (high - low) / 50
    inside = {name for name, place in along.items() if low - margin <= place <= high + margin}
    return replace(
        drawn,
        axes=(axis,),
        x=short(x),
        rise=heights_at(ground, ground.centre + x[:, None] * direction),
        bound=short([bound])[0] if bound < high else None,
        marks={name: short([along[name], rises[name]]) for name in stops if name in inside},
        outside=tuple(name for name in stops if name not in inside),
    )


def slowest(ground: Ground) -> Array:
    """The direction (k,) of theta in which the criterion is curved the least, of those in which it is curved at all."""
    hessian = derivatives_at(ground.fit.prepared, ground.centre, ground.fit.REML).hessian
    curvature, axes = np.linalg.eigh(hessian)
    used = np.flatnonzero(curvature > np.sqrt(np.finfo(float).eps) * curvature.max())
    direction = axes[:, used[0]] if len(used) else np.eye(len(hessian))[0]
    return np.asarray(direction * np.sign(direction[np.argmax(np.abs(direction))]))


def span(ground: Ground, stops: Mapping[str, Array], k: int) -> tuple[float, float, set[str]]:
    """The part of the axis of theta[k] that is drawn, and the engines whose theta[k] is in it."""
    e, here = np.eye(len(ground.centre))[k], float(ground.centre[k])
    low = here - ground.reach(-e, ground.lower_bound(-e))
    high = here + ground.reach(e)
    far = FARTHEST * (high - low)
    near = {name: float(theta[k]) for name, theta in stops.items() if abs(theta[k] - here) <= far}
    low, high = min([low, *near.values()]), max([high, *near.values()])
    margin = (high - low) / 20
    # Below 0 a diagonal element of T says again what it says above.
    least = 0.0 if ground.fit.design.template.diagonal[k] else -np.inf
    return max(low - margin, least), high + margin, set(near)


def is_large(fit: Fit) -> bool:
    """Whether one evaluation of the criterion takes its time."""
    return fit.design.Z.shape[1] > LARGE


def points(fit: Fit) -> int:
    """Of how many points a curve is made."""
    return FEW_POINTS if is_large(fit) else POINTS


def heights_at(ground: Ground, thetas: Array) -> tuple[float | None, ...]:
    """The rise at every theta (m, k); None where it is no finite number."""
    return tuple(h if np.isfinite(h) else None for h in short([ground.rise(theta) for theta in thetas]))


def short(values: ArrayLike) -> tuple[float, ...]:
    """Numbers to the digits that a picture shows."""
    return tuple(float(f"{value:.{DIGITS}g}") for value in np.asarray(values, dtype=float).tolist())


def matrices(case: str, fit: Fit) -> Sight:
    """Z (n, q) and V (n, n) of a fit in at most CELLS x CELLS cells; the rows of many are sorted by their groups."""
    terms, Z = fit.design.terms, fit.design.Z
    n, q = map(int, Z.shape)
    if q == 0 or n == 0:
        return Sight(case)
    coarse = sorted(terms, key=lambda term: len(term.levels)) if n > CELLS else []
    order = np.lexsort([term.codes for term in reversed(coarse)]) if coarse else np.arange(n)
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n)
    m, c = min(n, CELLS), min(q, CELLS)
    rows = rank * m // n
    cells_Z = extremes(sparse.coo_array(Z), rows, np.arange(q) * c // q, (m, c))
    # The mean of V over a cell is that of Z Lambda (Z Lambda)' + R: S (sigma Z Lambda) and its transpose, S the means.
    S = sparse.csr_array((np.ones(n), (rows, np.arange(n))), shape=(m, n))
    counts = np.bincount(rows, minlength=m)
    root = S @ (fit.sigma * marginal_root(fit.prepared, fit.optimum.theta, fit.optimum.roots))
    means = np.asarray((root @ root.T).todense()) / np.outer(counts, counts)
    cells_V = means + np.diag((S @ fit.R.diagonal()) / counts**2)
    return Sight(
        case,
        sorted_by=tuple(dict.fromkeys(term.group for term in coarse)),
        Z=shades(cells_Z),
        V=shades(cells_V),
        largest={"V": short([np.abs(cells_V).max()])[0], "Z": short([np.abs(cells_Z).max()])[0]},
    )


def extremes(entries: sparse.coo_array, rows: Integers, columns: Integers, shape: tuple[int, int]) -> Array:
    """The entry of the largest absolute value in each cell, with its sign."""
    most, least = np.zeros(shape), np.zeros(shape)
    i, j = entries.coords
    np.maximum.at(most, (rows[i], columns[j]), entries.data)
    np.minimum.at(least, (rows[i], columns[j]), entries.data)
    return np.where(most >= -least, most, least)


def shades(cells: Array) -> tuple[str, ...]:
    """Cells as letters, by sign and size.

    Examples
    --------
    >>> shades(np.array([[6.0, 0.0], [-1.0, 0.5]]))
    ('6.', 'a1')
    """
    most = float(np.abs(cells).max(initial=0.0))
    steps = np.minimum(np.ceil(np.abs(cells) / most * SHADES - 1e-9), SHADES) if most else np.zeros(cells.shape)
    steps = np.where(np.abs(cells) > 1e-12 * most, np.maximum(steps, 1), 0).astype(int)
    letters = np.where(cells < 0, np.array(list(".abcdef"))[steps], np.array(list(".123456"))[steps])
    return tuple("".join(row) for row in letters.tolist())
