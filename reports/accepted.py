"""Accepted failures: what an engine's owner knows to be wrong, kept in a text file, and held against a run.

The file is TOML, an `[[accepted]]` for each failure:

    [[accepted]]
    engine = "lme4"
    case = "star/kindergarten-reml"
    rung = 4                      # the first rung that it breaks
    diagnosis = "false minimum"   # in the judge's words
    size = 136                    # rung 4: in units of the criterion; elsewhere the relative error of the worst entry
    link = "https://…"            # where it is discussed, or the reason
    why = "…"                     # more words, if you like

An entry accepts what is wrong on its case by its diagnosis, if that is the first thing that breaks, at its rung, and at
most twice as large. It accepts nothing else. One that has nothing to accept where its engine was judged is stale.

An engine that gives no answer is expected by `diagnosis = "failed"`, with `says` in the place of `size`: words that the
message of the failure has. Another failure is not accepted by it.
"""

import math
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from relmer.reports.causes import Cause, causes, scale_of
from relmer.reports.records import RUNGS, KnownFailure, Report
from relmer.reports.verdicts import Diagnosis, Verdict

LARGEST = 2.0
FAILED = str(Verdict.FAILED)
REQUIRED = ("engine", "case", "rung", "diagnosis", "link")
OPTIONAL = ("why",)
DIAGNOSES = (*(word for word in Diagnosis if word), FAILED)


class AcceptedError(ValueError):
    """A file of accepted failures cannot be read; one line says which file, entry and key."""


def known_failures(own: Sequence[Path] = ()) -> tuple[KnownFailure, ...]:
    """Read the failures that this project's lists accept, and those of a user's own lists.

    What a later list says of the same engine, case, rung and diagnosis replaces what an earlier one said.

    Raises
    ------
    AcceptedError
        A list is not as it should be.
    OSError
        A list cannot be read.
    """
    shipped = files("relmer.reference").joinpath("accepted")
    lists = sorted((path for path in shipped.iterdir() if path.name.endswith(".toml")), key=lambda path: path.name)
    texts = [(path.read_bytes(), path.name) for path in lists] + [(path.read_bytes(), str(path)) for path in own]
    found = [known for content, name in texts for known in read(content, name)]
    return tuple({identity(known): known for known in found}.values())


def read(content: bytes, name: str) -> tuple[KnownFailure, ...]:
    r"""Read one list, whose file is called `name`.

    Raises
    ------
    AcceptedError
        It is not UTF-8, not TOML, or an entry lacks a key, has one that is not known or a value that cannot be.

    Examples
    --------
    >>> read(b'[[accepted]]\nengine = "lme4"\n', "mine.toml")
    Traceback (most recent call last):
    ...
    relmer.reports.accepted.AcceptedError: mine.toml, entry 1: case is missing
    """
    try:
        told = tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise AcceptedError(f"{name} is not UTF-8: byte {error.start + 1}") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise AcceptedError(f"{name} is not TOML: {error}") from None
    for key in told:
        if key != "accepted":
            raise AcceptedError(f"{name}: {key!r:.60} is not known; write entries under [[accepted]]")
    entries = told.get("accepted", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise AcceptedError(f"{name}: accepted must be a list of tables; write each entry under [[accepted]]")
    found: dict[tuple[str, str, int, Diagnosis], int] = {}
    read_entries = []
    for k, told_entry in enumerate(entries, start=1):
        known = entry(told_entry, f"{name}, entry {k}")
        first = found.setdefault(identity(known), k)
        if first != k:
            raise AcceptedError(f"{name}, entry {k}: it repeats entry {first}; remove one")
        read_entries.append(known)
    return tuple(read_entries)


def entry(told: Mapping[str, Any], where: str) -> KnownFailure:
    """Check one entry, key by key."""
    fails = told.get("diagnosis") == FAILED
    required = (*REQUIRED, "says" if fails else "size")
    for key in required:
        if key not in told:
            raise AcceptedError(f"{where}: {key} is missing")
    for key in told:
        if key not in required + OPTIONAL:
            raise AcceptedError(f"{where}, {key!r:.60}: not known; there are {', '.join(required + OPTIONAL)}")

    def refuse(key: str, wanted: str) -> AcceptedError:
        return AcceptedError(f"{where}, {key}: must be {wanted}, not {told[key]!r:.60}")

    for key in ("engine", "case", "link", *(key for key in (*OPTIONAL, "says") if key in told)):
        if not isinstance(told[key], str) or not told[key].strip():
            raise refuse(key, "a text")
    if type(told["rung"]) is not int or told["rung"] not in RUNGS:
        raise refuse("rung", f"one of {', '.join(map(str, RUNGS))}")
    if told["diagnosis"] not in DIAGNOSES:
        raise refuse("diagnosis", f"one of {', '.join(map(repr, map(str, DIAGNOSES)))}")
    size = 1.0 if fails else told["size"]
    if type(size) not in (int, float) or not 0 < size < math.inf:
        raise refuse("size", "a number above 0")
    return KnownFailure(
        engine=told["engine"],
        case=told["case"],
        rung=told["rung"],
        diagnosis=Diagnosis.NONE if fails else Diagnosis(told["diagnosis"]),
        size=float(size),
        link=told["link"],
        why=told.get("why", ""),
        says=told.get("says", ""),
    )


def identity(known: KnownFailure) -> tuple[str, str, int, Diagnosis]:
    """What tells an entry from others."""
    return known.engine, known.case, known.rung, known.diagnosis


def accept(report: Report, known: Iterable[KnownFailure]) -> Report:
    """Mark the comparisons that some entries accept; entries of cases or engines that were not judged are silent."""
    judged = {(c.case, c.engine) for c in report.comparisons if c.verdict.judged}
    answered = judged | {(c.case, c.engine) for c in report.comparisons if c.verdict is Verdict.FAILED}
    entries: dict[tuple[str, str], list[KnownFailure]] = defaultdict(list)
    for one in known:
        if (one.case, one.engine) in (answered if one.says else judged):
            entries[one.case, one.engine].append(one)
    broken: dict[tuple[str, str], list[Cause]] = defaultdict(list)
    for cause in causes(report.comparisons):
        broken[cause.case, cause.engine].append(cause)
    held = tuple(one for pair, own in entries.items() for one in hold(report, own, broken[pair]))
    links = {(one.case, one.engine, one.verdict, one.diagnosis): one.link for one in held if one.covers}
    marked = tuple(
        replace(c, accepted=links.get((c.case, c.engine, c.verdict, c.diagnosis), "")) for c in report.comparisons
    )
    return replace(report, comparisons=marked, accepted=held)


def hold(report: Report, entries: Sequence[KnownFailure], broken: Sequence[Cause]) -> list[KnownFailure]:
    """Hold the entries for one engine on one case, by their rung, against what is broken there.

    What an entry accepts is out of the way of the next: two causes need two entries.
    """
    left, held = list(broken), []
    for one in sorted(entries, key=lambda one: one.rung):
        found = next((c for c in broken if (c.verdict, c.diagnosis) == (one.verdict, one.diagnosis)), None)
        if found is None or found.rung != one.rung or one.says not in found.teller.evidence:
            held.append(replace(one, stale=True))
            continue
        size = one.size if one.says else scale_of(report, one.case, one.engine).size(found)
        first = min(cause.rung for cause in left)
        covers = size <= LARGEST * one.size and first == one.rung
        known_size = size if math.isfinite(size) else None
        held.append(replace(one, found=known_size, covers=len(found.comparisons) if covers else 0))
        if covers:
            left.remove(found)
    return held
