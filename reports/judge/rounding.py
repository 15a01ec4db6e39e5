"""How far rounding may move the criterion where an engine does not centre a response that is far from zero.

A sum of n terms of the size of y is rounded by up to n eps |y| (Higham 2002, section 3.1). X'V^-1 X is what is left of
X'X, g times smaller, so that the error of X beta, and with it of the residual, grows by g: to rho = n eps kappa g of
the residual, kappa = max|y| / rms(residual). The criterion holds d log(pwrss), pwrss a sum of squared residuals: its
error is up to 2 d log(1 + rho). Centring avoids all that.
"""

from collections.abc import Sequence

from relmer.reports.evidence import tolerances, uncentred
from relmer.reports.judge.hearing import Hearing
from relmer.reports.verdicts import Verdict


def rounding(hearing: Hearing, errors: Sequence[float], thetas: Sequence[Sequence[float]]) -> tuple[Verdict, str]:
    """Verdict on errors of the criterion at some theta, and what explains them if rounding does.

    Nothing excuses this project's paths where what they are held against is proved.
    """
    view = hearing.view
    if max(errors) <= tolerances.CRITERION * view.size:
        return Verdict.AGREE, ""
    if hearing.own and hearing.evaluator is not None:
        return Verdict.WRONG, ""
    allowed = [uncentred(view, theta).criterion for theta in thetas]
    if not all(error <= bound for error, bound in zip(errors, allowed, strict=True)):
        return Verdict.WRONG, ""
    return Verdict.WITHIN, f"; without centring the response, rounding may move it by {max(allowed):.1e}"
