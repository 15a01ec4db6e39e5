"""pymer4, which asks lme4 and lmerTest through rpy2 and tells their fit as tables: `Lmer` of 0.8."""

import shutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from relmer.datasets import Case, key_of
from relmer.reference.engines import Columns, EngineUnsupported, Fitted, columns_of
from relmer.reference.engines.peers.peer import Peer, frame_of, said_meanwhile
from relmer.reference.own_fits import design_of
from relmer.solver.model import Design, group_names

RESIDUAL, INTERCEPT = "Residual", "(Intercept)"


class Pymer4(Peer):
    """`Lmer(formula, data).fit(REML=…)`: what its tables have is told as figures, no vcov and no matrices."""

    name = package = "pymer4"

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be installed."""
        return (*super().needs, "R with lme4 and lmerTest")

    def available(self) -> str:
        """Nothing if the package is installed and R is on the PATH, else what to install."""
        return super().available() or ("" if shutil.which("R") else "R is not on the PATH: install R with lmerTest")

    def fit(self, case: Case) -> Fitted:
        """The tables of coefficients and of covariances."""
        design = design_of(case)
        if not design.terms:
            raise EngineUnsupported("pymer4 fits mixed models; this one has no random effects")
        if design.weights is not None:
            raise EngineUnsupported("pymer4 has no weights")
        columns = columns_of(design)
        with said_meanwhile() as told:
            model = import_module("pymer4.models").Lmer(
                f"{columns.formula} + {' + '.join(columns.bars)}", frame_of(columns)
            )
            model.fit(REML=case.reml, summarize=False, verbose=False, no_warnings=True)
        figures = {key: repr(float(value)) for key, value in figures_of(model, columns, design)}
        return Fitted(figures=figures, warnings=tuple(dict.fromkeys([*said_by(model), *told])))


def figures_of(model: Any, columns: Columns, design: Design) -> Iterator[tuple[str, float]]:
    """What the tables have, by the keys of a listing."""
    yield "logLik", model.logLike
    yield "sigma", model.ranef_var.loc[RESIDUAL, "Std"]
    for name, column in zip(design.coefficients, columns.fixed, strict=True):
        row = model.coefs.loc[spelled(column)]
        for quantity, heading in (("beta", "Estimate"), ("se", "SE"), ("t", "T-stat"), ("ddf", "DF"), ("p", "P-val")):
            if heading in row:
                yield key_of(quantity, name), row[heading]
    for k, (group, term) in enumerate(zip(group_names(design.terms), design.terms, strict=True)):
        names = {spelled(column): name for column, name in zip(columns.terms[k], term.columns, strict=True)}
        variances = model.ranef_var.loc[[columns.group(k)]]
        for column, value in zip(variances["Name"], variances["Var"], strict=True):
            yield key_of("var", group, names[column]), value
        if len(names) > 1:
            pairs = model.ranef_corr.loc[[columns.group(k)]]
            for one, other, value in zip(pairs["IV1"], pairs["IV2"], pairs["Corr"], strict=True):
                yield key_of("corr", group, names[one], names[other]), value


def spelled(column: str) -> str:
    """A column as R names it."""
    return INTERCEPT if column == "1" else column


def said_by(model: Any) -> Iterator[str]:
    """What lme4 said, as pymer4 keeps it: texts, or arrays of them."""
    for said in model.warnings:
        yield from [said] if isinstance(said, str) else map(str, said)


def pymer4() -> Pymer4:
    """The engine."""
    return Pymer4()
