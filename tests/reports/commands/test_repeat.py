"""What a report says does not depend on jobs, the time zone or the locale; what it says of these is named."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from relmer.reports.commands.main import main


def told(out: Path, *more: str) -> tuple[list[str], dict[str, Any]]:
    found = CliRunner().invoke(
        main, ["run", "--case", "dyestuff/*", "--engine", "pls", "--out", str(out), *more], catch_exceptions=False
    )
    assert found.exit_code == 0
    text = (out / "report.json").read_text(encoding="utf-8")
    return text.splitlines(), json.loads(text)


def test_a_report_is_the_same_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_r: None) -> None:
    """Another zone and locale are lines of the environment, as an auditor wants them, and no others."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    lines, report = told(tmp_path / "here", "--jobs", "1")
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setenv("LC_ALL", "tr_TR.UTF-8")
    monkeypatch.setenv("LANG", "C")
    time.tzset()
    try:
        others, other = told(tmp_path / "there", "--jobs", "2", "--quiet")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert len(lines) == len(others)
    moved = {one.split(":")[0].strip(' "') for one, two in zip(lines, others, strict=True) if one != two}
    assert moved <= {"created", "sha256", "time zone", "locale"}
    assert {name: value for name, value in report.items() if name not in ("created", "environment", "sha256")} == {
        name: value for name, value in other.items() if name not in ("created", "environment", "sha256")
    }
