"""Every law is kept by the own paths, and an engine that breaks one is caught by it, with an example that shows it."""

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.datasets import Case, cases, data_of
from relmer.reference.engines import Fitted, engine
from relmer.reports.commands import laws
from relmer.reports.commands.laws import SAMPLE
from relmer.reports.commands.main import main
from relmer.reports.laws import LAWS, Law, Outcome, Problem, command_of, outcome, problem_of, smallest

ROOT = Path(__file__).parents[3]
BY_NAME = {law.name: law for law in LAWS}
ENOUGH = {name: problem_of(cases(name)[0]) for name in SAMPLE}


class Planted:
    """The path `pls` with a fault: its estimates of a case are changed."""

    house = "planted"
    witness_of = None
    definition = False
    needs = ()
    capabilities = frozenset({"criterion", "fit"})
    name = "planted"

    def __init__(self, fault: Callable[[Case, Fitted], Fitted]) -> None:
        self.fault = fault
        self.honest = engine("pls")

    def available(self) -> str:
        return ""

    def version(self) -> str:
        return "1"

    def environment(self) -> dict[str, str]:
        return {}

    def criterion(self, case: Case, thetas):
        return self.honest.criterion(case, thetas)

    def fit(self, case: Case) -> Fitted:
        return self.fault(case, self.honest.fit(case))


def with_estimates(fitted: Fitted, **changed: object) -> Fitted:
    return replace(fitted, estimates=replace(fitted.estimates, **changed))


def centres_wrongly(case: Case, fitted: Fitted) -> Fitted:
    """The covariate is centred at its whole hundreds, and the intercept left there."""
    x = data_of(case)["Days"].to_numpy(dtype=float)
    hundreds = 100 * np.floor(x.min() / 100)
    beta = fitted.estimates.beta
    return with_estimates(fitted, beta=(beta[0] + hundreds * beta[1], *beta[1:]))


def stops_at_large_columns(case: Case, fitted: Fitted) -> Fitted:
    """It stops far from the optimum where a column is large."""
    large = abs(data_of(case)["Days"].to_numpy(dtype=float)).max() > 1000
    return with_estimates(fitted, theta=tuple(0.5 * t for t in fitted.estimates.theta)) if large else fitted


def forgets_log_weights(case: Case, fitted: Fitted) -> Fitted:
    """Its likelihood lacks the sum of log w."""
    if not case.weights:
        return fitted
    lost = float(np.log(data_of(case)[case.weights].to_numpy(dtype=float)).sum())
    return with_estimates(fitted, criterion=fitted.estimates.criterion + lost)


def sorts_levels(case: Case, fitted: Fitted) -> Fitted:
    """Its theta depends on the label of the group that comes first."""
    first = str(data_of(case)["Subject"].iloc[0])
    factor = 0.7 if first.startswith("new") else 1.0
    return with_estimates(fitted, theta=tuple(factor * t for t in fitted.estimates.theta))


def forgets_units(case: Case, fitted: Fitted) -> Fitted:
    """It tells the standard errors and variances of the scaled columns that it works with."""
    x = data_of(case)["Days"].to_numpy(dtype=float)
    said, unit = fitted.estimates, np.array([1.0, 9.0 / np.ptp(x)])
    varcomp = np.array(said.varcomp) / np.array([1.0, unit[1], unit[1] ** 2])
    return with_estimates(fitted, se=tuple(np.array(said.se) / unit), varcomp=tuple(varcomp))


def stops_at_large_responses(case: Case, fitted: Fitted) -> Fitted:
    """It stops far from the optimum where the response has a large spread."""
    large = np.ptp(data_of(case)["Reaction"].to_numpy(dtype=float)) > 300
    return with_estimates(fitted, theta=tuple(0.5 * t for t in fitted.estimates.theta)) if large else fitted


def test_names_are_unique_and_each_law_speaks_of_a_case_of_the_sample() -> None:
    assert len(BY_NAME) == len(LAWS)
    for law in LAWS:
        assert any(law.applies(problem) for problem in ENOUGH.values()), law.name


@pytest.mark.parametrize("path", ["pls", "qr", "gls"])
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_own_paths_keep_every_law(path: str, law: Law) -> None:
    """On the smallest case of which it speaks."""
    problem = min((p for p in ENOUGH.values() if law.applies(p)), key=lambda p: len(p.frame))
    found = outcome(law, engine(path), problem)
    assert not found.broken and not found.silent, found
    assert abs(found.excess) < 1e-6, "far below what a law allows: their searches are exact"


@settings(max_examples=12, deadline=None)
@given(
    law=st.sampled_from([law for law in LAWS if law.name not in ("nested", "split", "contrasts", "balanced")]),
    seed=st.integers(0, 2**31),
    groups=st.integers(4, 9),
    each=st.integers(4, 7),
    reml=st.booleans(),
)
def test_drawn_designs_keep_every_law(law: Law, seed: int, groups: int, each: int, reml: bool) -> None:
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), each)
    x = rng.normal(size=len(g))
    y = 3 + 0.5 * x + rng.normal(size=groups)[g] + 0.7 * rng.normal(size=groups)[g] * x + rng.normal(size=len(g))
    frame = pd.DataFrame({"y": y, "x": x, "g": [f"g{k}" for k in g]})
    problem = Problem(name="drawn", frame=frame, formula="y ~ x + (x | g)", reml=reml)
    if law.applies(problem):
        assert not outcome(law, engine("pls"), problem).broken


@pytest.mark.parametrize(
    ("fault", "case", "caught"),
    [
        (centres_wrongly, "sleepstudy/slopes-reml", {"shift+100", "shift+2010", "shift+16436"}),
        (stops_at_large_columns, "sleepstudy/slopes-reml", {"shift+2010", "shift+16436", "scale*1000", "scale*1e+06"}),
        (forgets_log_weights, "sleepstudy/slopes-reml", {"weights"}),
        (sorts_levels, "sleepstudy/slopes-reml", {"labels"}),
        (forgets_units, "sleepstudy/slopes-reml", {"scale*1000", "scale*1e+06", "scale*1e-06"}),
        (stops_at_large_responses, "sleepstudy/slopes-ml", {"response*1000+0", "projection"}),
    ],
)
def test_a_planted_fault_is_caught_by_its_laws_alone(fault, case: str, caught: set[str]) -> None:
    planted, problem = Planted(fault), ENOUGH[case]
    broken = {law.name for law in LAWS if law.applies(problem) and outcome(law, planted, problem).broken}
    assert broken == caught


BALANCED = (
    *("rail/ml", "penicillin/reml", "pastes/ml", "oxide/reml", "machines/nested-ml", "ergostool/reml", "oats/reml"),
    *("cake/temp-factor-reml", "orthodont/reml", "sleepstudy/quadratic-ml", "machines/by-machine-reml"),
)


@pytest.mark.parametrize("name", BALANCED)
def test_layouts_crossed_nested_and_of_slopes_have_their_closed_form(name: str) -> None:
    """Of the analysis of variance in rationals, which knows nothing of theta."""
    problem, law = problem_of(cases(name)[0]), BY_NAME["balanced"]
    assert law.applies(problem)
    assert abs(outcome(law, engine("gls"), problem).excess) < 1e-9


def test_what_is_not_balanced_has_no_closed_form() -> None:
    """A row less, ML of crossed factors, weights, a structure, some thousand rows."""
    law, whole = BY_NAME["balanced"], problem_of(cases("penicillin/reml")[0])
    assert law.applies(whole)
    assert not law.applies(replace(whole, frame=whole.frame.iloc[1:]))
    assert not law.applies(replace(whole, reml=False))
    assert not law.applies(replace(whole, frame=whole.frame.assign(w=2.0), weights="w"))
    slopes = ENOUGH["sleepstudy/slopes-reml"]
    assert law.applies(slopes)
    assert not law.applies(replace(slopes, formula="Reaction ~ Days + cs(Days | Subject)"))
    assert not law.applies(ENOUGH["docs/bdf"])


def test_the_smallest_example_still_breaks_the_law_and_its_csv_is_the_changed_problem() -> None:
    planted, problem, law = Planted(sorts_levels), ENOUGH["sleepstudy/slopes-reml"], BY_NAME["labels"]
    small, found = smallest(law, planted, problem)
    assert found.broken and small.frame["Subject"].nunique() < problem.frame["Subject"].nunique()
    assert outcome(law, planted, small).broken


def test_the_command_that_shows_an_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_r) -> None:
    monkeypatch.chdir(tmp_path)
    shown = BY_NAME["weights"].transformed(ENOUGH["sleepstudy/slopes-ml"])
    shown.frame.to_csv("one.csv", index=False)
    words = shlex.split(command_of(shown, "pls", "one.csv"))[1:]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output


def test_the_command_prints_the_outcomes_and_writes_the_page_and_the_record(tmp_path: Path) -> None:
    page, record = tmp_path / "laws.md", tmp_path / "laws.json"
    words = ["laws", "--engine", "pls", "--law", "rows", "--case", "dyestuff/reml"]
    words += ["--page", str(page), "--record", str(record)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert re.match(r"pls\trows\tdyestuff/reml\t\S+\t\n", done.stdout)
    assert "- pls keeps 1 of 1" in page.read_text(encoding="utf-8")
    found = json.loads(record.read_text(encoding="utf-8"))
    assert found["cases"] == ["dyestuff/reml"] and found["engines"]["pls"]["version"]
    assert f"| rows | {found['engines']['pls']['cells']['rows']} |" in page.read_text(encoding="utf-8")


def test_what_was_found_is_taken_up_from_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two laws are asked, one line is cut off: that law alone is asked again; another state of the code keeps none."""
    journal = tmp_path / "deep" / "laws.jsonl"
    words = ["laws", "--engine", "pls", "--case", "dyestuff/reml", "--journal", str(journal), "--law", "rows"]
    words += ["--law", "terms"]
    first = CliRunner().invoke(main, words)
    assert first.exit_code == 0, first.output
    lines = journal.read_text(encoding="utf-8").splitlines()
    journal.write_text("\n".join([lines[0], "[]", lines[1][:40]]) + "\n", encoding="utf-8")
    asked = []

    def counting(law: Law, *arguments: object) -> Outcome:
        asked.append(law.name)
        return outcome(law, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(laws, "outcome", counting)
    second = CliRunner().invoke(main, words)
    assert (second.exit_code, second.stdout, asked) == (0, first.stdout, ["terms"])
    monkeypatch.setattr(laws, "code", lambda: "another")
    CliRunner().invoke(main, words)
    assert asked == ["terms", "rows", "terms"]


def test_a_law_that_there_is_not_is_refused_in_one_line() -> None:
    done = CliRunner().invoke(main, ["laws", "--law", "gravity"])
    assert done.exit_code == 2 and "no law is called 'gravity'" in done.output


def test_the_page_has_every_law_and_own_paths_keep_all() -> None:
    text = (ROOT / "docs" / "laws.md").read_text(encoding="utf-8")
    for law in LAWS:
        assert f"| {law.name} | " in text and f"- `{law.name}`: {law.says}." in text
    for path in ("pls", "qr", "gls"):
        assert f"- {path} keeps {len(LAWS)} of {len(LAWS)}\n" in text
