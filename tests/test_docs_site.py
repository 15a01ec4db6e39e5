"""The site of docs/: it builds strictly, leads nowhere wrong, asks nobody, says all that the code's tables say."""

import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import built_site
import pytest
import yaml
from pages import ROOT

import relmer
from relmer.reference.engines import Engine
from relmer.reports.evidence.tolerances import TABLE

CONFIG = ROOT / "docs" / "site" / "mkdocs.yml"
WIDTHS = (400, 1400)
# What axe-core looks at: code, links and tables.
VIEWS = (("notebook", "light"), ("findings", "dark"))
# A function that has the name of its file is documented by its whole name.
CASES = "relmer.datasets.cases.cases"
# Pages of the site that stand elsewhere in the repository.
ELSEWHERE = {"index.md", "CONTRIBUTING.md", "CHANGELOG.md", "reference/DEFINITION.md", "notebook.md"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `nox -s docs` builds it."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(CONFIG), "-d", str(folder)]
    made = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    )
    assert made.returncode == 0, made.stderr
    return folder


def text_of(page: Path) -> str:
    """The words of a page, without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", page.read_text(encoding="utf-8"))).split())


def listed(nav: list[dict[str, object]]) -> list[str]:
    """The pages of the contents, in their order."""
    found = []
    for entry in nav:
        for place in entry.values():
            found += listed(place) if isinstance(place, list) else [str(place)]
    return found


def test_every_page_stands_in_the_contents_once() -> None:
    """A new page of docs/ is a line of `nav` in docs/site/mkdocs.yml."""
    there = listed(yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["nav"])
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert {*there} == pages | ELSEWHERE
    assert len(there) == len({*there})


def test_links_lead_somewhere_nothing_is_fetched_and_nothing_is_blank(site: Path) -> None:
    assert len(built_site.read(site)) > 30
    assert built_site.faults(site) == []


def test_no_bar_of_a_formula_is_escaped(site: Path) -> None:
    pages = ((path, path.read_text(encoding="utf-8")) for path in built_site.read(site))
    assert not [path.name for path, text in pages if re.search(r"<code>[^<]*\\\|[^<]*</code></?t", text)]
    assert "<code>y ~ x + (1 | g)</code>" in (site / "pathological.html").read_text(encoding="utf-8")


def test_no_place_of_this_machine_is_in_it(site: Path) -> None:
    texts = (path for path in site.rglob("*") if path.suffix in {".html", ".json", ".xml", ".css"})
    assert not [path.name for path in texts if str(ROOT) in path.read_text(encoding="utf-8")]


def test_every_tolerance_stands_there_with_its_derivation(site: Path) -> None:
    said = text_of(site / "tolerances.html")
    assert len(TABLE) > 10
    for one in TABLE:
        assert all(" ".join(words.split()) in said for words in (one.name, one.value, one.why)), one.name


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("relmer", [CASES if name == "cases" else f"relmer.{name}" for name in relmer.__all__ if name != "version"]),
        ("solver", [f"relmer.solver.{name}" for name in relmer.solver.__all__ if name not in ("Fit", "lmer")]),
        ("engines", [f"relmer.reference.engines.Engine.{name}" for name in dir(Engine) if name[0] != "_"]),
    ],
)
def test_every_public_name_is_on_a_page(site: Path, page: str, names: list[str]) -> None:
    (read,) = (
        read for path, read in built_site.read(site).items() if path == (site / "api" / f"{page}.html").resolve()
    )
    assert len(names) >= 6 and not {*names} - read.anchors
    # Nothing but functions, classes and their members: a whole module would show its inside.
    assert "doc-module" not in (site / "api" / f"{page}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("planted", "seen"),
    [
        ('<script src="https://example.org/x.js"></script>', "fetches https://example.org/x.js"),
        ('<link rel="stylesheet" href="//example.org/x.css">', "fetches //example.org/x.css"),
        ('<a href="nowhere.html">x</a>', "nowhere.html leads nowhere"),
        ('<a href="#nothing">x</a>', "#nothing has no such anchor"),
        (
            '<h2 id="f" class="doc doc-heading">f</h2><div class="doc doc-contents"> <p></p> </div>',
            "nothing is said of f",
        ),
    ],
)
def test_what_is_wrong_is_seen(tmp_path: Path, planted: str, seen: str) -> None:
    right = '<a class="md-skip" href="#top">Skip</a><h1 id="top">x</h1><a href="https://example.org">x</a>'
    (tmp_path / "page.html").write_text(right, encoding="utf-8")
    assert built_site.faults(tmp_path) == []
    (tmp_path / "page.html").write_text(right + planted, encoding="utf-8")
    assert built_site.faults(tmp_path) == [f"page.html: {seen}"]
    command = [sys.executable, built_site.__file__, str(tmp_path)]
    assert subprocess.run(command, capture_output=True, text=True, check=False).stderr == f"page.html: {seen}\n"
    (tmp_path / "page.html").write_text(right, encoding="utf-8")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    (tmp_path / "page.html").write_text("<h1>x</h1>", encoding="utf-8")
    assert built_site.faults(tmp_path) == ["page.html: no skip link"]


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that writes no line for each."""

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@pytest.fixture
def served(site: Path) -> Iterator[str]:
    """The address of the site on a server of this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_in_a_browser(site: Path, served: str, chromium) -> None:
    """No page is wider than a phone, nothing is wrong or asked of others, the search finds, Tab leads past the head."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

    wrong, asked = [], set()
    still = chromium.new_context(java_script_enabled=False).new_page()
    for path in built_site.read(site):
        still.goto(path.as_uri())
        for width in WIDTHS:
            still.set_viewport_size({"width": width, "height": 900})
            wide = still.evaluate("document.documentElement.scrollWidth - innerWidth")
            wrong += [f"{path.name} is {wide} px wider than {width}"] if wide > 0 else []
    page = chromium.new_page(viewport={"width": 1400, "height": 900})
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("request", lambda request: asked.add(request.url))
    for name, scheme in VIEWS:
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{served}{name}.html")
        page.wait_for_timeout(100)
        violations = Axe().run(page).response["violations"]
        wrong += [
            f"{name}: {each['id']}, {each['nodes'][0]['html']}" for each in violations if each["impact"] != "minor"
        ]
    page.goto(f"{served}index.html")
    page.keyboard.press("Tab")
    assert "md-skip" in page.evaluate("document.activeElement.className")
    page.locator(".md-search__input").click()
    page.keyboard.type("kindergarten")
    page.locator(".md-search-result__link").first.wait_for(timeout=20_000)
    assert wrong == []
    assert [url for url in asked if not url.startswith((served, "data:", "blob:"))] == []
