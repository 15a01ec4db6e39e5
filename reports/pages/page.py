"""A run as one HTML page: self-contained, its verdicts complete without JavaScript, details packed into it."""

import base64
import hashlib
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from importlib.resources import files
from itertools import takewhile
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from relmer.reports.chapters import arranged, chapters, rounded, tally
from relmer.reports.pages.case_pictures import pictures
from relmer.reports.pages.caught import caught
from relmer.reports.pages.engines import engine_rows
from relmer.reports.pages.kept import kept
from relmer.reports.pages.packed import packed
from relmer.reports.pages.views import CaseView, case_views, engine_view
from relmer.reports.records import RUNGS, Report
from relmer.reports.text import digits_text, printable
from relmer.reports.verdicts import Verdict
from relmer.reports.voices import (
    CHECK,
    QUANTITIES,
    TAKEN_OVER,
    Kind,
    Met,
    Told,
    against,
    answer,
    content_sha256,
    counts,
    data_of,
    decision,
    digits_of,
    drift_told,
    drifts_of,
    found_of,
    kinds,
    maps,
    requirements,
    rung_name,
    told,
    warnings_of,
    warnings_told,
    worst,
)

TINTS = 8
DIGITS_PER_TINT = 2
# Of each kind of finding so many stand on the first screen.
FEW = 3
# Where the head of a narrow column may be parted.
BROKEN = {"criterion": "cri\u00adte\u00adrion", "varcomp": "var\u00adcomp"}
# Views without a name of their own.
PLAIN = ("audit", "all-findings", "accepted", "digits", "drift", "tolerances", "caught", "environment", "reading")


def page(report: Report) -> str:
    """Render `report.html`."""
    style, script = asset("page.css"), asset("page.js")
    made, views, found = environment(), case_views(report), kinds(report)
    told_there = {(one.case, engine) for each in found.values() for one in each for engine in one.engines}
    return made.get_template("page.html").render(
        report=report,
        answer=answer(report),
        decision=decision(report, found),
        rows=engine_rows(report),
        counts=counts(report),
        kinds=found,
        loose=[f for f in report.findings if (f.case, f.engine) not in told_there],
        documents=bool(chapters(report)),
        views=sorted(views, key=lambda view: view.gravity),
        command=command(report),
        details=packed(dict(details(made, report, views, found))),
        style=style,
        script=script,
        policy=f"default-src 'none'; style-src '{digest(style)}'; script-src '{digest(script)}'; "
        "base-uri 'none'; form-action 'none'",
    )


def details(
    made: Environment, report: Report, views: tuple[CaseView, ...], found: Mapping[Kind, Sequence[Told]]
) -> Iterator[tuple[str, str]]:
    """What is packed into the page, by the names that stand in its links."""
    shown = maps(report)
    common = {
        "report": report,
        "caught": caught(),
        "names": {view.run.name for view in views},
        "maps": shown,
        "worst": worst(shown),
        "drift": drifts_of(report),
        "live": any(engine.source == "live" for engine in report.engines),
        "warned": warnings_of(report),
        "requirements": requirements(report),
        "data": data_of(report),
        "content": report.sha256 or content_sha256(report),
        "command": command(report),
    }
    for name in PLAIN:
        yield name, made.get_template(f"detail_{name}.html").render(common)
    for view in views:
        drawn = () if view.sight is None else tuple(pictures(view.sight, view.run))
        text = made.get_template("detail_case.html").render(common, view=view, pictures=drawn)
        yield f"case/{route(view.run.name)}", text
    for engine in report.engines:
        own = next((map for map in shown if map.engine == engine.name), None)
        text = made.get_template("detail_engine.html").render(
            common,
            view=engine_view(report, engine, views),
            engine=engine,
            map=own,
            kept=kept().get(engine.name),
            ask=shlex.join(["relmer", "laws", "--engine", printable(engine.name)]),
        )
        yield f"engine/{route(engine.name)}", text
    for kind, told_of_it in found.items():
        yield f"kind/{route(kind)}", made.get_template("detail_kind.html").render(common, kind=kind, told=told_of_it)


def documents_page(report: Report) -> str:
    """Render `documents.html`: the figures that the documents print, chapter by chapter; no script."""
    style = asset("page.css")
    return (
        environment()
        .get_template("documents.html")
        .render(
            report=report,
            chapters=chapters(report),
            style=style,
            policy=f"default-src 'none'; style-src '{digest(style)}'; base-uri 'none'; form-action 'none'",
        )
    )


def command(report: Report) -> str:
    """How a run is repeated: as it says, else by what it judged."""
    if report.command:
        return report.command
    judged = dict.fromkeys(c.engine for c in report.comparisons)
    engines = " ".join(f"--engine {shlex.quote(printable(name))}" for name in judged)
    cases = [case.name for case in report.cases]
    one = f" --case {shlex.quote(printable(cases[0]))}" if len(cases) == 1 else ""
    return f"relmer run{one} {engines}".strip()


def route(name: str) -> str:
    """A name as a part of an address within the page.

    Examples
    --------
    >>> route("star/kindergarten-reml"), route('a b"<')
    ('star/kindergarten-reml', 'a%20b%22%3C')
    """
    return quote(printable(name), safe="/@.:-_~")


def case_anchors(report: Report) -> dict[str, str]:
    """The address of each case on the page, without the sign before it."""
    return {case.name: f"case/{route(case.name)}" for case in report.cases}


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
    made.filters.update(against=against, digits=digits_text, route=route, rung=rung_name, tint=tint)
    made.filters.update(anchor=anchor, bound=bound, digits_of=digits_of, power=power)
    made.filters.update(arranged=arranged, rounded=rounded, tally=tally)
    made.filters.update(changed=changed, drift_told=drift_told, found=found_of, told=told, warnings=warnings_told)
    made.globals.update(RUNGS=RUNGS, TINTS=TINTS, DIGITS_PER_TINT=DIGITS_PER_TINT)
    made.globals.update(CHECK=CHECK, TAKEN_OVER=TAKEN_OVER, Met=Met)
    made.globals.update(MAPPED=QUANTITIES, BROKEN=BROKEN, FEW=FEW, Verdict=Verdict)
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
