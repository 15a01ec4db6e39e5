"""The certified models: what models.toml describes by hand is what the solver builds from the formula."""

import csv
import io
import math
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from stored_layouts import text_of

from relmer.datasets import DATA, Case, case, cases, load
from relmer.reference.certificates.texts import CERTIFIED, csv_path, csv_text
from relmer.reference.certify.models import described, models, stored_text
from relmer.reference.own_fits import design_of
from relmer.solver.model.term import group_names

MODELS: dict[str, dict[str, Any]] = {
    model["name"]: model for model in tomllib.loads((CERTIFIED / "models.toml").read_text(encoding="utf-8"))["model"]
}
# Logarithms and standardised columns are not rational.
NOT_RATIONAL = {"sleepstudy/scaled-reml", "sleepstudy/scaled-ml"}


def rows_of(model: dict[str, Any]) -> list[dict[str, str]]:
    """Rows without an empty field in a column that the model uses."""
    scores = model.get("scores", {})
    columns = [*model["fixed"], *(column for term in model["random"] for column in term["columns"])]
    factors = {factor for column in columns for factor in column[1:]}
    used = {scores[f]["column"] if f in scores else f.partition("=")[0] for f in factors}
    used |= {model["response"], *(name for term in model["random"] for name in term["group"])}
    rows = csv.DictReader(io.StringIO(text_of(f"{model['dataset']}.csv")))
    return [row for row in rows if all(row[name] not in ("", "NA") for name in used)]


def value(model: dict[str, Any], factor: str, row: dict[str, str]) -> float:
    """One factor of a product in one row."""
    if factor in model.get("scores", {}):
        score = model["scores"][factor]
        return float(score["scores"][row[score["column"]]] / math.sqrt(score["norm"]))
    name, indicator, level = factor.partition("=")
    return float(row[name] == level) if indicator else float(row[name])


def matrix(model: dict[str, Any], columns: list[list[str]], rows: list[dict[str, str]]) -> np.ndarray:
    """Columns of products."""
    return np.array([[math.prod(value(model, f, row) for f in column[1:]) for column in columns] for row in rows])


@pytest.mark.parametrize("name", MODELS)
def test_the_description_is_the_design(name: str) -> None:
    model = MODELS[name]
    design, rows = design_of(Case(name, model["dataset"], model["formula"], True, "", "")), rows_of(model)
    assert design.y.tolist() == [float(row[model["response"]]) for row in rows]
    assert [column[0] for column in model["fixed"]] == list(design.coefficients)
    X = matrix(model, model["fixed"], rows)
    if "scores" in model:  # the solver orthogonalises in doubles; the entries are below 1
        assert np.abs(X - design.X).max() <= np.spacing(1.0)
    else:
        assert np.array_equal(X, design.X)
    assert [term["name"] for term in model["random"]] == list(group_names(design.terms))
    blocks = []
    for random_term, term in zip(model["random"], design.terms, strict=True):
        assert [column[0] for column in random_term["columns"]] == list(term.columns)
        codes = {level: code for code, level in enumerate(term.levels)}
        rank = np.array([codes[":".join(row[column] for column in random_term["group"])] for row in rows])
        width, entries = len(term.columns), matrix(model, random_term["columns"], rows)
        i, j = np.indices(entries.shape)
        shape = (len(rows), len(term.levels) * width)
        blocks.append(sparse.coo_array((entries.ravel(), (i.ravel(), (rank[:, None] * width + j).ravel())), shape))
    assert (sparse.csc_array(sparse.hstack(blocks)) != design.Z).nnz == 0


@pytest.mark.parametrize("name", MODELS)
def test_the_cases_are_those_of_the_model(name: str) -> None:
    model = MODELS[name]
    for criterion, case_name in model["cases"].items():
        found = case(case_name)
        assert (found.dataset, found.formula) == (model["dataset"], model["formula"])
        assert found.reml == {"reml": True, "ml": False}[criterion]


def test_names_are_unique() -> None:
    listed = tomllib.loads((CERTIFIED / "models.toml").read_text(encoding="utf-8"))["model"]
    assert len(listed) == len(MODELS)


def test_every_mixed_case_has_a_model() -> None:
    covered = {(model["dataset"], model["formula"]) for model in MODELS.values()}
    lacking = {found.name for found in cases() if "|" in found.formula} - NOT_RATIONAL
    assert {name for name in lacking if (case(name).dataset, case(name).formula) not in covered} == set()


# One component of 167 effects: a leaf takes seconds.
TOO_LARGE = {"scotssec"}


def test_a_global_proof_is_wanted_where_it_is_within_reach() -> None:
    for name, model in MODELS.items():
        widths = [len(term["columns"]) for term in model["random"]]
        parameters = sum(width * (width + 1) // 2 for width in widths)
        within_reach = parameters <= 3 and not name.startswith("nist-") and name not in TOO_LARGE
        assert model.get("global", False) == within_reach, name


@pytest.mark.parametrize("name", sorted({model["dataset"] for model in MODELS.values()}))
def test_the_text_of_a_data_set_is_the_data_set(name: str) -> None:
    frame, rows = load(name).frame, list(csv.DictReader(io.StringIO(text_of(f"{name}.csv"))))
    for column in frame.select_dtypes("number"):
        assert [float(row[column] or "nan") for row in rows] == pytest.approx(frame[column], rel=0, abs=0, nan_ok=True)
    for column in frame.select_dtypes("category"):
        texts = frame[column].astype(object).where(frame[column].notna(), "")
        assert [row[column] for row in rows] == texts.tolist()


def test_a_description_is_plain_data() -> None:
    model = next(model for model in models() if model.name == "sleepstudy-slopes")
    assert described(model)["random"] == [
        {"name": "Subject", "group": ["Subject"], "columns": [["(Intercept)"], ["Days", "Days"]]}
    ]


def test_an_unknown_field_is_refused(tmp_path: Path) -> None:
    text = (CERTIFIED / "models.toml").read_text(encoding="utf-8")
    (tmp_path / "models.toml").write_text(text.replace("response =", "respons =", 1), encoding="utf-8")
    with pytest.raises(ValueError, match="response is missing"):
        models(tmp_path / "models.toml")


def test_a_file_without_models_is_refused(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text("model = 3", encoding="utf-8")
    with pytest.raises(ValueError, match=r"^models\.toml: model stands outside a \[\[model\]\] table"):
        models(tmp_path / "models.toml")


def test_a_derived_data_set_is_stored_for_the_proof(tmp_path: Path) -> None:
    stored = stored_text("three_level", tmp_path)
    assert stored == csv_text("three_level")
    assert csv_path("three_level", tmp_path) == tmp_path / "data" / "three_level.csv"
    assert csv_text("three_level", tmp_path) == stored
    stored_text("Dyestuff", tmp_path)
    assert csv_path("Dyestuff", tmp_path) == DATA / "Dyestuff.csv"
