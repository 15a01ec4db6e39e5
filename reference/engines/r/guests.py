"""nlme and glmmTMB as engines, each in a child process of its own with R."""

import os
import shutil
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import numpy as np

from relmer.datasets import Case, key_of
from relmer.reference.engines import (
    INVERSE,
    SEARCHED,
    Child,
    EngineError,
    EngineUnsupported,
    Fitted,
    Told,
    estimates_of,
    plain_text,
    theta_of_G,
)
from relmer.reference.engines.r.lme4_process import ENVIRONMENT, OLDEST_R, RPY2, SECONDS, WITHHELD, advice
from relmer.reference.own_fits import design_of
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.model import Design, group_names, is_nested, response

PROGRAM = ("-m", "relmer.reference.engines.r.guest_child")
AS_NUMBERS = "y, X and Z are the design's, as numeric columns; formulas are not read"


class Guest:
    """A package of R that fits mixed models; a subclass says which, and which models it can express."""

    name: ClassVar[str]
    package: ClassVar[str]
    function: ClassVar[str]
    witness_of = None
    definition = False
    capabilities = frozenset({"fit"})
    dialect: ClassVar[Mapping[str, str]] = {"formulas": AS_NUMBERS}

    def __init__(self) -> None:
        self._child = Child(self.name, PROGRAM, ENVIRONMENT, withheld=WITHHELD)
        self._versions: dict[str, str] | None = None

    @property
    def house(self) -> str:
        """Whose program it is: the package's own name."""
        return self.package

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be installed."""
        return (f"R >= {OLDEST_R}", f"its package {self.package}", f"the Python package {RPY2}")

    def close(self) -> None:
        """End the child process; a later request starts another."""
        self._child.close()

    def available(self) -> str:
        """Nothing if the package can run here, else one line: what to install."""
        if not (os.environ.get("R_HOME") or shutil.which("R")):
            return f"R is not on the PATH: install {self.needs[0]} and {self.needs[1]}"
        try:
            found = self.environment()
        except EngineError as error:
            return advice(str(error))
        return "" if found.get(self.package) else f"R has no package {self.package}: install.packages('{self.package}')"

    def version(self) -> str:
        """Version of the package."""
        return self.environment()[self.package]

    def environment(self) -> dict[str, str]:
        """Versions of R, the package, Matrix, BLAS and LAPACK, and R's platform."""
        if self._versions is None:
            found = self._child.request({"op": "hello", "package": self.package}, SECONDS)
            self._versions = {name: plain_text(" ".join(map(str, value))) for name, value in found.items()}
        return dict(self._versions)

    def refusal(self, design: Design) -> str:
        """Why the package does not express a model; nothing if it does."""
        if design.weights is not None:
            return f"{self.package} is asked without weights only"
        return "" if design.terms else f"{self.name} is asked for mixed models; this one has no random effects"

    def chain(self, design: Design) -> list[list[int]]:
        """The terms of each grouping factor, outermost first; each factor by itself where that does not matter."""
        return [[k] for k in range(len(design.terms))]

    def fit(self, case: Case) -> Fitted:
        """All that the package tells of its fit; V is Z G Z' + R of its G."""
        design = self.given(case)
        if refusal := self.refusal(design):
            raise EngineUnsupported(refusal)
        reply = self._child.request(self.question(case, design), SECONDS)
        return self.told(design, reply["value"], tuple(map(str, reply["warnings"])))

    def given(self, case: Case) -> Design:
        """The model as it is handed over; where relmer refuses it there is none."""
        try:
            return design_of(case)
        except ModelError as error:
            raise EngineUnsupported(f"{self.package} is not asked, for relmer gives it no X and Z: {error}") from error

    def question(self, case: Case, design: Design) -> dict[str, Any]:
        """The request to fit a case."""
        return {
            "op": "fit",
            "function": self.function,
            "y": response(design).tolist(),
            "X": design.X.T.tolist(),
            "terms": [{"columns": t.X.T.tolist(), "codes": (t.codes + 1).tolist()} for t in design.terms],
            "chain": self.chain(design),
            "reml": case.reml,
        }

    def told(self, design: Design, values: Mapping[str, Any], said: tuple[str, ...]) -> Fitted:
        """The fit out of R's reply."""
        p, sigma = design.X.shape[1], float(values["sigma"][0])
        told = Told(
            criterion=float(values["criterion"][0]),
            sigma=sigma,
            beta=doubles(values["beta"]),
            se=doubles(values["se"]),
            vcov=doubles(values["vcov"]).reshape(p, p),
            theta=theta_of_G(blocks(design, values), sigma),
            b=np.concatenate([doubles(part) for part in values["b"]]),
            fitted=doubles(values["fitted"]) + (design.y - response(design)),
            warnings=said,
        )
        return Fitted(estimates_of(design, told), warnings=said)


class Nlme(Guest):
    """`nlme::lme`: grouping factors that nest."""

    name = package = "nlme"
    function = "fit_nlme"
    dialect: ClassVar[Mapping[str, str]] = {
        "formulas": AS_NUMBERS,
        INVERSE: "the rows of Z stand above Delta, Delta'Delta = sigma^2 G^-1",
    }

    def chain(self, design: Design) -> list[list[int]]:
        """The terms of each grouping factor, outermost first.

        Raises
        ------
        EngineUnsupported
            Two factors cross.
        """
        found: list[list[int]] = []
        for k in sorted(range(len(design.terms)), key=lambda k: len(design.terms[k].levels)):
            codes = design.terms[k].codes
            outer = design.terms[found[-1][0]].codes if found else codes
            if found and np.array_equal(codes, outer):
                found[-1].append(k)
            elif is_nested(codes, outer):
                found.append([k])
            else:
                raise EngineUnsupported("lme has grouping factors that nest; two of this model's cross")
        return found


class Gls(Guest):
    """`nlme::gls`: least squares, or one random intercept as a compound symmetry; it has no random effects to tell."""

    name, package, function = "nlme-gls", "nlme", "fit_gls"

    def refusal(self, design: Design) -> str:
        """Why gls does not express a model."""
        simple = all(len(term.columns) == 1 and (term.X == 1.0).all() for term in design.terms)
        if len(design.terms) > 1 or not simple:
            return "gls expresses least squares, and one random intercept as a compound symmetry"
        return super().refusal(design) if design.terms or design.weights is not None else ""

    def told(self, design: Design, values: Mapping[str, Any], said: tuple[str, ...]) -> Fitted:
        """What gls tells, as figures: b and the conditional fit are not given."""
        sigma, figures = float(values["sigma"][0]), dict[str, float]()
        figures |= {"criterion": float(values["criterion"][0]), "sigma": sigma}
        for group, G in zip(group_names(design.terms), blocks(design, values), strict=True):
            if G[0, 0] < 0:
                raise EngineUnsupported("gls finds a negative correlation within groups, which no random intercept has")
            figures[key_of("var", group, "(Intercept)")] = float(G[0, 0])
        for name in ("beta", "se"):
            pairs = zip(design.coefficients, doubles(values[name]).tolist(), strict=True)
            figures |= {key_of(name, coefficient): value for coefficient, value in pairs}
        return Fitted(warnings=said, figures={key: repr(value) for key, value in figures.items()})


class GlmmTMB(Guest):
    """`glmmTMB::glmmTMB` with a Gaussian response."""

    name, package, function = "glmmtmb", "glmmTMB", "fit_glmmTMB"
    dialect: ClassVar[Mapping[str, str]] = {"formulas": AS_NUMBERS, SEARCHED: "theta, sigma, and by ML beta"}


def blocks(design: Design, values: Mapping[str, Any]) -> list[Array]:
    """The covariance matrix of each term."""
    widths = [len(term.columns) for term in design.terms]
    return [doubles(G).reshape(c, c) for G, c in zip(values["G"], widths, strict=True)]


def doubles(values: Any) -> Array:
    """Numbers as the child sends them."""
    return np.array([float(value) for value in values])


@cache
def nlme() -> Nlme:
    """`lme`; all of a process share the child in which it runs, as lme4's engines do theirs."""
    return Nlme()


@cache
def nlme_gls() -> Gls:
    """`gls`."""
    return Gls()


@cache
def glmmtmb() -> GlmmTMB:
    """The engine."""
    return GlmmTMB()
