"""Certified values, as they are kept and read."""

from relmer.reference.certificates.models import CERTIFIED, Column, Model, csv_text, described, models
from relmer.reference.certificates.records import LEVELS, Certificate, Reading, Value, in_order
from relmer.reference.certificates.store import CertificateError, certificate_of, certificates, text_of

__all__ = [
    "CERTIFIED",
    "LEVELS",
    "Certificate",
    "CertificateError",
    "Column",
    "Model",
    "Reading",
    "Value",
    "certificate_of",
    "certificates",
    "csv_text",
    "described",
    "in_order",
    "models",
    "text_of",
]
