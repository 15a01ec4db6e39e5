"""How far rounding may move what an engine evaluates, and from where on that is no longer harmless.

A sum of n terms of the size of y is rounded by up to n eps |y| (Higham 2002, section 3.1). X'V^-1 X is what is left of
X'X, g times smaller, so that the error of X beta, and with it of the residual, grows by g: to rho = n eps kappa g of
the residual, kappa = max|y| / rms(residual). The criterion holds d log(pwrss), pwrss a sum of squared residuals: its
error is up to 2 d log(1 + rho). Centring avoids all that. Who has pwrss as a difference, y'y less what the model
explains, knows it to n eps y'y only. The condition of V moves any evaluation (see the evidence).

What rounding explains is harmless only as long as it moves no estimate by more than 3 % of its standard error, which is
what a criterion 1e-3 off does; beyond that the value is wrong, and rounding is the diagnosis.
"""

from collections.abc import Sequence

from relmer.reports.evidence import inverted, products, rounding_at, tolerances, uncentred
from relmer.reports.judge.hearing import Hearing, Ruling
from relmer.reports.verdicts import Diagnosis, Verdict


def evaluation(
    hearing: Hearing, errors: Sequence[float], thetas: Sequence[Sequence[float]], shared: bool = False
) -> Ruling:
    """Rule on errors of the criterion at some theta: agreement, rounding, or another criterion.

    At a theta that is `shared`, where nobody has stopped, what the condition of V takes from everybody is harmless as
    long as a digit is left.
    """
    view, worst = hearing.view, max(errors)
    if worst <= tolerances.CRITERION * view.size:
        return Ruling(Verdict.AGREE, Diagnosis.NONE, "")
    floor = tolerances.CRITERION * view.size
    conditioned = [max(floor, rounding_at(view, theta)) for theta in thetas]
    if below(errors, conditioned):
        told = f"; the condition of V there may move it by {max(conditioned):.1e}"
        lost = shared and worst <= view.size / 10
        return Ruling(Verdict.WITHIN if lost else bounded(worst), Diagnosis.ROUNDING, told)
    if not hearing.own:
        moved = [uncentred(view, theta).criterion for theta in thetas]
        if below(errors, list(map(max, moved, conditioned))):
            told = f"; without centring, rounding may move it by {max(moved):.1e}"
            return Ruling(bounded(worst), Diagnosis.ROUNDING, told)
        if told := inversion(hearing, errors, thetas):
            return Ruling(bounded(worst), Diagnosis.ROUNDING, told)
        differences = [products(view, theta) for theta in thetas]
        if below(errors, [max(bounds) for bounds in zip(differences, moved, conditioned, strict=True)]):
            return Ruling(bounded(worst), Diagnosis.ROUNDING, f"; {difference(max(differences))}")
    return Ruling(Verdict.WRONG, Diagnosis.CRITERION, "")


def inversion(hearing: Hearing, errors: Sequence[float], thetas: Sequence[Sequence[float]]) -> str:
    """What the inverse of G costs an engine that declares that it works with it, if that accounts for the errors."""
    if hearing.answer.engine not in hearing.kin.inverting:
        return ""
    moved = [inverted(hearing.view, theta) for theta in thetas]
    if not below(errors, moved):
        return ""
    return f"; it works with the inverse of G, which is nearly singular: rounding may move it by {max(moved):.1e}"


def difference(lost: float) -> str:
    """What is said of rounding that moves the criterion by so much where pwrss is had as a difference."""
    return f"who takes pwrss as a difference of sums of squares may lose {lost:.1e}"


def below(errors: Sequence[float], bounds: Sequence[float]) -> bool:
    """Whether no error exceeds its bound."""
    return all(error <= bound for error, bound in zip(errors, bounds, strict=True))


def bounded(error: float) -> Verdict:
    """Harmless up to what an early stop may cost."""
    return Verdict.WITHIN if error <= tolerances.EARLY else Verdict.WRONG
