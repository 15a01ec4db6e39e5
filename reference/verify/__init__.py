"""The kernel: proofs of certified values in ball arithmetic, from the data file and the certificate alone.

To believe a certificate, read this folder. It needs the standard library and python-flint, nothing else of relmer, and
takes no number of a certificate for true before it is proved.

data        the data file, read exactly, and its cross products
criterion   the profiled criterion with its derivatives, in balls
local       what a certificate claims of a minimum and of the values there
bounds      lower bounds of the criterion, for the proof that the minimum is the lowest of all
trees       the bisection trees of that proof, which cover all covariances
"""

from relmer.reference.verify.criterion import (
    State,
    covariance,
    derivatives,
    evaluate,
    identity,
    origin,
    regression,
    step,
    triangles,
)
from relmer.reference.verify.data import Component, Data, Refused, ratio, read, require
from relmer.reference.verify.local import Proof, centre, positive_definite, prove, verify

__all__ = [
    "Component",
    "Data",
    "Proof",
    "Refused",
    "State",
    "centre",
    "covariance",
    "derivatives",
    "evaluate",
    "identity",
    "origin",
    "positive_definite",
    "prove",
    "ratio",
    "read",
    "regression",
    "require",
    "step",
    "triangles",
    "verify",
]
