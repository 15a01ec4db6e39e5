"""The cases: which model is fitted to which data, and what others printed about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pandas as pd

from relmer.datasets.entries import EntryError, entry_record, toml_entries
from relmer.datasets.levels import with_levels
from relmer.datasets.printed import is_printed
from relmer.datasets.quantities import OF_A_CASE, parse_key
from relmer.datasets.stated import DataError
from relmer.datasets.store import closest, load, names

CASES = Path(__file__).parent / "cases.toml"

GIVE = {
    **dict.fromkeys(("name", "dataset", "formula", "document", "source"), "a string"),
    **dict.fromkeys(("weights", "offset", "subset"), 'an expression of columns as a string, such as "1/se^2"'),
    "na_action": '"na.omit", "na.exclude", "na.fail" or "na.pass"',
    "contrasts": "a table of contrasts by factor",
    "contrasts.*": 'the name of R\'s contrasts as a string, such as "contr.sum"',
    "checks": 'a table such as { "check.nobs.vs.nRE" = "ignore" }',
    "checks.*": 'what the check does, as a string: "ignore", "warning" or "stop"',
    "levels": "a table of lists of levels by column",
    "levels.*": 'the levels in their order, as a list of strings, such as ["low", "high"]',
    "reml": "true or false",
    "published": "a table of figures",
    "published.*": "the printed figure as a string, such as 0.5, .5, 1,430.5 or <.0001",
}
ACTIONS = ("", "na.omit", "na.exclude", "na.fail", "na.pass")
_DOCUMENTS = ("", "000", "001", "002", "003", "004")


@dataclass(frozen=True, slots=True)
class Case:
    """A model, its data, and the figures that were printed for it.

    Attributes
    ----------
    name : str
        Unique, such as "docs/sleepstudy".
    dataset : str
        What `load` takes.
    formula : str
        In lme4's grammar.
    reml : bool
        Whether the REML criterion is meant; if not, maximum likelihood.
    document : str
        The number of the source document in which the model stands, or "".
    source : str
        Where the model and its figures come from.
    published : Mapping of str to str
        Printed figures; the comment at the top of `cases.toml` explains the keys.
    weights, offset, subset : str
        lme4's arguments of these names: a column or an expression of columns, in the grammar of formulas; or "".
    na_action : str
        What becomes of rows that lack a value, by R's name; "" for na.omit.
    contrasts : Mapping of str to str
        By factor of the fixed effects the name of R's contrasts.
    levels : Mapping of str to tuple of str
        By column of text the levels in their order.
    checks : Mapping of str to str
        By lme4's names what its checks of sizes do, such as "ignore"; they change no fit, only whether there is one.
    """

    name: str
    dataset: str
    formula: str
    reml: bool
    document: str
    source: str
    published: Mapping[str, str] = field(default_factory=dict)
    weights: str = ""
    offset: str = ""
    subset: str = ""
    na_action: str = ""
    contrasts: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)

    def __hash__(self) -> int:
        """Of what tells cases apart, so that what is computed of one can be kept."""
        return hash((self.name, self.dataset, self.formula, self.reml))

    @property
    def arguments(self) -> dict[str, Any]:
        """lme4's arguments that are given, beside formula, data, REML and checks, as `relmer.lmer` takes them.

        Examples
        --------
        >>> Case("one", "sleepstudy", "Reaction ~ Days", True, "", "", subset="Days > 1").arguments
        {'subset': 'Days > 1'}
        """
        given = {name: getattr(self, name) for name in ("weights", "offset", "subset", "na_action", "contrasts")}
        return {name: value for name, value in given.items() if value}

    @property
    def told(self) -> dict[str, str]:
        """All that is asked beyond the formula, as texts.

        Examples
        --------
        >>> Case("one", "cbpp", "y ~ g", True, "", "", contrasts={"g": "contr.sum"}, levels={"g": ("b", "a")}).told
        {'contrasts': 'g = contr.sum', 'levels': 'g = b, a'}
        """
        levels = {name: ", ".join(order) for name, order in self.levels.items()}
        given = self.arguments | {name: of for name, of in (("levels", levels), ("checks", self.checks)) if of}
        return {
            name: value if isinstance(value, str) else "; ".join(f"{one} = {of}" for one, of in value.items())
            for name, value in given.items()
        }


def data_of(case: Case) -> pd.DataFrame:
    """The data of a case, with levels in the order that it states: what every engine fits to.

    Raises
    ------
    DataError
        The data cannot be had, or a stated level or column is not theirs.

    Examples
    --------
    >>> reversed = Case("one", "Machines", "score ~ Machine", True, "", "", levels={"Machine": ("C", "B", "A")})
    >>> list(data_of(reversed)["Machine"].cat.categories)
    ['C', 'B', 'A']
    """
    return with_levels(load(case.dataset).frame, case.levels)


def cases(pattern: str = "*", path: Path = CASES) -> tuple[Case, ...]:
    """Return the cases whose name matches a shell pattern, in the order of the file.

    Parameters
    ----------
    pattern
        Such as "docs/*"; upper and lower case differ, and `*` matches a slash too.
    path
        The file to read.

    Raises
    ------
    DataError
        If the file is malformed.

    Examples
    --------
    >>> [case.name for case in cases("dyestuff/*")]
    ['dyestuff/reml', 'dyestuff/ml']
    """
    return tuple(case for case in _read(path) if fnmatchcase(case.name, pattern))


def case(name: str, path: Path = CASES) -> Case:
    """Return the case of this name.

    Raises
    ------
    DataError
        If there is none, or the file is malformed.

    Examples
    --------
    >>> case("docs/machines").formula
    'score ~ Machine + (1 | Worker) + (1 | Worker:Machine)'
    """
    found = {candidate.name: candidate for candidate in _read(path)}
    if name not in found:
        raise DataError(f"no case is called {name!r}: {closest(name, found)}")
    return found[name]


def _read(path: Path) -> list[Case]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise DataError(f"{path.name} cannot be read: restore the file") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not TOML: {error}") from None
    known = names()
    found = [
        checked_case(entry, label_of("case", entry, position), known)
        for position, entry in enumerate(toml_entries(path.name, text, "case"), start=1)
    ]
    if twice := used_twice(candidate.name for candidate in found):
        raise DataError(f"case {found[twice].name!r}: name is used twice: give each case its own")
    return found


def label_of(kind: str, entry: Mapping[str, Any], position: int) -> str:
    """What messages call an entry."""
    return f"{kind} {entry.get('name', f'number {position}')!r:.60}"


def used_twice(names: Iterable[str]) -> int | None:
    """The place of the first name that stood before, from 0; None if there is none.

    Examples
    --------
    >>> used_twice("abcbd")
    3
    """
    seen: set[str] = set()
    for place, name in enumerate(names):
        if name in seen:
            return place
        seen.add(name)
    return None


def checked_case(entry: Mapping[str, Any], label: str, known: Sequence[str]) -> Case:
    """A case as it is written, checked as far as that is possible without its data.

    Parameters
    ----------
    entry
        As it is written.
    label
        What messages call it.
    known
        Names of the data that there are.

    Raises
    ------
    EntryError
        It is refused; one line.
    """
    found = entry_record(Case, entry, label, GIVE)
    if not found.name:
        raise EntryError(f"{label}: name is empty: give one", "name")
    if found.dataset not in known:
        advice = (
            "a file of yours is a [[data]] table, name and file"
            if "." in found.dataset
            else closest(found.dataset, known)
        )
        told = f"{label}: dataset is {found.dataset!r:.60}: {advice}"
        raise EntryError(told, "dataset")
    if "~" not in found.formula:
        raise EntryError(f"{label}: formula is {found.formula!r:.60}: write response ~ terms", "formula")
    if found.na_action not in ACTIONS:
        told = f"{label}: na_action is {found.na_action!r:.60}: give {GIVE['na_action']}"
        raise EntryError(told, "na_action")
    if found.document not in _DOCUMENTS:
        raise EntryError(f"{label}: document is {found.document!r:.60}: give 000 to 004, or nothing", "document")
    for key, figure in found.published.items():
        try:
            parse_key(key, OF_A_CASE)
        except ValueError as error:
            raise EntryError(f"{label}: published has {error}", "published", key, is_key=True) from None
        if not is_printed(figure):
            told = f"{label}: published {key} is {figure!r:.60}: give {GIVE['published.*']}"
            raise EntryError(told, "published", key)
    return found
