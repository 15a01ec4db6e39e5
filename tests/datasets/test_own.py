"""A person's own data are read as `read_table` reads the file, by whoever has their name, and nothing else is."""

from pathlib import Path

import pandas as pd
import pytest

from relmer.datasets import DataError, keep_table, load, read_table


def file_of(folder: Path, text: str, name: str = "my.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def kept(folder: Path) -> Path:
    (folder / "kept").mkdir()
    return folder / "kept"


def test_they_are_what_the_file_says(tmp_path: Path) -> None:
    """Whole numbers with a missing one and beyond 64 bits, logicals, text, a decimal comma: each as it is read."""
    file = file_of(tmp_path, "y;id;big;f;t\n0,1;7;99999999999999999999;T;a b\n2,5;;1;F;?\n")
    name = keep_table(file, kept(tmp_path), ";", ",", ("?",))
    wanted = read_table(file, ";", ",", ("?",)).frame
    file.unlink()
    found = load(name)
    pd.testing.assert_frame_equal(found.frame, wanted)
    assert found.name == "my"
    assert found.meta["remarks"]
    found.frame.loc[0, "y"] = 9.0
    assert load(name).frame["y"][0] == 0.1


def test_a_copy_that_changed_is_refused(tmp_path: Path) -> None:
    folder = kept(tmp_path)
    name = keep_table(file_of(tmp_path, "y\n1\n"), folder)
    (folder / "my.csv").write_text("y\n2\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"my.csv does not have the sha256"):
        load(name)


@pytest.mark.parametrize("text", ["{}", "[]", '{"form": "relmer-own-data/1"}', "no JSON", None])
def test_a_path_to_something_else_is_refused(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "other.json" if text is None else file_of(tmp_path, text, "other.json")
    with pytest.raises(DataError, match=r"other.json"):
        load(str(path))
