"""From plain data (what JSON holds) to frozen records, checked against the records' own type annotations; and back."""

import json
import sys
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

LARGEST = int(sys.float_info.max)
ATOMS = frozenset({float, int, str, bool, type(None)})
"""What JSON writes as it is."""


class Misfit(ValueError):
    """A value of another type than its place has: `where` it stands, and the `value`."""

    def __init__(self, where: str, wanted: str, value: Any) -> None:
        super().__init__(f"{where} must be {wanted}, not {value!r:.60}")
        self.where, self.value = where, value


def read_record(kind: Any, text: str, schema: str, name: str, older: Sequence[str] = ()) -> Any:
    """Make a record from JSON text that anybody may have written.

    The text is an object whose "schema" is `schema` or an older one; the record may or may not have that field itself.

    Raises
    ------
    ValueError
        The text is not JSON, or not such a record; one line that names the field.
    """

    def refuse(constant: str) -> float:
        raise ValueError(f"the {name} holds {constant}; write finite numbers only, JSON has no others")

    try:
        value = json.loads(text, parse_constant=refuse)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"the {name} is not JSON: {error}") from None
    if not isinstance(value, dict) or value.get("schema") not in (schema, *older):
        raise ValueError(f'the {name} must be an object with "schema": "{schema}"')
    return from_plain(kind, value, name)


def from_plain(kind: Any, value: Any, where: str) -> Any:
    """Make a value of the annotated type from plain data.

    Understands dataclasses, `tuple[T, ...]`, `tuple[A, B]`, `Mapping[str, T]`, `T | None`, enumerations of words, and
    float, int, str, bool.

    Raises
    ------
    ValueError
        Something is missing, not known, or of another type; the message says where.

    Examples
    --------
    >>> from_plain(tuple[float, ...], [1, 2.5], "theta")
    (1.0, 2.5)
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        inner = next(option for option in arguments if option is not type(None))
        return None if value is None else from_plain(inner, value, where)
    if is_dataclass(kind):
        return record(kind, value, where)
    if origin is tuple:
        return entries(arguments, value, where)
    if origin is Mapping:
        expect(isinstance(value, dict), where, "an object", value)
        return {str(key): from_plain(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    return single(kind, value, where)


def to_plain(value: Any) -> Any:
    """A record as plain data; a tuple of numbers or texts, which nobody can change, stays the same object.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Point:
    ...     theta: tuple[float, ...]
    >>> to_plain(Point((1.0, 2.5)))
    {'theta': (1.0, 2.5)}
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: to_plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple | list):
        return value if ATOMS.issuperset(map(type, value)) else [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    return value


def single(kind: Any, value: Any, where: str) -> Any:
    """Make a number, a text, a truth value or a word of an enumeration."""
    if kind is float:
        expect(isinstance(value, int | float) and not isinstance(value, bool), where, "a number", value)
        expect(not isinstance(value, int) or abs(value) <= LARGEST, where, "a number below 1.8e308", "a larger one")
        return float(value)
    if issubclass(kind, StrEnum):
        words = {word.value: word for word in kind}
        wanted = ", ".join(f'"{word}"' for word in words)
        expect(isinstance(value, str), where, "str", value)
        expect(value in words, where, f"one of {wanted}", value)
        return words[value]
    expect(isinstance(value, kind) and (kind is bool or not isinstance(value, bool)), where, kind.__name__, value)
    return value


def entries(arguments: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    """Make a tuple from a list."""
    expect(isinstance(value, list | tuple), where, "a list", value)
    if arguments[-1] is Ellipsis:
        if arguments[0] in ATOMS and {arguments[0]}.issuperset(map(type, value)):
            return tuple(value)
        return tuple(from_plain(arguments[0], item, f"{where}[{k}]") for k, item in enumerate(value))
    expect(len(value) == len(arguments), where, f"a list of {len(arguments)}", value)
    return tuple(from_plain(kind, item, where) for kind, item in zip(arguments, value, strict=True))


def record(kind: Any, value: Any, where: str) -> Any:
    """Make a dataclass from an object."""
    expect(isinstance(value, dict), where, "an object", value)
    hints = get_type_hints(kind)
    missing, unknown = sorted({*required(kind)} - value.keys()), sorted(value.keys() - hints.keys())
    if missing or unknown:
        raise ValueError(
            f"{where}: "
            + "; ".join([f"{name} is missing" for name in missing] + [f"{name!r:.60} is not known" for name in unknown])
        )
    return kind(**{name: from_plain(hints[name], item, f"{where}.{name}") for name, item in value.items()})


def required(kind: Any) -> list[str]:
    """Names of a dataclass's fields that have no default."""
    return [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]


def expect(holds: bool, where: str, wanted: str, value: Any) -> None:
    """Refuse a value of the wrong type."""
    if not holds:
        raise Misfit(where, wanted, value)
