"""What is released: the wheel's files, the citation, the extras."""

import re
import shutil
import tomllib
import zipfile
from pathlib import Path

import pytest
import wheel

PROJECT = tomllib.loads((wheel.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_lists_take_every_file_of_the_rooms_and_no_other() -> None:
    assert wheel.declared() == {*wheel.source()}
    assert [name for name in wheel.source() if "test_" in name] == ["relmer/conformance/test_conformance.py"]


@pytest.mark.parametrize("name", ["reports/new/__init__.py", "reference/new.toml", "solver/algebra/table.csv"])
def test_a_file_that_the_lists_forget_is_seen(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).touch()
    shutil.copyfile(wheel.ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    assert {*wheel.source(tmp_path)} - wheel.declared(tmp_path) == {f"relmer/{name}"}


def test_a_wheel_that_lacks_a_file_or_has_one_too_many_is_seen(tmp_path: Path) -> None:
    names = sorted(wheel.source())
    with zipfile.ZipFile(made := tmp_path / "made.whl", "w") as packed:
        for name in [*names[1:], "tests/test_x.py", "relmer-0.1.0.dist-info/RECORD"]:
            packed.writestr(name, "")
    assert wheel.faults(made) == [f"missing: {names[0]}", "too much: tests/test_x.py"]
    # A ZIP archive is read from its end: what stands before it is of no account but for the size.
    made.write_bytes(made.read_bytes().rjust(wheel.LARGEST, b"\0"))
    assert wheel.faults(made)[-1] == "5000000 bytes are not below 5000000"


def test_a_wheel_of_these_files_is_small_enough(tmp_path: Path) -> None:
    """The limit of `nox -s release`, seen by every run of the tests: the same files, deflated and recorded alike.

    A builder's own names, entry points and level of deflation are what it differs by: 10 kB of 5 MB are left for them.
    """
    wheel.stand_in(made := tmp_path / "made.whl")
    assert wheel.faults(made) == []
    assert made.stat().st_size < wheel.LARGEST - 10_000


def test_the_citation_says_what_the_project_says() -> None:
    text = (wheel.ROOT / "CITATION.cff").read_text(encoding="utf-8")
    said = dict(re.findall(r'^([a-z-]+): "?(.*?)"?$', text, re.MULTILINE))
    assert (said["version"], said["license"]) == (PROJECT["version"], PROJECT["license"])
    assert [*re.findall(r"^  - name: (.*)$", text, re.MULTILINE)] == [one["name"] for one in PROJECT["authors"]]
    assert PROJECT["description"] in text
    assert re.findall(r"^  - (?!name)(.*)$", text, re.MULTILINE) == PROJECT["keywords"]


def test_rpy2_stands_by_its_own_name() -> None:
    assert "rpy2" in {re.split("[<>=]", line)[0] for line in PROJECT["optional-dependencies"]["r"]}
