"""Blocks of a matrix over the effects of several factors, level by level."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from relmer.solver.arrays import Array, Codes


@dataclass(frozen=True)
class Part:
    """One of the other factors: its effects, and their levels and columns."""

    effects: slice
    levels: int
    width: int


def parts_of(levels: Sequence[int], widths: Sequence[int]) -> tuple[Part, ...]:
    """The parts of factors whose effects follow each other, a level's columns side by side."""
    ends = np.cumsum([0, *(l * c for l, c in zip(levels, widths, strict=True))]).tolist()
    return tuple(Part(slice(a, b), l, c) for (a, b), l, c in zip(pairwise(ends), levels, widths, strict=True))


def effects_of(parts: Sequence[Part], codes: Sequence[Codes]) -> Codes:
    """Index (m, n) of the random effect that each entry of m columns of Z multiplies."""
    return np.concatenate(
        [
            part.effects.start + code * part.width + np.arange(part.width)[:, None]
            for part, code in zip(parts, codes, strict=True)
        ]
    )


def diagonal(matrix: Array, part: Part) -> Array:
    """Sum of the blocks of a part on the diagonal of a matrix over all effects."""
    block = matrix[part.effects, part.effects].reshape(part.levels, part.width, part.levels, part.width)
    return np.asarray(np.einsum("iaib->ab", block))


def by_level(columns: Array, part: Part) -> Array:
    """The rows of one factor's effects, of (q, m), as (l, c, m)."""
    return columns[part.effects].reshape(part.levels, part.width, -1)


def dots(left: Array, right: Array) -> Array:
    """Sum over the levels of left right' for (l, c, m), (c, c)."""
    if left.shape[1] == 1:
        return np.array([[np.vdot(left, right)]])
    return np.asarray(np.einsum("iam,ibm->ab", left, right))


def times(matrix: Array, blocks: Sequence[Array], parts: Sequence[Part]) -> Array:
    """Matrix (m, q) times the block-diagonal matrix that repeats each block (c, c) over the levels of its part."""
    if all(part.width == 1 for part in parts):
        return np.asarray(matrix * np.repeat([block[0, 0] for block in blocks], [part.levels for part in parts]))
    product = np.empty_like(matrix, order="C")
    for block, part in zip(blocks, parts, strict=True):
        columns = matrix[:, part.effects]
        product[:, part.effects] = (columns.reshape(-1, part.width) @ block).reshape(columns.shape)
    return product


def congruent(S: Array, blocks: Sequence[Array], parts: Sequence[Part]) -> Array:
    """T'S T for a symmetric S (q, q) and the block-diagonal T of `times`."""
    half = times(S, blocks, parts)
    if all(part.width == 1 for part in parts):
        half *= np.repeat([block[0, 0] for block in blocks], [part.levels for part in parts])[:, None]
        return half
    return times(half.T, blocks, parts)


def symmetric(blocks: Sequence[Sequence[Array]]) -> Array:
    """The symmetric matrix whose lower triangle has the given rows of blocks."""
    ends = np.cumsum([0, *(len(row[0]) for row in blocks)])
    full = np.empty((ends[-1], ends[-1]))
    for i, row in enumerate(blocks):
        for j, block in enumerate(row):
            full[ends[i] : ends[i + 1], ends[j] : ends[j + 1]] = block
            full[ends[j] : ends[j + 1], ends[i] : ends[i + 1]] = block.T
    return full
