"""Between theta, as it is given and returned, and the parts of the terms, by which the search goes."""

import numpy as np

from relmer.solver.algebra import reduced_root
from relmer.solver.arrays import Array
from relmer.solver.model import factors, inwards, original, outwards, pars, root, theta_of
from relmer.solver.paths import Prepared, working_roots
from relmer.solver.search.objective import Objective, Point


def parts_at(prepared: Prepared, objective: Objective, theta: Array) -> list[Array]:
    """The part of every term that is present, from theta."""
    terms, sound = prepared.design.terms, prepared.sound
    roots = working_roots(objective.reduced.scales, inwards(sound, factors(terms, theta)))
    par = pars(terms, theta)
    return [
        part.placed(root, par[k])
        for k, part, root in zip(sound.present, objective.coordinates.parts, roots, strict=True)
    ]


def found_at(prepared: Prepared, objective: Objective, here: Point, regular: bool) -> tuple[Array, list[Array]]:
    """theta (k,) at the end of a search, and the root (r, c) of every term that is present, in sound coordinates."""
    terms, sound = prepared.design.terms, prepared.sound
    roots = objective.coordinates.roots(here.blocks)
    if not regular:
        roots = [reduced_root(root) for root in roots]
    blocks, turned = outwards(sound, original(objective.reduced.scales, roots))
    theta = [theta_of([T]) for T in blocks]
    for at, (k, part, own) in enumerate(zip(sound.present, objective.coordinates.parts, here.blocks, strict=True)):
        if not terms[k].is_free:
            par, width = part.par(own), len(terms[k].columns)
            theta[k] = terms[k].structure.theta(par, width)
            blocks[k] = root(terms[k].structure, par, width, objective.defined)
            turned[at] = inwards(sound, blocks)[at]
    for k in set(range(len(terms))) - set(sound.present):
        theta[k] = np.zeros(terms[k].structure.pattern(len(terms[k].columns)).size)
    return np.concatenate(theta), turned
