"""The definition: generalized least squares with V = I + Z Lambda Lambda'Z' written out, dense (theory.md, 9).

Rows that share no random effect are independent, so V is block-diagonal up to the order of the rows; each block V_i
is formed and factored for itself, as a textbook does for the clusters of a two-level model.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from relmer.solver.algebra import (
    least_squares,
    logdet_triangle,
    marginal_half,
    repeated,
    whitened_by_augmenting,
    whitened_by_root,
)
from relmer.solver.arrays import Array, Integers
from relmer.solver.errors import ModelError
from relmer.solver.model import Design, Lambda, Template, weighted
from relmer.solver.paths.large import apart, is_large, sizes_of, turned_back
from relmer.solver.paths.solution import Solution
from relmer.solver.paths.spanned import Spanned, spanned
from relmer.solver.paths.sweeping import is_graded, swept


@dataclass(frozen=True)
class Layout:
    """Where the entries of a root stand in its dense blocks: of each its row and column, of each block its effects."""

    indptr: NDArray[np.int32]
    indices: NDArray[np.int32]
    rows: Integers
    columns: Integers
    used: list[Integers]

    def is_of(self, root: sparse.csr_array) -> bool:
        """Whether a root has its entries in the same places."""
        return np.array_equal(self.indptr, root.indptr) and np.array_equal(self.indices, root.indices)


@dataclass(frozen=True)
class Blocks:
    """Weighted arrays with the rows of each independent block together, and where each block begins.

    y is swept by its least-squares fit X beta0 (theory.md, 12), so that a large mean does not round the criterion.
    `last` keeps the layout of the last root: that of the next is mostly the same.
    """

    beta0: Array
    y: Array
    X: Array
    Z: sparse.csr_array
    levels: tuple[int, ...]
    sizes: list[Array]
    starts: Integers
    design: Design
    order: Integers
    last: list[Layout] = field(default_factory=list, repr=False, compare=False)

    @cached_property
    def spanned(self) -> Spanned | None:
        """The response by X and Z, if that leaves little of it."""
        return spanned(self.design, self.y)

    def solve_at(self, roots: Sequence[Array]) -> Solution:
        """Least squares of the rows whitened by V^1/2, the Cholesky factor of V.

        beta = (X'V^-1 X)^-1 X'V^-1 y; pwrss = (y - X beta)'V^-1 (y - X beta); u = Lambda'Z'V^-1 (y - X beta).

        Raises
        ------
        ModelError
            The covariances are so large that rounding leaves no digits.
        """
        if is_graded(self.design) and is_large(roots, self.sizes):
            # Heavy rows of one level lie along each other in V; not so in its root, if this can be turned apart.
            with suppress(ModelError):
                return self.whitened(roots, True)
            return self.whitened(roots, is_large(roots, sizes_of(self.design)))
        return self.whitened(roots, is_large(roots, self.sizes))

    def whitened(self, roots: Sequence[Array], large: bool) -> Solution:
        """The same by the root of V where effects are large, else by V."""
        turned = [apart(*pair) for pair in zip(roots, self.sizes, strict=True)] if large else []
        factor = repeated([T for T, _ in turned] if large else roots, self.levels)
        root = sparse.csr_array(self.Z @ factor)
        root.sum_duplicates()
        by = self.spanned if large else None
        beta0 = self.beta0 if by is None else by.beta
        Xy = np.column_stack([self.X, self.y]) if by is None else by.rest[self.order]
        parts = []
        halves: dict[tuple[tuple[int, ...], bytes], Array] = {}
        for rows, effects, own_root in marginal_blocks(self, root):
            if large:
                T = factor[:, effects].toarray()
                own = np.flatnonzero(T.any(axis=1) | (by is not None and abs(self.Z[rows]).sum(axis=0) > 0))
                along = None if by is None else by.effects[own]
                part = whitened_by_augmenting(self.Z[rows].toarray()[:, own], T[own], Xy[rows], along)
            else:
                # Blocks of V that are the same, as in balanced layouts, are factored once.
                same = own_root.shape, own_root.tobytes()
                if same not in halves:
                    halves[same] = marginal_half(own_root)
                part = whitened_by_root(own_root, Xy[rows], halves[same])
            parts.append((effects, part))
        white = np.concatenate([part.white for _, part in parts])
        beta, RX = least_squares(white[:, :-1], white[:, -1])
        residual = white[:, -1] - white[:, :-1] @ beta
        u = np.zeros(root.shape[1])
        for effects, part in parts:
            u[effects] = part.effects(np.append(-beta, 1.0))
        return Solution(
            logdet_L=sum(part.logdet for _, part in parts),
            logdet_RX=logdet_triangle(RX),
            pwrss=float(residual @ residual),
            beta=beta0 + beta,
            u=turned_back(u, [Q for _, Q in turned], self.levels) if large else u,
            RX=RX,
        )


def prepare(design: Design) -> Blocks:
    """Bring the rows of each independent block together."""
    _, X, Z = weighted(design)
    found = swept(design)
    block = independent_rows(Z, design.template)
    order = np.argsort(block, kind="stable")
    starts = np.searchsorted(block[order], np.arange(block.max() + 2))
    return Blocks(
        beta0=found.beta,
        y=found.residual[order],
        X=X[order],
        Z=sparse.csr_array(Z)[order],
        levels=tuple(len(term.levels) for term in design.terms),
        sizes=sizes_of(design, is_graded(design)),
        starts=starts,
        design=design,
        order=order,
    )


def independent_rows(Z: sparse.csc_array, template: Template) -> Integers:
    """Number (n,) of the connected component of each row in the graph of rows and columns of Z Lambda (n, q)."""
    root = abs(Z) @ Lambda(template, np.ones(len(template.diagonal)))
    n, q = root.shape
    rows, columns = root.nonzero()
    edges = sparse.coo_array((np.ones(len(rows)), (rows, n + columns)), shape=(n + q, n + q))
    _, component = csgraph.connected_components(edges, directed=False)
    return np.unique(component[:n], return_inverse=True)[1]


def block_sizes(design: Design) -> tuple[int, ...]:
    """Number of rows of each independent block of V."""
    return tuple(map(int, np.bincount(independent_rows(design.Z, design.template))))


def marginal_blocks(blocks: Blocks, root: sparse.csr_array) -> Iterator[tuple[slice, Integers, Array]]:
    """Rows, effects, and the root (n_i, m) of Z_i Lambda Lambda'Z_i' in V_i (theory.md, 3), of each block."""
    if not blocks.last or not blocks.last[0].is_of(root):
        blocks.last[:] = [layout_of(blocks.starts, root)]
    (layout,) = blocks.last
    for used, (begin, end) in zip(layout.used, pairwise(blocks.starts), strict=True):
        entries = slice(root.indptr[begin], root.indptr[end])
        dense: Array = np.zeros((end - begin, len(used)))
        dense[layout.rows[entries], layout.columns[entries]] = root.data[entries]
        yield slice(begin, end), used, dense


def layout_of(starts: Integers, root: sparse.csr_array) -> Layout:
    """Where the entries of a root stand in its blocks."""
    begins = np.repeat(starts[:-1], np.diff(starts))
    rows = np.repeat(np.arange(root.shape[0]) - begins, np.diff(root.indptr))
    ends = [root.indptr[at] for at in starts]
    found = [np.unique(root.indices[one:other], return_inverse=True) for one, other in pairwise(ends)]
    return Layout(
        indptr=root.indptr,
        indices=root.indices,
        rows=rows,
        columns=np.concatenate([columns for _, columns in found]),
        used=[used.astype(np.int64) for used, _ in found],
    )
