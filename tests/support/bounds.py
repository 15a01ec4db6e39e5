"""Bounds that only the tests use, each with its derivation; those of verdicts are in reports/evidence/tolerances.py."""

EPS = 2.0**-52

# A central difference with step h of a criterion of size s, rounded to 64 eps s, has the error 64 eps s / h from
# rounding and f''' h^2 / 6 from truncation. Richardson's step removes the h^2 term; with h = 2e-3 and s about 500 the
# first is 4e-9 of s; third derivatives here stay below 1e3, so that the h^4 term is below 1e-8.
GRADIENT = 1e-6
# Rounding of a dense n x n matrix equation with n < 200 and entries of one size: n eps times a few.
DENSE = 1e-12
# The same linear system solved in two ways, for fewer than 100 rows and a V of condition below 1e4: 1e4 eps times a
# few hundred operations, relative to the largest entry.
SOLVED = 1e-9
# Rounding of log|V| and of the quadratic form of a dense V of order n <= 60 and condition below 1e6, relative to the
# size of the likelihood: 1e6 eps times a few.
LIKELIHOOD = 1e-9
# lme4 chooses theta by values of the criterion alone, which are rounded to about 64 eps of their size: at 200 with a
# curvature of about 1 in log theta that leaves sqrt(2 * 64 eps * 200) = 2.4e-6.
FLAT = 3e-6
# A covariate shifted by s with a spread r is known to eps s / r of its spread: the criterion, second order in the fit,
# may move by 1743 (s / r)^2 eps^2, below 1e-15, and by the rounding of its evaluation, 1e-11; the goal is 1e-9.
SHIFTED_CRITERION = 1e-9
# theta is stored for the shifted covariate, where G has the condition (s / r)^2, for dates 2.4e7; times eps, 5e-9.
SHIFTED_V = 1e-8
# A Newton decrement is the gap up to the cubic term, relative to it of the order of the step (1e-3) times the ratio
# of the third derivative to the second, a few.
CUBIC = 5e-3
# The logarithm of an exact fraction of at least 10^-16: of the double next to it, eps / ln 10, and rounded to a unit in
# the last place of 16, 8 eps; twice that for two of them.
LOGARITHM = 32 * EPS
# The printed V of bdf is that of a stop 2.8e-7 above the optimum: sqrt(2 gap J H^-1 J') is 4.4e-4 for its first printed
# entry, and twice that with the slack for higher terms.
STOPPED_V = 1e-3
# Points are written to 0.1 of a picture's unit, of which 270 show 6 of the function's: 1.1e-3 a coordinate. The grid's
# linear interpolation, of step 0.05, adds 3e-4.
INTERPOLATED = 0.005
# Twelve halvings of a bracket of at most 0.4 end within 1e-4 of theta, where the criterion rises by up to 65 a unit.
HALVED = 0.02
# A complex step takes no difference: what is left is the rounding of a dense V of order 65 and condition below 1e3, and
# that of the exact formulas, each some 1e3 eps times a few dozen operations.
COMPLEX_STEP = 1e-10
# Differences of such gradients with h = 5e-4 divide their rounding of 1e-13 by it: 2e-10; twice extrapolated from 2e-3
# the sixth derivatives, which stay below 1e7, leave 1e7 h^6 < 1e-9.
SECOND_DIFFERENCE = 1e-8
# G at a singular optimum is known to the square root of the criterion's rounding, 64 eps of up to 55,060, along
# directions of little curvature; elsewhere to the last digits.
FLAT_G = 1e-6
# Another order of summation, or another unit, moves every sum by some eps of its parts; beta and theta are functions of
# sums whose parts are of their own size, and of a Hessian of condition below 1e2.
REORDERED = 1e-12
# Two evaluations at two minima differ by their rounding, 64 eps of at most 55,071.
HIGHER = 1e-9


def counted(n: int) -> float:
    """How well the n digits are known that an error of 10^-n in a double has.

    The double is rounded twice, once for 1 + 10^-n, so that the error is known to eps 10^n of itself, which moves its
    logarithm by less than half of that; the other half is for the rounding of the logarithm.
    """
    return EPS * 10.0**n


# theta rounded to 0.005 an entry lies above its minimum by half its curvature, at most some 50 here, times the square:
# 7 entries give 50 / 2 * 7 * 0.005^2 = 4e-3.
ROUNDED_THETA = 5e-3
# Two evaluations of the criterion, each rounded to 64 eps of the size of its parts.
TWICE = 2 * 64 * EPS
# An explicit inverse of a V of order n <= 60 and condition below 1e3: n 1e3 eps, relative to the size of the parts.
INVERTED = 60 * 1e3 * EPS
# Where a look around by values ends, a fall of up to the noise is not seen; its parabolas are off by nu t^2 / 18 for a
# third derivative t in standard units, below 6 here: 2 nu; and two values that are compared have an error of half each.
LOOKED = 4
