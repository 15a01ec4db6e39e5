"""kamino-lme: lmer in Python for a list of random structures that it checks itself."""

from importlib import import_module

import numpy as np

from relmer.datasets import Case
from relmer.reference.engines import EngineUnsupported, Told, columns_of, places
from relmer.reference.engines.peers.peer import Peer, frame_of, said_meanwhile
from relmer.solver.model import Design, response


class Kamino(Peer):
    """`kamino.lmer(formula, data, reml=…)`."""

    name = package = "kamino-lme"

    def tell(self, case: Case, design: Design) -> Told:
        """Fit as a user does; random effects are named `group[level]:column`."""
        columns, kamino = columns_of(design), import_module("kamino")
        text = " + ".join([columns.formula, *columns.bars])
        try:
            with said_meanwhile() as told:
                fit = kamino.lmer(text, frame_of(columns), reml=case.reml)
        except kamino.errors.UnsupportedFormulaError as error:
            raise EngineUnsupported(f"{self.package}: {error}") from None
        at = places(fit.fixed_names, columns.fixed)
        named = dict(zip(fit.random_names, fit.random_effects, strict=True))
        order = self._order(fit, columns.terms, [columns.group(k) for k in range(len(columns.terms))])
        return Told(
            criterion=float(fit.objective),
            sigma=float(fit.sigma),
            beta=np.asarray(fit.beta)[at],
            vcov=np.asarray(fit.beta_covariance)[np.ix_(at, at)],
            theta=np.asarray(fit.theta)[order],
            b=np.array(
                [
                    named[f"{columns.group(k)}[{label}]:{'(Intercept)' if column == '1' else column}"]
                    for k, term in enumerate(columns.terms)
                    for label in sorted(set(columns.table[columns.group(k)]))
                    for column in term
                ]
            ),
            fitted=np.asarray(fit.fitted_values) + (design.y - response(design)),
            warnings=tuple(told),
        )

    def _order(self, fit: object, terms: tuple[tuple[str, ...], ...], groups: list[str]) -> list[int]:
        """Where theta of each term stands: terms of one column each may come in another order than they are written."""
        named = [term.group_name for term in getattr(fit, "random_terms", ())]
        if not named or any(len(term) > 1 for term in terms):
            return list(range(sum(len(term) * (len(term) + 1) // 2 for term in terms)))
        return [named.index(group) for group in groups]


def kamino() -> Kamino:
    """The engine."""
    return Kamino()
