"""`relmer record`: into files, and gathered by case, where what is recorded anew counts at once."""

import json
from pathlib import Path

from click.testing import CliRunner

from relmer.datasets import case
from relmer.reference.answers import recorded
from relmer.reports.commands.main import main

CASE = case("dyestuff/reml")


def record(into: Path, *arguments: str) -> None:
    asked = ["record", "--case", CASE.name, "--into", str(into), *arguments]
    told = CliRunner().invoke(main, asked, catch_exceptions=False)
    assert told.exit_code == 0


def test_what_is_gathered_is_what_was_written(tmp_path: Path) -> None:
    record(tmp_path, "--engine", "pls", "--engine", "qr")
    names = ("pls", "qr")
    paths = {name: recorded.path_of(name, CASE.name, tmp_path) for name in names}
    texts = {name: path.read_text(encoding="utf-8") for name, path in paths.items()}
    record(tmp_path, *(f"--engine={name}" for name in names), "--gather")
    assert [path.name for path in tmp_path.iterdir()] == ["gathered"]
    assert {name: recorded.text_of(path) for name, path in paths.items()} == texts
    # A later file is read in the place of what is gathered; gathering takes it, and keeps the other engine's.
    record(tmp_path, "--engine", "qr")
    paths["qr"].write_text(json.dumps(json.loads(texts["qr"]) | {"version": "later"}), encoding="utf-8")
    assert recorded.read("qr", CASE, tmp_path).version == "later"
    recorded.pack("qr", tmp_path)
    recorded.gather(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["gathered"]
    assert recorded.read("qr", CASE, tmp_path).version == "later"
    assert recorded.text_of(paths["pls"]) == texts["pls"]
