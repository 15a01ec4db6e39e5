"""Keys of quantities: one grammar, and every key that is kept anywhere is of it."""

import json
import re
from importlib.resources import files

import pytest

from relmer.datasets import cases
from relmer.datasets.quantities import (
    FREE_OF_FIT,
    OF_A_CASE,
    OF_A_CERTIFICATE,
    OF_A_DOCUMENT,
    free_of_fit,
    key_of,
    matrix_key,
    parse_key,
    quantities_of,
    theta_key,
)
from relmer.reference.certificates.store import certificates
from relmer.reference.published import figures


@pytest.mark.parametrize("form", dict.fromkeys((*OF_A_DOCUMENT, *OF_A_CERTIFICATE)))
def test_a_form_is_a_key(form: str) -> None:
    quantity, names = parse_key(form)
    assert key_of(quantity, *names) == form


@pytest.mark.parametrize("forms", [OF_A_CASE, OF_A_DOCUMENT, OF_A_CERTIFICATE])
def test_a_quantity_takes_as_many_names_as_its_forms_have(forms: tuple[str, ...]) -> None:
    for quantity in quantities_of(forms):
        allowed = {form.count(", ") + 1 if "[" in form else 0 for form in forms if form.partition("[")[0] == quantity}
        for count in range(5):
            key = key_of(quantity, *"abcd"[:count])
            if count in allowed:
                assert parse_key(key, forms) == (quantity, tuple("abcd"[:count]))
            else:
                with pytest.raises(ValueError, match=re.escape(f"{key!r}: write quantity[name, ...] with one of ")):
                    parse_key(key, forms)


@pytest.mark.parametrize("key", ["", "beta[", "beta[]", "beta[Days", "beta[a[b]]", "[Days]", "beta [Days]", "beta[a]x"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="write quantity"):
        parse_key(key)


def test_a_quantity_stands_only_where_it_may() -> None:
    """G of a document is that of two rows, which no case has, and of a certificate that of a term's columns."""
    assert parse_key("G[1, 2]", OF_A_DOCUMENT) == ("G", ("1", "2"))
    assert parse_key("G[g, a, b]", OF_A_CERTIFICATE) == ("G", ("g", "a", "b"))
    for key, forms in (("G[1, 2]", OF_A_CASE), ("G[g, a, b]", OF_A_DOCUMENT), ("theta[g.a]", OF_A_DOCUMENT)):
        with pytest.raises(ValueError, match="with one of criterion, sigma, sigma2, "):
            parse_key(key, forms)
    assert [form for form in OF_A_DOCUMENT if free_of_fit(form)] == list(FREE_OF_FIT)


def test_every_key_that_is_kept_is_of_the_grammar() -> None:
    of_cases = [key for case in cases() for key in case.published]
    of_documents = [figure.quantity for figure in figures()]
    of_certificates = [key for found in certificates() for reading in found.readings.values() for key in reading.values]
    for keys, forms in (
        (of_cases, OF_A_CASE),
        (of_documents, OF_A_DOCUMENT),
        (of_certificates, OF_A_CERTIFICATE),
    ):
        assert keys
        for key in keys:
            quantity, names = parse_key(key, forms)
            assert key_of(quantity, *names) == key


def test_the_schema_of_certificates_names_the_certified_quantities() -> None:
    schema = json.loads(files("relmer.reference").joinpath("certificate.schema.json").read_text(encoding="utf-8"))
    pattern = schema["$defs"]["reading"]["properties"]["values"]["propertyNames"]["pattern"]
    assert {*re.findall(r"\w+", pattern)} == {*quantities_of(OF_A_CERTIFICATE)}
    assert all(re.search(pattern, form) for form in OF_A_CERTIFICATE)


def test_keys_of_theta_and_of_covariances() -> None:
    """lme4 writes theta's row before its column; of a covariance the term's first column comes first."""
    assert theta_key("g", "(Intercept)", "(Intercept)") == "theta[g.(Intercept)]"
    assert theta_key("g", "x", "(Intercept)") == "theta[g.x.(Intercept)]"
    assert matrix_key("var", "cov", "g", "x", "x") == "var[g, x]"
    assert matrix_key("var", "cov", "g", "x", "(Intercept)") == "cov[g, (Intercept), x]"
