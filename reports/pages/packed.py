"""Large detail inside a page, packed: the browser unpacks it when a reader asks for it."""

import base64
import gzip
import json
from collections.abc import Mapping

from markupsafe import Markup


def packed(fragments: Mapping[str, str]) -> Markup:
    """Fragments of markup by name as text that is safe inside a page: JSON, gzip, base64.

    The same fragments give the same text, byte for byte.

    Examples
    --------
    >>> unpacked(packed({"case/a": "<p>b</p>"}))
    {'case/a': '<p>b</p>'}
    """
    text = json.dumps(dict(fragments), ensure_ascii=False, separators=(",", ":"))
    return Markup(base64.b64encode(gzip.compress(text.encode("utf-8", "replace"), 9, mtime=0)).decode())


def unpacked(text: str) -> dict[str, str]:
    """The fragments again.

    Examples
    --------
    >>> unpacked(packed({}))
    {}
    """
    found: dict[str, str] = json.loads(gzip.decompress(base64.b64decode(text)))
    return found
