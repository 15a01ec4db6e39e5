"""From a CSV text, by the description of a model, to its columns and levels, and from these to cross products.

A description names, for each column of X and of the terms, the factors of the product that it is. A factor is a column
of numbers ("Days"), an indicator ("Machine=B": the column Machine has the text B), a score (`scores`: whole numbers
over the root of a norm, by the text that a column has) or an expression (`expressions`; expressions.py). It may name
`weights`, some `offsets` that are taken from the response, and the `rows` that take part, as "1-80 85 90-99", counted
from the first below the header.
"""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from io import StringIO
from math import lcm
from operator import sub
from typing import Any

from flint import arb, ctx, fmpq

from relmer.reference.verify.blocks import DATA_BITS, Blocks, blocks, largest_set
from relmer.reference.verify.data import MODEL, Column, Data, Refused, Table, cross_products, ratio, require
from relmer.reference.verify.expressions import Values, evaluate_tree

SCORES = {str: {"column": str, "scores": {str: int}, "norm": int}}
FORM = {"separator": str, "decimal": str, "missing": [str]}
PLAIN = {"separator": ",", "decimal": ".", "missing": ["", "NA"]}
ARGUMENTS = {"weights": str, "offsets": [str], "rows": str}
RUN = re.compile(r"([1-9][0-9]{0,9})(?:-([1-9][0-9]{0,9}))?")
# Beyond, a model is taken apart level by level.
MOST_LINKED, MOST_ROWS = 200, 20_000
# Bits of a common denominator; balls are sharper than is needed with fewer.
MOST_COMMON = 4096


def read(model: Mapping[str, Any], reading: str, text: str) -> Data | Blocks:
    """Read a CSV text by the description of a model: cross products, exact where its columns are rational.

    Parameters
    ----------
    model
        response, fixed, random, scores, expressions, table, and if there are any weights, offsets and rows, as in a
        certificate.
    reading
        "decimal" (a number is the decimal in the text), "double" (it is the double nearest to it), or "matrices" (a
        double too: the text holds y, X and Z as a program had them).
    text
        A table with a header. Rows with an empty field or NA in a used column are left out, and must not be named.

    Raises
    ------
    Refused
        The description is malformed or does not fit the data, or X has not full rank.
    """
    return prepared(tabulate(model, reading, text))


def prepared(table: Table) -> Data | Blocks:
    """Cross products: in rationals, or of a large or not rational model in balls."""
    small = table.rational and len(table.levels) <= MOST_ROWS and largest_set(table) <= MOST_LINKED
    with ctx.workprec(DATA_BITS):
        return cross_products(table) if small else blocks(table)


def tabulate(model: Mapping[str, Any], reading: str, text: str) -> Table:
    """The columns and levels of a model, as `read` takes them.

    Raises
    ------
    Refused
        The description is malformed or does not fit the data.
    """
    require(model, MODEL, "model")
    require(scores := model.get("scores", {}), SCORES, "model.scores")
    require(form := model.get("table") or PLAIN, FORM, "model.table")
    arguments = {name: model[name] for name in ARGUMENTS if name in model}
    require(arguments, {name: ARGUMENTS[name] for name in arguments}, "model")
    if not isinstance(expressions := model.get("expressions", {}), dict):
        raise Refused("model.expressions is missing or of the wrong type")
    fixed, random = model["fixed"], model["random"]
    items = [*fixed, *(item for term in random for item in term["columns"])]
    if not (fixed and random and all(items) and all(term["columns"] and term["group"] for term in random)):
        raise Refused("the model has an empty part")
    coefficients = tuple(item[0] for item in fixed)
    terms = tuple((term["name"], tuple(item[0] for item in term["columns"])) for term in random)
    for names in (coefficients, tuple(name for name, _ in terms), *(columns for _, columns in terms)):
        if len(set(names)) < len(names):
            raise Refused(f"the model has a name twice in {', '.join(names)}")
    with ctx.workprec(DATA_BITS):
        source = Source(*lines_of(text, form), form, reading, scores, expressions)
        wanted = dict.fromkeys((model["response"], *(name for item in items for name in item[1:])))
        used = {name: source.factor(name) for name in wanted}
        offsets: list[list[Any]] = [[*source.numbers(name)] for name in arguments.get("offsets", ())]
        weights = source.numbers(arguments["weights"]) if "weights" in arguments else None
        groups = [[source.place(name) for name in term["group"]] for term in random]
        numbers = [*(values for values, _ in used.values()), *offsets, *([] if weights is None else [weights])]
        chosen = rows_of(arguments["rows"], len(source.lines)) if "rows" in arguments else range(len(source.lines))
        complete = [
            i
            for i in chosen
            if all(source.lines[i][at] not in form["missing"] for group in groups for at in group)
            and all(values[i] is not None for values in numbers)
        ]
        if "rows" in arguments and len(complete) < len(chosen):
            lacking = min({*chosen} - {*complete}) + 1
            raise Refused(f"model.rows: row {lacking} is to take part, and lacks a value")
        if len(complete) <= len(fixed):
            raise Refused("there are no more rows than coefficients")
        kept = {name: whole(name, [values[i] for i in complete], norm) for name, (values, norm) in used.items()}
        y = kept[model["response"]]
        if offsets:
            response, norm = used[model["response"]]
            if norm != 1 or any(isinstance(value, str) for value in response):
                raise Refused("model.offsets: the response is no column of numbers")
            y = whole("y", [reduce(sub, (offset[i] for offset in offsets), response[i]) for i in complete], 1)
        return Table(
            coefficients,
            terms,
            [*(multiplied(kept, item[1:], len(complete)) for item in fixed), y],
            [[multiplied(kept, item[1:], len(complete)) for item in term["columns"]] for term in random],
            list(
                zip(*([tuple(source.lines[i][at] for at in group) for i in complete] for group in groups), strict=True)
            ),
            None if weights is None else positive([weights[i] for i in complete]),
        )


def positive(weights: list[Any]) -> tuple[list[Any], int]:
    """Weights as `Table` has them."""
    numbers, d, _ = whole("weights", weights, 1)
    if not all(number > 0 for number in numbers):
        raise Refused("weights: one is not positive")
    return numbers, d


def rows_of(text: str, rows: int) -> list[int]:
    """Rows of a table that are named, from 0 on.

    Examples
    --------
    >>> rows_of("1-3 5", 8)
    [0, 1, 2, 4]
    """
    found: list[int] = []
    for run in text.split():
        ends = RUN.fullmatch(run)
        first, last = (int(ends[1]), int(ends[2] or ends[1])) if ends else (0, 0)
        if not (found[-1] + 1 if found else 0) < first <= last <= rows:
            raise Refused(f"model.rows: {run[:30]!r} is not one or more of {rows} rows, after those before it")
        found.extend(range(first - 1, last))
    return found


@dataclass(frozen=True)
class Source:
    """A table, and what is said of the factors of its columns."""

    header: list[str]
    lines: list[list[str]]
    form: Mapping[str, Any]
    reading: str
    scores: Mapping[str, Any]
    expressions: Mapping[str, Any]

    def place(self, name: str) -> int:
        """Where a column stands."""
        if self.header.count(name) != 1:
            raise Refused(f"the data have no column {name}, or two")
        return self.header.index(name)

    def by_text(self, name: str, meaning: Callable[[str], Any]) -> list[Any]:
        """What the texts of a column mean, row by row; nothing where one is missing."""
        at, missing = self.place(name), {*self.form["missing"]}
        known = {text: None if text in missing else meaning(text) for text in {line[at] for line in self.lines}}
        return [known[line[at]] for line in self.lines]

    def numbers(self, name: str) -> Values:
        """A column of numbers, or an expression."""
        if name in self.expressions and name not in self.header:
            return evaluate_tree(self.expressions[name], self.numbers, len(self.lines), self.reading)
        point = self.form["decimal"]

        def number(text: str) -> fmpq:
            # Where the point is another, a full stop is none.
            return fmpq(*ratio(text if point == "." else text.replace(".", "?").replace(point, "."), self.reading))

        return self.by_text(name, number)

    def factor(self, name: str) -> tuple[list[Any], int]:
        """The values of a factor of a product, and the norm under its root."""
        if name in self.scores:
            own = self.scores[name]
            if own["norm"] <= 0:
                raise Refused(f"{name} has a norm that is not positive")
            return self.by_text(own["column"], lambda text: own["scores"].get(text, text)), own["norm"]
        column, equals, level = name.partition("=")
        if not equals or name in self.header or name in self.expressions:
            return self.numbers(name), 1
        return self.by_text(column, lambda text: int(text == level)), 1


def multiplied(kept: Mapping[str, Column], factors: Sequence[str], rows: int) -> Column:
    """The product of some factors."""
    if not factors:
        return [1] * rows, 1, 1
    values, d, norm = kept[factors[0]]
    for name in factors[1:]:
        more, below, root = kept[name]
        values, d, norm = [a * b for a, b in zip(values, more, strict=True)], d * below, norm * root
    if isinstance(values[0], arb) and (d, norm) != (1, 1):
        divisor = arb(norm).sqrt() * d
        values, d, norm = [value / divisor for value in values], 1, 1
    return values, d, norm


def lines_of(text: str, form: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """The header of a table, and its lines."""
    if len(form["separator"]) != 1 or len(form["decimal"]) != 1:
        raise Refused("model.table: a separator and a decimal point are one character each")
    try:
        lines = csv.reader(StringIO(text.removeprefix("\ufeff"), newline=""), strict=True, delimiter=form["separator"])
        table = [line for line in lines if line]
    except csv.Error as error:
        raise Refused(f"the data are not CSV: {error}") from None
    if len({len(line) for line in table}) != 1:
        raise Refused("the data are not a table")
    return table[0], table[1:]


def whole(name: str, values: list[Any], norm: int) -> Column:
    """Values of a column as whole numbers over one denominator; as balls where one is a ball."""
    if any(isinstance(value, str) for value in values):
        raise Refused(f"{name} has no score for a text in the data")
    if any(isinstance(value, arb) for value in values):
        return balls_of(name, values, norm)
    if all(isinstance(value, int) for value in values):
        return values, 1, norm
    common = 1
    for below in {int(value.q) for value in values}:
        common = lcm(common, below)
        if common.bit_length() > MOST_COMMON:
            return balls_of(name, values, norm)
    return [int(value.p) * (common // int(value.q)) for value in values], common, norm


def balls_of(name: str, values: list[Any], norm: int) -> Column:
    """Values of a column as balls, each finite."""
    root = arb(norm).sqrt()
    found = [arb(value) / root for value in values]
    if not all(value.is_finite() for value in found):
        raise Refused(f"{name} has no finite value in a row")
    return found, 1, 1
