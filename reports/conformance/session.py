"""What one run of the kit holds: the engine, its cases, and the failures that its owner expects."""

from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from relmer.conformance.checks import CHECKS
from relmer.conformance.met import Met, meet
from relmer.datasets import Case, cases
from relmer.reference.engines import EngineError, participant
from relmer.reports.accepted import AcceptedError, read
from relmer.reports.records import KnownFailure

EXPECTED = "relmer-expected.toml"


class ConformanceError(ValueError):
    """The kit cannot start; one line says why."""


@dataclass(frozen=True)
class Session:
    """One run of the kit."""

    met: Met
    cases: tuple[Case, ...]
    expected: tuple[KnownFailure, ...]
    seconds: float
    header: str


def start(config: Any) -> None:
    """Hold the session in `config.relmer`; what cannot be used raises `ConformanceError`."""
    given, pattern = config.getoption("relmer_expected"), config.getoption("relmer_case")
    path = Path(given or config.rootpath / EXPECTED)
    try:
        met = meet(config.getoption("relmer_engine"))
        engine = participant(met.name)
        if missing := engine.available():
            raise EngineError(f"engine {met.name} cannot run here: {missing}")
        version = engine.version()
        expected = read(path.read_bytes(), path.name) if given or path.is_file() else ()
    except (EngineError, AcceptedError, OSError) as error:
        raise ConformanceError(str(error)) from None
    chosen, known = cases(pattern), {case.name for case in cases()}
    if not chosen:
        raise ConformanceError(f"--relmer-case {pattern!r:.60} matches no case; `relmer cases` lists them")
    for k, entry in enumerate(expected, start=1):
        if entry.engine != met.name:
            raise ConformanceError(f"{path.name}, entry {k}: engine is {entry.engine!r:.60}, this is {met.name}")
        if entry.case not in known:
            raise ConformanceError(f"{path.name}, entry {k}: no case is called {entry.case!r:.60}")
    config.relmer = Session(
        met=met,
        cases=tuple(chosen),
        expected=expected,
        seconds=config.getoption("relmer_seconds"),
        header=f"relmer {version_of('relmer')}: engine {met.name} {version}, "
        f"{len(CHECKS)} checks on {len(chosen)} cases, {len(expected)} expected failures",
    )
