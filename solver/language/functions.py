"""Everything that a formula may compute: one closed table, which the parser, the checks and the evaluator ask."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from relmer.solver.language import (
    bases,
    compare,
    convert,
    dates,
    given_contrasts,
    intervals,
    learners,
    recode,
    rowwise,
    vectors,
)
from relmer.solver.language.contrasts import NAMED
from relmer.solver.language.signatures import (
    COUNTED,
    COUNTS,
    DOTS,
    NUMBERS,
    TEXTS,
    Argument,
    Function,
    Parameter,
    Result,
    X,
    flag,
    number,
    of,
    of_column,
    of_columns,
    of_numbers,
)
from relmer.solver.model import STRUCTURES

LEVELS = (Parameter("levels", Argument.LEVELS, None), Parameter("labels", Argument.TEXTS, None))
EXCLUDED = Parameter("exclude", Argument.LEVELS, (None,), null=())
MANY = Parameter(DOTS, Argument.COLUMN, many=True)
CONTRAST_ARGUMENTS = {
    "contr.treatment": (number("base", 1.0),),
    "contr.SAS": (),
    "contr.poly": (Parameter("scores", Argument.VECTOR, None),),
}
"""Beside the levels, or their number, and whether there are contrasts."""


FUNCTIONS: Mapping[str, Function] = {
    function.name: function
    for function in (
        of("log", Result.NUMBERS, rowwise.logarithm, NUMBERS, Parameter("base", Argument.VECTOR, None)),
        *(of_numbers(name, getattr(np, name)) for name in ("exp", "sqrt", "log2", "log10", "log1p", "expm1")),
        *(of_numbers(name, getattr(np, name)) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")),
        *(of_numbers(f"a{name}", getattr(np, f"arc{name}")) for name in ("sin", "cos", "tan")),
        of_numbers("abs", np.abs, whole=True),
        *(of_numbers(name, getattr(np, name)) for name in ("sign", "floor", "trunc")),
        of_numbers("ceiling", np.ceil),
        of("round", Result.NUMBERS, rowwise.rounded, NUMBERS, number("digits", 0.0)),
        of("signif", Result.NUMBERS, rowwise.significant, NUMBERS, number("digits", 6.0)),
        of("pmin", Result.NUMBERS, rowwise.least, Parameter(DOTS, Argument.NUMBERS, many=True), flag("na.rm")),
        of("pmax", Result.NUMBERS, rowwise.greatest, Parameter(DOTS, Argument.NUMBERS, many=True), flag("na.rm")),
        of("mean", Result.NUMBERS, dates.mean, COUNTS, number("trim", 0.0), flag("na.rm")),
        of("median", Result.NUMBERS, dates.median, COUNTS, flag("na.rm")),
        of("sd", Result.NUMBERS, rowwise.deviation, COUNTED, flag("na.rm")),
        of("var", Result.NUMBERS, rowwise.variance, COUNTED, Parameter("y", Argument.COUNTED, None), flag("na.rm")),
        *(
            of(name, Result.NUMBERS, compute, Parameter(DOTS, Argument.COUNTS, many=True), flag("na.rm"), whole=True)
            for name, compute in (("min", dates.smallest), ("max", dates.largest), ("range", dates.extremes))
        ),
        of(
            "sum",
            Result.NUMBERS,
            rowwise.total,
            Parameter(DOTS, Argument.NUMBERS, many=True),
            flag("na.rm"),
            whole=True,
        ),
        of_column("length", vectors.size, Result.COLUMN, discrete=True),
        of_column("levels", vectors.levels, Result.COLUMN),
        of_column("nlevels", vectors.number_of_levels, Result.COLUMN, discrete=True),
        of_column("rev", vectors.reversed_order, Result.COLUMN),
        of_column("unique", vectors.unrepeated, Result.COLUMN),
        of("sort", Result.COLUMN, vectors.in_order, X, flag("decreasing")),
        of("paste", Result.COLUMN, vectors.pasted, MANY, Parameter("sep", TEXTS, (" ",))),
        of("paste0", Result.COLUMN, vectors.pasted, MANY),
        of("xor", Result.COLUMN, compare.either, X, replace(X, name="y")),
        of("quantile", Result.NUMBERS, rowwise.quantile, NUMBERS, Parameter("probs", Argument.VECTOR), flag("na.rm")),
        of("c", Result.COLUMN, convert.combined, MANY, whole=True),
        of(
            "seq",
            Result.NUMBERS,
            rowwise.sequence,
            number("from", 1.0),
            number("to", 1.0),
            number("by"),
            number("length.out"),
        ),
        of_column("I", convert.unchanged, Result.ARGUMENT),
        of(
            "scale",
            Result.COLUMN,
            bases.scaled,
            COUNTED,
            Parameter("center", Argument.SETTING, True),
            Parameter("scale", Argument.SETTING, True),
        ),
        of(
            "poly",
            Result.COLUMN,
            bases.polynomials,
            COUNTED,
            Parameter(DOTS, Argument.COUNTED, (), many=True),
            number("degree", 1.0),
            flag("raw"),
            flag("simple"),
        ),
        of(
            "bs",
            Result.COLUMN,
            bases.b_splines,
            COUNTED,
            number("df"),
            Parameter("knots", Argument.VECTOR, None),
            number("degree", 3.0),
            flag("intercept"),
            Parameter("Boundary.knots", Argument.VECTOR, None),
        ),
        of(
            "ns",
            Result.COLUMN,
            bases.natural_splines,
            COUNTED,
            number("df"),
            Parameter("knots", Argument.VECTOR, None),
            flag("intercept"),
            Parameter("Boundary.knots", Argument.VECTOR, None),
        ),
        of("factor", Result.FACTOR, recode.factor, X, *LEVELS, EXCLUDED, flag("ordered", None)),
        of("ordered", Result.FACTOR, recode.ordered_factor, X, *LEVELS, EXCLUDED),
        of_column("addNA", recode.with_missing_level, Result.FACTOR),
        of_column("as.factor", recode.kept_factor, Result.FACTOR),
        of_column("as.ordered", recode.kept_ordered, Result.FACTOR),
        of_column("droplevels", recode.dropped_levels, Result.FACTOR),
        of("relevel", Result.FACTOR, recode.releveled, X, Parameter("ref", Argument.COLUMN)),
        of(
            "C",
            Result.COLUMN,
            recode.with_contrasts,
            Parameter("object", Argument.COLUMN),
            Parameter("contr", Argument.CONTRASTS, None),
            number("how.many"),
            number("base"),
            Parameter("scores", Argument.VECTOR, None),
        ),
        *(
            of(
                name,
                Result.COLUMN,
                partial(given_contrasts.made_by, name),
                Parameter("n", Argument.COLUMN),
                *(own for own in CONTRAST_ARGUMENTS.get(name, ())),
                flag("contrasts", True),
            )
            for name in NAMED
        ),
        of("cbind", Result.COLUMN, given_contrasts.side_by_side, Parameter(DOTS, Argument.NAMED, many=True)),
        of(
            "matrix",
            Result.COLUMN,
            given_contrasts.matrix,
            Parameter("data", Argument.VECTOR),
            number("nrow"),
            number("ncol"),
            flag("byrow"),
        ),
        of(
            "interaction",
            Result.FACTOR,
            recode.interaction,
            MANY,
            flag("drop"),
            Parameter("sep", TEXTS, (".",)),
            flag("lex.order"),
        ),
        of(
            "cut",
            Result.FACTOR,
            intervals.cut,
            COUNTS,
            Parameter("breaks", Argument.COLUMN),
            Parameter("labels", TEXTS, None),
            flag("include.lowest"),
            flag("right", True),
            number("dig.lab", 3.0),
            flag("ordered_result"),
        ),
        of(
            "dummy",
            Result.COLUMN,
            recode.dummy,
            Parameter("f", Argument.COLUMN),
            Parameter("levelsToKeep", TEXTS, None),
        ),
        of(
            "ifelse",
            Result.COLUMN,
            convert.chosen,
            *(Parameter(name, Argument.COLUMN) for name in ("test", "yes", "no")),
        ),
        of_column("is.na", convert.absent, Result.COLUMN, discrete=True),
        *(of_column(name, convert.to_numbers, Result.COLUMN) for name in ("as.numeric", "as.double")),
        of_column("as.integer", convert.to_integers, Result.COLUMN, discrete=True),
        of_column("as.character", convert.to_text, Result.COLUMN),
        of_column("as.logical", convert.to_logicals, Result.COLUMN, discrete=True),
        of("as.Date", Result.COLUMN, dates.to_days, X, Parameter("format", TEXTS, None)),
        of("format", Result.COLUMN, dates.spelled, X, Parameter("format", TEXTS)),
        of("months", Result.COLUMN, dates.months, X, flag("abbreviate")),
        of("weekdays", Result.COLUMN, dates.weekdays, X, flag("abbreviate")),
        of_column("quarters", dates.quarters, Result.COLUMN),
    )
}
"""What a formula may call, by name."""

PI = "pi"
ELEMENTS, COLUMNS = "[", "[,"
"""Subscripts: of a vector, and of a matrix."""
MATRIX = Parameter("x", Argument.MATRIX)
OFFSET = "offset"
STRUCTURED = {name: of_column(name, convert.unchanged, Result.STRUCTURE) for name in ("us", *STRUCTURES)}
MARKS: Mapping[str, Function] = {
    OFFSET: of_column(OFFSET, convert.unchanged, Result.OFFSET),
    **STRUCTURED,
    **{name: replace(STRUCTURED[name], parameters=(X, flag("hom", None))) for name in STRUCTURES},
}
"""What may stand in a formula as a function does, but computes nothing."""

OPERATORS: Mapping[tuple[str, int], Function] = {
    (operator.name, len(operator.parameters)): operator
    for operator in (
        of("+", Result.NUMBERS, dates.total, COUNTS, replace(COUNTS, name="y"), whole=True),
        Function(
            name="-",
            parameters=(COUNTS, replace(COUNTS, name="y")),
            result=Result.NUMBERS,
            compute=dates.difference,
            whole=True,
        ),
        of_numbers("*", np.multiply, 2, whole=True),
        of_numbers("/", np.divide, 2),
        of_numbers("^", rowwise.power, 2),
        of_numbers("%%", rowwise.remainder, 2, whole=True),
        of_numbers("%/%", rowwise.quotient, 2, whole=True),
        of_numbers("+", np.positive, whole=True),
        of_numbers("-", np.negative, whole=True),
        of_numbers(":", rowwise.run, 2, whole=True),
        of_column("(", convert.unchanged, Result.ARGUMENT),
        of_columns("==", compare.equal),
        of_columns("!=", compare.unequal),
        of_columns("<", compare.less),
        of_columns(">", compare.greater),
        of_columns("<=", compare.at_most),
        of_columns(">=", compare.at_least),
        of_columns("&", compare.both),
        of_columns("%in%", compare.among),
        of_column("!", compare.negated, Result.COLUMN, discrete=True),
        of(ELEMENTS, Result.COLUMN, vectors.elements, X, Parameter("i", Argument.COLUMN)),
        of(COLUMNS, Result.COLUMN, vectors.columns_of, MATRIX, Parameter("j", Argument.COLUMN)),
        of(COLUMNS, Result.COLUMN, vectors.columns_of, MATRIX, Parameter("j", Argument.COLUMN), flag("drop")),
    )
}
"""The operators that compute, by name and number of operands; any other combines terms."""

LEARNING = frozenset(
    {"scale", "poly", "ns", "bs", "mean", "median", "sd", "var", "min", "max", "range", "sum", "quantile", "cut"}
    | {"length", "unique", "sort", "rev", "levels", "nlevels", "["}
)
"""What gives a row a value that depends on other rows, before any are dropped."""
LEARNERS: Mapping[str, Callable[..., learners.Compute]] = {
    "scale": learners.of_scale,
    "poly": learners.of_polynomials,
    "bs": learners.of_b_splines,
    "ns": learners.of_natural_splines,
    "cut": learners.of_cut,
    **dict.fromkeys(("factor", "ordered"), learners.of_factor),
    **dict.fromkeys(("as.factor", "as.ordered", "droplevels"), learners.of_levels),
}
"""How it is computed for rows of other data; what learns and is not here keeps its value."""
GROUPING = frozenset({"I", "as.character", "paste", "paste0", "is.na", "==", "!="})
"""What makes no factor, and may be grouped by nevertheless: the same of a column and of the factor of it."""
BY_PLACE = frozenset(
    {"as.numeric", "as.double", "as.integer", "as.logical", "pmin", "pmax", "ifelse", "matrix", "cbind", "rev", "["}
)
"""What takes a factor for the places of its levels, or for another order of them."""
IN_DATA = "make it a column of the data first"
KNOWN_STRUCTURES = "the structures of lme4 2.x are us(x | g), diag(x | g), cs(x | g) and ar1(x | g)"
HINTS: Mapping[str, str] = {
    **dict.fromkeys(("reorder", "fct_relevel"), "relevel(f, ref = ...) or factor(f, levels = c(...)) sets the order"),
    **dict.fromkeys(("toep", "rr", "ou", "exp", "gau", "mat", "homdiag"), KNOWN_STRUCTURES),
    **dict.fromkeys(("function", "eval", "parse", "system", "get", "source"), "a formula runs nothing"),
}
"""What to do instead of a function that a formula cannot have; for any other: `IN_DATA`."""


def meaning(name: str, count: int) -> Function | None:
    """What computes a call with so many arguments; None if nothing does, as for ``a:b``, which combines terms."""
    return FUNCTIONS.get(name) or MARKS.get(name) or OPERATORS.get((name, count))
