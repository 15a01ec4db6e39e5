"""Certificates: read whole or refused in one line, found by their case, and never used for other data."""

import gzip
import hashlib
import json
from copy import deepcopy
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import hand_made
import pytest

from relmer.datasets import case, cases, load
from relmer.reference.certificates import store as certified
from relmer.reference.certificates.records import Elsewhere, from_json, in_order
from relmer.reference.certificates.store import CertificateError, certificate_of, certificates, effects_of
from relmer.reference.own_fits import design_of
from relmer.solver.model.term import group_names

DYESTUFF = case("dyestuff/reml")


def stored(root: Path, **changes) -> Path:
    """A folder with one certificate."""
    plain = hand_made.dyestuff(**changes)
    (root / f"{plain['name']}.json").write_text(json.dumps(plain), encoding="utf-8")
    return root


def test_a_certificate_reads_back() -> None:
    found = from_json(hand_made.text())
    assert found.double.values["sigma2"].exact == Fraction(9805, 4)
    assert found.double.values["sigma2"].error == Fraction(1, 10**26)
    assert found.double.regular
    assert found.coefficients == ("(Intercept)",)
    assert found.double.inference.values["ddf[satterthwaite, (Intercept)]"].exact == 5
    assert found.double.inference.refused == {"kenward-roger": "left out by hand"}


def test_one_of_the_schema_before_reads_as_before() -> None:
    found = from_json(json.dumps(hand_made.older()))
    assert found.schema == "relmer-certificate/2"
    assert found.double.values == from_json(hand_made.text()).double.values
    assert found.double.inference is None
    assert effects_of(found) == {}


def test_values_come_in_the_order_of_an_answer() -> None:
    """Two terms, one of them with a covariance: keys as contract and lme4 have them, order as an Answer has it."""
    plain = hand_made.dyestuff()
    plain["model"]["fixed"] = [["(Intercept)"], ["x", "x"]]
    plain["model"]["random"] = [
        {"name": "g", "group": ["g"], "columns": [["(Intercept)"], ["x", "x"]]},
        {"name": "g.1", "group": ["g"], "columns": [["x", "x"]]},
    ]
    expected = {
        "theta": ["theta[g.(Intercept)]", "theta[g.x.(Intercept)]", "theta[g.x]", "theta[g.1.x]"],
        "G": ["G[g, (Intercept)]", "G[g, (Intercept), x]", "G[g, x]", "G[g.1, x]"],
        "varcomp": ["var[g, (Intercept)]", "cov[g, (Intercept), x]", "var[g, x]", "var[g.1, x]"],
        "beta": ["beta[(Intercept)]", "beta[x]"],
        "se": ["se[(Intercept)]", "se[x]"],
        "vcov": ["vcov[(Intercept), (Intercept)]", "vcov[(Intercept), x]", "vcov[(Intercept), x]", "vcov[x, x]"],
        "sigma": ["sigma"],
        "criterion": ["criterion"],
    }
    keys = dict.fromkeys(key for part in expected.values() for key in part)
    values = {key: {"value": f"{k}.5", "radius": "0"} for k, key in enumerate(keys, start=1)}
    for reading in plain["readings"].values():
        reading["values"] = values
    found = from_json(json.dumps(plain))
    shown = in_order(found, {key: key for key in found.double.values})
    assert {name: list(part) for name, part in shown.items()} == expected
    del values["theta[g.x]"]
    assert set(in_order(from_json(json.dumps(plain)), values)) == set(expected) - {"theta"}


@pytest.mark.parametrize("dual", ["-1e+03", None])
def test_what_else_is_stationary_reads_back(dual: str | None) -> None:
    plain = deepcopy(hand_made.dyestuff())
    elsewhere(dual=dual)(plain)
    assert from_json(json.dumps(plain)).double.starts.elsewhere == (Elsewhere("330.5", (0,), dual),)


def changed(path, value):
    def apply(plain):
        for key in path[:-1]:
            plain = plain[key]
        plain[path[-1]] = value

    return apply


def elsewhere(**changes):
    """Starts that met another stationary point, of which something is changed."""
    point = {"criterion": "330.5", "ranks": [0], "dual": "-1e+03"} | changes
    return changed([*DOUBLE, "starts"], {"tried": 2, "reached": 1, "elsewhere": [point]})


DOUBLE = ["readings", "double"]
SPOILED = {
    "schema": (changed(["schema"], "relmer-certificate/1"), "relmer-certificate/3"),
    "an older schema with newer fields": (changed(["schema"], "relmer-certificate/2"), "with the schema relmer-certif"),
    "nothing is concluded": (changed([*DOUBLE, "inference"], None), "must have inference and effects"),
    "no effects": (changed(["effects"], None), "must have inference and effects"),
    "a conclusion that is no decimal": (
        changed([*DOUBLE, "inference", "values", "AIC", "value"], "1+1"),
        "AIC.value must be a decimal",
    ),
    "a conclusion that none has": (
        changed([*DOUBLE, "inference", "values", "mood"], {"value": "1", "radius": "0"}),
        "mood is no certified value",
    ),
    "a number, not a string": (changed([*DOUBLE, "values", "sigma", "value"], 49.5), "sigma.value must be str"),
    "not a decimal": (changed([*DOUBLE, "values", "sigma", "value"], "nan"), "sigma.value must be a decimal"),
    "a sum": (changed([*DOUBLE, "values", "sigma", "value"], "1+1"), "sigma.value must be a decimal"),
    "an underscore": (changed([*DOUBLE, "values", "sigma", "value"], "1_000"), "sigma.value must be a decimal"),
    "too large": (changed([*DOUBLE, "values", "sigma", "value"], "1e999"), "sigma.value must be a decimal"),
    "too long": (changed([*DOUBLE, "values", "sigma", "radius"], "0." + "1" * 5000), "sigma.radius must be a decimal"),
    "a bad radius": (changed([*DOUBLE, "radius"], "small"), "radius must be a decimal"),
    "a bad dual": (changed([*DOUBLE, "duals"], ["inf"]), "duals must be a decimal"),
    "a bad centre": (
        changed([*DOUBLE, "centre"], [{"rank": 1, "pivots": [0], "R": [["x"]]}]),
        "centre must be a decimal",
    ),
    "a bad criterion elsewhere": (elsewhere(criterion="330 or so"), "starts.elsewhere must be a decimal"),
    "a bad dual elsewhere": (elsewhere(dual="small"), "starts.elsewhere must be a decimal"),
    "prose elsewhere": (elsewhere(what="stationary on the face of ranks (0,), dual -1"), "'what' is not known"),
    "ranks of two terms": (elsewhere(ranks=[0, 0]), "starts.elsewhere has the ranks (0, 0), the terms have [1]"),
    "no ranks": (elsewhere(ranks=[]), "starts.elsewhere has the ranks (), the terms have [1]"),
    "a rank too high": (elsewhere(ranks=[2]), "starts.elsewhere has the ranks (2,), the terms have [1]"),
    "a rank below zero": (elsewhere(ranks=[-1]), "starts.elsewhere has the ranks (-1,), the terms have [1]"),
    "a reading too few": (changed(["readings"], {}), "readings decimal and double"),
    "a level above its kind": (changed([*DOUBLE, "level"], "global-proved"), "kind 'exact' with the level"),
    "an unknown level": (changed([*DOUBLE, "level"], "sure"), "with the level 'sure'"),
    "no values": (changed([*DOUBLE, "values"], {}), "lacks values of"),
    "a value that none has": (
        changed([*DOUBLE, "values", "b[Batch, A, (Intercept)]"], {"value": "1", "radius": "0"}),
        "values.b[Batch, A, (Intercept)] is no certified value",
    ),
    "an empty column": (changed(["model", "fixed"], [[]]), "proper name"),
    "a path": (changed(["data", "name"], "../../secret"), "proper name"),
    "an unknown field": (changed(["colour"], "red"), "'colour' is not known"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_no_certificate_is_refused_in_one_line(name: str) -> None:
    spoil, message = SPOILED[name]
    plain = deepcopy(hand_made.dyestuff())
    plain["readings"] = deepcopy(plain["readings"])
    spoil(plain)
    with pytest.raises(ValueError) as caught:
        from_json(json.dumps(plain))
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, '{"schema": NaN}'])
def test_what_is_not_even_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\Athe certificate [^\n]*\Z"):
        from_json(text)


def test_a_certificate_is_found_by_its_case(tmp_path: Path) -> None:
    stored(tmp_path)
    assert certificate_of(DYESTUFF, tmp_path).name == "dyestuff.reml"
    assert certificate_of(case("dyestuff/ml"), tmp_path) is None
    stored(tmp_path, REML=False)
    assert [found.name for found in certificates(tmp_path)] == ["dyestuff.ml", "dyestuff.reml"]


def test_what_proves_nothing_is_no_reference(tmp_path: Path) -> None:
    plain = hand_made.dyestuff()
    plain["readings"]["double"] |= {"kind": "certified", "level": "numeric"}
    (tmp_path / "dyestuff.reml.json").write_text(json.dumps(plain), encoding="utf-8")
    assert len(certificates(tmp_path)) == 1
    assert certificate_of(DYESTUFF, tmp_path) is None


STALE = {
    "other data": (
        {"data": {"name": "Dyestuff", "file": "Dyestuff.csv", "sha256": "0" * 64, "rows": 30}},
        "other data",
    ),
    "another formula": ({"formula": "Yield ~ 0 + (1 | Batch)"}, "another model"),
    "another data set": (
        {"data": {"name": "Dyestuff2", "file": "Dyestuff2.csv", "sha256": hand_made.SHA256, "rows": 30}},
        "another model",
    ),
}


@pytest.mark.parametrize("name", STALE)
def test_a_stale_certificate_says_so_and_what_to_do(name: str, tmp_path: Path) -> None:
    changes, message = STALE[name]
    stored(tmp_path, **changes)
    with pytest.raises(CertificateError, match=f"dyestuff.reml.json was proved for {message}.*relmer certify"):
        certificate_of(DYESTUFF, tmp_path)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "rail.reml.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CertificateError, match=r"\Arail.reml.json: [^\n]*relmer certify\Z"):
        certificates(tmp_path)


def test_a_file_under_another_name_and_a_case_certified_twice_are_refused(tmp_path: Path) -> None:
    stored(tmp_path)
    (tmp_path / "dyestuff.reml.json").rename(tmp_path / "other.json")
    with pytest.raises(CertificateError, match=r"other\.json holds the certificate 'dyestuff\.reml'"):
        certificates(tmp_path)
    (tmp_path / "other.json").unlink()
    stored(tmp_path)
    stored(tmp_path, name="again.reml")
    with pytest.raises(CertificateError, match="is of the case dyestuff/reml"):
        certificates(tmp_path)


def test_the_text_is_that_which_was_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    found = from_json(hand_made.text())
    assert certified.text_of(found).startswith("Batch,Yield\nA,1545\n")
    monkeypatch.setattr(certified, "csv_text", lambda name: (name, "Batch,Yield\nA,1546\n"))
    with pytest.raises(CertificateError, match="not the file"):
        certified.text_of(found)


# ---- what is stored ----

STORED = [found.name for found in certificates()]


@pytest.mark.parametrize("name", STORED)
def test_every_stored_certificate_is_of_a_case_and_of_todays_data(name: str) -> None:
    found = next(one for one in certificates() if one.name == name)
    of = {one.name: one for one in cases()}[found.case]
    assert certificate_of(of) == found
    assert found.data.name == of.dataset
    assert len(load(of.dataset).frame) >= found.data.rows
    assert certified.text_of(found)


@pytest.mark.parametrize("name", STORED)
def test_every_stored_value_has_thirty_digits_and_a_small_radius(name: str) -> None:
    """Thirty significant digits of v are right to half of the last: the radius cannot be below, nor far above, that."""
    found = next(one for one in certificates() if one.name == name)
    for which, reading in found.readings.items():
        for key, value in (
            *reading.values.items(),
            *reading.inference.values.items(),
            *effects_of(found)[which].items(),
        ):
            size = Decimal(value.value)
            if size:
                assert value.error <= Fraction(10) ** (size.adjusted() - 27), key
            else:
                assert value.error < Fraction(1, 10**25), key


@pytest.mark.parametrize("name", STORED)
def test_a_certificate_names_what_an_answer_names(name: str) -> None:
    """Coefficients, terms and columns in the solver's order, which rung 2 holds against lme4's."""
    found = next(one for one in certificates() if one.name == name)
    of = case(found.case)
    design = design_of(of)
    assert found.coefficients == design.coefficients
    assert [term.name for term in found.model.random] == list(group_names(design.terms))
    columns = [tuple(column[0] for column in term.columns) for term in found.model.random]
    assert columns == [term.columns for term in design.terms]
    values = in_order(found, found.double.values)
    assert len(values["G"]) == len(design.template.diagonal)
    assert len(values["vcov"]) == len(design.coefficients) ** 2


def test_which_methods_are_had() -> None:
    """Satterthwaite's of all fits, singular ones among them; Kenward and Roger's of all by REML, and of no other."""
    stored = certificates()
    lacking = {found.name: found.double.inference.refused for found in stored}
    told = {"kenward-roger": "the fit is by maximum likelihood, and the method is for REML"}
    assert lacking == {found.name: {} if found.REML else told for found in stored}
    assert (len(stored), sum(found.REML for found in stored)) == (83, 41)
    for found in stored:
        for reading in found.readings.values():
            methods = {"satterthwaite", "kenward-roger"} - {*reading.inference.refused}
            expected = {"logLik", "df", "AIC", "BIC", *(f"t[{name}]" for name in found.coefficients)}
            for method in methods:
                kinds = ("ddf", "p") if method == "satterthwaite" else ("ddf", "p", "se", "t")
                expected |= {f"{kind}[{method}, {name}]" for kind in kinds for name in found.coefficients}
            assert {*reading.inference.values} == expected, found.name


@pytest.mark.parametrize("name", STORED)
def test_each_random_effect_has_a_mode_and_a_deviation(name: str) -> None:
    found = next(one for one in certificates() if one.name == name)
    design = design_of(case(found.case))
    names = group_names(design.terms)
    keys = {
        f"{kind}[{group}, {level}, {column}]"
        for kind in ("b", "condsd")
        for group, term in zip(names, design.terms, strict=True)
        for level in term.levels
        for column in term.columns
    }
    for values in effects_of(found).values():
        assert {*values} == keys


def test_effects_that_are_not_those_of_the_certificate_are_refused(tmp_path: Path) -> None:
    packed = gzip.compress(b"{}", mtime=0)
    (tmp_path / "effects").mkdir()
    place = {"file": "effects/by-hand.json.gz", "sha256": hashlib.sha256(packed).hexdigest(), "number": 12}
    found = from_json(hand_made.text(effects=place))
    for content, message in (
        (None, "No such file"),
        (b"other", "not the file that dyestuff.reml.json names"),
        (packed, "12 values of each reading"),
    ):
        if content is not None:
            (tmp_path / place["file"]).write_bytes(content)
        with pytest.raises(CertificateError, match=rf"\Aeffects/by-hand[^\n]*{message}[^\n]*relmer certify"):
            effects_of(found, tmp_path)
    value = {"value": "1", "radius": "0"}
    for key, own, message in (
        ("x[g, 1, h]", value, "no conditional mode"),
        ("b[g, 1, h]", value | {"value": "nan"}, "must be a decimal"),
        ("b[g, 1, h]", {"value": 1, "radius": "0"}, "must be str"),
    ):
        text = json.dumps({which: {key: own} for which in ("decimal", "double")}).encode()
        (tmp_path / place["file"]).write_bytes(gzip.compress(text))
        sha256 = hashlib.sha256((tmp_path / place["file"]).read_bytes()).hexdigest()
        found = from_json(hand_made.text(effects=place | {"sha256": sha256, "number": 1}))
        with pytest.raises(CertificateError, match=message):
            effects_of(found, tmp_path)
