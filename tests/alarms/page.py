"""docs/alarms.md and docs/alarms.csv: what the judge says of engines on generated designs, and what is proved of it."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from relmer.reports.verdicts import Verdict

from .designs import KINDS
from .hearing import ENGINES, MOST_ROWS, OWN, STORED, Heard, Trial
from .proof import DRAWS, FACTOR, Proof

ROOT = Path(__file__).parents[2]
PAGE, LIST = ROOT / "docs/alarms.md", ROOT / "docs/alarms.csv"
VERDICTS = (
    Verdict.AGREE,
    Verdict.WITHIN,
    Verdict.EARLY,
    Verdict.WRONG,
    Verdict.FAILED,
    Verdict.UNSUPPORTED,
    Verdict.NOT_GIVEN,
)
COLUMNS = (
    "design",
    "formula",
    "criterion",
    "rows",
    "engine",
    "rung",
    "diagnosis",
    "quantity",
    "told",
    "exact",
    "difference",
    "rounding",
    "proved",
)
NUMBER = re.compile(r"(?<![A-Za-z])-?\d+(\.\d+)?(e[+-]?\d+)?")
LONGEST = 110
# What a path of this project may fail with: it tells no number, and says why there is none.
HONEST = "did not converge"
HEAD = """# False alarms

A judge is worth what it lets pass, too. {designs:,} designs were judged on all engines: {stored} stored cases of at
most {most} rows, and {drawn:,} that are drawn by rule, each of a kind that is known to trouble a solver or a judge.
This page is made by `nox -s alarms -- --write` (`python -m tests.alarms --write`); it was measured with relmer
{relmer}, {engines}, at commit `{commit}` on {date}. {whole}

{alarms}

A verdict counts as a false alarm if this project's own path is called wrong, or fails otherwise than by saying that its
search did not converge; or if another engine is called wrong and that is not proved. The proof is the model's
definition, written out for the doubles of the data at the engine's theta, in ball arithmetic: V entry by entry, its
inverse and its determinant; it uses no algebra of the solver, no search and nothing of the judge
(`tests/alarms/proof.py`).

- Of a **stop** it is the criterion at the engine's theta and at another theta where it is lower: whoever found that,
  the first is no minimum. What an engine's other numbers lose by its stop is proved with it.
- Of **another number** it is the number and its exact value at the engine's own theta.
- Both must differ by more than {factor:g} times what moves the exact value when all data and theta are off by up to
  2⁻⁴³ of themselves (512 units in the last place), in {draws} draws: no stable program rounds more.

`python -m tests.alarms --design 'weights/7' --csv DIR` writes the data of a design and prints the command that judges
it; without `--csv` it is judged here, and proved. In CI two designs of each kind are judged on the paths, and one of
each on all engines; `nox -s nightly` judges all.

## The counts

A design counts once for each engine, by its worst verdict; [report.md](report.md) says what these are.
"""


def false_alarms(found: Sequence[Trial]) -> list[str]:
    """Every false alarm, in a line."""
    told = []
    for one in found:
        for heard in one.heard:
            if is_false(heard):
                unproved = [proof.quantity for proof in heard.proofs if not proof.proved]
                told.append(f"{one.design}: {one.formula}: {heard.engine} {heard.verdict}: {heard.told} {unproved}")
    return told


def is_false(heard: Heard) -> bool:
    """Whether a verdict is a false alarm."""
    if heard.engine in OWN:
        return heard.verdict == Verdict.WRONG or (heard.verdict == Verdict.FAILED and HONEST not in heard.told)
    return heard.verdict == Verdict.WRONG and not heard.proved


def kinds(found: Sequence[Trial]) -> list[str]:
    """The kinds of some designs, in their order."""
    have = {one.kind for one in found}
    return [kind for kind in (STORED, *KINDS) if kind in have]


def table(found: Sequence[Trial], engine: str) -> str:
    """The counts of an engine by kind, as a table of Markdown."""
    lines = [f"| {engine} | designs | {' | '.join(VERDICTS)} |", f"|{'---|' * (len(VERDICTS) + 2)}"]
    for kind in [*kinds(found), "all"]:
        verdicts = [h.verdict for t in found if kind in (t.kind, "all") for h in t.heard if h.engine == engine]
        cells = [len(verdicts), *(verdicts.count(str(verdict)) for verdict in VERDICTS)]
        lines.append(f"| {kind} | {' | '.join(f'{n:,}' for n in cells)} |")
    return "\n".join(lines)


def wrongs(found: Sequence[Trial]) -> Iterator[tuple[Trial, Heard, Proof]]:
    """Everything that is called wrong, with its proof."""
    for one in found:
        for heard in one.heard:
            for proof in heard.proofs:
                yield one, heard, proof


def rows(found: Sequence[Trial]) -> str:
    """docs/alarms.csv."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one, heard, proof in wrongs(found):
        numbers = [proof.told, proof.exact, proof.told - proof.exact, proof.noise]
        criterion = "REML" if one.REML else "ML"
        shown = [f"{number:.12g}" for number in numbers[:2]] + [f"{number:.3g}" for number in numbers[2:]]
        start = [one.design, one.formula, criterion, one.rows, heard.engine, heard.rung, heard.diagnosis]
        writer.writerow([*start, proof.quantity, *shown, "yes" if proof.proved else "no"])
    return text.getvalue()


def cell(text: str) -> str:
    """A text as the cell of a table."""
    return text.replace("|", "\\|")


def stops(found: Sequence[Trial], house: str) -> str:
    """What the engines of a house get wrong, a line for each."""
    lines = ["| design | model | engine | quantity | told | exact | rounding | |", "|---|---|---|---|---|---|---|---|"]
    for one, heard, proof in wrongs(found):
        if heard.engine.startswith(house):
            model = f"`{one.formula}`{'' if one.REML else ', ML'}{', weights' if one.weights else ''}"
            numbers = f"{proof.told:.10g} | {proof.exact:.10g} | {proof.noise:.0e}"
            end = "proved" if proof.proved else "not proved"
            name = f"{heard.diagnosis}: {proof.quantity}" if heard.diagnosis else proof.quantity
            lines.append(f"| {one.design} | {cell(model)} | {heard.engine} | {name} | {numbers} | {end} |")
    return "\n".join(lines)


def causes(found: Sequence[Trial], engine: str) -> str:
    """What an engine gets wrong, by quantity and diagnosis, with the design of the fewest rows."""
    by_cause: dict[tuple[str, str], list[tuple[Trial, Proof]]] = {}
    for one, heard, proof in wrongs(found):
        if heard.engine == engine:
            by_cause.setdefault((proof.quantity, heard.diagnosis), []).append((one, proof))
    lines = ["| quantity | first cause | designs | proved | smallest | told | exact |", "|---|---|---|---|---|---|---|"]
    for (quantity, diagnosis), those in sorted(by_cause.items(), key=lambda item: -len(item[1])):
        one, proof = min(those, key=lambda pair: pair[0].rows)
        proved = sum(p.proved for _, p in those)
        numbers = f"{proof.told:.8g} | {proof.exact:.8g}"
        lines.append(f"| {quantity} | {diagnosis} | {len(those)} | {proved} | {one.design} | {numbers} |")
    return "\n".join(lines)


def failures(found: Sequence[Trial]) -> str:
    """What engines fail with, where they should have answered."""
    heard = [(h.engine, h.told) for t in found for h in t.heard if h.verdict == Verdict.FAILED]
    counts = Counter((engine, NUMBER.sub("#", told)[:LONGEST]) for engine, told in heard)
    lines = ["| engine | designs | what it says |", "|---|---|---|"]
    lines += [f"| {engine} | {count} | {cell(told)} |" for (engine, told), count in counts.most_common()]
    return "\n".join(lines)


def refusals(found: Sequence[Trial]) -> str:
    """Which designs this project takes for no model."""
    counts = Counter((one.kind, NUMBER.sub("#", one.refused)[:LONGEST]) for one in found if one.refused)
    lines = ["| kind | designs | why |", "|---|---|---|"]
    lines += [f"| {kind} | {count} | {cell(why)} |" for (kind, why), count in counts.most_common()]
    return "\n".join(lines)


def page(found: Sequence[Trial], asked: int, versions: str, commit: str, date: str) -> str:
    """docs/alarms.md."""
    stored = sum(one.kind == STORED for one in found)
    alarms, called = false_alarms(found), {(t.design, h.engine) for t, h, _ in wrongs(found)}
    end = "; not proved, or of our own:\n\n" + "\n".join(f"- {one}" for one in alarms)
    told = f"**{len(alarms)} false alarms.** {len(called):,} times an engine is called wrong"
    told += end if alarms else ", and each time it is proved."
    whole = "" if asked == len(found) else f"Of {asked:,} designs these were judged in the time that there was."
    parts = [
        HEAD.format(
            designs=len(found),
            stored=stored,
            drawn=len(found) - stored,
            most=MOST_ROWS,
            relmer=version("relmer"),
            engines=versions,
            commit=commit,
            date=date,
            whole=whole,
            alarms=told,
            factor=FACTOR,
            draws=DRAWS,
        ),
        *(table(found, engine) + "\n" for engine in ENGINES),
        "## What lme4 gets wrong\n",
        "Told: of a stop the criterion, by the definition, at the engine's theta; exact: at the lower one.\n",
        stops(found, "lme4") + "\n",
        "## What nlme gets wrong\n",
        "All of them, one by one, stand in [alarms.csv](alarms.csv), as lme4's do. Its standard errors by ML are\n"
        "those of n - p for n (`summary`, `adjustSigma`): a convention of its own, told as such.\n",
        causes(found, "nlme") + "\n",
        "## Failures\n",
        "An engine that raises an error has no verdict but that; it is no alarm of the judge.\n",
        failures(found) + "\n",
        "## Refused models\n",
        "Designs that this project takes for no model: engines are held against each other there, and of their stops\n"
        "the definition is the measure as elsewhere.\n",
        refusals(found),
    ]
    return "\n".join(parts) + "\n"
