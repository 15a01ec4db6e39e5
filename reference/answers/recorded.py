"""Recorded answers: what one version of an engine returned, frozen with its provenance, one JSON file per case.

The files of an engine stand in a folder of its name, or, packed, in a ZIP archive of its name. What many searches and
versions of an engine returned differs in the last digits of its numbers alone: gathered, a case's answers by all of
them stand in one compressed file, a fifth of their archives, a line each. An engine's own folder is read first, its
archive next, what is gathered last: what is recorded anew counts at once, and is gathered when it is to stay.
"""

import functools
import itertools
import json
import lzma
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

from relmer.datasets import Case, load, write_whole
from relmer.reference.answers.answer import Answer, Status, from_json, to_json

RECORDED = Path(__file__).parent.parent / "recorded"
ARCHIVE = ".zip"
GATHERED, ENGINES = "gathered", "engines.json"


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
    try:
        text = text_of(path)
        if text is None:
            return None
        answer = from_json(text)
    except (ValueError, zipfile.BadZipFile, lzma.LZMAError, EOFError) as error:
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


def text_of(path: Path) -> str | None:
    """Text of a recording: of its file, else in its engine's archive, else as gathered; None where there is none."""
    if path.exists():
        return path.read_text(encoding="utf-8")
    archive = archive_of(path.parent)
    if archive.exists():
        with zipfile.ZipFile(archive) as packed:
            if path.name in packed.NameToInfo:
                return packed.read(path.name).decode()
    root, engine = path.parent.parent, path.parent.name
    kept = root / GATHERED / f"{path.name}.xz"
    if not kept.exists() or engine not in _gathered(root):
        return None
    return _case_of(kept, is_version(engine)).get(engine)


@functools.lru_cache(maxsize=2)
def _case_of(path: Path, versions: bool) -> dict[str, str]:
    """Texts of one case, by engine, from the file that they are gathered in.

    Those of versions stand last: a run, which asks for the others, is spared the larger part of the file.
    """
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        texts = itertools.takewhile(lambda pair: versions or not is_version(pair[0]), map(json.loads, lines))
        return dict(texts)


def is_version(engine: str) -> bool:
    """Whether a name is that of one version of an engine, as lme4@2.1-0 is, of which there may be recordings alone."""
    return "@" in engine


def _gathered(root: Path) -> list[str]:
    """Engines whose answers are gathered."""
    index = root / GATHERED / ENGINES
    engines: list[str] = json.loads(index.read_text(encoding="utf-8")) if index.exists() else []
    return engines


def gather(root: Path = RECORDED) -> None:
    """Put what the archives hold into a file a case, in the place of what that holds of these engines' cases.

    The same recordings make the same bytes.
    """
    archives = sorted(root.glob(f"*{ARCHIVE}"))
    names: set[str] = set()
    for archive in archives:
        with zipfile.ZipFile(archive) as packed:
            names |= {*packed.namelist()}
    engines = sorted({*_gathered(root), *(archive.name.removesuffix(ARCHIVE) for archive in archives)})
    _case_of.cache_clear()
    contents: dict[str, bytes] = {ENGINES: (json.dumps(engines, indent=0) + "\n").encode()}
    for name in sorted(names):
        texts = ((engine, text_of(root / engine / name)) for engine in sorted(engines, key=is_version))
        lines = "".join(f"{json.dumps(pair)}\n" for pair in texts if pair[1] is not None)
        contents[f"{name}.xz"] = lzma.compress(lines.encode(), preset=9 | lzma.PRESET_EXTREME)
    write_whole(root / GATHERED, contents)
    for archive in archives:
        archive.unlink()
    _case_of.cache_clear()


def archive_of(folder: Path) -> Path:
    """Archive that stands for an engine's folder."""
    return folder.with_name(folder.name + ARCHIVE)


def pack(engine: str, root: Path = RECORDED) -> Path:
    """Put an engine's folder into its archive, beside what that holds of other cases; give its path.

    The same recordings make the same bytes.
    """
    folder = root / engine
    archive = archive_of(folder)
    kept: dict[str, bytes] = {}
    if archive.exists():
        with zipfile.ZipFile(archive) as packed:
            kept = {name: packed.read(name) for name in packed.namelist()}
    kept |= {path.name: path.read_bytes() for path in folder.iterdir()}
    with zipfile.ZipFile(beside := folder.with_name(f"{folder.name}{ARCHIVE}.part"), "w") as packed:
        for name, content in sorted(kept.items()):
            packed.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, compresslevel=9)
    beside.replace(archive)
    shutil.rmtree(folder)
    return archive


def write(answer: Answer, root: Path = RECORDED) -> Path:
    """Write a recording whole or not at all; give its path."""
    path = path_of(answer.engine, answer.case, root)
    write_whole(path.parent, {path.name: to_json(replace(answer, recorded=True))})
    return path


def compressed(root: Path = RECORDED) -> tuple[str, ...]:
    """Names of the engines that are recorded as an archive, or gathered."""
    archives = (path.name.removesuffix(ARCHIVE) for path in root.glob(f"*{ARCHIVE}"))
    return tuple(sorted({*archives, *_gathered(root)}))


def versions(root: Path = RECORDED) -> tuple[str, ...]:
    """Names of the versions of engines that are recorded so: the others are engines of this project."""
    return tuple(filter(is_version, compressed(root)))
