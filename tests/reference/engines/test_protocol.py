"""Engines as anybody may declare them: found in order, refused in one line, their kin known without running them."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from relmer.reference.engines.errors import EngineError
from relmer.reference.engines.kin import kin_of
from relmer.reference.engines.protocol import MEMBERS, engine, engine_names, installed

OURS = ("pls", "qr", "gls", "lme4", "lme4-bobyqa", "lme4-tight")
MODULE = """
class Engine:
    name = {name!r}
    house = {house!r}
    witness_of = {witness_of!r}
    definition = {definition!r}
    needs = ("a package",)
    capabilities = frozenset({{"fit"}})
    def available(self): return "not here"
    def version(self): return "1"
    def environment(self): return {{}}
    def fit(self, case): raise NotImplementedError
"""


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install a package that declares an engine, `without` one of its members."""

    def planted(name: str, without: str = "", text: str = MODULE, **declared: object) -> None:
        module = f"planted_{name.replace('-', '_')}"
        told = {"name": name, "house": "planted", "witness_of": None, "definition": False, **declared}
        text = text.format(**told) + (f"del Engine.{without}\n" if without else "")
        (tmp_path / f"{module}.py").write_text(text, encoding="utf-8")
        folder = tmp_path / f"{module}-1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1\n", encoding="utf-8")
        (folder / "entry_points.txt").write_text(f"[relmer.engines]\n{name} = {module}:Engine\n", encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, module, raising=False)

    return planted


def test_an_engine_of_anybody_comes_after_our_own(plant) -> None:
    plant("a-path")
    assert engine_names() == ("pls", "qr", "gls", "a-path", *OURS[3:])
    assert engine("a-path").needs == ("a package",)


@pytest.mark.parametrize("member", [*MEMBERS, "fit"])
def test_an_engine_that_lacks_a_member_is_refused_in_one_line(plant, member: str) -> None:
    plant("mine", without=member)
    with pytest.raises(EngineError, match=rf"\Aengine 'mine' \(planted_mine:Engine\) .*'{member}'.*give it.*\Z"):
        engine("mine")
    assert engine_names() == (*OURS, "mine")
    assert tuple(one.name for one in installed()) == OURS


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"witness_of": "lme4"}, "of house 'planted' speaks for 'lme4'; its witness_of must be its own house or None"),
        ({"definition": True}, "of house 'planted' is no definition; its definition must be False"),
    ],
)
def test_an_engine_speaks_for_its_own_house_alone(plant, declared: dict[str, object], message: str) -> None:
    plant("lme4-x", **declared)
    with pytest.raises(EngineError, match=message):
        engine("lme4-x")
    assert kin_of(installed()).witnesses == {"lme4": "lme4-tight"}


def test_an_engine_under_another_name_than_its_own_is_refused(plant) -> None:
    plant("mine", text=MODULE.replace("{name!r}", "'lme4'"))
    with pytest.raises(EngineError, match=r"engine 'mine' .* calls itself 'lme4'"):
        engine("mine")


@pytest.mark.parametrize(
    "text", ["import nothing_of_this_name", "Engine = 1 / 0", "def Engine():\n    raise OSError('a\\nb')"]
)
def test_an_engine_that_cannot_be_made_is_refused_in_one_line(plant, text: str) -> None:
    plant("mine", text=text)
    with pytest.raises(
        EngineError, match=r"\Aengine 'mine' .*cannot be loaded, mend or remove it: \w+: .*\Z"
    ) as caught:
        engine("mine")
    assert "\n" not in str(caught.value)
    assert engine_names() == (*OURS, "mine")


def test_the_houses_are_known_without_r(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    kin = kin_of(installed())
    assert kin.houses == dict.fromkeys(OURS[:3], "relmer") | dict.fromkeys(OURS[3:], "lme4")
    assert (kin.definition, kin.witnesses) == ("gls", {"lme4": "lme4-tight"})
    assert [kin.witness(name) for name in OURS] == [None] * 3 + ["lme4-tight"] * 3
    assert kin.peers("qr") == kin.peers("gls") == ("lme4-tight", "lme4")
    assert kin.peers("lme4-bobyqa") == ("gls", "pls", "qr")


def test_who_must_be_heard(plant) -> None:
    """The definition, a path for any size and lme4's tight fit always; another house's tight fit for its engines."""
    plant("mixed", house="mixed")
    plant("exact", house="mixed", witness_of="mixed")
    kin = kin_of(installed())
    assert kin.witnesses_for(["pls"]) == kin.witnesses_for(["lme4"]) == ("gls", "pls", "lme4-tight")
    assert kin.witnesses_for(["mixed"]) == ("gls", "pls", "lme4-tight", "exact")


def stub(name: str, house: str = "mixed", witness_of: str | None = None, definition: bool = False) -> SimpleNamespace:
    return SimpleNamespace(name=name, house=house, witness_of=witness_of, definition=definition)


@pytest.mark.parametrize(
    ("engines", "message"),
    [
        (
            [stub("a", witness_of="mixed"), stub("b", witness_of="mixed")],
            "engines a and b both speak for mixed; remove",
        ),
        ([stub("a")], "one engine must be the definition, not none"),
        ([stub("a", definition=True), stub("b", definition=True)], "one engine must be the definition, not a, b"),
    ],
)
def test_declarations_that_contradict_each_other_are_refused(engines: list[SimpleNamespace], message: str) -> None:
    with pytest.raises(EngineError, match=message):
        kin_of(engines)
