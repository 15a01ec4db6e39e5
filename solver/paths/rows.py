"""What a solution says of the rows and effects as they were given, made in sound coordinates (theory.md, 42)."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from relmer.solver.algebra import repeated
from relmer.solver.arrays import Array
from relmer.solver.model import Lambda, Sound, factors
from relmer.solver.paths.criterion import Prepared
from relmer.solver.paths.solution import Solution


def marginal_root(prepared: Prepared, theta: Array, roots: Sequence[Array]) -> sparse.csc_array:
    """Z Lambda (n, q) for the theta that stands for the roots, of the rows without their weights."""
    sound = prepared.sound
    if sound.plain:
        return sparse.csc_array(prepared.design.Z @ Lambda(prepared.design.template, theta))
    levels = [len(term.levels) for term in sound.design.terms]
    return sparse.csc_array(sound.design.Z @ repeated([root / sound.w_unit for root in roots], levels))


def effects(prepared: Prepared, theta: Array, roots: Sequence[Array], at: Solution) -> Array:
    """b = Lambda u (q,), level after level.

    Of redundant columns, whose entries of theta may be anything where it is given, b_d = T_d u; the columns that are
    kept have what is left, C_k' b_k = C'T u - C_d' b_d.
    """
    sound = prepared.sound
    if sound.plain:
        return np.asarray(Lambda(prepared.design.template, theta) @ at.u)
    blocks, each = factors(prepared.design.terms, theta), spherical(sound, at)
    b = [np.zeros((len(part), len(basis.C))) for part, basis in zip(each, sound.bases, strict=True)]
    for k, inner in zip(sound.present, inner_effects(sound, roots, at), strict=True):
        basis, dropped = sound.bases[k], sound.bases[k].dropped
        b[k][:, dropped] = each[k] @ blocks[k][dropped].T
        b[k][:, basis.kept] = basis.outwards(inner - basis.C[dropped].T @ b[k][:, dropped].T).T
    return np.concatenate([*map(np.ravel, b), np.zeros(0)])


def spherical(sound: Sound, at: Solution) -> list[Array]:
    """u (l, c) of every term, level by level."""
    parts = np.split(at.u, np.cumsum(sound.counts)[:-1]) if sound.counts else []
    return [part.reshape(-1, len(basis.C)) for part, basis in zip(parts, sound.bases, strict=True)]


def inner_effects(sound: Sound, roots: Sequence[Array], at: Solution) -> list[Array]:
    """b (r, l) of the terms that are present, of their sound columns."""
    each = spherical(sound, at)
    return [root @ each[k].T / sound.w_unit for k, root in zip(sound.present, roots, strict=True)]


def fitted(prepared: Prepared, theta: Array, roots: Sequence[Array], at: Solution) -> Array:
    """X beta + Z b + offset (n,)."""
    design, sound = prepared.design, prepared.sound
    if at.inner is None:
        mean = design.X @ at.beta + design.Z @ (Lambda(design.template, theta) @ at.u)
    else:
        mean = sound.design.X @ (sound.y_unit * at.inner.beta)
        for term, b in zip(sound.design.terms, inner_effects(sound, roots, at), strict=True):
            mean += np.einsum("na,an->n", term.X, b[:, term.codes])
    return np.asarray(mean if design.offset is None else mean + design.offset)
