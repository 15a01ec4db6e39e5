"""Other people's packages: what they say is judged as an independent evaluation at their own theta has it."""

from dataclasses import replace
from importlib import util

import numpy as np
import pytest
from in_balls import criterion_by_elimination, criterion_in_balls
from sample import EVERYTHING

from relmer.datasets import Case, case, cases, load
from relmer.reference.answers import Answer, Status
from relmer.reference.certificates import certificate_of
from relmer.reference.engines import answer, columns_of, engine, peer_names, places
from relmer.reference.own_fits import design_of
from relmer.reports.evidence import landscape, tolerances
from relmer.reports.run import run, sources
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver.model import Design

# In the extra "dev": these are always here.
TESTED = ("statsmodels", "mixedlm", "mixedlm-rs")
MODULES = {"lme-python": "lme_python", "kamino-lme": "kamino", "interlace-lme": "interlace"}
HERE = (*TESTED, *(name for name, module in MODULES.items() if util.find_spec(module)))
# A case of 110 rows takes a third of a second; all of them some minutes: `nox -s nightly`.
ROWS = 10**6 if EVERYTHING else 110
CERTIFIED = [c for c in cases() if len(load(c.dataset).frame) <= ROWS and certificate_of(c) is not None]


def cannot(name: str, design: Design) -> bool:
    """What a package cannot express: both have random effects; MixedLM has one covariance matrix, outermost."""
    if not design.terms:
        return True
    wide = [term for term in design.terms if len(term.columns) > 1]
    holds = all(nested(term.codes, one.codes) for one in wide for term in design.terms)
    return name == "statsmodels" and (len(wide) > 1 or not holds)


def nested(inner: np.ndarray, outer: np.ndarray) -> bool:
    return len({*zip(inner.tolist(), outer.tolist(), strict=True)}) == len({*inner.tolist()})


@pytest.mark.parametrize("name", ["dyestuff/reml", "pastes/ml", "machines/nested-reml", "rail/ml"])
def test_the_criterion_by_elimination_is_the_one_that_is_written_out(name: str) -> None:
    design = design_of(case(name))
    for theta in np.random.default_rng(2).uniform(0.0, 2.0, (2, len(design.template.diagonal))):
        written = criterion_in_balls(design, theta, case(name).reml)
        # Each is rounded once, to a double.
        assert abs(criterion_by_elimination(design, theta, case(name).reml) - written) <= np.spacing(abs(written))


@pytest.mark.parametrize("name", ["statsmodels", "mixedlm"])
@pytest.mark.parametrize("asked", CERTIFIED, ids=lambda one: one.name)
def test_the_verdict_on_a_stop_is_that_of_the_criterion_in_balls(name: str, asked: Case) -> None:
    """The gap at the engine's theta, by the definition in balls, against the proved optimum."""
    report = run([asked], [name], sources([name]))
    (said,) = [one for one in report.answers if one.engine == name]
    comparisons = [c for c in report.comparisons if c.engine == name]
    design, certificate = design_of(asked), certificate_of(asked)
    assert (said.status == "unsupported") is cannot(name, design)
    if said.status == "unsupported":
        assert {c.verdict for c in comparisons} == {Verdict.UNSUPPORTED}
        return
    there = criterion_by_elimination(design, np.array(said.values["theta"]), asked.reml)
    gap = there - float(certificate.double.values["criterion"].exact)
    (stop,) = [c for c in comparisons if c.quantity == "criterion at the optimum"]
    noise = tolerances.GAP * landscape(asked).size
    assert gap >= -noise
    if gap <= noise:
        assert stop.verdict is Verdict.AGREE
    elif gap <= tolerances.EARLY:
        assert stop.verdict in (Verdict.EARLY, Verdict.WITHIN)
    else:
        assert stop.verdict is Verdict.WRONG


@pytest.mark.parametrize("name", HERE)
def test_a_package_is_asked_in_a_child_and_gives_a_whole_answer(name: str) -> None:
    found: Answer = answer(engine(name), case("sleepstudy/slopes-reml"), [(1.0, 0.0, 1.0)])
    assert found.status is Status.FITTED, found.message
    assert (found.engine, found.estimates is not None) == (name, True)
    assert engine(name).version() == found.version
    assert {engine(name).house} <= {*found.environment}


@pytest.mark.parametrize("name", HERE)
def test_terms_levels_and_columns_stand_in_the_order_of_the_model(name: str) -> None:
    """Of two grouping factors and a slope by itself: b and G would be another term's if the order were lost."""
    for asked in ("penicillin/reml", "oats/reml", "sleepstudy/uncorrelated-reml"):
        report = run([case(asked)], [name], sources([name]))
        for c in report.comparisons:
            if c.engine == name and c.quantity in ("b", "varcomp", "beta", "fitted", "V_diagonal"):
                assert c.verdict in (Verdict.AGREE, Verdict.EARLY, Verdict.WITHIN, Verdict.UNSUPPORTED), c


def test_statsmodels_standard_errors_count_theta_as_estimated() -> None:
    """Its covariance of beta is a block of the inverse of the joint Hessian: named, as a convention."""
    report = run([case("docs/three-level-ml")], ["statsmodels"], sources(["statsmodels"]))
    (se,) = [c for c in report.comparisons if (c.engine, c.quantity) == ("statsmodels", "se")]
    assert (se.verdict, se.diagnosis) == (Verdict.WRONG, Diagnosis.CONVENTION)
    assert "joint information" in se.evidence


@pytest.mark.parametrize(
    ("name", "asked", "told"),
    [
        ("statsmodels", "yield ~ nitro + (nitro | Block) + (nitro | Variety)", "one term only"),
        ("mixedlm-rs", "yield ~ nitro + (1 | Block) + (1 | Variety)", "no variance components"),
        ("mixedlm", "yield ~ nitro", "no random effects"),
    ],
)
def test_a_model_that_a_package_does_not_express_is_no_other_model(name: str, asked: str, told: str) -> None:
    found = answer(engine(name), replace(case("oats/reml"), name="made/oats", formula=asked), [])
    assert found.status is Status.UNSUPPORTED
    assert told in found.message


def test_an_absent_package_is_shown_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """And says what to install; nothing of it is imported to find out."""
    monkeypatch.setattr(type(engine("mixedlm")._adapter), "package", "a-package-that-is-not-here")
    assert "pip install 'relmer[mixedlm]'" in engine("mixedlm").available()


def test_peers_take_part_where_they_are_named_alone() -> None:
    assert {*TESTED, "nlme", "nlme-gls", "glmmtmb"} <= {*peer_names()}
    assert not {*peer_names()} & {*sources(("pls",))}


@pytest.mark.parametrize("asked", ["docs/three-level", "machines/by-machine-reml", "two-optima/reml"])
def test_a_model_as_columns_is_the_same_model(asked: str) -> None:
    """Its columns are those of X and of the terms, each grouping factor's labels sort as its levels stand."""
    design = design_of(case(asked))
    told = columns_of(design)
    for j, name in enumerate(told.fixed):
        assert (design.X[:, j] == (1.0 if name == "1" else told.table[name])).all()
    for k, (term, names) in enumerate(zip(design.terms, told.terms, strict=True)):
        labels = told.table[told.group(k)]
        assert [sorted(set(labels)).index(label) for label in labels] == term.codes.tolist()
        for j, name in enumerate(names):
            assert (term.X[:, j] == (1.0 if name == "1" else told.table[name])).all()


def test_a_column_that_a_package_does_not_have_is_an_error() -> None:
    with pytest.raises(ValueError, match="x3"):
        places(["Intercept", "x2"], ["1", "x3"])
