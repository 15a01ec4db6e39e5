"""What a stored certificate says, proved again from its files: its claims, its values, what is concluded from them."""

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flint import arb, ctx, fmpq

from relmer.reference.verify.blocks import Blocks
from relmer.reference.verify.data import Data, Refused, ratio, require
from relmer.reference.verify.inference import Concluded, concluded
from relmer.reference.verify.local import CERTIFICATE, MATRICES, MOST_BITS, Proof, model_of, prove_of
from relmer.reference.verify.reading import read

STORED = {
    "schema": str,
    "REML": bool,
    "data": {"file": str, "sha256": str, "rows": int},
    "readings": {str: dict},
}
VALUE = {str: {"value": str, "radius": str}}
VALUES = {"values": VALUE}
INFERENCE = {"inference": {"values": VALUE, "refused": {str: str}}}
EFFECTS = {"effects": {"file": str, "sha256": str, "number": int}}
TREE = {"tree": {"file": str, "sha256": str}}
# Of the models of this project, and of anybody's.
SCHEMA, OWN_SCHEMA = "relmer-certificate/3", "relmer-own-certificate/2"
# Without what is concluded; without weights, offsets and rows.
OLDER_SCHEMA, OLDER_OWN_SCHEMA = "relmer-certificate/2", "relmer-own-certificate/1"
READINGS = ("decimal", "double", "matrices")
GZIP = b"\x1f\x8b"
FILE = re.compile(r"(trees/|effects/)?[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")


def verify(
    certificate: Mapping[str, Any], folders: Sequence[Path], given: Mapping[str, Path] | None = None
) -> dict[str, Proof]:
    """Prove all that a stored certificate says, but for the leaves of a tree.

    Parameters
    ----------
    certificate
        Untrusted JSON.
    folders
        Where the data file (as it is or with .gz), the matrices and the tree are looked for, in this order.
    given
        Files that are told by hand, by the names that the certificate has for them.

    Returns
    -------
    dict
        The proofs of all readings.

    Raises
    ------
    Refused
        The data are others, a claim is not proved, a stored value is not that of the proof, or a level is too high.
    """
    require(certificate, STORED, "certificate")
    data, readings = certificate["data"], certificate["readings"]
    if certificate["schema"] not in (SCHEMA, OWN_SCHEMA, OLDER_SCHEMA, OLDER_OWN_SCHEMA):
        raise Refused(f"the schema is neither {SCHEMA} nor {OWN_SCHEMA}")
    if certificate["schema"] in (SCHEMA, OLDER_SCHEMA) and set(readings) != {"decimal", "double"}:
        raise Refused(f"readings of {certificate['schema']} are decimal and double")
    if not readings or not set(readings) <= {*READINGS}:
        raise Refused(f"readings: at least one of {', '.join(READINGS)} is needed, and no other")
    # The matrices speak of a file too: it must be there, and be the one.
    texts = {"": text_of(content(folders, data["file"], data["sha256"], unpack=True, given=given))}
    if "matrices" in readings:
        require(certificate, MATRICES, "certificate")
        own = certificate["matrices"]
        if set(readings) == {"matrices"} and own["model"] != certificate["model"]:
            raise Refused("model: the matrices alone are proved, and their model is another")
        texts["matrices"] = text_of(content(folders, own["file"], own["sha256"], unpack=True))
    effects = effects_of(certificate, folders) if certificate["schema"] == SCHEMA else None
    proofs = {}
    for reading, claim in readings.items():
        require(certificate, CERTIFICATE, "certificate")
        of_text = read(model_of(certificate, reading), reading, texts.get(reading, texts[""]))
        proof = proofs[reading] = prove_of(of_text, certificate, reading)
        if proof.rows != data["rows"]:
            raise Refused(f"rows: the model uses {proof.rows}, not {data['rows']}")
        require(claim, VALUES, reading)
        check_values(claim["values"], proof.values)
        if effects is not None:
            check_inference(claim, effects[reading], inferred(of_text, certificate["REML"], proof))
        if claim["level"] == "global-proved":
            require(claim, TREE, reading)
            content(folders, claim["tree"]["file"], claim["tree"]["sha256"], unpack=False)
    return proofs


def text_of(found: bytes) -> str:
    """The text of a file, which may be packed."""
    try:
        return (gzip.decompress(found) if found[:2] == GZIP else found).decode(errors="replace")
    except (OSError, EOFError, zlib.error):
        raise Refused("the data cannot be unpacked") from None


def content(
    folders: Sequence[Path], name: str, sha256: str, unpack: bool, given: Mapping[str, Path] | None = None
) -> bytes:
    """A file by its plain name, as it is or unpacked from .gz, or by hand, if it has this sha256."""
    path = by_hand = (given or {}).get(name)
    if path is None:
        if not FILE.fullmatch(name):
            raise Refused(f"{name[:40]!r} is not a plain file name")
        paths = [folder / (name + suffix) for folder in folders for suffix in (("", ".gz") if unpack else ("",))]
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            raise Refused(f"{name} is not there")
    try:
        found = path.read_bytes()
        if by_hand is None and path.name != Path(name).name:
            found = gzip.decompress(found)
    except (OSError, EOFError, zlib.error):
        raise Refused(f"{path.name} cannot be read") from None
    if hashlib.sha256(found).hexdigest() != sha256:
        raise Refused(f"sha256 of {name} is not that of the certificate")
    return found


def check_values(stored: Mapping[str, Any], proved: Mapping[str, arb]) -> None:
    """Refuse a stored value whose [value - radius, value + radius] does not hold the enclosure that is proved."""
    if not stored:
        raise Refused("values: there is none")
    with ctx.workprec(MOST_BITS):
        for key, told in stored.items():
            value, radius = (arb(fmpq(*ratio(told[part]))) for part in ("value", "radius"))
            if key not in proved:
                raise Refused(f"value {key[:60]} is not proved")
            if not abs(proved[key] - value) <= radius:
                raise Refused(f"value {key} is not {told['value'][:40]} within {told['radius'][:20]}")


# ---- what is concluded ----


def inferred(data: Data | Blocks, REML: bool, proof: Proof) -> Concluded:
    """What is concluded from a proved fit.

    Raises
    ------
    Refused
        The model is so large that it is taken apart level by level.
    """
    if isinstance(data, Blocks):
        raise Refused("inference: the model is too large, nothing is concluded of it")
    with ctx.workprec(proof.precision):
        return concluded(data, REML, proof.R, proof.pivots, proof.values)


def effects_of(certificate: Mapping[str, Any], folders: Sequence[Path]) -> dict[str, Any]:
    """The stored conditional modes and standard deviations of the random effects, by reading."""
    require(certificate, EFFECTS, "certificate")
    stored = certificate["effects"]
    packed = content(folders, stored["file"], stored["sha256"], unpack=False)
    try:
        found = json.loads(gzip.decompress(packed))
    except (OSError, EOFError, zlib.error, ValueError, RecursionError):
        raise Refused("the random effects cannot be read") from None
    readings = dict.fromkeys(certificate["readings"], VALUE)
    require(found, readings, "effects")
    if any(len(found[reading]) != stored["number"] for reading in readings):
        raise Refused(f"effects: {stored['file']} has not the number of values that is told")
    return {reading: found[reading] for reading in readings}


def check_inference(claim: Mapping[str, Any], effects: Mapping[str, Any], proved: Concluded) -> None:
    """Refuse what is concluded otherwise than it is proved, and a value that is left out."""
    require(claim, INFERENCE, "claim")
    stored = claim["inference"]
    for own, enclosed in ((stored["values"], proved.values), (effects, proved.effects)):
        check_values(own, enclosed)
        if missing := sorted(enclosed.keys() - own.keys()):
            raise Refused(f"inference: {missing[0]} is left out")
    if stored["refused"] != proved.refused:
        raise Refused("inference: a method has another reason why it is not had, or none")
