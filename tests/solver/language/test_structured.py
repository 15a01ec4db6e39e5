"""us, diag, cs and ar1 as lme4 2.1-0 reads them, or refused where it reads something else than was written."""

import pandas as pd
import pytest

from relmer.solver.errors import LONGEST, ModelError
from relmer.solver.language import build, canonical, model_frame, parse

# By lFormula of lme4 2.1-0 on R 4.6.1: class and hom of every term, in its order, and the names of theta.
READ = [
    ("us(x | g)", ["us g 3"]),
    ("diag(x | g)", ["diag g 2"]),
    ("diag(x | g, hom = TRUE)", ["diag.hom g 1"]),
    ("cs(x | g)", ["cs g 3"]),
    ("cs(x | g, hom = FALSE)", ["cs g 3"]),
    ("cs(0 + f | g, hom = TRUE)", ["cs.hom g 5"]),
    ("ar1(0 + f | g)", ["ar1.hom g 5"]),
    ("ar1(0 + f | g, hom = FALSE)", ["ar1 g 6"]),
    ("ar1(x | g)", ["ar1.hom g 3"]),
    ("cs(1 | g)", ["cs g 1"]),
    ("(cs(x | g))", ["cs g 3"]),
    ("cs(x | g/h)", ["cs h:g 3", "cs g 3"]),
    ("ar1(0 + f | g/h)", ["ar1.hom h:g 5", "ar1.hom g 5"]),
    ("us(x | g/h)", ["us h:g 3", "us g 3"]),
    ("(1 | k) + cs(x | g) + ar1(0 + f | g:h)", ["ar1.hom g:h 5", "cs g 3", "us k 1"]),
    ("(x | g/h) + cs(x | k)", ["us h:g 3", "us g 3", "cs k 3"]),
    ("(ar1(0 + f | g) + cs(x | k))", ["ar1.hom g 5", "cs k 3"]),
    ("diag(x | g) + (1 | g)", ["diag g 2", "us g 1"]),
    ("cs(x | g) + cs(x | g)", ["cs g 3", "cs g 3"]),
    ("(x || g) + diag(x | g)", ["us g 1", "us g 1", "diag g 2"]),
    ("ar1(0 + factor(r) | g)", ["ar1.hom g 5"]),
]
# Refused by lme4 2.1-0, or read as something else: as (x || g), as (x | g), or with the default of hom.
REFUSED = [
    ("cs(x || g)", "reads 'cs(x || g)' without the structure; write cs(x | g)"),
    ("diag(x || g)", "without the structure; write diag(x | g)"),
    ("cs((x | g))", "without the structure; write cs(x | g)"),
    ("cs(x | g, TRUE)", "name the argument: cs(x | g, hom = TRUE)"),
    ("cs(x | g, hom = T)", "TRUE or FALSE, spelled out"),
    ("cs(x | g, hom = NA)", "TRUE or FALSE, spelled out"),
    ("cs(x | g, hom = 1)", "TRUE or FALSE, spelled out"),
    ("cs(x | g, hom = !FALSE)", "TRUE or FALSE, spelled out"),
    ("cs(x | g, ho = TRUE)", "name the argument: cs(x | g, hom = TRUE)"),
    ("us(x | g, hom = TRUE)", "us() takes one argument"),
    ("cs(hom = TRUE, x | g)", "the random term comes first"),
    ("cs(x)", "holds no random term; write cs(x | g)"),
    ("ar1()", "ar1() takes x, hom"),
    ("cs(x | g/h, hom = TRUE)", "cs(x | a, hom = TRUE) + cs(x | b:a, hom = TRUE)"),
    ("log(cs(x | g))", "can only be added"),
    ("cs(0 | g)", "has no columns"),
    ("cs(cs(x | g) | g)", "'|' in 'x | g'"),
    ("CS(x | g)", "'CS' is not supported"),
]


def frame() -> pd.DataFrame:
    rows = [(g, h, r, k) for g in range(4) for h in range(2) for r in range(3) for k in range(2)]
    data = pd.DataFrame(rows, columns=["g", "h", "r", "k"])
    data["x"], data["y"] = (data["r"] * 7 + data["g"] * 3) % 5, (data["r"] + data["h"] * data["k"]) * 1.5
    return data.assign(**{name: data[name].astype(str) for name in "ghk"}, f=data["r"].astype(str))


@pytest.mark.parametrize(("random", "terms"), READ)
def test_a_structure_is_read(random: str, terms: list[str]) -> None:
    design = build(model_frame(parse(f"y ~ x + {random}"), frame()))
    found = []
    for term in design.terms:
        mark = ".hom" if term.structure.hom else ""
        size = term.structure.pattern(len(term.columns)).size
        found.append(f"{term.structure.name}{mark} {term.group} {size}")
    assert found == terms


@pytest.mark.parametrize(("random", "said"), REFUSED)
def test_what_lme4_reads_otherwise_is_refused(random: str, said: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse(f"y ~ x + {random}")
    message = str(caught.value)
    assert said in message and "\n" not in message and len(message) <= LONGEST, message


@pytest.mark.parametrize("random", [random for random, _ in READ])
def test_a_structure_is_spelled_again(random: str) -> None:
    formula = parse(f"y ~ x + {random}")
    again = parse(canonical(formula))
    assert again.bars == formula.bars and canonical(again) == canonical(formula)


def test_since_which_lme4() -> None:
    for text, since in (("cs(x | g)", "2.0"), ("us(x | g)", "2.0"), ("(x || g)", None), ("(diag | g)", None)):
        assert parse(f"y ~ x + {text}").since == since


def test_a_dot_beside_a_structure_keeps_its_arguments() -> None:
    design = build(model_frame(parse("y ~ . - g - r + cs(0 + f | g, hom = TRUE)"), frame().drop(columns="h")))
    assert design.terms[0].structure.hom
    assert design.coefficients == ("(Intercept)", "k1", "x", "f1", "f2")


def test_a_term_as_large_as_the_data_is_let_in_beside_a_structure() -> None:
    """As by lme4 2.x, which asks nothing of sizes there."""
    data = frame().drop_duplicates(["g", "f"])
    for random in ("cs(0 + f | g)", "diag(0 + f | g)", "(0 + f | g) + cs(1 | k)"):
        assert build(model_frame(parse(f"y ~ 1 + {random}"), data.assign(k=list("ab") * 6))).terms
    for random in ("(0 + f | g)", "us(0 + f | g)"):
        with pytest.raises(ModelError, match="has 12 random effects for 12 rows"):
            build(model_frame(parse(f"y ~ 1 + {random}"), data))
