"""Plans: what is refused, and where."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pages import blocks, text_of

from relmer.datasets import DataError
from relmer.reports.sweeps.kinds import KINDS
from relmer.reports.sweeps.plan import Designs, Plan, plan_schema, read_plan
from relmer.reports.sweeps.simulating import truth_of

ROOT = Path(__file__).parents[3]
GOOD = """
question = "a question"
engines = ["relmer", "lme4"]
[[designs]]
name = "all"
count = 3
[[simulate]]
name = "few groups"
formula = "y ~ x + (1 | g)"
groups = 4
rows = 5
theta = [1.0]
beta = [0.0, 1.0]
replicates = 10
intervals = ["wald", "profile"]
engines = ["relmer"]
"""
ALONE = 'engines = ["relmer"]\n'
SIMULATED = '[[simulate]]\nname = "a"\nreplicates = 1\n'


def read(text: str, folder: Path) -> Plan:
    (folder / "plan.toml").write_text(text, encoding="utf-8")
    return read_plan(folder / "plan.toml")


def test_a_plan_is_read(tmp_path: Path) -> None:
    plan = read(GOOD, tmp_path)
    designs, simulated = plan.sources
    assert isinstance(designs, Designs) and designs.kinds == tuple(KINDS)
    assert plan.engines_of(designs) == ("relmer", "lme4") and plan.engines_of(simulated) == ("relmer",)


@pytest.mark.parametrize(
    "text, said",
    [
        ("question = ", "plan.toml:1:12: this is no TOML"),
        ("", "plan.toml:1:1: there is nothing to ask"),
        ('engine = ["lme4"]', "plan.toml:1:1: 'engine' is no key of a plan"),
        ('engines = ["relmer", "lme5"]\n', "plan.toml:1:22: plan: no engine is called 'lme5'"),
        ('engines = ["zz*"]\n', "plan.toml:1:12: plan: no engine is called 'zz*'"),
        ("seed = -1\n", "plan.toml:1:8: plan: seed is -1: give a whole number from 0"),
        ("seed = 1.5\n", "plan.toml:1:8: plan: seed is 1.5: give a whole number"),
        ("seconds = nan\n", "plan.toml:1:11: plan: seconds is nan: give a finite number above 0"),
        ('transformations = ["rows", "row"]\n', "plan.toml:1:28: plan: transformations has 'row': choose from"),
        ("[designs]\ncount = 3\n", "designs is {'count': 3}: write [[designs]] tables"),
        ('[[designs]]\nname = "a"\ncount = 3\n', "plan.toml:1:1: designs 'a': engines is missing"),
        (ALONE + '[[designs]]\nname = "a"\n', "plan.toml:2:1: designs 'a': count is missing: add it"),
        (ALONE + '[[designs]]\nname = "a"\ncount = 0\n', "plan.toml:4:9: designs 'a': count is 0"),
        (ALONE + '[[designs]]\nname = " a"\ncount = 1\n', "plan.toml:3:8: designs ' a': name is ' a'"),
        (
            ALONE + '[[designs]]\nname = "a"\ncount = 1\nkinds = ["few"]\n',
            "plan.toml:5:10: designs 'a': kinds has 'few'",
        ),
        (ALONE + '[[cases]]\nname = "a"\npattern = "zz/*"\n', "plan.toml:4:11: cases 'a': no case matches 'zz/*'"),
        (ALONE + 2 * '[[cases]]\nname = "a"\n', "plan.toml:5:8: cases 'a': the name is used twice"),
        (
            '[[designs]]\nname = "a"\ncount = 1\nengines = ["lme4@2.1-0"]\n',
            "plan.toml:4:11: designs 'a': lme4@2.1-0 is recorded and answers for [[cases]] alone",
        ),
        (ALONE + SIMULATED, "plan.toml:2:1: simulate 'a': formula is missing"),
        (ALONE + SIMULATED + 'case = "no"\n', "plan.toml:5:8: simulate 'a': no case is called 'no'"),
        (ALONE + SIMULATED + 'case = "dyestuff/reml"\nrows = 3\n', "plan.toml:5:8: simulate 'a': case has its own"),
        (ALONE + SIMULATED + 'case = "dyestuff/reml"\nlevel = 95\n', "plan.toml:6:9: simulate 'a': level is 95"),
        (ALONE + SIMULATED + 'intervals = ["kr"]\n', "plan.toml:5:14: simulate 'a': intervals has 'kr'"),
    ],
)
def test_what_is_refused_is_told_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        read(text, tmp_path)
    told = str(refused.value)
    assert said in told and "\n" not in told, told


def test_nothing_of_a_plan_is_executed(tmp_path: Path) -> None:
    made = tmp_path / "made"
    text = GOOD.replace("y ~ x +", f"y ~ I(__import__('pathlib').Path('{made}').touch()) +")
    plan = read(text, tmp_path)
    with pytest.raises(DataError, match="simulate 'few groups'"):
        truth_of(plan.sources[1])  # type: ignore[arg-type]
    assert not made.exists()


def test_the_schema_takes_what_is_read_and_is_the_stored_one() -> None:
    schema = plan_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert not [*validator.iter_errors(tomllib.loads(GOOD))]
    wrong: dict[str, Any] = tomllib.loads(GOOD)
    wrong["designs"][0]["kinds"] = ["few"]
    assert [*validator.iter_errors(wrong)]
    stored = ROOT / "reports/sweeps/plan.schema.json"
    assert json.loads(stored.read_text(encoding="utf-8")) == schema


@pytest.mark.parametrize("path", sorted((ROOT / "docs/sweeps").glob("*.toml")), ids=lambda path: path.stem)
def test_the_plans_of_the_docs_are_plans(path: Path) -> None:
    assert read_plan(path).question


def test_the_plan_of_the_page_is_a_plan(tmp_path: Path) -> None:
    (shown,) = blocks(text_of("docs/sweeps.md"), "toml")
    plan = read(shown, tmp_path)
    assert [source.name for source in plan.sources] == ["documents", "designs", "five groups"]
    assert any("@" in name for name in plan.engines_of(plan.sources[0]))
