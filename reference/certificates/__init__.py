"""Certified values, as they are kept and read."""

from relmer.reference.certificates.records import (
    LEVELS,
    SCHEMA,
    Certificate,
    Column,
    Elsewhere,
    RandomTerm,
    Reading,
    Score,
    Value,
    in_order,
    inferred,
    ordered,
)
from relmer.reference.certificates.store import (
    CertificateError,
    certificate_of,
    certificates,
    data_sha256,
    effects_of,
    text_of,
)
from relmer.reference.certificates.texts import CERTIFIED, csv_path, csv_text

__all__ = [
    "CERTIFIED",
    "LEVELS",
    "SCHEMA",
    "Certificate",
    "CertificateError",
    "Column",
    "Elsewhere",
    "RandomTerm",
    "Reading",
    "Score",
    "Value",
    "certificate_of",
    "certificates",
    "csv_path",
    "csv_text",
    "data_sha256",
    "effects_of",
    "in_order",
    "inferred",
    "ordered",
    "text_of",
]
