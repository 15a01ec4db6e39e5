"""A certificate of a person's own model in words: what was proved, of which description, and the values."""

from collections.abc import Iterator, Sequence
from typing import Any

# Values that are shown, by the beginning of their keys; and digits of them.
SHOWN, DIGITS = ("criterion", "sigma", "theta[", "beta[", "se["), 15


def told_of(certificate: dict[str, Any], why_matrices: str) -> Iterator[str]:
    """What was proved, how the model was described, and the values."""
    criterion = "REML" if certificate["REML"] else "maximum likelihood"
    levels = ", ".join(f"{reading} {claim['level']}" for reading, claim in certificate["readings"].items())
    asked = [certificate["formula"], *(f"{name} = {text}" for name, text in certificate["arguments"].items())]
    yield f"{', '.join(asked)}, {criterion}, {certificate['data']['rows']} rows: {levels}"
    if "matrices" in certificate["readings"]:
        of = certificate["matrices"]["file"]
        yield f"  the reading matrices is of the doubles of y, X and Z in {of}.gz, not of the file: {why_matrices}"
    model = certificate["model"]
    known = {name: f"({name})" for name in model.get("expressions", {})}
    y = " - ".join((model["response"], *(known.get(name, name) for name in model.get("offsets", ()))))
    yield f"  y is {y}; X has {', '.join(map(product, model['fixed']))}"
    for term in model["random"]:
        yield f"  Z has for each {':'.join(term['group'])} {', '.join(map(product, term['columns']))}"
    if "weights" in model:
        yield f"  Var(e) is sigma^2 / {known.get(model['weights'], model['weights'])}"
    if "rows" in model:
        yield f"  of the file take part the rows {model['rows']}"
    for name, tree in model.get("expressions", {}).items():
        yield f"  {name} is computed in balls: {tree}"
    for name, score in model.get("scores", {}).items():
        root = f" / sqrt({score['norm']})" if score["norm"] != 1 else ""
        yield f"  {name} counts {', '.join(f'{text}: {count}' for text, count in score['scores'].items())}{root}"
    reading, values = shown_values(certificate)
    yield f"  values of the reading {reading}, all {DIGITS} digits proved:"
    yield from (f"  {key} = {value}" for key, value in values.items())


def shown_values(certificate: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """The last reading, and those of its values that are shown, by their keys."""
    reading, claim = list(certificate["readings"].items())[-1]
    return reading, {
        key: f"{float(value['value']):.{DIGITS}g}"
        for key, value in claim["values"].items()
        if key.startswith(SHOWN) and key != "sigma2"
    }


def product(item: Sequence[str]) -> str:
    """A column of X or Z: its name, and what it is a product of where that is something else."""
    name, *factors = item
    made = " × ".join(factors) or "1"
    return name if made == name else f"{name} = {made}"
