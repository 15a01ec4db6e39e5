"""This project's three solver paths as engines."""

import platform
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version

import numpy as np

from relmer.datasets import Case, load
from relmer.reference.answer import Data, Estimates, Model, Term, data_seen, fingerprint
from relmer.reference.engines.errors import EngineError, EngineUnsupported
from relmer.reference.engines.protocol import Fitted
from relmer.solver.algebra.triangles import lower_triangle
from relmer.solver.fits.fit import Fit, lmer
from relmer.solver.language.build import build
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame
from relmer.solver.model.design import Design
from relmer.solver.model.term import factors, theta_names
from relmer.solver.model.theta import Lambda
from relmer.solver.paths import gls as gls_path
from relmer.solver.paths.criterion import criterion, prepare, profile

# Multiplications for the Cholesky factors of V, some seconds: beyond, the definition is not evaluated.
MOST_OPERATIONS = 10**10


@lru_cache(maxsize=2)
def design_of(formula: str, dataset: str) -> Design:
    """Design of a formula on a data set."""
    return build(model_frame(parse(formula), load(dataset).frame))


@lru_cache(maxsize=4)
def fit_of(formula: str, dataset: str, REML: bool, method: str) -> Fit:
    """Fit of a formula to a data set by one path."""
    return lmer(formula, load(dataset).frame, REML=REML, method=method)


class Path:
    """One solver path.

    Parameters
    ----------
    name
        "pls", "qr" or "gls".
    """

    capabilities = frozenset({"stages", "criterion", "fit"})

    def __init__(self, name: str) -> None:
        self.name = name

    def available(self) -> str:
        """Nothing: the solver is always here."""
        return ""

    def version(self) -> str:
        """Version of relmer."""
        return version("relmer")

    def environment(self) -> Mapping[str, str]:
        """Versions of Python, numpy and scipy, and the platform."""
        return {
            "Python": platform.python_version(),
            "numpy": version("numpy"),
            "scipy": version("scipy"),
            "platform": f"{platform.system()} {platform.machine()}",
        }

    def stages(self, case: Case) -> tuple[Data, Model]:
        """What the solver saw and built."""
        design = design_of(case.formula, case.dataset)
        if self.name == "gls" and not is_small(design):
            raise EngineUnsupported(f"gls: V of {len(design.y)} rows, written out, takes too long for {case.name}")
        factors_seen = {term.group: (term.levels, term.codes) for term in design.terms}
        template = Lambda(design.template, np.arange(1.0, len(design.template.diagonal) + 1))
        model = Model(
            X=fingerprint(design.X),
            Z=fingerprint(design.Z),
            Lambda=fingerprint(template),
            coefficients=design.coefficients,
            terms=tuple(Term(term.group, term.columns, len(term.levels)) for term in design.terms),
            theta_names=theta_names(design.terms),
        )
        return data_seen(design.y, factors_seen), model

    def criterion(self, case: Case, thetas: Sequence[Sequence[float]]) -> tuple[float, ...]:
        """The path's criterion at the given theta."""
        prepared = prepare(design_of(case.formula, case.dataset), self.name)
        return tuple(
            criterion(prepared.design, profile(prepared, np.asarray(theta, dtype=float)), case.reml) for theta in thetas
        )

    def fit(self, case: Case) -> Fitted:
        """The path's fit."""
        fit = fit_of(case.formula, case.dataset, case.reml, self.name)
        if not fit.optimum.converged:
            raise EngineError(f"{self.name}: the search of {case.name} did not converge")
        return Fitted(estimates(fit), evaluations=fit.optimum.evaluations)


def is_small(design: Design) -> bool:
    """Whether V can be written out: the cubes of the sizes of its independent blocks add up to seconds."""
    return sum(size**3 for size in gls_path.block_sizes(design)) <= MOST_OPERATIONS


def estimates(fit: Fit) -> Estimates:
    """Estimates of a fit, as plain tuples."""
    G = [fit.sigma**2 * T @ T.T for T in factors(fit.design.terms, fit.optimum.theta)]
    root = fit.sigma * (fit.Z @ fit.Lambda)
    residual_variance = fit.R.diagonal()
    total = root.T @ np.ones(root.shape[0])
    return Estimates(
        theta=tuple(fit.optimum.theta.tolist()),
        criterion=fit.criterion,
        sigma=fit.sigma,
        beta=tuple(fit.beta.tolist()),
        se=tuple(fit.se.tolist()),
        vcov=tuple(map(tuple, fit.vcov.to_numpy().tolist())),
        varcomp=tuple(float(value) for block in G for value in block[lower_triangle(len(block))]),
        b=tuple(fit.b.tolist()),
        fitted=tuple(fit.fitted.tolist()),
        V_diagonal=tuple((root.multiply(root).sum(axis=1) + residual_variance).tolist()),
        V_rowsum=tuple((root @ total + residual_variance).tolist()),
    )


def pls() -> Path:
    """Sparse penalized least squares."""
    return Path("pls")


def qr() -> Path:
    """Wood's QR of Z."""
    return Path("qr")


def gls() -> Path:
    """The definition, V written out."""
    return Path("gls")
