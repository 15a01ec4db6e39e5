"""One certificate made, or proved again: what a process of `relmer certify` does, told in a line."""

import gzip
import json
from fnmatch import fnmatchcase
from functools import lru_cache

from relmer.datasets import DATA
from relmer.reference import verify
from relmer.reference.certificates import CERTIFIED, Certificate
from relmer.reference.certify.certificate import is_fresh, make_one, path_of, write
from relmer.reference.certify.models import Model, models
from relmer.reference.verify import content, prove_tree

FOLDERS = (DATA, CERTIFIED / "data", CERTIFIED)
REFUSED = "refused: "


@lru_cache(maxsize=1)
def fits() -> dict[str, tuple[Model, bool]]:
    """The model, and whether by REML, of every certificate that there ought to be, by its name."""
    pairs = ((model, key == "reml") for model in models() for key in ("reml", "ml") if key in model.cases)
    return {path_of(model, REML).stem: (model, REML) for model, REML in pairs}


def names(pattern: str) -> list[str]:
    """Names of the certificates whose case matches a pattern."""
    return [
        name for name, (model, REML) in fits().items() if fnmatchcase(model.cases["reml" if REML else "ml"], pattern)
    ]


def has_tree(certificate: Certificate) -> bool:
    """Whether a global proof is claimed."""
    return any(reading.tree is not None for reading in certificate.readings.values())


def made(name: str, again: bool) -> str:
    """Make a certificate and write it, unless a fresh one is there."""
    model, REML = fits()[name]
    if not again and is_fresh(model, REML, path_of(model, REML)):
        return "proved again, unchanged"
    try:
        certificate = make_one(model, REML)
    except ValueError as error:
        return f"{REFUSED}{error}"
    write(certificate)
    return ", ".join(f"{reading} {claim['level']}" for reading, claim in certificate["readings"].items())


def proved(name: str, trees: bool) -> str:
    """Prove a stored certificate from the CSV file, or instead its trees."""
    stored = json.loads((CERTIFIED / f"{name}.json").read_text(encoding="utf-8"))
    try:
        if not trees:
            proofs = verify.verify(stored, FOLDERS)
            return ", ".join(f"{reading} {proof.level}" for reading, proof in proofs.items())
        text = content(FOLDERS, stored["data"]["file"], stored["data"]["sha256"], unpack=True).decode()
        leaves = []
        for reading, claim in stored["readings"].items():
            packed = content(FOLDERS, claim["tree"]["file"], claim["tree"]["sha256"], unpack=False)
            leaves.append(f"{reading} {prove_tree(stored, reading, text, gzip.decompress(packed).decode()):,} leaves")
        return ", ".join(leaves)
    except verify.Refused as refusal:
        return f"{REFUSED}{refusal}"
