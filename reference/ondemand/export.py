"""The third reading, `matrices`: the doubles of y, X and Z, written out so that nobody need compute them again."""

import csv
import io
from typing import Any

import numpy as np

from relmer.solver.model import Design, group_names

Plain = dict[str, Any]


def exported(design: Design) -> tuple[str, Plain]:
    """The matrices of a design as CSV, every double as its shortest decimal, and their description.

    A column of ones is left to the description.

    Parameters
    ----------
    design
        Of n rows.

    Returns
    -------
    tuple
        The text: y, if there are any the weights W and the offset O, then X1, X2, ..., then for each term its levels
        L1, L2, ... and its columns Z1.1, Z1.2, ...; and the model as a certificate describes it.
    """
    columns: dict[str, list[Any]] = {"y": design.y.tolist()}
    arguments: Plain = {}
    if design.weights is not None:
        columns["W"], arguments["weights"] = design.weights.tolist(), "W"
    if design.offset is not None:
        columns["O"], arguments["offsets"] = design.offset.tolist(), ["O"]

    def product(label: str, name: str, values: np.ndarray[Any, Any]) -> list[str]:
        if (values == 1).all():
            return [label]
        columns[name] = values.tolist()
        return [label, name]

    fixed = [
        product(label, f"X{j}", values)
        for j, (label, values) in enumerate(zip(design.coefficients, design.X.T, strict=True), start=1)
    ]
    random = []
    for t, (name, term) in enumerate(zip(group_names(design.terms), design.terms, strict=True), start=1):
        columns[f"L{t}"] = term.codes.tolist()
        pairs = enumerate(zip(term.columns, term.X.T, strict=True), start=1)
        own = [product(label, f"Z{t}.{j}", values) for j, (label, values) in pairs]
        random.append({"name": name, "group": [f"L{t}"], "columns": own})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(map(repr, values) for values in columns.values()), strict=True))
    return text.getvalue(), {"response": "y", **arguments, "fixed": fixed, "random": random, "scores": {}}
