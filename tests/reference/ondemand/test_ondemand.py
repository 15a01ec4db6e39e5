"""Certificates of a person's own model: exact laws, invariances, and what is not proved."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import DATA, Case, keep_table, load
from relmer.reference.certificates import CERTIFIED
from relmer.reference.ondemand import Source, Unproved, certify, verified
from relmer.reference.ondemand.describe import Undescribed, described, polynomial
from relmer.reference.ondemand.make import check_same, texts_of
from relmer.reference.verify import Refused, tabulate
from relmer.solver.language import build, model_frame, parse

Certify = Callable[..., dict[str, Any]]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Certify]:
    """Certify a formula on a CSV file."""
    with ExitStack():
        count = iter(range(1000))

        def make(
            file: Path | str,
            formula: str,
            reml: bool = True,
            wants_global: bool = False,
            asked: Mapping[str, Any] = MappingProxyType({}),
            **form: Any,
        ) -> dict[str, Any]:
            path = tmp_path / f"data{next(count)}.csv"
            if isinstance(file, Path):
                shutil.copy(file, path)
            else:
                path.write_text(file, encoding="utf-8")
            source = Source(path, **form)
            kept = tmp_path / f"kept-{path.stem}"
            kept.mkdir()
            name = keep_table(path, kept, source.separator, source.decimal, tuple(source.missing))
            case = Case("my/1", name, formula, reml=reml, document="", source=path.name, **asked)
            return certify(case, source, path.stem, tmp_path, wants_global, lambda line: None).certificate

        yield make


def value(certificate: dict[str, Any], key: str, reading: str | None = None) -> tuple[Fraction, Fraction]:
    claims = certificate["readings"]
    stored = claims[reading or next(iter(claims))]["values"][key]
    return Fraction(stored["value"]), Fraction(stored["radius"])


def holds(enclosed: tuple[Fraction, Fraction], exact: Fraction) -> bool:
    return abs(enclosed[0] - exact) <= enclosed[1]


def overlap(one: tuple[Fraction, Fraction], other: tuple[Fraction, Fraction]) -> bool:
    return abs(one[0] - other[0]) <= one[1] + other[1]


def test_a_growth_curve_has_its_exact_sigma(own: Certify) -> None:
    """MANOVA of the balanced sleepstudy: sigma^2 = 778069940161891 / 1188000000000, by ML and by REML."""
    for reml in (True, False):
        found = own(DATA / "sleepstudy.csv", "Reaction ~ Days + (Days | Subject)", reml)
        assert holds(value(found, "sigma2", "decimal"), Fraction(778069940161891, 1188000000000))


def test_a_balanced_layout_has_its_closed_form(own: Certify) -> None:
    """One-way by REML, rational ANOVA: sigma^2 = MSW, var = (MSB - MSW) / k."""
    rows = {"a": [1, 4, 7], "b": [12, 9, 11], "c": [3, 8, 5]}
    text = "y,g\n" + "".join(f"{y / 10},{g}\n" for g, ys in rows.items() for y in ys)
    found = own(text, "y ~ 1 + (1 | g)")
    means = [Fraction(sum(ys), 30) for ys in rows.values()]
    within = sum((Fraction(y, 10) - m) ** 2 for ys, m in zip(rows.values(), means, strict=True) for y in ys) / 6
    between = 3 * sum((m - sum(means) / 3) ** 2 for m in means) / 2
    assert found["readings"]["decimal"]["level"] == "exact"
    assert holds(value(found, "sigma2", "decimal"), within)
    assert holds(value(found, "var[g, (Intercept)]", "decimal"), (between - within) / 3)


@pytest.mark.parametrize(
    "stored", ["penicillin.reml", "pastes.ml", "dyestuff2.reml", "sleepstudy-uncorrelated.reml", "oats.reml"]
)
def test_it_says_what_the_description_by_hand_says(own: Certify, stored: str) -> None:
    hand = json.loads((CERTIFIED / f"{stored}.json").read_text(encoding="utf-8"))
    found = own(DATA / hand["data"]["file"], hand["formula"], hand["REML"])
    for reading in found["readings"].keys() & hand["readings"].keys():
        for key in found["readings"][reading]["values"]:
            assert overlap(value(found, key, reading), value(hand, key, reading)), key


INVARIANT = [
    ("y ~ x + I(x^2) + (1 | g)", "y ~ poly(x, 2) + (1 | g)"),
    ("y ~ x + (1 | g)", "y ~ scale(x) + (1 | g)"),
    ("y ~ log(x) + (log(x) | g)", "y ~ log2(x) + (log10(x) | g)"),
    ("y ~ sqrt(x) + (1 | g)", "y ~ I(2 * x^0.5 - 1) + (1 | g)"),
    ("y ~ exp(x / 10) + (1 | g)", "y ~ I(exp((x + 1) / 10)) + (1 | g)"),
    ("y ~ k + (1 | g)", "y ~ 0 + k + (1 | g)"),
    ("y ~ x * k + (1 | g)", "y ~ k / x + (1 | g)"),
    ("y ~ x + (x | g)", "y ~ x + (scale(x, scale = FALSE) | g)"),
    ("y ~ cut(x, c(0, 4, 6, 99)) + (1 | g)", "y ~ I(x <= 4) + I(x <= 6) + (1 | g)"),
]


def unbalanced(seed: int = 4, rows: int = 90) -> str:
    random = np.random.default_rng(seed)
    g, k = random.integers(0, 12, rows), random.integers(0, 3, rows)
    x = np.round(random.uniform(1, 9, rows), 2)
    y = np.round(x + random.normal(size=12)[g] * (1 + 0.4 * x) + k + random.normal(size=rows), 3)
    return "y,x,g,k\n" + "".join(f"{y[i]},{x[i]},g{g[i]},{'uvw'[k[i]]}\n" for i in range(rows))


@pytest.mark.parametrize("one, other", INVARIANT)
def test_the_deviance_does_not_know_the_basis(own: Certify, one: str, other: str) -> None:
    """By ML the optimum depends on the spaces of columns alone: the two proofs, from the decimals, must overlap."""
    text = unbalanced()
    found = [own(text, formula, False) for formula in (one, other)]
    assert all("decimal" in certificate["readings"] or "double" in certificate["readings"] for certificate in found)
    for key in ("criterion", "sigma2"):
        assert overlap(*(value(certificate, key) for certificate in found))


def test_ordered_factors_are_exact_polynomials() -> None:
    """contr.poly of 4 levels by hand: (-3, -1, 1, 3) / sqrt(20), (1, -1, -1, 1) / 2, (-1, 3, -3, 1) / sqrt(20)."""
    assert [polynomial(4, j) for j in (1, 2, 3)] == [([-3, -1, 1, 3], 20), ([1, -1, -1, 1], 4), ([-1, 3, -3, 1], 20)]


FORMULAS = [
    *(formula for pair in INVARIANT for formula in pair),
    "I(y / 10) ~ x:k + (0 + k | g)",
    "y ~ factor(k) + (x || g) + (1 | g:k)",
    "y ~ C(factor(k), contr.sum) * x + (1 | k/g)",
    "y ~ poly(x, 3, raw = TRUE) + (poly(x, 2) | g)",
    "y ~ ifelse(x > 5, 1, 0) + (1 | g)",
    "y ~ I(-x) + log(x, 2) + scale(x):x + (1 | factor(g))",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_description_is_the_design(formula: str, tmp_path: Path) -> None:
    """What is described is what the formula means, column by column; or it is said that it is not described."""
    path = tmp_path / "d.csv"
    path.write_text(unbalanced(), encoding="utf-8")
    frame = model_frame(parse(formula), load(keep_in(path, tmp_path)).frame)
    design, source = build(frame), Source(path)
    text = path.read_text(encoding="utf-8")
    try:
        model = described(frame, design, texts_of(text, source, frame), source.form)
    except Undescribed as reason:
        assert "ifelse" in formula, reason
        return
    check_same(tabulate(model, "double", text), design)
    broken = json.loads(json.dumps(model).replace('"x"]', '"y"]')) if '"x"]' in json.dumps(model) else None
    if broken is not None:
        with pytest.raises((Undescribed, Refused)):
            check_same(tabulate(broken, "double", text), design)


def keep_in(path: Path, folder: Path) -> str:
    (folder / "kept").mkdir()
    return keep_table(path, folder / "kept")


def test_another_way_to_write_a_file_is_another_file_of_the_same_numbers(own: Certify) -> None:
    text = unbalanced()
    other = text.replace(",", ";").replace(".", ",").replace("\n", "\n?;1,5;g1;u\n", 3)
    found = own(text, "y ~ x + (1 | g)"), own(other, "y ~ x + (1 | g)", separator=";", decimal=",", missing=("?",))
    assert found[0]["data"]["rows"] == found[1]["data"]["rows"] == 90
    assert overlap(*(value(certificate, "criterion", "decimal") for certificate in found))


def test_what_is_computed_in_doubles_is_proved_of_the_matrices(own: Certify, tmp_path: Path) -> None:
    found = own(unbalanced(), "y ~ I(ifelse(x > 5, 0.1, 0) * 3) + (1 | g)")
    assert list(found["readings"]) == ["matrices"]
    assert (tmp_path / f"{found['name']}.matrices.csv.gz").exists()
    # The span of X alone matters.
    plain = (
        own(unbalanced(), "y ~ I(x > 5) + (1 | g)", False),
        own(unbalanced(), "y ~ I(ifelse(x > 5, 0.1, 0) * 3) + (1 | g)", False),
    )
    assert abs(value(plain[0], "criterion")[0] - value(plain[1], "criterion")[0]) < Fraction(1, 10**9)


def test_a_large_model_is_proved(own: Certify) -> None:
    """250 subjects and 40 items that rows link, taken apart; the proof is that of the transposed roles too."""
    random = np.random.default_rng(2)
    s, i = random.integers(0, 250, 2500), random.integers(0, 40, 2500)
    y = np.round(random.normal(size=250)[s] + random.normal(size=40)[i] + random.normal(size=2500), 2)
    frame = pd.DataFrame({"y": y, "s": [f"s{k}" for k in s], "i": [f"i{k}" for k in i]})
    found = own(frame.to_csv(index=False), "y ~ 1 + (1 | s) + (1 | i)")
    turned = own(frame.sample(frac=1, random_state=1).to_csv(index=False), "y ~ 1 + (1 | i) + (1 | s)")
    assert {claim["level"] for claim in found["readings"].values()} == {"local-proved"}
    for key in ("criterion", "sigma", "theta[s.(Intercept)]", "theta[i.(Intercept)]", "se[(Intercept)]"):
        assert overlap(value(found, key, "double"), value(turned, key, "double"))


@pytest.mark.parametrize(
    "formula, why",
    [
        ("y ~ x", "no random effects"),
        ("y ~ x + (1 | g) + (1 | h)", "do not tell apart"),
    ],
)
def test_what_has_no_optimum_of_its_own_is_told(own: Certify, formula: str, why: str) -> None:
    text = unbalanced().replace("y,x,g,k\n", "y,x,g,k,h\n")
    lines = text.splitlines()
    text = "\n".join([lines[0], *(f"{line},h{line.split(',')[2]}" for line in lines[1:])]) + "\n"
    with pytest.raises(Unproved, match=why):
        own(text, formula)


def test_a_global_proof_is_made_where_it_is_wanted(own: Certify) -> None:
    found = own(unbalanced(), "y ~ x + (1 | g)", wants_global=True)
    assert {claim["level"] for claim in found["readings"].values()} == {"global-proved"}


def test_a_planted_error_is_refused(own: Certify, tmp_path: Path) -> None:
    """A datum, a theta off by 1e-3, a wrong description, a value, another file: each is seen by the kernel."""
    found = own(unbalanced(), "y ~ x + (x | g)")
    path, data = tmp_path / f"{found['name']}.json", tmp_path / found["data"]["file"]
    assert {proof.level for proof in verified(path, data).values()} == {"local-proved"}
    text = path.read_text(encoding="utf-8")

    def changed(change: Callable[[dict[str, Any]], None]) -> Path:
        stored = json.loads(text)
        change(stored)
        other = tmp_path / "changed.json"
        other.write_text(json.dumps(stored), encoding="utf-8")
        return other

    def moved(stored: dict[str, Any]) -> None:
        entry = stored["readings"]["double"]["centre"][0]["R"][0]
        entry[0] = str(Fraction(entry[0]).__float__() + 1e-3)

    def redescribed(stored: dict[str, Any]) -> None:
        stored["model"]["random"][0]["columns"] = [["(Intercept)", "x"], ["x"]]

    def other_value(stored: dict[str, Any]) -> None:
        stored["readings"]["decimal"]["values"]["sigma"]["value"] = "1.5"

    for change, why in [(moved, "Krawczyk"), (redescribed, "Krawczyk|value"), (other_value, "value sigma")]:
        with pytest.raises(Unproved, match=why):
            verified(changed(change), data)
    data.write_text(data.read_text(encoding="utf-8").replace("g1,", "g2,", 1), encoding="utf-8")
    with pytest.raises(Unproved, match="sha256"):
        verified(path, data)
