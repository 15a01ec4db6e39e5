"""docs/engines.md: its engine runs as it stands there, and what the page promises of orders and slips is so."""

import json
import re
import shlex
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pages import blocks, relmer, section, text_of

from relmer.datasets import case, data_of
from relmer.reference.answers import Model, Status, recorded
from relmer.reference.engines import UNDEFINED, EngineUnsupported, Fitted, answer, protocol

TEXT = text_of("docs/engines.md")
CODE = blocks(TEXT, "python")[0]
MODEL = case("dyestuff/reml")


def test_the_example_is_short() -> None:
    assert CODE.count("\n") < 60


def test_the_example_is_judged_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_r: None
) -> None:
    """In its child process, from files as the page names them."""
    (tmp_path / "oneway.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "engines.toml").write_text(blocks(TEXT, "toml")[0], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    command, printed = re.findall(r"^    (relmer .* --engine oneway .*)\n\n    (.*)$", TEXT, re.MULTILINE)[0]
    found = relmer(*shlex.split(command)[1:], "--jobs", "1")
    assert found.exit_code == 0, found.output
    told = re.sub(r" lme4-tight is recorded, not run, because .*? PATH\.", "", found.stdout)
    assert told.splitlines()[0] == printed
    report = json.loads((tmp_path / "relmer-report" / "report.json").read_text(encoding="utf-8"))
    seen = {(c["rung"], c["verdict"]) for c in report["comparisons"] if c["engine"] == "oneway"}
    assert seen == {(1, "not given"), (2, "not given"), (2, "agree"), (3, "agree"), (4, "agree"), (5, "agree")}
    (used,) = (e for e in report["engines"] if e["name"] == "oneway")
    assert used["environment"]["models"] == "one random intercept, no covariate"


def one_way(**members: Callable[..., Any]) -> Any:
    """The page's engine, with some members in the place of its own."""
    namespace: dict[str, Any] = {}
    exec(CODE, namespace)
    return type("Changed", (namespace["OneWay"],), members)()


def changed(**fields: Any) -> Any:
    """The page's engine, whose estimates have these fields in the place of its own."""
    honest = one_way().fit(MODEL).estimates
    return one_way(fit=lambda self, asked: Fitted(type(honest)(**{**vars(honest), **fields})))


def test_another_model_is_unsupported_and_says_why() -> None:
    said = answer(one_way(), case("sleepstudy/slopes-reml"), [])
    assert (said.status, said.message[:10]) == (Status.UNSUPPORTED, "oneway fit")


@pytest.mark.parametrize("number", ["1527.5", Fraction(3055, 2), Decimal("1527.5"), None, float("nan"), 1527.5j])
def test_numbers_are_floats(number: Any) -> None:
    for said in (answer(changed(beta=(number,)), MODEL, []), answer(changed(sigma=number), MODEL, [])):
        assert said.status is Status.FAILED
        assert "number" in said.message
    assert answer(changed(beta=np.array([1527.5])), MODEL, []).status is Status.FITTED


@pytest.mark.parametrize("error", [ValueError("so"), KeyError("so"), SystemExit("so"), MemoryError("so")])
def test_one_exception_alone_says_unsupported(error: BaseException) -> None:
    def refuse(self: object, asked: object) -> None:
        raise error

    assert answer(one_way(fit=refuse), MODEL, []).status is Status.FAILED
    error = EngineUnsupported("so")
    assert answer(one_way(fit=refuse), MODEL, []).status is Status.UNSUPPORTED


@pytest.mark.parametrize("nothing, status", [(None, "fitted"), (UNDEFINED, "fitted"), (float("nan"), "failed")])
def test_where_the_criterion_is_not_defined(nothing: Any, status: str) -> None:
    said = answer(one_way(criterion=lambda self, asked, thetas: [nothing for _ in thetas]), MODEL, [(1.0,)])
    assert said.status == status
    assert [point.value for point in said.criterion] == ([] if status == "failed" else [None, None])


def test_what_differs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_r: None) -> None:
    """b in another order of levels, SD for variance, another name of a coefficient: each at its rung."""
    honest = one_way().fit(MODEL).estimates
    slips = {
        "order": changed(b=tuple(honest.b)[::-1]),
        "deviation": changed(varcomp=(honest.varcomp[0] ** 0.5,)),
        "names": one_way(stages=lambda self, asked: (None, Model(None, None, None, ("Intercept",), None, None))),
    }
    for name, found in slips.items():
        found.name = found.house = name
    ours = protocol.entry_points(group="relmer.engines")
    planted = [
        SimpleNamespace(name=name, value=name, load=lambda found=found: lambda: found) for name, found in slips.items()
    ]
    monkeypatch.setattr(protocol, "entry_points", lambda group: [*ours, *planted])
    asked = [word for name in slips for word in ("--engine", name)]
    found = relmer("run", *asked, "--case", MODEL.name, "--jobs", "1", "--out", str(tmp_path / "out"))
    assert found.exit_code == 1, found.output
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    wrong = {
        (c["engine"], c["rung"], c["quantity"])
        for c in report["comparisons"]
        if c["verdict"] == "wrong" and c["engine"] in slips
    }
    assert wrong == {("order", 5, "b"), ("deviation", 5, "varcomp"), ("names", 2, "coefficient names")}


def test_the_orders_are_lme4s() -> None:
    """By the model's equations, from what lme4 returned for three columns: theta to varcomp and V, b to the fitted."""
    asked = case("machines/by-machine-reml")
    said = recorded.read("lme4-tight", asked)
    assert said is not None and said.estimates is not None
    e, frame = said.estimates, data_of(asked)
    machine, worker = frame["Machine"].cat.codes.to_numpy(), frame["Worker"].cat.codes.to_numpy()
    T = np.zeros((3, 3))
    below = np.tril_indices(3)
    by_columns = sorted(zip(*below, strict=True), key=lambda at: (at[1], at[0]))
    for (row, column), entry in zip(by_columns, e.theta, strict=True):
        T[row, column] = entry
    G = e.sigma**2 * T @ T.T
    dummies = np.eye(3)[machine]
    b = np.reshape(e.b, (-1, 3))
    fixed = np.column_stack([np.ones(len(frame)), dummies[:, 1:]]) @ e.beta
    # Products of a few terms, each rounded to 2^-53 of its size; 1e-12 is 1e4 of these.
    assert e.varcomp == pytest.approx([G[at] for at in by_columns], rel=1e-12)
    assert e.fitted == pytest.approx(fixed + b[worker, machine], rel=1e-12)
    assert e.V_diagonal == pytest.approx(np.diag(G)[machine] + e.sigma**2, rel=1e-12)


def test_the_page_names_what_the_protocol_has() -> None:
    for member in protocol.MEMBERS:
        assert f"`{member}" in TEXT, member
    for heading in ("What it is asked", "Orders and lengths", "What goes wrong", "Kinship"):
        assert section(TEXT, heading)
