"""A notebook without Jupyter: its code cells run in one namespace, each giving what its last expression shows.

`python tests/support/notebook.py docs/notebook.ipynb` runs a notebook and stores what its cells show.
"""

import ast
import contextlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Cell = dict[str, Any]


def read(path: Path) -> dict[str, Any]:
    """The notebook, as nbformat 4 has it."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def run(cells: list[Cell]) -> Iterator[tuple[Cell, list[Cell]]]:
    """Each code cell, and its outputs now."""
    namespace: dict[str, Any] = {"__name__": "notebook"}
    for cell in cells:
        if cell["cell_type"] == "code":
            yield cell, shown("".join(cell["source"]), namespace)


def shown(source: str, namespace: dict[str, Any]) -> list[Cell]:
    """What a cell prints, and what its last expression shows, if it is one."""
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) and not source.rstrip().endswith(";") else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(body, []), "cell", "exec"), namespace)
        value = (
            eval(compile(ast.Expression(last.value), "cell", "eval"), namespace) if isinstance(last, ast.Expr) else None
        )
    outputs: list[Cell] = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": lines(printed.getvalue())})
    if value is not None:
        data = {"text/plain": lines(repr(value))}
        html = getattr(value, "_repr_html_", None)
        if html is not None:
            data = {"text/html": lines(html()), **data}
        outputs.append({"output_type": "execute_result", "metadata": {}, "execution_count": None, "data": data})
    return outputs


def lines(text: str) -> list[str]:
    """A text as nbformat stores it."""
    return text.splitlines(keepends=True)


def plain(outputs: list[Cell]) -> str:
    """The outputs as text."""
    return "\n".join("".join(each.get("text") or each["data"]["text/plain"]) for each in outputs)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    notebook = read(target)
    for number, (cell, outputs) in enumerate(run(notebook["cells"]), start=1):
        cell["execution_count"] = number
        cell["outputs"] = [{**o, **({"execution_count": number} if "execution_count" in o else {})} for o in outputs]
    target.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
