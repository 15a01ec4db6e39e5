"""Exact reference values: closed forms in rational arithmetic.

For a balanced one-way layout of k groups of J rows, y ~ 1 + (1 | g), with the mean squares MSB and MSW of its analysis
of variance (Searle, Casella and McCulloch 1992, sections 3.3 and 3.7):

    REML   sigma^2 = MSW, sigma_b^2 = (MSB - MSW) / J            if MSB >= MSW,
           sigma^2 = SST / (kJ - 1), sigma_b^2 = 0               otherwise;
    ML     the same with SSB / k in the place of MSB, and SST / (kJ).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

DIGITS = 40
PI = Decimal("3.1415926535897932384626433832795028841971693993751")


@dataclass(frozen=True)
class OneWay:
    """Exact REML or ML estimates of a balanced one-way layout.

    Attributes
    ----------
    mean
        The intercept.
    residual, between
        sigma^2 and sigma_b^2.
    effects
        b of each group, by ascending code: the group's mean less the intercept, times
        J sigma_b^2 / (sigma^2 + J sigma_b^2).
    size
        J, the rows of each group.
    mean_variance
        Squared standard error of the intercept.
    criterion
        REML criterion or deviance at the optimum, to 40 digits.
    """

    mean: Fraction
    residual: Fraction
    between: Fraction
    effects: tuple[Fraction, ...]
    size: int
    mean_variance: Fraction
    criterion: Decimal


def one_way(values: Sequence[float], codes: Sequence[int], REML: bool, decimal: bool = True) -> OneWay | None:
    """Exact estimates of y ~ 1 + (1 | g); None where the layout is not balanced.

    Parameters
    ----------
    values
        The response.
    codes
        The group of each value.
    REML
        Restricted or full likelihood.
    decimal
        Whether a double is taken for the decimal that it prints as, which is what was recorded, or for its binary
        value, which is what an engine reads.

    Examples
    --------
    >>> one_way([1.0, 2.0, 4.0, 5.0, 9.0, 8.0], [0, 0, 1, 1, 2, 2], True).residual
    Fraction(1, 2)
    """
    groups: dict[int, list[Fraction]] = {}
    for value, code in zip(values, codes, strict=True):
        groups.setdefault(code, []).append(Fraction(repr(float(value)) if decimal else value))
    sizes = {len(group) for group in groups.values()}
    if len(sizes) != 1:
        return None
    k, J = len(groups), sizes.pop()
    means = [sum(groups[code], Fraction(0)) / J for code in sorted(groups)]
    mean = sum(means, Fraction(0)) / k
    within = sum(((y - means[i]) ** 2 for i, code in enumerate(sorted(groups)) for y in groups[code]), Fraction(0))
    between = J * sum(((m - mean) ** 2 for m in means), Fraction(0))
    d, groups_d = (k * J - 1, k - 1) if REML else (k * J, k)
    residual, level = within / (k * (J - 1)), between / groups_d
    if level < residual:
        residual = level = (within + between) / d
    criterion = one_way_criterion(k, J, residual, level, REML)
    effects = tuple((level - residual) / level * (m - mean) for m in means)
    return OneWay(mean, residual, (level - residual) / J, effects, J, level / (k * J), criterion)


def one_way_criterion(k: int, J: int, residual: Fraction, level: Fraction, REML: bool) -> Decimal:
    """D (1 + log 2 pi) + log|V| [+ log|X'V^-1 X|] at the optimum.

    V has per group the eigenvalue `level` = sigma^2 + J sigma_b^2 once and sigma^2 J - 1 times; the intercept's
    information is k J / level.
    """
    with localcontext() as context:
        context.prec = DIGITS
        sigma2, tau2 = (Decimal(part.numerator) / Decimal(part.denominator) for part in (residual, level))
        d = k * J - 1 if REML else k * J
        value = d * (1 + (2 * PI).ln()) + k * (tau2.ln() + (J - 1) * sigma2.ln())
        if REML:
            value += (Decimal(k * J) / tau2).ln()
        return +value
