"""R as a plain process, without R: whatever it answers about a case is that engine's verdict, and nobody else's."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from relmer.datasets import case
from relmer.reference.answers import Answer, Status, recorded
from relmer.reference.engines import Declaration, answer
from relmer.reference.engines.child import plain_text
from relmer.reference.engines.r.lme4 import Lme4
from relmer.reference.engines.r.rscript import declared

CASE = case("dyestuff/reml")
RECORDED = recorded.read("lme4", CASE)
assert RECORDED is not None and RECORDED.estimates is not None and RECORDED.inference is not None
# What R would answer of the fit: every number a vector.
FIT = {name: [value] if isinstance(value, float) else value for name, value in asdict(RECORDED.estimates).items()}
FIT |= {"vcov": [entry for row in RECORDED.estimates.vcov for entry in row], "evaluations": [20]}
TOLD = {name: getattr(RECORDED.inference, name) for name in ("logLik", "df", "AIC", "BIC", "t", "condsd")}
FIT["inference"] = {name: value if isinstance(value, tuple) else [value] for name, value in TOLD.items()}
# It speaks as rscript.R does, is honest until it is asked for a fit, and reads there, from a file, what to do.
PRETENDER = f"""
import json, os, re, sys, time
from pathlib import Path
program, honest = "", {FIT!r}
while not (mark := re.search('^serve[(]"(.*)"[)]$', program, re.M)):
    program += sys.stdin.readline()
sys.stdin.readline()
for line in sys.stdin:
    number, _, line = line.partition(" ")
    message = json.loads(line)
    value = {{"value": {{}}, "warnings": []}}
    if message.get("call") == "versions":
        value = {{"R": ["4.4.0"], "lme4": ["2.0-1"], "BLAS": ["libblas.so.3"]}}
    reply = {{"value": value}}
    if message.get("call") == "fit_default":
        reply["value"]["value"] = dict(honest)
        exec(Path(__file__).with_name("deed").read_text())
    print(f"\\n{{mark[1]}} {{number}} " + json.dumps(reply), flush=True)
"""
FAILS = {
    "reply = {'error': 'R has\\n run out'}": "R has run out",
    "reply['value'] = {'error': ['it is singular']}": "it is singular",
    "raise ValueError('no R at all')": "exit status 1; last printed:",
    "os._exit(0)": "exit status 1; last printed: nothing",
    "time.sleep(1000)": "no answer to 'fit' within 1 s",
    "value['value']['sigma'] = [float('nan')]": "the answer is not JSON: ValueError: NaN is no number of JSON",
    "value['value']['sigma'] = ['NaN']": "sigma is nan",
    "value['value']['theta'] = ['Infinity']": "theta[1] is inf",
    "value['value']['sigma'] = [None]": "another form than expected",
    "value['value']['sigma'] = []": "another form than expected",
    "value['value']['sigma'] = [-1.0]": "not negative",
    "value['value']['se'] = [1.0, 2.0]": "se must have 1 entries as beta, not 2",
    "value['value']['vcov'] = [1.0, 2.0]": "another form than expected",
    "value['value']['fitted'] = [1.0]": "fitted must have 30 entries",
    "value['value']['varcomp'] = []": "varcomp must have 1 entries",
    "del value['value']['beta']": "another form than expected (KeyError: 'beta')",
    "value['value']['BETA'] = value['value'].pop('beta')": "another form than expected (KeyError: 'beta')",
    "value['value'] = None": "answer without values",
    "value['value'] = [7]": "answer without values",
    "reply = 7": "exit status",
    "reply = {}": "",
    "del value['warnings']": "another form than expected (KeyError: 'warnings')",
    "value['value']['b'] = ['9' * 2**20]": "b[1] is inf",
    "reply = [] * 9\nfor _ in range(9999): reply = [reply]": "exit status",
    "print(mark[1], end=' ')\nfor k in range(2**10): print('x' * 2**20, end='')": "exit status",
    "print(f'{mark[1]} {number} {{')": "the answer is not JSON: JSONDecodeError",
}
HARMLESS = {
    "pass",
    "print('x' * 10**6)\nsys.stderr.write('y' * 10**6)",
    "os.write(1, bytes(range(256)) * 9)",
    "os.fork() or os._exit(0)",
    "value['value']['more'] = ['z' * 2**20]",
    "value['warnings'] = ['x' * 2**20] * 3",
}


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lme4, Path]]:
    """The engine, which has a gigabyte, and the file that says what it does."""
    folder = tmp_path_factory.mktemp("pretender")
    (folder / "pretender.py").write_text(PRETENDER, encoding="utf-8")
    command = (sys.executable, str(folder / "pretender.py"))
    found = declared(Declaration(name="lme4@2.0", command=command, seconds=30, memory_bytes=2**30))
    yield found, folder / "deed"
    found.close()


def said(spoken: tuple[Lme4, Path], deed: str, monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Its answer; where that is late, after a second."""
    engine, file = spoken
    file.write_text(deed, encoding="utf-8")
    engine.version()
    if "within 1 s" in FAILS.get(deed, ""):
        answer(engine, CASE, [], asked=("stages",))
        monkeypatch.setattr(engine._process, "_seconds", 1.0)
    return answer(engine, CASE, [], asked=("fit",))


@pytest.mark.parametrize("deed", FAILS)
def test_whatever_it_answers_is_its_failure(
    spoken: tuple[Lme4, Path], deed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = said(spoken, deed, monkeypatch)
    assert found.status is Status.FAILED
    assert FAILS[deed] in found.message
    assert found.message == plain_text(found.message) != ""
    assert len(found.message) <= 500


def test_what_it_says_behind_no_answer_is_not_the_next(
    spoken: tuple[Lme4, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    deed = "print(f'{mark[1]} {number} {{')\nvalue['value']['sigma'] = [7.0]"
    assert said(spoken, deed, monkeypatch).status is Status.FAILED
    assert said(spoken, "pass", monkeypatch).estimates == RECORDED.estimates


OTHER = "value['value']['sigma'] = [7.0]"
PRINTED = "print(f'\\n{mark[1]} {N} ' + json.dumps(reply), flush=True)"
STRAY = {
    "twice": f"{PRINTED.replace('N', 'number')}\n{OTHER}",
    "ahead": f"{OTHER}\n{PRINTED.replace('N', 'int(number) + 1')}\nvalue['value']['sigma'] = honest['sigma']",
    "late": f"{OTHER}\n{PRINTED.replace('N', 'int(number) - 1')}\nvalue['value']['sigma'] = honest['sigma']",
    "without a number": f"{OTHER}\n{PRINTED.replace(' {N}', '')}\nvalue['value']['sigma'] = honest['sigma']",
}


@pytest.mark.parametrize("when", STRAY)
def test_an_answer_to_another_call_is_none_to_this(
    spoken: tuple[Lme4, Path], when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that comes twice stays in the pipe, where the next call would read it."""
    for deed in (STRAY[when], "pass", "pass"):
        assert said(spoken, deed, monkeypatch).estimates == RECORDED.estimates


@pytest.mark.parametrize("deed", sorted(HARMLESS))
def test_what_harms_nobody_is_an_answer(spoken: tuple[Lme4, Path], deed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = said(spoken, deed, monkeypatch)
    assert found.status is Status.FITTED, found.message
    assert found.estimates == RECORDED.estimates
