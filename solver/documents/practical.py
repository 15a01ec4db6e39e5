"""Wood's practical: `lmm(form, dat, ref)`, a mixed model of independent random effects by maximum likelihood.

Each element of ref is a block of columns of Z, the interaction of its variables without an intercept; the random
effects of a block share one variance. R codes every factor of such an interaction by one indicator per level, ordered
factors too, so each row has at most one nonzero entry per block: the block is a random term whose levels are its
columns, and the solver's QR path and its Newton search apply as they are (theory.md, 10).

The letters are the practical's: Z has p columns and X k; psi is the covariance of the random effects, with sigma^2 in
it, V = Z psi Z' + I sigma^2, and W its inverse; theta holds logarithms.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.language import (
    Formula,
    ModelFrame,
    Name,
    Node,
    Number,
    build,
    call,
    deparse,
    expand,
    model_frame,
    model_matrix,
    parse,
)
from relmer.solver.model import Design, RandomTerm
from relmer.solver.paths import Prepared, prepare, solve_at
from relmer.solver.search import optimise
from relmer.solver.threads import one_thread

Ref = Sequence[str | Sequence[str]]


@dataclass(frozen=True)
class LmmSetup:
    """What depends on the data alone, made once.

    Attributes
    ----------
    prepared
        The design by the path "qr": Q'Z = [R; 0] and Q'[X y]; Q is never formed.
    blocks
        Names of the columns of Z, block by block.
    names
        Names of theta: sigma, then the blocks.
    """

    prepared: Prepared = field(repr=False)
    blocks: tuple[tuple[str, ...], ...] = field(repr=False)
    names: tuple[str, ...]

    @property
    def design(self) -> Design:
        """y (n,), X (n, k) and Z (n, p) with one random term per block."""
        return self.prepared.design


@dataclass(frozen=True)
class LmmProfile:
    """The likelihood at one theta.

    Attributes
    ----------
    negative_loglik
        (y - X beta)'W (y - X beta) / 2 + log|V| / 2 with V = W^-1 = Z psi Z' + I sigma^2; the constant
        n log(2 pi) / 2 is left out, as in the practical.
    beta
        The maximum likelihood estimate (k,) given theta.
    """

    negative_loglik: float
    beta: "pd.Series[float]"


@dataclass(frozen=True)
class Lmm:
    """Maximum likelihood estimates.

    Attributes
    ----------
    beta
        Fixed effects (k,).
    theta
        log sigma, then the log standard deviation of each block; -inf where the estimated variance is zero.
    negative_loglik
        As in `LmmProfile`.
    converged
        Whether the optimum was proved to rounding; see `Optimum`.
    """

    beta: "pd.Series[float]"
    theta: "pd.Series[float]"
    negative_loglik: float
    converged: bool


def lmm(form: str, dat: pd.DataFrame, ref: Ref = ()) -> Lmm:
    """Estimate a linear mixed model of independent random effects by maximum likelihood.

    Parameters
    ----------
    form : str
        The fixed part, y = X beta + e: "score ~ Machine".
    dat : DataFrame
        All variables; rows that miss one of them are left out.
    ref : sequence of lists of str
        One block of columns of Z per list of variable names: ["z", "x", "w3"] stands for the columns of R's
        model.matrix(~ z:x:w3 - 1, dat). A single name may stand for a list of one. Empty: no random effects.

    Returns
    -------
    Lmm
        beta, and theta = (log sigma, log standard deviations), to full accuracy: Newton's method with exact
        derivatives. A variance of zero is a proper maximum; its theta is -inf.

    Raises
    ------
    ModelError
        If the formula has bars, a variable is missing, or a block is zero.

    Notes
    -----
    Document 003. Where blocks cannot be told apart, or a block not from the residual (one level per row), the
    maximum is a ridge, and theta is one point of it.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> fit = lmm("score ~ Machine", load("Machines").frame, [["Worker"], ["Worker", "Machine"]])
    >>> print(fit.theta.round(4).to_dict())
    {'sigma': -0.0392, 'Worker': 1.4735, 'Worker:Machine': 1.2229}
    """
    setup = lmm_setup(form, dat, ref)
    with one_thread():
        optimum, at = optimise(setup.prepared, REML=False)
    sigma = np.sqrt(at.pwrss / len(setup.design.y))
    with np.errstate(divide="ignore"):
        theta = np.log(sigma) + np.concatenate([[0.0], np.log(np.abs(optimum.theta))])
    profiled = lmm_profile(setup, theta)
    estimates = pd.Series(theta, index=list(setup.names))
    return Lmm(profiled.beta, estimates, profiled.negative_loglik, optimum.converged)


def lmm_setup(form: str, dat: pd.DataFrame, ref: Ref = ()) -> LmmSetup:
    """Make X, Z and the QR decomposition of Z: all that need be done once.

    Parameters
    ----------
    form, dat, ref
        As in `lmm`.

    Returns
    -------
    LmmSetup
        For `lmm_profile`.

    Raises
    ------
    ModelError
        As `lmm`.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> setup = lmm_setup("score ~ Machine", load("Machines").frame, [["Worker"], ["Worker", "Machine"]])
    >>> setup.design.Z.shape, setup.blocks[1][:2]
    ((54, 24), ('Worker6:MachineA', 'Worker2:MachineA'))
    """
    parsed = parse(form)
    if parsed.bars:
        raise ModelError(f"form has a random term of {parsed.bars[0].label}; name its variables in ref instead")
    vectors = [(names,) if isinstance(names, str) else tuple(names) for names in ref]
    interactions = [interaction(parsed, names) for names in vectors]
    frame = model_frame(with_variables(parsed, interactions), dat)
    terms = tuple(block(names, node, frame) for names, node in zip(vectors, interactions, strict=True))
    fixed = build(replace(frame, formula=parsed))
    design = replace(fixed, terms=terms)
    names = ("sigma", *(term.group for term in terms))
    return LmmSetup(prepare(design, "qr"), blocks=tuple(term.levels for term in terms), names=names)


def lmm_profile(setup: LmmSetup, theta: ArrayLike) -> LmmProfile:
    """Evaluate the negative log-likelihood at theta, with beta at its estimate given theta.

    Parameters
    ----------
    setup : LmmSetup
        From `lmm_setup`.
    theta : (1 + blocks,) array-like
        log sigma, finite, then the log standard deviations; -inf stands for a variance of zero.

    Returns
    -------
    LmmProfile
        The value and beta.

    Raises
    ------
    ModelError
        If theta has another length or is not of that kind.

    Notes
    -----
    Document 003, equations 1 and 2. log|V| = log|R psi R' + I sigma^2| + (n - p) log(sigma^2), where p is the number
    of rows of R: the columns of Z, or n if they are more.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> setup = lmm_setup("score ~ Machine", load("Machines").frame, ["Worker"])
    >>> worse, better = lmm_profile(setup, [0.0, 0.0]), lmm_profile(setup, [1.0, 1.5])
    >>> worse.negative_loglik > better.negative_loglik
    True
    """
    values = np.asarray(theta, dtype=float)
    if values.shape != (len(setup.names),):
        raise ModelError(
            f"theta has shape {values.shape}; it needs {len(setup.names)} values: {', '.join(setup.names)}"
        )
    if not np.isfinite(values[0]) or np.any(np.isnan(values)) or np.any(values == np.inf):
        raise ModelError(f"theta is {values.tolist()}; log sigma must be finite, log standard deviations below inf")
    at = solve_at(setup.prepared, np.exp(values[1:] - values[0]))
    n = len(setup.design.y)
    value = at.pwrss / np.exp(2 * values[0]) / 2 + at.logdet_L / 2 + n * values[0]
    return LmmProfile(float(value), pd.Series(at.beta, index=list(setup.design.coefficients)))


def interaction(parsed: Formula, names: tuple[str, ...]) -> Node:
    """z:x:w3 for ("z", "x", "w3")."""
    if not names:
        raise ModelError("ref has an empty list; give each block of columns at least one variable")
    nodes: list[Node] = [Name(name) for name in names]
    if parsed.response in nodes:
        raise ModelError(f"ref names the response '{deparse(parsed.response)}'; leave it out")
    return reduce(lambda left, right: call(":", left, right), nodes)


def with_variables(parsed: Formula, nodes: Sequence[Node]) -> Formula:
    """Let the model frame also hold the variables of the given nodes; the fixed terms stay as they are."""
    right = reduce(lambda left, node: call("+", left, node), nodes, parsed.right)
    found = [variable for node in nodes for variable in expand(node).variables]
    variables = tuple(dict.fromkeys([*parsed.fixed.variables, *found]))
    return replace(parsed, right=right, fixed=replace(parsed.fixed, variables=variables))


def block(names: tuple[str, ...], node: Node, frame: ModelFrame) -> RandomTerm:
    """Columns of model.matrix(~ node - 1) as a random term: a level per column, the entry of each row its X."""
    columns, labels = model_matrix(expand(call("-", node, Number(1))), frame)
    codes = np.argmax(np.abs(columns), axis=1)
    entries: Array = columns[np.arange(len(columns)), codes]
    if not np.any(entries):
        raise ModelError(f"the block {':'.join(names)} of ref is zero in every row; leave it out")
    name = ":".join(names)
    return RandomTerm(name, (name,), labels, codes.astype(np.int64), entries[:, None])
