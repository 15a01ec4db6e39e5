"""The keys of quantities, such as "beta[Days]": one closed grammar for cases, ledgers, certificates and reports.

A key is the name of a quantity and, in brackets, the names that say which of its numbers is meant. Here stand all its
forms, by where they may stand; the comments at the top of `cases.toml` and of the ledger's `000.toml` explain them.
"""

import re
from functools import cache

OF_A_CASE = (
    "criterion",
    "sigma",
    "sigma2",
    "logLik",
    "beta[coefficient]",
    "se[coefficient]",
    "t[coefficient]",
    "vcov[coefficient, coefficient]",
    "var[group, column]",
    "sd[group, column]",
    "cov[group, column, column]",
    "corr[group, column, column]",
    "b[group, level, column]",
    "V[row, row]",
)
# Quantities of data and matrices, the same for every fit.
FREE_OF_FIT = (
    "nobs",
    "groups[factor]",
    "size[factor, level]",
    "data[column, row]",
    "dim[matrix, axis]",
    "Zt[row, column]",
)
OF_A_DOCUMENT = (
    *OF_A_CASE,
    "p[coefficient]",
    "correlation[coefficient, coefficient]",
    "scaled_residual[quantile]",
    "residual[row]",
    "coef[group, level, column]",
    "G[row, column]",
    "Gm[row, column]",
    *FREE_OF_FIT,
)
# What only a listing tells: the degrees of freedom of a t.
OF_A_LISTING = ("ddf[coefficient]",)
# What is judged of one: of the data no single cell.
JUDGED_OF_A_LISTING = (
    *(form for form in OF_A_DOCUMENT if form != "data[column, row]"),
    *OF_A_LISTING,
    "theta[parameter]",
)
OF_A_CERTIFICATE = (
    "criterion",
    "sigma",
    "sigma2",
    "theta[parameter]",
    "G[group, column]",
    "G[group, column, column]",
    "var[group, column]",
    "cov[group, column, column]",
    "beta[coefficient]",
    "se[coefficient]",
    "vcov[coefficient, coefficient]",
)
# What is concluded from a certified fit, and its random effects.
OF_INFERENCE = (
    "logLik",
    "df",
    "AIC",
    "BIC",
    "t[coefficient]",
    "t[method, coefficient]",
    "se[method, coefficient]",
    "ddf[method, coefficient]",
    "p[method, coefficient]",
)
OF_EFFECTS = ("b[group, level, column]", "condsd[group, level, column]")
FORMS = (*OF_A_DOCUMENT, *OF_A_LISTING, *OF_A_CERTIFICATE, *OF_INFERENCE, *OF_EFFECTS)
KEY = re.compile(r"(?P<quantity>\w+)(\[(?P<names>[^\[\]]+)\])?")

Parts = tuple[str, tuple[str, ...]]


def parse_key(key: str, forms: tuple[str, ...] = FORMS) -> Parts:
    """Quantity and names of a key that has one of the forms.

    Raises
    ------
    ValueError
        It has none of them; the message says what to write.

    Examples
    --------
    >>> parse_key("vcov[Days, (Intercept)]")
    ('vcov', ('Days', '(Intercept)'))
    """
    quantity, names = parts(key)
    if (quantity, len(names)) not in shapes(forms):
        raise ValueError(f"{key!r}: write quantity[name, ...] with one of {', '.join(quantities_of(forms))}")
    return quantity, names


def key_of(quantity: str, *names: str) -> str:
    """The key with these parts.

    Examples
    --------
    >>> key_of("vcov", "Days", "(Intercept)")
    'vcov[Days, (Intercept)]'
    """
    return f"{quantity}[{', '.join(names)}]" if names else quantity


def theta_key(group: str, row: str, column: str) -> str:
    """Key of an entry of T, by lme4's name: group.column on the diagonal, group.row.column below it.

    Examples
    --------
    >>> theta_key("Subject", "Days", "(Intercept)")
    'theta[Subject.Days.(Intercept)]'
    """
    return key_of("theta", ".".join((group, row) if row == column else (group, row, column)))


def matrix_key(variance: str, covariance: str, group: str, row: str, column: str) -> str:
    """Key of an entry of a term's covariance matrix; the column that comes first in the term comes first.

    Examples
    --------
    >>> matrix_key("var", "cov", "Subject", "Days", "(Intercept)")
    'cov[Subject, (Intercept), Days]'
    """
    return key_of(variance, group, row) if row == column else key_of(covariance, group, column, row)


def quantity_of(key: str) -> str:
    """The quantity of a key, whatever its names are.

    Examples
    --------
    >>> quantity_of("beta[Days]")
    'beta'
    """
    return key.partition("[")[0]


def quantities_of(forms: tuple[str, ...]) -> tuple[str, ...]:
    """The quantities of some forms, each once.

    Examples
    --------
    >>> quantities_of(("G[group, column]", "G[group, column, column]", "sigma"))
    ('G', 'sigma')
    """
    return tuple(dict.fromkeys(map(quantity_of, forms)))


def free_of_fit(key: str) -> bool:
    """Whether the quantity is one of data and matrices, the same for every fit.

    Examples
    --------
    >>> free_of_fit("dim[Z, 1]"), free_of_fit("beta[Days]")
    (True, False)
    """
    return quantity_of(key) in quantities_of(FREE_OF_FIT)


def has_form(key: str, forms: tuple[str, ...]) -> bool:
    """Whether a key has one of some forms.

    Examples
    --------
    >>> has_form("p[Days]", OF_A_DOCUMENT), has_form("p[satterthwaite, Days]", OF_A_DOCUMENT)
    (True, False)
    """
    quantity, names = parts(key)
    return (quantity, len(names)) in shapes(forms)


def parts(key: str) -> Parts:
    """Quantity and names as they are spelled; nothing where the text is no key."""
    found = KEY.fullmatch(key)
    if found is None:
        return "", ()
    return found["quantity"], tuple(found["names"].split(", ")) if found["names"] else ()


@cache
def shapes(forms: tuple[str, ...]) -> frozenset[tuple[str, int]]:
    """Each quantity with each number of names that it may have."""
    return frozenset((quantity, len(names)) for quantity, names in map(parts, forms))
