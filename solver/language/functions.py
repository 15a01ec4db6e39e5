"""Everything that a formula may compute: one closed table, which the parser, the checks and the evaluator ask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from relmer.solver.arrays import Array
from relmer.solver.language.factors import Factor, Variable, as_factor


class Argument(Enum):
    """What a function gets an argument as."""

    NUMBERS = "doubles, NaN where there is no value; a factor is refused"
    COLUMN = "a column of any type, and where it has no value"


class Result(Enum):
    """What a function makes of its arguments."""

    NUMBERS = "doubles, NaN where there is no value"
    FACTOR = "a factor, and where it has no value"
    ARGUMENT = "its one argument, as it stands"
    OFFSET = "its one argument, which is added to the mean and is no term"


@dataclass(frozen=True)
class Function:
    """A function of R, or one of its operators, with a meaning for the rows of the data.

    Attributes
    ----------
    name : str
        R's name.
    arguments : tuple of Argument
        One for each argument of a call.
    result : Result
        What a call makes.
    compute : callable
        From the arguments to the result.
    whole : bool
        Whether R holds the result as an integer, of 32 bits, if the arguments are.
    """

    name: str
    arguments: tuple[Argument, ...]
    result: Result
    compute: Callable[..., Any]
    whole: bool = False


def of_numbers(name: str, compute: Callable[..., Array], count: int = 1, *, whole: bool = False) -> Function:
    """A function from `count` numbers to numbers."""
    numbers = (Argument.NUMBERS,) * count
    return Function(name=name, arguments=numbers, result=Result.NUMBERS, compute=compute, whole=whole)


def of_column(name: str, compute: Callable[[Variable], Variable], result: Result) -> Function:
    """A function of one column, whatever its type."""
    same = result is Result.ARGUMENT
    return Function(name=name, arguments=(Argument.COLUMN,), result=result, compute=compute, whole=same)


def power(base: Array, exponent: Array) -> Array:
    """R's ``^``, which squares by multiplying; C's ``pow`` need not round the same way."""
    return np.where(exponent == 2, base * base, np.power(base, exponent))


def scale(values: Array) -> Array:
    """Centre and divide by the standard deviation of all values there are, before rows are dropped."""
    present = values[~np.isnan(values)]
    if present.size == 0:
        return values
    centre = present.mean()
    spread = np.sqrt(np.sum((present - centre) ** 2) / max(1, present.size - 1))
    scaled: Array = (values - centre) / spread
    return scaled


def factor(variable: Variable) -> Variable:
    """R's ``factor``: with the levels that occur."""
    column, missing = variable
    return as_factor(column, missing), missing


def kept_factor(variable: Variable) -> Variable:
    """R's ``as.factor``, which leaves a factor as it is, unused levels included."""
    return variable if isinstance(variable[0], Factor) else factor(variable)


def unchanged(variable: Variable) -> Variable:
    """R's ``I`` and ``(``."""
    return variable


FUNCTIONS: Mapping[str, Function] = {
    function.name: function
    for function in (
        of_numbers("log", np.log),
        of_numbers("exp", np.exp),
        of_numbers("sqrt", np.sqrt),
        of_numbers("log2", np.log2),
        of_numbers("log10", np.log10),
        of_numbers("log1p", np.log1p),
        of_numbers("abs", np.abs, whole=True),
        of_column("I", unchanged, Result.ARGUMENT),
        of_numbers("scale", scale),
        of_column("factor", factor, Result.FACTOR),
        of_column("as.factor", kept_factor, Result.FACTOR),
    )
}
"""What a formula may call, by name."""

OFFSET = "offset"
MARKS: Mapping[str, Function] = {OFFSET: of_column(OFFSET, unchanged, Result.OFFSET)}
"""What may stand in a formula as a function does, but computes nothing."""

OPERATORS: Mapping[tuple[str, int], Function] = {
    (operator.name, len(operator.arguments)): operator
    for operator in (
        of_numbers("+", np.add, 2, whole=True),
        of_numbers("-", np.subtract, 2, whole=True),
        of_numbers("*", np.multiply, 2, whole=True),
        of_numbers("/", np.divide, 2),
        of_numbers("^", power, 2),
        of_numbers("+", np.positive, whole=True),
        of_numbers("-", np.negative, whole=True),
        of_column("(", unchanged, Result.ARGUMENT),
    )
}
"""The operators that compute, by name and number of operands; any other combines terms."""

ORDER = "pandas.Categorical(values, categories=[...]) in the data sets levels and their order, the first the reference"
IN_DATA = "make it a column of the data first"
UNSTRUCTURED = "(x | g) is the one structure there is: unstructured"
HINTS: Mapping[str, str] = {
    "cbind": "a model has one response",
    "relevel": ORDER,
    "reorder": ORDER,
    "fct_relevel": ORDER,
    "ordered": "pandas.Categorical(values, categories=[...], ordered=True) in the data makes an ordered factor",
    "dummy": "make a column of 0 and 1 in the data first",
    "interaction": "write a:b",
    "as.numeric": "convert the column in the data",
    "as.integer": "convert the column in the data",
    "as.character": "convert the column in the data",
    "as.Date": "make a number of the date in the data, such as days since the first",
    "poly": "make the columns in the data, or write x + I(x^2)",
    **dict.fromkeys(("cs", "ar1", "toep", "rr"), UNSTRUCTURED),
    "us": "write (x | g), which is unstructured",
    "diag": "write (x || g) for effects that are independent",
}
"""What to do instead of a function that a formula cannot have; for any other: `IN_DATA`."""

ARGUMENTS = {
    "factor": ORDER,
    "as.factor": ORDER,
    "log": "for another base write log(x)/log(b), log2 or log10",
    "scale": "centre or scale the column in the data",
}
"""What to do instead of giving a function more arguments."""


def meaning(name: str, count: int) -> Function | None:
    """What computes a call with so many arguments; None if nothing does, as for ``a:b``, which combines terms."""
    function = FUNCTIONS.get(name) or MARKS.get(name)
    return function if function and len(function.arguments) == count else OPERATORS.get((name, count))
