"""A listing as a table: one figure to a row."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relmer.datasets import DataError, cases
from relmer.reports.given import read_answers, template
from relmer.reports.listings import csv_entries

HEAD = "case,engine,version,key,value\n"
KNOWN = {case.name: case for case in cases("dyestuff/*")}


def written(folder: Path, text: str, name: str = "said.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_rows_make_answers(tmp_path: Path, separator: str) -> None:
    rows = [
        ("case", "engine", "version", "key", "value"),
        ("dyestuff/reml", "SAS", "9.4", "sigma2", "2451.25"),
        ("dyestuff/ml", "SAS", "9.4", "criterion", "327.3"),
        ("dyestuff/reml", "SAS", "9.4", '"var[Batch, (Intercept)]"', "1764.05"),
        ("dyestuff/reml", "SAS", "9.4", "warning", "Convergence criteria met."),
        ("dyestuff/reml", "SAS", "9.4", "beta[(Intercept)]", ""),
    ]
    path = written(tmp_path, "\ufeff" + "\r\n".join(separator.join(row) for row in rows))
    first, second = read_answers(path, KNOWN)
    assert first.figures == {"sigma2": "2451.25", "var[Batch, (Intercept)]": "1764.05"}
    assert (first.engine, first.version, first.warnings) == ("SAS", "9.4", ("Convergence criteria met.",))
    assert (second.case, second.figures) == ("dyestuff/ml", {"criterion": "327.3"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("case,engine,value\n", "line 1: the columns must be case, engine, version, key, value"),
        ("case,engine,key,value,key\n", "line 1: the columns"),
        ("case,engine,key,value,note\n", "line 1: the columns"),
        ("", "line 1: the columns"),
        (HEAD, "holds no answer"),
        (HEAD + "dyestuff/reml,SAS,,var[Batch, (Intercept)],1\n", "line 2: 6 fields where the header has 5"),
        (HEAD + "\ndyestuff/reml,,,sigma,1\n", "line 3: engine is empty"),
        (HEAD + "dyestuff/reml,SAS,,,1\n", "line 2: key is empty"),
        (HEAD + "dyestuff/reml,S,,sigma,1\ndyestuff/reml,S,,sigma,2\n", "line 3: sigma of S on dyestuff/reml is given"),
        (HEAD + "dyestuff/reml,S,1,sigma,1\ndyestuff/reml,S,2,sigma2,2\n", "line 3: version is '2', and '1'"),
        (HEAD + "dyestuff/reml,S,,sigma,about 3\n", "sigma"),
        (HEAD + "dyestuff/reml,S,,sigma[],3\n", "sigma[]"),
        (HEAD + "dyestuf/reml,S,,sigma,3\n", "case is 'dyestuf/reml'"),
    ],
)
def test_what_is_no_listing_is_refused_where_it_stands(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(DataError) as refused:
        read_answers(written(tmp_path, text), KNOWN)
    assert told in str(refused.value)
    assert "said.csv" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_bytes_of_another_encoding_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "said.csv"
    path.write_bytes(HEAD.encode() + "dyestuff/reml,Stät,,sigma,3\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"said\.csv is not UTF-8"):
        csv_entries(path)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"])))
def test_any_text_is_read_or_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = written(tmp_path_factory.mktemp("any"), text)
    try:
        read_answers(path, KNOWN)
    except DataError as refused:
        assert "\n" not in str(refused)


def test_the_form_filled_in_is_an_answer(tmp_path: Path) -> None:
    case = KNOWN["dyestuff/reml"]
    rows = template(case, as_table=True).replace("dyestuff/reml,,,", "dyestuff/reml,mine,1,").splitlines()
    filled = "\n".join([rows[0], *(f"{row}1.5" for row in rows[1:])])
    (found,) = read_answers(written(tmp_path, filled), KNOWN)
    assert {*found.figures.values()} == {"1.5"}
    assert len(found.figures) == len(rows) - 1
