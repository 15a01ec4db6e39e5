"""Refined values against closed forms in fractions, which share no code with them: forty digits, every value."""

from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx

from relmer.reference.certificates.texts import csv_text
from relmer.reference.certify.data import complete_rows, level_codes, number, products
from relmer.reference.certify.models import Model, models
from relmer.reference.certify.refine import Centre, named_theta, refine
from relmer.reference.certify.search import search
from relmer.reference.exact.estimates import exact, values
from relmer.reference.exact.layouts import Layout, Term

# Centres are converged to 1e-75 and closed forms are asked for 60 digits.
DIGITS, SAME = 60, "1e-50"
BALANCED = (
    ("dyestuff", True),
    ("dyestuff", False),
    ("dyestuff2", True),
    ("dyestuff2", False),
    ("pastes", True),
    ("pastes", False),
    ("penicillin", True),
    ("rail", True),
    ("rail", False),
    ("ergostool", True),
    ("ergostool", False),
    ("oats", True),
    ("oats", False),
    ("oxide", True),
    ("oxide", False),
    ("orthodont", True),
    ("orthodont", False),
    ("machines-worker", True),
    ("machines-worker", False),
    ("machines-nested", True),
    ("machines-nested", False),
    ("machines-document", False),
    ("machines-by-machine", True),
    ("machines-by-machine", False),
    ("sleepstudy-slopes", True),
    ("sleepstudy-slopes", False),
    ("sleepstudy-three", True),
    ("sleepstudy-three", False),
    ("sleepstudy-intercept", True),
    ("sleepstudy-intercept", False),
    ("sleepstudy-days-factor", True),
    ("sleepstudy-days-factor", False),
)


def model_called(name: str) -> Model:
    return next(model for model in models() if model.name == name)


def refined(model: Model, REML: bool) -> Centre:
    cross = products(model, csv_text(model.dataset)[1], "decimal")
    found = search(cross, REML)
    return refine(model, cross, found.G, found.ranks, REML)


def layout(model: Model) -> Layout:
    """The model in fractions, built here: numbers and indicators only."""
    rows = complete_rows(model, csv_text(model.dataset)[1])

    def row_of(columns, row):
        entries = []
        for _, *factors in columns:
            value = Fraction(1)
            for factor in factors:
                column, _, level = factor.partition("=")
                value *= (row[column] == level) if level else number(row[column], "decimal", column)
            entries.append(value)
        return tuple(entries)

    terms = tuple(
        Term(
            term.name,
            tuple(level_codes(rows, term.group)),
            tuple(column[0] for column in term.columns),
            tuple(row_of(term.columns, row) for row in rows),
        )
        for term in model.random
    )
    y = tuple(Fraction(row[model.response]) for row in rows)
    return Layout(y, tuple(row_of(model.fixed, row) for row in rows), tuple(c[0] for c in model.fixed), terms)


@pytest.mark.parametrize(("name", "REML"), BALANCED)
def test_values_are_those_of_the_closed_form(name: str, REML: bool) -> None:
    model = model_called(name)
    expected, centre = values(exact(layout(model), REML)), refined(model, REML)
    assert centre.values.keys() == expected.keys()
    with ctx.workprec(320):
        for key, value in expected.items():
            exact_value = arb(str(value.decimal(DIGITS)))
            assert abs(centre.values[key] - exact_value) < arb(SAME) * (1 + abs(exact_value)), key


@pytest.mark.parametrize("REML", [True, False])
def test_sleepstudy_has_a_rational_residual_variance(REML: bool) -> None:
    """By MANOVA, for REML and ML alike: certify.md."""
    with ctx.workprec(320):
        sigma2 = refined(model_called("sleepstudy-slopes"), REML).values["sigma2"]
        assert abs(sigma2 - arb(778069940161891) / 1188000000000) < arb(SAME)


def test_a_boundary_optimum_has_the_known_dual() -> None:
    """f'(0) of certify.md, 5, with half a unit of its last digit."""
    assert refined(model_called("dyestuff2"), True).duals[0] == pytest.approx(9.904862, abs=5e-7)
    assert refined(model_called("dyestuff2"), False).duals[0] == pytest.approx(14.384340, abs=5e-7)


def test_the_two_readings_differ_in_the_sixteenth_digit() -> None:
    """Reaction has decimals that no double has; the criterion moves by less than 1.7e-15, relative: certify.md, 1."""
    model = model_called("sleepstudy-slopes")
    both = []
    for reading in ("decimal", "double"):
        cross = products(model, csv_text("sleepstudy")[1], reading)
        found = search(cross, True)
        both.append(refine(model, cross, found.G, found.ranks, True).values["criterion"])
    with ctx.workprec(320):
        gap = abs(both[0] - both[1]) / both[0]
        assert arb("1e-20") < gap < arb("1.7e-15")


def test_a_saddle_of_a_face_is_refused() -> None:
    """Newton from a poor start ends elsewhere or nowhere, and says so."""
    model = model_called("sleepstudy-three")
    cross = products(model, csv_text(model.dataset)[1], "decimal")
    with pytest.raises(ValueError, match=r"sleepstudy-three: .* ranks"):
        refine(model, cross, [np.eye(2) * 1e6], (2,), True)


def test_theta_is_given_where_it_is_unique() -> None:
    with ctx.workprec(320):
        one = np.array([[arb(4), arb(2)], [arb(2), arb(1)]], dtype=object)
        theta = named_theta("g", ["a", "b"], one, 1)
        assert [float(x) for x in theta.values()] == [2, 1, 0]
        zero_first = np.array([[arb(0), arb(0)], [arb(0), arb(1)]], dtype=object)
        assert named_theta("g", ["a", "b"], zero_first, 1) == {}
        assert list(named_theta("g", ["a", "b"], zero_first * 0, 0)) == ["theta[g.a]", "theta[g.b.a]", "theta[g.b]"]
