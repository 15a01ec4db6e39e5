"""Recorded answers: what one version of an engine returned, frozen with its provenance, one JSON file per case."""

from dataclasses import replace
from pathlib import Path

from relmer.datasets import Case, load, write_whole
from relmer.reference.answers.answer import Answer, Status, from_json, to_json

RECORDED = Path(__file__).parent.parent / "recorded"


class RecordingError(ValueError):
    """A recording that cannot be used; one line that names the file and says what to do."""


def path_of(engine: str, case: str, root: Path = RECORDED) -> Path:
    """File of a recording.

    Examples
    --------
    >>> path_of("lme4", "docs/bdf", Path("recorded")).as_posix()
    'recorded/lme4/docs.bdf.json'
    """
    return root / engine / f"{case.replace('/', '.')}.json"


def read(engine: str, case: Case, root: Path = RECORDED) -> Answer | None:
    """What was recorded of an engine for a case; None if nothing was.

    An answer that was recorded on other data than there are now is one that failed: it says nothing of these data.

    Raises
    ------
    RecordingError
        The file cannot be read, or was recorded of another case.
    """
    path = path_of(engine, case.name, root)
    if not path.exists():
        return None
    try:
        answer = from_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RecordingError(
            f"{path.name}: {error}; record it again: relmer record --engine {engine} --into DIR"
        ) from None
    if (answer.engine, answer.case) != (engine, case.name):
        raise RecordingError(f"{path.name} holds {answer.engine} on {answer.case}; record it again")
    if answer.dataset_sha256 != load(case.dataset).sha256:
        message = f"{path.name} was recorded on other data than {case.dataset} is now; record it again"
        return Answer(
            case=case.name,
            engine=engine,
            version=answer.version,
            status=Status.FAILED,
            message=message,
            environment=answer.environment,
            recorded=True,
        )
    return replace(answer, recorded=True)


def write(answer: Answer, root: Path = RECORDED) -> Path:
    """Write a recording whole or not at all; give its path."""
    path = path_of(answer.engine, answer.case, root)
    write_whole(path.parent, {path.name: to_json(replace(answer, recorded=True))})
    return path
