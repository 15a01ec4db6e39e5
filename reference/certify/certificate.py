"""Certificates: found by the search, refined, proved by the kernel, written whole."""

import gzip
import hashlib
import json
import platform
import re
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flint import arb, ctx

from relmer.datasets import DATA, write_whole
from relmer.reference import verify
from relmer.reference.certificates import CERTIFIED, SCHEMA
from relmer.reference.certify.branch import plant
from relmer.reference.certify.data import READINGS, Reading, column_values, complete_rows, level_codes, products
from relmer.reference.certify.models import Model, described, stored_text
from relmer.reference.certify.refine import BITS, Centre, refine
from relmer.reference.certify.search import Found, search
from relmer.reference.exact import Layout, intercepts
from relmer.reference.exact import estimates as closed

# What a certificate says depends on this program too: raise it, and all are made again.
GENERATOR = "3"
PRECISION = 256
RADIUS = "1e-60"
UNIQUE = tuple(f"1e-{k}" for k in range(1, 31))
CENTRE_DIGITS = 80
VALUE_DIGITS = 30
# Below, a value is stored as zero with this radius: no double is much smaller, and no p-value of use.
SMALLEST = "1e-300"
# Of a claim that the kernel checks: what is found in doubles, less what their rounding may have added.
CAUTION = 0.99
# The generator's own values agree with the proved ones to this, relative.
AGREED = "1e-40"

Plain = dict[str, Any]


def path_of(model: Model, REML: bool, root: Path = CERTIFIED) -> Path:
    """File of a certificate.

    Examples
    --------
    >>> from relmer.reference.certify.models import models
    >>> path_of(models()[0], True, Path("certified")).as_posix()
    'certified/sleepstudy-slopes.reml.json'
    """
    return root / f"{model.name}.{'reml' if REML else 'ml'}.json"


def write(certificate: Plain, root: Path = CERTIFIED) -> Path:
    """Write a certificate whole or not at all; give its path."""
    path = root / f"{certificate['name']}.json"
    write_whole(root, {path.name: json_text(certificate)})
    return path


def make_one(model: Model, REML: bool, root: Path = CERTIFIED) -> Plain:
    """Make and prove one certificate; where a global proof is wanted, its tree is written into root/trees.

    Raises
    ------
    ValueError
        The search finds no minimum, the kernel refuses it, its values are not those that the generator has, or there is
        no tree of a bearable size.
    """
    file, text = stored_text(model.dataset, root)
    certificate: Plain = {
        "schema": SCHEMA,
        "name": path_of(model, REML).stem,
        "case": model.cases["reml" if REML else "ml"],
        "formula": model.formula,
        "REML": REML,
        "data": {"name": model.dataset, "file": file, "sha256": sha256(text), "rows": len(complete_rows(model, text))},
        "model": described(model),
        "made": made_by(),
        "readings": {},
    }
    found = None
    for reading in READINGS:
        if is_balanced_one_way(model, text):
            claim, expected = closed_form(model, text, reading, REML)
        else:
            exact = products(model, text, reading)
            # In doubles both readings are the same.
            found = found or search(exact, REML)
            centre = refine(model, exact, found.G, found.ranks, REML)
            claim, expected = claimed(centre, found), centre.values
        certificate["readings"][reading] = claim
        prove(certificate, reading, text, expected)
    certificate = with_inference(certificate, text, root)
    return plant(certificate, text, root) if model.wants_global else certificate


def with_inference(certificate: Plain, text: str, root: Path = CERTIFIED) -> Plain:
    """The certificate with what the kernel concludes of each reading; the random effects are written into root/effects.

    Raises
    ------
    ValueError
        The kernel refuses.
    """
    readings, effects = {}, {}
    for reading, claim in certificate["readings"].items():
        try:
            data = verify.read(certificate["model"], reading, text)
            found = verify.inferred(data, certificate["REML"], verify.prove_of(data, certificate, reading))
        except verify.Refused as refusal:
            raise ValueError(f"{certificate['name']} ({reading}): {refusal}") from None
        readings[reading] = claim | {"inference": {"values": printed_all(found.values), "refused": found.refused}}
        effects[reading] = printed_all(found.effects)
    packed = gzip.compress(json.dumps(effects, ensure_ascii=False, separators=(",", ":")).encode(), mtime=0)
    file = f"{certificate['name']}.json.gz"
    write_whole(root / "effects", {file: packed})
    stored = {
        "file": f"effects/{file}",
        "sha256": hashlib.sha256(packed).hexdigest(),
        "number": len(effects["decimal"]),
    }
    return certificate | {"schema": SCHEMA, "readings": readings, "effects": stored}


def made_by() -> dict[str, str]:
    """Versions of what makes a certificate."""
    libraries = {name: version(name) for name in ("relmer", "python-flint", "numpy")}
    return {"generator": GENERATOR, "python": platform.python_version()} | libraries


def is_balanced_one_way(model: Model, text: str) -> bool:
    """Whether a model has a closed form, and no proof of a global minimum is wanted instead."""
    if model.wants_global or [column[1:] for column in model.fixed] != [()] or len(model.random) != 1:
        return False
    term = model.random[0]
    sizes = Counter(level_codes(complete_rows(model, text), term.group)).values()
    return [column[1:] for column in term.columns] == [()] and len(set(sizes)) == 1


def closed_form(model: Model, text: str, reading: Reading, REML: bool) -> tuple[Plain, dict[str, arb]]:
    """What a certificate of the kind "exact" claims, and its values."""
    rows, term = complete_rows(model, text), model.random[0]
    y = tuple(column_values(model, rows, ("", model.response), reading)[0])
    X = ((closed.ONE,),) * len(y)
    layout = Layout(y, X, (model.fixed[0][0],), (intercepts(term.name, level_codes(rows, term.group)),))
    void = dict.fromkeys(("centre", "radius", "unique", "curvature", "duals", "starts", "tree"))
    with ctx.workprec(BITS):
        values = {key: arb(str(value.decimal(60))) for key, value in closed.values(closed.exact(layout, REML)).items()}
    return {"kind": "exact", "level": "exact", **void, "precision": PRECISION}, values


def claimed(centre: Centre, found: Found) -> Plain:
    """What a certificate of the kind "certified" claims, without the values."""
    return {
        "kind": "certified",
        "level": "local-proved",
        "centre": [
            {"rank": len(pivots), "pivots": pivots, "R": [[decimal(x, CENTRE_DIGITS) for x in row] for row in R]}
            for pivots, R in zip(centre.pivots, centre.factors, strict=True)
        ],
        "precision": PRECISION,
        "radius": RADIUS,
        "unique": UNIQUE[-1],
        "curvature": cautious(centre.curvature),
        "duals": [cautious(dual) for dual in centre.duals],
        "starts": {
            "tried": found.tried,
            "reached": found.reached,
            "elsewhere": [
                {
                    "criterion": f"{other.criterion:.6f}",
                    "ranks": list(other.ranks),
                    "dual": None if other.dual is None else f"{other.dual:.3g}",
                }
                for other in found.elsewhere
            ],
        },
        "tree": None,
    }


def prove(certificate: Plain, reading: Reading, text: str, expected: dict[str, arb]) -> None:
    """Have the kernel prove a claim, and add the proved values to it.

    Raises
    ------
    ValueError
        The kernel refuses, or the generator's values are not the proved ones.
    """
    name, proof = certificate["name"], widely_proved(certificate, reading, text)
    if differing := expected.keys() ^ proof.values.keys():
        raise ValueError(f"{name}: the kernel and the generator differ on {sorted(differing)[0]}")
    with ctx.workprec(BITS):
        for key, value in expected.items():
            proved = proof.values[key]
            if abs(value - proved) > arb(AGREED) * (1 + abs(value)):
                raise ValueError(f"{name}: {key} is {value.str(30)} by the generator, {proved.str(30)} proved")
        certificate["readings"][reading]["values"] = printed_values(proof)


def printed_values(proof: verify.Proof) -> Plain:
    """The values of a proof, as a certificate has them."""
    return printed_all(proof.values)


def printed_all(values: dict[str, arb]) -> Plain:
    """Values as a certificate has them, by their keys."""
    with ctx.workprec(BITS):
        return {key: printed(value) for key, value in values.items()}


def widely_proved(certificate: Plain, reading: Reading, text: str) -> verify.Proof:
    """Proof of a claim with the widest uniqueness that the kernel grants, which is written into the claim.

    What it has granted to another reading is where the attempts begin.

    Raises
    ------
    ValueError
        The kernel refuses, whatever the uniqueness.
    """
    claim = certificate["readings"][reading]
    try:
        proof = verify.prove(certificate, reading, text)
    except verify.Refused as refusal:
        raise ValueError(f"{certificate['name']} ({reading}): {refusal}") from None
    granted = [other["unique"] for other in certificate["readings"].values() if other is not claim]
    for unique in UNIQUE[UNIQUE.index(granted[0]) if granted else 0 :] if claim["unique"] else ():
        claim["unique"] = unique
        try:
            return verify.prove(certificate, reading, text)
        except verify.Refused:
            claim["unique"] = UNIQUE[-1]
    return proof


def printed(enclosure: arb) -> dict[str, str]:
    """A decimal of 30 digits in an enclosure, and a radius about it that holds the enclosure.

    Examples
    --------
    >>> printed(arb(1) / 4)
    {'value': '0.25', 'radius': '0'}
    """
    if not enclosure.is_zero() and abs(enclosure) < arb(SMALLEST):
        return {"value": "0", "radius": SMALLEST}
    # Of what may be zero no digit is proved.
    value = "0" if enclosure.contains(0) else decimal(enclosure, VALUE_DIGITS)
    radius = (enclosure - arb(value)).abs_upper()
    # Two digits are rounded by at most a twentieth.
    return {"value": value, "radius": "0" if radius.is_zero() else f"{float(radius) * 1.1:.1e}"}


def decimal(x: arb, digits: int) -> str:
    """Midpoint of a ball as a decimal string, without zeros at its end."""
    text = x.mid().str(digits, radius=False)
    mantissa, exponent, power = text.partition("e")
    return (mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa) + exponent + power


def cautious(bound: float | None) -> str | None:
    """A little less than a number that the kernel will be asked to prove as a lower bound."""
    return None if bound is None else f"{bound * CAUTION:.3g}"


def is_fresh(model: Model, REML: bool, path: Path) -> bool:
    """Whether a stored certificate is of these data, this model and this generator, and verifies."""
    if not path.exists():
        return False
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        text = stored_text(model.dataset, path.parent)[1]
        known = (stored["schema"], stored["model"], stored["REML"], stored["made"]["generator"])
        if known != (SCHEMA, described(model), REML, GENERATOR):
            return False
        if model.wants_global != (stored["readings"]["decimal"]["level"] == "global-proved"):
            return False
        return stored["data"]["sha256"] == sha256(text) and bool(
            verify.verify(stored, (DATA, path.parent / "data", path.parent))
        )
    except (ValueError, LookupError, TypeError, verify.Refused):
        return False


def json_text(certificate: Plain) -> str:
    """A certificate as JSON; what holds no other list or object stands on one line.

    Examples
    --------
    >>> print(json_text({"a": [["1", "2"]]}), end="")
    {
     "a": [
      ["1", "2"]
     ]
    }
    """
    text = json.dumps(certificate, indent=1, ensure_ascii=False)
    innermost = re.compile(r"(?<=[\[{])\n\s+([^\[\]{}]*)\n\s+(?=[\]}])")
    return innermost.sub(lambda found: re.sub(r"\n\s+", " ", found[1]), text) + "\n"


def sha256(text: str) -> str:
    """Hash of a CSV text."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
