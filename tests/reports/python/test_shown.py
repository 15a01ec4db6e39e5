"""What Python shows of reports and fits: no name of the data breaks out, nothing is lost, nothing is long."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest

import relmer
from relmer.reports.python.judged import judged
from relmer.reports.records import Report
from relmer.reports.verdicts import Verdict
from relmer.solver.fits import html_text

NAMES = (
    "<script>alert(1)</script>",
    "</td></table><img src=x onerror=alert(1)>",
    "\"double\" 'single' & more",
    "\U0001f469\u200d\U0001f52c emoji",
    "עברית שלום",
    "turned \u202e back \u2066",
    "escape \x1b[31m bell \x07 \x9b",
    "line\u2028end",
    "x" * 300,
)


class Tags(HTMLParser):
    """The tags of a text, which must nest, their attributes, and what is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.shown = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert attrs == []
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.shown += data


def parsed(html: str) -> Tags:
    """The tags, of which only those of plain tables are there, and no colour: a dark notebook keeps its own."""
    html.encode()
    found = Tags()
    found.feed(html)
    found.close()
    assert found.open == []
    assert found.seen <= {"p", "strong", "code", "ul", "li", "table", "tr", "th", "td"}
    assert not {"\u202e", "\u2066", "\x1b", "\x07", "\x9b", "\u2028"} & {*html}
    return found


@pytest.mark.parametrize("kind", [judged, lambda report: report])
def test_a_report_is_short_and_safe_at_the_prompt(report: Report, kind: Callable[[Report], Any]) -> None:
    text = repr(kind(report))
    assert str(kind(report)) == text
    text.encode()
    assert len(text.splitlines()) <= 41 and not {"\x1b", "\x00", "\u202e"} & {*text}


def test_a_report_is_safe_in_a_notebook(report: Report) -> None:
    html = judged(report)._repr_html_()
    found = parsed(html)
    assert len(html) < 100_000
    for engine in report.engines:
        assert engine.name[:6] in found.shown


def test_the_worst_comes_first(make_report: Callable[[int], Report]) -> None:
    html = judged(make_report(10))._repr_html_()
    assert html.index("<strong>") < html.index("<table>")
    table = html.split("rung that breaks")[1]
    words = [Verdict(word) for word in re.findall(rf"<td>\S ({'|'.join(Verdict)})", table)]
    assert len(words) == 30 and words == sorted(words, key=lambda verdict: verdict.rank)
    assert words[0].breaks and "star/REML" in table and "and 20 more rows" in table


@pytest.mark.parametrize("name", NAMES)
def test_names_of_any_text_are_harmless(name: str, without_r: None) -> None:
    """As a level, as a column, as a group, as an engine and as its figure."""
    random = np.random.default_rng(4)
    frame = pd.DataFrame({"y": random.normal(size=24), "g": np.repeat([*"abcd"], 6)})
    levels = pd.Index(["a", name], dtype=object)
    frame["f"] = pd.Categorical.from_codes(np.arange(24) % 2, categories=levels)
    found = relmer.judge(frame, "y ~ f + (1 | g)", engines="pls")
    tags = parsed(found._repr_html_())
    assert html_text("f" + name).split("…")[0].split("U+")[0][:3] in found._repr_html_()
    assert "f" + name[:5].split("\x1b", maxsplit=1)[0] in tags.shown or "U+" in tags.shown
    repr(found).encode()
    fit = relmer.lmer("y ~ f + (1 | g)", frame)
    parsed(fit._repr_html_())
    parsed(relmer.compare(fit, fit)._repr_html_())
    repr(relmer.compare(fit, fit)).encode()
    engine = {"engine": name, "case": "dyestuff/reml", "figures": {"sigma2": "2451.25"}, "warnings": [name]}
    given = relmer.judge(engine)
    parsed(given._repr_html_())
    json.dumps({"text/html": given._repr_html_(), "text/plain": repr(given)}, ensure_ascii=False).encode()


def test_joined_emoji_stay_whole_and_what_is_no_text_shows_its_code() -> None:
    assert html_text(NAMES[3]) == NAMES[3]
    assert html_text("a\ud800\x85\u200f") == "aU+D800U+0085U+200F"


def test_compare_of_a_pattern_shows_itself(without_r: None) -> None:
    found = relmer.compare("dyestuff/reml", ["pls"])
    assert repr(found).startswith("The instrument: pls agrees on 1 of 1 case.")
    assert "dyestuff/reml" in parsed(found._repr_html_()).shown
