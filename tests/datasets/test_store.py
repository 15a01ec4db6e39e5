"""The exported data sets: complete, typed as in R, and guarded by their hashes."""

import gzip
import hashlib
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import DataError, describe, frame_sha256, load, names
from relmer.datasets.exported import DATA, exported_names
from relmer.datasets.nist import LAYOUTS

EXPORTED = (
    "Dyestuff",
    "Dyestuff2",
    "Machines",
    "Oats",
    "Orthodont",
    "Oxide",
    "Pastes",
    "Penicillin",
    "Pixel",
    "Rail",
    "ScotsSec",
    "bdf",
    "cake",
    "ergoStool",
    "mtcars",
    "sleepstudy",
    "star",
)
OWN = ("two_optima",)
DERIVED = ("sleepstudy_three", "star_kindergarten", "star_sample", "three_level")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a private copy of two data sets: one plain, one compressed."""
    for name in ("sleepstudy.csv", "sleepstudy.json", "bdf.csv.gz", "bdf.json"):
        shutil.copy(DATA / name, tmp_path)
    return tmp_path


def test_the_exported_data_sets_are_the_ones_promised() -> None:
    assert exported_names() == tuple(sorted((*EXPORTED, *LAYOUTS, *OWN)))
    assert set(names()) == {*EXPORTED, *LAYOUTS, *OWN, *DERIVED}


@pytest.mark.parametrize("name", exported_names())
def test_metadata_describe_the_csv(name: str) -> None:
    dataset = load(name)
    stated = [{**column, "unit": None} for column in dataset.meta["columns"]]
    whole_numbers_with_gaps = {"exp", "read", "math"} if name == "star" else set()
    seen = describe(dataset.frame)
    for column in seen:
        if column["name"] in whole_numbers_with_gaps:
            assert column["type"] == "numeric"
            column["type"] = "integer"
    assert seen == stated
    assert len(dataset.frame) == dataset.meta["rows"]
    assert dataset.sha256 == dataset.meta["sha256"]
    assert dataset.meta["licence"] and dataset.meta["title"]
    scripts = {**dict.fromkeys(EXPORTED, "export.R"), **dict.fromkeys(LAYOUTS, "nist.py"), "two_optima": "by hand"}
    assert dataset.meta["script"] == scripts[name]
    assert name not in EXPORTED or set(dataset.meta["source"]) == {"package", "version"}


# dim() in R 4.2.2; of mtcars with the row names as a further column.
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("sleepstudy", (180, 3)),
        ("Dyestuff", (30, 2)),
        ("Dyestuff2", (30, 2)),
        ("Penicillin", (144, 3)),
        ("Pastes", (60, 4)),
        ("Machines", (54, 3)),
        ("bdf", (2287, 28)),
        ("star", (26796, 18)),
        ("mtcars", (32, 12)),
        ("cake", (270, 5)),
        ("Rail", (18, 2)),
        ("ergoStool", (36, 3)),
        ("Oats", (72, 4)),
        ("Orthodont", (108, 4)),
        ("Pixel", (102, 4)),
        ("Oxide", (72, 5)),
        ("ScotsSec", (3435, 6)),
    ],
)
def test_dimensions(name: str, shape: tuple[int, int]) -> None:
    assert load(name).frame.shape == shape


@pytest.mark.parametrize(
    ("name", "column", "levels", "ordered"),
    [
        ("Machines", "Worker", ["6", "2", "4", "1", "3", "5"], True),
        ("Machines", "Machine", ["A", "B", "C"], False),
        ("star", "cltype", ["small", "reg", "reg+A"], False),
        ("star", "gr", ["K", "1", "2", "3"], True),
        ("star", "sx", ["M", "F"], False),
        ("bdf", "sex", ["0", "1"], False),
        ("Dyestuff", "Batch", ["A", "B", "C", "D", "E", "F"], False),
        ("Rail", "Rail", ["2", "5", "1", "6", "3", "4"], True),
        ("ergoStool", "Subject", ["8", "5", "4", "9", "6", "3", "7", "1", "2"], True),
        ("Oats", "Block", ["VI", "V", "III", "IV", "II", "I"], True),
        ("Oats", "Variety", ["Golden Rain", "Marvellous", "Victory"], False),
        ("Pixel", "Dog", ["1", "10", "2", "3", "4", "5", "6", "7", "8", "9"], False),
        ("cake", "temperature", ["175", "185", "195", "205", "215", "225"], True),
        ("ScotsSec", "sex", ["M", "F"], False),
    ],
)
def test_levels_keep_their_order(name: str, column: str, levels: list[str], ordered: bool) -> None:
    factor = load(name).frame[column].cat
    assert list(factor.categories) == levels
    assert factor.ordered is ordered


def test_levels_are_not_sorted_as_numbers_or_as_text() -> None:
    assert list(load("bdf").frame["schoolNR"].cat.categories[:4]) == ["1", "2", "10", "12"]


# sum(is.na(star)) and colSums(is.na(star)) in R; the other data sets are complete.
def test_missing_values_of_star() -> None:
    missing = load("star").frame.isna().sum()
    assert missing.sum() == 7180
    assert missing[["hdeg", "clad", "exp", "read", "math", "birthq"]].tolist() == [
        167,
        809,
        193,
        2534,
        2183,
        0,
    ]
    assert all(load(name).frame.notna().all(axis=None) for name in EXPORTED if name != "star")


def test_column_types() -> None:
    star = load("star").frame
    assert star["read"].dtype == np.float64
    assert load("sleepstudy").frame["Days"].dtype == np.float64
    assert load("mtcars").frame["model"].iloc[0] == "Mazda RX4"
    assert load("three_level").frame["tch.cl"].dtype == np.int64


# sprintf("%a", ...) in R 4.2.2.
def test_doubles_are_those_of_r() -> None:
    reaction = load("sleepstudy").frame["Reaction"].tolist()
    printed = ["0x1.f31eb851eb852p+7", "0x1.02b467381d7dcp+8", "0x1.f599e83e425afp+7"]
    assert reaction[:3] == [float.fromhex(figure) for figure in printed]
    first = load("bdf").frame.iloc[0]
    assert first["IQ.ver.cen"] == float.fromhex("0x1.953d7414260fp+1")
    assert first["avg.IQ.ver.cen"] == float.fromhex("-0x1.839992b8fb901p+0")


@pytest.mark.parametrize("name", EXPORTED)
def test_the_csv_holds_the_shortest_digits(name: str) -> None:
    path = DATA / load(name).meta["file"]
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    numeric = [column["name"] for column in load(name).meta["columns"] if column["type"] == "numeric"]
    printed = pd.read_csv(io.StringIO(text), dtype=str)[numeric].to_numpy().ravel()
    for figure in {figure for figure in printed if isinstance(figure, str)}:
        value = float(figure)
        assert figure == next(short for digits in (15, 16, 17) if float(short := f"{value:.{digits}g}") == value)


def test_a_changed_byte_is_caught(root: Path) -> None:
    path = root / "sleepstudy.csv"
    assert load("sleepstudy", root).sha256 == load("sleepstudy").sha256
    content = bytearray(path.read_bytes())
    position = content.index(b"249.56")
    content[position] = ord("3")
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"^sleepstudy\.csv does not have the sha256 .*export\.R$"):
        load("sleepstudy", root)
    with pytest.raises(DataError, match=r"^sleepstudy\.csv does not have the sha256"):
        load("sleepstudy_three", root)


def test_compression_may_differ_but_not_the_text(root: Path) -> None:
    path = root / "bdf.csv.gz"
    text = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(text, compresslevel=1, mtime=1))
    pd.testing.assert_frame_equal(load("bdf", root).frame, load("bdf").frame)
    path.write_bytes(gzip.compress(text + b"\n"))
    with pytest.raises(DataError, match="sha256"):
        load("bdf", root)


@pytest.mark.parametrize("damage", [b"", b"no gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03garbage"])
def test_damaged_compressed_files_are_named(root: Path, damage: bytes) -> None:
    (root / "bdf.csv.gz").write_bytes(damage)
    with pytest.raises(DataError, match=r"^bdf\.csv\.gz .*restore the file.*$"):
        load("bdf", root)


def test_missing_csv_is_named(root: Path) -> None:
    (root / "sleepstudy.csv").unlink()
    with pytest.raises(DataError, match=r"^sleepstudy\.csv cannot be read: restore the file"):
        load("sleepstudy", root)


def _edit(root: Path, **changes: object) -> None:
    path = root / "sleepstudy.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_metadata_that_contradict_the_csv_are_caught(root: Path) -> None:
    columns = json.loads((root / "sleepstudy.json").read_text())["columns"]
    _edit(root, rows=179)
    with pytest.raises(DataError, match="rows and columns"):
        load("sleepstudy", root)
    _edit(root, rows=180, columns=columns[:2])
    with pytest.raises(DataError, match="rows and columns"):
        load("sleepstudy", root)
    lacking = {**columns[2], "levels": columns[2]["levels"][1:]}
    _edit(root, columns=[*columns[:2], lacking])
    with pytest.raises(DataError, match="column Subject, row 1, the value '308', not one of its levels: correct it"):
        load("sleepstudy", root)
    _edit(root, columns=[*columns[:2], {**columns[2], "type": "colour"}])
    with pytest.raises(DataError, match="column Subject the type 'colour': write one of factor, ordered, numeric, "):
        load("sleepstudy", root)


STRAYS = {
    "text in numbers": ("numeric", ["1", "2.5", "n/a", ""], "row 3, the value 'n/a', not a number"),
    "a separator": ("numeric", ["1_000", "2"], "row 1, the value '1_000', not a number"),
    "a decimal comma": ("numeric", ["1", "2,5"], "row 2, the value '2,5', not a number"),
    "a fraction": ("integer", ["1", "", "2.5"], "row 3, the value '2.5', not a whole number"),
    "too many digits": ("integer", ["1", "9" * 30], "row 2, the value '999999999999999999999999999999', not a whole"),
    "an infinite count": ("integer", ["Inf"], "row 1, the value 'Inf', not a whole number"),
    "another word": ("logical", ["TRUE", "yes"], "row 2, the value 'yes', not TRUE or FALSE"),
    "a type of another language": (
        "double",
        ["1", "2"],
        "the type 'double': write one of factor, ordered, numeric, integer",
    ),
    "a type of Python": ("int64", ["1", "2"], "the type 'int64': write one of factor"),
}


@pytest.mark.parametrize("kind", STRAYS)
def test_a_field_of_another_type_is_named_with_its_row(kind: str, tmp_path: Path) -> None:
    declared, values, message = STRAYS[kind]
    stored(tmp_path, declared, values)
    with pytest.raises(DataError, match=r"^own\.csv") as caught:
        load("own", tmp_path)
    assert message in str(caught.value) and "column x" in str(caught.value) and "\n" not in str(caught.value)


def test_a_number_beyond_the_doubles_is_infinite(tmp_path: Path) -> None:
    stored(tmp_path, "numeric", ["9" * 400, "-" + "9" * 400, "1e400", "0x10", ""])
    assert load("own", tmp_path).frame["x"].tolist()[:4] == [np.inf, -np.inf, np.inf, 16.0]


def stored(folder: Path, declared: str, values: list[str]) -> None:
    """A data set whose column x has a declared type."""
    text = "".join(f'"{value}",1\n' for value in ["x", *values]).replace("1\n", "y\n", 1)
    columns = [{"name": n, "type": t, "levels": [], "unit": None} for n, t in (("x", declared), ("y", "integer"))]
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    meta = {"name": "own", "file": "own.csv", "sha256": sha256, "rows": len(values), "columns": columns}
    (folder / "own.csv").write_text(text)
    (folder / "own.json").write_text(json.dumps(meta))


@pytest.mark.parametrize(("text", "problem"), [("{", "is not JSON"), ("{}", "lacks columns"), ("[]", "lacks")])
def test_broken_metadata_are_named(root: Path, text: str, problem: str) -> None:
    (root / "sleepstudy.json").write_text(text)
    with pytest.raises(DataError, match=rf"^sleepstudy\.json {problem}"):
        load("sleepstudy", root)


def test_logical_integer_and_quoted_columns(tmp_path: Path) -> None:
    text = b'flag,some,count,word\nTRUE,,-3,"a ""b"", c"\nFALSE,TRUE,4,NA\n'
    types = {"flag": "logical", "some": "logical", "count": "integer", "word": "string"}
    meta = {
        "name": "mixed",
        "file": "mixed.csv",
        "sha256": hashlib.sha256(text).hexdigest(),
        "rows": 2,
        "columns": [{"name": name, "type": kind, "levels": [], "unit": None} for name, kind in types.items()],
    }
    (tmp_path / "mixed.csv").write_bytes(text)
    (tmp_path / "mixed.json").write_text(json.dumps(meta))
    frame = load("mixed", tmp_path).frame
    assert frame["flag"].tolist() == [True, False] and frame["flag"].dtype == bool
    assert frame["some"].isna().tolist() == [True, False] and frame["some"].iloc[1]
    assert frame["count"].tolist() == [-3, 4] and frame["count"].dtype == np.int64
    assert frame["word"].tolist() == ['a "b", c', "NA"]
    assert [column["type"] for column in describe(frame)] == list(types.values())


@pytest.mark.parametrize(("asked", "hint"), [("slepstudy", "sleepstudy"), ("machines", "Machines"), ("", "bdf")])
def test_an_unknown_name_is_answered_with_known_ones(asked: str, hint: str) -> None:
    with pytest.raises(DataError, match=f"^no data set is called '{asked}': .*{hint}"):
        load(asked)


def test_each_load_brings_a_fresh_frame() -> None:
    spoilt = load("sleepstudy").frame
    spoilt.loc[0, "Reaction"] = 0.0
    assert load("sleepstudy").frame.loc[0, "Reaction"] == 249.56


def test_frame_sha256_is_what_its_docstring_says() -> None:
    frame = pd.DataFrame(
        {
            "y": [0.1, np.nan],
            "n": [1, 2],
            "g": pd.Categorical(["b", "a"], ["b", "a", "c"]),
            "s": ["é", None],
        }
    )
    text = (
        '[{"name":"y","type":"numeric","levels":[]},{"name":"n","type":"integer","levels":[]},'
        '{"name":"g","type":"factor","levels":["b","a","c"]},{"name":"s","type":"string","levels":[]}]\n'
        '[0.1,1,"b","é"]\n[null,2,"a",null]\n'
    )
    assert frame_sha256(frame) == hashlib.sha256(text.encode()).hexdigest()


def test_frame_sha256_sees_every_change() -> None:
    frame = load("Machines").frame
    changed = [
        frame.assign(score=np.nextafter(frame["score"], np.inf)),
        frame.iloc[::-1],
        frame.assign(Worker=frame["Worker"].cat.as_unordered()),
        frame.assign(Worker=frame["Worker"].cat.reorder_categories(list("123456"))),
        frame.rename(columns={"score": "Score"}),
        frame[["Machine", "Worker", "score"]],
    ]
    hashes = {frame_sha256(other) for other in (frame, *changed)}
    assert len(hashes) == 1 + len(changed)
