"""Bisection trees: whole proofs of the lowest minimum, and trees that must be refused."""

import copy
import gzip
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import stored_layouts
from claims import refined
from flint import fmpq

from relmer.reference.certify import branch
from relmer.reference.verify.data import Refused
from relmer.reference.verify.local import prove
from relmer.reference.verify.reading import read
from relmer.reference.verify.trees import head_of, prove_tree, roots


def stored(name: str) -> tuple[dict[str, Any], str]:
    """A certificate, and the CSV."""
    certificate = stored_layouts.certificate(name)
    return certificate, stored_layouts.text_of(certificate["data"]["file"])


@cache
def tree_of(name: str) -> str:
    return branch.search(*stored(name))[0]


@pytest.mark.parametrize(
    "name",
    ["dyestuff.reml", "dyestuff2.reml", "dyestuff2.ml", "penicillin.ml", "two-optima.reml", "sleepstudy-three.ml"],
)
def test_the_minimum_is_proved_to_be_the_lowest(name: str) -> None:
    certificate, text = stored(name)
    for reading in certificate["readings"]:
        nodes = tree_of(name).partition("\n")[2]
        assert prove_tree(certificate, reading, text, tree_of(name)) == sum(map(nodes.count, "tfq")) >= 3


def test_a_stored_tree_of_two_columns_is_proved() -> None:
    certificate, text = stored("sleepstudy-three.reml")
    claim = certificate["readings"]["decimal"]["tree"]
    tree = gzip.decompress((stored_layouts.CERTIFIED / claim["file"]).read_bytes()).decode()
    assert prove_tree(certificate, "decimal", text, tree) == claim["boxes"]


def test_a_variance_of_zero_is_pressed_flat() -> None:
    assert "x" in tree_of("dyestuff2.reml").partition("\n")[2]


def with_head(**changes: Any) -> Callable[[str], str]:
    def change(tree: str) -> str:
        head, _, nodes = tree.partition("\n")
        return json.dumps(json.loads(head) | changes) + "\n" + nodes

    return change


def first(old: str, new: str) -> Callable[[str], str]:
    def change(tree: str) -> str:
        head, _, nodes = tree.partition("\n")
        assert old in nodes
        return head + "\n" + nodes.replace(old, new, 1)

    return change


TAMPERED = {
    "a bound in the place of the region": (lambda t: t.replace("q", "t"), "the bound less the criterion is -"),
    "the region in the place of a bound": (first("t", "q"), "the cell is not in the region"),
    "an endless cell closed by tangents": (first("f", "t"), "the cell has no end"),
    "a wide cell pressed flat": (first("t", "x"), "too wide to be pressed flat"),
    "a cell pressed flat where f does not rise": (first("tq", "xq"), "the criterion is not proved to rise"),
    "an endless cell pressed flat": (first("f", "x"), "the cell has no end"),
    "a leaf in the place of the root": (lambda t: t.partition("\n")[0] + "\nf\n", "the bound less the criterion is -"),
    "a subtree cut off": (lambda t: t.rstrip()[:-9], "cells open"),
    "no nodes": (lambda t: t.partition("\n")[0], "1 cells open"),
    "a leaf too many": (lambda t: t.rstrip() + "t", "goes on after its last leaf"),
    "no such node": (first("t", "u"), "there is no such node"),
    "no such coordinate": (first("t", "2"), "there is no such node"),
    "a lower criterion": (with_head(criterion="246.9"), "is below that of the optimum"),
    "a higher criterion": (with_head(criterion="260"), "the bound less the criterion is -"),
    "a region too wide": (with_head(region="0.9"), "the quadratic bound is not proved"),
    "no region": (with_head(region="0"), "not proved to be in the middle"),
    "a region that is none": (with_head(region="-1"), "not proved to be in the middle"),
    "another middle": (with_head(units=[[["3"]], [["1"]]]), "not proved to be in the middle"),
    "singular units": (with_head(units=[[["0"]], [["1"]]]), "the units of the tree are singular"),
    "units of another model": (with_head(units=[[["1"]]]), "the units of the tree do not fit"),
    "not a number": (with_head(criterion="nan"), "is not a number"),
    "a type": (with_head(region=1), "tree.region is missing or of the wrong type"),
    "another schema": (with_head(schema="relmer-tree/0"), "the schema of the tree"),
    "another certificate": (with_head(certificate="pastes.ml"), "the tree is of another certificate"),
    "another criterion": (with_head(REML=False), "the tree is of another certificate"),
    "another reading": (with_head(readings=["double"]), "does not claim the decimal reading"),
    "not JSON": (lambda t: "{" + t, "the head of the tree is not JSON"),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_tampered_tree_is_refused_with_the_reason(how: str) -> None:
    change, reason = TAMPERED[how]
    certificate, text = stored("pastes.reml")
    tampered = change(tree_of("pastes.reml"))
    assert tampered != tree_of("pastes.reml")
    with pytest.raises(Refused, match=reason):
        prove_tree(certificate, "decimal", text, tampered)


def moved(certificate: dict[str, Any], text: str, start: float) -> dict[str, Any]:
    """The certificate of another stationary point: Newton's method in the one entry of R."""
    other = copy.deepcopy(certificate)
    for reading, claim in other["readings"].items():
        (claim["centre"][0]["R"],) = refined(other["model"], text, [[0]], [start], reading)
        claim |= {"unique": "1e-20", "curvature": "1e-3"}
    return other


def test_a_minimum_that_is_not_the_lowest_is_refused() -> None:
    """The model has two strict minima of the REML criterion, and that near 10.45 is the lower one.

    The other is the root of f' in tests/datasets/test_two_optima.py, by bisection in fractions.
    """
    certificate, text = stored("two-optima.reml")
    worse = moved(certificate, text, 0.0789)
    proof = prove(worse, "decimal", text)
    assert float(proof.values["G[g, x]"].mid()) == pytest.approx(0.0062163411646, abs=5e-14)
    R = float(worse["readings"]["decimal"]["centre"][0]["R"][0][0])
    criterion = branch.above(float(proof.values["criterion"].upper()))
    aimed = with_head(units=[[[f"{R:.9g}"]]], criterion=criterion, region="0.001")(tree_of("two-optima.reml"))
    with pytest.raises(Refused, match="node"):
        prove_tree(worse, "decimal", text, aimed)


def test_the_search_gives_up_on_a_minimum_that_is_not_the_lowest(monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, text = stored("two-optima.reml")
    monkeypatch.setattr(branch, "MOST_NODES", 500)
    with pytest.raises(ValueError, match="more than 500 nodes"):
        branch.search(moved(certificate, text, 0.0789), text)


def test_models_with_more_parameters_are_refused() -> None:
    certificate, text = stored("machines-by-machine.reml")
    with pytest.raises(ValueError, match="at most three terms of one column, or for one of two"):
        branch.search(certificate, text)


def test_a_tree_of_another_certificate_is_refused() -> None:
    certificate, text = stored("dyestuff.ml")
    with pytest.raises(Refused, match="of another certificate"):
        prove_tree(certificate, "decimal", text, tree_of("dyestuff.reml"))
    assert head_of(tree_of("dyestuff.reml"))["certificate"] == "dyestuff.reml"


def test_roots_are_the_whole_cone() -> None:
    """A tree has no root box that could be too small: it starts from all of the cone."""
    slopes, text = stored("sleepstudy-slopes.reml")
    data = read(slopes["model"], "decimal", text)
    ray, circle = (fmpq(0), None), (fmpq(-1), fmpq(1))
    assert roots(data) == [(0, (ray, ray, circle)), (1, (ray, ray, circle))]
