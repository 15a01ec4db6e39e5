"""summary.md, read by a Markdown parser."""

from dataclasses import replace

from markdown_it import MarkdownIt
from markdown_tables import tables

from relmer.reports.text import digits_text, printable
from relmer.reports.verdicts import Verdict
from relmer.reports.voices.markdown import LISTED, markdown


def one_line(text):
    return " ".join(printable(text).split())


def test_nothing_becomes_markup(report):
    for token in MarkdownIt("commonmark").enable("table").parse(markdown(report)):
        assert token.type != "html_block"
        kinds = {child.type for child in token.children or ()}
        assert kinds <= {"text", "text_special", "strong_open", "strong_close", "softbreak"}, token.content


def test_every_table_keeps_its_columns(report):
    names = len(report.engines)
    widths = {
        "Cases and engines": 1 + names,
        "Digits": 1 + names,
        "Wrong": 8,
        "Failures": 8,
        "Accepted failures": 8,
        "Drift": 6,
        "Engines": 5,
    }
    found = tables(markdown(report))
    assert [heading for heading, _ in found] == list(widths)
    for heading, rows in found:
        assert {len(row) for row in rows} == {widths[heading]}


def test_it_says_the_answer_and_the_counts(make_report):
    text = markdown(make_report(10))
    assert text.startswith(
        "# relmer: lme4 1.1-31 is wrong on 1 of 10 cases, early on 9; lme4-tight 1.1-31 is wrong on 1 of 10 cases "
        "(accepted: 1). The instrument: pls agrees on all 10; qr agrees on 9 of 10 cases (within on 1), failed on 1; "
        "gls agrees on all 8, unsupported on 2. 30 quantities drifted from the recordings. lme4-tight is recorded, "
        "not run, because all tolerances at 1e-12. Not judged: 6 failed, 52 unsupported, 3 not given.\n"
    )
    assert all(verdict in text.splitlines()[2] for verdict in Verdict)
    assert "lme4's default optimiser stops 136 above the optimum" in text


def test_the_first_line_is_never_cut(make_report):
    report = make_report(1)
    engine = next(e for e in report.engines if e.name == "lme4")
    many = [replace(engine, name=f"lme4-{k}") for k in range(50)]
    judged = [replace(c, engine=e.name) for e in many for c in report.comparisons if c.engine == "lme4"]
    text = markdown(replace(report, engines=tuple(many), comparisons=tuple(judged), scores=(), answers=()))
    assert "lme4-49 1.1-31 agrees" in text.splitlines()[0]


def test_an_accepted_failure_is_shown_with_its_link_and_its_size(make_report):
    listed = dict(tables(markdown(make_report(10))))
    assert listed["Accepted failures"][1] == [
        "Penicillin/REML",
        "lme4-tight",
        "5 estimates",
        "convention",
        "0.01",
        "0.01",
        "10",
        "https://example.org/issues/7",
    ]


def test_drift_tells_the_digits_and_the_blas(make_report):
    text = markdown(make_report(10))
    assert "30 quantities on 10 cases drifted" in text
    assert "1743.628271959952, now 1743.628271959951 (15.2 digits); recorded with BLAS libblas, now OpenBLAS" in text
    assert dict(tables(text))["Drift"][1][3:] == ["1743.628271959952", "1743.628271959951", "15.2"]


def test_warnings_are_counted_by_engine(make_report):
    rows = dict(tables(markdown(make_report(10))))["Engines"]
    assert {row[0]: row[3] for row in rows[1:]} == {
        "pls": "",
        "qr": "",
        "gls": "",
        "lme4": "2 on 2 cases",
        "lme4-tight": "",
    }


def test_the_matrix_names_the_first_rung_that_breaks(make_report):
    _, (header, *rows) = tables(markdown(make_report(10)))[0]
    cells = {(row[0], name): cell for row in rows for name, cell in zip(header[1:], row[1:], strict=True)}
    assert cells["star/REML", "lme4"] == "✗ wrong at 4 optimum 1.8: false minimum"
    assert cells["Penicillin/REML", "lme4-tight"] == "✗ wrong (accepted) at 5 estimates 2.0: convention"
    assert cells["Dyestuff/ML", "qr"] == "! failed at 3 criterion"
    assert cells["star/REML", "gls"] == "– unsupported"
    assert cells["sleepstudy/REML", "pls"].startswith("✓ agree ")
    assert len(cells) == 50


def test_the_fewest_digits_are_told_with_their_case(make_report):
    report = make_report(10)
    header, *rows = dict(tables(markdown(report)))["Digits"]
    own = [score for score in report.scores if score.engine == "lme4"]
    least = min(own, key=lambda score: score.digits["sigma"])
    row = next(row for row in rows if row[0] == "sigma")
    assert row[header.index("lme4")] == f"{digits_text(least.digits['sigma'])} ({least.case})"
    assert rows[-1][header.index("lme4")] == "9 × stopped early, 1 × false minimum of theta's chart"
    assert "Digits" not in dict(tables(markdown(replace(report, scores=()))))


def test_what_is_wrong_or_failed_is_all_listed(report):
    listed = dict(tables(markdown(report)))
    for verdict, heading in ((Verdict.WRONG, "Wrong"), (Verdict.FAILED, "Failures")):
        wrong = [c for c in report.comparisons if c.verdict == verdict and not c.accepted]
        rows = listed[heading][1:]
        assert len(rows) == len(wrong)
        for comparison, row in zip(wrong, rows, strict=True):
            assert row[0] == one_line(comparison.case)
            assert row[3] == one_line(comparison.quantity)
            assert row[4] == comparison.diagnosis
            assert row[7] == one_line(comparison.evidence)


def test_a_long_list_is_cut_and_says_so(make_report):
    report = make_report(2)
    wrong = tuple(replace(c, verdict=Verdict.WRONG) for c in report.comparisons)
    text = markdown(replace(report, comparisons=wrong))
    assert len(dict(tables(text))["Wrong"]) == 1 + LISTED
    assert f"… and {len(wrong) - LISTED} more in report.html." in text


def test_a_long_cell_is_cut(make_report):
    report = make_report(1)
    first = replace(report.comparisons[0], verdict=Verdict.WRONG, evidence="x" * 5000)
    text = markdown(replace(report, comparisons=(first,)))
    assert "x" * 200 in text and "x…" in text
    assert len(text) < 5000
