"""The executed notebook as a page: its words, its code, and what the cells show."""

import json
import re
from pathlib import Path
from typing import Any

# A cell has no style of its own here.
TABLE = re.compile(r"<table[^>]*>")
STYLE = re.compile(r"<style.*?</style>", re.DOTALL)
LINES = re.compile(r"\n\s*")


def as_page(notebook: Path) -> str:
    """A notebook in Markdown."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join(part for cell in cells for part in parts(cell)) + "\n"


def parts(cell: dict[str, Any]) -> list[str]:
    """A cell's own text, and each of its outputs: HTML where there is some, else text."""
    text = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return [text]
    return [f"```python\n{text}\n```", *(shown(output) for output in cell["outputs"])]


def shown(output: dict[str, Any]) -> str:
    """What a cell shows."""
    data = output.get("data", {})
    if "text/html" in data:
        # A block of HTML ends at an empty line.
        inside = LINES.sub(" ", STYLE.sub("", "".join(data["text/html"])))
        return f"<div>{TABLE.sub('<table>', inside)}</div>"
    return f"```text\n{''.join(data.get('text/plain', output.get('text', '')))}\n```"
