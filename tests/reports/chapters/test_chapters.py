"""Chapters: every printed figure has its place, the pictures are those of the documents, and they are on the page."""

import re
from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from bounds import STOPPED_V

from relmer.datasets import DataError
from relmer.reports.chapters import chapter as module
from relmer.reports.chapters import scenes
from relmer.reports.chapters.chapter import chapters, drawn
from relmer.reports.chapters.computed import pieces_of_the_criterion, practical_estimates
from relmer.reports.chapters.outlines import OUTLINES
from relmer.reports.chapters.tables import Grid, arranged, rounded, tally
from relmer.reports.pages.page import documents_page, page
from relmer.reports.records import CaseRun, PublishedFigure
from relmer.reports.verdicts import FigureVerdict

HOSTILE = "<script>alert(1)</script> ]]> \"'&amp; {{ 7*7 }} \x00\ud800"


def figure(quantity="criterion", printed="1743.6", verdict=FigureVerdict.REPRODUCED, **fields):
    made = PublishedFigure(
        "000", "1. Manual method", "summary(m1)", printed, "docs/sleepstudy", quantity, 1743.6283, None, verdict, "why"
    )
    return replace(made, **fields)


def matrix(name, rows, columns, label="ml[[2]]"):
    return tuple(figure(f"{name}[{i}, {j}]", f"{i}.{j}", label=label) for i in rows for j in columns)


def case_run(name):
    return CaseRun(name, "data", "0" * 64, "y ~ 1", True, "", "", 1, 1, 1)


def test_a_report_without_figures_and_documents_has_no_chapter(make_report):
    report = replace(make_report(3), figures=())
    assert chapters(report) == ()
    assert "documents.html" not in page(report)
    assert "No model of a document is in this run." in documents_page(report)


def test_every_figure_stands_once_in_its_section(make_report):
    figures = (
        figure(),
        figure("beta[Days]", "10.467"),
        figure(section="A section of its own", label="x"),
        figure(section="4 throw in random slopes", label="getFE"),
        figure(document="999", section="elsewhere"),
    )
    found = chapters(replace(make_report(1), figures=figures))
    assert [chapter.title for chapter in found] == ["Extracting the V matrix for MLMs", "Document 999"]
    headings = [section.heading for section in found[0].sections]
    assert headings == [
        "1. Manual method",
        "A section of its own",
        "2. More automated way",
        "3. Try it with simple three level data…",
        "4. Throw in random slopes",
    ]
    assert Counter(f for chapter in found for f in chapter.figures) == Counter(figures)
    assert found[0].sections[-1].figures == (figures[3],)


@pytest.mark.parametrize(("case", "title"), [("docs/machines", "Practical 4"), ("docs/sleepstudy", "Theory")])
def test_documents_without_figures_come_with_their_case(case, title, make_report):
    (chapter,) = chapters(replace(make_report(1), cases=(case_run(case),), figures=()))
    assert chapter.title.startswith(title) and not chapter.figures
    assert any(section.drawings for section in chapter.sections)
    assert any(section.tables for section in chapter.sections)


def test_every_picture_of_every_document_can_be_drawn_and_says_what_to_see():
    pictures = [scene for outline in OUTLINES for part in outline.parts for scene in part.scenes]
    assert len(pictures) == 21
    total = 0
    for scene in pictures:
        picture = drawn(scene)
        assert len(picture.caption) > 40 and len(picture.alternative) > 40
        root = ElementTree.fromstring(picture.svg)
        assert root.find("desc").text == picture.alternative
        total += len(picture.svg)
    assert total < 250_000


def test_what_the_pictures_say_is_so():
    G = scenes.fit_of("docs/sleepstudy").G
    assert G.shape == (36, 36) and G.nnz == 72
    Z = scenes.fit_of("docs/three-level").Z[:30].toarray()
    assert (Z[:, :30].sum(axis=0)[:6] == 5).all() and (Z[:, 30:].sum(axis=0)[:2] == 15).all() and Z.sum() == 60
    V = scenes.fit_of("docs/bdf").V.tocsr()[25:37, 25:37].toarray()
    assert (V[:7, :7] != 0).all() and (V[7:, 7:] != 0).all() and not V[:7, 7:].any()
    assert V[0, 0] == pytest.approx(24.930147, abs=STOPPED_V)
    Z = scenes.fit_of("docs/machines").Z.toarray()
    assert (Z[:, :18].sum(axis=0) == 3).all() and (Z[:, 18:].sum(axis=0) == 9).all()
    assert len(scenes.fit_of("docs/sleepstudy-three").design.terms[0].levels) == 3
    L = scenes.fit_of("penicillin/reml").L.toarray()
    assert np.count_nonzero(L[:24, :24]) == 24 and (L[24:, :24] != 0).all()


def test_a_picture_without_its_case_is_left_out(monkeypatch, make_report):
    def missing(name):
        raise DataError(f"no case is called {name}")

    monkeypatch.setattr(module, "drawn", module.drawn.__wrapped__)
    monkeypatch.setattr(scenes, "fit_of", missing)
    (chapter,) = chapters(replace(make_report(1), figures=(figure(),)))
    assert [len(section.drawings) for section in chapter.sections] == [0, 0, 0, 1]
    assert chapter.figures == (figure(),)


def test_printed_matrices_keep_their_shape_and_their_place():
    first, last = figure(), figure("sigma", "25.592", label="sigma")
    V = matrix("V", range(26, 33), range(26, 33))
    parts = arranged((first, *V, last))
    assert parts[0] == (first,) and parts[2] == (last,)
    assert isinstance(parts[1], Grid) and parts[1].figures == V
    assert parts[1].columns == tuple(map(str, range(26, 33))) and parts[1].rows[0][0] == "26"


def test_a_table_of_data_has_a_row_for_each_row():
    (grid,) = arranged(matrix("data", ["y", "x1"], range(1, 31)))
    assert grid.columns == ("y", "x1") and [name for name, _ in grid.rows] == [str(k) for k in range(1, 31)]


def test_a_sparse_matrix_has_empty_cells_in_order():
    blocks = (*matrix("Zt", [1, 2, 3], [10, 9, 8]), *matrix("Zt", [4], [2]))
    (grid,) = arranged(blocks)
    assert grid.columns == ("2", "8", "9", "10")
    assert [cell is None for cell in grid.rows[-1][1]] == [False, True, True, True]


def test_figures_that_are_no_matrix_are_listed():
    few, mixed = matrix("G", [1, 2], [1, 2]), (*matrix("V", range(3), range(3)), figure("V[0]", label="ml[[2]]"))
    twice = matrix("V", range(3), range(3)) * 2
    for figures in (few, mixed, twice):
        assert arranged(figures) == (figures,)
    assert arranged(()) == ()


ROUNDED = {
    ("1743.6", 1743.628271959): "1743.6283",
    ("2,287", 2287.0): "2,287",
    ("180", 180.0): "180",
    ("12", 30.0): "30",
    ("180", 180.25): "180.250",
    (".4201496", 0.4201496238): "0.4201496238",
    ("5.843477e-13", 5.843477193e-13): "5.843477193e-13",
    ("abc", 1.5): "1.5",
    ("1.0", None): "–",
    ("1.0", float("nan")): "–",
    ("1e-9999999", 0.5): "0.5",
}


@pytest.mark.parametrize(("printed", "value"), ROUNDED)
def test_values_have_three_digits_more_than_were_printed(printed, value):
    assert rounded(value, printed) == ROUNDED[printed, value]


def test_the_tally_names_every_verdict():
    figures = [figure(), figure(), figure(verdict=FigureVerdict.ROUGH), figure(verdict=FigureVerdict.WRONG)]
    assert tally(figures) == "4 figures: 2 reproduced, 1 rough, 1 not reproduced"
    assert tally(figures[:2]) == "2 figures, all reproduced"
    assert tally(figures[2:3]) == "1 figure, rough"


def test_the_pieces_add_up_to_the_criterion(make_report):
    values = {row[0]: row[2] for row in pieces_of_the_criterion(make_report(1)).rows}
    parts = [float(values[name]) for name in ("log |L|²", "log |RX|²", "(n − p)[1 + log(2π r²/(n − p))]")]
    half = 5.001e-7  # a unit of the sixth decimal, and the rounding of the sum
    assert sum(parts) == pytest.approx(float(values["−2 ℓ(θ)"]), abs=4 * half)
    assert float(values["−2 ℓ(θ)"]) == pytest.approx(1743.6282719585, abs=half)


def test_the_practical_shows_theta_as_log_standard_deviations(make_report):
    rows = dict(practical_estimates(make_report(1)).rows)
    assert rows["beta MachineB"] == "7.9666667"
    assert [name for name in rows if name.startswith("theta")] == [
        "theta₁ log σ",
        "theta log σ of Worker:Machine",
        "theta log σ of Worker",
    ]


def test_every_figure_is_on_the_page_with_its_verdict_in_words(make_report):
    figures = (
        figure(),
        figure("sigma", "25.592", FigureVerdict.ROUGH, evidence="stopped early", label="sigma(m1)", lme4=25.5918),
        figure("se[Days]", "9.99", FigureVerdict.WRONG, evidence="nothing accounts for it", label="se"),
        *matrix("V", range(3), range(3)),
    )
    report = replace(make_report(2), figures=figures)
    source = documents_page(report)
    text = re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", source))
    assert '<a href="documents.html">Documents</a>' in page(report)
    for wanted in ("1743.6 1743.6283 – ✓ reproduced", "≈ rough stopped early", "✗ not reproduced nothing accounts"):
        assert wanted in text
    assert "ml[[2]]: 9 figures, all reproduced" in text
    for f in figures:
        assert f.printed in text


def test_hostile_figures_stay_text(make_report):
    figures = (
        figure(
            HOSTILE,
            HOSTILE,
            FigureVerdict.ROUGH,
            document=HOSTILE,
            section=HOSTILE,
            label=HOSTILE,
            evidence=HOSTILE,
        ),
        *(
            replace(f, label=HOSTILE, printed=HOSTILE, quantity=f"V[{HOSTILE}{i}, {k}]")
            for k in range(5)
            for i, f in enumerate(matrix("V", [1], [1, 2]))
        ),
    )
    source = documents_page(replace(make_report(1), figures=figures))
    assert "<script" not in source
    assert "\x00" not in source and "\ud800" not in source and "{{ 7*7 }}" in source
    assert not re.search(r"<[^>]+\sstyle=", source)


def test_a_page_with_all_figures_stays_small(make_report):
    many = tuple(
        figure(f"beta[{k}]", f"{k}.25", FigureVerdict.ROUGH, label=f"label {k}", evidence="w" * 300)
        for k in range(1500)
    )
    assert len(documents_page(replace(make_report(45), figures=many)).encode()) < 5e6
