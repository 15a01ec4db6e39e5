"""The model of a fit at another theta, which somebody gives."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from relmer.solver.errors import ModelError
from relmer.solver.model import checked_theta, factors, inwards, par_names, theta_of_par
from relmer.solver.paths import solve_at
from relmer.solver.search import Ending, Optimum

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit


def at_theta(fit: "Fit", theta: ArrayLike) -> "Fit":
    """The model of a fit at another theta: nothing is searched, beta, sigma and b follow theta.

    Raises
    ------
    ModelError
        Theta has not one value for each of its names.
    """
    at = checked_theta(fit.design.terms, theta)
    given = Optimum(
        theta=at,
        evaluations=1,
        converged=False,
        decrement=np.inf,
        duals=(),
        ending=Ending.GIVEN,
        roots=tuple(inwards(fit.prepared.sound, factors(fit.design.terms, at))),
    )
    return replace(fit, optimum=given, solution=solve_at(fit.prepared, at))


def at_par(fit: "Fit", par: ArrayLike) -> "Fit":
    """The model of a fit at another par (k,), as `at_theta`.

    Raises
    ------
    ModelError
        Par has not one value for each of its names.
    """
    values, names = np.asarray(par, dtype=float), par_names(fit.design.terms)
    if values.shape != (len(names),):
        raise ModelError(f"par has shape {values.shape}; it needs {len(names)} values: {', '.join(names)}")
    return at_theta(fit, theta_of_par(fit.design.terms, values))
