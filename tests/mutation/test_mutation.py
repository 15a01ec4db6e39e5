"""Mutants that are named equivalent are mutants of the code as it is, and the page is that of the score."""

import json
import tomllib
from collections import Counter
from collections.abc import Container
from dataclasses import replace
from pathlib import Path

import pytest

from . import page
from .equivalents import Equivalent, Rule, dead, equivalents, rules, stale
from .mutants import ASIDE, Fate, Looked, Mutant, changed, drawn, function_of, mutants_of, settle, strike
from .tree import in_tree, lay_out
from .wings import ROOT, WINGS, chosen, modules

ONE = Equivalent(
    module="solver/paths/criterion.py",
    function="degrees_of_freedom",
    line="return n - p if REML else n",
    becomes=("return n + p if REML else n", "return n - p if REML or True else n"),
    reason="none: it is here to be stale",
)
# Records and protocols, in which nothing is done.
NOTHING = {"solver/paths/solution.py", "solver/search/ending.py"}
MUTANT = Mutant("name", ONE.module, ONE.function, ONE.line, ONE.becomes[0], Fate.LIVES)


@pytest.mark.parametrize("one", equivalents(), ids=lambda one: f"{one.module}, {one.function}: {one.line[:40]}")
def test_an_equivalent_mutant_is_one_of_the_code_as_it_is(one: Equivalent) -> None:
    assert stale(one) == ""
    assert one.becomes
    assert len(set(one.becomes)) == len(one.becomes)
    assert one.line not in one.becomes
    assert len(one.reason.split()) > 4


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"module": "solver/paths/none.py"}, "there is no solver/paths/none.py"),
        ({"function": "none"}, "has no function none"),
        ({"line": "return n - p if REML else 0"}, "has no line 'return n - p if REML else 0'"),
        ({"line": "return n - p"}, "has no line 'return n - p'"),
    ],
)
def test_an_entry_that_the_code_left_behind_is_told(change: dict[str, str], told: str) -> None:
    assert stale(ONE) == ""
    assert told in stale(replace(ONE, **change))


def test_an_entry_whose_mutant_is_killed_is_told() -> None:
    told = [f"{ONE.module}, {ONE.function}: {after!r}" for after in ONE.becomes]
    killed = replace(MUTANT, after=ONE.becomes[1], fate=Fate.KILLED)
    assert dead([ONE], {ONE.module: Looked((MUTANT,), 1)}) == told[1:]
    assert dead([ONE], {ONE.module: Looked((MUTANT, killed), 9)}) == told[1:]
    assert dead([ONE], {ONE.module: Looked((MUTANT,), 9)}) == [], "what was not drawn tells nothing"
    assert dead([ONE], {}) == [], "a module that was not run tells nothing"


def test_no_mutant_is_named_twice() -> None:
    named = Counter((one.module, one.function, one.line, after) for one in equivalents() for after in one.becomes)
    assert [name for name, times in named.items() if times > 1] == []


def test_a_rule_erases_its_pattern_and_nothing_else() -> None:
    rule = Rule(erase="strict=(True|False|None)", reason="none")
    line = "for a, b in zip(x, y, strict=True):"
    for after, holds in (
        ("for a, b in zip(x, y, strict=False):", True),
        ("for a, b in zip(x, y, strict=None):", True),
        ("for a, b in zip(x, y, ):", True),
        ("for a, b in zip(x, strict=True):", False),
        ("for a, b in zip(x, None, strict=True):", False),
    ):
        assert rule.holds(replace(MUTANT, before=line, after=after)) == holds


def test_letters_of_sentences_are_set_aside_and_nothing_else() -> None:
    line = 'told = f(x, "it is early")'
    for before, after, aside in (
        (line, 'told = f(x, "XXit is earlyXX")', True),
        (line, 'told = f(x, "IT IS EARLY")', True),
        (line, 'told = f(None, "it is early")', False),
        (line, "told = f(x, )", False),
        ('if name == "pls":', 'if name == "XXplsXX":', False),
        ('if name == "pls":', 'if name == "PLS":', False),
        ('if name == "pls":', 'if name != "pls":', False),
    ):
        assert replace(MUTANT, before=before, after=after).is_wording == aside


def test_a_change_is_told_by_its_lines() -> None:
    assert changed(["def f(x):", "    return x + 1"], ["def f(x):", "    return x - 1"]) == (
        "return x + 1",
        "return x - 1",
    )
    assert function_of("x_parts") == "parts"
    assert function_of("xǁBlocksǁsolve_at") == "Blocks.solve_at"


def test_the_modules_are_those_of_the_heart() -> None:
    assert chosen(["solver/paths/criterion.py"]) == {WINGS[1]: ["solver/paths/criterion.py"]}
    assert chosen(["reports/judge"]) == {wing: modules(wing) for wing in WINGS[-2:]}
    every = [module for wing in WINGS for module in modules(wing)]
    assert len(set(every)) == len(every)
    for folder in {wing.folder for wing in WINGS}:
        here = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).glob("[!_]*.py")}
        assert here - NOTHING == {module for module in every if module.startswith(f"{folder}/")}
    assert chosen(["nothing"]) == {}
    assert [*chosen([])] == [*WINGS]
    for wing in WINGS:
        assert modules(wing)
        for test in (*wing.tests, *(name.partition("::")[0] for name in wing.without)):
            assert (ROOT / test).exists(), f"{test} is gone: mutants of {wing.folder} would be met by less"
        for name in wing.without:
            file, _, function = name.partition("::")
            text = (ROOT / file).read_text(encoding="utf-8")
            assert f"def {function.partition('[')[0]}(" in text or not function


def test_the_tree_is_the_package_as_it_is_installed_and_the_tests(tmp_path: Path) -> None:
    wing = WINGS[0]
    assert lay_out(tmp_path, wing), "a tree that is new"
    assert not lay_out(tmp_path, wing)
    (tmp_path / in_tree(modules(wing)[0])).write_text("# An older one.\n", "utf-8")
    assert lay_out(tmp_path, wing), "mutants of another text"
    told = tomllib.loads((tmp_path / "pyproject.toml").read_text("utf-8"))["tool"]
    for name in told["setuptools"]["packages"]:
        folder = tmp_path / name.replace(".", "/")
        assert (folder / "__init__.py").exists(), f"{name} is not in the tree"
    for module in modules(wing):
        assert (tmp_path / in_tree(module)).read_bytes() == (ROOT / module).read_bytes()
        assert in_tree(module) in told["mutmut"]["only_mutate"]
    assert (tmp_path / "tests/mutation/wings.py").exists()
    # A module that is new in a wing was copied without mutants, and is made anew; one that has them stays.
    mutants = tmp_path / "mutants" / "relmer/solver/algebra"
    mutants.mkdir(parents=True)
    for name in ("rank.py", "roots.py", "roots.py.meta"):
        (mutants / name).touch()
    lay_out(tmp_path, wing)
    assert sorted(path.name for path in mutants.iterdir()) == ["roots.py", "roots.py.meta"]


def test_what_the_tool_left_is_read_and_settled(tmp_path: Path) -> None:
    """As mutmut writes it: a file with all mutants, where each stands, and the exit code of each."""
    module = "solver/algebra/one.py"
    code = [
        "def x_f__mutmut_orig(x):",
        '    return g(x + 1, "it is one", strict=True)',
        "def x_f__mutmut_1(x):",
        '    return g(x - 1, "it is one", strict=True)',
        "def x_f__mutmut_2(x):",
        '    return g(x + 1, "XXit is oneXX", strict=True)',
        "def x_f__mutmut_3(x):",
        '    return g(x + 1, "it is one", strict=False)',
        "def x_f__mutmut_4(x):",
        '    return g(x + 2, "it is one", strict=True)',
        "def x_f__mutmut_5(x):",
        '    return g(None, "it is one", strict=True)',
    ]
    names = ["x_f__mutmut_orig", *(f"x_f__mutmut_{k}" for k in range(1, 6))]
    made = tmp_path / "mutants" / in_tree(module)
    made.parent.mkdir(parents=True)
    made.write_text("\n".join(code) + "\n", "utf-8")
    spans = {name: [2 * k + 1, 2 * k + 2] for k, name in enumerate(names)}
    made.with_name("one.py.spans").write_text(json.dumps({"version": 1, "spans": spans}), "utf-8")
    codes = dict(zip([f"relmer.{name}" for name in names[1:]], [1, None, None, 0, None], strict=True))
    meta = made.with_name("one.py.meta")
    meta.write_text(json.dumps({"exit_code_by_key": codes}), "utf-8")
    found = [*mutants_of(tmp_path, module)]
    assert [one.fate for one in found] == [Fate.KILLED, Fate.OPEN, Fate.OPEN, Fate.LIVES, Fate.OPEN]
    assert {one.function for one in found} == {"f"}
    assert found[0].before == 'return g(x + 1, "it is one", strict=True)'
    assert found[0].after == 'return g(x - 1, "it is one", strict=True)'
    strict = Rule(erase="strict=(True|False|None)", reason="none")

    every = {f"relmer.{name}" for name in names[1:]}

    def settled(wanted: Container[str], again: bool) -> list[int | None]:
        meta.write_text(json.dumps({"exit_code_by_key": codes}), "utf-8")
        settle(tmp_path, module, strict.holds, wanted, lambda _: again)
        return [*json.loads(meta.read_text("utf-8"))["exit_code_by_key"].values()]

    assert settled(every, False) == [1, ASIDE, ASIDE, 0, None]
    assert settled(every, True) == [1, ASIDE, ASIDE, None, None]
    assert settled({"relmer.x_f__mutmut_4"}, True) == [1, ASIDE, ASIDE, None, ASIDE]
    assert settled((), True) == [1, ASIDE, ASIDE, 0, ASIDE]
    settle(tmp_path, module, strict.holds, every, lambda _: False)
    assert [one.fate for one in mutants_of(tmp_path, module)][-1] is Fate.OPEN, "what was set aside is called back"
    # The fourth of five lives, and stands on lines 9 and 10; the last, on lines 11 and 12, was not run.
    for lines, fate, last in (
        ({2, 8}, Fate.LIVES, Fate.OPEN),
        ({10}, Fate.KILLED, Fate.OPEN),
        ({12}, Fate.KILLED, Fate.KILLED),
    ):
        strike(tmp_path, module, lines)
        fates = [one.fate for one in mutants_of(tmp_path, module)]
        assert fates == [Fate.KILLED, Fate.ASIDE, Fate.ASIDE, fate, last]


def test_the_page_is_that_of_the_score() -> None:
    score = page.stored()
    assert page.PAGE.read_text(encoding="utf-8") == page.page(score, rules())
    every = {module for wing in WINGS for module in modules(wing)}
    assert set(score) <= every, "a module of the score is gone: nox -s mutation -- --read --write"
    for one in score.values():
        assert one["tried"] == one["killed"] + one["equivalent"] + one["living"]
        assert 0 < one["tried"] <= one["mutants"]


def test_a_sample_is_drawn_of_what_is_no_wording_and_stays_when_more_are_asked() -> None:
    found = [replace(MUTANT, name=f"f__mutmut_{k}") for k in range(40)]
    words = replace(MUTANT, before='f("it is")', after='f("IT IS")')
    ten, twenty = drawn([words, *found], 10), drawn([words, *found], 20)
    assert len(ten) == 10
    assert [one for one in twenty if one in ten] == ten
    assert drawn([words, *found], None) == drawn(found, 100) == found


def test_the_score_counts_each_mutant_once() -> None:
    found = (
        replace(MUTANT, fate=Fate.KILLED),
        replace(MUTANT, fate=Fate.LIVES),
        replace(MUTANT, fate=Fate.UNMET, after="something else"),
    )
    expected = {"mutants": 3, "tried": 3, "first": 1, "killed": 1, "equivalent": 1, "living": 1}
    assert page.counts(Looked(found, 3), [ONE], []) == expected
    assert page.counts(Looked(found, 30), [ONE], []) == expected | {"mutants": 30}
    ruled = replace(MUTANT, before="f(x, strict=True)", after="f(x, )", fate=Fate.ASIDE)
    by_rule = [Rule(erase="strict=(True|False|None)", reason="none")]
    told = page.counts(Looked((*found, ruled), 4), [ONE], by_rule)
    assert told == expected | {"mutants": 4, "tried": 4, "equivalent": 2}
    assert page.row("all", told, page.share(told)) == "| all | 4 | 4 | 1 | 1 | 2 | 1 | 50.0 % |"
    for before, first in (({"tried": 3, "first": 0}, 0), ({"tried": 3, "first": 2}, 1), ({"tried": 2, "first": 0}, 1)):
        assert page.counts(Looked(found, 3), [ONE], [], before)["first"] == first


def test_the_score_of_all_is_weighed_by_mutants_and_its_error_is_that_of_drawing() -> None:
    """By hand: a whole module has no error; of one with 9 of 10 killed among 100, Cochran's (3.8) for a proportion."""
    whole = {"mutants": 100, "tried": 100, "first": 50, "killed": 100, "equivalent": 0, "living": 0}
    drawn_of = {"mutants": 100, "tried": 10, "first": 9, "killed": 9, "equivalent": 0, "living": 1}
    assert page.overall([whole]) == "100.0 %"
    # sqrt((1 - 10/100) * 0.9 * 0.1 / 9) = 0.0949, and half of it where half of the mutants were drawn from.
    assert page.overall([drawn_of]) == "90.0 ± 9.5 %"
    assert page.overall([whole, drawn_of]) == "95.0 ± 4.7 %"
    # The tenth of ten is killed by a test that was written for it, which says nothing of the other 90.
    assert page.overall([drawn_of | {"killed": 10, "living": 0}]) == "91.0 ± 9.5 %"
