"""A run as one HTML page: self-contained, complete without JavaScript, fit for a phone and for paper."""

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from itertools import groupby, takewhile

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from relmer.reports.chapters import arranged, chapters, rounded, tally
from relmer.reports.records import RUNGS, CaseRun, Comparison, EngineUsed, Finding, PublishedFigure, Report, Said, Score
from relmer.reports.text import digits_text, printable
from relmer.reports.verdicts import Verdict
from relmer.reports.voices import (
    QUANTITIES,
    Standing,
    against,
    answer,
    clauses,
    counts,
    digits_of,
    drift_told,
    drifts_of,
    found_of,
    maps,
    rung_name,
    standing,
    standings,
    told,
    warnings_of,
    warnings_told,
    worst,
)

TINTS = 8
DIGITS_PER_TINT = 2
# Where the head of a narrow column may be parted.
BROKEN = {"criterion": "cri\u00adte\u00adrion", "varcomp": "var\u00adcomp"}


@dataclass(frozen=True)
class Climb:
    """How one engine climbs the ladder of one case: its standing, and that on each rung."""

    engine: EngineUsed
    standing: Standing | None
    rungs: tuple[Standing | None, ...]

    @property
    def diagnosis(self) -> str:
        """What the ladder says, in a few words."""
        if self.standing is None:
            return "not judged"
        if self.standing.broken:
            named = f" ({self.standing.diagnosis})" if self.standing.diagnosis else ""
            known = f"; accepted: {self.standing.broken.accepted}" if self.standing.accepted else ""
            return f"breaks at {self.standing.rung}: {self.standing.broken.quantity}{named}{known}"
        if not self.standing.verdict.judged:
            return "nothing could be judged"
        for rung, found in zip(RUNGS, self.rungs, strict=True):
            if found and found.verdict.judged and found.verdict is not Verdict.AGREE:
                return f"{found.verdict} from {rung_name(rung)} on"
        return "holds"


@dataclass(frozen=True)
class CaseView:
    """A case as the page shows it; it breaks if it needs to be read."""

    anchor: str
    run: CaseRun
    verdicts: tuple[Verdict, ...]
    climbs: tuple[Climb, ...]
    rungs: tuple[tuple[int, tuple[Comparison, ...]], ...]
    scores: tuple[Score, ...]
    warned: tuple[Said, ...]
    printed: tuple[PublishedFigure, ...]
    breaks: bool


def page(report: Report) -> str:
    """Render `report.html`."""
    style, script = asset("page.css"), asset("page.js")
    shown = maps(report)
    anchors = case_anchors(report)
    views = tuple(view(report, case, anchors[case.name]) for case in report.cases)
    return (
        environment()
        .get_template("page.html")
        .render(
            report=report,
            answer=answer(report),
            engines=clauses(report)[0],
            counts=counts(report),
            chapters=chapters(report),
            views=views,
            anchors=anchors,
            findings=[(case, together(found)) for case, found in groupby(report.findings, key=lambda f: f.case)],
            broken=[found.broken for found in standings(report).values() if found.broken],
            drift=drifts_of(report),
            warned=warnings_of(report),
            live=any(engine.source == "live" for engine in report.engines),
            maps=shown,
            worst=worst(shown),
            style=style,
            script=script,
            policy=f"default-src 'none'; style-src '{digest(style)}'; script-src '{digest(script)}'; "
            "base-uri 'none'; form-action 'none'",
        )
    )


def together(found: Iterable[Finding]) -> list[tuple[str, str]]:
    """Findings on one case as engines and text: engines of which the same is to be told stand together."""
    engines: dict[str, list[str]] = {}
    for finding in found:
        engines.setdefault(finding.text, []).append(finding.engine)
    return [(", ".join(names), text) for text, names in engines.items()]


def case_anchors(report: Report) -> dict[str, str]:
    """The id of each case on the page."""
    return {case.name: f"case-{k}" for k, case in enumerate(report.cases, start=1)}


def view(report: Report, case: CaseRun, anchor: str) -> CaseView:
    """Arrange the comparisons of one case: by engine for the ladder, by rung and quantity for the table."""
    judged = [c for c in report.comparisons if c.case == case.name]
    climbs = []
    for engine in report.engines:
        own = [c for c in judged if c.engine == engine.name]
        climbs.append(
            Climb(
                engine,
                standing(own),
                tuple(standing([c for c in own if c.rung == rung], rung) for rung in RUNGS),
            )
        )
    first_seen = {quantity: k for k, quantity in enumerate(dict.fromkeys(c.quantity for c in judged))}
    ordered = sorted(judged, key=lambda c: (c.rung, first_seen[c.quantity]))
    return CaseView(
        anchor=anchor,
        run=case,
        verdicts=tuple(verdict for verdict in Verdict if any(c.verdict is verdict for c in judged)),
        climbs=tuple(climbs),
        rungs=tuple((rung, tuple(rows)) for rung, rows in groupby(ordered, key=lambda c: c.rung)),
        scores=tuple(score for score in report.scores if score.case == case.name),
        warned=tuple(said for said in report.answers if said.case == case.name and said.warnings),
        printed=tuple(f for f in report.figures if f.case == case.name and not f.document),
        breaks=any(c.verdict.breaks or report.fails(c) for c in judged),
    )


def tint(digits: float | None) -> str:
    """Class of a cell of the heat map: "t0" (no digit right) to "t7" (14 and more); empty without digits."""
    if not digits_text(digits) or digits is None:
        return ""
    return f"t{min(max(int(digits // DIGITS_PER_TINT), 0), TINTS - 1)}"


def power(value: float) -> str:
    """A small number as a power of ten, with a true minus.

    Examples
    --------
    >>> power(-1.26e-07), power(0.0)
    ('−1.3e−07', '0')
    """
    return f"{value:.1e}".replace("-", "−") if value else "0"


def bound(decimal: str) -> str:
    """A decimal string to three digits, for people.

    Examples
    --------
    >>> bound("9.904862134"), bound("1e-60"), bound("966.2"), bound("0")
    ('9.90', '1e−60', '966', '0')
    """
    return f"{Decimal(decimal):.3g}".replace("-", "−")


def changed(value: str, before: str) -> tuple[str, str]:
    """A value in two parts: what it has in common with the one before, and the digits that differ.

    Examples
    --------
    >>> changed("25.591812", "25.591796"), changed("1.1-37", "1.1-31")
    (('25.591', '812'), ('1.1-3', '7'))
    """
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(value, before, strict=False)))
    return value[:common], value[common:]


def anchor(name: str) -> str:
    """The id of a certificate on the corpus's page: nothing but letters, digits, dots and hyphens.

    Examples
    --------
    >>> anchor("sleepstudy-slopes.reml")
    'sleepstudy-slopes.reml'
    """
    return re.sub("[^A-Za-z0-9.-]", "_", name)


def environment() -> Environment:
    """Jinja with every value escaped, whatever it holds and wherever it stands."""
    made = Environment(
        loader=PackageLoader("relmer.reports.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=legible,
    )
    made.filters.update(against=against, digits=digits_text, rung=rung_name, tint=tint)
    made.filters.update(anchor=anchor, bound=bound, digits_of=digits_of, power=power)
    made.filters.update(arranged=arranged, rounded=rounded, tally=tally)
    made.filters.update(changed=changed, drift_told=drift_told, found=found_of, told=told, warnings=warnings_told)
    made.globals.update(RUNGS=RUNGS, TINTS=TINTS, DIGITS_PER_TINT=DIGITS_PER_TINT)
    made.globals.update(MAPPED=QUANTITIES, BROKEN=BROKEN, Verdict=Verdict)
    return made


def legible(value: object) -> object:
    """Free a string of control characters; leave finished markup alone."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def asset(name: str) -> Markup:
    """Text of the page's own style sheet or script."""
    return Markup(files("relmer.reports.pages").joinpath("templates", name).read_text(encoding="utf-8"))


def digest(text: str) -> str:
    """The source expression by which a content security policy allows exactly this text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
