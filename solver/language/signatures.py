"""What a function of a formula takes and makes, and how a call gives it its arguments."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import takewhile
from typing import Any

from relmer.solver.arrays import Array
from relmer.solver.language.factors import Variable


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
    LEVELS = "labels, None where there is none"
    NAMED = "a column of any type, where it has no value, and the name that it has"
    CONTRASTS = "the name of contrasts, or the column or matrix that they are"


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
    """What a function takes: R's name, the kind, and what it is where it is not given, or given as NULL.

    `many` takes all arguments by position that are left; those after it go by their whole names only, as after R's
    dots.
    """

    name: str
    kind: Argument
    default: Any = REQUIRED
    many: bool = False
    null: Any = None


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
    >>> log = Function("log", (NUMBERS, Parameter("base", Argument.NUMBER, None)), Result.NUMBERS, abs)
    >>> bind(log, ["base", ""])
    (1, 0)
    """
    found: dict[str, Binding] = {}
    if any(parameter.kind is Argument.NAMED for parameter in function.parameters):
        labels = ("",) * len(labels)
    for place, label in enumerate(labels):
        if not label:
            continue
        name = named(function, label)
        if not name:
            raise LookupError(f"no argument '{label}': {function.usage}", place)
        if name in found:
            raise LookupError(f"argument '{label}' is given twice", place)
        found[name] = place
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


def named(function: Function, label: str) -> str:
    """The parameter that a name or its beginning stands for, as R has it; nothing if there is none, or several.

    Examples
    --------
    >>> number = Parameter("digits", Argument.NUMBER, 0.0)
    >>> rounding = Function("round", (Parameter("x", Argument.NUMBERS), number), Result.NUMBERS, abs)
    >>> named(rounding, "dig"), named(rounding, "z")
    ('digits', '')
    """
    known = [parameter.name for parameter in function.parameters if not parameter.many]
    if label in known:
        return label
    before_dots = [each.name for each in takewhile(lambda each: not each.many, function.parameters)]
    begun = [name for name in before_dots if name.startswith(label)]
    return begun[0] if len(begun) == 1 else ""


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


def of(name: str, result: Result, compute: Callable[..., Any], *parameters: Parameter, whole: bool = False) -> Function:
    """A function of these parameters."""
    return Function(name=name, parameters=parameters, result=result, compute=compute, whole=whole)
