"""R inside this process by rpy2: vectors in, vectors out, no double ever printed or parsed by R.

Importing this module loads R, so only the child process imports it.
"""

import importlib
import importlib.metadata
from array import array
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from relmer.reference.engines import EngineError, sendable

rinterface: Any = importlib.import_module("rpy2.rinterface")
embedded: Any = importlib.import_module("rpy2.rinterface_lib.embedded")

OPTIONS = ("rpy2", "--vanilla", "--quiet", "--no-echo")
MISSING_INTEGER = -(2**31)


def start(*sources: Path) -> Callable[..., Any]:
    """Start R, read the R files `sources`, and return a function that calls one of its functions by name.

    R sorts text by code point, so that the order of levels does not depend on the machine's locale. Formulas may name
    the splines of R's own package.
    """
    embedded.set_initoptions(OPTIONS)
    rinterface.initr(interactive=False)
    rinterface.baseenv["Sys.setlocale"]("LC_COLLATE", "C")
    rinterface.baseenv["library"](texts(["splines"]), **{"character.only": rinterface.BoolSexpVector([True])})
    functions = rinterface.baseenv["new.env"]()
    for source in sources:
        rinterface.baseenv["sys.source"](texts([str(source)]), envir=functions)
    return lambda name, *arguments: functions[name](*arguments)


def numbers(values: Sequence[float | str | None]) -> Any:
    """Doubles; None is NA, and "NaN", "Infinity" and "-Infinity" are what they say."""
    doubles = array("d", [float(rinterface.NA_Real if value is None else value) for value in values])
    return rinterface.FloatSexpVector.from_memoryview(memoryview(doubles))


def integers(values: Sequence[int | None]) -> Any:
    """Integers; None is NA."""
    codes = array("i", [MISSING_INTEGER if value is None else value for value in values])
    return rinterface.IntSexpVector.from_memoryview(memoryview(codes))


def texts(values: Sequence[str | None]) -> Any:
    """Character strings; None is NA."""
    return rinterface.StrSexpVector([rinterface.NA_Character if value is None else value for value in values])


def logicals(values: Sequence[bool | None]) -> Any:
    """Logical values; None is NA."""
    return rinterface.BoolSexpVector(values)


def entries(values: Sequence[Any]) -> Any:
    """A list of R values."""
    return rinterface.ListSexpVector(values)


def carrier() -> dict[str, list[str]]:
    """How R is reached, for the record."""
    return {"rpy2": [importlib.metadata.version("rpy2-rinterface")]}


def loaded() -> list[dict[str, Any]]:
    """The libraries of linear algebra that this process has loaded."""
    return list(threadpool_info())


def named_list(values: Mapping[str, Any]) -> Any:
    """A list of R values by name."""
    made = entries(list(values.values()))
    made.names = texts(list(values))
    return made


def plain(value: Any) -> Any:
    """An R value as JSON can carry it: a named list is an object, any vector a list.

    NA is null, except among doubles, where it becomes NaN.
    """
    if value is rinterface.NULL:
        return None
    if isinstance(value, rinterface.ListSexpVector):
        parts = [plain(part) for part in value]
        return parts if value.names is rinterface.NULL else dict(zip(map(str, value.names), parts, strict=True))
    if isinstance(value, rinterface.FloatSexpVector):
        return [sendable(number) for number in elements(value)]
    if isinstance(value, rinterface.IntSexpVector):
        return [None if code == MISSING_INTEGER else code for code in elements(value)]
    if isinstance(value, rinterface.StrSexpVector):
        return [None if text is rinterface.NA_Character else str(text) for text in value]
    raise EngineError(f"R returned a value of type {value.typeof!r}, which has no plain form")


def elements(value: Any) -> Sequence[Any]:
    """The numbers of a vector; where rpy2 was built with a compiler, its view of none is a TypeError."""
    return value.memoryview() if len(value) else ()
