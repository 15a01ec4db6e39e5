"""lme4's three checks of sizes, which refuse what n rows can hardly tell from the residual, and can be turned off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum

import numpy as np

from relmer.solver.errors import ModelError
from relmer.solver.model.design import random_matrix
from relmer.solver.model.term import RandomTerm, is_structured

# Numbers in Z above which lme4's "stopSmall" and "warningSmall" do not ask for its rank, and above which it is not
# found at all: the singular values of an array of 128 MB take a minute.
SMALL, LARGEST = 10**6, 2**24


class Level(StrEnum):
    """What a check does that fails, in lme4's words."""

    IGNORE = "ignore"
    MESSAGE = "message"
    WARNING = "warning"
    STOP = "stop"
    MESSAGE_SMALL = "messageSmall"
    WARNING_SMALL = "warningSmall"
    STOP_SMALL = "stopSmall"


@dataclass(frozen=True)
class Checks:
    """What each check does; lme4's defaults (`lmerControl`). A message or a warning goes to `Design.messages`.

    Attributes
    ----------
    nobs_vs_nlev
        A grouping factor has as many levels as there are rows.
    nobs_vs_nRE
        A term has as many random effects as there are rows; not asked where some term has a structure.
    nobs_vs_rankZ
        Z has the rank n. With "Small" at its end a level holds for a Z of at most a million numbers.
    """

    nobs_vs_nlev: Level = Level.STOP
    nobs_vs_nRE: Level = Level.STOP
    nobs_vs_rankZ: Level = Level.IGNORE


def checks_of(given: "Checks | Mapping[str, str] | None") -> Checks:
    """Read checks from lme4's names.

    Parameters
    ----------
    given
        As ``{"check.nobs.vs.nRE": "ignore"}``; checks that are not named do what they do in lme4.

    Raises
    ------
    ModelError
        A name or a level is not one of lme4's.

    Examples
    --------
    >>> checks_of({"check.nobs.vs.nRE": "ignore"}).nobs_vs_nRE
    <Level.IGNORE: 'ignore'>
    """
    if given is None or isinstance(given, Checks):
        return given or Checks()
    names = CHECKS
    if not isinstance(given, Mapping):
        raise ModelError(f"checks must be a mapping such as {{'{named('nobs_vs_nRE')}': 'ignore'}}, not {given!r:.60}")
    found = {}
    for name, level in given.items():
        if name not in names:
            raise ModelError(f"checks: {name!r:.60} is not known; the checks are {', '.join(names)}")
        known = [each for each in Level if name == named("nobs_vs_rankZ") or not each.endswith("Small")]
        if level not in known:
            raise ModelError(f"checks: {name} can be {', '.join(known)}, not {level!r:.60}")
        found[names[name]] = Level(level)
    return replace(Checks(), **found)


def named(attribute: str) -> str:
    """lme4's name of a check."""
    return f"check.{attribute.replace('_', '.')}"


CHECKS: Mapping[str, str] = {named(each.name): each.name for each in fields(Checks)}
"""Attributes of checks by lme4's names."""


def check_sizes(terms: Sequence[RandomTerm], n: int, checks: Checks) -> tuple[str, ...]:
    """Hold the sizes of random-effects terms against n rows; what is said of those that only warn.

    Raises
    ------
    ModelError
        A grouping factor has one level, or a check that stops fails.
    """
    said: list[str] = []
    stopped: dict[str, str] = {}

    def fails(check: str, message: str) -> None:
        level = getattr(checks, check)
        if level.startswith("stop"):
            stopped.setdefault(named(check), message)
        elif level != Level.IGNORE:
            said.append(message)

    # As in lme4 2.x, whatever the other terms are.
    structured = is_structured(terms)
    for term in terms:
        levels, width = len(term.levels), len(term.columns)
        if levels < 2:
            raise ModelError(
                f"grouping factor {term.group} has one level; it needs at least two, or leave the term out"
            )
        if levels >= n:
            fails(
                "nobs_vs_nlev",
                f"grouping factor {term.group} has {levels} levels for {n} rows; levels must be fewer than rows",
            )
        if levels * width >= n and not structured:
            fails(
                "nobs_vs_nRE",
                f"term ({' + '.join(term.columns)} | {term.group}) has {levels * width} random effects for {n} rows; "
                "they must be fewer than rows: leave out a slope",
            )
    q = sum(len(term.levels) * len(term.columns) for term in terms)
    asked = checks.nobs_vs_rankZ != Level.IGNORE
    if (
        asked
        and q >= n
        and not (checks.nobs_vs_rankZ.endswith("Small") and n * q > SMALL)
        and rank_of_Z(terms, n, q) >= n
    ):
        fails("nobs_vs_rankZ", f"Z has the rank {n} for {n} rows; it must be less: leave out a term")
    if stopped:
        message, off = next(iter(stopped.values())), dict.fromkeys(stopped, "ignore")
        raise ModelError(f"{message}, or turn the check{'s' * (len(off) > 1)} off: checks={off}")
    return tuple(said)


def rank_of_Z(terms: Sequence[RandomTerm], n: int, q: int) -> int:
    """Rank of Z (n, q)."""
    if n * q > LARGEST:
        name = named("nobs_vs_rankZ")
        raise ModelError(f"checks: Z of {n} x {q} is too large for its rank; set {name} to ignore or stopSmall")
    return int(np.linalg.matrix_rank(np.hstack([random_matrix(term).toarray() for term in terms])))
