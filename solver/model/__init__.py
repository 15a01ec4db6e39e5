"""The symbols of the theory (docs/theory.md): terms, theta, Lambda, the design, working coordinates and charts."""

from relmer.solver.model.assemble import assemble
from relmer.solver.model.chart import by_entry, carried, chain, gamma_of, matrices, symmetric_units
from relmer.solver.model.checks import CHECKS, Checks, checks_of
from relmer.solver.model.design import Design, random_matrix, response, weighted
from relmer.solver.model.sound import Sound, inwards, not_carried, outwards, redundant, sounded
from relmer.solver.model.term import (
    RandomTerm,
    checked_theta,
    factors,
    group_names,
    is_nested,
    theta_names,
    varcorr_names,
)
from relmer.solver.model.theta import Lambda, Template, covariance, split, theta_of
from relmer.solver.model.working import original, scale_of, standardise, working

__all__ = [
    "CHECKS",
    "Checks",
    "Design",
    "Lambda",
    "RandomTerm",
    "Sound",
    "Template",
    "assemble",
    "by_entry",
    "carried",
    "chain",
    "checked_theta",
    "checks_of",
    "covariance",
    "factors",
    "gamma_of",
    "group_names",
    "inwards",
    "is_nested",
    "matrices",
    "not_carried",
    "original",
    "outwards",
    "random_matrix",
    "redundant",
    "response",
    "scale_of",
    "sounded",
    "split",
    "standardise",
    "symmetric_units",
    "theta_names",
    "theta_of",
    "varcorr_names",
    "weighted",
    "working",
]
