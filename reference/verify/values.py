"""C and log|V| at any G, without H and h: what the values of the criterion and the estimates need (see criterion.py).

A component's T = I + Z'Z G is as sparse as Z'Z, its levels being linked by few rows. It is eliminated by Gauss' method
without a choice of pivots, the effects with the fewest links first: log|T| is the sum of the logarithms of the pivots,
and T^-1 Z'[X y] follows from the rows backwards. The balls enclose what they compute whatever the order; where a pivot
is not told from 0, they say nothing, and the dense way (`criterion.step`) is left.
"""

from collections.abc import Sequence

from flint import arb, arb_mat

from relmer.reference.verify.data import Component, Data

Row = dict[int, arb]
"""The entries of a row that are not zero, by their columns."""


def value_at(data: Data, G: Sequence[arb]) -> tuple[arb_mat, arb]:
    """C and log|V| at G (as gamma).

    Raises
    ------
    ZeroDivisionError
        A pivot is not told from 0.
    """
    ends = [arb(norm).rsqrt() for norm in data.norms]
    C = arb_mat(
        [
            [entry * a * b for entry, b in zip(row, ends, strict=True)]
            for row, a in zip(data.xyxy.tolist(), ends, strict=True)
        ]
    )
    log_det = arb(0)
    for component in data.components:
        T, right, Gh = system(component, G, ends)
        log_det += eliminated(T, right)
        C -= arb_mat(Gh).transpose() * arb_mat(right)
    return C, log_det


def system(
    component: Component, G: Sequence[arb], ends: Sequence[arb]
) -> tuple[list[Row], list[list[arb]], list[list[arb]]]:
    """T = I + Z'Z G by rows, Z'[X y], and G Z'[X y] (q x (p + 1)) of a component."""
    scales = [arb(norm).rsqrt() for norm in component.norms]
    ZZ = [
        {j: entry * a * scales[j] for j, entry in enumerate(row) if entry}
        for row, a in zip(component.ZZ.tolist(), scales, strict=True)
    ]
    right = [
        [entry * a * b for entry, b in zip(row, ends, strict=True)]
        for row, a in zip(component.Zxy.tolist(), scales, strict=True)
    ]
    T: list[Row] = [{i: arb(1)} for i in range(len(ZZ))]
    Gh = [[arb(0)] * len(ends) for _ in ZZ]
    for g, places in zip(G, component.places, strict=True):
        if not g:
            continue
        for i, j in places:
            Gh[i] = [known + g * entry for known, entry in zip(Gh[i], right[j], strict=True)]
            # Z'Z is symmetric: its column i is its row i.
            for row, entry in ZZ[i].items():
                T[row][j] = T[row].get(j, 0) + entry * g
    return T, right, Gh


def eliminated(T: list[Row], right: list[list[arb]]) -> arb:
    """Log of the determinant of T; `right` becomes T^-1 right, and T is used up."""
    rows_of: list[set[int]] = [set() for _ in T]
    for i, row in enumerate(T):
        for j in row:
            rows_of[j].add(i)
    order = sorted(range(len(T)), key=lambda i: len(T[i]))
    determinant = arb(1)
    for k in order:
        pivot = T[k].pop(k, arb(0))
        if pivot.contains(0):
            raise ZeroDivisionError("a pivot is not told from 0")
        determinant *= pivot
        T[k] = {j: entry / pivot for j, entry in T[k].items()}
        right[k] = [entry / pivot for entry in right[k]]
        for j in T[k]:
            rows_of[j].discard(k)
        for i in rows_of[k] - {k}:
            factor, row = T[i].pop(k), T[i]
            for j, entry in T[k].items():
                if j not in row:
                    rows_of[j].add(i)
                row[j] = row.get(j, 0) - factor * entry
            right[i] = [known - factor * entry for known, entry in zip(right[i], right[k], strict=True)]
    for k in reversed(order):
        for j, entry in T[k].items():
            right[k] = [known - entry * other for known, other in zip(right[k], right[j], strict=True)]
    return determinant.log()
