"""Recordings: complete, on today's data, refused when they are not."""

import json
import lzma
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from relmer.datasets import case, cases, load
from relmer.reference.answers import recorded
from relmer.reference.answers.answer import Status
from relmer.reference.answers.recorded import RecordingError

CASE = case("docs/sleepstudy")
# 18,009 rows each, of which a recording would hold constant vectors: lme4 runs there live only.
RECORDED = [chosen for chosen in cases() if chosen.dataset not in ("SmLs03", "SmLs06", "SmLs09")]
LME4 = ("lme4", "lme4-bobyqa", "lme4-tight")


@pytest.mark.parametrize("engine", LME4)
def test_every_case_is_recorded_on_its_data(engine: str) -> None:
    for chosen in RECORDED:
        answer = recorded.read(engine, chosen)
        assert answer is not None, chosen.name
        assert answer.status is Status.FITTED
        assert answer.recorded
        assert answer.dataset_sha256 == load(chosen.dataset).sha256
        assert {"R", "lme4", "BLAS", "platform"} <= set(answer.environment)


def test_no_recording_is_stale() -> None:
    """Every file belongs to a case that exists; what is gathered has a line for it where it should, and no other."""
    known = {path.name for path in (recorded.path_of("lme4", chosen.name) for chosen in RECORDED)}
    assert {path.name for path in (recorded.RECORDED / "lme4").iterdir()} == known
    for chosen in cases():
        kept = recorded.RECORDED / "gathered" / f"{recorded.path_of('lme4', chosen.name).name}.xz"
        engines = [json.loads(line)[0] for line in lzma.decompress(kept.read_bytes()).splitlines()]
        assert ("lme4-bobyqa" in engines, "lme4-tight" in engines) == (chosen in RECORDED, chosen in RECORDED)
        assert {*engines} <= {*recorded.compressed()}
        assert len({*engines}) == len(engines)
        # A reader of the others stops at the first version.
        assert [recorded.is_version(one) for one in engines] == sorted(map(recorded.is_version, engines))


def test_recorded_default_fit_is_that_of_the_field() -> None:
    """sleepstudy REML of lme4 1.1-31's default fit, as field.md 1.1 has it from another run."""
    answer = recorded.read("lme4", CASE)
    assert answer.version == "1.1-31"
    assert f"{answer.estimates.criterion:.12f}" == "1743.628271959952"
    assert [f"{value:.10f}" for value in answer.estimates.theta] == [
        "0.9667417740",
        "0.0151690589",
        "0.2309099532",
    ]


def test_written_and_read_back(tmp_path: Path) -> None:
    answer = recorded.read("lme4", CASE)
    path = recorded.write(answer, tmp_path)
    assert recorded.read("lme4", CASE, tmp_path) == answer
    assert [found.name for found in path.parent.iterdir()] == [path.name]
    assert recorded.read("lme4-tight", CASE, tmp_path) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"case": "docs/bdf"}, "holds lme4 on docs/bdf"),
        ({"engine": "other"}, "holds other on docs/sleepstudy"),
        ({"status": 3}, "answer.status must be str"),
    ],
)
def test_a_wrong_recording_is_refused(tmp_path: Path, change: dict, message: str) -> None:
    path = recorded.write(recorded.read("lme4", CASE), tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(RecordingError, match=message) as caught:
        recorded.read("lme4", CASE, tmp_path)
    assert "record it again" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_recording_on_other_data_says_nothing(tmp_path: Path) -> None:
    recorded.write(replace(recorded.read("lme4", CASE), dataset_sha256="0"), tmp_path)
    answer = recorded.read("lme4", CASE, tmp_path)
    assert answer.status is Status.FAILED
    assert answer.estimates is None
    assert "was recorded on other data than sleepstudy is now; record it again" in answer.message


def test_a_recording_says_that_it_is_one(tmp_path: Path) -> None:
    recorded.write(replace(recorded.read("lme4", CASE), recorded=False), tmp_path)
    assert recorded.read("lme4", CASE, tmp_path).recorded


VERSIONS = ("1.1-26", "1.1-31", "1.1-37", "2.1-0")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("engine", LME4)
def test_every_case_is_recorded_of_every_version(engine: str, version: str) -> None:
    """On its data, by that version, in files that hold no other case; all of them build the same model.

    Polynomial contrasts are an orthonormal basis by Householder's reflections, which each LAPACK rounds its own way: of
    six levels, the most that there are, by less than 6 * 6 ulp an entry, and so the sum of their sizes, relatively.
    """
    name = f"{engine}@{version}"
    assert name in recorded.versions()
    gathered = {path.name for path in (recorded.RECORDED / "gathered").glob("*.xz")}
    assert gathered == {f"{recorded.path_of(name, chosen.name).name}.xz" for chosen in cases()}
    assert all(recorded.text_of(recorded.path_of(name, chosen.name)) is not None for chosen in cases())
    for chosen in RECORDED:
        answer, first = recorded.read(name, chosen), recorded.read("lme4", chosen)
        assert (answer.status, answer.version, answer.recorded) == (Status.FITTED, version, True)
        assert answer.dataset_sha256 == load(chosen.dataset).sha256
        assert answer.environment["lme4"] == version
        assert answer.data == first.data
        assert replace(answer.model, X=first.model.X) == first.model
        assert answer.model.X.shape == first.model.X.shape
        assert answer.model.X.total == pytest.approx(first.model.X.total, rel=36 * 2.0**-52)


def test_recordings_of_versions_are_small() -> None:
    """Two megabytes in all, so that a wheel, which has the rest of relmer too, stays below five."""
    assert {*recorded.versions()} == {f"{engine}@{version}" for engine in LME4 for version in VERSIONS}
    assert {*recorded.compressed()} - {*recorded.versions()} == {"lme4-bobyqa", "lme4-tight", "lmertest", "pbkrtest"}
    assert sorted(path.name for path in recorded.RECORDED.iterdir()) == ["gathered", "lme4"]
    assert sum(path.stat().st_size for path in (recorded.RECORDED / "gathered").iterdir()) < 2 * 10**6


def test_gathered_and_read_back(tmp_path: Path) -> None:
    """What engines said of a case is the same text in a file, an archive and gathered; later ones replace their own."""
    asked = [(engine, name) for engine in ("e", "e@1", "e@2", "f") for name in "ab"]
    texts = {(engine, f"docs.{name}.json"): f'{{"{engine}{name}": 0."}}\n\u00e9' for engine, name in asked}
    for round in (1, 2):
        if round == 2:
            texts = {key: text for key, text in texts.items() if key != ("e@2", "docs.b.json")}
            texts |= {("e@1", "docs.a.json"): "new", ("e@3", "docs.c.json"): "third"}
            shutil.rmtree(tmp_path / "gathered")
        for (engine, name), text in texts.items():
            (tmp_path / engine).mkdir(exist_ok=True)
            (tmp_path / engine / name).write_text(text, encoding="utf-8")
        for engine in {engine for engine, _ in texts}:
            recorded.pack(engine, tmp_path)
        archived = {key: recorded.text_of(tmp_path / key[0] / key[1]) for key in texts}
        recorded.gather(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["gathered"]
        assert {key: recorded.text_of(tmp_path / key[0] / key[1]) for key in texts} == archived == texts
        assert recorded.compressed(tmp_path) == tuple(sorted({engine for engine, _ in texts}))
        assert recorded.versions(tmp_path) == tuple(sorted({engine for engine, _ in texts if "@" in engine}))
        assert recorded.text_of(tmp_path / "e@9" / "docs.a.json") is None
    # One case of one engine comes later: all else is kept.
    (tmp_path / "e@1").mkdir()
    (tmp_path / "e@1" / "docs.b.json").write_text("later", encoding="utf-8")
    recorded.pack("e@1", tmp_path)
    recorded.gather(tmp_path)
    texts |= {("e@1", "docs.b.json"): "later"}
    assert {key: recorded.text_of(tmp_path / key[0] / key[1]) for key in texts} == texts


@pytest.mark.parametrize("content", [b"", b"no archive", b"\xfd7zXZ\x00"])
def test_gathered_answers_that_cannot_be_read_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "gathered").mkdir()
    (tmp_path / "gathered" / "engines.json").write_text('["lme4"]', encoding="utf-8")
    (tmp_path / "gathered" / f"{CASE.name.replace('/', '.')}.json.xz").write_bytes(content)
    with pytest.raises(RecordingError, match="record it again"):
        recorded.read("lme4", CASE, tmp_path)


def test_packed_and_read_back(tmp_path: Path) -> None:
    chosen = [CASE, case("dyestuff/ml"), case("penicillin/reml")]
    answers = [recorded.read("lme4", one) for one in chosen]
    for answer in answers:
        recorded.write(answer, tmp_path)
    archive = recorded.pack("lme4", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [archive.name] == ["lme4.zip"]
    assert [recorded.read("lme4", one, tmp_path) for one in chosen] == answers
    assert recorded.read("lme4", case("dyestuff/reml"), tmp_path) is None
    assert (recorded.compressed(tmp_path), recorded.versions(tmp_path)) == (("lme4",), ())
    # What is packed later replaces its own case alone, and the same recordings are the same bytes.
    before = archive.read_bytes()
    recorded.write(answers[1], tmp_path)
    assert recorded.read("lme4", chosen[1], tmp_path) == answers[1]
    assert recorded.pack("lme4", tmp_path).read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04"])
def test_an_archive_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lme4.zip").write_bytes(content)
    with pytest.raises(RecordingError, match="record it again"):
        recorded.read("lme4", CASE, tmp_path)
