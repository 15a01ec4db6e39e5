"""A table of lmer's arguments by rule: every kind of subset, weights, offset, contrasts and na.action, on formulas.

`python tests/support/arguments_table.py` records anew what lme4 makes of them.
"""

import json
from pathlib import Path
from typing import Any

from formula_data import data
from lformula import Reader, record

RECORDED = Path(__file__).parent.parent / "solver" / "language" / "arguments.json"
FORMULAS = [
    "y ~ x + f + (1 | g)",
    "y ~ scale(x) + o + (k | g)",
    "log(p) ~ h * e + (1 | id)",
    "y ~ u + poly(x, 2) + (1 | f)",
]
SUBSETS = [
    "x > 0",
    "l",
    "!l",
    "x > 0 & g %in% c('g1', 'g2', 'g9')",
    "x > 0 | h == 'yes'",
    "!(x > 2 | l)",
    "k == 3 | k < 2 & x > 0",
    "(k == 3 | k < 2) & x > 0",
    "!k == 3 | x > 0",
    "u > 0",
    "u > 0 | x > 1",
    "u > 0 & x > -1",
    "!(u > 0)",
    "!is.na(u)",
    "is.na(u) | x > 0",
    "is.na(y) | u > 0",
    "f != 'a'",
    "f %in% c('a', 'b')",
    "f == \"a\" | f == \"b\"",
    "o >= 'mid'",
    "o != 'never' & o > 'low'",
    "day > as.Date('2020-02-20')",
    "weekdays(day) %in% c('Monday', 'Friday') | x > 0",
    "x > mean(x)",
    "x > quantile(x, 0.25)",
    "abs(x - median(x)) < 2 * sd(x)",
    "`my column` > 0.5",
    "`my factor` == 'u'",
    "id %in% 100:105",
    "e != 'p' | (l & k > 2)",
    "as.logical(k)",
    "k %% 2 == 0",
    "ifelse(x > 0, l, !l)",
    "log(p) > 0.5 # a comment",
    "TRUE & x > -1",
    "x > -1 | FALSE",
    "x > -1 | NA",
    "l | k",
    "1:30",
    "-(1:5)",
    "-c(3, 7)",
    "c(1, 5, 9:40)",
    "seq(1, 48, 2)",
    "5:48",
    "c(1L, 4L, 8:47)",
]  # fmt: skip
WEIGHTS = ["p", "1/p^2", "p/mean(p)", "k + 1", "ifelse(x > 0, 1, p)", "exp(u)", "p * 1e-3"]
OFFSETS = ["x", "log(p)", "u", "k", "2 * x - p", "as.numeric(l)"]
ACTIONS = ["na.omit", "na.exclude", "na.fail", "na.pass"]
NAMES = ["contr.sum", "contr.helmert", "contr.SAS", "contr.poly", "contr.treatment"]
CODED = {
    "y ~ f * e + (1 | g)": ["f", "e"],
    "y ~ f + o + (f | g)": ["f", "o"],
    "y ~ 0 + e + factor(k) + (1 | g)": ["factor(k)", "e"],
    "y ~ `my factor` * l + (1 | g)": ["my factor", "l"],
    "y ~ h + (1 | f)": ["h"],
}
Asked = tuple[str, dict[str, Any]]


def asked() -> list[Asked]:
    """Formulas, each with arguments by their names in relmer; contrasts as names by factor."""
    first, second, third, fourth = FORMULAS
    # Each subset with two of the formulas, in turn.
    table: list[Asked] = [
        (FORMULAS[k % len(FORMULAS)], {"subset": subset}) for i, subset in enumerate(SUBSETS) for k in (i, i + 1)
    ]
    for weights in WEIGHTS:
        table += [(formula, {"weights": weights}) for formula in (first, fourth)]
        table.append((second, {"weights": weights, "subset": "x > 0 | l"}))
    for offset in OFFSETS:
        table += [(formula, {"offset": offset}) for formula in (first, third)]
        table.append((second, {"offset": offset, "weights": "p", "subset": "u > -1"}))
        table.append(("y ~ x + offset(log(p)) + (1 | g)", {"offset": offset, "subset": "k > 0"}))
    for formula, names in CODED.items():
        table += [(formula, {"contrasts": {name: chosen}}) for name in names for chosen in NAMES]
        table.append((formula, {"contrasts": dict.fromkeys(names, "contr.sum"), "subset": "x > -1"}))
    for action in ACTIONS:
        table += [(formula, {"na_action": action}) for formula in (first, third, fourth)]
        table.append((first, {"na_action": action, "subset": "!is.na(y) & !is.na(g)"}))
        table.append((first, {"na_action": action, "subset": "u > 0"}))
        table.append((third, {"na_action": action, "weights": "exp(u)"}))
    table.append(("y ~ . - time - day + (1 | g)", {"subset": "x > -1"}))
    return table


def key(question: Asked) -> str:
    """The question as a text."""
    return json.dumps(question)


def in_code(question: Asked) -> str:
    """The question as R code."""
    formula, arguments = question
    given = {"na_action": "na.action"}
    told = [f", {given.get(name, name)} = {value}" for name, value in arguments.items() if name != "contrasts"]
    chosen = ", ".join(f"`{name}` = '{value}'" for name, value in arguments.get("contrasts", {}).items())
    told += [f", contrasts = list({chosen})"] if chosen else []
    spelled = "".join(f"{each}\n" for each in told)
    return f"lFormula({formula}, d, control = control{spelled})"


def ask(rscript: str) -> dict[str, Any]:
    """Columns, and by question what lme4 makes of it."""
    with Reader(rscript) as reader:
        result = reader.ask(data(), list(map(in_code, asked())), calls=True)
    result["answers"] = dict(zip(map(key, asked()), result["answers"].values(), strict=True))
    return result


if __name__ == "__main__":
    record(ask, RECORDED)
