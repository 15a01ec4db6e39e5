"""The page in a real browser: links, filters, keys, sizes, accessibility, print; nothing is fetched, nothing runs."""

import re
from pathlib import Path

import pytest

from relmer.reports.export import write

WIDTHS = (400, 900, 1400)
SIDEWAYS = "document.documentElement.scrollWidth - innerWidth"
NODES = "document.querySelectorAll('*').length"
LAST_ROW = "document.querySelector('#overview tbody tr:last-child').getBoundingClientRect().bottom + scrollY"


class Tab:
    """A tab with a report in it, and whatever went wrong there."""

    def __init__(self, browser, out: Path, **options):
        self.context = browser.new_context(viewport={"width": 1400, "height": 900}, **options)
        self.page = self.context.new_page()
        self.address = (out / "report.html").as_uri()
        self.wrong, self.asked = [], []
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.wrong.append("a dialog"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url.partition("#")[0]))
        self.page.goto(self.address)

    def goto(self, place: str) -> None:
        """Follow a link within the page, and wait for what it opens."""
        self.page.evaluate("place => { location.hash = place }", place)
        self.page.wait_for_timeout(60)
        # What is packed is unpacked first, and takes as long as the machine is busy.
        opened = "id => document.getElementById(id) !== null || !document.querySelector('#detail').hidden"
        self.page.wait_for_function(opened, arg=place[1:])

    def violations(self) -> list[str]:
        """What axe-core finds."""
        from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

        return [f"{each['id']}: {each['nodes'][0]['html']}" for each in Axe().run(self.page).response["violations"]]


@pytest.fixture
def tab(chromium, tmp_path, make_report):
    """A made-up run of ten cases."""
    write(make_report(10), tmp_path)
    opened = Tab(chromium, tmp_path)
    yield opened
    assert opened.wrong == []
    assert set(opened.asked) == {opened.address}
    opened.context.close()


def links(tab: Tab) -> list[str]:
    """Addresses within the page that it links to."""
    found = tab.page.eval_on_selector_all("a[href^='#']", "all => all.map(a => a.getAttribute('href'))")
    return list(dict.fromkeys(found))


def test_every_link_opens_something_and_back_leads_back(tab):
    there = links(tab)
    assert len(there) > 50
    for link in there:
        tab.goto(link)
        if tab.page.is_visible("#detail"):
            heading = tab.page.inner_text("#detail h2")
            assert heading and heading != "Nothing of that name", link
        else:
            assert tab.page.locator(link).count() == 1, link
    tab.page.goto(tab.address)
    tab.page.click("#overview tbody tr:first-child td a")
    tab.page.wait_for_selector("#detail h2")
    assert tab.page.locator("#detail tr.asked").count() == 1
    tab.page.go_back()
    tab.page.wait_for_selector("#overview")
    assert tab.page.is_hidden("#detail")


def test_an_address_opens_its_case_at_once(tab):
    tab.page.goto("about:blank")
    tab.asked.clear()
    tab.page.goto(f"{tab.address}#case/star/REML/lme4")
    tab.page.wait_for_selector("#detail h2")
    assert tab.page.inner_text("#detail h2") == "star/REML"
    assert tab.page.inner_text("#detail tr.asked th") == "lme4"
    tab.goto("#case/nowhere/lme4")
    assert tab.page.inner_text("#detail h2") == "Nothing of that name"


def test_filter_and_order_are_in_the_address(tab):
    tab.page.fill("[name=name]", "star")
    assert tab.page.inner_text("#filter output") == "2 of 10 cases"
    tab.page.select_option("[name=sort]", "name")
    tab.page.select_option("[name=verdict]", "wrong")
    shown = tab.page.locator("#overview tbody tr:visible").count()
    address = tab.page.url
    assert "#cases?name=star&verdict=wrong&sort=name" in address
    tab.page.goto("about:blank")
    tab.asked.clear()
    tab.page.goto(address)
    assert tab.page.locator("#overview tbody tr:visible").count() == shown < 10
    tab.page.fill("[name=name]", "")
    tab.page.select_option("[name=verdict]", "")
    names = tab.page.eval_on_selector_all("#overview tbody tr", "all => all.map(row => row.dataset.name)")
    assert names == sorted(names, key=str.lower)
    tab.page.select_option("[name=sort]", "run")
    places = tab.page.eval_on_selector_all("#overview tbody tr", "all => all.map(row => +row.dataset.place)")
    assert places == list(range(1, 11))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_any_kind_of_view(tab, scheme):
    tab.page.emulate_media(color_scheme=scheme)
    assert tab.violations() == []
    kinds = {}
    for link in links(tab):
        kinds.setdefault(link.partition("/")[0], link)
    for link in kinds.values():
        tab.goto(link)
        assert tab.violations() == [], link


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_scrolls_sideways(tab, width):
    tab.page.set_viewport_size({"width": width, "height": 900})
    for place in (
        "#cases",
        "#case/star/REML",
        "#engine/lme4",
        "#digits",
        "#tolerances",
        "#environment",
        "#accepted",
        "#audit",
    ):
        tab.goto(place)
        assert tab.page.evaluate(SIDEWAYS) <= 0, place


def test_a_case_shows_its_pictures_and_unfolds_its_comparisons(tab):
    tab.goto("#case/star/REML/lme4")
    assert tab.page.locator("#detail figure svg").count() == 3
    boxes = [box.bounding_box() for box in tab.page.locator("#detail figure svg").all()]
    assert all(box["width"] >= 150 and box["height"] >= 80 for box in boxes)
    assert boxes[0]["y"] < 600
    assert tab.page.is_hidden("#detail table.all")
    tab.page.click("#detail details summary")
    assert tab.page.is_visible("#detail table.all")
    assert tab.violations() == []


@pytest.mark.parametrize("place", ["#case/star/REML/lme4", "#audit", "#engine/lme4"])
def test_what_is_open_prints_on_few_pages(tab, place):
    tab.goto(place)
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", tab.page.pdf())) <= 8


def test_the_first_key_skips_to_the_cases(tab):
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement.className") == "skip"
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_timeout(60)
    assert tab.page.evaluate("location.hash") == "#cases"
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement.name") == "name"


def test_strings_that_want_to_break_out_are_only_shown(chromium, tmp_path, report):
    write(report, tmp_path)
    opened = Tab(chromium, tmp_path)
    for link in links(opened)[::7]:
        opened.goto(link)
    assert opened.wrong == []
    assert set(opened.asked) == {opened.address}
    assert opened.page.locator("#details ~ script").count() == 1
    opened.context.close()


def test_the_verdicts_stand_there_without_javascript(chromium, tmp_path, make_report):
    write(make_report(10), tmp_path)
    opened = Tab(chromium, tmp_path, java_script_enabled=False)
    assert opened.page.locator("#overview tbody td").count() == 50
    assert opened.page.is_visible("noscript p")
    assert opened.page.is_hidden("#filter")
    opened.context.close()


def test_a_large_run_is_small_until_a_case_is_opened_and_prints_on_few_pages(chromium, tmp_path, make_report):
    """88 cases: at most 5,000 nodes, three screens to the last case, a dozen pages of paper."""
    write(make_report(88), tmp_path)
    opened = Tab(chromium, tmp_path)
    assert opened.page.evaluate(NODES) < 5000
    assert opened.page.evaluate(LAST_ROW) <= 3 * 900
    paper = opened.page.pdf()
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) <= 12
    opened.context.close()


def test_detail_is_behind_all_that_is_painted_first_and_packed_until_it_is_asked_for(chromium, tmp_path, make_report):
    """What a first paint of 100 cases costs, counted: the text before the detail, and that it is left packed."""
    write(make_report(100), tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    painted, _, packed = text.partition('<script type="application/gzip" id="details">')
    assert "</main>" in painted
    assert len(painted.encode()) < 200_000 < len(packed)
    opened = Tab(chromium, tmp_path)
    assert opened.page.evaluate("details === undefined")
    opened.page.click("#overview tbody tr:first-child td a")
    opened.page.wait_for_selector("#detail h2")
    assert opened.page.evaluate("details !== undefined")
    opened.context.close()
