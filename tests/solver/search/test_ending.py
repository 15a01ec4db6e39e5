"""Why a search ended is told: every ending can be reached, and is reached for its own reason."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from relmer.datasets import load
from relmer.solver import lmer
from relmer.solver.fits.fit import Fit
from relmer.solver.fits.given import at_theta
from relmer.solver.search.ending import Ending, Optimum
from relmer.solver.search.objective import Objective
from relmer.solver.search.optimise import optimise
from relmer.solver.search.term_parts import Probe, Triangle

# The function of that name hides the module.
search = sys.modules["relmer.solver.search.optimise"]


def fit(formula: str = "Reaction ~ Days + (Days | Subject)", dataset: str = "sleepstudy") -> Fit:
    return lmer(formula, load(dataset).frame)


def from_afar() -> Optimum:
    """A search that begins where the criterion is some 200 higher."""
    return optimise(fit().prepared, True, np.array([0.1, -0.3, 3.0]))[0]


def test_every_ending_says_itself_in_a_sentence() -> None:
    assert all(len(ending.split()) >= 4 for ending in Ending)
    assert len({*Ending}) == len(Ending)


def test_without_random_effects_there_is_nothing_to_search() -> None:
    assert fit("Reaction ~ Days").optimum.ending is Ending.NOTHING


def test_a_search_that_has_its_digits_is_settled() -> None:
    assert from_afar().ending is Ending.SETTLED
    assert from_afar().converged


def test_a_given_theta_was_not_searched() -> None:
    moved = at_theta(fit(), [1.0, 0.0, 1.0]).optimum
    assert moved.ending is Ending.GIVEN
    assert not moved.converged


def test_steps_may_be_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MAXIMUM_STEPS", 2)
    ended = from_afar()
    assert ended.ending is Ending.EXHAUSTED
    assert not ended.converged


def test_rounding_may_hide_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gap that no double can show is asked for: the steps stop falling first."""
    monkeypatch.setattr(search, "SETTLED", 0.0)
    ended = from_afar()
    assert ended.ending is Ending.ROUNDED
    assert ended.converged


def test_a_search_may_be_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Derivatives of the other sign lead uphill, where no step lowers the criterion."""
    curvature = Objective.curvature

    def uphill(self, here):
        duals, second = curvature(self, here)
        return [-S for S in duals], second

    monkeypatch.setattr(Objective, "curvature", uphill)
    ended = from_afar()
    assert ended.ending is Ending.STUCK
    assert not ended.converged


def test_a_negative_dual_may_lead_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a singular minimum a dual of the wrong sign promises a way down that is none."""
    probe = Triangle.probe

    def negated(self: Triangle, part: np.ndarray, dual: np.ndarray) -> Probe:
        found = probe(self, part, dual)
        return replace(found, rise=-found.rise)

    monkeypatch.setattr(Triangle, "probe", negated)
    ended = fit("Yield ~ 1 + (1 | Batch)", "Dyestuff2").optimum
    assert ended.ending is Ending.OPEN
    assert not ended.converged
    assert np.all(np.array(ended.duals) < 0)
