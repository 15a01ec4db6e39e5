"""What each document does, section by section: its headings, a sentence on each, and which pictures stand there."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from relmer.reports.chapters import scenes, tables
from relmer.reports.chapters.computed import (
    PRACTICAL,
    SLIDES,
    pieces_of_the_criterion,
    practical_agreement,
    practical_estimates,
)
from relmer.reports.records import Report

Scene = Callable[[], scenes.Drawing]
Tabulate = Callable[[Report], tables.Table]


@dataclass(frozen=True)
class Part:
    """A section: its heading, what is done there, its pictures and tables."""

    heading: str
    prose: str
    scenes: tuple[Scene, ...] = ()
    tables: tuple[Tabulate, ...] = ()


@dataclass(frozen=True)
class Outline:
    """A document; it has a chapter even without printed figures if `case` is in the run."""

    document: str
    title: str
    case: str
    parts: tuple[Part, ...]


OUTLINES = (
    Outline(
        "000",
        "Extracting the V matrix for MLMs",
        "",
        (
            Part(
                "1. Manual method",
                "The sleepstudy model is fitted, Z, G and R are taken from the fit, and G is repeated for each "
                "subject, to Gm. From V = Z Gm Z′ + R and generalized least squares come the fixed effects once more.",
                (scenes.sleepstudy_G, scenes.sleepstudy_V),
            ),
            Part(
                "2. More automated way",
                "The function getV builds V from Λ, which lme4 keeps in the right shape for any random effects; no Gm "
                "has to be laid out by hand. The fixed effects are the same again.",
            ),
            Part(
                "3. Try it with simple three level data…",
                "Pupils with teachers in schools are simulated from set.seed(123). Z has a column for each teacher "
                "and each school, Gm the two variances along its diagonal.",
                (scenes.three_level_Z, scenes.three_level_G, scenes.three_level_V),
            ),
            Part(
                "4. Throw in random slopes",
                "A fifth of the kindergarten pupils of star is drawn, with a random slope of sex for teachers and for "
                "schools. The rows are not sorted, so only getV still works.",
                (scenes.star_Z,),
            ),
        ),
    ),
    Outline(
        "001",
        "Using matrices to reconstruct a mixed model",
        "",
        (
            Part(
                "1. Estimating the OLS model using matrices",
                "Least squares by its matrices: coefficients, residuals, σ², standard errors and tests for the "
                "fuel use of the cars in mtcars, each beside what lm says.",
            ),
            Part(
                "2. Using matrices to reconstruct the mixed model coefficients",
                "A block Z G Z′ + R is computed for each school of the bdf data. The blocks put together are V, which "
                "gives the fixed effects and their covariance matrix.",
                (scenes.bdf_V, scenes.bdf_two_schools),
            ),
        ),
    ),
    Outline(
        "002",
        "Model matrices in mixed effects",
        "",
        (
            Part(
                "QUESTION",
                "How does Z come about from the indicators J of the groups and the model matrix X of the slopes? "
                "The data are three subjects of sleepstudy.",
                (scenes.three_subjects_lines,),
            ),
            Part(
                "ANSWER",
                "J has a column for each subject, X an intercept and the days; Z′ is their Khatri–Rao product. The "
                "random effects b, added to the fixed effects, give each subject its own intercept and slope.",
                (
                    scenes.three_subjects_J,
                    scenes.three_subjects_X,
                    scenes.three_subjects_Z,
                    scenes.three_subjects_lattice,
                ),
            ),
        ),
    ),
    Outline(
        "003",
        "Practical 4: linear mixed models",
        PRACTICAL,
        (
            Part(
                "The model and its likelihood",
                "Each group of columns of Z has independent random effects with one variance, so that V = ZψZ′ + "
                "Iσ². With Z = QR the likelihood needs no matrix larger than the number of random effects.",
                (scenes.machines_Z, scenes.machines_contour),
            ),
            Part(
                "lmm(form, dat, ref)",
                "The practical prints no figures. It asks that lmm and lmer give the same maximum likelihood "
                "estimates for the Machines data; here they are, and how far the engines agree.",
                (),
                (practical_estimates, practical_agreement),
            ),
        ),
    ),
    Outline(
        "004",
        "Theory of linear mixed models",
        SLIDES,
        (
            Part(
                "The sparse Cholesky factor",
                "For each θ the sparse matrix Λ′Z′ZΛ + I is factored. A permutation P, chosen once from the pattern, "
                "keeps the factor L sparse; only its numbers change with θ.",
                (scenes.system_pattern, scenes.factor_pattern),
            ),
            Part(
                "Evaluating the likelihood",
                "The profiled REML criterion is put together from two determinants and the penalized sum of squares. "
                "These are its pieces at the estimates for sleepstudy.",
                (),
                (pieces_of_the_criterion,),
            ),
            Part(
                "The profiled criterion as a function of θ",
                "β and σ are profiled out, so that the criterion depends on θ alone and can be drawn. An optimiser "
                "looks for its lowest point.",
                (
                    *(partial(scenes.sleepstudy_curve, k) for k in range(3)),
                    scenes.sleepstudy_contour,
                ),
            ),
        ),
    ),
)
