"""`relmer explain`: five lines on a theta, by hand or of an engine."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from relmer.datasets import DATA, load
from relmer.reports.commands.main import main
from relmer.solver import lmer

GRADIENT = "Model failed to converge with max|grad| = 0.0033 (tol = 0.002, component 1)"
SLEEPSTUDY = ("explain", "--data", DATA / "sleepstudy.csv", "--formula", "Reaction ~ Days + (Days | Subject)")


def relmer(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


def balanced(folder: Path, spread: float) -> tuple[Path, float]:
    """A balanced one-way layout; and theta by the exact law of REML: theta^2 = (MSB / MSW - 1) / k, not below 0."""
    random = np.random.default_rng(1)
    y = np.round(spread * random.normal(size=(8, 1)) + random.normal(size=(8, 5)), 2)
    within, between = y.var(axis=1, ddof=1).mean(), 5 * y.mean(axis=1).var(ddof=1)
    path = folder / "oneway.csv"
    lines = [f"{value},g{group}" for group in range(8) for value in y[group]]
    path.write_text("\n".join(["y,g", *lines]) + "\n", encoding="utf-8")
    return path, max((between / within - 1) / 5, 0.0) ** 0.5


def test_the_exact_theta_stands_and_its_warning_is_false(tmp_path: Path) -> None:
    path, theta = balanced(tmp_path, 2.0)
    found = relmer("explain", "--data", path, "--formula", "y ~ 1 + (1 | g)", "--theta", theta, "--warning", GRADIENT)
    where, distance, warnings, changes, advice = found.output.splitlines()
    assert found.exit_code == 0
    assert where.startswith("this theta stands at the optimum")
    assert "theta has 1" in distance  # 10 digits or more
    assert f"“{GRADIENT}” is false" in warnings
    assert changes == "what changes at the optimum: nothing that is printed with three digits"
    assert advice == "what to do: keep the fit: the warning is false"


def test_the_gap_and_the_standard_error_are_those_of_the_law(tmp_path: Path) -> None:
    """Balanced one-way by REML, L = 1 + k theta^2: the gap is (g - 1) log L + (n - 1) log(SSW + SSB / L) less that at
    the optimum, the SE of the mean sqrt(sigma^2 L / n), sigma^2 = (SSW + SSB / L) / (n - 1)."""
    path, best = balanced(tmp_path, 2.0)
    y = np.array([float(line.split(",")[0]) for line in path.read_text().splitlines()[1:]]).reshape(8, 5)
    within, between = (4 * y.var(axis=1, ddof=1)).sum(), 5 * ((y.mean(axis=1) - y.mean()) ** 2).sum()

    def criterion(theta: float) -> float:
        L = 1 + 5 * theta**2
        return 7 * np.log(L) + 39 * np.log(within + between / L)

    def se(theta: float) -> float:
        L = 1 + 5 * theta**2
        return ((within + between / L) / 39 * L / 40) ** 0.5

    theta = best / 3
    found = relmer("explain", "--data", path, "--formula", "y ~ 1 + (1 | g)", "--theta", theta, "--warning", GRADIENT)
    assert found.exit_code == 1
    where, distance, warnings, changes, advice = found.output.splitlines()
    assert f"{criterion(theta) - criterion(best):.4g} lower" in where
    assert f"{abs(se(theta) / se(best) - 1):.2g} of the SE of (Intercept)" in distance
    assert "is true" in warnings
    assert f"SE((Intercept)) {se(theta):.3g} → {se(best):.3g}" in changes
    assert "do not use this fit" in advice


def test_a_singular_optimum_is_told_as_one(tmp_path: Path) -> None:
    path, theta = balanced(tmp_path, 0.0)
    assert theta == 0
    warning = "boundary (singular) fit: see help('isSingular')"
    options = ("explain", "--data", path, "--formula", "y ~ 1 + (1 | g)", "--theta", 0, "--warning", warning)
    found = relmer(*options)
    assert found.exit_code == 0
    assert f"“{warning}” is true" in found.output
    assert "simplify the term" in found.output
    regular, _ = balanced(tmp_path, 2.0)
    false = relmer("explain", "--data", regular, *options[3:6], 0, *options[7:])
    assert false.exit_code == 1
    assert f"“{warning}” is false" in false.output


def test_a_year_is_to_be_centred(tmp_path: Path) -> None:
    """A covariate far from zero: at the theta of equal variances the advice names it, its mean and its spread."""
    random = np.random.default_rng(3)
    g, year = np.repeat(np.arange(12), 10), np.tile(np.arange(2010, 2020), 12)
    y = np.round(random.normal(size=12)[g] * (year - 2014) + random.normal(size=120), 3)
    path = tmp_path / "year.csv"
    path.write_text("y,year,g\n" + "".join(f"{y[i]},{year[i]},g{g[i]}\n" for i in range(120)), encoding="utf-8")
    found = relmer("explain", "--data", path, "--formula", "y ~ year + (year | g)", "--theta", "1,0,1")
    assert found.exit_code == 1
    assert f"centre year (its mean, 2014, is {year.mean() / year.std():.0f} times its spread)" in found.output
    assert "none, though one was due" in found.output


def test_three_missing_values_make_a_false_warning(tmp_path: Path) -> None:
    """lme4's stop 2e-5 above the optimum of sleepstudy with three values missing, with a warning: nothing moves."""
    frame = load("sleepstudy").frame.copy()
    frame.loc[[7, 50, 140], "Reaction"] = np.nan
    path = tmp_path / "missing.csv"
    frame.to_csv(path, index=False)
    fit = lmer("Reaction ~ Days + (Days | Subject)", frame)
    near = ",".join(repr(float(x)) for x in fit.theta.to_numpy() + np.array([1e-3, 0, 0]))
    found = relmer("explain", "--data", path, *SLEEPSTUDY[3:], "--theta", near, "--warning", GRADIENT)
    assert found.exit_code == 0
    assert "is false: it stands" in found.output
    assert "3 of 180 rows dropped" in found.output


@pytest.mark.parametrize("theta, told", [("1,2", "--theta has 2 numbers, the model 3"), ("a,b,c", "give numbers")])
def test_a_theta_that_is_none_is_one_line(theta: str, told: str) -> None:
    found = relmer(*SLEEPSTUDY, "--theta", theta)
    assert found.exit_code == 2
    assert told in found.output
    assert len(found.output.splitlines()) == 1


def test_without_r_and_theta_it_says_what_to_give(without_r: None) -> None:
    found = relmer(*SLEEPSTUDY)
    assert found.exit_code == 3
    assert "give --theta, the numbers of Subject.(Intercept), Subject.Days.(Intercept), Subject.Days" in found.output
    assert len(found.output.splitlines()) == 1


def crossed(folder: Path) -> Path:
    """4 levels of g, which vary much, crossed with 12 of h, each pair twice: lme4 puts h first, whatever is written."""
    random = np.random.default_rng(5)
    y = np.round(3 * random.normal(size=(4, 1, 1)) + random.normal(size=(1, 12, 1)) + random.normal(size=(4, 12, 2)), 2)
    lines = [f"{y[i, j, k]},g{i},h{j}" for i in range(4) for j in range(12) for k in range(2)]
    (path := folder / "crossed.csv").write_text("\n".join(["y,g,h", *lines]) + "\n", encoding="utf-8")
    return path


def test_theta_in_the_order_of_the_formula_is_told(tmp_path: Path) -> None:
    """Balanced, two-way: theta_g^2 = (MSG / MSE - 1) / 24 and theta_h^2 = (MSH / MSE - 1) / 8 by REML, exactly."""
    path = crossed(tmp_path)
    y = np.array([float(line.split(",")[0]) for line in path.read_text().splitlines()[1:]]).reshape(4, 12, 2)
    g, h = y.mean(axis=(1, 2)) - y.mean(), y.mean(axis=(0, 2)) - y.mean()
    rest = ((y - y.mean() - g[:, None, None] - h[None, :, None]) ** 2).sum() / (96 - 15)
    theta_g, theta_h = ((24 * g @ g / 3 / rest - 1) / 24) ** 0.5, ((8 * h @ h / 11 / rest - 1) / 8) ** 0.5
    asked = ("explain", "--data", path, "--formula", "y ~ 1 + (1 | g) + (1 | h)", "--theta")
    right, wrong = relmer(*asked, f"{theta_h},{theta_g}"), relmer(*asked, f"{theta_g},{theta_h}")
    assert (right.exit_code, wrong.exit_code) == (0, 1)
    assert wrong.output.splitlines()[-1] == (
        "what to do: give theta in its order, h.(Intercept), g.(Intercept): "
        "these numbers stand at the optimum as g.(Intercept), h.(Intercept)"
    )
    other = relmer(*asked, f"{theta_g},{theta_g}")
    assert "do not use this fit" in other.output.splitlines()[-1]


@pytest.mark.parametrize("structure", ["cs", "ar1", "us", "diag"])
def test_a_structured_covariance_is_explained(structure: str) -> None:
    """By the theta of the search: it stands; and twice of it does not."""
    formula = f"Reaction ~ Days + {structure}(Days | Subject)"
    best = lmer(formula, load("sleepstudy").frame).optimum.theta
    asked = ("explain", "--data", DATA / "sleepstudy.csv", "--formula", formula, "--theta")
    for theta, status in ((best, 0), (2 * best, 1)):
        found = relmer(*asked, ",".join(map(repr, theta.tolist())))
        assert (found.exit_code, len(found.output.splitlines())) == (status, 5), found.output


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e7])
@pytest.mark.parametrize("singular", [False, True])
def test_a_singular_fit_is_one_in_every_unit(tmp_path: Path, unit: float, singular: bool) -> None:
    """Slopes that vary are no singular fit; where all groups have the same slope and residuals it is one."""
    random = np.random.default_rng(4)
    g, x, noise = np.repeat(np.arange(10), 8), random.normal(size=80), random.normal(size=80)
    intercepts, slopes = random.normal(size=10)[g], random.normal(size=10)[g]
    if singular:
        x, noise, slopes = np.tile(x[:8], 10), np.tile(noise[:8], 10), 0.0
    frame = pd.DataFrame({"y": intercepts + (1 + 2 * slopes) * x + noise, "x": unit * x, "g": [f"g{i}" for i in g]})
    frame.to_csv(path := tmp_path / "d.csv", index=False)
    theta = ",".join(map(repr, lmer("y ~ x + (x | g)", frame).optimum.theta.tolist()))
    warning = "boundary (singular) fit: see help('isSingular')"
    asked = ("--data", path, "--formula", "y ~ x + (x | g)", "--theta", theta, "--warning", warning)
    told = relmer("explain", *asked).output.splitlines()[2]
    assert ("is true" if singular else "is false") in told
