"""Stored certificates: what verifies with its files, and what does not once an entry or the data are changed."""

import copy
import gzip
import hashlib
import json
from pathlib import Path

import pytest
from claims import dyestuff
from stored_layouts import text_of

from relmer.reference.verify.data import Refused
from relmer.reference.verify.local import Proof, prove, prove_of
from relmer.reference.verify.reading import read
from relmer.reference.verify.stored import inferred, verify


@pytest.fixture
def stored(tmp_path: Path) -> tuple[dict, list[Path]]:
    """A whole certificate of Dyestuff, with its data packed in one folder and a tree in another."""
    text = text_of("Dyestuff.csv").encode()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "Dyestuff.csv.gz").write_bytes(gzip.compress(text))
    (tmp_path / "trees").mkdir()
    (tmp_path / "trees" / "dyestuff.tree.gz").write_bytes(b"a tree")
    whole = copy.deepcopy(dyestuff(True))
    for reading, claimed in whole["readings"].items():
        proof = prove(whole, reading, text.decode())
        claimed["values"] = {
            key: {"value": x.str(30, radius=False), "radius": "1e-24"} for key, x in proof.values.items()
        }
    whole |= {
        "schema": "relmer-certificate/2",
        "data": {"file": "Dyestuff.csv", "sha256": hashlib.sha256(text).hexdigest(), "rows": 30},
    }
    return json.loads(json.dumps(whole)), [tmp_path, tmp_path / "data"]


@pytest.fixture
def concluding(stored) -> tuple[dict, list[Path]]:
    """The same with what is concluded, by the schema of today; t and nu are those of the analysis of variance."""
    whole, folders = stored
    effects = {}
    for reading in whole["readings"]:
        data = read(whole["model"], reading, text_of("Dyestuff.csv"))
        found = inferred(data, True, prove_of(data, whole, reading))
        whole["readings"][reading]["inference"] = {"values": short(found.values), "refused": {}}
        effects[reading] = short(found.effects)
    return with_effects(whole | {"schema": "relmer-certificate/3"}, folders, effects), folders


def short(values: dict) -> dict:
    return {key: {"value": x.str(30, radius=False), "radius": "1e-24"} for key, x in values.items()}


def with_effects(whole: dict, folders: list[Path], effects: object) -> dict:
    packed = gzip.compress(json.dumps(effects).encode())
    (folders[0] / "effects").mkdir(exist_ok=True)
    (folders[0] / "effects" / "dyestuff.json.gz").write_bytes(packed)
    place = {"file": "effects/dyestuff.json.gz", "sha256": hashlib.sha256(packed).hexdigest(), "number": 12}
    return whole | {"effects": place}


def effects_in(folders: list[Path]) -> dict:
    return json.loads(gzip.decompress((folders[0] / "effects" / "dyestuff.json.gz").read_bytes()))


def test_a_stored_certificate_is_proved(stored) -> None:
    whole, folders = stored
    proofs = verify(whole, folders)
    assert set(proofs) == {"decimal", "double"}
    assert all(isinstance(proof, Proof) and proof.level == "local-proved" for proof in proofs.values())
    tree = {"file": "trees/dyestuff.tree.gz", "sha256": hashlib.sha256(b"a tree").hexdigest()}
    whole["readings"]["decimal"] |= {"level": "global-proved", "tree": tree}
    verify(whole, folders)


def changed(whole: dict, path: str, value: object) -> dict:
    """A copy with another value at the path."""
    whole = copy.deepcopy(whole)
    *way, last = path.split("/")
    place = whole
    for key in way:
        place = place[int(key)] if isinstance(place, list) else place[key]
    place[int(last) if isinstance(place, list) else last] = value
    return whole


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("schema", "relmer-certificate/1", "schema"),
        ("data/sha256", "0" * 64, "sha256 of Dyestuff.csv"),
        ("data/file", "../Dyestuff.csv", "not a plain file name"),
        ("data/file", "Dyestuff3.csv", "is not there"),
        ("data/rows", 31, "rows: the model uses 30, not 31"),
        ("REML", False, "Krawczyk"),
        ("readings/double/radius", "1e-80", "Krawczyk"),
        (
            "readings/double/values/beta[(Intercept)]/value",
            "1527.50000000000000000000001",
            r"value beta\[\(Intercept\)\]",
        ),
        ("readings/double/values/sigma2/radius", "0", "value sigma2"),
        ("readings/double/values/criterion/value", "319.654276842351404990", "value criterion"),
        ("readings/double/values/b[1]", {"value": "0", "radius": "1"}, r"value b\[1\] is not proved"),
        ("readings/double/values", {}, "values: there is none"),
        ("readings/double/level", "global-proved", "tree is missing"),
        ("readings/double/tree", {"file": "trees/dyestuff.tree.gz", "sha256": "0" * 64}, "sha256 of trees/dyestuff"),
        ("readings", {}, "readings of relmer-certificate/2 are decimal and double"),
    ],
)
def test_tampered_certificates_are_refused(stored, path: str, value: object, reason: str) -> None:
    whole, folders = stored
    tampered = changed(whole, path, value)
    if path.endswith("tree"):
        tampered = changed(tampered, "readings/double/level", "global-proved")
    with pytest.raises(Refused, match=reason) as refusal:
        verify(tampered, folders)
    assert "\n" not in str(refusal.value)


def test_tampered_data_are_refused(stored) -> None:
    whole, folders = stored
    data = text_of("Dyestuff.csv").replace("1545", "1546", 1).encode()
    (folders[1] / "Dyestuff.csv").write_bytes(data)
    with pytest.raises(Refused, match=r"^sha256 of Dyestuff.csv is not that of the certificate$"):
        verify(whole, folders)
    with pytest.raises(Refused, match="Krawczyk"):
        verify(changed(whole, "data/sha256", hashlib.sha256(data).hexdigest()), folders)
    (folders[1] / "Dyestuff.csv").unlink()
    (folders[1] / "Dyestuff.csv.gz").write_bytes(b"not packed")
    with pytest.raises(Refused, match="cannot be read"):
        verify(whole, folders)


def test_what_is_concluded_is_proved_too(concluding) -> None:
    whole, folders = concluding
    assert set(verify(whole, folders)) == {"decimal", "double"}
    values = whole["readings"]["decimal"]["inference"]["values"]
    assert abs(float(values["ddf[satterthwaite, (Intercept)]"]["value"]) - 5) < 1e-12
    assert len(effects_in(folders)["decimal"]) == 12


OF_DOUBLE = "readings/double/inference"


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (f"{OF_DOUBLE}/values/BIC/value", "326", "value BIC is not 326"),
        (f"{OF_DOUBLE}/values/ddf[kenward-roger, (Intercept)]/value", "5.00000001", r"value ddf\[kenward"),
        (f"{OF_DOUBLE}/values/mood", {"value": "0", "radius": "1"}, "value mood is not proved"),
        (f"{OF_DOUBLE}/values", {}, "values: there is none"),
        (f"{OF_DOUBLE}/values", {"df": {"value": "3", "radius": "0"}}, "inference: AIC is left out"),
        (f"{OF_DOUBLE}/refused", {"kenward-roger": "too hard"}, "inference: a method has another reason"),
        (OF_DOUBLE, {}, "inference.values is missing"),
        ("effects", {}, "effects.file is missing"),
        ("effects/number", 11, "not the number of values that is told"),
        ("effects/sha256", "0" * 64, "sha256 of effects/dyestuff.json.gz"),
        ("effects/file", "../dyestuff.json.gz", "not a plain file name"),
    ],
)
def test_tampered_conclusions_are_refused(concluding, path: str, value: object, reason: str) -> None:
    whole, folders = concluding
    with pytest.raises(Refused, match=reason) as refusal:
        verify(changed(whole, path, value), folders)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda effects: effects["double"]["b[Batch, A, (Intercept)]"].update(value="0"), r"value b\[Batch, A"),
        (lambda effects: effects["decimal"]["condsd[Batch, A, (Intercept)]"].update(radius="0"), "value condsd"),
        (lambda effects: effects["decimal"].pop("b[Batch, B, (Intercept)]"), "not the number of values"),
        (lambda effects: effects.pop("decimal"), "effects.decimal is missing"),
        (lambda effects: effects.update(double=[]), "effects.double is missing"),
    ],
)
def test_tampered_effects_are_refused(concluding, change, reason: str) -> None:
    whole, folders = concluding
    effects = effects_in(folders)
    change(effects)
    with pytest.raises(Refused, match=reason):
        verify(with_effects(whole, folders, effects), folders)


def test_effects_that_are_none_are_refused(concluding) -> None:
    whole, folders = concluding
    for packed in (b"not packed", gzip.compress(b"{"), gzip.compress(b"[" * 100_000), gzip.compress(b"\xff")):
        (folders[0] / "effects" / "dyestuff.json.gz").write_bytes(packed)
        sha256 = hashlib.sha256(packed).hexdigest()
        with pytest.raises(Refused, match="the random effects cannot be read"):
            verify(changed(whole, "effects/sha256", sha256), folders)


def leaves(value: object, path: str = "") -> list[str]:
    """The paths of all entries of a piece of JSON, records and lists among them."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [
        *([path] if path else []),
        *(leaf for key, item in inner for leaf in leaves(item, f"{path}/{key}".lstrip("/"))),
    ]


@pytest.mark.parametrize("value", [None, True, -1, 10**400, 0.5, "x", "1e999", "\0", [], [[]], {}, {"x": None}])
def test_any_entry_may_be_anything(concluding, value: object) -> None:
    """Malformed certificates are refused, or what was changed is no claim that the kernel proves."""
    whole, folders = concluding
    refused = 0
    for path in leaves(whole):
        if "values/" not in path or "criterion" in path or "AIC" in path:
            try:
                verify(changed(whole, path, value), folders)
            except Refused:
                refused += 1
    assert refused > 30
