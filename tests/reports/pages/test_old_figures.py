"""What the report showed before it had a first screen is still to be found from the new one, kind by kind.

The list is that of the old page, one long table of everything. Each kind is looked for where a reader of today would
look: on the page as it opens, in the view that a link opens, in the documents' or the certified values' file, and as
records in report.json.
"""

import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import fields

from relmer.reference.certificates import certificates
from relmer.reports.export import VOICES
from relmer.reports.pages.packed import unpacked
from relmer.reports.pages.page import power, route
from relmer.reports.records import RUNGS, Report
from relmer.reports.text import digits_text
from relmer.reports.verdicts import Verdict
from relmer.reports.voices import QUANTITIES, digits_of, plain

# The text where it must stand, and what must stand there.
Wanted = Iterator[tuple[str, str]]


def words(markup: str) -> str:
    """What a reader sees of markup: its text, with single spaces."""
    text = re.sub(r"<(style|script).*?</\1>", " ", markup, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text).replace("\u00ad", "")).split())


class Told:
    """A report as it is written: the page as it opens, what links open, the files beside it."""

    def __init__(self, report: Report) -> None:
        self.report = report
        written = {
            name: VOICES[name](report) for name in ("report.html", "documents.html", "corpus.html", "report.json")
        }
        packed = re.search(r'<script type="application/gzip" id="details">(.*?)</script>', written["report.html"])
        assert packed
        self.views = {name: words(text) for name, text in unpacked(packed[1]).items()}
        self.page, self.documents, self.corpus = (
            words(written[f"{name}.html"]) for name in ("report", "documents", "corpus")
        )
        self.json = json.loads(written["report.json"])

    def case(self, name: str) -> str:
        return self.views[f"case/{route(name)}"]

    def engine(self, name: str) -> str:
        return self.views[f"engine/{route(name)}"]


def head(told: Told) -> Wanted:
    yield told.page, told.report.version
    yield told.page, told.report.created
    for verdict in Verdict:
        if count := sum(c.verdict is verdict for c in told.report.comparisons):
            yield told.page, f"{verdict} {count:,}"


def found(told: Told) -> Wanted:
    """Findings, on a view of their own in full."""
    for one in told.report.findings:
        for text in (one.case, one.engine, one.text):
            yield told.views["all-findings"], text


def broken(told: Told) -> Wanted:
    """The first rung that breaks, with its evidence: in the engine's view and first in the case's."""
    for c in told.report.comparisons:
        first = min(
            (o.rung for o in told.report.comparisons if (o.case, o.engine) == (c.case, c.engine) and o.verdict.breaks),
            default=None,
        )
        if c.verdict.breaks and c.rung == first:
            yield told.engine(c.engine), c.evidence
            yield told.case(c.case), c.evidence
            yield told.case(c.case), f"breaks at {c.rung} {RUNGS[c.rung]}"


def models(told: Told) -> Wanted:
    for run in told.report.cases:
        sizes = f"n = {run.rows:,}, p = {run.coefficients:,}, q = {run.random_effects:,}"
        yield told.page, run.name
        for text in (run.formula, "REML" if run.REML else "ML", run.dataset, run.dataset_sha256[:16], sizes):
            yield told.case(run.name), text
        for text in (run.document, run.source):
            yield told.case(run.name), text
        yield told.views["audit"], run.dataset_sha256


def comparisons(told: Told) -> Wanted:
    """Every quantity of every engine: digits, verdict, diagnosis, reference, evidence."""
    for c in told.report.comparisons:
        for text in (
            c.quantity,
            c.engine,
            digits_text(c.digits),
            str(c.verdict),
            str(c.diagnosis),
            c.kind,
            c.reference,
        ):
            yield told.case(c.case), text
        yield told.case(c.case), c.evidence
        yield told.case(c.case), c.accepted


def scores(told: Told) -> Wanted:
    """Distances from proved values, digits by quantity, and those of the evaluation."""
    for s in told.report.scores:
        errors = (power(s.optimiser_error), power(s.evaluation_error))
        for text in (s.certificate, s.level, str(s.optimality), s.reason, s.evaluated, *errors):
            yield told.case(s.case), text
        for name in QUANTITIES:
            yield told.case(s.case), digits_text(digits_of(s, name))
            if name in s.evaluation:
                yield told.case(s.case), digits_text(s.evaluation[name])


def maps(told: Told) -> Wanted:
    """The heat map of digits, and the fewest of each quantity."""
    for engine in {s.engine for s in told.report.scores}:
        yield told.views["digits"], engine
    for s in told.report.scores:
        yield told.views["digits"], s.case


def heard(told: Told) -> Wanted:
    """What engines said beside numbers."""
    for said in told.report.answers:
        for warning in said.warnings:
            yield told.case(said.case), warning
            yield told.engine(said.engine), said.case


def printed(told: Told) -> Wanted:
    """Figures that documents print, and those of other sources with their case."""
    for f in told.report.figures:
        place = told.documents if f.document else told.case(f.case)
        for text in (f.quantity, f.printed, str(f.verdict)):
            yield place, text
        if f.verdict.means is not Verdict.AGREE:
            yield place, f.evidence


def accepted(told: Told) -> Wanted:
    for k in told.report.accepted:
        for text in (k.case, k.engine, str(k.diagnosis), f"{k.size:.3g}", f"{k.covers:,}", k.link, k.why):
            yield told.views["accepted"], text


def drift(told: Told) -> Wanted:
    for d in told.report.drift:
        place = told.views["drift"]
        for text in (d.case, d.engine, d.quantity, digits_text(d.digits)):
            yield place, text
        # The digits that differ stand apart, in bold.
        for text in (d.recorded, d.live):
            yield place.replace(" ", ""), text.replace(" ", "")


def tolerances(told: Told) -> Wanted:
    for t in told.report.tolerances:
        for text in (t.name, t.value, t.why):
            yield told.views["tolerances"], " ".join(text.split())


def engines(told: Told) -> Wanted:
    for e in told.report.engines:
        for text in (e.name, e.version, e.source, e.note, *e.environment, *e.environment.values()):
            yield told.views["environment"], text
        yield told.page, e.name


def environment(told: Told) -> Wanted:
    for text in (*told.report.environment, *told.report.environment.values()):
        yield told.views["environment"], text


def corpus(told: Told) -> Wanted:
    for certificate in certificates():
        yield told.corpus, certificate.name


OLD: tuple[Callable[[Told], Wanted], ...] = (
    head, found, broken, models, comparisons, scores, maps, heard, printed, accepted, drift, tolerances, engines,
    environment, corpus,
)  # fmt: skip


def test_every_kind_of_figure_of_the_old_report_stands_in_the_new_one(make_report) -> None:
    told = Told(make_report(10))
    missing = {}
    for kind in OLD:
        looked_for = list(kind(told))
        assert looked_for, f"the made report has nothing of {kind.__name__}"
        missing[kind.__name__] = sorted({text for place, text in looked_for if text not in place})
    assert missing == {kind.__name__: [] for kind in OLD}


def test_report_json_holds_every_record_whole(make_report) -> None:
    """Comparisons, answers, scores, drift, figures, tolerances, environment, as they are: no field is left out."""
    told = Told(make_report(10))
    held = {field.name for field in fields(Report)} - {"sha256"}
    assert {name: told.json[name] for name in held} == {name: plain(getattr(told.report, name)) for name in held}
