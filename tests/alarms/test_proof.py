"""The proof knows a fault from an honest answer, and its values are those of another definition."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from bounds import LIKELIHOOD
from definition import minus_two_loglik
from generated import Generated, generated
from in_balls import criterion_in_balls
from strategies import mixed_data

from relmer.reference.engines.kin import kin_of
from relmer.reference.engines.protocol import installed
from relmer.reference.own_inference import inference_of
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver.fits.given import at_theta

from .hearing import Heard
from .page import is_false
from .proof import Proof, Witness, proofs

FORMULA = "y ~ x + (x | g) + (1 | k)"


@pytest.fixture(scope="module", params=[True, False])
def made(request: pytest.FixtureRequest) -> Generated:
    """A model with two terms."""
    return generated(FORMULA, mixed_data(7, 40), REML=request.param)


def test_its_criterion_is_that_of_the_likelihood_at_its_own_sigma(made: Generated) -> None:
    theta, design = (0.7, -0.3, 0.4, 1.1), made.fit.design
    found = {name: [float(x.mid()) for x in v] for name, v in Witness(design, made.fit.REML).at(theta)[0].items()}
    T = np.array([[0.7, 0.0], [-0.3, 0.4]])
    V = np.eye(40)
    for i in range(40):
        for j in range(40):
            V[i, j] += (design.terms[0].codes[i] == design.terms[0].codes[j]) * (
                design.terms[0].X[i] @ T @ T.T @ design.terms[0].X[j]
            )
            V[i, j] += (design.terms[1].codes[i] == design.terms[1].codes[j]) * 1.1**2
    (sigma,) = found["sigma"]
    expected = minus_two_loglik(design.X, sigma**2 * V, design.y, made.fit.REML)
    assert found["criterion"][0] == pytest.approx(expected, rel=LIKELIHOOD)
    assert np.array(found["V_diagonal"]) == pytest.approx(sigma**2 * np.diag(V), rel=LIKELIHOOD)


def test_its_criterion_is_that_of_balls_over_Z_and_Lambda(made: Generated) -> None:
    theta = np.array([0.7, -0.3, 0.4, 1.1])
    expected = criterion_in_balls(made.fit.design, theta, made.fit.REML)
    # Both are exact to some eps of the double that is left of them.
    assert Witness(made.fit.design, made.fit.REML).criterion(tuple(theta)) == pytest.approx(expected, rel=2.0**-51)


def test_an_honest_answer_is_not_proved_wrong(made: Generated) -> None:
    said = made.answer("pls", made.fit.theta)
    witness = Witness(made.fit.design, made.fit.REML)
    assert said.estimates is not None
    for name in ("criterion", "sigma", "beta", "se", "vcov", "varcomp", "b", "fitted", "V_diagonal", "V_rowsum"):
        told = np.ravel(getattr(said.estimates, name)).tolist()
        assert not witness.held(name, name, told, said.estimates.theta).proved, name


def test_conclusions_are_held_against_the_definition_too(made: Generated) -> None:
    """What an honest engine concludes is not proved wrong; a log-likelihood by half a unit, t or an SD by 1e-6 is."""
    theta = made.fit.optimum.theta
    honest = inference_of(at_theta(made.fit, theta), ())
    assert honest.logLik and honest.AIC and honest.BIC and honest.t and honest.condsd
    off = replace(
        honest,
        logLik=honest.logLik + 0.5,
        AIC=honest.AIC + 0.5,
        BIC=honest.BIC + 0.5,
        t=tuple(t * (1 + 1e-6) for t in honest.t),
        condsd=tuple(sd * (1 + 1e-6) for sd in honest.condsd),
    )
    names = ["logLik", "AIC", "BIC", "t", "conditional SD"]
    wrong = [SimpleNamespace(rung=6, quantity=name, diagnosis=Diagnosis.UNKNOWN) for name in [*names, "df (residual)"]]
    for inference, proved in ((honest, []), (off, names)):
        said = replace(made.answer("mine", tuple(theta)), inference=inference)
        found = proofs(made.fit.design, made.fit.REML, said, wrong, tuple(theta), {})  # type: ignore[arg-type]
        assert [proof.quantity for proof in found if proof.proved] == proved
        assert len(found) == len(wrong)


def test_what_an_engine_gets_wrong_is_proved(made: Generated) -> None:
    """A standard error that is 1e-6 off, and a stop that is not at the minimum."""
    theta = tuple(made.fit.theta)
    said = made.answer("mine", theta, se=tuple(se * (1 + 1e-6) for se in made.answer("mine", theta).estimates.se))
    assert said.estimates is not None
    witness = Witness(made.fit.design, made.fit.REML)
    assert witness.held("se", "se", said.estimates.se, theta).proved
    other = tuple(entry + 0.1 for entry in theta)
    assert witness.stop("criterion at the optimum", other, theta).proved
    assert not witness.stop("criterion at the optimum", theta, other).proved


def test_all_that_is_wrong_of_a_stop_is_proved_by_it_alone(made: Generated) -> None:
    stopped = made.answer("mine", tuple(entry + 0.5 for entry in made.fit.theta))
    kin = kin_of([*installed(), SimpleNamespace(name="mine", house="mine", witness_of=None, definition=False)])
    answers = {"gls": made.answer("gls", made.fit.theta), "mine": stopped}
    wrong = [c for c in made.judged(answers, "mine", kin) if c.verdict is Verdict.WRONG]
    assert len(wrong) > 1
    found = proofs(made.fit.design, made.fit.REML, stopped, wrong, tuple(made.fit.theta), dict(made.points))
    assert [proof.quantity for proof in found] == ["criterion at the optimum"]
    assert found[0].proved


def test_a_false_alarm_is_counted() -> None:
    proof = Proof("se", 1.0, 2.0, 1e-9, proved=True)
    proved = Heard("nlme", "wrong", {}, proofs=[proof])
    assert not is_false(proved)
    assert is_false(replace(proved, proofs=[proof, replace(proof, proved=False)]))
    assert is_false(replace(proved, proofs=[]))
    assert is_false(replace(proved, engine="pls"))
    assert is_false(Heard("qr", "failed", {}))
    assert not is_false(Heard("nlme", "failed", {}))
