"""What every voice spells alike."""

import math
import re

UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Marks that change the direction in which what follows is shown (Unicode Standard Annex 9), and the marks of a text's
# beginning and of annotations, which nobody sees.
INVISIBLE = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
# Where GitHub's runner takes the rest of a line as a command: `::` at its beginning, `##[` wherever it stands.
COMMAND = re.compile(r"(?<=^:)(?=:)|(?<=#)(?=#\[)")
# What the solver advises of its arguments in Python, and what that is on the command line.
CHECKS_OFF = re.compile(r"checks(?:=\{|: )((?:'?[a-zA-Z.]+'?(?:: | = )'?ignore'?(?:[,;] (?='?check\.))?)+)\}?")
NAMES = re.compile(r"check\.[a-zA-Z.]+")
OPTIONS = {
    r"pandas\.Categorical\(values, categories=\[\.\.\.\]\)": "--levels NAME=A,B,…",
    r"make it datetime64 with pd\.to_datetime, in one zone": "write all its times in one zone",
    r"drop these rows from the data and the weights": "leave these rows out by --subset",
    r"(?<![\w.])(weights|offset|subset)=(?= )": r"--\1",
}


def as_options(text: str) -> str:
    """What the solver says to a caller in Python, as it is said to who sits at the command line.

    Examples
    --------
    >>> as_options("or turn the check off: checks={'check.nobs.vs.nlev': 'ignore'}")
    'or turn the check off: --ignore-check check.nobs.vs.nlev'
    >>> as_options("weights= is missing in 1, first in row 4")
    '--weights is missing in 1, first in row 4'
    """
    text = CHECKS_OFF.sub(lambda off: " ".join(f"--ignore-check {name}" for name in NAMES.findall(off[1])), text)
    for argument, option in OPTIONS.items():
        text = re.sub(argument, option, text)
    return text


def in_reports(text: str) -> str:
    """The same as it is said to a reader, who may have given a file of cases, a frame or nothing of it all.

    Examples
    --------
    >>> told = in_reports("turn the checks off: checks={'check.nobs.vs.nlev': 'ignore', 'check.nobs.vs.nRE': 'ignore'}")
    >>> told
    'turn the checks off: checks: check.nobs.vs.nlev = ignore; check.nobs.vs.nRE = ignore'
    >>> as_options(told)
    'turn the checks off: --ignore-check check.nobs.vs.nlev --ignore-check check.nobs.vs.nRE'
    >>> in_reports("weights= is missing in 1, first in row 4")
    'weights is missing in 1, first in row 4'
    """
    text = CHECKS_OFF.sub(
        lambda off: "checks: " + "; ".join(f"{name} = ignore" for name in NAMES.findall(off[1])), text
    )
    for argument, option in OPTIONS.items():
        text = re.sub(argument, option.replace("--", ""), text)
    return text


def number(count: int, noun: str, several: str = "") -> str:
    """A count with its noun, as "1 case" or "45 cases"; `several` is its plural if that is not the noun with an s."""
    return f"{count:,} {noun if count == 1 else several or f'{noun}s'}"


def digits_text(digits: float | None) -> str:
    """Digits to one decimal, never rounded up; empty where there are none.

    Examples
    --------
    >>> digits_text(7.99), digits_text(None)
    ('7.9', '')
    """
    if digits is None or not math.isfinite(digits):
        return ""
    return f"{math.floor(digits * 10) / 10:.1f}"


def cut(text: str, longest: int) -> str:
    """A text of at most so many characters; of one that is longer the beginning, and where the rest is.

    Examples
    --------
    >>> cut("abc", 3), len(cut("a" * 100, 60)), cut("a" * 100, 40)
    ('abc', 60, 'aaaaaaaaaaaaaaa… (the rest: report.html)')
    """
    rest = "… (the rest: report.html)"
    return text if len(text) <= longest else text[: longest - len(rest)] + rest


def printable(text: str) -> str:
    r"""Text without control characters and lone surrogates, which XML forbids and a terminal would obey.

    Marks that turn the direction of a text go too: a reader would be shown another text than there is.

    Examples
    --------
    >>> printable("a\u202eb\x1b[31m\ud800")
    'ab[31m'
    """
    # What Unicode calls printable is in neither set; nearly every text is.
    return text if text.isprintable() else INVISIBLE.sub("", UNPRINTABLE.sub("", text))


def one_line(text: object) -> str:
    r"""Text as one line that a terminal shows and does not obey, nor a service that reads commands in what is printed.

    Examples
    --------
    >>> one_line("::set-env name=PATH::x\x1b[31m ##[add-mask]y")
    ': :set-env name=PATH::x[31m # #[add-mask]y'
    """
    return COMMAND.sub(" ", " ".join(printable(str(text)).split()))


def indented(line: str) -> str:
    """A line that a terminal shows and does not obey, with its indent."""
    return " " * (len(line) - len(line.lstrip())) + one_line(line)
