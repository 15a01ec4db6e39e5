"""What the kernel refuses: points that are no minimum, and claims, models and data that are wrong or malformed."""

import json
from decimal import Decimal, localcontext
from pathlib import Path

import pytest
from claims import DYESTUFF, ONE, SLEEPSTUDY, X, certificate, claim, dyestuff, model, refined, sleepstudy, term
from flint import ctx
from stored_layouts import text_of

from relmer.reference.verify import local as kernel
from relmer.reference.verify.at import evaluate
from relmer.reference.verify.data import Refused
from relmer.reference.verify.local import prove
from relmer.reference.verify.reading import read

SEX = ["sex1", "sex=1"]
BDF = model(
    "aritPOST",
    [ONE, ["aritPRET", "aritPRET"], SEX, ["schoolSES", "schoolSES"]],
    term("schoolNR", ONE, SEX),
)
# Stationary points that Newton's method refines; what they are is proved by the refusal.
GROUPS = ([3, 1, 4, 5, 4, 7, 2, 6], [2, 3, 1, 4, 3, 2, 1, 7, 4, 6, 5, 5], [-3], [4, 2, 4, 2, 8, 8, 2, 5])
ONE_MAXIMUM = "y,g\n" + "".join(f"{y},{g}\n" for g, values in enumerate(GROUPS) for y in values)
EFFECTS = [1, 2, -2]
ONE_SADDLE = "y,g,h\n" + "".join(
    f"{y + EFFECTS[i % 3]},{g},{i % 3}\n"
    for i, (y, g) in enumerate((y, g) for g, values in enumerate(GROUPS) for y in values)
)


def test_a_maximum_and_a_saddle_are_refused() -> None:
    one, two = (model("y", [ONE], *(term(name, ONE) for name in names)) for names in ("g", "gh"))
    for chosen, text, pivots, start in (
        (one, ONE_MAXIMUM, [[0]], [0.428]),
        (two, ONE_SADDLE, [[0], [0]], [0.36118962, 0.77328059]),
    ):
        R = refined(chosen, text, pivots, start)
        with pytest.raises(Refused, match="the Hessian is not positive definite"):
            prove(certificate(chosen, True, claim(R, pivots)), "decimal", text)


def test_a_minimum_on_a_face_with_a_negative_dual_is_refused() -> None:
    """Bdf has one on the face of rank 1, at 13550.137."""
    text = text_of("bdf.csv")
    R = refined(BDF, text, [[0]], [0.4883, 0.0113])
    data = read(BDF, "decimal", text)
    assert abs(float(evaluate(data, True, [[[float(x) for x in row] for row in R[0]]])["criterion"]) - 13550.137) < 5e-4
    with pytest.raises(Refused, match=r"^dual of term schoolNR is negative: -\d"):
        prove(certificate(BDF, True, claim(R, [[0]], duals=["1"])), "decimal", text)
    assert len(R) == 1


def test_a_wrong_rank_is_refused() -> None:
    stored, _ = sleepstudy(True)
    text = text_of("sleepstudy.csv")
    R = stored["readings"]["decimal"]["centre"][0]["R"]
    with pytest.raises(Refused, match="Krawczyk"):
        prove(certificate(SLEEPSTUDY, True, claim([[row[:1] for row in R]], [[0]], duals=["1"])), "decimal", text)
    face = refined(SLEEPSTUDY, text, [[0]], [0.6, 0.17])
    with pytest.raises(Refused, match="dual of term Subject is negative"):
        prove(certificate(SLEEPSTUDY, True, claim(face, [[0]], duals=["1"])), "decimal", text)
    boundary = certificate(DYESTUFF, True, claim([[["0"]]], [[0]]))
    with pytest.raises(Refused, match="centre of term Batch: a pivot is not positive"):
        prove(boundary, "decimal", text_of("Dyestuff2.csv"))


def test_the_default_fit_of_lme4_is_not_the_optimum() -> None:
    folder = Path(kernel.__file__).parent.parent / "recorded" / "lme4"
    theta = json.loads((folder / "sleepstudy.slopes-reml.json").read_text(encoding="utf-8"))["estimates"]["theta"]
    R = [[[str(Decimal(theta[0])), "0"], [str(Decimal(theta[1])), str(Decimal(theta[2]))]]]
    for radius, proved in ((str(Decimal(2) ** -60), False), ("2e-5", True)):
        stored = certificate(SLEEPSTUDY, True, claim(R, [[0, 1]], radius=radius, unique="2e-5"))
        if proved:
            assert 1e-6 < prove(stored, "double", text_of("sleepstudy.csv")).distance < 2e-5
        else:
            with pytest.raises(Refused, match=r"^Krawczyk: no stationary point is proved within 8.67"):
                prove(stored, "double", text_of("sleepstudy.csv"))


def test_a_centre_off_the_chart_is_refused() -> None:
    stored, _ = sleepstudy(True)
    claimed = stored["readings"]["decimal"]
    claimed["centre"][0]["R"][0][1] = "1e-70"
    with pytest.raises(Refused, match="R is not zero right of its pivots"):
        prove(stored, "decimal", text_of("sleepstudy.csv"))


def test_a_moved_centre_is_refused() -> None:
    stored, _ = sleepstudy(True, radius="1e-30")
    prove(stored, "decimal", text_of("sleepstudy.csv"))
    R = stored["readings"]["decimal"]["centre"][0]["R"]
    for i, k in ((0, 0), (1, 0), (1, 1)):
        with localcontext(prec=100):
            kept, R[i][k] = R[i][k], str(Decimal(R[i][k]) + Decimal("1e-15"))
        with pytest.raises(Refused, match="Krawczyk"):
            prove(stored, "decimal", text_of("sleepstudy.csv"))
        R[i][k] = kept
    prove(stored, "decimal", text_of("sleepstudy.csv"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"unique": "1.7"}, "unique 1.7: another"),  # -theta, the same G, is 1.6967 away
        ({"unique": "1e-56"}, "unique 1e-56"),
        ({"curvature": "1e3"}, "curvature 1e3"),
        ({"curvature": None}, "curvature is not positive"),
        ({"duals": ["1"]}, "dual of term Batch: there is none"),
        ({"duals": []}, "duals: one is needed"),
        ({"radius": "0"}, "radius is not positive"),
        ({"precision": 64}, "Krawczyk"),
        ({"precision": 10**6}, "precision"),
        ({"precision": True}, "precision"),
        ({"level": "numeric"}, "level numeric"),
        ({"level": "exact"}, "level exact"),
        ({"centre": []}, "centre does not fit"),
        ({"centre": [{"rank": 1, "pivots": [1], "R": [["1"]]}]}, "pivot rows"),
        ({"centre": [{"rank": 2, "pivots": [0, 0], "R": [["1", "1"]]}]}, "pivot rows"),
        ({"centre": [{"rank": 1, "pivots": [0], "R": [["0x1"]]}]}, "'0x1' is not a number"),
        ({"centre": [{"rank": 1, "pivots": [0], "R": [["9" * 5000]]}]}, "is not a number"),
        ({"centre": None}, "decimal.centre is missing"),
    ],
)
def test_claims_that_are_refused(changes: dict, reason: str) -> None:
    before = ctx.prec
    with pytest.raises(Refused, match=reason) as refusal:
        prove(dyestuff(True, **changes), "decimal", text_of("Dyestuff.csv"))
    assert "\n" not in str(refusal.value)
    assert ctx.prec == before


@pytest.mark.parametrize(
    ("changes", "text", "reason"),
    [
        ({"response": "Mass"}, None, "no column Mass"),
        ({"fixed": [ONE, ["b", "Batch"]]}, None, "'[A-F]' is not a number"),
        ({"fixed": [ONE, ["two"]]}, None, "X has not full rank"),
        ({"fixed": [ONE, ONE]}, None, "a name twice"),
        ({"fixed": []}, None, "an empty part"),
        ({"random": [{"name": "Batch", "group": "Batch", "columns": [ONE]}]}, None, "group is missing or of the wrong"),
        (
            {"fixed": [["s", "s"]], "scores": {"s": {"column": "Batch", "scores": {"A": 1}, "norm": 1}}},
            None,
            "no score",
        ),
        ({}, "Yield,Batch\n1,A,\n", "not a table"),
        ({}, "Yield,Yield,Batch\n1,1,A\n", "no column Yield, or two"),
        ({}, "Yield,Batch\n1,A\n", "no more rows than coefficients"),
        ({}, "", "not a table"),
    ],
)
def test_models_and_data_that_are_refused(changes: dict, text: str | None, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        read(DYESTUFF | changes, "decimal", text_of("Dyestuff.csv") if text is None else text)


def test_exact_is_for_balanced_one_way_layouts() -> None:
    """Not for slopes, groups of different sizes, or an x that is not Z but has Z'x = Z'Z in each group."""
    claimed = {"kind": "exact", "level": "exact"}
    other = "y,x,g\n1,0,a\n2,2,a\n4,1,b\n3,1,b\n"
    for chosen, text in (
        (SLEEPSTUDY, text_of("sleepstudy.csv")),
        (model("y", [ONE], term("g", ONE)), ONE_MAXIMUM),
        (model("y", [X], term("g", ONE)), other),
    ):
        with pytest.raises(Refused, match="exact: the layout is not a balanced one-way layout"):
            prove(certificate(chosen, True, claimed), "decimal", text)
