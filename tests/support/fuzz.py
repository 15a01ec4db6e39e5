"""Fuzz the language: formulas that are torn, spliced and swollen are read or refused, within a second, in one line.

`python tests/support/fuzz.py SECONDS [SEED]` prints how many were read and refused, and every fault; its exit status is
1 if there was one.
"""

import random
import sys
import time
from collections import Counter

from formula_data import data
from formula_table import REFUSED, formulas

from relmer.solver.errors import LONGEST, ModelError
from relmer.solver.language.formula import canonical, parse
from relmer.solver.language.frame import model_frame
from relmer.solver.language.functions import FUNCTIONS
from relmer.solver.language.matrix import fixed_matrix, random_terms
from relmer.solver.language.tokens import TOKEN_PATTERN

# Of the processor: what else the machine does does not count.
A_SECOND = 1.0
SHOWN = 20
DATA = data()
HOSTILE = ["$", "@", "::", "<-", "->", "function(x) x", "\\(x) x", "`", "'", '"', "\\x41", "\0", "\n", "\t", "#", ";"]
HOSTILE += ["{", "}", "[[", "]]", "é", "\u202e", "\ud800", "𝒳", "١", "1e999", "1e-999", "0x", "0x1p9999", "9" * 400]
HOSTILE += ["NULL", "NA", "Inf", "-", "||", "|", "~", "^100", "%%", "%o%", "(" * 200, ")" * 200, "!" * 200, "-" * 200]
HOSTILE += [".", "...", "..1", "=", "==", ","]
WORDS = [*FUNCTIONS, *DATA.columns, "TRUE", "F", "pi", "offset", "system", "__import__", *HOSTILE]


def torn(rng: random.Random, texts: list[str]) -> str:
    """A formula with some of its pieces taken away, doubled, exchanged, or replaced by others."""
    pieces = TOKEN_PATTERN.findall(rng.choice(texts))
    words = [next(filter(None, piece), " ") for piece in pieces]
    for _ in range(rng.choice([1, 1, 1, 2, 3, 6])):
        place = rng.randrange(len(words) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            words[place : place + 1] = []
        elif kind == 1:
            words[place:place] = [rng.choice(WORDS)]
        elif kind == 2:
            words[place : place + 1] = [rng.choice(WORDS)]
        elif kind == 3:
            words[place:place] = words[place : place + rng.randint(1, 9)] * rng.randint(1, 30)
        elif kind == 4:
            other = rng.choice(texts)
            words[place:place] = [other[rng.randrange(len(other)) :]]
        else:
            words[place:place] = [chr(rng.choice([rng.randrange(32, 127), rng.randrange(0x3000)]))]
    return rng.choice(["", " "]).join(words)


def fault(text: str) -> tuple[str, str]:
    """What came of a formula, and what is wrong with that; the latter is empty if nothing is."""
    start = time.process_time()
    outcome = "read"
    try:
        formula = parse(text)
        again = parse(canonical(formula))
        wrong = "" if again.right == formula.right else "its canonical spelling is another formula"
        frame = model_frame(formula, DATA)
        fixed_matrix(frame)
        random_terms(frame)
    except ModelError as error:
        outcome, said = "refused", str(error)
        wrong = "" if "\n" not in said and len(said) <= LONGEST else f"refused in {len(said)} characters: {said!r}"
    except Exception as error:
        return "fault", f"{type(error).__name__}: {error}"
    seconds = time.process_time() - start
    return outcome, wrong or (f"{seconds:.1f} seconds" if seconds > A_SECOND else "")


def main(seconds: float, seed: int) -> int:
    """Fuzz for so many seconds."""
    rng, texts = random.Random(seed), [*formulas(), *REFUSED]
    counts: Counter[str] = Counter()
    faults: list[str] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        text = torn(rng, texts)
        outcome, wrong = fault(text)
        counts[outcome] += 1
        if wrong:
            faults.append(f"{text!r:.400}: {wrong:.200}")
    print(f"{sum(counts.values()):,} formulas: {dict(counts)}, {len(faults)} faults (seed {seed})")
    print("\n".join(faults[:SHOWN]))
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
