"""Ball matrices taken apart, put together, and multiplied by matrices of few entries."""

from collections.abc import Sequence

from flint import arb, arb_mat

Places = tuple[tuple[int, int], ...]
"""(row, column) of ones."""


def sides(M: arb_mat, r: int) -> tuple[arb_mat, arb_mat]:
    """The first r columns, and the others."""
    rows, m = M.tolist(), M.nrows()
    left, right = ([x for row in rows for x in row[cut]] for cut in (slice(r), slice(r, None)))
    return arb_mat(m, r, left), arb_mat(m, M.ncols() - r, right)


def beside_each_other(left: arb_mat, right: arb_mat) -> arb_mat:
    """Columns of two matrices as those of one."""
    rows = zip(left.tolist(), right.tolist(), strict=True)
    return arb_mat(left.nrows(), left.ncols() + right.ncols(), [x for a, b in rows for x in (*a, *b)])


def shifted(places: Places, M: arb_mat) -> arb_mat:
    """E M, E with ones at the places."""
    rows, m = M.tolist(), M.ncols()
    found = [[arb(0)] * m] * len(rows)
    for i, j in places:
        found[i] = rows[j]
    return arb_mat(len(rows), m, [x for row in found for x in row])


def combined(gamma: Sequence[arb], places: Sequence[Places], M: arb_mat) -> arb_mat:
    """G M, G of a level or of a core."""
    rows, m = M.tolist(), M.ncols()
    found = [[arb(0)] * m for _ in rows]
    for g, own in zip(gamma, places, strict=True):
        for i, j in own:
            found[i] = [x + g * y for x, y in zip(found[i], rows[j], strict=True)]
    return arb_mat(len(rows), m, [x for row in found for x in row])


def dot(A: arb_mat, B: arb_mat) -> arb:
    """The sum of the products of entries, tr(A'B)."""
    count = A.nrows() * A.ncols()
    return (arb_mat(1, count, A.entries()) * arb_mat(count, 1, B.entries()))[0, 0]


def scatter(total: list[list[arb]], at: Sequence[int], M: arb_mat, sign: int = 1) -> None:
    """Add the lower triangle of a symmetric matrix where its rows and columns stand in a larger one."""
    for k, (i, row) in enumerate(zip(at, M.tolist(), strict=True)):
        own = total[i]
        for j, x in zip(at[: k + 1], row, strict=False):
            own[j] += x if sign > 0 else -x


def mirrored(total: list[list[arb]]) -> arb_mat:
    """The symmetric matrix of a lower triangle."""
    for i, row in enumerate(total):
        for j in range(i):
            total[j][i] = row[j]
    return arb_mat(total)


def symmetric(M: arb_mat) -> arb_mat:
    """M and its transpose."""
    return M + M.transpose()
