"""The cases: complete, consistent, and refused when malformed."""

import pickle
import re
from collections import Counter
from pathlib import Path

import pytest

from relmer.datasets import Case, DataError, case, cases, names
from relmer.datasets.cases import CASES
from relmer.datasets.quantities import OF_A_CASE, quantities_of

ENTRY = """
[[case]]
name = "a/b"
dataset = "Dyestuff"
formula = "Yield ~ 1 + (1 | Batch)"
reml = true
document = ""
source = "here"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cases.toml"


def test_every_case_can_be_fitted_to_what_there_is() -> None:
    found = cases()
    assert {entry.dataset for entry in found} <= set(names())
    assert max(Counter(entry.name for entry in found).values()) == 1
    assert all(entry.source for entry in found)
    assert all(entry.document for entry in cases("docs/*"))
    assert not any(entry.document for entry in found if not entry.name.startswith("docs/"))


def test_the_models_of_the_documents_are_there() -> None:
    assert {entry.document for entry in cases("docs/*")} == {"000", "001", "002", "003"}
    promised = {
        "sleepstudy",
        "three-level",
        "star-sample",
        "mtcars-ols",
        "bdf",
        "sleepstudy-three",
        "machines",
    }
    assert {f"docs/{name}" for name in promised} <= {entry.name for entry in cases()}
    machines = case("docs/machines")
    assert machines.formula == "score ~ Machine + (1 | Worker) + (1 | Worker:Machine)"
    assert machines.reml is False


def test_every_model_is_there_by_both_criteria() -> None:
    models = Counter((entry.dataset, entry.formula) for entry in cases())
    criteria = {(entry.dataset, entry.formula, entry.reml) for entry in cases()}
    lacking = {model for model in models if not {(*model, True), (*model, False)} <= criteria}
    # The document's spelling of machines/nested-*, which it wants by maximum likelihood.
    assert lacking == {("Machines", "score ~ Machine + (1 | Worker) + (1 | Worker:Machine)")}


def test_patterns_are_shell_patterns_and_mind_the_case() -> None:
    assert [entry.name for entry in cases("dyestuff/*")] == ["dyestuff/reml", "dyestuff/ml"]
    assert cases("Dyestuff/*") == ()
    assert {entry.name for entry in cases("*-ml")} < {entry.name for entry in cases()}


def test_a_case_survives_pickling() -> None:
    assert pickle.loads(pickle.dumps(cases())) == cases()


def test_an_unknown_case_is_answered_with_known_ones() -> None:
    with pytest.raises(DataError, match=r"^no case is called 'docs/machine': did you mean docs/machines"):
        case("docs/machine")


def test_a_minimal_file(path: Path) -> None:
    path.write_text(ENTRY)
    expected = Case("a/b", "Dyestuff", "Yield ~ 1 + (1 | Batch)", True, "", "here", {})
    assert cases(path=path) == (expected,)
    assert case("a/b", path) == expected


@pytest.mark.parametrize("printed", [".0390124", "-.5", "1,430.5", "<.0001", "< 0.001", ">.99", "1.2e-3", "1.2E+03"])
def test_a_figure_as_other_programs_print_it(path: Path, printed: str) -> None:
    path.write_text(f'{ENTRY}published.sigma = "{printed}"\n')
    assert case("a/b", path).published == {"sigma": printed}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('dataset = "Dyestuff"', "", "case 'a/b': dataset is missing: add it"),
        (
            'dataset = "Dyestuff"',
            'dataset = "dyestuf"',
            "case 'a/b': dataset is 'dyestuf': did you mean Dyestuff",
        ),
        ("reml = true", "reml = 1", "case 'a/b': reml is 1: give true or false"),
        ("reml = true", 'reml = "yes"', "case 'a/b': reml is 'yes': give true or false"),
        ("reml = true", "reml = true\nmethod = 1", "case 'a/b': method is no field: known are name"),
        ('name = "a/b"', "", "case 'number 1': name is missing: add it"),
        ('name = "a/b"', 'name = ""', "case '': name is empty: give one"),
        ('name = "a/b"', "name = 3", "case 3: name is 3: give a string"),
        ("Yield ~ 1", "Yield 1", "case 'a/b': formula is 'Yield 1 + (1 | Batch)': write response ~ terms"),
        ('document = ""', 'document = "005"', "case 'a/b': document is '005': give 000 to 004"),
        ('"here"\n', '"here"\npublished = 3\n', "case 'a/b': published is 3: give a table of figures"),
        (
            '"here"\n',
            '"here"\npublished.criterion = 319.65\n',
            "published criterion is 319.65: give the printed",
        ),
        ('"here"\n', '"here"\npublished.criterion = "about 3"\n', "published criterion is 'about 3': give"),
        ('"here"\n', '"here"\npublished.deviance = "3"\n', "published has 'deviance': write quantity"),
        ('"here"\n', '"here"\npublished.beta = "3"\n', "published has 'beta': write quantity"),
        ('"here"\n', '"here"\npublished."beta[a, b]" = "3"\n', "published has 'beta[a, b]': write quantity"),
        ('"here"\n', '"here"\n' + ENTRY, "case 'a/b': name is used twice: give each case its own"),
        ("[[case]]", "[case]", "cases.toml: case stands outside a [[case]] table"),
        ("[[case]]", "title = 'x'\n[[case]]", "cases.toml: title stands outside a [[case]] table"),
        ("[[case]]", "[[case]", "cases.toml is not TOML: "),
    ],
)
def test_a_malformed_file_is_refused_by_name(path: Path, old: str, new: str, message: str) -> None:
    assert old in ENTRY
    path.write_text(ENTRY.replace(old, new))
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        cases(path=path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["case = 3", "case = [1, 2]"])
def test_cases_that_are_no_tables_are_refused(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(DataError, match="stands outside a"):
        cases(path=path)


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(DataError, match=r"^cases\.toml cannot be read: restore the file"):
        cases(path=path)


def test_the_comment_explains_every_field_and_quantity() -> None:
    header = CASES.read_text(encoding="utf-8").partition("[[case]]\nname")[0]
    for word in (*Case.__slots__, *quantities_of(OF_A_CASE)):
        assert re.search(rf"^#.*\b{word}\b", header, flags=re.MULTILINE), word
