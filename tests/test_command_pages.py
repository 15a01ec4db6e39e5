"""The commands that docs/own.md, certify.md, cases.md, judge.md and python.md show run as they stand there, without R.

What stands in brackets may be left out: it is left out, and must be what the command knows.
"""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from pages import ROOT, blocks, text_of, typed

from relmer.reports.commands.main import main

WITH_COMMANDS = (
    *("own", "certify", "cases", "answers", "engines", "versions", "warnings", "peers", "laws", "commands", "report"),
    *("howto/two-lme4s", "sweeps", "sweeps-report"),
)
SYNOPSIS = re.compile(r"^    (relmer \w[^:\n]*(?:\n {5,}[\[-].*)*)$", re.MULTILINE)


def commands(page: str) -> list[str]:
    """Each command of a page as one line, with what may be left out."""
    return [" ".join(found.split()) for found in SYNOPSIS.findall(text_of(f"docs/{page}.md"))]


def shortest(command: str) -> str:
    """A command without what may be left out."""
    return " ".join(re.sub(r"\[[^][]*\]", "", command).split())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_r: None) -> Path:
    """A folder with my.csv, in which one works; no R."""
    monkeypatch.chdir(tmp_path)
    rows = [(g, x) for g in range(8) for x in (1, 2, 4, 7)]
    y = [3 + 0.7 * x + (g * 5 % 8) + 0.4 * x * (g * 3 % 8) / 8 + (7 * k * k % 11) / 6 for k, (g, x) in enumerate(rows)]
    table = [f"{v:.3f},{x},{2010 + x},g{g},s{g},{g % 3}" for v, (g, x) in zip(y, rows, strict=True)]
    (tmp_path / "my.csv").write_text("\n".join(["y,x,year,g,site,plot", *table]) + "\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_every_option_is_one_of_the_command(page: str) -> None:
    assert commands(page), page
    for shown in commands(page):
        known = {name for option in main.commands[shown.split()[1]].params for name in option.opts}
        assert {*re.findall(r"(?<!\S)\[?(--[a-z-]+)", shown)} <= known, shown


def test_no_page_shows_a_command_that_is_not_held_here() -> None:
    pages = (path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md"))
    assert {page for page in pages if commands(page)} == {*WITH_COMMANDS}


def test_the_lme4_of_another_r_is_declared_as_the_page_says(folder: Path) -> None:
    (toml,) = blocks(text_of("docs/howto/two-lme4s.md"), "toml")
    (folder / "relmer.toml").write_text(toml, encoding="utf-8")
    found = typed("relmer engines")
    assert found is not None and any(line.startswith("lme4@2.1\t") for line in found.output.splitlines())


def test_every_command_is_on_the_page_of_commands() -> None:
    assert {shown.split()[1] for shown in commands("commands")} == {*main.commands}


def test_own(folder: Path) -> None:
    (command,) = commands("own")
    found = typed(shortest(command))
    assert found is not None and found.exit_code == 0, found
    assert (folder / "relmer-report" / "report.html").exists()
    (types,) = blocks(text_of("docs/own.md"), "toml")
    with_day = types.replace('["control", "low", "high"]', '["0", "1", "2"]').replace(
        '"day"\ntype = "Date"', '"x"\ntype = "integer"'
    )
    (folder / "FILE.toml").write_text(with_day, encoding="utf-8")
    for more in re.findall(r"\[(--types FILE\.toml|--ml)\]", command):
        assert typed(f"{shortest(command)} {more}").exit_code == 0, more


def test_certify(folder: Path) -> None:
    explain, certify, verify = map(shortest, commands("certify"))
    assert typed(f"{explain} --theta 0.9,0.1,0.2").exit_code in (0, 1)
    made = typed(f"{certify} --out DIR")
    assert made.exit_code == 0, made.output
    again = typed(verify)
    assert again.exit_code == 0, again.output
    assert "is proved again" in again.stdout


def test_a_certificate_of_the_first_schema_is_proved_as_before(folder: Path) -> None:
    """It is one of today's without weights, offset and rows."""
    _, certify, verify = map(shortest, commands("certify"))
    assert typed(f"{certify} --out DIR").exit_code == 0
    path = folder / "DIR" / "my.reml.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    for model in (stored, *stored["readings"].values()):
        assert not {"weights", "offset", "rows"} & {key for key in model if model[key]}
    stored["schema"] = "relmer-own-certificate/1"
    path.write_text(json.dumps(stored), encoding="utf-8")
    assert typed(verify).exit_code == 0
    entry = stored["readings"]["decimal"]["values"]["criterion"]
    entry = next(iter(entry.values())) if "value" not in entry else entry
    entry["value"] = str(Decimal(entry["value"]) * (1 + Decimal("1e-9")))
    path.write_text(json.dumps(stored), encoding="utf-8")
    refused = typed(verify)
    assert refused is not None and refused.exit_code == 1, refused


def test_cases(folder: Path) -> None:
    """The figures that the page makes up are not those of any data: they alone are wrong."""
    (toml,) = blocks(text_of("docs/cases.md"), "toml")
    (folder / "relmer.toml").write_text(toml, encoding="utf-8")
    rows = (folder / "my.csv").read_text(encoding="utf-8").splitlines()[1:]
    names = ("control", "low", "high")
    table = [
        f"{y};{x};1,{g[1]};{names[int(plot)]}".replace(".", ",") for y, x, _, g, _, plot in (r.split(",") for r in rows)
    ]
    (folder / "trial.csv").write_text("\n".join(["y;x;se;plot", *table, "?;-9;1;low"]) + "\n", encoding="utf-8")
    found = typed(shortest(commands("cases")[0]))
    assert found is not None and found.exit_code == 1, found
    report = json.loads((folder / "relmer-report" / "report.json").read_text(encoding="utf-8"))
    assert {c["name"] for c in report["cases"]} == {"trial/weighted"}
    assert {(f["quantity"], f["verdict"]) for f in report["figures"]} == {
        ("beta[x]", "not reproduced"),
        ("sigma", "not reproduced"),
    }
    (folder / "relmer.toml").write_text(toml.replace("y ~ x + (x | plot)", "y ~ z + (x | plot)"), encoding="utf-8")
    refused = typed(shortest(commands("cases")[0]))
    (line,) = re.findall(r"^    relmer: (relmer\.toml:.*)$", text_of("docs/cases.md"), re.MULTILINE)
    assert refused is not None and refused.exit_code == 2
    told = re.sub(r":\d+:\d+:", ":", refused.output.strip().removeprefix("relmer: "))
    assert told.split(";")[0] == re.sub(r":\d+:\d+:", ":", line).split(";")[0]


def test_judge(folder: Path) -> None:
    text = text_of("docs/judge.md")
    (folder / "ANSWERS.json").write_text(blocks(text, "json")[0], encoding="utf-8")
    (folder / "answers.csv").write_text(blocks(text, "csv")[0], encoding="utf-8")
    shown = re.findall(r"`(relmer judge [^`]*)`", text)
    assert len(shown) == 3
    for shown_line in (*shown, "relmer judge answers.csv"):
        line = shortest(shown_line).replace("CASE", "dyestuff/reml").replace("ANSWERS", "ANSWERS.json")
        assert typed(line).exit_code == 0, line
