"""Text and data to a design: R's formulas, frames and model matrices with lme4's meaning."""

from relmer.solver.language.build import build
from relmer.solver.language.columns import read_column
from relmer.solver.language.described import Part, Product, described_fixed, described_random
from relmer.solver.language.factors import as_factor
from relmer.solver.language.formula import Formula, canonical, filled, parse
from relmer.solver.language.frame import ModelFrame, model_frame
from relmer.solver.language.matrix import model_matrix
from relmer.solver.language.syntax import Call, Name, Node, Number, call, deparse, names
from relmer.solver.language.terms import expand

__all__ = [
    "Call",
    "Formula",
    "ModelFrame",
    "Name",
    "Node",
    "Number",
    "Part",
    "Product",
    "as_factor",
    "build",
    "call",
    "canonical",
    "deparse",
    "described_fixed",
    "described_random",
    "expand",
    "filled",
    "model_frame",
    "model_matrix",
    "names",
    "parse",
    "read_column",
]
