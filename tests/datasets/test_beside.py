"""A file of cases beside one's data: read, and refused with the line and the column."""

import json
import re
import tomllib
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from relmer.datasets import DataError, cases_schema, load, own_cases
from relmer.datasets.placed import LARGEST_FILE

SCHEMA = json.loads(files("relmer.reports").joinpath("cases.schema.json").read_text(encoding="utf-8"))
TEXT = """\
# Two trials
[[data]]
name = "trial"
file = "sub/trial.csv"
sep = ";"
decimal = ","
na = ["?"]
[[data.column]]
name = "plot"
type = "factor"

[[data]]
name = "other"
file = "other.csv"

[[case]]
name = "trial/full"
dataset = "trial"
formula = "y ~ x + (x | plot)"
reml = false
weights = "1/se^2"
offset = "o"
subset = "x > 0"
na_action = "na.omit"
contrasts = { f = "contr.sum" }
levels = { f = ["low", "high"] }
source = "Table 2"
[case.published]
"beta[(Intercept)]" = "1.25"

[[case]]
name = "rail again"
dataset = "Rail"
formula = "travel ~ 1 + (1 | Rail)"

[engine."lme4@9"]
command = ["Rscript"]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "mine" / "sub").mkdir(parents=True)
    (tmp_path / "mine" / "sub" / "trial.csv").write_text("y;x;plot\n1,5;?;1\n2,5;1;2\n", encoding="utf-8")
    (tmp_path / "mine" / "other.csv").write_text("a\n1\n", encoding="utf-8")
    (tmp_path / "secret.csv").write_text("a\n1\n", encoding="utf-8")
    (tmp_path / "mine" / "link.csv").symlink_to(tmp_path / "secret.csv")
    return tmp_path / "mine" / "relmer.toml"


def test_all_that_a_case_has_can_be_written(path: Path, tmp_path: Path) -> None:
    path.write_text(TEXT, encoding="utf-8")
    told = own_cases(path)
    full, rail = told.cases
    assert (full.name, full.reml, full.weights, full.offset, full.subset) == (
        "trial/full",
        False,
        "1/se^2",
        "o",
        "x > 0",
    )
    assert (full.na_action, full.contrasts, full.levels) == ("na.omit", {"f": "contr.sum"}, {"f": ("low", "high")})
    assert (full.source, full.published, rail.reml) == ("Table 2", {"beta[(Intercept)]": "1.25"}, True)
    (tmp_path / "kept").mkdir()
    kept = told.kept(told.chosen("*"), tmp_path / "kept")
    data = load(kept[0].dataset)
    assert (data.name, kept[1].dataset) == ("trial", "Rail")
    assert data.frame["y"].tolist() == [1.5, 2.5]
    assert data.frame["x"].isna().tolist() == [True, False]
    assert list(data.frame["plot"].cat.categories) == ["1", "2"]
    assert [case.name for case in told.chosen("rail*")] == ["rail again"]


def test_the_schema_is_the_readers(path: Path) -> None:
    """If not: write cases_schema() of relmer.datasets into reports/cases.schema.json."""
    assert cases_schema() == SCHEMA
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(tomllib.loads(TEXT), SCHEMA)


@pytest.mark.parametrize(
    ("old", "new", "place", "message", "by_schema"),
    [
        ('name = "trial"', 'name = "trial"\nfiles = "x"', "4:1", "data 'trial': files is no field: known are", True),
        ('file = "sub/trial.csv"', "file = 3", "4:8", "data 'trial': file is 3: give a string", True),
        ('file = "sub/trial.csv"', "", "2:1", "data 'trial': file is missing: add it", True),
        ("sub/trial.csv", "sub/trail.csv", "4:8", "there is no file 'sub/trail.csv' beside relmer.toml", False),
        ("sub/trial.csv", "../secret.csv", "4:8", "'../secret.csv' is not below the folder of relmer.toml", False),
        ("sub/trial.csv", "/etc/passwd", "4:8", "'/etc/passwd' is not below the folder of relmer.toml", False),
        ("sub/trial.csv", "link.csv", "4:8", "'link.csv' is not below the folder of relmer.toml", False),
        ("sub/trial.csv", "sub", "4:8", "there is no file 'sub' beside relmer.toml", False),
        ("sub/trial.csv", "a\\u0000b", "4:8", "there is no file 'a\\x00b' beside", False),
        ('sep = ";"', 'sep = ";;"', "5:7", "data 'trial': sep is ';;': give a single character", False),
        ('decimal = ","', 'decimal = "x"', "6:11", "data 'trial': decimal is 'x': give", False),
        ('na = ["?"]', 'na = ["?", 9]', "7:12", "data 'trial': na is ['?', 9]: give a list of strings", True),
        ('type = "factor"', 'type = "text"', "10:8", "data 'trial', column 'plot': type is 'text': give one of", True),
        ('type = "factor"', 'type = "factor"\nlevel = []', "11:1", "column 'plot': level is no field", True),
        ('name = "other"', 'name = "trial"', "13:8", "data 'trial': name is used twice: give each its own", False),
        ('name = "trial/full"', "", "16:1", "case 'number 1': name is missing: add it", True),
        ('name = "trial/full"', 'name = "Rail/\\u001b"', "17:8", "name is 'Rail/\\x1b': give 1 to 100 bytes", False),
        ('name = "trial/full"', 'name = "dyestuff/reml"', "17:8", "the name is that of a case of relmer's own", False),
        ('name = "trial/full"', 'name = "dyestuff.reml"', "17:8", "the name is that of a case of relmer's own", False),
        ('dataset = "trial"', 'dataset = "trail"', "18:11", "dataset is 'trail': did you mean", False),
        (
            '"y ~ x + (x | plot)"',
            '"y x"',
            "19:11",
            "case 'trial/full': formula is 'y x': write response ~ terms",
            False,
        ),
        ("reml = false", "reml = 0", "20:8", "case 'trial/full': reml is 0: give true or false", True),
        ("reml = false", "rmel = false", "20:1", "case 'trial/full': rmel is no field: known are name", True),
        ('weights = "1/se^2"', "weights = 2", "21:11", "weights is 2: give an expression of columns", True),
        ('"na.omit"', '"omit"', "24:13", "na_action is 'omit': give", True),
        ('"contr.sum"', "[1]", "25:19", "contrasts f is [1]: give the name of R's contrasts", True),
        ('["low", "high"]', '["low", 2]', "26:24", "levels f[1] is 2: give the levels", True),
        ('source = "Table 2"', "", "28:1", "source is missing: say where the published figures", True),
        ('source = "Table 2"', 'document = "000"', "27:1", "document is of this project's own cases", True),
        ('"1.25"', "1.25", "29:23", "published beta[(Intercept)] is 1.25: give the printed figure", True),
        ('"1.25"', '"about 1"', "29:23", "published beta[(Intercept)] is 'about 1': give", False),
        ('"beta[(Intercept)]"', '"beta"', "29:1", "published has 'beta': write quantity", False),
        ('name = "rail again"', 'name = "trial/full"', "32:8", "case 'trial/full': name is used twice", False),
        ("# Two trials", 'title = "x"', "1:1", "'title' is no table: write [[data]], [[case]] or", True),
        ("# Two trials", "[[case", "1:7", "this is no TOML: '[[case': ", None),
        ("# Two trials", "data = 3", "2:7", "this is no TOML: '[[data]]'", None),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    path: Path, old: str, new: str, place: str, message: str, by_schema: bool | None
) -> None:
    """`by_schema`: whether an editor that knows the schema sees it too; None where it is no TOML."""
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        own_cases(path)
    told = str(caught.value)
    assert told.startswith(f"{path}:{place}: ")
    assert message in told
    assert len(told.splitlines()) == 1
    if by_schema is not None:
        assert jsonschema.Draft202012Validator(SCHEMA).is_valid(tomllib.loads(text)) is not by_schema


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "1:1: there is no case: write a [[case]] table"),
        (b"case = 3", "1:8: case is 3: write [[case]] tables"),
        (b"data = [1]", "1:8: data is [1]: write [[data]] tables"),
        (b"[[data]]\ncolumn = 1", "2:10: column is 1: write [[data.column]] tables"),
        (b"\xff", ": this is no TOML: 'utf-8' codec"),
        (b"a = " + b"[" * 20_000, "this is no TOML"),
        (b"#" * (LARGEST_FILE + 1), "this is no TOML: it has more than"),
    ],
)
def test_a_file_that_holds_no_cases_is_refused(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(message)):
        own_cases(path)


def test_line_ends_of_windows_move_no_place(path: Path) -> None:
    text = TEXT.replace("reml = false", "reml = 0").replace("\n", "\r\n")
    path.write_bytes(text.encode())
    with pytest.raises(DataError, match=r"relmer\.toml:20:8: "):
        own_cases(path)
