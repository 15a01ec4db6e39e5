"""The symbols of the theory (docs/theory.md): terms, theta, Lambda, the design, working coordinates and charts."""

from relmer.solver.model.assemble import assemble
from relmer.solver.model.chart import Carrier, by_entry, carried, chain, chain_of, gamma_of, matrices, symmetric_units
from relmer.solver.model.checks import CHECKS, Checks, checks_of
from relmer.solver.model.covariance import UNSTRUCTURED, Covariance, moves, root
from relmer.solver.model.design import Design, random_matrix, response, weighted
from relmer.solver.model.sound import Sound, inwards, not_carried, outwards, redundant, sounded
from relmer.solver.model.structures import STRUCTURES, structure_of
from relmer.solver.model.term import (
    RandomTerm,
    checked_theta,
    factors,
    group_names,
    is_nested,
    is_structured,
    par_bounds,
    par_names,
    par_of,
    pars,
    theta_at,
    theta_names,
    theta_near,
    theta_of_par,
    varcorr_names,
)
from relmer.solver.model.theta import Lambda, Template, covariance, split, theta_of
from relmer.solver.model.working import original, scale_of, standardise, working

__all__ = [
    "CHECKS",
    "STRUCTURES",
    "UNSTRUCTURED",
    "Carrier",
    "Checks",
    "Covariance",
    "Design",
    "Lambda",
    "RandomTerm",
    "Sound",
    "Template",
    "assemble",
    "by_entry",
    "carried",
    "chain",
    "chain_of",
    "checked_theta",
    "checks_of",
    "covariance",
    "factors",
    "gamma_of",
    "group_names",
    "inwards",
    "is_nested",
    "is_structured",
    "matrices",
    "moves",
    "not_carried",
    "original",
    "outwards",
    "par_bounds",
    "par_names",
    "par_of",
    "pars",
    "random_matrix",
    "redundant",
    "response",
    "root",
    "scale_of",
    "sounded",
    "split",
    "standardise",
    "structure_of",
    "symmetric_units",
    "theta_at",
    "theta_names",
    "theta_near",
    "theta_of",
    "theta_of_par",
    "varcorr_names",
    "weighted",
    "working",
]
