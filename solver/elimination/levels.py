"""One grouping factor, level by level: its rows become c pseudo-rows, and every level is solved for itself.

Gram-Schmidt within a level writes its rows of Z as Z_i = Q_i R_i with c orthonormal columns Q_i. Rotated by Q_i and a
complement, the level has c pseudo-rows R_i, B_i = Q_i'[X y], and rows in which Z is zero, which enter by their cross
products A0 only. Then the level's V^-1 is that of D = I + R G R' (c x c), and with N = D^-1/2 [R B] (theory.md, 14)

    log|V| = sum log|D|,   A = A0 + sum N_B'N_B,   Z_i'V^-1 [Z_i X y] = N_R'[N_R N_B] (theory.md, 15).

Nothing is squared or subtracted, so a large variance costs no digits, and G = 0 is like any other.

Arrays hold the levels last, so that numpy runs over all of them at once: R[b, a, i] is pseudo-row a of column b.
"""

import numpy as np

from relmer.solver.arrays import Array, Codes

# Columns of at most this many numbers together are handled in one call; beyond it memory counts, not calls.
AT_ONCE = 2**16
# A column that Gram-Schmidt leaves with less than this of its squared norm within a level is rounding.
NEGLIGIBLE = 1e-26


def level_sums(columns: Array, codes: Codes, levels: int) -> Array:
    """Sums of columns (m, n) over the rows of each level, (m, levels).

    The codes are (n,), or `stacked` for at least m columns.
    """
    m = len(columns)
    if m == 1:
        return np.asarray(np.bincount(codes[0] if codes.ndim == 2 else codes, columns[0], levels)[None], dtype=float)
    if codes.ndim == 1:
        codes = stacked(codes, levels, m)
    if codes.ndim == 1:
        return np.array([np.bincount(codes, column, levels) for column in columns]).reshape(m, levels)
    return np.asarray(np.bincount(codes[:m].ravel(), columns.ravel(), m * levels), dtype=float).reshape(m, levels)


def stacked(codes: Codes, levels: int, times: int) -> Codes:
    """The codes of columns one after the other, (times, n), each with its own levels; of long columns as they are."""
    if times * len(codes) > AT_ONCE:
        return codes
    return codes + levels * np.arange(times)[:, None]


def orthogonalise(columns: Array, width: int, codes: Codes, levels: int) -> Array:
    """Gram-Schmidt of the first `width` columns within each level; the others lose what lies along them.

    Parameters
    ----------
    columns
        (m, n); changed in place: the first become orthonormal within each level, the others orthogonal to them.
    width
        How many come first.
    codes, levels
        The level of each row, and how many there are.

    Returns
    -------
    (m, width, levels) array
        R of the first columns, upper triangular in (pseudo-row, column), and B of the others. A column that the ones
        before it determine within a level has a pseudo-row of zeros there.
    """
    coefficients = np.zeros((len(columns), width, levels))
    index = stacked(codes, levels, len(columns))
    least = NEGLIGIBLE * level_sums(columns[:width] ** 2, index, levels)
    for a in range(width):
        own = columns[a]
        if a:
            # Once more, since the first passes leave a column that is nearly determined with an error along the others.
            project(columns[a : a + 1], columns[:a], coefficients[a : a + 1, :a], codes, index, levels)
        square = level_sums(columns[a : a + 1] ** 2, index, levels)[0]
        norm = np.sqrt(np.where(square > least[a], square, 0.0))
        coefficients[a, a] = norm
        own *= (1.0 / np.where(norm > 0, norm, np.inf))[codes]
        project(columns[a + 1 :], columns[a : a + 1], coefficients[a + 1 :, a : a + 1], codes, index, levels)
    return coefficients


def project(columns: Array, basis: Array, coefficients: Array, codes: Codes, index: Codes, levels: int) -> None:
    """Take from columns (m, n) their parts along the orthonormal basis (c, n); add them to coefficients (m, c, l)."""
    m, n = columns.shape
    block = max(1, AT_ONCE // n)
    for a, direction in enumerate(basis):
        for begin in range(0, m, block):
            part = columns[begin : begin + block]
            along = level_sums(part * direction, index, levels)
            coefficients[begin : begin + block, a] += along
            part -= np.take(along, codes, axis=1) * direction


def eliminate(rows: Array, width: int, T: Array) -> tuple[Array, Array]:
    """N = D^-1/2 [R B] for D = I + (R T)(R T)', G = T T' (theory.md, 14), and log|D|.

    D^1/2 comes of [I RT] by reflections, pseudo-row by pseudo-row, so that nothing is squared: rows of large weight may
    lie along each other, or where slope and intercept cancel, and still have the digits that R T has.

    Parameters
    ----------
    rows
        R of `width` columns and B of the others, (m, width, l).
    width
        How many columns have the covariance G, the same in every level.
    T
        Its root (width, width).

    Returns
    -------
    N
        (m, width, l).
    logdet
        log|D| of each level (l,).
    """
    R = rows[:width]
    if not T.any():
        return rows, np.zeros(R.shape[2:])
    if width == 1:
        pivot = np.sqrt(1.0 + (T[0, 0] * R[0, 0]) ** 2)
        return rows / pivot, 2.0 * np.log(pivot)
    RT = (T.T @ R.reshape(width, -1)).reshape(R.shape)
    N = rows.copy()
    logdet = np.zeros(R.shape[2:])
    for a in range(width):
        own, later = RT[:, a], RT[:, a + 1 :]
        square = 1.0 + (own * own).sum(axis=0)
        pivot = np.sqrt(square)
        logdet += np.log(square)
        N[:, a] /= pivot
        if a + 1 < width:
            along = (later * own[:, None]).sum(axis=0) / pivot
            later -= own[:, None] * (along / (1.0 + pivot))
            N[:, a + 1 :] -= N[:, a, None] * along
    return N, logdet


def products(left: Array, right: Array) -> Array:
    """Sums over the middle within each level: (x, c, l) and (y, c, l) give (x, y, l)."""
    if left.shape[1] == 1:
        return np.asarray(left * right[:, 0])
    return np.asarray(np.einsum("xal,yal->xyl", left, right))


def compress(front: Array, width: int) -> Array:
    """Pseudo-rows [R B] (m, c, l) of a front [S s] (c, m, l): S = R'R, B = R^-T s (theory.md, 16).

    A column that the ones before it determine, to rounding, has a pseudo-row of zeros.
    """
    rows = front.transpose(1, 0, 2).copy()
    least = 64 * np.finfo(float).eps * rows[range(width), range(width)]
    for a in range(width):
        square = rows[a, a]
        norm = np.sqrt(np.where(square > least[a], square, 0.0))
        rows[a:, a] *= np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0)
        rows[:a, a] = 0.0
        rows[a + 1 :, a + 1 :] -= rows[a + 1 :, a, None] * rows[a + 1 : width, a]
    return rows


def apply(G: Array, columns: Array) -> Array:
    """G (c, c) times (c, m, l)."""
    return np.asarray((G @ columns.reshape(len(G), -1)).reshape(columns.shape))
