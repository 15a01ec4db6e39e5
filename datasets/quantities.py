"""The keys of quantities, such as "beta[Days]": one grammar for cases, ledgers and reports."""

import re

# Each published quantity, and how many names stand in its brackets.
QUANTITIES = {
    "criterion": 0,
    "sigma": 0,
    "sigma2": 0,
    "logLik": 0,
    "beta": 1,
    "se": 1,
    "t": 1,
    "vcov": 2,
    "var": 2,
    "sd": 2,
    "cov": 3,
    "corr": 3,
    "b": 3,
    "V": 2,
}
_KEY = re.compile(r"(?P<quantity>\w+)(\[(?P<names>[^\[\]]+)\])?")
# How many names stand in the brackets of each quantity; the comment at the top of 000.toml explains them.
FREE_OF_FIT = {"nobs": 0, "groups": 1, "size": 2, "data": 2, "dim": 2, "Zt": 2}


def free_of_fit(key: str) -> bool:
    """Whether the quantity is one of data and matrices, the same for every fit.

    Examples
    --------
    >>> free_of_fit("dim[Z, 1]"), free_of_fit("beta[Days]")
    (True, False)
    """
    return key.partition("[")[0] in FREE_OF_FIT


KEY = re.compile(r"(?P<quantity>\w+)(?:\[(?P<names>.*)\])?")


def split_key(key: str) -> tuple[str, list[str]]:
    """Quantity and names of a key.

    Examples
    --------
    >>> split_key("vcov[Days, (Intercept)]")
    ('vcov', ['Days', '(Intercept)'])
    """
    parts = KEY.fullmatch(key)
    if parts is None:
        raise ValueError(f"{key!r} is no key of a figure")
    return parts["quantity"], parts["names"].split(", ") if parts["names"] else []
