"""Everything that a formula may compute: one closed table, which the parser, the checks and the evaluator ask."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np

from relmer.solver.arrays import Array
from relmer.solver.language import bases, compare, convert, dates, recode, rowwise
from relmer.solver.language.contrasts import NAMED
from relmer.solver.language.dates import counted
from relmer.solver.language.factors import Dates, Variable
from relmer.solver.model import STRUCTURES


class Argument(Enum):
    """What a function gets an argument as."""

    NUMBERS = "doubles, NaN where there is no value; a factor is refused"
    COLUMN = "a column of any type, and where it has no value"
    MATRIX = "several columns"
    COUNTS = "doubles, or dates"
    COUNTED = "doubles, or the days or seconds of dates"
    FLAG = "TRUE or FALSE"
    NUMBER = "one number"
    VECTOR = "numbers, as many as there are"
    SETTING = "TRUE or FALSE, or numbers"
    TEXTS = "labels: texts, or numbers and logicals as R spells them"
    CONTRASTS = "the name of contrasts"


class Result(Enum):
    """What a function makes of its arguments."""

    NUMBERS = "doubles, NaN where there is no value"
    FACTOR = "a factor, and where it has no value"
    COLUMN = "a column of any type, and where it has no value"
    ARGUMENT = "its one argument, as it stands"
    OFFSET = "its one argument, which is added to the mean and is no term"
    STRUCTURE = "its one bar, a random term whose covariance has a structure"


REQUIRED = object()
"""The default of an argument that must be given."""


@dataclass(frozen=True)
class Parameter:
    """What a function takes: R's name, the kind, and what it is where it is not given.

    `many` takes all arguments by position that are left; those after it go by name only, as after R's dots.
    """

    name: str
    kind: Argument
    default: Any = REQUIRED
    many: bool = False


@dataclass(frozen=True)
class Function:
    """A function of R, or one of its operators, with a meaning for the rows of the data.

    Attributes
    ----------
    name : str
        R's name.
    parameters : tuple of Parameter
        In R's order.
    result : Result
        What a call makes.
    compute : callable
        From the arguments, in that order, to the result.
    whole : bool
        Whether R holds the result as an integer, of 32 bits, or as a logical, if the arguments are such.
    discrete : bool
        Whether it is one, whatever the arguments are.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: Result
    compute: Callable[..., Any]
    whole: bool = False
    discrete: bool = False

    @property
    def takes_many(self) -> bool:
        """Whether it takes any number of arguments."""
        return any(parameter.many for parameter in self.parameters)

    @property
    def usage(self) -> str:
        """What it takes, in words."""
        takes = f"{self.name}() takes {', '.join(parameter.name for parameter in self.parameters)}"
        if all(parameter.default is REQUIRED and not parameter.many for parameter in self.parameters):
            count = len(self.parameters)
            takes = f"{self.name}() takes {'one argument' if count == 1 else f'{count} arguments'}"
        return takes


Binding = int | None | tuple[int, ...]
"""Which argument a parameter gets, by its place in the call: one, none, or several."""


def bind(function: Function, labels: Sequence[str]) -> tuple[Binding, ...]:
    """Give each parameter its arguments: by name first, then by position, as R does.

    Parameters
    ----------
    function : Function
        With its parameters.
    labels : sequence of str
        A name for each argument, empty where it goes by position.

    Returns
    -------
    tuple of Binding
        One for each parameter.

    Raises
    ------
    LookupError
        An argument has no place, or a parameter that must be given has none: the message, and the argument's place.

    Examples
    --------
    >>> bind(FUNCTIONS["log"], ["base", ""])
    (1, 0)
    """
    found: dict[str, Binding] = {}
    known = [parameter.name for parameter in function.parameters if not parameter.many]
    for place, label in enumerate(labels):
        if not label:
            continue
        if label not in known:
            raise LookupError(f"no argument '{label}': {function.usage}", place)
        if label in found:
            raise LookupError(f"argument '{label}' is given twice", place)
        found[label] = place
    by_position = [place for place, label in enumerate(labels) if not label]
    for parameter in function.parameters:
        if parameter.many:
            found[parameter.name], by_position = tuple(by_position), []
        elif parameter.name not in found and by_position:
            found[parameter.name] = by_position.pop(0)
        if parameter.default is REQUIRED and found.get(parameter.name) in (None, ()):
            raise LookupError(function.usage, None)
    if by_position:
        raise LookupError(function.usage, by_position[0])
    return tuple(found.get(parameter.name) for parameter in function.parameters)


def of_numbers(name: str, compute: Callable[..., Array], count: int = 1, *, whole: bool = False) -> Function:
    """A function from `count` numbers to numbers."""
    numbers = tuple(Parameter(each, Argument.NUMBERS) for each in ("x", "y", "z")[:count])
    return Function(name=name, parameters=numbers, result=Result.NUMBERS, compute=compute, whole=whole)


def of_column(
    name: str, compute: Callable[[Variable], Variable], result: Result, *, discrete: bool = False
) -> Function:
    """A function of one column, whatever its type."""
    same = result is Result.ARGUMENT
    return Function(name=name, parameters=(X,), result=result, compute=compute, whole=same, discrete=discrete)


def of_columns(name: str, compute: Callable[[Variable, Variable], Variable]) -> Function:
    """An operator on two columns, whatever their types."""
    return Function(name=name, parameters=(X, Y), result=Result.COLUMN, compute=compute, discrete=True)


def summary(name: str, compute: Callable[..., Array], *, whole: bool = False) -> Function:
    """One number, of all rows."""

    def compute_counted(x: Array | Dates, drop: bool) -> Array:
        return compute(counted(x), drop)

    parameters = ((COUNTED if whole else COUNTS), flag("na.rm"))
    return Function(name=name, parameters=parameters, result=Result.NUMBERS, compute=compute_counted, whole=whole)


def flag(name: str, default: bool | None = False) -> Parameter:
    """A parameter that is TRUE or FALSE."""
    return Parameter(name, Argument.FLAG, default)


def column(name: str) -> Parameter:
    """A parameter that is a column."""
    return Parameter(name, Argument.COLUMN)


def number(name: str, default: Any = None) -> Parameter:
    """A parameter that is a number."""
    return Parameter(name, Argument.NUMBER, default)


X, Y = Parameter("x", Argument.COLUMN), Parameter("y", Argument.COLUMN)
COUNTS, COUNTED = Parameter("x", Argument.COUNTS), Parameter("x", Argument.COUNTED)
NUMBERS, TEXTS, DOTS = Parameter("x", Argument.NUMBERS), Argument.TEXTS, "..."
LEVELS = (Parameter("levels", Argument.TEXTS, None), Parameter("labels", Argument.TEXTS, None))


def of(name: str, result: Result, compute: Callable[..., Any], *parameters: Parameter, whole: bool = False) -> Function:
    """A function of these parameters."""
    return Function(name=name, parameters=parameters, result=result, compute=compute, whole=whole)


FUNCTIONS: Mapping[str, Function] = {
    function.name: function
    for function in (
        of("log", Result.NUMBERS, rowwise.logarithm, NUMBERS, number("base")),
        *(of_numbers(name, getattr(np, name)) for name in ("exp", "sqrt", "log2", "log10", "log1p", "expm1")),
        *(of_numbers(name, getattr(np, name)) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")),
        *(of_numbers(f"a{name}", getattr(np, f"arc{name}")) for name in ("sin", "cos", "tan")),
        of_numbers("abs", np.abs, whole=True),
        *(of_numbers(name, getattr(np, name)) for name in ("sign", "floor", "trunc")),
        of_numbers("ceiling", np.ceil),
        of("round", Result.NUMBERS, rowwise.rounded, NUMBERS, number("digits", 0.0)),
        of("pmin", Result.NUMBERS, rowwise.least, Parameter(DOTS, Argument.NUMBERS, many=True), flag("na.rm")),
        of("pmax", Result.NUMBERS, rowwise.greatest, Parameter(DOTS, Argument.NUMBERS, many=True), flag("na.rm")),
        summary("mean", rowwise.mean),
        summary("median", rowwise.median),
        summary("sd", rowwise.deviation),
        summary("var", rowwise.variance),
        summary("min", rowwise.smallest, whole=True),
        summary("max", rowwise.largest, whole=True),
        summary("sum", rowwise.total, whole=True),
        of("quantile", Result.NUMBERS, rowwise.quantile, NUMBERS, Parameter("probs", Argument.VECTOR), flag("na.rm")),
        of("c", Result.COLUMN, convert.combined, Parameter(DOTS, Argument.COLUMN, many=True), whole=True),
        of("seq", Result.NUMBERS, rowwise.sequence, number("from", 1.0), number("to", 1.0), number("by")),
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
        of("factor", Result.FACTOR, recode.factor, X, *LEVELS, flag("ordered", None)),
        of("ordered", Result.FACTOR, recode.ordered_factor, X, *LEVELS),
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
        ),
        of(
            "interaction",
            Result.FACTOR,
            recode.interaction,
            Parameter(DOTS, Argument.COLUMN, many=True),
            flag("drop"),
            Parameter("sep", TEXTS, (".",)),
            flag("lex.order"),
        ),
        of(
            "cut",
            Result.FACTOR,
            recode.cut,
            NUMBERS,
            Parameter("breaks", Argument.VECTOR),
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
        of_column("as.numeric", convert.to_numbers, Result.COLUMN),
        of_column("as.integer", convert.to_integers, Result.COLUMN, discrete=True),
        of_column("as.character", convert.to_text, Result.COLUMN),
        of_column("as.logical", convert.to_logicals, Result.COLUMN, discrete=True),
        of_column("as.Date", dates.to_days, Result.COLUMN),
        of("months", Result.COLUMN, dates.months, X, flag("abbreviate")),
        of("weekdays", Result.COLUMN, dates.weekdays, X, flag("abbreviate")),
        of_column("quarters", dates.quarters, Result.COLUMN),
    )
}
"""What a formula may call, by name."""

PI = "pi"
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
        of_numbers("+", np.add, 2, whole=True),
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
        of("[", Result.COLUMN, bases.column_of, Parameter("x", Argument.MATRIX), Parameter("j", Argument.NUMBER)),
    )
}
"""The operators that compute, by name and number of operands; any other combines terms."""

IN_DATA = "make it a column of the data first"
KNOWN_STRUCTURES = "the structures of lme4 2.x are us(x | g), diag(x | g), cs(x | g) and ar1(x | g)"
HINTS: Mapping[str, str] = {
    "cbind": "a model has one response",
    **dict.fromkeys(("reorder", "fct_relevel"), "relevel(f, ref = ...) or factor(f, levels = c(...)) sets the order"),
    **dict.fromkeys(NAMED, "name contrasts without parentheses, as in C(f, contr.sum)"),
    **dict.fromkeys(("toep", "rr", "ou", "exp", "gau", "mat", "homdiag"), KNOWN_STRUCTURES),
    **dict.fromkeys(("function", "eval", "parse", "system", "get", "source"), "a formula runs nothing"),
}
"""What to do instead of a function that a formula cannot have; for any other: `IN_DATA`."""


def meaning(name: str, count: int) -> Function | None:
    """What computes a call with so many arguments; None if nothing does, as for ``a:b``, which combines terms."""
    return FUNCTIONS.get(name) or MARKS.get(name) or OPERATORS.get((name, count))
