"""Bootstrap intervals: a distribution that theory gives, the same draws from a seed, and what is refused."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from relmer.datasets import load
from relmer.solver import Fit, ModelError, confint, lmer


@pytest.fixture(scope="module")
def rail() -> Fit:
    return lmer("travel ~ 1 + (1 | Rail)", load("Rail").frame)


@pytest.mark.parametrize("boot_type", ["perc", "basic"])
def test_sigma_of_a_balanced_layout_is_chi_squared(rail: Fit, boot_type: str) -> None:
    """Rails differ so much that sigma^2 is MSW in every draw: sigma^2 chi^2(12) / 12."""
    draws, levels = 2000, np.array([0.025, 0.975])
    found = confint(rail, method="boot", nsim=draws, seed=1, boot_type=boot_type).loc[".sigma"].to_numpy()
    chi = stats.chi(12)
    exact = rail.sigma * chi.ppf(levels) / np.sqrt(12)
    # Of a quantile of so many draws, its standard error; beyond five of them comes once in 9e5 seeds.
    error = np.sqrt(levels * (1 - levels) / draws) / (chi.pdf(chi.ppf(levels)) * np.sqrt(12) / rail.sigma)
    expected = exact if boot_type == "perc" else 2 * rail.sigma - exact[::-1]
    assert np.all(np.abs(found - expected) < 5 * (error if boot_type == "perc" else error[::-1]))


def test_the_mean_of_a_balanced_layout_is_normal(rail: Fit) -> None:
    draws = 2000
    found = confint(rail, method="boot", nsim=draws, seed=2, boot_type="norm", parm="beta_").to_numpy()[0]
    se = float(rail.se.iloc[0])
    expected = rail.beta.iloc[0] + se * stats.norm.ppf([0.025, 0.975])
    # The mean of the draws has an error of se / sqrt(m), their standard deviation of se / sqrt(2 m).
    assert np.all(np.abs(found - expected) < 5 * se * np.sqrt((1 + 1.96**2 / 2) / draws))


def test_a_seed_gives_the_same_and_progress_is_told(rail: Fit) -> None:
    told: list[tuple[int, int]] = []
    first = confint(rail, method="boot", nsim=40, seed=7, progress=lambda done, of: told.append((done, of)))
    assert first.equals(confint(rail, method="boot", nsim=40, seed=7))
    assert not first.equals(confint(rail, method="boot", nsim=40, seed=8))
    assert told[-1] == (40, 40)
    assert list(first.index) == [".sig01", ".sigma", "(Intercept)"]
    assert first.attrs["failures"] == 0


@pytest.mark.parametrize(
    "asked",
    [{"boot_type": "bca"}, {"nsim": 1}, {"nsim": 2.5}, {"nsim": True}, {"seed": -1}, {"parm": "no"}, {"level": 1}],
)
def test_what_is_no_argument_is_told_in_a_line(rail: Fit, asked: dict[str, Any]) -> None:
    with pytest.raises(ModelError) as told:
        confint(rail, method="boot", **asked)
    assert "\n" not in str(told.value)
