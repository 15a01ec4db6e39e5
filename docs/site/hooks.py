"""What the site has beside docs/: the README as its first page, files that pages link to, the tables of the code.

A page links as it does in the repository; here a link goes to where the file stands on the site. The README is the
first page, docs/ is the root, every other file of the repository keeps its path.
"""

import os
import re
import tempfile
import tomllib
from pathlib import Path, PurePosixPath

from cells import as_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from relmer.reports.evidence.tolerances import TABLE

ROOT = Path(__file__).parents[2]
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "CONTRIBUTING.md", "CHANGELOG.md": "CHANGELOG.md"}
NOTEBOOK = "docs/notebook.ipynb"
MOVED = {**PAGES, NOTEBOOK: "notebook.md"}
LINK = re.compile(r"(\]\()([^)\s#:]+)([)#])")
ROW = re.compile(r"^\|.*$", re.MULTILINE)
CODE = re.compile(r"`[^`]+`")
FENCED = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)
TOLERANCES = "<!-- the table of tolerances -->"
sources = tempfile.TemporaryDirectory(prefix="relmer-docs-")


@event_priority(100)
def on_config(config: MkDocsConfig) -> None:
    """Lay the packages out as the wheel does, since the rooms are folders of the root: docstrings are read there."""
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-dir"]
    top = Path(sources.name) / "relmer"
    if not top.exists():
        top.mkdir()
        for file in (ROOT / packages["relmer"]).glob("*.py"):
            (top / file.name).symlink_to(file)
        for name, folder in packages.items():
            if name.count(".") == 1:
                (top / name.partition(".")[2]).symlink_to(ROOT / folder)
    config.plugins["mkdocstrings"].config.handlers["python"]["paths"] = [sources.name]


def on_shutdown() -> None:
    """Remove what was laid out."""
    sources.cleanup()


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the root, and every file outside docs/ that a page links to."""
    wanted = dict(PAGES)
    pages = [*(str(Path(page.abs_src_path or "").relative_to(ROOT)) for page in files.documentation_pages()), *PAGES]
    for page in pages:
        for target in targets((ROOT / page).read_text(encoding="utf-8")):
            place = repository_path(page, target)
            if (ROOT / place).is_file() and not place.startswith("docs/") and place not in wanted:
                wanted[place] = place
                pages += [place] if place.endswith(".md") else []
    for place, uri in wanted.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / place)))
    files.append(File.generated(config, MOVED[NOTEBOOK], content=as_page(ROOT / NOTEBOOK)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links from the repository's paths to the site's, and fill in the tables of the code."""
    here = page.file.src_uri
    source = next((place for place, uri in PAGES.items() if uri == here), None)
    if source is None:
        source = here if (ROOT / here).is_file() else f"docs/{here}"

    def turned(found: re.Match[str]) -> str:
        place = repository_path(source, found[2])
        uri = MOVED.get(place) or place.removeprefix("docs/")
        return f"{found[1]}{os.path.relpath(uri, PurePosixPath(here).parent)}{found[3]}"

    parts = FENCED.split(markdown)
    # A paragraph that follows a block at once would be none.
    text = "".join(f"\n{part}\n" if k % 2 else ROW.sub(bare, LINK.sub(turned, part)) for k, part in enumerate(parts))
    return text.replace(TOLERANCES, tolerances())


def bare(row: re.Match[str]) -> str:
    """A table's row whose code has bars: GitHub wants them escaped, Python-Markdown does not."""
    return CODE.sub(lambda code: code[0].replace(r"\|", "|"), row[0])


def targets(markdown: str) -> list[str]:
    """The local targets of a page's links."""
    return [target for part in FENCED.split(markdown)[::2] for _, target, _ in LINK.findall(part)]


def repository_path(source: str, target: str) -> str:
    """Where a link from a file of the repository goes."""
    return os.path.normpath(PurePosixPath(source).parent / target)


def tolerances() -> str:
    """Every bound of a verdict with its derivation, as sections."""
    return "\n\n".join(f"### {one.name}\n\n> {one.value}\n\n{one.why}" for one in TABLE)
