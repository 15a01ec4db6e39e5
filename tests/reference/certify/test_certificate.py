"""Certificates: made, kept while they are fresh, in the form that the schema states."""

import ast
import json
from decimal import Decimal
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from flint import arb, ctx, fmpq
from hypothesis import given
from hypothesis import strategies as st

from relmer.datasets import cases
from relmer.reference.certificates.texts import CERTIFIED, csv_text
from relmer.reference.certify import certificate
from relmer.reference.certify.certificate import is_fresh, make_one, path_of, printed, prove, write
from relmer.reference.certify.data import products
from relmer.reference.certify.models import models
from relmer.reference.certify.refine import refine

SCHEMA = json.loads((CERTIFIED.parent / "certificate.schema.json").read_text(encoding="utf-8"))
STORED = sorted(CERTIFIED.glob("*.json"))
ONE_WAY = """
[[model]]
name = "NAME"
dataset = "DATASET"
formula = "Yield ~ 1 + (1 | Batch)"
cases = { reml = "dyestuff/reml", ml = "dyestuff/ml" }
global = GLOBAL
response = "Yield"
fixed = [["(Intercept)"]]
[[model.random]]
name = "Batch"
group = ["Batch"]
columns = [["(Intercept)"]]
"""


def one_way(name: str, dataset: str = "Dyestuff", wants_global: bool = True) -> str:
    text = ONE_WAY.replace("NAME", name).replace("DATASET", dataset)
    return text.replace("GLOBAL", "true" if wants_global else "false")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    text = one_way("one") + one_way("two", "Dyestuff2") + one_way("closed", wants_global=False)
    (tmp_path / "models.toml").write_text(text, encoding="utf-8")
    return tmp_path


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_stored_certificate_satisfies_the_schema(path: Path) -> None:
    jsonschema.validate(read(path), SCHEMA, jsonschema.Draft202012Validator)


def test_each_fit_has_a_certificate_and_no_other_is_there() -> None:
    expected = {path_of(model, key == "reml") for model in models() for key in model.cases}
    assert set(STORED) == expected


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_stored_criterion_is_the_one_that_others_print(path: Path) -> None:
    """To one unit of the last printed digit: they are rounded, and what "tight" prints is computed in doubles."""
    stored = read(path)
    published = {case.name: case.published for case in cases()}[stored["case"]]
    if "criterion" in published:
        figure = Decimal(published["criterion"])
        gap = abs(Decimal(stored["readings"]["decimal"]["values"]["criterion"]["value"]) - figure)
        assert gap <= Decimal(1).scaleb(figure.as_tuple().exponent)


def test_a_fresh_certificate_is_one_that_would_be_made_now(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = models(root / "models.toml")[1]
    path = write(make_one(model, False, root), root)
    assert path == path_of(model, False, root)
    good = path.read_text(encoding="utf-8")
    jsonschema.validate(json.loads(good), SCHEMA, jsonschema.Draft202012Validator)
    assert is_fresh(model, False, path)
    for change in (
        lambda stored: stored.update(REML=True),
        lambda stored: stored["data"].update(sha256="0" * 64),
        lambda stored: stored["model"].update(response="Batch"),
        lambda stored: stored["readings"]["double"]["values"]["sigma"].update(radius="0"),
        lambda stored: stored["readings"]["double"]["inference"]["values"]["AIC"].update(radius="0"),
        lambda stored: stored["effects"].update(number=11),
        lambda stored: stored.update(schema="relmer-certificate/2"),
        lambda stored: stored.pop("made"),
    ):
        stored = json.loads(good)
        change(stored)
        path.write_text(json.dumps(stored), encoding="utf-8")
        assert not is_fresh(model, False, path)
    path.write_text("{", encoding="utf-8")
    assert not is_fresh(model, False, path)
    assert not is_fresh(model, False, root / "none.json")
    path.write_text(good, encoding="utf-8")
    monkeypatch.setattr(certificate, "GENERATOR", "another")
    assert not is_fresh(model, False, path)


def test_it_is_the_same_every_time(root: Path) -> None:
    model = models(root / "models.toml")[0]
    assert make_one(model, True, root) == make_one(model, True, root)


@pytest.mark.parametrize("reading", ["decimal", "double"])
@pytest.mark.parametrize("REML", [True, False])
def test_the_closed_form_and_the_ball_arithmetic_agree(root: Path, REML: bool, reading: str) -> None:
    """Two certificates of one fit, of which one is of the kind "exact", within the radii that both state."""
    one, _, closed = models(root / "models.toml")
    balls, exact = (make_one(model, REML, root)["readings"][reading] for model in (one, closed))
    assert (balls["kind"], balls["level"]) == ("certified", "global-proved")
    assert (exact["kind"], exact["level"]) == ("exact", "exact")
    assert balls["values"].keys() == exact["values"].keys()
    for key, value in balls["values"].items():
        other = exact["values"][key]
        gap = abs(Decimal(value["value"]) - Decimal(other["value"]))
        assert gap <= Decimal(value["radius"]) + Decimal(other["radius"]), key


def test_values_that_are_not_the_proved_ones_are_refused(root: Path) -> None:
    model = models(root / "models.toml")[1]
    made, text = make_one(model, True, root), csv_text("Dyestuff2")[1]
    expected = refine(model, products(model, text, "decimal"), [np.zeros((1, 1))], (0,), True).values
    prove(made, "decimal", text, expected)
    with ctx.workprec(320):
        expected["sigma2"] += arb("1e-30")
    with pytest.raises(ValueError, match=r"two\.reml: sigma2 is \[13\.8"):
        prove(made, "decimal", text, expected)


def test_the_generator_knows_nothing_of_the_solver() -> None:
    for path in Path(certificate.__file__).parent.glob("*.py"):
        modules = [
            name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
        ]
        assert not [name for name in modules if "solver" in name or "engines" in name], path


@given(st.integers(-(10**60), 10**60), st.integers(1, 10**40), st.integers(-60, 0))
def test_a_printed_radius_holds_the_enclosure(p: int, q: int, exponent: int) -> None:
    with ctx.workprec(256):
        ball = arb(fmpq(p, q)) + arb(0, arb(10) ** exponent)
        text = printed(ball)
        value, radius = (arb(text[part]) for part in ("value", "radius"))
        # Endpoints, not balls: arb(text) is itself rounded at 256 bits, which 1e-70 covers.
        assert ball.upper() <= value + radius + arb("1e-70") * (1 + abs(value))
        assert ball.lower() >= value - radius - arb("1e-70") * (1 + abs(value))


def test_what_may_be_zero_is_told_as_zero_and_what_is_tiny_too() -> None:
    with ctx.workprec(256):
        assert printed(arb("1e-77", "4e-60")) == {"value": "0", "radius": "4.4e-60"}
        assert printed(arb(0)) == {"value": "0", "radius": "0"}
        assert printed(arb("1e-4000")) == {"value": "0", "radius": "1e-300"}
        assert printed(arb("-1e-299"))["value"].startswith("-1e-299")
