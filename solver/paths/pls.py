"""Penalized least squares with the structure of the random effects used: the path that carries the speed.

The rows are read once. At every theta the random effects are eliminated from Z'V^-1 [Z X y] in the order that their
structure asks for (`structure`), which gives log|V| = log|L|^2, RX, beta and pwrss: the same as by L and its extension
(theory.md, 4 to 7 and 11; Bates 2011, slides 14 and 15; Bates et al. 2015, equations 18 and 49 to 53 as in lme4's
vignette). L itself is made when it is asked for, sparse, with a fill-reducing permutation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.linalg import lapack

from relmer.solver.algebra import logdet_triangle
from relmer.solver.arrays import Array
from relmer.solver.elimination import Eliminated, Structure, build, build_apart
from relmer.solver.model import Design, RandomTerm, scale_of, working
from relmer.solver.paths import gls
from relmer.solver.paths.large import is_large
from relmer.solver.paths.solution import Solution
from relmer.solver.paths.spanned import Spanned, inside, spanned, surely_left
from relmer.solver.paths.sweeping import swept, weighted_rows

# Multiplications for the whitening of blocks, about a second.
MOST_OPERATIONS = 10**9


@dataclass(frozen=True)
class Reduced:
    """What depends on the data alone.

    y is swept by the least-squares fit and X made orthonormal, X = Q RX0; the columns of Z are in working coordinates,
    Z C^-T (theory.md, 12 and 13). This keeps the digits that a large mean or a badly scaled covariate would cost the
    cross products.

    Attributes
    ----------
    design
        Where it comes from.
    beta0, RX0
        Least-squares coefficients (p,) and triangular factor (p, p) of X.
    residual0
        y0 = y - X beta0, (n,), weighted.
    scales
        C (c, c) of each term.
    structure
        The reduced rows in working coordinates.
    spanned
        The response by X and Z, where these leave little of it and are not too large; then beta0 is that of both, and
        X_1 RX0 = X has an X_1 that is not orthonormal.
    little
        Whether X and Z may leave little of the response.
    """

    design: Design
    beta0: Array
    RX0: Array
    residual0: Array
    scales: tuple[Array, ...]
    structure: Structure
    spanned: Spanned | None = None
    little: bool = False

    @cached_property
    def definition(self) -> gls.Blocks:
        """The rows as the definition wants them."""
        return gls.prepare(self.design)

    def solve_at(self, roots: Sequence[Array]) -> Solution:
        """Eliminate the random effects, and go back for beta and u; where they are large, by the definition.

        Raises
        ------
        ModelError
            The covariances are so large that rounding leaves no digits.
        """
        if self.spanned is not None and not any(root.any() for root in roots):
            # What was taken apart is for large covariances: of X that Z nearly spans little is left without these.
            return self.definition.solve_at(roots)
        working = working_roots(self.scales, roots)
        if self.spanned is None and is_drowned(self.scales, working) and is_cheap(self.design):
            return self.definition.solve_at(roots)
        return solution(self, working, self.structure.at_roots(working))


def prepare(design: Design) -> Reduced:
    """Read the rows: sweep y, find the structure of the random effects, reduce."""
    found = swept(design)
    scales = tuple(scale_of(term) for term in design.terms)
    columns = working_columns(design, scales)
    structure = build(design.terms, columns, np.concatenate([found.Q.T, found.residual[None]]))
    reduced = Reduced(
        design=design,
        beta0=found.beta,
        RX0=found.R,
        residual0=found.residual,
        scales=scales,
        structure=structure,
    )
    if not design.terms or surely_left(structure.elimination, found.residual, design.weights):
        return reduced
    return apart(reduced)


def apart(reduced: Reduced) -> Reduced:
    """The same for a response of which X and Z leave little, with all digits of that."""
    design, left = reduced.design, spanned(reduced.design, reduced.residual0)
    if left is None:
        return replace(reduced, little=True)
    root = np.ones(len(design.y)) if design.weights is None else np.sqrt(design.weights)
    columns = [root * term.X.T for term in design.terms]
    scales = tuple(unrotated_scale(term, design.X) for term in design.terms)
    structure, RX0 = build_apart(design.terms, scales, columns, left.rest, left.effects, left.order)
    residual0 = left.rest[:, -1] + root * (design.Z @ left.effects[:, -1])
    return replace(
        reduced,
        beta0=left.beta,
        RX0=RX0,
        residual0=residual0,
        scales=scales,
        structure=structure,
        spanned=left,
        little=True,
    )


def unrotated_scale(term: RandomTerm, X: Array) -> Array:
    """C (c, c) of a term, a diagonal matrix with its columns in the order in which the search takes them.

    A rotation would put large effects beside small ones. Columns in the span of X come last: where slopes of a column
    have no fixed effect, but nearly one value for all levels, the data hardly tell the intercepts' mean from their
    regression on these slopes, G_12 / G_22. Along it the criterion is all but level, however large it grows; with the
    slopes first it is an entry of T over one that is known, a straight line, and with the intercepts first a hyperbola.
    """
    sizes = np.sqrt((term.X**2).sum(axis=0) / len(term.levels))
    sizes[sizes == 0] = 1.0
    if not term.is_free or len(sizes) == 1:
        return np.diag(sizes)
    return np.asarray(np.diag(sizes)[:, np.argsort(inside(X, term.X), kind="stable")])


def is_drowned(scales: Sequence[Array], working: Sequence[Array]) -> bool:
    """Whether elimination would subtract large numbers: effects beside which X and y are small."""
    return is_large(working, [np.ones(len(C)) for C in scales])


def is_cheap(design: Design) -> bool:
    """Whether the blocks of rows that share a random effect can be whitened one by one."""
    effects = sum(len(term.columns) for term in design.terms)
    return sum(size**2 * effects for size in gls.block_sizes(design)) <= MOST_OPERATIONS


def working_columns(design: Design, scales: Sequence[Array]) -> list[Array]:
    """The weighted columns of Z in working coordinates, (c, n) of each term."""
    columns = [working(term, C) for term, C in zip(design.terms, scales, strict=True)]
    if design.weights is None:
        return columns
    root = np.sqrt(design.weights)
    return [root * z for z in columns]


def working_roots(scales: Sequence[Array], blocks: Sequence[Array]) -> list[Array]:
    """C'T of each term: roots of the working covariances C'G C for roots T of the G."""
    return [C.T @ T for C, T in zip(scales, blocks, strict=True)]


def solution(reduced: Reduced, roots: Sequence[Array], at: Eliminated) -> Solution:
    """beta and u at the roots C'T of the working G, where the random effects were eliminated.

    With e = Z'V^-1 (y - X beta), b = G e and u = T'e (theory.md, 5). pwrss is summed over the rows (theory.md, 6),
    where it is smallest at the solution, so that an error of the solution enters it squared; of one factor, for which
    nothing was subtracted, it is as good as it stands.
    """
    p = len(reduced.RX0)
    RX = at.RXy[:p, :p]
    beta = lapack.dtrtrs(RX, at.RXy[:p, p])[0] if p else np.zeros(0)
    moved = lapack.dtrtrs(reduced.RX0, beta)[0] if p else beta
    e = reduced.structure.effects(at)
    u = np.concatenate([(root.T @ score).T.ravel() for root, score in zip(roots, e, strict=True)] or [np.zeros(0)])
    pwrss = at.root_pwrss**2
    if len(reduced.structure.groupings) > 1 and reduced.spanned is None:
        residual = reduced.residual0 - weighted_rows(reduced.design)[1] @ moved
        columns = working_columns(reduced.design, reduced.scales)
        for term, z, root, score in zip(reduced.design.terms, columns, roots, e, strict=True):
            residual -= np.einsum("an,an->n", z, (root @ (root.T @ score))[:, term.codes])
        pwrss = float(residual @ residual + u @ u)
    return Solution(
        logdet_L=at.logdet,
        logdet_RX=at.logdet_RX + logdet_triangle(reduced.RX0),
        pwrss=pwrss,
        beta=reduced.beta0 + moved,
        u=u,
        RX=RX @ reduced.RX0,
    )
