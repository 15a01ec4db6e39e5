"""mixedlm: lmer in Python over Rust."""

from importlib import import_module

import numpy as np

from relmer.datasets import Case
from relmer.reference.engines import Told, columns_of, places
from relmer.reference.engines.peers.peer import Peer, frame_of, said_meanwhile
from relmer.solver.arrays import Array
from relmer.solver.model import Design, response, theta_of


class Mixedlm(Peer):
    """`mixedlm.lmer(formula, data, REML)`."""

    name = package = "mixedlm"

    def tell(self, case: Case, design: Design) -> Told:
        """Fit as a user does; its terms stand as they are written, their columns by name."""
        columns = columns_of(design)
        text = " + ".join([columns.formula, *columns.bars])
        with said_meanwhile() as told:
            fit = import_module("mixedlm").lmer(text, frame_of(columns), REML=case.reml)
        vcov, at = np.asarray(fit.vcov()), places([*fit.fixef()], columns.fixed)
        ranef, blocks, effects, first = fit.ranef(), [], [], 0
        for k, (term, structure) in enumerate(zip(columns.terms, fit.matrices.random_structures, strict=True)):
            order = places(structure.term_names, term)
            count = len(term) * (len(term) + 1) // 2
            blocks.append(triangle(np.asarray(fit.theta)[first : first + count], len(term), order))
            first += count
            b = np.column_stack(list(ranef[columns.group(k)].values()))
            levels = [structure.level_map[label] for label in sorted(structure.level_map)]
            effects.append(b[levels][:, order].ravel())
        return Told(
            criterion=fit.REMLcrit() if case.reml else float(fit.get_deviance()),
            sigma=fit.sigma,
            beta=np.asarray(fit.beta)[at],
            vcov=vcov[np.ix_(at, at)],
            theta=theta_of(blocks),
            b=np.concatenate(effects),
            fitted=np.asarray(fit.fitted()) + (design.y - response(design)),
            warnings=tuple(told),
        )


def triangle(theta: Array, width: int, order: list[int]) -> Array:
    """T of a term's entries of theta, row by row; in another order of columns T is the root of the same T T'."""
    T = np.zeros((width, width))
    T[np.tril_indices(width)] = theta
    if order == sorted(order):
        return T
    R = np.linalg.qr(T[order].T, mode="r")
    return np.asarray((np.where(np.diag(R) < 0, -1.0, 1.0)[:, None] * R).T)


def mixedlm() -> Mixedlm:
    """The engine."""
    return Mixedlm()
