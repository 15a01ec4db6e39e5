"""Where certificates are kept, and what belongs to a case."""

import gzip
import hashlib
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from relmer.datasets import Case, load
from relmer.reference.certificates.records import Certificate, Value, effects_from_json, from_json
from relmer.reference.certificates.texts import CERTIFIED, csv_text, derived_csv


class CertificateError(ValueError):
    """A certificate that cannot be used; one line that names the file and says what to do."""


def certificates(root: Path = CERTIFIED) -> tuple[Certificate, ...]:
    """Every stored certificate, by name.

    Raises
    ------
    CertificateError
        A file is not a certificate, or two are of one case.

    Examples
    --------
    >>> all(certificate.case for certificate in certificates())
    True
    """
    return tuple(index(root, tuple(sorted((p.name, p.stat().st_mtime_ns) for p in root.glob("*.json")))).values())


@lru_cache(maxsize=4)
def index(root: Path, stamp: tuple[tuple[str, int], ...]) -> Mapping[str, Certificate]:
    """Certificates by the name of their case; a changed file changes the stamp."""
    found: dict[str, Certificate] = {}
    for file, _ in stamp:
        try:
            certificate = from_json((root / file).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValueError) as error:
            raise CertificateError(f"{file}: {error}; make it again: relmer certify") from None
        if file != f"{certificate.name}.json":
            raise CertificateError(f"{file} holds the certificate {certificate.name!r:.60}; rename the file")
        if certificate.case in found:
            raise CertificateError(f"{file} is of the case {certificate.case}, as {found[certificate.case].name} is")
        found[certificate.case] = certificate
    return found


def effects_of(certificate: Certificate, root: Path = CERTIFIED) -> Mapping[str, Mapping[str, Value]]:
    """Conditional modes and deviations of the random effects, by reading and key; nothing of an older certificate.

    Raises
    ------
    CertificateError
        The file is not there, or not the one that was proved.

    Examples
    --------
    >>> len(effects_of(certificates()[-1])["double"])
    12
    """
    if certificate.effects is None:
        return {}
    try:
        packed = (root / certificate.effects.file).read_bytes()
        if hashlib.sha256(packed).hexdigest() != certificate.effects.sha256:
            raise ValueError(f"it is not the file that {certificate.name}.json names")
        return effects_from_json(gzip.decompress(packed).decode(), certificate)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        told = f"{certificate.effects.file:.100}: {error}; make it again: relmer certify --case {certificate.case}"
        raise CertificateError(told) from None


def certificate_of(case: Case, root: Path = CERTIFIED) -> Certificate | None:
    """Certificate of a case whose values are proved, or of the same model under another name; None if there is none.

    Raises
    ------
    CertificateError
        It was proved for other data or another model than the case has now.
    """
    # Certificates are of models without weights and the like: a case that has any is none of theirs.
    model = None if case.told else (case.formula, case.reml, case.dataset)
    known = certificates(root)
    named = next((certificate for certificate in known if certificate.case == case.name), None)
    found = named or next((certificate for certificate in known if certificate.of == model), None)
    if found is None or found.double.level == "numeric":
        return None
    again = f"make it again: relmer certify --case {found.case}"
    if found.of != model:
        raise CertificateError(f"{found.name}.json was proved for another model than {case.name} is now; {again}")
    if found.data.sha256 != data_sha256(case.dataset):
        raise CertificateError(f"{found.name}.json was proved for other data than {case.dataset} is now; {again}")
    return found


@lru_cache(maxsize=64)
def derived_sha256(dataset: str, stamp: str) -> str:
    """Sha256 of the CSV text of a derived data set; `stamp` is that of its frame."""
    return hashlib.sha256(derived_csv(dataset).encode()).hexdigest()


def data_sha256(dataset: str) -> str:
    """Sha256 of a data set's CSV text as it is now."""
    loaded = load(dataset)
    return loaded.sha256 if "file" in loaded.meta else derived_sha256(dataset, loaded.sha256)


def text_of(certificate: Certificate) -> str:
    """CSV text that a certificate was proved from.

    Raises
    ------
    CertificateError
        The file holds another text.
    """
    text = csv_text(certificate.data.name)[1]
    if hashlib.sha256(text.encode()).hexdigest() != certificate.data.sha256:
        raise CertificateError(f"{certificate.data.file} is not the file that {certificate.name} was proved from")
    return text
