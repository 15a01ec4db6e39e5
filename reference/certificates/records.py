"""Certificates: values that were proved, read back. Nothing is proved here; `DEFINITION.md` says what they mean."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import TypeVar

from relmer.datasets import (
    OF_A_CERTIFICATE,
    OF_EFFECTS,
    OF_INFERENCE,
    from_plain,
    key_of,
    matrix_key,
    quantities_of,
    quantity_of,
    read_record,
    theta_key,
)

SCHEMA = "relmer-certificate/3"
# Without what is concluded from a fit.
OLDER_SCHEMA = "relmer-certificate/2"
LEVELS = {
    "exact": "a closed form in rational arithmetic",
    "global-proved": "no other covariance matrices whatever have a lower criterion",
    "local-proved": "the only minimum nearby; that none is lower elsewhere rests on a search from many starts",
    "numeric": "proves nothing: digits of a search",
}
KINDS = {"exact": "exact", "global-proved": "certified", "local-proved": "certified", "numeric": "certified"}
Kind = TypeVar("Kind")
Column = tuple[str, ...]
NUMBER = re.compile(r"-?\d{1,400}(\.\d{1,400})?([eE][-+]?\d{1,3})?")
PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]+")
# Power of ten: the square of what is smaller is a double.
LARGEST = 150


@dataclass(frozen=True)
class Value:
    """A decimal and the proved bound of its distance from the true value, both as decimal strings."""

    value: str
    radius: str

    @cached_property
    def exact(self) -> Fraction:
        """The decimal, as a rational."""
        return Fraction(self.value)

    @cached_property
    def error(self) -> Fraction:
        """The radius, as a rational."""
        return Fraction(self.radius)


@dataclass(frozen=True)
class Face:
    """The chart G = R R' of one term: R (c, rank) is lower trapezoidal in the rows `pivots`."""

    rank: int
    pivots: tuple[int, ...]
    R: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Elsewhere:
    """Another stationary point that the search met.

    Attributes
    ----------
    criterion
        Its value there.
    ranks
        Of each term's covariance matrix.
    dual
        The smallest of all terms, where the point is stationary on the face of its ranks: below zero it is no minimum.
        None where it is a local minimum, to which the search among all matrices came.
    """

    criterion: str
    ranks: tuple[int, ...]
    dual: str | None


@dataclass(frozen=True)
class Starts:
    """How many random starts were tried, how many came to the optimum, and where the others ended."""

    tried: int
    reached: int
    elsewhere: tuple[Elsewhere, ...] = ()


@dataclass(frozen=True)
class Tree:
    """The bisection tree of a global proof."""

    file: str
    sha256: str
    boxes: int


@dataclass(frozen=True)
class Concluded:
    """What is concluded from the fit, and by the name of a method why it has no values."""

    values: Mapping[str, Value]
    refused: Mapping[str, str]


@dataclass(frozen=True)
class Effects:
    """The file of the conditional modes and deviations of the random effects, and how many a reading has of both."""

    file: str
    sha256: str
    number: int


@dataclass(frozen=True)
class Reading:
    """What is proved of one reading of the data; DEFINITION.md explains each field, which is None where it is void."""

    kind: str
    level: str
    values: Mapping[str, Value]
    centre: tuple[Face, ...] | None = None
    precision: int | None = None
    radius: str | None = None
    unique: str | None = None
    curvature: str | None = None
    duals: tuple[str | None, ...] | None = None
    starts: Starts | None = None
    tree: Tree | None = None
    inference: Concluded | None = None

    @property
    def regular(self) -> bool:
        """Whether every covariance matrix has full rank."""
        if self.centre is not None:
            return all(face.rank == len(face.R) for face in self.centre)
        return all(value.exact for key, value in self.values.items() if quantity_of(key) == "var")


@dataclass(frozen=True)
class Data:
    """The CSV file that was read: its sha256 is that of the uncompressed text."""

    name: str
    file: str
    sha256: str
    rows: int


@dataclass(frozen=True)
class RandomTerm:
    """A random term: its name, the columns whose combination is its grouping factor, and the columns of its matrix.

    A column is its name, then the factors of the product that it is.
    """

    name: str
    group: tuple[str, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Score:
    """A column of integer scores over sqrt(norm), by the text that another column has."""

    column: str
    scores: Mapping[str, int]
    norm: int


@dataclass(frozen=True)
class Description:
    """The model, as `models.toml` has it."""

    response: str
    fixed: tuple[Column, ...]
    random: tuple[RandomTerm, ...]
    scores: Mapping[str, Score] = field(default_factory=dict)


@dataclass(frozen=True)
class Certificate:
    """What is proved of one fit, in both readings of its data."""

    name: str
    case: str
    formula: str
    REML: bool
    data: Data
    model: Description
    made: Mapping[str, str]
    readings: Mapping[str, Reading]
    effects: Effects | None = None
    schema: str = SCHEMA

    @property
    def double(self) -> Reading:
        """The reading of an engine: every number is the double nearest to the decimal in the file."""
        return self.readings["double"]

    @property
    def of(self) -> tuple[str, bool, str]:
        """What it is a certificate of: formula, REML, name of the data set."""
        return self.formula, self.REML, self.data.name

    @property
    def coefficients(self) -> tuple[str, ...]:
        """Names of the fixed effects, in lme4's order."""
        return tuple(column[0] for column in self.model.fixed)


def from_json(text: str, name: str = "certificate") -> Certificate:
    """Read a certificate that anybody may have written.

    Raises
    ------
    ValueError
        The text is not JSON, not a certificate, or holds what is no decimal; one line says where.
    """
    found: Certificate = read_record(Certificate, text, SCHEMA, name, older=(OLDER_SCHEMA,))
    columns = [*found.model.fixed, *(column for term in found.model.random for column in term.columns)]
    if not all(columns) or not PLAIN_NAME.fullmatch(found.data.name):
        raise ValueError(f"the {name} has a column or a data set without a proper name")
    if set(found.readings) != {"decimal", "double"}:
        raise ValueError(f"the {name} must have the readings decimal and double, not {sorted(found.readings)!r:.60}")
    concluded = [reading.inference is not None for reading in found.readings.values()]
    if {found.effects is not None, *concluded} != {found.schema == SCHEMA}:
        raise ValueError(f"the {name} must have inference and effects with the schema {SCHEMA}, and with no other")
    for which, reading in found.readings.items():
        check(found, reading, f"{name}.readings.{which}")
    return found


def check(certificate: Certificate, reading: Reading, where: str) -> None:
    """Hold a reading to what no type says: its level is one of its kind, its numbers are decimals, it fits the model.

    Raises
    ------
    ValueError
        It does not; one line says where.
    """
    if KINDS.get(reading.level) != reading.kind:
        raise ValueError(f"{where} has the kind {reading.kind!r:.30} with the level {reading.level!r:.30}")
    for label, decimal in decimals(reading):
        if not NUMBER.fullmatch(decimal) or Decimal(decimal).adjusted() > LARGEST:
            raise ValueError(f"{where}.{label:.60} must be a decimal number, not {decimal!r:.60}")
    if missing := {*keys_in_order(*names_of(certificate))} - {*in_order(certificate, reading.values), "theta"}:
        raise ValueError(f"{where} lacks values of {', '.join(sorted(missing))}")
    for keys, forms in ((reading.values, OF_A_CERTIFICATE), (inferred(reading), OF_INFERENCE)):
        for key in keys:
            if quantity_of(key) not in quantities_of(forms):
                raise ValueError(f"{where}.values.{key:.60} is no certified value")
    widths = [len(term.columns) for term in certificate.model.random]
    for other in reading.starts.elsewhere if reading.starts else ():
        if len(other.ranks) != len(widths) or not all(0 <= r <= c for r, c in zip(other.ranks, widths, strict=True)):
            raise ValueError(
                f"{where}.starts.elsewhere has the ranks {other.ranks!r:.60}, the terms have {widths!r:.60}"
            )


def inferred(reading: Reading) -> Mapping[str, Value]:
    """What is concluded from a reading; nothing of an older certificate."""
    return reading.inference.values if reading.inference else {}


def effects_from_json(text: str, certificate: Certificate) -> dict[str, dict[str, Value]]:
    """Read b and condsd of a certificate, by reading.

    Raises
    ------
    ValueError
        The text is not what the certificate says; one line.
    """
    try:
        found = from_plain(Mapping[str, Mapping[str, Value]], json.loads(text), "effects")
    except RecursionError as error:
        raise ValueError(f"the effects are not JSON: {error}") from None
    number = certificate.effects.number if certificate.effects else 0
    if {which: len(own) for which, own in found.items()} != dict.fromkeys(certificate.readings, number):
        raise ValueError(f"the effects must be {number} values of each reading")
    for own in found.values():
        for key, value in own.items():
            if quantity_of(key) not in quantities_of(OF_EFFECTS):
                raise ValueError(f"effects.{key:.60} is no conditional mode and no deviation")
            for decimal in (value.value, value.radius):
                if not NUMBER.fullmatch(decimal) or Decimal(decimal).adjusted() > LARGEST:
                    raise ValueError(f"effects.{key:.60} must be a decimal number, not {decimal!r:.60}")
    return found  # type: ignore[no-any-return]


def decimals(reading: Reading) -> Iterator[tuple[str, str]]:
    """Every string of a reading that must be a decimal, and where it stands."""
    for key, value in (*reading.values.items(), *inferred(reading).items()):
        yield f"values.{key}.value", value.value
        yield f"values.{key}.radius", value.radius
    named = {"radius": reading.radius, "unique": reading.unique, "curvature": reading.curvature}
    yield from ((label, text) for label, text in named.items() if text is not None)
    yield from (("duals", dual) for dual in reading.duals or () if dual is not None)
    for other in reading.starts.elsewhere if reading.starts else ():
        yield from (("starts.elsewhere", text) for text in (other.criterion, other.dual) if text is not None)
    yield from (("centre", entry) for face in reading.centre or () for row in face.R for entry in row)


def in_order(certificate: Certificate, values: Mapping[str, Kind]) -> dict[str, tuple[Kind, ...]]:
    """Values by their keys, put into the order of an answer's estimates; without theta where it is not unique."""
    return ordered(*names_of(certificate), values)


def names_of(certificate: Certificate) -> tuple[Sequence[str], list[tuple[str, list[str]]]]:
    """Names of the coefficients, and of each term with those of its columns."""
    terms = [(term.name, [column[0] for column in term.columns]) for term in certificate.model.random]
    return certificate.coefficients, terms


def ordered(
    coefficients: Sequence[str], terms: Sequence[tuple[str, Sequence[str]]], values: Mapping[str, Kind]
) -> dict[str, tuple[Kind, ...]]:
    """Values by their keys in the order of an answer, for the names of a model; what has not all keys is left out."""
    wanted = keys_in_order(coefficients, terms)
    return {name: tuple(values[key] for key in keys) for name, keys in wanted.items() if values.keys() >= {*keys}}


def keys_in_order(coefficients: Sequence[str], terms: Sequence[tuple[str, Sequence[str]]]) -> dict[str, list[str]]:
    """Keys of each quantity, in the order of an answer's estimates."""
    cells = [
        (name, columns[i], columns[j])
        for name, columns in terms
        for j in range(len(columns))
        for i in range(j, len(columns))
    ]
    places = range(len(coefficients))
    return {
        "theta": [theta_key(*cell) for cell in cells],
        "G": [matrix_key("G", "G", *cell) for cell in cells],
        "beta": [key_of("beta", name) for name in coefficients],
        "sigma": ["sigma"],
        "criterion": ["criterion"],
        "se": [key_of("se", name) for name in coefficients],
        "vcov": [key_of("vcov", coefficients[min(i, j)], coefficients[max(i, j)]) for i in places for j in places],
        "varcomp": [matrix_key("var", "cov", *cell) for cell in cells],
    }
