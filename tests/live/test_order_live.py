"""The order of text in R's locale en_US, of which a note is made where it is another than ours."""

import json
import os
import random
import subprocess

import pytest

from relmer.solver.language.notes import collated, order_notes

pytestmark = pytest.mark.live

ALPHABET = "abcABCmMxyzXYZ0129 -_.,;:!?()[]{}@*/&#%^+<=>|~$'\"\\éÉöÖàñçß"
SCRIPT = """
stopifnot(capabilities("ICU"))
invisible(Sys.setlocale("LC_COLLATE", "C.UTF-8")); icuSetCollate(locale = "en_US")
sets <- jsonlite::fromJSON(file("stdin"), simplifyVector = FALSE)
cat(jsonlite::toJSON(lapply(sets, function(s) I(sort(unlist(s))))))
"""


def test_the_order_is_that_of_R_and_told_where_it_is_another(rscript: str) -> None:
    drawn = random.Random(20261126)
    sets = []
    for _ in range(3000):
        texts = {"".join(drawn.choices(ALPHABET, k=drawn.randint(1, 5))) for _ in range(drawn.randint(2, 6))}
        sets.append(sorted(texts))
    run = subprocess.run(
        [rscript, "--vanilla", "-e", SCRIPT],
        input=json.dumps(sets),
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    for levels, theirs in zip(sets, json.loads(run.stdout), strict=True):
        assert sorted(levels, key=collated) == theirs
        assert bool(list(order_notes("f", levels))) == (levels != theirs)
