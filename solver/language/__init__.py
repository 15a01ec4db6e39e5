"""Text and data to a design: R's formulas, frames and model matrices with lme4's meaning."""

from relmer.solver.language.build import build
from relmer.solver.language.columns import read_column
from relmer.solver.language.described import Part, Product, described_fixed, described_random
from relmer.solver.language.dialect import needs, unread
from relmer.solver.language.factors import Clock, Dates, as_factor
from relmer.solver.language.formula import Formula, canonical, filled, parse
from relmer.solver.language.frame import ModelFrame, model_frame
from relmer.solver.language.hypotheses import FixedTerms
from relmer.solver.language.matrix import model_matrix
from relmer.solver.language.new_rows import bars_of, new_rows, same_rows
from relmer.solver.language.per_row import columns_in, numbers_per_row
from relmer.solver.language.reading import Reading, lines_of, reading
from relmer.solver.language.subset import selected
from relmer.solver.language.syntax import Call, Name, Node, Number, call, deparse, names, parse_expression
from relmer.solver.language.terms import expand
from relmer.solver.language.updating import updated

__all__ = [
    "Call",
    "Clock",
    "Dates",
    "FixedTerms",
    "Formula",
    "ModelFrame",
    "Name",
    "Node",
    "Number",
    "Part",
    "Product",
    "Reading",
    "as_factor",
    "bars_of",
    "build",
    "call",
    "canonical",
    "columns_in",
    "deparse",
    "described_fixed",
    "described_random",
    "expand",
    "filled",
    "lines_of",
    "model_frame",
    "model_matrix",
    "names",
    "needs",
    "new_rows",
    "numbers_per_row",
    "parse",
    "parse_expression",
    "read_column",
    "reading",
    "same_rows",
    "selected",
    "unread",
    "updated",
]
