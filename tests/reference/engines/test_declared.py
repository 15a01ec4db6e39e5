"""Engines that a person declares in a file: what is read, what is refused and where."""

import textwrap
from pathlib import Path

import pytest

from relmer.reference.engines import VARIABLE, EngineError, engine, engine_names, version_names
from relmer.reference.engines.declared import FILE, Declaration, declarations

GOOD = """
[engine."lme4@2.1"]
command = ["chroot", "/srv/forky", "Rscript"]

[engine."mine-tight"]
command = ["ssh", "host", "Rscript"]
search = "tight"
seconds = 5
memory_gib = 0.5

[case.other]
formula = "y ~ x"
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """The writer of the file of the folder in which one works."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    return lambda text: (tmp_path / FILE).write_text(text, encoding="utf-8")


def test_the_tables_of_engines_are_read_and_no_others(write) -> None:
    assert declarations() == ()
    write(GOOD)
    one, other = declarations()
    assert one == Declaration("lme4@2.1", ("chroot", "/srv/forky", "Rscript"), value='relmer.toml: [engine."lme4@2.1"]')
    assert (other.search, other.seconds, other.memory_bytes) == ("tight", 5.0, 2**29)


def test_declared_engines_take_part_and_recorded_versions_where_asked_for(write) -> None:
    before = engine_names()
    assert "lme4@2.1-0" in version_names()
    assert not {*version_names()} & {*before}
    write(GOOD)
    assert {*engine_names()} == {*before, "lme4@2.1", "mine-tight"}
    found = engine("mine-tight")
    assert (found.house, found.witness_of, found.definition) == ("lme4", None, False)
    assert found.available() == ""
    # A version that is declared is asked in the place of its recordings.
    write(GOOD.replace("lme4@2.1", "lme4@2.1-0"))
    assert "lme4@2.1-0" in engine_names()
    assert "lme4@2.1-0" not in version_names()
    assert engine("lme4@2.1-0").available() == ""


def test_a_recorded_version_is_not_here(write) -> None:
    assert engine("lme4@2.1-0").available() == "relmer.toml names no R with this lme4"


def test_a_name_of_this_project_is_not_taken(write) -> None:
    write('[engine.lme4]\ncommand = ["Rscript"]\n')
    with pytest.raises(EngineError, match="engine 'lme4' is declared twice"):
        engine("lme4")


def test_the_variable_names_another_file(write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(GOOD)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "other.toml"))
    with pytest.raises(EngineError, match=r"other\.toml: .*No such file"):
        declarations()
    (tmp_path / "other.toml").write_text('[engine.e]\ncommand = ["x"]', encoding="utf-8")
    assert [one.name for one in declarations()] == ["e"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[engine", r"relmer\.toml: Expected"),
        ("[engine.a]\npython = 7", "python is 7; name module and class"),
        ("[engine.a]\npython = 'mine'", "name module and class"),
        ("[engine.a]\npython = '../mine:Mine'", "name module and class"),
        ("[engine.a]\npython = 'mine:Mine'\nseconds = 3", "has 'seconds' beside python, which stands alone"),
        ("[engine.a]\npython = 'mine:Mine'\ncommand = ['x']", "has 'command' beside python"),
        ("engine = 3", "engine must be tables"),
        ("engine.e = 3", r'\[engine."e"\] must be a table'),
        ("[engine.e]", r'\[engine."e"\]: command must be a list of texts'),
        ('[engine.e]\ncommand = "Rscript"', "command must be a list"),
        ("[engine.e]\ncommand = []", "command must be a list"),
        ('[engine.e]\ncommand = ["Rscript", 1]', "command must be a list"),
        ('[engine.e]\ncommand = ["R\\u0000"]', "command must be a list"),
        ('[engine.e]\ncomand = ["Rscript"]', "has 'comand'; its keys are command, search, seconds, memory_gib"),
        ('[engine.e]\ncommand = ["R"]\nsearch = "BFGS"', "search is 'BFGS'; choose from default, tight, bobyqa"),
        ('[engine.e]\ncommand = ["R"]\nsearch = 1', "search is 1; choose"),
        ('[engine.e]\ncommand = ["R"]\nseconds = 0', "seconds must be a number above 0, not 0"),
        ('[engine.e]\ncommand = ["R"]\nseconds = nan', "seconds must be a number above 0, not nan"),
        ('[engine.e]\ncommand = ["R"]\nmemory_gib = true', "memory_gib must be a number above 0, not True"),
        ('[engine."../e"]\ncommand = ["R"]', "an engine's name has letters, digits"),
        ('[engine."e\\n"]\ncommand = ["R"]', "an engine's name has letters, digits"),
        ('[engine."lme4@*"]\ncommand = ["R"]', "an engine's name has letters, digits"),
    ],
)
def test_what_is_no_engine_is_refused_in_one_line_that_says_where(write, text: str, told: str) -> None:
    write(text)
    with pytest.raises(EngineError, match=told) as caught:
        declarations()
    assert "\n" not in str(caught.value)


def test_a_class_beside_the_file_is_an_engine(write, tmp_path: Path) -> None:
    """And is a stranger's: it speaks for nobody of ours, takes no name of ours, and fails in one line."""
    text = """
    class Mine:
        name = house = "mine"
        witness_of, definition, needs, capabilities = None, False, (), frozenset()
        def available(self): return ""
        def version(self): return "7"
        def environment(self): return {}
    """
    (tmp_path / "mine.py").write_text(textwrap.dedent(text), encoding="utf-8")
    made = '[engine.mine]\npython = "mine:Mine"\n[engine.lme4]\npython = "mine:Mine"\n'
    write(made + '[engine.none]\npython = "mine:None_"\n')
    found = engine("mine")
    assert (found.house, found.version()) == ("mine", "7")
    with pytest.raises(EngineError, match="engine 'lme4' is declared twice"):
        engine("lme4")
    with pytest.raises(EngineError, match=r"engine 'none' \(mine:None_\) cannot be loaded"):
        engine("none")
    found.close()
