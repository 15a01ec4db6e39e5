"""What is wrong with the built site: `python tests/support/built_site.py FOLDER` says it, a line each."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# What a browser fetches by itself. Links of the document's kin, such as its canonical address, are not.
FETCHED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "link": "href",
}
KIN = {"canonical", "prev", "next"}


class Read(HTMLParser):
    """A page: what it fetches, where it links, its anchors, its skip link, and names of which nothing is said."""

    def __init__(self, path: Path):
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.skip = ""
        self.blank: list[str] = []
        self.named = ""
        self.open: list[tuple[str, bool]] = []
        self.told: list[bool] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag fetches, names or links to."""
        found = {name: value or "" for name, value in attrs}
        classes = found.get("class", "").split()
        if (place := found.get(FETCHED.get(tag, ""), "")) and not (tag == "link" and found.get("rel") in KIN):
            self.fetched.append(place)
        if "srcset" in found:
            self.fetched.append(found["srcset"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
            if "md-skip" in classes:
                self.skip = found["href"]
        self.anchors |= {found[key] for key in ("id", "name") if key in found}
        if "doc-heading" in classes:
            self.named = found.get("id", "")
        if tag not in VOID:
            described = tag == "div" and bool({"doc-contents", "doc-md-description"} & {*classes})
            self.open.append((tag, described))
            if described:
                self.told.append(False)

    def handle_endtag(self, tag: str) -> None:
        """Close what is open; a description that has no text is blank."""
        while self.open:
            last, described = self.open.pop()
            if described and not self.told.pop():
                self.blank.append(self.named)
            if last == tag:
                return

    def handle_data(self, data: str) -> None:
        """Text fills every description that is open."""
        if data.strip():
            self.told = [True] * len(self.told)


def read(folder: Path) -> dict[Path, Read]:
    """Every page of the site, but the one that a server shows for a page that is not there."""
    return {path.resolve(): Read(path) for path in sorted(folder.rglob("*.html")) if path.name != "404.html"}


def faults(folder: Path) -> list[str]:
    """What is wrong: requests to others, links and anchors to nothing, no way past the head, blank names."""
    pages, found = read(folder), []
    for path, page in pages.items():
        name = path.relative_to(folder.resolve()).as_posix()
        found += [f"{name}: fetches {place}" for place in page.fetched if urlsplit(place).netloc]
        found += [f"{name}: nothing is said of {blank}" for blank in page.blank]
        if page.skip.removeprefix("#") not in page.anchors or not page.skip:
            found.append(f"{name}: no skip link")
        for link in (*page.links, *page.fetched):
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            if not target.is_file():
                found.append(f"{name}: {link} leads nowhere")
            elif address.fragment and target in pages and unquote(address.fragment) not in pages[target].anchors:
                found.append(f"{name}: {link} has no such anchor")
    return found


if __name__ == "__main__":
    sys.exit("\n".join(faults(Path(sys.argv[1]))) or 0)
