"""Signs that a terminal or a pipe cannot encode, as where everything is ASCII: they are told in other words."""

import codecs
import sys
from io import TextIOWrapper

SPELLED = {"→": "->", "×": "x", "…": "...", "≤": "<=", "≥": ">=", "“": '"', "”": '"', "’": "'", "–": "-", "−": "-"}
# An encoding of its own: where a stream says that it is ASCII, click takes that for a mistake and writes UTF-8.
ENCODING, HANDLER = "relmer-ascii", "relmer-spelled"


def bear_encoding() -> None:
    """Let what stdout and stderr cannot encode be told in other words, where else it would end the command."""
    codecs.register_error(HANDLER, spelled)
    codecs.register(found)
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, TextIOWrapper):
            continue
        name = codecs.lookup(stream.encoding).name
        if name == "ascii":
            stream.reconfigure(encoding=ENCODING, errors="strict")
        elif not name.startswith("utf"):
            stream.reconfigure(errors=HANDLER)


def spelled(error: UnicodeError) -> tuple[str, int]:
    r"""Signs that cannot be encoded in ASCII, where there is a word for each; their number otherwise.

    Examples
    --------
    >>> codecs.register_error(HANDLER, spelled)
    >>> "a → θ".encode("ascii", HANDLER)
    b'a -> \\u03b8'
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(SPELLED.get(sign, sign.encode("ascii", "backslashreplace").decode()) for sign in text), error.end


class Encoder(codecs.IncrementalEncoder):
    """ASCII, with words for what it lacks."""

    def encode(self, text: str, final: bool = False) -> bytes:
        """Encode a text."""
        return text.encode("ascii", HANDLER)


def found(name: str) -> codecs.CodecInfo | None:
    """The encoding of this name."""
    if name.replace("_", "-") != ENCODING:
        return None
    plain = codecs.lookup("ascii")
    return codecs.CodecInfo(
        name=ENCODING,
        encode=lambda text, errors="strict": (text.encode("ascii", HANDLER), len(text)),
        decode=plain.decode,
        incrementalencoder=Encoder,
        incrementaldecoder=plain.incrementaldecoder,
    )
