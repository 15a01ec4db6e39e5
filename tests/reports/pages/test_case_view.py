"""What opens when a case is opened: the broken rung, the pictures, quantity × engine; and that it stays small."""

import re
from dataclasses import replace
from itertools import product

import pytest

from relmer.reports.pages.agreement import agreement
from relmer.reports.pages.case_pictures import pictures
from relmer.reports.pages.packed import unpacked
from relmer.reports.pages.page import page, route
from relmer.reports.pages.views import case_views
from relmer.reports.records import EngineUsed
from relmer.reports.verdicts import Diagnosis, Verdict

ODD = ("<script>alert(1)</script>", "a\"'`b", "🙂 engine", "\u202eengine\u202c", "\x1b[31mred", "e" * 300)


def opened(report, name):
    """The packed view of a case."""
    source = page(report)
    found = unpacked(re.search(r'<script type="application/gzip" id="details">(.*?)</script>', source)[1])
    return found[f"case/{route(name)}"]


def test_the_parts_come_in_the_order_of_a_readers_questions(make_report):
    text = opened(make_report(10), "star/REML")
    marks = ('class="leads"', "<svg", 'class="agreement"', "Ladder</caption>", 'class="facts"', "<details>")
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)
    lead = text[places[0] : places[1]]
    assert "breaks at 4 optimum" in lead and "false minimum" in lead and "136 above" in lead
    assert text.index("lme4</b>") < text.index("<svg")


def test_a_case_without_a_break_says_so_and_one_that_is_early_says_where(make_report):
    report = make_report(10)
    good = tuple(replace(c, verdict=Verdict.AGREE, diagnosis=Diagnosis.NONE, accepted="") for c in report.comparisons)
    text = opened(replace(report, comparisons=good), "star/REML")
    assert "Nothing breaks here." in text and 'class="leads"' not in text
    early = tuple(
        replace(c, verdict=Verdict.EARLY, evidence="7e-9 above") if (c.engine, c.rung) == ("lme4", 4) else c
        for c in good
    )
    assert "early from 4 optimum on: 7e-9 above" in opened(replace(report, comparisons=early), "star/REML")


def test_the_table_has_every_quantity_of_every_engine_the_worst_first(make_report):
    report = make_report(10)
    for view in case_views(report):
        judged = [c for c in report.comparisons if c.case == view.run.name]
        found = agreement(judged, report.engines)
        shown = {(line.quantity, line.rung) for line in (*found.lines, *found.same)}
        assert shown == {(c.quantity, c.rung) for c in judged}
        gravities = [line.gravity for line in found.lines]
        assert gravities == sorted(gravities)
        for line in found.lines:
            for name, cell in zip(found.engines, line.cells, strict=True):
                own = [c for c in judged if (c.engine, c.rung, c.quantity) == (name, line.rung, line.quantity)]
                assert cell in own
                assert all(cell.verdict.rank <= c.verdict.rank for c in own)


def test_what_is_the_same_of_all_engines_stands_once(make_report):
    report = make_report(1)
    (view,) = case_views(report)
    assert view.agreement.engines_of_same == "5 engines"
    assert view.agreement.named.startswith("1 data: rows, response, levels of Subject; 2 model: X, Z")
    equal = [replace(c, digits=16.0, verdict=Verdict.AGREE) for c in report.comparisons]
    told = {line.alike for line in agreement(equal, report.engines).lines}
    assert told == {"5 engines, 16.0 digits"}
    # One bit that differs anywhere, and nothing is the same.
    one_off = [replace(c, digits=15.0) if (c.engine, c.quantity) == ("qr", "X") else c for c in report.comparisons]
    found = agreement(one_off, report.engines)
    assert "X" in {line.quantity for line in found.lines} and "X" not in found.named


def test_a_refused_model_has_no_picture_and_the_reason(make_report):
    report = make_report(4)
    refused = next(seen for seen in report.sights if seen.why)
    text = opened(report, refused.case)
    assert "No picture: relmer refuses the model: no such thing." in text and "<svg" not in text
    assert "No picture." in opened(replace(report, sights=()), refused.case)


def test_every_answer_is_in_the_legend_with_its_height(make_report):
    report = make_report(10)
    runs = {run.name: run for run in report.cases}
    for seen in report.sights:
        drawn = list(pictures(seen, runs[seen.case]))
        if not seen.axes:
            continue
        named = {name for spot in drawn[0].legend for _, names in spot.told for name in names}
        assert named == set(seen.marks)
        assert len(drawn) == 3
        for picture in drawn:
            assert len(picture.svg) < 30_000


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_harmless_in_pictures_and_tables(make_report, name):
    report = make_report(2)
    renamed = {"lme4": name}
    turned = replace(
        report,
        engines=tuple(replace(e, name=renamed.get(e.name, e.name)) for e in report.engines),
        comparisons=tuple(replace(c, engine=renamed.get(c.engine, c.engine)) for c in report.comparisons),
        answers=tuple(replace(a, engine=renamed.get(a.engine, a.engine)) for a in report.answers),
        scores=tuple(replace(s, engine=renamed.get(s.engine, s.engine)) for s in report.scores),
        sights=tuple(
            replace(
                s, axes=tuple(f"{a} {name}" for a in s.axes), marks={renamed.get(k, k): v for k, v in s.marks.items()}
            )
            for s in report.sights
        ),
    )
    for case in turned.cases:
        text = opened(turned, case.name)
        assert "<script" not in text and "\x1b" not in text and "\u202e" not in text
        assert max(map(len, re.findall("<text[^>]*>([^<]*)</text>", text))) < 500


def test_a_hundred_cases_on_twelve_engines_are_below_five_megabytes(make_report):
    """The widest run that the page is made for; each engine says things of its own."""
    report = make_report(100)
    names = [f"engine-{k}" for k in range(12)]
    of = dict(zip(names, [e.name for e in report.engines] * 3, strict=False))
    wide = replace(
        report,
        engines=tuple(EngineUsed(name, "1.0", "live", {"R": "4.2.2"}) for name in names),
        comparisons=tuple(
            replace(c, engine=name, evidence=f"{c.evidence} {c.digits} {name}")
            for c, name in product(report.comparisons, names)
            if of[name] == c.engine
        ),
        answers=tuple(replace(a, engine=n) for a, n in product(report.answers, names) if of[n] == a.engine),
        scores=tuple(replace(s, engine=n) for s, n in product(report.scores, names) if of[n] == s.engine),
        sights=tuple(
            replace(s, marks={n: (s.marks or {of[n]: ()}).get(of[n], (0.0, 0.0, 0.0)) for n in names} if s.axes else {})
            for s in report.sights
        ),
        accepted=(),
        drift=(),
        findings=(),
    )
    source = page(wide)
    assert len(wide.comparisons) > 30_000
    assert len(source.encode()) < 5e6
    before = source[: source.index('id="details"')]
    assert len(re.findall("<[a-z]", before)) < 5000
