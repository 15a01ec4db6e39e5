"""Certificates with lme4's arguments: each is held against an exact law that says what the argument does."""

import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.datasets import Case, keep_table, read_types
from relmer.reference.ondemand import Source, Unproved, certify, verified
from relmer.reference.verify import Refused, tabulate

Enclosed = tuple[Fraction, Fraction]
FORMULA = "y ~ x + (x | g)"


def table(seed: int = 8, rows: int = 72) -> list[dict[str, str]]:
    """Rows of texts: whole weights w, an offset o, a number x that is zero in some rows, a category k, a group g."""
    random = np.random.default_rng(seed)
    g = random.integers(0, 9, rows)
    x = np.where(random.random(rows) < 0.1, 0.0, np.round(random.uniform(0.5, 4, rows), 2))
    y = np.round(2 * x + random.normal(size=9)[g] * (1 + 0.6 * x) + random.normal(size=rows), 2)
    columns = {
        "y": y,
        "x": x,
        "w": random.integers(1, 5, rows),
        "o": np.round(random.normal(size=rows), 1),
        "k": random.choice(["low", "mid", "high"], rows),
        "g": [f"g{i}" for i in g],
    }
    return [dict(zip(columns, map(str, row), strict=True)) for row in zip(*columns.values(), strict=True)]


def csv(rows: list[dict[str, str]]) -> str:
    return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]) + "\n"


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Certify a formula with arguments on a CSV file; the kernel has proved it from the files when this returns."""
    count = iter(range(100))

    def make(rows: list[dict[str, str]], formula: str = FORMULA, types: str = "", **asked: Any) -> dict[str, Any]:
        path = tmp_path / f"d{next(count)}.csv"
        path.write_text(csv(rows), encoding="utf-8")
        (tmp_path / "types.toml").write_text(types, encoding="utf-8")
        (kept := tmp_path / f"kept-{path.stem}").mkdir()
        name = keep_table(path, kept, types=read_types(tmp_path / "types.toml") if types else ())
        reml, wants_global = asked.pop("reml", True), asked.pop("wants_global", False)
        case = Case("my/1", name, formula, reml=reml, document="", source=path.name, **asked)
        return certify(case, Source(path), path.stem, tmp_path, wants_global, lambda line: None).certificate

    return make


def value(certificate: Mapping[str, Any], key: str, reading: str | None = None) -> Enclosed:
    claims = certificate["readings"]
    stored = claims[reading or next(iter(claims))]["values"][key]
    assert Fraction(stored["radius"]) < Fraction(1, 10**25)
    return Fraction(stored["value"]), Fraction(stored["radius"])


def same(one: Enclosed, other: Enclosed, shift: Fraction = Fraction(0)) -> bool:
    return abs(one[0] - other[0] - shift) <= one[1] + other[1] + Fraction(1, 10**28)


KEYS = ("criterion", "sigma", "theta[g.(Intercept)]", "beta[x]", "se[x]", "var[g, x]")


@pytest.mark.parametrize("reml", [True, False])
def test_weights_move_the_criterion_by_their_logarithms(own: Callable[..., Any], reml: bool) -> None:
    """V = I + W^1/2 ZGZ'W^1/2 and -log|W|: weights c w have sigma sqrt(c) larger and a criterion that is the same.

    Var(e) = sigma^2 / w is unchanged if sigma^2 and all w grow by c; G = Cov(b) / sigma^2 falls by c, Cov(b) stays.
    """
    rows = table()
    tripled = [row | {"w": str(3 * int(row["w"]))} for row in rows]
    one, three = (own(data, weights="w", reml=reml) for data in (rows, tripled))
    for key in ("criterion", "beta[x]", "se[x]", "var[g, x]"):
        assert same(value(one, key), value(three, key)), key
    assert same((3 * value(one, "sigma2")[0], 3 * value(one, "sigma2")[1]), value(three, "sigma2"))
    assert same(value(own(rows, weights="3 * w", reml=reml), "criterion"), value(three, "criterion"))


def test_a_weighted_criterion_is_that_of_the_density(own: Callable[..., Any]) -> None:
    """-2 log of the normal density at the certified estimates, dense, by mpmath to 40 digits."""
    rows = table(rows=30)
    found = own(rows, "y ~ x + (1 | g)", weights="w", offset="o", reml=False)
    with mpmath.workdps(40):
        number = {key: mpmath.mpf(value(found, key)[0].numerator) / value(found, key)[0].denominator for key in (
            "sigma2", "var[g, (Intercept)]", "beta[(Intercept)]", "beta[x]", "criterion",
        )}  # fmt: skip
        V = mpmath.matrix(len(rows))
        for i, one in enumerate(rows):
            for j, other in enumerate(rows):
                V[i, j] = number["var[g, (Intercept)]"] * (one["g"] == other["g"])
            V[i, i] += number["sigma2"] / mpmath.mpf(one["w"])
        mean = [number["beta[(Intercept)]"] + number["beta[x]"] * mpmath.mpf(row["x"]) for row in rows]
        left = [mpmath.mpf(row["y"]) - mpmath.mpf(row["o"]) - m for row, m in zip(rows, mean, strict=True)]
        r = mpmath.matrix(left)
        deviance = len(rows) * mpmath.log(2 * mpmath.pi) + mpmath.log(mpmath.det(V)) + (r.T * mpmath.lu_solve(V, r))[0]
        # The values are proved to 28 digits and more.
        assert abs(deviance - number["criterion"]) < mpmath.mpf("1e-24")


@pytest.mark.parametrize("where", ["formula", "argument", "both"])
def test_an_offset_along_x_moves_beta_alone(own: Callable[..., Any], where: str) -> None:
    rows = table()
    added = {"formula": "y ~ x + offset(0.5 * x) + (x | g)", "both": "y ~ x + offset(x / 4) + (x | g)"}
    asked = {"argument": {"offset": "0.5 * x"}, "both": {"offset": "x / 4"}}
    plain, found = own(rows), own(rows, added.get(where, FORMULA), **asked.get(where, {}))
    for key in set(KEYS) - {"beta[x]"}:
        assert same(value(plain, key, "decimal"), value(found, key, "decimal")), key
    assert same(value(plain, "beta[x]", "decimal"), value(found, "beta[x]", "decimal"), Fraction(1, 2))


def test_a_subset_is_the_file_of_these_rows(own: Callable[..., Any]) -> None:
    """Rows where log(x) is none are left out with the others; a missing weight drops its row."""
    rows = table()
    rows[4] |= {"w": "NA"}
    kept = [row for row in rows if float(row["x"]) > 0 and row["k"] != "mid" and row["w"] != "NA"]
    found = own(rows, "y ~ log(x) + (1 | g)", subset="x > 0 & k != 'mid'", weights="w")
    plain = own(kept, "y ~ log(x) + (1 | g)", weights="w")
    assert list(found["readings"]) == ["decimal", "matrices"]
    assert found["data"]["rows"] == len(kept)
    for reading in found["readings"]:
        for key in ("criterion", "sigma", "beta[log(x)]"):
            assert same(value(found, key, reading), value(plain, key, reading)), (reading, key)


def test_contrasts_and_the_order_of_levels_move_no_optimum(own: Callable[..., Any]) -> None:
    """By ML the space of X alone matters; beta of treatments is that of sums, recombined."""
    rows = table()
    plain = own(rows, "y ~ k + (1 | g)", reml=False)
    for asked in (
        {"contrasts": {"k": "contr.sum"}},
        {"contrasts": {"k": "contr.helmert"}},
        {"contrasts": {"k": "contr.poly"}, "levels": {"k": ("low", "mid", "high")}},
        {"levels": {"k": ("mid", "low", "high")}},
    ):
        found = own(rows, "y ~ k + (1 | g)", reml=False, **asked)
        if "contr.poly" not in str(asked):
            assert "matrices" not in found["readings"], asked
            assert same(value(plain, "criterion"), value(found, "criterion")), asked
        else:
            assert abs(float(value(plain, "criterion")[0] - value(found, "criterion")[0])) < 1e-9


def test_stated_types_are_described_too(own: Callable[..., Any]) -> None:
    """A number that is stated to be a category is one, by the texts of the file."""
    rows = table()
    texts = [row | {"w": f"w{row['w']}"} for row in rows]
    found = own(rows, "y ~ w + (1 | g)", types='[[column]]\nname = "w"\ntype = "factor"\n')
    plain = own(texts, "y ~ w + (1 | g)")
    assert "matrices" not in found["readings"]
    assert same(value(found, "criterion"), value(plain, "criterion"))


def test_a_global_proof_knows_weights(own: Callable[..., Any]) -> None:
    found = own(table(), "y ~ x + (1 | g)", weights="w", offset="o", subset="k != 'low'", wants_global=True)
    assert {claim["level"] for claim in found["readings"].values()} == {"global-proved"}


def test_other_weights_offsets_and_rows_are_refused(own: Callable[..., Any], tmp_path: Path) -> None:
    """What a certificate says of them is proved: another one does not have these values."""
    found = own(table(), weights="w", offset="o", subset="k != 'low'")
    path, data = tmp_path / f"{found['name']}.json", tmp_path / found["data"]["file"]
    assert verified(path, data)
    first = found["model"]["rows"].split()[0].partition("-")[0]
    changes: list[dict[str, Any]] = [
        {"weights": "x"},
        {"weights": "o"},
        {"offsets": []},
        {"offsets": ["o", "x"]},
        {"rows": f"{first}"},
        {"rows": "1-72"},
        {"rows": "0-3"},
        {"rows": "9 8"},
        {"rows": "1-99999999"},
        {"rows": "1-x"},
        {"rows": 3},
        {"weights": ["w"]},
        {"offsets": "o"},
    ]
    for change in changes:
        stored = json.loads(path.read_text(encoding="utf-8"))
        stored["model"] |= change
        (tmp_path / "changed.json").write_text(json.dumps(stored), encoding="utf-8")
        with pytest.raises(Unproved, match=r"^[^\n]*$"):
            verified(tmp_path / "changed.json", data)


def test_rows_that_are_named_lack_nothing() -> None:
    model = {
        "response": "y",
        "fixed": [["(Intercept)"]],
        "random": [{"name": "g", "group": ["g"], "columns": [["(Intercept)"]]}],
        "rows": "1-2 4",
    }
    text = "y,g\n1,a\n2,a\n3,b\n4,b\nNA,b\n"
    assert len(tabulate(model, "decimal", text).levels) == 3
    with pytest.raises(Refused, match="row 5 is to take part, and lacks a value"):
        tabulate(model | {"rows": "1-5"}, "decimal", text)


def test_denominators_that_have_nothing_in_common_are_balls() -> None:
    """1/x of many different x: a common denominator would have millions of digits."""
    lines = [f"{i % 7}.5,{100_003 + 2 * i},g{i % 5}" for i in range(3000)]
    model = {
        "response": "y",
        "fixed": [["(Intercept)"], ["1/x", "1/x"]],
        "random": [{"name": "g", "group": ["g"], "columns": [["(Intercept)"]]}],
        "expressions": {"1/x": ["/", ["number", "1"], ["column", "x"]]},
        "weights": "1/x",
    }
    found = tabulate(model, "decimal", "y,x,g\n" + "\n".join(lines) + "\n")
    assert not found.rational


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """A certificate, its data, and its text."""
    folder = tmp_path_factory.mktemp("made")
    (data := folder / "d.csv").write_text(csv(table(rows=40)), encoding="utf-8")
    (kept := folder / "kept").mkdir()
    case = Case(
        "my/1", keep_table(data, kept), "y ~ log(x + 1) + (1 | g)", reml=True, document="", source="", weights="w"
    )
    found = certify(case, Source(data), "d", folder, False, lambda line: None)
    return found.path, data, found.path.read_text(encoding="utf-8")


def nodes(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in JSON."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(found for key, below in inner for found in nodes(below, (*path, key)))]


JUNK = [
    None,
    True,
    -1,
    1e308,
    float("nan"),
    "",
    "a\nb\x1b[31m",
    "9" * 2000,
    "1e999",
    [],
    {},
    [[[]]],
    10**400,
    "../../x",
]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_junk_in_a_certificate_is_refused_in_one_line(made: tuple[Path, Path, str], data: st.DataObject) -> None:
    """Or it stands where nothing is claimed, and what is claimed is proved as before."""
    path, file, text = made
    stored = json.loads(text)
    where = data.draw(st.sampled_from([one for one in nodes(stored) if one]))
    at = stored
    for key in where[:-1]:
        at = at[key]
    at[where[-1]] = data.draw(st.sampled_from(JUNK))
    (changed := path.parent / "changed.json").write_text(json.dumps(stored), encoding="utf-8")
    try:
        proofs = verified(changed, file)
    except Unproved as refusal:
        assert str(refusal).isprintable()
    else:
        assert all(proof.level == "local-proved" for proof in proofs.values())


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_one_other_digit_of_a_value_is_refused(made: tuple[Path, Path, str], data: st.DataObject) -> None:
    path, file, text = made
    stored = json.loads(text)
    reading = data.draw(st.sampled_from(sorted(stored["readings"])))
    values = stored["readings"][reading]["values"]
    entry = values[data.draw(st.sampled_from(sorted(values)))]
    digits = [i for i, c in enumerate(entry["value"].partition("e")[0]) if c.isdigit()]
    at = data.draw(st.sampled_from(digits))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != entry["value"][at]]))
    before = entry["value"]
    entry["value"] = before[:at] + other + before[at + 1 :]
    if abs(Fraction(entry["value"]) - Fraction(before)) <= 2 * Fraction(entry["radius"]):
        return  # Another number that is as near.
    (changed := path.parent / "changed.json").write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(Unproved, match="value"):
        verified(changed, file)


def test_a_column_may_have_a_sign_of_equality_in_its_name(own: Callable[..., Any]) -> None:
    rows = table()
    odd = [{{"k": "k=1", "x": "x=2"}.get(name, name): text for name, text in row.items()} for row in rows]
    found = own(odd, "y ~ `x=2` + `k=1` + (1 | g)", reml=False)
    assert "matrices" not in found["readings"]
    assert same(value(found, "criterion"), value(own(rows, "y ~ x + k + (1 | g)", reml=False), "criterion"))
