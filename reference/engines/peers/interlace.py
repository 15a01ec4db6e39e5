"""interlace-lme: profiled REML and ML with crossed random effects."""

from importlib import import_module

import numpy as np

from relmer.datasets import Case
from relmer.reference.engines import Told, columns_of, places, theta_of_G
from relmer.reference.engines.peers.peer import Peer, frame_of, said_meanwhile
from relmer.solver.model import Design, response


class Interlace(Peer):
    """`interlace.fit(formula, data, random=[…], method=…)`."""

    name = package = "interlace-lme"

    def tell(self, case: Case, design: Design) -> Told:
        """Fit as a user does; a term of one column has a variance, others a frame."""
        columns = columns_of(design)
        with said_meanwhile() as told:
            fit = import_module("interlace").fit(
                columns.formula,
                frame_of(columns),
                random=list(columns.bars),
                method="REML" if case.reml else "ML",
            )
        sigma, at = float(fit.scale) ** 0.5, places([*fit.fe_params.index], columns.fixed)
        blocks, effects = [], []
        for k, term in enumerate(columns.terms):
            G, b = fit.variance_components[columns.group(k)], fit.random_effects[columns.group(k)].sort_index()
            order = places(list(G.columns), term) if hasattr(G, "columns") else [0]
            blocks.append(np.atleast_2d(np.asarray(G))[np.ix_(order, order)])
            effects.append(np.asarray(b).reshape(len(b), -1)[:, order].ravel())
        return Told(
            criterion=-2 * float(fit.llf),
            sigma=sigma,
            beta=np.asarray(fit.fe_params)[at],
            se=np.asarray(fit.fe_bse)[at],
            vcov=np.asarray(fit.fe_cov)[np.ix_(at, at)],
            theta=theta_of_G(blocks, sigma),
            b=np.concatenate(effects),
            fitted=np.asarray(fit.fittedvalues) + (design.y - response(design)),
            warnings=tuple(text for text in told if "not installed" not in text),
        )


def interlace() -> Interlace:
    """The engine."""
    return Interlace()
