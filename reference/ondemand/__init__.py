"""Certificates of a person's own model: described as the formula was read, found by the solver, proved by the kernel.

describe    a model as the kernel takes it: from the formula and the data file to the products that X and Z hold
export      the third reading: y, X and Z in doubles, written out
refine      Newton's method to 80 digits, from the solver's optimum, and the claim that is to be proved
make        the certificate: every reading refined, proved, written whole
"""

from relmer.reference.ondemand.make import Source, Unproved, certify, verified, verified_trees

__all__ = ["Source", "Unproved", "certify", "verified", "verified_trees"]
