"""statsmodels' MixedLM, which is given the design's y, X and Z: one term, or components within its groups."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, ClassVar

import numpy as np

from relmer.datasets import Case
from relmer.reference.engines import EngineUnsupported, Told, theta_of_G
from relmer.reference.engines.peers.peer import Peer, said_meanwhile
from relmer.reference.own_fits import design_of
from relmer.solver.arrays import Array, Codes
from relmer.solver.model import Design, RandomTerm, factors, is_nested, random_matrix, response


class MixedLM(Peer):
    """`MixedLM(y, X, groups, exog_re, exog_vc)`: a term with its covariances, and variance components beside it."""

    name = package = "statsmodels"
    module = "statsmodels.regression.mixed_linear_model"
    has_components = True
    capabilities = frozenset({"fit", "criterion"})
    dialect: ClassVar[Mapping[str, str]] = {
        "formulas": "y, X and Z are the design's; one term may have covariances, the others are variance components "
        "within its groups; crossed factors are components within one group of all rows"
    }

    def model(self, case: Case, design: Design) -> tuple[Any, Any, list[int]]:
        """The model and its module; `places` are the terms that are variance components."""
        found = import_module(self.module)
        main, outer = outer_of(design.terms)
        places = [k for k in range(len(design.terms)) if k != main]
        exog_re = np.zeros((len(design.y), 0)) if main is None else design.terms[main].X
        spec = found.VCSpec([f"t{k}" for k in places], *components([design.terms[k] for k in places], outer))
        if places and not self.has_components:
            raise EngineUnsupported(f"{self.package} has one random term, no variance components beside it")
        return found, found.MixedLM(response(design), design.X, outer, exog_re, spec if places else None), places

    def tell(self, case: Case, design: Design) -> Told:
        """Fit as a user does: `fit(reml=…)`."""
        _, model, places = self.model(case, design)
        with said_meanwhile() as told:
            fit = model.fit(reml=case.reml)
        sigma2, p = float(fit.scale), design.X.shape[1]
        blocks = [np.atleast_2d(np.asarray(fit.cov_re))] * len(design.terms)
        for k, variance in zip(places, np.asarray(fit.vcomp), strict=True):
            blocks[k] = np.array([[variance]])
        b = effects(fit.random_effects, design, outer_of(design.terms), places)
        return Told(
            criterion=-2 * float(fit.llf),
            sigma=sigma2**0.5,
            beta=np.asarray(fit.fe_params),
            se=np.asarray(fit.bse_fe),
            vcov=np.asarray(fit.cov_params())[:p, :p],
            theta=theta_of_G(blocks, sigma2**0.5),
            b=b,
            fitted=np.asarray(fit.fittedvalues) + (design.y - response(design)),
            warnings=(*told, *(() if fit.converged else ("the optimiser did not converge",))),
        )

    def criterion(self, case: Case, thetas: Sequence[Sequence[float]]) -> tuple[float | None, ...]:
        """-2 times its log-likelihood, profiled over beta and the scale."""
        design = design_of(case)
        found, model, places = self.model(case, design)
        # What `fit` sets before it searches.
        model.reml, model.cov_pen, model.fe_pen, model._cov_sing = case.reml, None, None, 0

        def at(theta: Sequence[float]) -> float | None:
            G = [T @ T.T for T in factors(design.terms, np.asarray(theta, dtype=float))]
            main = next((block for k, block in enumerate(G) if k not in places), np.zeros((0, 0)))
            vcomp = np.array([G[k][0, 0] for k in places])
            given = found.MixedLMParams.from_components(fe_params=np.zeros(design.X.shape[1]), cov_re=main, vcomp=vcomp)
            try:
                value = -2 * float(model.loglike(given, profile_fe=True))
            except (np.linalg.LinAlgError, ZeroDivisionError):
                return None
            return value if np.isfinite(value) else None

        return tuple(map(at, thetas))


def outer_of(terms: Sequence[RandomTerm]) -> tuple[int | None, Codes]:
    """The term that has covariances, or the first of the outermost factor, and the groups in which all others nest.

    Where no factor holds the others, all rows are one group, and no term may have covariances.
    """
    wide = [k for k, term in enumerate(terms) if len(term.columns) > 1]
    for main in wide or range(len(terms) - 1, -1, -1):
        codes = terms[main].codes
        if len(wide) < 2 and all(is_nested(term.codes, codes) for term in terms):
            return main, codes
    if wide:
        raise EngineUnsupported(
            "MixedLM has covariances between random effects for one term only, whose groups hold all the others"
        )
    return None, np.zeros(len(terms[0].codes), dtype=np.int64)


def components(terms: Sequence[RandomTerm], outer: Codes) -> tuple[list[Any], list[Any]]:
    """Names and matrices of the variance components: for each term, within each group, the columns that occur."""
    names, matrices = [], []
    for term in terms:
        Z = random_matrix(term).tocsc()
        inside = [np.flatnonzero(outer == group) for group in np.unique(outer)]
        there = [np.unique(term.codes[rows]) for rows in inside]
        matrices.append([Z[rows][:, levels].toarray() for rows, levels in zip(inside, there, strict=True)])
        names.append([[str(level) for level in levels] for levels in there])
    return names, matrices


def effects(random_effects: Any, design: Design, outer: tuple[int | None, Codes], places: Sequence[int]) -> Array:
    """b in the design's order: of each group first the main term's, then those of the components, by their levels."""
    main, codes = outer
    blocks = [np.zeros((len(term.levels), len(term.columns))) for term in design.terms]
    for group in np.unique(codes):
        told, at = np.asarray(random_effects[group]), 0
        if main is not None:
            at = len(design.terms[main].columns)
            blocks[main][group] = told[:at]
        for k in places:
            levels = np.unique(design.terms[k].codes[codes == group])
            blocks[k][levels, 0] = told[at : at + len(levels)]
            at += len(levels)
    return np.concatenate([block.ravel() for block in blocks])


def statsmodels() -> MixedLM:
    """The engine."""
    return MixedLM()
