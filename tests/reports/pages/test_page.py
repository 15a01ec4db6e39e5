"""report.html: complete, self-contained, escaped, legible."""

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise

import pytest

from relmer.reports.pages.packed import unpacked
from relmer.reports.pages.page import page, power, route, tint
from relmer.reports.records import RUNGS
from relmer.reports.text import digits_text, printable
from relmer.reports.verdicts import Verdict
from relmer.reports.voices.answer import answer
from relmer.reports.voices.heat import QUANTITIES, digits_of, maps, worst


class Reader(HTMLParser):
    """Collects the tags with their attributes, and the text outside style and script."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.inside = [], [], ""
        self.raw = {"style": "", "script": "", "data": ""}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag in ("style", "script"):
            self.inside = "data" if "type" in dict(attributes) else tag

    def handle_endtag(self, tag):
        if tag in ("style", "script"):
            self.inside = ""

    def handle_data(self, data):
        if self.inside:
            self.raw[self.inside] += data
        else:
            self.text.append(data)

    def named(self, tag):
        """Attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def shown(self):
        """All text, white space made single spaces."""
        return " ".join("".join(self.text).split())


def packed_in(source):
    """The details of a page by name, unpacked."""
    return unpacked(re.search(r'<script type="application/gzip" id="details">(.*?)</script>', source)[1])


def whole(report):
    """The page with all that is packed into it."""
    source = page(report)
    return source + "".join(packed_in(source).values())


def one_line(text):
    return " ".join(printable(text).split())


def test_every_comparison_is_in_its_case(report):
    """Engines of which the same is said stand together; none is lost."""
    source = page(report)
    for case in report.cases:
        reader = Reader(packed_in(source)[f"case/{route(case.name)}"])
        own = [c for c in report.comparisons if c.case == case.name]
        rows = Counter(a["class"].split()[0] for a in reader.named("tr") if "class" in a)
        said = {(c.rung, c.quantity, c.verdict, c.diagnosis, c.digits, c.kind, c.evidence, c.accepted) for c in own}
        assert sum(rows[verdict.css] for verdict in Verdict) == len(said)
        text = reader.shown
        for c in own:
            assert one_line(c.evidence) in text
            assert one_line(c.quantity) in text
        assert all(one_line(c.engine) in text for c in own)


def test_every_verdict_and_rung_is_named_and_explained(make_report):
    text = Reader(whole(make_report(1))).shown
    for verdict in Verdict:
        assert text.count(verdict) >= 3
    for rung, name in RUNGS.items():
        assert f"{rung} {name}" in text
    assert "6 inference" in text and "Profile intervals, where an engine is asked" in text


def test_everything_that_the_report_holds_is_shown(make_report):
    report = make_report(10)
    text = Reader(whole(report)).shown
    expected = [
        *answer(report),
        *(warning for said in report.answers for warning in said.warnings),
        *(item for k in report.accepted for item in (k.link, k.why, k.diagnosis)),
        *(c.diagnosis for c in report.comparisons),
        *(place for d in report.drift for place in (d.recorded_blas, d.live_blas)),
        report.version,
        report.created,
        *(item for e in report.engines for item in (e.name, e.version, e.source, e.note, *e.environment.values())),
        *(
            item
            for c in report.cases
            for item in (c.name, c.dataset, c.dataset_sha256[:16], c.formula, c.document, c.source)
        ),
        *(f.text for f in report.findings),
        *(item for d in report.drift for item in (d.quantity, d.recorded, d.live)),
        *(item for t in report.tolerances for item in (t.name, t.value, t.why)),
        *report.environment.values(),
    ]
    assert not [item for item in expected if item not in text]


def test_hostile_strings_stay_text(report):
    source = page(report)
    assert len(Reader(source).named("script")) == 2 and len(Reader(source).named("style")) == 1
    assert (source.count("</script>"), source.count("</style>")) == (2, 1)
    details = "".join(packed_in(source).values())
    assert not re.search("<(script|style)", details)
    source += details
    reader = Reader(source)
    assert not [tag for tag, _ in reader.tags if tag in {"img", "iframe", "object", "embed", "link", "base"}]
    assert not [
        name for _, attributes in reader.tags for name in attributes if name.startswith("on") or name == "style"
    ]
    assert reader.shown.count("{{ 7*7 }}") > 100 or "{{" not in report.version
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe]", source)


def test_nothing_is_fetched(report):
    reader = Reader(whole(report))
    for _, attributes in reader.tags:
        assert "src" not in attributes and "srcset" not in attributes
        assert attributes.get("href", "#").partition("#")[0] in ("", "corpus.html", "documents.html")
    for text in (reader.raw["style"], reader.raw["script"]):
        assert not re.search(r"url\(|@import|https?:|fetch\(|import\s", text)


def test_the_policy_allows_exactly_this_style_and_script(report):
    reader = Reader(page(report))
    policy = next(a["content"] for a in reader.named("meta") if a.get("http-equiv"))
    hashes = {
        name: base64.b64encode(hashlib.sha256(reader.raw[name].encode()).digest()).decode()
        for name in ("style", "script")
    }
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}'; "
        "base-uri 'none'; form-action 'none'"
    )


def test_every_link_has_its_target_and_every_id_is_unique(report):
    source = page(report)
    details = packed_in(source)
    ids = Counter(a["id"] for _, a in Reader(source).tags if "id" in a)
    assert set(ids.values()) == {1}
    for text in (source, *details.values()):
        reader = Reader(text)
        links = {a["href"][1:] for _, a in reader.tags if a.get("href", "").startswith("#")}
        for link in links - set(ids):
            named = next((name for name in details if link == name or link.startswith(f"{name}/")), None)
            assert named, link
        assert {name for _, a in reader.tags for name in a.get("aria-labelledby", "").split()} <= set(ids)
    engines = {route(engine.name) for engine in report.engines}
    asked = {a["href"] for _, a in Reader(source).tags if a.get("href", "").startswith("#case/")}
    cells = {f"#case/{route(case.name)}/{engine}" for case in report.cases for engine in engines}
    assert cells <= asked


def test_tables_have_captions_and_scopes(report):
    reader = Reader(whole(report))
    assert len(reader.named("caption")) == len(reader.named("table")) > 5
    assert all(a.get("scope") in {"col", "row", "rowgroup"} for a in reader.named("th"))
    headings = [int(tag[1]) for tag, _ in Reader(page(report)).tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1 and headings.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(headings))


def test_the_worst_cases_stand_first(make_report):
    rows = [a["data-name"] for a in Reader(page(make_report(10))).named("tr") if "data-name" in a]
    assert set(rows[:3]) == {"star/REML", "Dyestuff/ML", "Penicillin/REML"}
    assert len(rows) == 10


def test_the_verdicts_are_complete_without_the_script(make_report):
    report = make_report(2)
    reader = Reader(page(report))
    hidden = [(tag, a.get("id")) for tag, a in reader.tags if "hidden" in a]
    assert hidden == [("form", "filter"), ("article", "detail")]
    cells = [a for a in reader.named("td") if set(a.get("class", "").split()) & {v.css for v in Verdict}]
    assert len(cells) >= len(report.cases) * len(report.engines)
    assert len(reader.named("noscript")) == 1


def test_a_page_is_small_before_a_case_is_opened(make_report):
    """At most 5,000 nodes, for as many cases as the project has on six engines."""
    report = make_report(88)
    source = page(report)
    assert len(Reader(source).tags) < 5000
    assert len(source.encode()) < 5e6


def test_a_run_of_45_cases_is_below_a_megabyte(make_report):
    report = make_report(45)
    longer = tuple(replace(c, evidence=c.evidence.ljust(120, ".")) for c in report.comparisons)
    assert len(longer) == 5850
    assert len(page(replace(report, comparisons=longer)).encode()) < 1e6


def test_an_empty_run_has_a_page(make_report):
    report = replace(
        make_report(1), cases=(), comparisons=(), answers=(), accepted=(), findings=(), drift=(), tolerances=()
    )
    text = Reader(whole(report)).shown
    assert "Nothing was compared." in text
    assert "No engine ran live." in text


def test_a_case_that_an_engine_was_not_judged_on_says_so(make_report):
    report = make_report(1)
    rest = tuple(c for c in report.comparisons if c.engine != "gls")
    shown = Reader(whole(replace(report, comparisons=rest))).shown
    assert shown.count("not judged") == 2  # overview, ladder


def test_digits_are_never_rounded_up():
    assert [digits_text(d) for d in (9.99, 16.0, 0.0, None, float("nan"))] == ["9.9", "16.0", "0.0", "", ""]
    assert [tint(d) for d in (0.0, 1.9, 2.0, 16.0, None)] == ["t0", "t0", "t1", "t7", ""]


def test_each_engine_has_a_map_with_a_row_for_every_score(make_report):
    report = make_report(10)
    shown = maps(report)
    assert [one.engine for one in shown] == [engine.name for engine in report.engines]
    details = packed_in(page(report))
    reader = Reader(details["digits"])
    assert sum(a.get("class") == "map" for a in reader.named("table")) == 5
    assert all('class="map"' in details[f"engine/{route(one.engine)}"] for one in shown)
    for score in report.scores:
        for name in QUANTITIES:
            assert digits_text(digits_of(score, name)) in reader.shown
    assert len([a for a in reader.named("tr") if a.get("class") == "astray"]) == 1
    assert "star/REML false minimum of theta's chart" in reader.shown


def test_a_map_marks_digits_of_g_that_stand_for_theta(make_report):
    report = make_report(10)
    singular = [score for score in report.scores if "theta" not in score.digits]
    text = Reader(whole(report)).shown
    assert singular and all(f"{digits_text(score.digits['G'])}G" in text for score in singular)


def test_the_summary_has_the_worst_of_every_quantity(make_report):
    report = make_report(10)
    rows = {row.quantity: row.cells for row in worst(maps(report))}
    assert list(rows) == ["theta, full rank", "theta, singular", *QUANTITIES[1:]]
    for k, engine in enumerate(report.engines):
        own = [score for score in report.scores if score.engine == engine.name]
        assert rows["beta"][k][0] == min(score.digits["beta"] for score in own)
        assert rows["theta, full rank"][k][0] == min(score.digits["theta"] for score in own if score.regular)
        assert rows["theta, singular"][k][0] == min(score.digits["G"] for score in own if not score.regular)
    text = Reader(whole(report)).shown
    assert "10 × optimum" in text and "9 × stopped early, 1 × false minimum of theta's chart" in text


def test_a_case_shows_its_scores(make_report):
    report = make_report(5)
    text = Reader(whole(report)).shown
    for score in report.scores:
        assert power(score.optimiser_error) in text and power(score.evaluation_error) in text
        assert score.reason in text and score.certificate in text


def test_without_certificates_the_page_says_so(make_report):
    assert "No case of this run has a certificate." in Reader(whole(replace(make_report(2), scores=()))).shown


def schemes():
    """The colours of the style sheet, light and dark, as relative luminances."""
    css = files("relmer.reports.pages").joinpath("templates", "page.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    colours = [dict(re.findall(r"--([\w-]+): (#\w+)", block)) for block in blocks]
    light, dark = (block for block in colours if block)
    return {"light": light, "dark": dark}


def luminance(colour):
    """Relative luminance by WCAG 2."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_have_the_contrast_of_wcag_aa(scheme):
    colour = schemes()[scheme]
    assert contrast("#000", "#fff") == pytest.approx(21)
    for name in ("ink", "soft", "link", *(verdict.css for verdict in Verdict)):
        assert contrast(colour[name], colour["page"]) >= 4.5, name
        assert contrast(colour[name], colour["band"]) >= 4.5, name
    for k in range(8):
        assert contrast(colour["ink"], colour[f"t{k}"]) >= 4.5, k
    for k in range(2):
        assert contrast(colour[f"e{k}"], colour["band"]) >= 3, k
