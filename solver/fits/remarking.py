"""What a fit tells in words, and its standard deviations in a table."""

from typing import TYPE_CHECKING

import pandas as pd

from relmer.solver.fits.unidentified import Unidentified
from relmer.solver.model import pars, varcorr_names

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit


def components(fit: "Fit") -> pd.DataFrame:
    """Standard deviations and correlations; of a term with a structure those that it has, and rho with its name.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> print(components(lmer("score ~ Machine + cs(0 + Machine | Worker)", load("Machines").frame)).round(3))
          group      var1 var2  sdcor
    0    Worker  MachineA       4.114
    1    Worker  MachineB       8.420
    2    Worker  MachineC       4.462
    3    Worker       rho   cs  0.736
    4  Residual                 0.962
    """
    table = (
        fit.VarCorr()
        .rename(columns={"grp": "group"})[["group", "var1", "var2", "sdcor"]]
        .fillna({"var1": "", "var2": ""})
    )
    rows: list[pd.DataFrame] = []
    first = 0
    for term, group, par in zip(
        fit.design.terms, varcorr_names(fit.design.terms), pars(fit.design.terms, fit.optimum.theta), strict=True
    ):
        width = len(term.columns)
        own = table.iloc[first : first + width * (width + 1) // 2]
        first += len(own)
        if not term.is_free:
            own = own.iloc[: 1 if term.structure.hom else width]
            own = own.assign(var1="*") if term.structure.hom else own
            if len(par) > len(own):
                rho = {"group": group, "var1": "rho", "var2": term.structure.name, "sdcor": par[-1]}
                own = pd.concat([own, pd.DataFrame([rho])])
        rows.append(own)
    return pd.concat([*rows, table.iloc[first:]], ignore_index=True)


def remarks(fit: "Fit") -> tuple[str, ...]:
    r"""What has to be known of a fit, a line each: what was dropped, is singular, open, or not converged.

    Examples
    --------
    >>> import pandas as pd
    >>> from relmer.solver import lmer
    >>> data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0, 9.0, 8.0], "g": list("aabbcc"), "x": 1.0})
    >>> print(*remarks(lmer("y ~ x + (1 | g)", data)), sep="\n")
    fixed-effect model matrix is rank deficient so dropping 1 column / coefficient: x
    """
    said = [each if "deficient" not in each else f"{each}: {', '.join(fit.dropped)}" for each in fit.messages]
    if fit.singular:
        said.append("singular: a covariance matrix has not full rank; its dual shows that this is the minimum")
    said += told_open(fit.unidentified)
    if not fit.optimum.converged:
        said.append(f"not converged: {fit.optimum.ending}")
    return tuple(said)


def told_open(found: Unidentified) -> list[str]:
    r"""What the data leave open, a line each.

    Examples
    --------
    >>> print(*told_open(Unidentified(theta=(("g.x", "sigma"), ("h.x",)), beta=("x",), se=("x", "z"))), sep="\n")
    left open by the data, at one and the same criterion: g.x with sigma; h.x
    so these estimates are one choice of many: x
    and so are these standard errors: x, z
    """
    lines = ["left open by the data, at one and the same criterion: " + "; ".join(map(" with ".join, found.theta))]
    lines += [f"so these estimates are one choice of many: {', '.join(found.beta)}"] if found.beta else []
    start = "and so are these standard errors" if found.beta else "so these standard errors are one choice of many"
    lines += [f"{start}: {', '.join(found.se)}"] if found.se else []
    return lines if found.theta else []
