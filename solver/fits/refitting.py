"""The same model for other responses, one or many."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from relmer.solver.algebra import inverse_of_cross_product
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.many import Together, minima, together
from relmer.solver.model import Design, theta_names
from relmer.solver.paths import criterion, degrees_of_freedom, prepare
from relmer.solver.search import optimise
from relmer.solver.threads import one_thread

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit

Progress = Callable[[int, int], None]
"""Is told how many of how many responses are done."""


@dataclass(frozen=True)
class Refits:
    """The same model for m responses; a row each.

    Attributes
    ----------
    theta
        (m, k), columns named as lme4 names them.
    beta, se
        Fixed effects and their standard errors (m, p).
    sigma, criterion
        Residual standard deviation, and REML criterion or deviance (m,).
    singular, converged
        As of a `Fit` (m,).
    failures
        By the place of a response that has no fit what was wrong with it; its numbers are NaN.
    alone
        How many were searched by themselves, as no minimum was shown side by side.
    """

    theta: pd.DataFrame
    beta: pd.DataFrame
    se: pd.DataFrame
    sigma: "pd.Series[float]"
    criterion: "pd.Series[float]"
    singular: "pd.Series[bool]"
    converged: "pd.Series[bool]"
    failures: dict[int, str]
    alone: int

    def __len__(self) -> int:
        """The number of responses."""
        return len(self.sigma)

    def __repr__(self) -> str:
        """In a line: how many, and what became of them."""
        told = f"{len(self)} refits, {int(self.singular.sum())} singular"
        missing = f", {len(self.failures)} without a fit" if self.failures else ""
        return f"{told}{missing}; means of beta {self.beta.mean().to_dict()}"


def refit(fit: "Fit", y: Any, progress: Progress | None = None) -> "Fit | Refits":
    """Fit the model of a fit to another response, or to many at once.

    Of many, what depends on X, Z and the weights is done once, and the searches run side by side (`solver/many`); a
    response for which no minimum is shown there is searched as `lmer` searches. Memory beside y and the answer is
    bounded: about 100 MB, whatever the number of responses.

    Parameters
    ----------
    fit
        Of the model.
    y
        Another response (n,) for the rows that were fitted, or one in each column (n, m), as numbers, Series or frame;
        the labels of a Series or a frame must be those of the rows.
    progress
        Called with the number of responses that are done, and of all.

    Returns
    -------
    Fit
        For one response.
    Refits
        For a matrix, even of one column.

    Raises
    ------
    ModelError
        The response has another shape or other rows, or is not finite; or the only one has no fit.

    References
    ----------
    Bates et al. (2015), section 5, for `refit` in lme4.

    Examples
    --------
    >>> import pandas as pd
    >>> from relmer.solver import lmer
    >>> data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0, 9.0, 8.0], "g": list("aabbcc")})
    >>> fit = lmer("y ~ 1 + (1 | g)", data)
    >>> f"{refit(fit, 10 * data['y']).sigma / fit.sigma:.6f}"
    '10.000000'
    >>> f"{refit(fit, pd.DataFrame({'a': data['y'], 'b': -data['y']})).beta.iloc[1, 0]:.6f}"
    '-4.833333'
    """
    Y = responses(fit, y)
    if Y.ndim == 2:
        return refits(fit, Y, progress)
    design = replace(fit.design, y=Y)
    with one_thread():
        prepared = prepare(design, fit.method)
        optimum, solution = optimise(prepared, fit.REML, alone=False)
    frame = replace(fit.frame, y=Y)
    return replace(fit, frame=frame, prepared=prepared, optimum=optimum, solution=solution, arguments=None)


def responses(fit: "Fit", y: Any) -> Array:
    """A response (n,), or one in each column (n, m)."""
    labels = fit.index[fit._places]
    if isinstance(y, pd.Series | pd.DataFrame) and not y.index.equals(labels):
        if not labels.isin(y.index).all() or not y.index.is_unique:
            raise ModelError("the response's labels are not those of the rows that were fitted")
        y = y.loc[labels]
    try:
        Y = np.asarray(y, dtype=float)
    except (TypeError, ValueError):
        raise ModelError("the response is not made of numbers") from None
    n = len(fit.design.y)
    if Y.ndim not in (1, 2) or len(Y) != n:
        raise ModelError(f"the response has shape {Y.shape}; the model has {n} rows: give ({n},) or ({n}, m)")
    bad = np.argwhere(~np.isfinite(Y))
    if len(bad):
        where = f"row {labels[bad[0][0]]!r:.40}" + (f" of response {bad[0][1]}" if Y.ndim == 2 else "")
        raise ModelError(f"the response is {Y[tuple(bad[0])]} in {where}")
    return Y


def refits(fit: "Fit", Y: Array, progress: Progress | None) -> Refits:
    """The model for many responses (n, m)."""
    parts, failures, alone, done = [], {}, 0, 0
    for piece in pieces(fit, Y):
        for place in np.flatnonzero(~piece.shown).tolist():
            alone += 1
            try:
                by_itself(fit, Y[:, done + place], piece, place)
            except (ModelError, np.linalg.LinAlgError) as error:
                failures[done + place] = str(error)
        parts.append(piece)
        done += len(piece.shown)
        if progress is not None:
            progress(done, Y.shape[1])
    every = {field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Together)}
    return told(fit, Together(**every), failures, alone)


def pieces(fit: "Fit", Y: Array) -> Iterator[Together]:
    """What is found side by side; of a design that is not for that nothing is, response by response."""
    design, sound = fit.design, fit.prepared.sound
    plain = sound.w_unit == 1.0 and all(each.plain for each in (sound.fixed, *sound.bases))
    rows = together(design) if plain else None
    if rows is None or not Y.shape[1]:
        shape = (len(fit.optimum.theta), design.X.shape[1])
        yield from (nothing(1, *shape) for _ in range(Y.shape[1])) if Y.shape[1] else [nothing(0, *shape)]
        return
    known = Y if design.offset is None else Y - design.offset[:, None]
    with one_thread():
        yield from minima(rows, fit.REML, known, fit.optimum.theta)


def nothing(m: int, k: int, p: int) -> Together:
    """Nothing found of m responses."""
    return Together(
        theta=np.full((m, k), np.nan),
        beta=np.full((m, p), np.nan),
        inverse=np.full((m, p, p), np.nan),
        pwrss=np.full(m, np.nan),
        criterion=np.full(m, np.nan),
        singular=np.zeros(m, dtype=bool),
        shown=np.zeros(m, dtype=bool),
    )


def by_itself(fit: "Fit", y: Array, into: Together, place: int) -> None:
    """Search one response as `lmer` does, and put what is found in its place; NaN if there is no fit."""
    for numbers in (into.theta, into.beta, into.inverse, into.pwrss, into.criterion):
        numbers[place] = np.nan
    design: Design = replace(fit.design, y=y)
    with one_thread():
        optimum, solution = optimise(prepare(design, fit.method), fit.REML, alone=False)
    into.theta[place], into.beta[place], into.pwrss[place] = optimum.theta, solution.beta, solution.pwrss
    into.inverse[place] = inverse_of_cross_product(solution.RX, 1.0)
    into.criterion[place] = criterion(design, solution, fit.REML)
    into.singular[place], into.shown[place] = np.any(np.isfinite(optimum.duals)), optimum.converged


def told(fit: "Fit", found: Together, failures: dict[int, str], alone: int) -> Refits:
    """What was found, under its names."""
    design = fit.design
    coefficients = list(design.coefficients)
    sigma = np.sqrt(found.pwrss / degrees_of_freedom(design, fit.REML))
    se = sigma[:, None] * np.sqrt(np.diagonal(found.inverse, axis1=1, axis2=2))
    return Refits(
        theta=pd.DataFrame(found.theta, columns=list(theta_names(design.terms))),
        beta=pd.DataFrame(found.beta, columns=coefficients),
        se=pd.DataFrame(se, columns=coefficients),
        sigma=pd.Series(sigma),
        criterion=pd.Series(found.criterion),
        singular=pd.Series(found.singular),
        converged=pd.Series(found.shown),
        failures=failures,
        alone=alone,
    )
