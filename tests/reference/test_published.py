"""The ledger of published figures: complete against the documents' text, and refused when malformed."""

import re
from collections import Counter
from pathlib import Path

import pytest
from bounds import EPS

from relmer.datasets import DataError, cases, half_unit, number
from relmer.datasets.quantities import FREE_OF_FIT, OF_A_DOCUMENT, free_of_fit, quantities_of
from relmer.reference.published import LEDGER, Figure, figures

LISTED = Path(__file__).with_name("published_decimals.txt")
DOCUMENTS = ("000", "001", "002")

ENTRY = """
[[figure]]
section = "1"
label = "fixef(fit)"
case = "docs/sleepstudy"
quantity = "{column}[{row}]"
rows = ["(Intercept)", "Days"]
columns = ["beta", "se"]
printed = \"\"\"
251.40510 6.825
10.46729 .
\"\"\"
"""


def listed(kind: str | None = None) -> Counter[tuple[str, str]]:
    """Occurrences of the documents' decimals, by document and decimal."""
    found: Counter[tuple[str, str]] = Counter()
    for line in LISTED.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            document, of_kind, times, decimal = line.split()
            if kind in (None, of_kind):
                found[document, decimal] += int(times)
    return found


def test_the_list_is_that_of_the_documents() -> None:
    """452 occurrences of 229 distinct decimals, as counted in the documents' text."""
    output = listed("output")
    assert output.total() == 452
    assert len({decimal.lstrip("-") for _, decimal in output}) == 229
    assert {document for document, _ in output} == set(DOCUMENTS)
    assert listed("typed").total() == 2


def test_every_printed_decimal_has_its_entries_and_no_other_has_one() -> None:
    """Each occurrence is an entry of its own; entries without a decimal point are sizes and counts."""
    decimals = Counter((f.document, f.printed) for f in figures() if "." in f.printed)
    assert decimals == listed()


def test_a_decimal_without_an_entry_is_missed(tmp_path: Path) -> None:
    for path in LEDGER.glob("*.toml"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8").replace("1743.6", "1743"), encoding="utf-8")
    decimals = Counter((f.document, f.printed) for f in figures(folder=tmp_path) if "." in f.printed)
    assert listed() - decimals == Counter({("000", "1743.6"): 1})


def test_sizes_counts_and_clusters_are_there() -> None:
    found = {(f.case, f.quantity, f.printed) for f in figures()}
    for case, quantity, printed in (
        ("docs/sleepstudy", "nobs", "180"),
        ("docs/sleepstudy", "dim[Z, 2]", "36"),
        ("docs/three-level", "groups[tch.cl:sch.cl]", "30"),
        ("docs/three-level", "dim[Gm, 1]", "40"),
        ("docs/bdf", "nobs", "2,287"),
        ("docs/bdf", "size[schoolNR, 10]", "5"),
        ("docs/sleepstudy-three", "dim[Zt, 2]", "12"),
    ):
        assert (case, quantity, printed) in found


def test_figures_come_in_the_order_of_the_documents() -> None:
    found = figures()
    assert [f.document for f in found] == sorted(f.document for f in found)
    assert found[0] == Figure("000", "1. Manual method", "nrow(sleepstudy)", "docs/sleepstudy", "nobs", "180")
    assert found == tuple(f for document in DOCUMENTS for f in figures(document))
    assert figures("003") == ()


def test_no_figure_of_a_document_stands_among_the_cases_as_well() -> None:
    in_ledger = {(f.case, f.quantity, f.printed) for f in figures()}
    assert not {(case.name, *pair) for case in cases() for pair in case.published.items()} & in_ledger


def test_a_figure_that_is_printed_again_is_an_entry_again(tmp_path: Path) -> None:
    (tmp_path / "000.toml").write_text(ENTRY.replace('"fixef(fit)"', '["fixef(fit)", "again"]'), encoding="utf-8")
    found = figures(folder=tmp_path)
    assert [(f.label, f.quantity, f.printed) for f in found] == [
        (label, *pair)
        for label in ("fixef(fit)", "again")
        for pair in (("beta[(Intercept)]", "251.40510"), ("se[(Intercept)]", "6.825"), ("beta[Days]", "10.46729"))
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('section = "1"', "", "000.toml, figure 1 (fixef(fit)): section is None: give a string"),
        ('section = "1"', 'section = ""', "section is '': give a string"),
        ('section = "1"', "section = 1", "section is 1: give a string"),
        ('section = "1"', 'chapter = "1"', "chapter is no field: known are section"),
        ('label = "fixef(fit)"', "", "000.toml, figure 1 (): label is []: give a string, or a list"),
        ('label = "fixef(fit)"', "label = [1]", "label is [1]: give a string, or a list"),
        ('"docs/sleepstudy"', '"docs/sleep"', "case is 'docs/sleep': give the name of a case"),
        ('["beta", "se"]', '["beta", "deviance"]', "quantity is 'deviance[(Intercept)]': write quantity[name, ...]"),
        ('["beta", "se"]', '["beta", "vcov"]', "quantity is 'vcov[(Intercept)]': write quantity[name, ...]"),
        ('["beta", "se"]', '"beta"', "columns is 'beta': give names, or a range, or a list"),
        ('["beta", "se"]', '"2:1"', "columns is '2:1': give names, or a range, or a list"),
        ('["beta", "se"]', '["beta"]', "printed is no table of 2 rows and 1 columns"),
        ('columns = ["beta", "se"]', "", "quantity is '{column}[{row}]': it has {column} if and only if there are"),
        ('"{column}[{row}]"', '"beta[{row}]"', "quantity is 'beta[{row}]': it has {column} if and only if there are"),
        ("10.46729 .\n", "", "printed is no table of 2 rows and 2 columns"),
        ("10.46729 .", "10,46729 .", "printed has '10,46729': give the printed figure"),
        ("10.46729 .", "about .", "printed has 'about': give the printed figure"),
        ("[[figure]]", "[figure]", "000.toml: figure stands outside a [[figure]] table"),
        ("[[figure]]", "title = 'x'\n[[figure]]", "000.toml: title stands outside a [[figure]] table"),
        ("[[figure]]", "[[figure]", "000.toml is not TOML: "),
    ],
)
def test_a_malformed_ledger_is_refused_by_name(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in ENTRY
    (tmp_path / "000.toml").write_text(ENTRY.replace(old, new), encoding="utf-8")
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        figures(folder=tmp_path)
    assert "\n" not in str(caught.value)


def test_a_ledger_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "000.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"^000\.toml cannot be read: restore the file"):
        figures(folder=tmp_path)


def test_a_table_may_hold_figures_as_other_programs_print_them(tmp_path: Path) -> None:
    changed = ENTRY.replace("10.46729 .", "< .0001  1,430.5")
    assert changed != ENTRY
    (tmp_path / "000.toml").write_text(changed, encoding="utf-8")
    assert [f.printed for f in figures(folder=tmp_path)][-2:] == ["<.0001", "1,430.5"]


@pytest.mark.parametrize(
    ("printed", "value", "half"),
    [
        ("251.40510", 251.4051, 5e-6),
        (".4201496", 0.4201496, 5e-8),
        ("1.867415e-07", 1.867415e-07, 5e-14),
        ("2,287", 2287.0, 0.5),
        ("-0.138", -0.138, 5e-4),
    ],
)
def test_a_printed_string_has_a_value_and_a_last_digit(printed: str, value: float, half: float) -> None:
    assert number(printed) == value
    assert half_unit(printed) == pytest.approx(half, rel=2 * EPS, abs=0)  # a power of ten, and its half


def test_the_comment_explains_every_field_and_quantity() -> None:
    header = (LEDGER / "000.toml").read_text(encoding="utf-8").partition("\n[[figure]]")[0]
    cases_header = Path(cases.__globals__["CASES"]).read_text(encoding="utf-8").partition("\n[[case]]")[0]
    for word in ("section", "label", "case", "quantity", "printed", "rows", "columns"):
        assert re.search(rf"^#.*\b{word}\b", header, flags=re.MULTILINE), word
    for word in quantities_of(OF_A_DOCUMENT):
        assert re.search(rf"^#.*\b{word}\b", header + cases_header, flags=re.MULTILINE), word


def test_what_depends_on_no_fit_is_told_apart() -> None:
    assert all(free_of_fit(form) == (form in FREE_OF_FIT) for form in OF_A_DOCUMENT)
