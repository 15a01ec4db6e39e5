"""The certified values for those who want only the numbers: one JSON, two CSV, a schema and a page."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from relmer.datasets import DataError, write_whole
from relmer.reference.certificates import Certificate, Value, certificates, effects_of, inferred
from relmer.reports.pages import corpus_page

SCHEMA = "relmer-corpus/2"
COLUMNS = (
    "certificate",
    "case",
    "formula",
    "criterion",
    "data",
    "sha256",
    "reading",
    "kind",
    "level",
    "quantity",
    "value",
    "radius",
)
COLUMNS_OF_EFFECTS = ("certificate", "reading", "quantity", "value", "radius")


def export(folder: Path, pattern: str = "*") -> tuple[Path, ...]:
    """Write the corpus into a folder, which is made if need be: whole or not at all.

    Parameters
    ----------
    folder
        Where corpus.json, corpus.csv, corpus.schema.json (of the JSON), effects.csv (conditional modes of the random
        effects, and their deviations) and corpus.html go.
    pattern
        Of the names of cases: their certificates alone are written.

    Returns
    -------
    tuple
        The files.

    Raises
    ------
    CertificateError
        A stored certificate cannot be read, or the file of its random effects.
    DataError
        No certificate is of such a case.
    OSError
        The folder cannot be made or written to.
    """
    stored = tuple(certificate for certificate in certificates() if fnmatchcase(certificate.case, pattern))
    if not stored:
        raise DataError(f"no certificate matches {pattern!r:.100}; `relmer cases` lists the cases")
    texts = {
        "corpus.json": as_json(stored),
        "corpus.csv": as_csv(stored),
        "corpus.schema.json": files("relmer.reports").joinpath("corpus.schema.json").read_text(encoding="utf-8"),
        "effects.csv": effects_as_csv(stored),
        "corpus.html": corpus_page(stored),
    }
    write_whole(folder, texts)
    return tuple(folder / name for name in texts)


def as_json(stored: Sequence[Certificate]) -> str:
    """Render `corpus.json`: a fit after the other, values as decimal strings."""
    corpus = {"schema": SCHEMA, "relmer": version("relmer"), "fits": [fit(certificate) for certificate in stored]}
    return json.dumps(corpus, indent=1) + "\n"


def fit(certificate: Certificate) -> dict[str, Any]:
    """One certificate, without what only a proof needs."""
    return {
        "certificate": certificate.name,
        "case": certificate.case,
        "formula": certificate.formula,
        "criterion": criterion(certificate),
        "data": certificate.data.name,
        "sha256": certificate.data.sha256,
        "readings": {
            which: {
                "kind": reading.kind,
                "level": reading.level,
                "values": plain(reading.values),
                "inference": plain(inferred(reading)),
                "refused": dict(reading.inference.refused) if reading.inference else {},
            }
            for which, reading in sorted(certificate.readings.items())
        },
    }


def plain(values: Mapping[str, Value]) -> dict[str, dict[str, str]]:
    """Values as JSON has them."""
    return {key: {"value": value.value, "radius": value.radius} for key, value in values.items()}


def as_csv(stored: Sequence[Certificate]) -> str:
    """Render `corpus.csv`: a line for each value; numbers are to be read as text, they have 30 digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for certificate in stored:
        writer.writerows(lines(certificate))
    return text.getvalue()


def effects_as_csv(stored: Sequence[Certificate]) -> str:
    """Render `effects.csv`: a line for each conditional mode b and each of their standard deviations."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS_OF_EFFECTS)
    for certificate in stored:
        for which, effects in sorted(effects_of(certificate).items()):
            writer.writerows((certificate.name, which, key, v.value, v.radius) for key, v in effects.items())
    return text.getvalue()


def lines(certificate: Certificate) -> Iterator[tuple[str, ...]]:
    """The values of one certificate, in the order of COLUMNS."""
    of_fit = (
        certificate.name,
        certificate.case,
        certificate.formula,
        criterion(certificate),
        certificate.data.name,
        certificate.data.sha256,
    )
    for which, reading in sorted(certificate.readings.items()):
        for key, value in (*reading.values.items(), *inferred(reading).items()):
            yield (*of_fit, which, reading.kind, reading.level, key, value.value, value.radius)


def criterion(certificate: Certificate) -> str:
    """REML or ML."""
    return "REML" if certificate.REML else "ML"
