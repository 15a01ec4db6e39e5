"""What the kernel proves: the closed forms of balanced layouts, and the same values whatever the chart."""

from decimal import Decimal
from fractions import Fraction

import pytest
from claims import DYESTUFF, ONE, SLEEPSTUDY, X, certificate, claim, dyestuff, model, refined, sleepstudy, term
from flint import arb, ctx, fmpq
from stored_layouts import text_of

from relmer.reference.verify.at import evaluate
from relmer.reference.verify.criterion import theta, triangles
from relmer.reference.verify.data import Refused
from relmer.reference.verify.local import Proof, prove
from relmer.reference.verify.reading import read


def held(ball: arb, value: Fraction) -> bool:
    """A tight ball around a rational."""
    with ctx.workprec(2000):
        rational = arb(fmpq(value.numerator, value.denominator))
    return ball.contains(rational) and ball.rad() < 1e-40 * (1 + abs(float(value)))


def test_dyestuff() -> None:
    values = prove(dyestuff(True), "decimal", text_of("Dyestuff.csv")).values
    assert held(values["sigma2"], Fraction("2451.25"))
    assert held(values["G[Batch, (Intercept)]"], Fraction("1764.05") / Fraction("2451.25"))
    assert held(values["var[Batch, (Intercept)]"], Fraction("1764.05"))
    assert held(values["beta[(Intercept)]"], Fraction("1527.5"))
    assert held(values["vcov[(Intercept), (Intercept)]"], Fraction("11271.5") / 30)
    with ctx.workprec(256):
        assert held(values["se[(Intercept)]"] ** 2, Fraction("11271.5") / 30)
    assert values["criterion"].str(13, radius=False) == "319.6542768423"  # field.md, section 4


@pytest.mark.parametrize(("REML", "dual"), [(True, "9.904862"), (False, "14.384340")])
def test_boundary(REML: bool, dual: str) -> None:
    """Dyestuff2 at rank 0: f'(0), which is known to seven digits."""
    below, above = (str(Decimal(dual) + sign * Decimal("1e-6")) for sign in (-1, 1))
    model = DYESTUFF
    text = text_of("Dyestuff2.csv")
    proof = prove(certificate(model, REML, claim([[[]]], [[]], duals=[below])), "decimal", text)
    assert proof.values["theta[Batch.(Intercept)]"] == proof.values["var[Batch, (Intercept)]"] == 0
    assert proof.curvature is None
    with pytest.raises(Refused, match=r"dual of term Batch: .* not proved"):
        prove(certificate(model, REML, claim([[[]]], [[]], duals=[above])), "decimal", text)


@pytest.mark.parametrize(("REML", "printed"), [(True, "1743.6282719585"), (False, "1751.9393444632")])
def test_sleepstudy(REML: bool, printed: str) -> None:
    stored, expected = sleepstudy(REML)
    assert expected["sigma2"] == Fraction(778069940161891, 1188000000000)
    proof = prove(stored, "decimal", text_of("sleepstudy.csv"))
    for key, value in expected.items():
        assert held(proof.values[key], value), key
    assert proof.values["criterion"].str(14, radius=False) == printed
    assert proof.distance < 1e-55
    assert all(0 < value.rad() < 1e-40 for value in proof.values.values())


def test_the_readings_are_of_different_numbers() -> None:
    """Reaction has four decimals, which doubles do not hold: each reading has the sigma^2 of its own numbers only."""
    text = text_of("sleepstudy.csv")
    found = {reading: sleepstudy(True, reading) for reading in ("decimal", "double")}
    for reading, (stored, _) in found.items():
        values = prove(stored, reading, text).values
        assert [held(values["sigma2"], expected["sigma2"]) for _, expected in found.values()] == [
            reading == other for other in found
        ]


@pytest.mark.parametrize("name", ["Dyestuff", "Dyestuff2", "SmLs09"])
@pytest.mark.parametrize("REML", [True, False])
def test_exact_is_the_rational_analysis_of_variance(name: str, REML: bool) -> None:
    """SmLs09: 18,009 rows of 1e12 and a tenth."""
    text = text_of(f"{name}.csv")
    group, response = text.split("\n", 1)[0].split(",")
    groups: dict[str, list[Fraction]] = {}
    for line in text.splitlines()[1:]:
        level, value = line.split(",")
        groups.setdefault(level, []).append(Fraction(value))
    k, J = len(groups), len(next(iter(groups.values())))
    means = [sum(values) / J for values in groups.values()]
    between = J * sum((mean - sum(means) / k) ** 2 for mean in means)
    within = sum(sum(y * y for y in values) for values in groups.values()) - J * sum(mean**2 for mean in means)
    sigma2, level = within / (k * (J - 1)), between / (k - REML)
    if level < sigma2:
        sigma2 = level = (within + between) / (k * J - REML)
    stored = certificate(model(response, [ONE], term(group, ONE)), REML, {"kind": "exact", "level": "exact"})
    values = prove(stored, "decimal", text).values
    assert held(values["sigma2"], sigma2)
    assert held(values[f"var[{group}, (Intercept)]"], (level - sigma2) / J)
    assert held(values["vcov[(Intercept), (Intercept)]"], level / (k * J))
    assert held(values["beta[(Intercept)]"], sum(means) / k)


# ---- what does not depend on the chart ----

SINGULAR_ROWS = (
    [4, 6, 11, 17],
    [6, 6, 11, 19],
    [8, 12, 10, 21],
    [-8, -14, -18, -23],
    [-4, -8, -10, -10],
    [0, -1, 1, -4],
)
SINGULAR = "y,x,g\n" + "".join(
    f"{y},{x},{g}\n" for g, ys in enumerate(SINGULAR_ROWS) for x, y in zip((0, 1, 2, 4), ys, strict=True)
)
SLOPES = model("y", [ONE, X], term("g", ONE, X))


def agree(left: Proof, right: Proof) -> bool:
    return left.values.keys() == right.values.keys() and all(
        left.values[key].overlaps(right.values[key]) for key in left.values
    )


def test_a_singular_optimum_is_the_same_in_both_charts_and_the_least_of_its_neighbours() -> None:
    """Intercepts and slopes in proportion: rank 1, with either row for the pivot."""
    proofs = []
    for pivot in (0, 1):
        R = refined(SLOPES, SINGULAR, [[pivot]], [3.345, 1.584])
        stored = certificate(SLOPES, True, claim(R, [[pivot]], unique="1e-6", duals=["2.02"]))
        proofs.append(prove(stored, "decimal", SINGULAR))
        stored["readings"]["decimal"]["duals"] = ["2.03"]  # a dual is for orthonormal N, whatever the chart
        with pytest.raises(Refused, match="dual of term g: its smallest"):
            prove(stored, "decimal", SINGULAR)
    assert agree(*proofs)
    values = proofs[0].values
    assert values["theta[g.x]"] == 0
    assert values["theta[g.x.(Intercept)]"].rad() < 1e-50
    data = read(SLOPES, "decimal", SINGULAR)
    theta = [float(values[f"theta[g.{name}]"]) for name in ("(Intercept)", "x.(Intercept)", "x")]
    for i in range(3):
        for by in (-1e-3, 1e-3):
            near = [entry + by * (k == i) for k, entry in enumerate(theta)]
            assert evaluate(data, True, triangles(data, near))["criterion"] > values["criterion"]


def test_full_rank_is_the_same_with_the_other_row_first() -> None:
    stored, _ = sleepstudy(True)
    text = text_of("sleepstudy.csv")
    turned = refined(SLEEPSTUDY, text, [[1, 0]], [0.0634, 0.2314, 0.9646])
    other = certificate(SLEEPSTUDY, True, claim(turned, [[1, 0]]))
    assert agree(prove(stored, "decimal", text), prove(other, "decimal", text))


def test_theta_is_left_out_where_it_is_not_unique() -> None:
    """G = diag(0, 4) is T T' for any first column of T below a zero pivot."""
    data = read(SLOPES, "decimal", SINGULAR)
    assert theta(data, [[[arb(0)], [arb(2)]]]) == {}
    found = theta(data, [[[arb(3), arb(0)], [arb(1), arb(2)]]])
    assert {key: float(value) for key, value in found.items()} == {
        "theta[g.(Intercept)]": 3,
        "theta[g.x.(Intercept)]": 1,
        "theta[g.x]": 2,
    }
