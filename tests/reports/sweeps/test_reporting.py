"""The page, the Markdown and the pictures of a sweep: what the records say, escaped, self-contained."""

import math
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from sweeps import DESIGNS, SIMULATED, folder_of, row

from relmer.reports.commands.main import main
from relmer.reports.sweeps.reporting import write_report

HOSTILE = "<script>alert(1)</script> ]]> \"'& | `x` {{ 7 }}"


class Reader(HTMLParser):
    """Tags, and the text outside the style."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.text, self.style = [], [], False
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.style = tag == "style"

    def handle_endtag(self, tag):
        self.style = False

    def handle_data(self, data):
        if not self.style:
            self.text.append(data)

    @property
    def shown(self):
        return " ".join("".join(self.text).split())


def told(folder):
    write_report(folder)
    return tuple((folder / name).read_text(encoding="utf-8") for name in ("sweep.html", "sweep.md"))


def rows_of_two_sources():
    """Of 100 fits by lme4 4 stop at 0.5, 3 of them in silence; of 100 intervals 80 cover."""
    stops = [
        row(design=f"d{k}", gap=0.5 if k < 4 else 0.0, allowed=1e-9, warnings=["failed to converge"] * (k == 0))
        for k in range(100)
    ]
    coverage = [
        row(
            source="coverage",
            design="small",
            replicate=k,
            beta=[2.0 + (-1) ** k, -1.0],
            se=[1.0, 1.0],
            lower_wald=[1.0 if k < 80 else 2.5, -2.0],
            upper_wald=[3.0, 0.0],
        )
        for k in range(100)
    ]
    return stops, coverage


def test_both_voices_say_the_counts(tmp_path):
    page, text = told(folder_of(tmp_path, rows_of_two_sources()))
    shown = Reader(page).shown
    # sqrt(.04 * .96 / 100) is .0196; sqrt(.8 * .2 / 100) is .04.
    for words in (
        "Fits that stop more than 0.001 above the lowest known criterion: lme4 4.0 ± 2.0 %.",
        "Without a word of doubt most often: lme4, 3 of 4.",
        "Intervals of 90 % cover the truth from 80.0 ± 4.0 % (Wald, lme4, (Intercept)) to 100 % (Wald, lme4, x).",
    ):
        assert words in shown and words in text
    assert "| lme4 | 100 | 4 (4.0 ± 2.0 %) | 4 (4.0 ± 2.0 %) | 4 (4.0 ± 2.0 %) | 4 (4.0 ± 2.0 %) | 0 | 0.5 |" in text
    # Errors are 1 and -1 by turns: bias 0, SD sqrt(100/99), its error that over sqrt(198); the root of the mean of
    # squares is 1, and all squares are alike.
    assert "| (Intercept) | lme4 | 2 | 100 | 0.00 ± 0.10 | 1.005 ± 0.071 | 1 | 1 | 0.995 ± 0.071 |" in text
    assert "200 units" in shown and "not finished" not in shown


def test_the_command_says_the_answer_first_and_names_the_files(tmp_path):
    folder = folder_of(tmp_path, rows_of_two_sources(), plan={"question": "How far?"})
    ended = CliRunner().invoke(main, ["sweep", "--report", str(folder)])
    lines = ended.stdout.splitlines()
    assert ended.exit_code == 0 and lines[0] == "How far? 200 units" and lines[1].startswith("  stops: Fits that stop")
    assert lines[-2:] == [f"report: {folder / 'sweep.html'}", f"report: {folder / 'sweep.md'}"]
    nothing = CliRunner().invoke(main, ["sweep", "--report", str(tmp_path / "rows")])
    assert nothing.exit_code not in (0, 1) and nothing.stderr.count("\n") == 1
    assert "holds no sweep: there is no sweep.json in it" in nothing.stderr


def test_what_is_not_finished_says_so(tmp_path):
    page, text = told(folder_of(tmp_path, [[row()]], units=1000))
    assert "1 of 1,000 units, not finished" in Reader(page).shown
    assert "No unit is finished." in text


def test_the_page_is_self_contained_and_every_string_is_escaped(tmp_path):
    sources = [DESIGNS | {"name": HOSTILE}, SIMULATED | {"name": "y", "coefficients": [HOSTILE, "x"]}]
    rows = [
        row(source=HOSTILE, kind=kind, engine=HOSTILE, design=HOSTILE, gap=1.0, allowed=0.0) for kind in (HOSTILE, "b")
    ]
    rows.append(row(source="y", engine=HOSTILE, lower_wald=[0.0, 0.0], upper_wald=[9.0, 1.0]))
    page, text = told(folder_of(tmp_path, [rows], sources, engines={HOSTILE: HOSTILE}, plan={"question": HOSTILE}))
    reader = Reader(page)
    names = {tag for tag, _ in reader.tags}
    assert not names & {"script", "link", "img", "iframe", "a"}
    assert not [k for _, attributes in reader.tags for k in attributes if k.startswith("on") or k in ("style", "src")]
    assert "alert(1)" in reader.shown and "default-src &#39;none&#39;" in page and "{{ 7 }}" in reader.shown
    assert "<script" not in text
    # No cell of a hostile name opens another: every row of a table has as many bars as its head.
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_pictures_have_a_name_and_words_and_draw_what_is_counted(tmp_path):
    page, _ = told(folder_of(tmp_path, rows_of_two_sources()))
    drawn = [ElementTree.fromstring(one) for one in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]
    assert [[child.tag for child in root[:2]] for root in drawn] == [["title", "desc"]] * len(drawn)
    strip, intercept, x = drawn
    assert strip[1].text == "lme4: 96 of 100 within rounding, 4 above"
    assert {"96 %", "4 %"} <= {e.text for e in strip.iter("text")}
    assert len(list(strip.iter("path"))) == 2
    assert intercept[1].text == "Wald, lme4: 80.0 %" and x[1].text == "Wald, lme4: 100.0 %"
    # The dot stands within its bar, the nominal line beside both where 90 % lies outside the range of Wilson.
    (dot,) = intercept.iter("circle")
    low, high = map(float, re.match(r"M([\d.]+) [\d.]+H([\d.]+)", path_of(intercept, "first")).groups())
    nominal = float(re.match(r"M([\d.]+)", path_of(intercept, "second"))[1])
    # 80 of 100 by Wilson: (.8 + z^2/200 -+ z sqrt(.16/100 + z^2/40000)) / (1 + z^2/100), z = 1.96.
    ends = [(0.8 + 1.96**2 / 200 + s * 1.96 * math.sqrt(0.0016 + 1.96**2 / 4e4)) / (1 + 1.96**2 / 100) for s in (-1, 1)]
    per = (high - low) / (ends[1] - ends[0])
    # Pixels are written to a tenth: each of the three is off by 0.05, the scale by as much over the bar's length.
    assert float(dot.get("cx")) == pytest.approx(low + (0.8 - ends[0]) * per, abs=0.2)
    assert nominal == pytest.approx(low + (0.9 - ends[0]) * per, abs=0.3)


def path_of(root, kind):
    return next(e.get("d") for e in root.iter("path") if e.get("class") == kind)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_window_needs_no_sideways_scrolling(tmp_path, chromium, scheme):
    stops, coverage = rows_of_two_sources()
    many = [one | {"engine": f"an-engine-with-a-long-name-{k}@1.1-{k}"} for one in stops + coverage for k in range(3)]
    write_report(folder_of(tmp_path, [many]))
    page = chromium.new_page(viewport={"width": 400, "height": 900}, color_scheme=scheme)
    page.goto((tmp_path / "sweep.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.close()
