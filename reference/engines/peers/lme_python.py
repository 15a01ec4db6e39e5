"""lme-python: the Python face of lme-rs."""

from importlib import import_module

import numpy as np

from relmer.datasets import Case
from relmer.reference.engines import EngineUnsupported, Told, columns_of, places, theta_of_G
from relmer.reference.engines.peers.peer import Peer, said_meanwhile
from relmer.solver.model import Design, response


class LmePython(Peer):
    """`lme_python.lmer(formula, data, reml)`."""

    name = package = "lme-python"

    def tell(self, case: Case, design: Design) -> Told:
        """Fit as a user does; its variances and random effects are named by group, level and column."""
        columns = columns_of(design)
        text = " + ".join([columns.formula, *columns.bars])
        frame = import_module("polars").DataFrame(dict(columns.table))
        try:
            with said_meanwhile() as told:
                fit = import_module("lme_python").lmer(text, frame, reml=case.reml)
        except ValueError as error:
            if "not implemented" not in str(error):
                raise
            raise EngineUnsupported(f"{self.package}: {error}") from None
        sigma, at = fit.sigma2**0.5, places(fit.fixed_names, columns.fixed)
        G = {(group, *sorted((plain(one), plain(other)))): value for group, one, other, value, _ in fit.var_corr}
        b = {(group, level, plain(column)): value for group, level, column, value in fit.ranef}
        blocks, effects = [], []
        for k, term in enumerate(columns.terms):
            group, labels = columns.group(k), sorted(set(columns.table[columns.group(k)]))
            blocks.append(np.array([[G.get((group, *sorted((i, j))), 0.0) for j in term] for i in term]))
            effects += [b[group, label, column] for label in labels for column in term]
        vcov = np.array(fit.v_beta_unscaled) * fit.sigma2
        return Told(
            criterion=fit.reml_criterion if case.reml else fit.deviance,
            sigma=sigma,
            beta=np.array(fit.coefficients)[at],
            se=np.array(fit.beta_se)[at],
            vcov=vcov[np.ix_(at, at)],
            theta=theta_of_G(blocks, sigma),
            b=np.array(effects),
            fitted=np.array(fit.fitted) + (design.y - response(design)),
            warnings=(*told, *map(str, fit.diagnostics["warnings"])),
        )


def plain(column: str) -> str:
    """A column's name, the intercept as 1."""
    return "1" if "ntercept" in column else column


def lme_python() -> LmePython:
    """The engine."""
    return LmePython()
