"""Which lme4 reads a formula: the first version that does, or that none does, and the sentence why.

Each rule was tried on lme4 1.1-26, 1.1-31, 1.1-37 and 2.1-0; lme4's news has 1.1-36 as the version from which on the
grouping factors of a bar are expanded as terms.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from relmer.solver.language.bars import factors_of, is_several, is_slashes, split_bars
from relmer.solver.language.formula import Formula
from relmer.solver.language.signatures import Argument
from relmer.solver.language.syntax import Call, Name, Node, names, shown
from relmer.solver.language.terms import expand
from relmer.solver.language.tokens import COMPARISONS, quoted

OLDEST, NEWEST = "1.1-26", "2.1-0"
"""The versions that were tried."""
STRUCTURES = ("us", "diag", "cs", "ar1")
SEVERAL_GROUPS, STRUCTURED = "1.1-36", "2.0-0"
FAIR = ("==", "!=")
"""Comparisons that take a factor."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a formula asks of lme4.

    Attributes
    ----------
    since : str or None
        The first version that reads it; None if none does, up to the newest that was tried.
    why : str
        A sentence that names the construct, and what to write instead.
    """

    since: str | None
    why: str


def needs(formula: Formula) -> tuple[Need, ...]:
    """What a formula asks of lme4 beyond what the oldest version reads; nothing for most.

    Examples
    --------
    >>> from relmer.solver.language.formula import parse
    >>> needs(parse("y ~ x + (1 | f*g)"))[0].since
    '1.1-36'
    >>> needs(parse("y ~ x + (1 || g)"))[0].why
    "no lme4 up to 2.1-0 reads '1 || g': write (1 | g)"
    """
    plain = {node.name for node in formula.predictors.values() if isinstance(node, Name)}
    found: list[Need] = []
    for node in written_bars(formula.right):
        if node.function in STRUCTURES:
            found.append(Need(since=STRUCTURED, why=f"'{shown(node)}' is a structure of lme4 {STRUCTURED} and later"))
            continue
        found += needs_of_bar(node, plain)
    return tuple(dict.fromkeys(found))


def written_bars(node: Node) -> list[Call]:
    """The bars as they are written."""
    return split_bars(node)[1]


def needs_of_bar(node: Call, plain: set[str]) -> Iterator[Need]:
    """What one bar asks; `plain` are the columns that the formula uses as they are."""
    left, group = node.arguments
    if is_several(group) and not is_slashes(group):
        yield Need(
            since=SEVERAL_GROUPS,
            why=f"'{shown(group)}' is several grouping factors since lme4 {SEVERAL_GROUPS}: write a bar for each",
        )
    if node.function == "||" and not expand(left).terms:
        yield never(node, f"write ({shown(left)} | {shown(group)})")
    if node.function == "||" and isinstance(group, Name) and quoted(group.name) != group.name:
        yield never(node, "rename the column, or write a bar for each effect")
    for factor in grouping_calls(group):
        hidden = [name for name in dict.fromkeys(names(factor)) if name not in plain]
        if hidden:
            yield never(factor, f"lme4 finds {hidden[0]} only if it is a term by itself: make a column of the data")
        elif not takes_factors(factor):
            yield never(factor, "lme4 makes factors of its columns first: make a column of the data")


def never(node: Node, cure: str) -> Need:
    """That no version reads something."""
    return Need(since=None, why=f"no lme4 up to {NEWEST} reads '{shown(node)}': {cure}")


def grouping_calls(group: Node) -> list[Call]:
    """The grouping factors of a bar that are computed."""
    parts = expand(group).variables if is_several(group) else [*factors_of(group)]
    return [part for part in parts if isinstance(part, Call)]


def takes_factors(node: Node) -> bool:
    """Whether what a tree computes of its columns is the same of factors: it asks for no number anywhere."""
    if not isinstance(node, Call):
        return True
    function = node.meaning
    if function is None or (node.function in COMPARISONS and node.function not in FAIR):
        return False
    for parameter, bound in zip(function.parameters, node.bound(function), strict=True):
        places = bound if isinstance(bound, tuple) else () if bound is None else (bound,)
        for argument in (node.arguments[place] for place in places):
            if next(names(argument), None) is not None and parameter.kind is not Argument.COLUMN:
                return False
            if not takes_factors(argument):
                return False
    return True


def first_version(formula: Formula) -> str | None:
    """The first version of lme4 that reads a formula, as far as they were tried; None if none does."""
    asked = [need.since for need in needs(formula)]
    if None in asked:
        return None
    return max((OLDEST, *(version for version in asked if version)), key=parts)


def unread(formula: Formula, version: str) -> str:
    """Why this version of lme4 does not read a formula: a sentence, empty if it does.

    Examples
    --------
    >>> from relmer.solver.language.formula import parse
    >>> unread(parse("y ~ x + (1 | f*g)"), "1.1-31")
    "lme4 1.1-31: 'f * g' is several grouping factors since lme4 1.1-36: write a bar for each"
    >>> unread(parse("y ~ x + (1 | f*g)"), "1.1.37")
    ''
    """
    for need in needs(formula):
        if need.since is None or parts(version) < parts(need.since):
            return f"lme4 {version}: {need.why}"
    return ""


def parts(version: str) -> tuple[int, ...]:
    """A version as numbers, whatever stands between them."""
    return tuple(int(part) for part in re.findall(r"\d+", version))
