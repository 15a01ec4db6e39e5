"""From frozen records to the JSON Schema of the texts that `plain` reads, for those who write them in any language."""

import inspect
import re
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

from relmer.datasets.plain import required

DRAFT = "https://json-schema.org/draft/2020-12/schema"
# What no keyword can say: to JSON Schema 3.0 is an integer.
COMMENT = "Whole numbers are written without a decimal point."
SINGLE = {float: "number", int: "integer", str: "string", bool: "boolean"}

Plain = dict[str, Any]


def json_schema(kind: Any, schema: str) -> Plain:
    """Schema of the JSON texts from which `read_record` makes a record whose "schema" is `schema`.

    A record's description is the first paragraph of its docstring, those of its fields are in the section Attributes.

    Raises
    ------
    ValueError
        Two of the records within it have one name.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Size:
    ...     schema: str
    ...     rows: int
    >>> json_schema(Size, "size/1")["properties"]
    {'schema': {'const': 'size/1'}, 'rows': {'type': 'integer'}}
    """
    inner: dict[Any, Plain] = {}
    root = of_record(kind, inner)
    root["properties"]["schema"] = {"const": schema}
    root["required"] = [name for name in root["properties"] if name in {*root["required"], "schema"}]
    named = {part.__name__: inner[part] for part in sorted(inner, key=lambda part: part.__name__)}
    if len(named) < len(inner):
        raise ValueError(f"two records within {kind.__name__} have one name")
    head = {"$schema": DRAFT, "$id": schema, "title": kind.__name__, "$comment": COMMENT}
    return {**head, **root, "$defs": named}


def of_record(kind: Any, inner: dict[Any, Plain]) -> Plain:
    """Schema of a record; the records and enumerations within it are added to `inner`."""
    hints, told = get_type_hints(kind), descriptions(kind)
    properties = {field.name: of_type(hints[field.name], inner) | told.get(field.name, {}) for field in fields(kind)}
    return {
        **summary(kind),
        "type": "object",
        "additionalProperties": False,
        "required": required(kind),
        "properties": properties,
    }


def of_type(kind: Any, inner: dict[Any, Plain]) -> Plain:
    """Schema of an annotated type that `plain` understands."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        option = next(option for option in arguments if option is not type(None))
        return {"anyOf": [of_type(option, inner), {"type": "null"}]}
    if origin is tuple and arguments[-1] is Ellipsis:
        return {"type": "array", "items": of_type(arguments[0], inner)}
    if origin is tuple:
        entries = [of_type(argument, inner) for argument in arguments]
        return {"type": "array", "prefixItems": entries, "items": False, "minItems": len(entries)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": of_type(arguments[1], inner)}
    if kind in SINGLE:
        return {"type": SINGLE[kind]}
    if kind not in inner:
        inner[kind] = {}
        inner[kind] = of_record(kind, inner) if is_dataclass(kind) else of_words(kind)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def of_words(kind: type[StrEnum]) -> Plain:
    """Schema of an enumeration of words."""
    return {**summary(kind), "enum": [word.value for word in kind]}


def summary(kind: Any) -> Plain:
    """Description of a record or an enumeration, if it has a docstring of its own."""
    text = (kind.__doc__ and inspect.cleandoc(kind.__doc__)) or ""
    first = " ".join(text.partition("\n\n")[0].split())
    # A dataclass without a docstring has its signature there.
    return {"description": first} if first and not first.startswith(f"{kind.__name__}(") else {}


def descriptions(kind: Any) -> dict[str, Plain]:
    """Descriptions of the fields that the section Attributes of a docstring names, alone or with others."""
    sections = re.split(r"^(\w+)\n-+\n", inspect.getdoc(kind) or "", flags=re.MULTILINE)
    section = dict(zip(sections[1::2], sections[2::2], strict=True)).get("Attributes", "")
    names: list[str] = []
    told: dict[str, str] = {}
    for line in section.splitlines():
        if line.startswith(" "):
            told |= {name: f"{told.get(name, '')} {line.strip()}".strip() for name in names}
        elif line:
            names = line.partition(" : ")[0].split(", ")
    return {name: {"description": text} for name, text in told.items()}
