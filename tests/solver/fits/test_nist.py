"""NIST's one-way layouts (StRD): exact REML references with means of up to 1e12."""

import pytest

from relmer.datasets import load
from relmer.datasets.nist import LAYOUTS
from relmer.reference.exact.estimates import one_way
from relmer.reports.evidence.digits import digits
from relmer.solver import lmer

# sigma_b^2 is a difference of mean squares: of SmLs03, 06 and 09 it is 1e-4 of a mean square summed over 2,001 rows,
# whose rounding of some eps leaves 11 digits; sigma^2 has 14.
LEAST = (13.0, 10.0)
# The decimals as NIST recorded them: read as doubles, a mean of 1e6 leaves 10 digits of deviations of 0.1, and a mean
# of 1e12 leaves 4, whatever is done with them. NIST's own mean squares are these.
CARRIED = {"AtmWtAg": 10, **dict.fromkeys(["SmLs04", "SmLs05", "SmLs06"], 9.5), **dict.fromkeys(LAYOUTS[-3:], 3.5)}


@pytest.mark.parametrize("name", LAYOUTS)
def test_all_digits_that_the_doubles_carry(name: str) -> None:
    frame = load(name).frame.set_axis(["g", "y"], axis="columns")
    codes, y = frame["g"].cat.codes.tolist(), frame["y"].tolist()
    fit = lmer("y ~ 1 + (1 | g)", frame)
    assert fit.optimum.converged
    variances = fit.VarCorr()["vcov"].to_numpy()[::-1]
    for decimal, least in ((False, LEAST), (True, (CARRIED.get(name, 9.0),) * 2)):
        exact = one_way(y, codes, True, decimal)
        for value, reference, enough in zip(variances, (exact.sigma2, exact.covariances[0][0][0]), least, strict=True):
            assert digits("variance", value, float(reference)) >= enough
