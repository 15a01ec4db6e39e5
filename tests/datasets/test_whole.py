"""Files are written as they are given; that none is half written is in tests/reports/test_export.py."""

from pathlib import Path

from relmer.datasets.whole import write_whole


def test_texts_and_bytes_are_written_as_they_stand(tmp_path: Path) -> None:
    write_whole(tmp_path / "new", {"text": "β\n", "packed": b"\x1f\x8b\r\n"})
    found = {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    assert found == {"text": b"\xce\xb2\n", "packed": b"\x1f\x8b\r\n"}
