"""The kernel: proofs of certified values in ball arithmetic, from the data file and the certificate alone.

To believe a certificate, read this folder. It needs the standard library and python-flint, nothing else of relmer, and
takes no number of a certificate for true before it is proved.

data        what a certificate speaks of, and cross products in rationals
reading     the data file, read exactly by the description of a model
expressions columns that a formula computes
criterion   the profiled criterion with its derivatives, in balls
blocks      cross products of a large model
jets        the criterion with its derivatives of a large model, level by level
patterns    matrices of few entries
values      the criterion's value alone, level by level
at          either, at any covariances and near them
chart       covariances of some ranks
local       what a certificate claims of a minimum and of the values there
inference   what is concluded there: likelihood, t, degrees of freedom, conditional modes and their deviations
stored      a certificate with its files
bounds      lower bounds of the criterion, for the proof that the minimum is the lowest of all
trees       the bisection trees of that proof, which cover all covariances
"""

from relmer.reference.verify.at import effects, evaluate, near
from relmer.reference.verify.blocks import Blocks
from relmer.reference.verify.bounds import Setting, log_det, two_columns
from relmer.reference.verify.chart import in_chart
from relmer.reference.verify.criterion import (
    State,
    covariance,
    derivatives,
    origin,
    regression,
    step,
    triangles,
)
from relmer.reference.verify.data import Column, Data, Refused, Table
from relmer.reference.verify.local import Proof, prove, prove_of
from relmer.reference.verify.reading import lines_of, prepared, read, tabulate
from relmer.reference.verify.stored import OWN_SCHEMA, content, inferred, text_of, verify
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
    "OWN_SCHEMA",
    "SCHEMA",
    "Blocks",
    "Cell",
    "Column",
    "Data",
    "Proof",
    "Refused",
    "Setting",
    "State",
    "Table",
    "content",
    "covariance",
    "derivatives",
    "effects",
    "evaluate",
    "face",
    "halves",
    "in_chart",
    "inferred",
    "lines_of",
    "log_det",
    "middle",
    "near",
    "origin",
    "prepared",
    "pressed",
    "prove",
    "prove_of",
    "prove_tree",
    "read",
    "regression",
    "rising",
    "roots",
    "setting_of",
    "step",
    "tabulate",
    "text_of",
    "triangles",
    "two_columns",
    "verify",
    "vertices",
]
