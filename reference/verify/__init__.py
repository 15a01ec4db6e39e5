"""The kernel: proofs of certified values in ball arithmetic, from the data file and the certificate alone.

To believe a certificate, read this folder. It needs the standard library and python-flint, nothing else of relmer, and
takes no number of a certificate for true before it is proved.

data        the data file, read exactly, and its cross products
criterion   the profiled criterion with its derivatives, in balls
local       what a certificate claims of a minimum and of the values there
bounds      lower bounds of the criterion, for the proof that the minimum is the lowest of all
trees       the bisection trees of that proof, which cover all covariances
"""

from relmer.reference.verify.bounds import Setting, log_det, two_columns
from relmer.reference.verify.criterion import (
    State,
    covariance,
    derivatives,
    evaluate,
    origin,
    regression,
    step,
    triangles,
)
from relmer.reference.verify.data import Data, Refused, cross_products, read
from relmer.reference.verify.local import Proof, content, prove, verify
from relmer.reference.verify.trees import (
    BITS,
    FLAT,
    LEAVES,
    SCHEMA,
    Cell,
    face,
    halves,
    middle,
    pressed,
    prove_tree,
    rising,
    roots,
    setting_of,
    vertices,
)

__all__ = [
    "BITS",
    "FLAT",
    "LEAVES",
    "SCHEMA",
    "Cell",
    "Data",
    "Proof",
    "Refused",
    "Setting",
    "State",
    "content",
    "covariance",
    "cross_products",
    "derivatives",
    "evaluate",
    "face",
    "halves",
    "log_det",
    "middle",
    "origin",
    "pressed",
    "prove",
    "prove_tree",
    "read",
    "regression",
    "rising",
    "roots",
    "setting_of",
    "step",
    "triangles",
    "two_columns",
    "verify",
    "vertices",
]
