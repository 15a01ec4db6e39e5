"""docs/answers.md: its Python script is run and judged, here; its R scripts where R is (tests/live)."""

import json
import re
import sys
from pathlib import Path

from pages import blocks, judged_as_the_page_says, relmer, section, text_of

from relmer.datasets import cases, parse_key

TEXT = text_of("docs/answers.md")


def test_statsmodels_and_one_digit_wrong(tmp_path: Path) -> None:
    answer = judged_as_the_page_says("Python: statsmodels", [sys.executable], "script.py", tmp_path)
    there = section(TEXT, "Python: statsmodels")
    key, wrong, right = re.findall(r'`"(beta\[Days\])": "(\S+)"` for (\S+),', there)[0]
    figures = answer["figures"]
    assert isinstance(figures, dict) and figures[key] == right
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps({**answer, "figures": figures | {key: wrong}}), encoding="utf-8")
    found = relmer("judge", str(path), "--out", str(tmp_path / "wrong"))
    assert found.exit_code == 1
    (line,) = blocks(there, "text")[1].splitlines()
    assert line in found.stdout.splitlines()
    assert "rung 5" in line and key in line


def test_keys_and_cases_of_every_script_are_known() -> None:
    """Of the script that is not run as well."""
    for language, code in ((name, code) for name in ("r", "python", "julia") for code in blocks(TEXT, name)):
        (named,) = re.findall(r'case"? (?:=>?|:) "(\S+)"|case": "(\S+)"', code)
        assert "".join(named) in {case.name for case in cases()}, language
        for key in re.findall(r'"((?:sd|var|cov|corr|beta|se|sigma2|sigma|criterion)(?:\[[^%"]*\])?)"', code):
            parse_key(key)
