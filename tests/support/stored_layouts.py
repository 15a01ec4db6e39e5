"""Models of stored certificates, read again from the files by a program of a few lines, as layouts in fractions."""

import csv
import gzip
import json
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from importlib.resources import files
from io import StringIO
from math import prod
from typing import Any

from relmer.reference.exact.layouts import Layout, Term
from relmer.reference.exact.rational import Matrix, Root

CERTIFIED = files("relmer.reference").joinpath("certified")
Row = dict[str, str]


def stored_names(kind: str) -> list[str]:
    """Certificates of a kind."""
    names = sorted(path.name.removesuffix(".json") for path in CERTIFIED.iterdir() if path.name.endswith(".json"))
    return [name for name in names if certificate(name)["readings"]["decimal"]["kind"] == kind]


@cache
def certificate(name: str) -> dict[str, Any]:
    """A stored certificate."""
    found: dict[str, Any] = json.loads(CERTIFIED.joinpath(f"{name}.json").read_text(encoding="utf-8"))
    return found


def text_of(file: str) -> str:
    """A stored CSV, packed or not."""
    for path in (files("relmer.datasets").joinpath("data", file), CERTIFIED.joinpath("data", file)):
        if path.is_file():
            return path.read_text(encoding="utf-8")
    packed = files("relmer.datasets").joinpath("data", f"{file}.gz")
    return gzip.decompress(packed.read_bytes()).decode("utf-8")


def entry(factor: str, model: dict[str, Any], row: Row, reading: str) -> Fraction:
    """A score, an indicator or a number; of a score the whole number, for the norm see `norms`."""
    if score := model["scores"].get(factor):
        return Fraction(score["scores"][row[score["column"]]])
    if "=" in factor:
        column, level = factor.split("=", 1)
        return Fraction(int(row[column] == level))
    return Fraction(row[factor]) if reading == "decimal" else Fraction(float(row[factor]))


def matrix(columns: Sequence[Sequence[str]], model: dict[str, Any], rows: Sequence[Row], reading: str) -> Matrix:
    """Products of factors, row by row."""
    return tuple(
        tuple(
            prod((entry(factor, model, row, reading) for factor in factors), start=Fraction(1))
            for _, *factors in columns
        )
        for row in rows
    )


def stored_layout(name: str, reading: str) -> Layout:
    """The layout of a certificate's model; scores stand undivided by the roots of their norms."""
    model = certificate(name)["model"]
    used = {model["response"]} | {column for term in model["random"] for column in term["group"]}
    for _, *factors in [*model["fixed"], *(column for term in model["random"] for column in term["columns"])]:
        used |= {model["scores"][f]["column"] if f in model["scores"] else f.split("=", 1)[0] for f in factors}
    table = csv.DictReader(StringIO(text_of(certificate(name)["data"]["file"])))
    rows = [row for row in table if not {row[column] for column in used} & {"", "NA"}]
    terms = []
    for term in model["random"]:
        levels = [tuple(row[column] for column in term["group"]) for row in rows]
        numbers = {level: k for k, level in enumerate(sorted(set(levels)))}
        Z = matrix(term["columns"], model, rows, reading)
        names = tuple(column[0] for column in term["columns"])
        terms.append(Term(term["name"], tuple(numbers[level] for level in levels), names, Z))
    y = tuple(row[0] for row in matrix([["", model["response"]]], model, rows, reading))
    names = tuple(column[0] for column in model["fixed"])
    return Layout(y, matrix(model["fixed"], model, rows, reading), names, tuple(terms))


def norms(name: str) -> dict[str, Fraction]:
    """By which norms the columns of X differ from those of the layout: X_j is the layout's divided by sqrt(norm)."""
    scores = certificate(name)["model"]["scores"]
    return {
        column: prod((Fraction(scores[factor]["norm"]) for factor in factors if factor in scores), start=Fraction(1))
        for column, *factors in certificate(name)["model"]["fixed"]
    }


def normed(key: str, value: Root, norm: dict[str, Fraction]) -> Root:
    """An estimate for X with its columns divided: beta, se and vcov are multiplied by the roots of the norms."""
    quantity, _, names = key.removesuffix("]").partition("[")
    if quantity not in ("beta", "se", "vcov"):
        return value
    return Root(value.factor, value.square * prod((norm[name] for name in names.split(", ")), start=Fraction(1)))
