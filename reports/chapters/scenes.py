"""What the documents draw, drawn again: every picture is computed from the data and the fit of a case."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

from relmer.datasets import case, load
from relmer.reference.own_fits import design_of
from relmer.reference.own_fits import fit_of as path_fit
from relmer.reports.chapters.surroundings import along, over
from relmer.reports.pictures import Line, blocks, bundle, contour, curve, image, lattice, least_squares
from relmer.solver.arrays import Array
from relmer.solver.fits import Fit
from relmer.solver.model import theta_names

CURVE_POINTS, GRID_POINTS = 41, 27
CURVE_RISE, GRID_RISE, CONTOUR_RISES = 12.0, 7.0, (1.0, 2.0, 4.0)
LARGE_SIDE = 420.0
SHADING = "The stronger the colour, the larger the entry; blue is positive, orange negative."


@dataclass(frozen=True)
class Drawing:
    """A picture: its SVG, what to see in it, and the same for those who do not see it."""

    svg: str
    caption: str
    alternative: str


@cache
def fit_of(name: str) -> Fit:
    """Fit of a case.

    Raises
    ------
    DataError, ModelError
        The case or its data are not here, or do not make a model.
    """
    found = case(name)
    return path_fit(found, "pls")


def sleepstudy_G() -> Drawing:
    """Gm of document 000, section 1."""
    G = fit_of("docs/sleepstudy").G
    alternative = f"A {size(G)} matrix with 18 equal 2 × 2 blocks along its diagonal; all other entries are zero."
    return Drawing(
        image(G, "Gm of the sleepstudy model", alternative),
        f"Gm: the 2 × 2 covariance matrix G, once for each of the 18 subjects. {SHADING}",
        alternative,
    )


def sleepstudy_V() -> Drawing:
    """V of document 000, section 1."""
    V = fit_of("docs/sleepstudy").V
    alternative = f"A {size(V)} matrix with 18 equal 10 × 10 blocks along its diagonal, strongest at the last days."
    return Drawing(
        image(V, "V of the sleepstudy model", alternative),
        "V = Z Gm Z′ + R: ten days of one subject belong together, those of two subjects do not. Within a block the "
        "covariance grows from the first day to the last, since the slopes differ.",
        alternative,
    )


def three_level_Z() -> Drawing:
    """The first 30 rows of Z of document 000, section 3."""
    Z = fit_of("docs/three-level").Z[:30]
    alternative = (
        f"A {size(Z)} pattern of ones: six steps of five rows in the columns of the teachers, and in the columns of "
        "the schools two steps of fifteen rows."
    )
    return Drawing(
        image(Z, "Z of the three-level model, first 30 rows", alternative),
        "Z, rows 1 to 30: every pupil has a 1 for the teacher (columns 1 to 30, five pupils each) and a 1 for the "
        "school (columns 31 to 40, fifteen pupils each).",
        alternative,
    )


def three_level_G() -> Drawing:
    """Gm of document 000, section 3."""
    G = fit_of("docs/three-level").G
    alternative = f"A {size(G)} diagonal matrix: 30 equal entries, then 10 equal, smaller ones."
    return Drawing(
        image(G, "Gm of the three-level model", alternative),
        "Gm: the variance of the teachers 30 times, then the smaller one of the schools 10 times.",
        alternative,
    )


def three_level_V() -> Drawing:
    """V of document 000, section 3."""
    V = fit_of("docs/three-level").V
    alternative = f"A {size(V)} matrix: ten 15 × 15 blocks along the diagonal, in each three stronger 5 × 5 blocks."
    return Drawing(
        image(V, "V of the three-level model", alternative),
        "V: a block for each school; in it, a stronger block for the pupils of each teacher; strongest, the diagonal.",
        alternative,
    )


def star_Z() -> Drawing:
    """Z of document 000, section 4."""
    found = case("docs/star-sample")
    Z = design_of(found).Z
    alternative = f"A {size(Z)} matrix with {Z.nnz:,} non-zero entries, scattered without order."
    return Drawing(
        image(Z, "Z of the star sample", alternative, side=LARGE_SIDE),
        "Z of unsorted data: the pupils of a teacher do not stand together, so no blocks are seen. To the left the "
        "teachers, to the right the schools.",
        alternative,
    )


def bdf_V() -> Drawing:
    """Vm of document 001, section 2."""
    V = fit_of("docs/bdf").V
    alternative = f"A {size(V)} matrix: 131 squares of different sizes along the diagonal, and nothing elsewhere."
    return Drawing(
        blocks(V, "V of the bdf model", alternative, side=LARGE_SIDE),
        "Vm: one square for each of the 131 schools, as large as the school has pupils. Each is drawn as a whole, "
        "shaded by its mean covariance; the diagonal is larger still.",
        alternative,
    )


def bdf_two_schools() -> Drawing:
    """ml[[2]] and ml[[3]] of document 001, section 2."""
    V = fit_of("docs/bdf").V.tocsr()[25:37, 25:37]
    alternative = "A 7 × 7 and a 5 × 5 block along the diagonal, each strongest on its diagonal."
    return Drawing(
        image(V, "V of the second and third school", alternative, first_row=26),
        "The same, rows 26 to 37: the second school with its 7 pupils and the third with its 5.",
        alternative,
    )


def three_subjects_J() -> Drawing:
    """J' of document 002."""
    term = fit_of("docs/sleepstudy-three").design.terms[0]
    rows = np.arange(len(term.codes))
    J = sparse.coo_array((np.ones(len(rows)), (term.codes, rows)))
    alternative = "A 3 × 30 matrix: each row has ten ones, the ten days of one subject."
    return Drawing(
        image(J, "J transposed", alternative, numbers=True),
        "J′, the indicators: one row for each of the subjects 309, 330 and 371, one column for each observation.",
        alternative,
    )


def three_subjects_X() -> Drawing:
    """X' of document 002."""
    term = fit_of("docs/sleepstudy-three").design.terms[0]
    alternative = "A 2 × 30 matrix: a row of ones, and a row with the days 0 to 9 three times over."
    return Drawing(
        image(stored(term.X).T, "X transposed", alternative, numbers=True),
        "X′: the intercept, and the days 0 to 9 for each of the subjects.",
        alternative,
    )


def three_subjects_Z() -> Drawing:
    """Z' of document 002."""
    term = fit_of("docs/sleepstudy-three").design.terms[0]
    n, width = term.X.shape
    columns = term.codes[:, None] * width + np.arange(width)
    Z = sparse.coo_array((term.X.ravel(), (np.repeat(np.arange(n), width), columns.ravel())))
    alternative = "A 6 × 30 matrix: two rows a subject, its ones and its days, each over ten columns of its own."
    return Drawing(
        image(Z.T, "Z transposed", alternative, numbers=True),
        "Z′, the Khatri–Rao product of the two: column by column, every row of J′ times every row of X′. "
        "A dot is an entry that is not stored; a 0 is one that is: day 0.",
        alternative,
    )


def three_subjects_lines() -> Drawing:
    """The three least-squares lines of document 002."""
    data = load("sleepstudy_three").frame
    lines = {
        str(name): least_squares(own["Days"].to_numpy(float), own["Reaction"].to_numpy(float))
        for name, own in data.groupby("Subject", observed=True)
    }
    alternative = "Three rising lines: 309 lowest and flattest; 371 steepest, it starts below 330 and ends above it."
    return Drawing(
        bundle(
            lines,
            (0.0, 9.0),
            names=("Days", "Reaction"),
            title="Least squares by subject",
            description=alternative,
        ),
        "A least-squares line for each subject on its own: both the heights and the slopes differ, which is why they "
        "are given random intercepts and slopes.",
        alternative,
    )


def three_subjects_lattice() -> Drawing:
    """The lattice plot of document 002."""
    data, fit = load("sleepstudy_three").frame, fit_of("docs/sleepstudy-three")
    levels = fit.design.terms[0].levels
    random = fit.b.to_numpy().reshape(len(levels), 2)
    lines: dict[str, Line] = {
        level: (float(fit.beta.iloc[0] + b[0]), float(fit.beta.iloc[1] + b[1]))
        for level, b in zip(levels, random, strict=True)
    }
    alternative = (
        "Three panels, 309, 330 and 371, each with ten points, a least-squares line and a dashed line near it: "
        + "; ".join(f"{level} {a:.1f} + {slope:.2f} Days" for level, (a, slope) in lines.items())
        + "."
    )
    drawn = lattice(
        data["Days"].to_numpy(),
        data["Reaction"].to_numpy(),
        data["Subject"].astype(str).tolist(),
        lines,
        names=("Days", "Reaction"),
        title="Reaction by Days, a panel for each subject",
        description=alternative,
    )
    return Drawing(
        drawn,
        "Reaction over days, as xyplot draws it. Solid: least squares of the subject alone. Dashed: the intercept and "
        "slope of the mixed model, fixed effects plus b, drawn a little towards the mean of the three.",
        alternative,
    )


def machines_Z() -> Drawing:
    """Z of document 003."""
    Z = fit_of("docs/machines").Z
    alternative = f"A {size(Z)} pattern of ones: 18 columns with three rows each, then 6 columns with nine."
    return Drawing(
        image(Z, "Z of the Machines model", alternative),
        "Z = [Z₁ Z₂]: one group of columns for the interaction of worker and machine, one for the worker. Each group "
        "has one variance.",
        alternative,
    )


def machines_contour() -> Drawing:
    """The profiled deviance of document 003."""
    return profiled_contour("docs/machines", (0, 1))


def sleepstudy_contour() -> Drawing:
    """The profiled criterion of document 004 over two theta of sleepstudy."""
    return profiled_contour("docs/sleepstudy", (0, 2))


def profiled_contour(name: str, pair: tuple[int, int]) -> Drawing:
    """Contours of a case's criterion over two theta."""
    fit = fit_of(name)
    names = theta_names(fit.design.terms)
    with threadpool_limits(limits=1, user_api="blas"):
        surface = over(fit, pair, GRID_RISE, GRID_POINTS)
    at, labels = fit.optimum.theta[list(pair)], (names[pair[0]], names[pair[1]])
    rises = ", ".join(f"{rise:g}" for rise in CONTOUR_RISES)
    alternative = (
        f"Closed curves around the minimum {fit.criterion:.4f} at {labels[0]} = {at[0]:.4f}, "
        f"{labels[1]} = {at[1]:.4f}; the curves are {rises} above it."
    )
    others = ", the other theta at its estimate" if len(names) > 2 else ""
    drawn = contour(
        surface.x,
        surface.y,
        surface.z,
        rises=CONTOUR_RISES,
        minimum=(float(at[0]), float(at[1]), fit.criterion),
        names=labels,
        title=f"Profiled {called(fit)} over two theta",
        description=alternative,
    )
    caption = f"The profiled {called(fit)} over two theta{others}: contours at {rises} above its minimum, the point."
    return Drawing(drawn, caption, alternative)


def sleepstudy_curve(k: int) -> Drawing:
    """The profiled criterion of document 004 over one theta of sleepstudy."""
    fit = fit_of("docs/sleepstudy")
    name = theta_names(fit.design.terms)[k]
    with threadpool_limits(limits=1, user_api="blas"):
        x, y = along(fit, k, CURVE_RISE, CURVE_POINTS)
    at = float(fit.optimum.theta[k])
    alternative = f"A curve with one minimum, {fit.criterion:.4f} at {name} = {at:.4f}."
    drawn = curve(
        x,
        y,
        (at, fit.criterion),
        names=(name, called(fit)),
        title=f"Profiled {called(fit)} over {name}",
        description=alternative,
    )
    return Drawing(drawn, f"Over {name}, the other theta at their estimates: one minimum, at {at:.4f}.", alternative)


def system_pattern() -> Drawing:
    """The matrix that document 004 factors, for crossed random effects."""
    fit = fit_of("penicillin/reml")
    U = fit.Z @ fit.Lambda
    A = sparse.csc_array(fit.P @ (U.T @ U + sparse.eye_array(U.shape[1])) @ fit.P.T)
    alternative = f"A {size(A)} matrix: a diagonal, and dense rows and columns where plates meet samples."
    return Drawing(
        image(A, "P(Λ′Z′ZΛ + I)P′ of the Penicillin model", alternative),
        "P(Λ′Z′ZΛ + I)P′ for the Penicillin data, whose 24 plates and 6 samples are crossed.",
        alternative,
    )


def factor_pattern() -> Drawing:
    """The sparse Cholesky factor of document 004, for crossed random effects."""
    L = fit_of("penicillin/reml").L
    alternative = f"A {size(L)} lower triangular matrix with {L.nnz} entries: a diagonal, six full rows at its foot."
    return Drawing(
        image(L, "L of the Penicillin model", alternative),
        "Its Cholesky factor L. Zeros fill in only in the corner, where samples meet samples: P has put them last.",
        alternative,
    )


def called(fit: Fit) -> str:
    """What the criterion of a fit is called."""
    return "REML criterion" if fit.REML else "deviance"


def size(matrix: sparse.csc_array) -> str:
    """Rows × columns in words."""
    return " × ".join(f"{extent:,}" for extent in matrix.shape)


def stored(matrix: Array) -> sparse.coo_array:
    """Store all entries of a dense matrix, the zeros too."""
    rows, columns = np.indices(matrix.shape)
    return sparse.coo_array((matrix.ravel(), (rows.ravel(), columns.ravel())), shape=matrix.shape)
