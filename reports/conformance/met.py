"""Who the engine is: asked in a child process, so that nothing of its package is imported here."""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from relmer.datasets import Case
from relmer.reference.engines import VARIABLE, EngineError, plain_text
from relmer.reference.own_fits import design_of
from relmer.solver.errors import ModelError
from relmer.solver.model import is_nested

FEATURES = ("REML", "ML", "weights", "offset", "slopes", "nested", "crossed")
SECONDS = 60.0
ASKING = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); from importlib.metadata import EntryPoint; "
    "one = EntryPoint('engine', sys.argv[1], 'relmer.engines').load()(); claims = getattr(one, 'claims', None); "
    "print('\\n' + json.dumps([one.name, claims if claims is None else sorted(claims)]))"
)


@dataclass(frozen=True)
class Met:
    """An engine's name, and what it claims: some of FEATURES, or None for all that it does not refuse."""

    name: str
    claims: frozenset[str] | None = None


@lru_cache(maxsize=32)
def meet(given: str) -> Met:
    """The engine of a text such as "mypkg.adapter:Engine", or one that is declared already, by its name.

    Raises
    ------
    EngineError
        It cannot be loaded within a minute, or claims what is no feature.
    """
    if ":" not in given:
        return Met(given)
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    command = [sys.executable, "-c", ASKING, given, json.dumps(sys.path)]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise EngineError(f"{given} was not loaded within {SECONDS:g} seconds") from None
    if asked.returncode:
        said = (asked.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise EngineError(f"{given} cannot be loaded: {plain_text(said, 200)}")
    name, claims = json.loads(asked.stdout.strip().splitlines()[-1])
    if unknown := sorted({*(claims or ())} - {*FEATURES}):
        raise EngineError(f"{given} claims {unknown[0]!r:.60}; choose from {', '.join(FEATURES)}")
    folder = Path(tempfile.mkdtemp(prefix="relmer-conformance-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / "engines.toml"
    file.write_text(f"[engine.{json.dumps(name)}]\npython = {json.dumps(given)}\n", encoding="utf-8")
    os.environ[VARIABLE] = str(file)
    return Met(name, None if claims is None else frozenset(claims))


def features(case: Case) -> frozenset[str]:
    """What an engine must know for a case, of FEATURES.

    Examples
    --------
    >>> from relmer.datasets import case
    >>> sorted(features(case("docs/sleepstudy")))
    ['REML', 'slopes']
    """
    found = {"REML" if case.reml else "ML", *(name for name in ("weights", "offset") if getattr(case, name))}
    try:
        terms = design_of(case).terms
    except ModelError:
        return frozenset(found)
    if any(len(term.columns) > 1 for term in terms):
        found.add("slopes")
    for k, inner in enumerate(terms):
        for outer in terms[k + 1 :]:
            if is_nested(inner.codes, outer.codes):
                found.update({"nested"} - ({"nested"} if is_nested(outer.codes, inner.codes) else set()))
            elif not is_nested(outer.codes, inner.codes):
                found.add("crossed")
    return frozenset(found)
