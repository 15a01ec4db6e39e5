"""What is concluded from a proved fit, in balls: likelihood and its penalties, t, degrees of freedom, b and its SDs.

All is enclosed on the box of covariances that holds the optimum. In the words of criterion.py, with Omega the inverse
of C_xx = X'V^-1 X, P_k = D_k without y, F_kl likewise, H_X = Z'V^-1 Z - h_x Omega h_x' and v = (-beta, 1):

    logLik = -f / 2,   df = p + K + 1,   AIC = f + 2 df,   BIC = f + df log n,                        t = beta / se,
    b = G h v,   condsd = sigma times the roots of the diagonal of G - G H G, theta and beta being taken for known.

Satterthwaite. The covariance of the parameters is twice the inverse Hessian of -2 log L before sigma is profiled out.
For a coefficient of the variance sigma^2 Omega_ii, g_k = (Omega P_k Omega)_ii / Omega_ii - v'D_k v / r^2 is the slope
of log(r^2 Omega_ii), and sigma adds a variance of its own, 1 / (2 N) of log sigma:

    nu = 1 / (g' (d2f)^-1 g + 1 / N).

Slope and Hessian are those in the chart of the face that holds the optimum (chart.py): any chart of it gives the same,
since f is stationary. A variance of zero thereby counts as known, as in lme4's theta.

Kenward and Roger, for REML. V is linear in sigma^2 and gamma, in the basis V, V_1, ..., V_K. The information on them is
I / 2, I_00 = N, I_0k = tr(H_X E_k), I_kl = tr(H_X E_k H_X E_l), whatever the ranks; with W = 2 I^-1,

    Omega_A = Omega + 2 Omega [sum of W_kl (F_kl - P_k Omega P_l)] Omega,   nu = 1 / (a' I^-1 a),

for a_0 = 1 and a_k = (Omega P_k Omega)_ii / Omega_ii; the sum is over k, l >= 1, for V itself adds nothing. In both,
p = P(|T| > |t|) = B(nu / (nu + t^2); nu / 2, 1 / 2), the regularised incomplete beta function.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flint import arb, arb_mat

from relmer.reference.verify.chart import free_entries, in_chart, slopes_of_gamma
from relmer.reference.verify.criterion import (
    Factor,
    State,
    Sums,
    covariance,
    derivatives,
    origin,
    regression,
    step,
    sums,
)
from relmer.reference.verify.data import Data, Refused
from relmer.reference.verify.patterns import combined, sides

SATTERTHWAITE, KENWARD_ROGER = "satterthwaite", "kenward-roger"
NOT_REML = "the fit is by maximum likelihood, and the method is for REML"
SINGULAR = "the information on the variances is not proved to be regular"


@dataclass(frozen=True)
class Concluded:
    """Enclosures of what is concluded, and by the name of a method why it has no values.

    Attributes
    ----------
    values
        logLik, df, AIC, BIC, t[coefficient]; and ddf, se (Kenward and Roger's), t and p[method, coefficient].
    effects
        b and condsd[term, level, column].
    refused
        One line for each method that is not had.
    """

    values: dict[str, arb]
    effects: dict[str, arb]
    refused: dict[str, str]


def concluded(
    data: Data, REML: bool, R: Sequence[Factor], pivots: Sequence[Sequence[int]], known: Mapping[str, arb]
) -> Concluded:
    """Enclose all that is concluded, at the working precision.

    Parameters
    ----------
    data, REML
        As for `prove_of`.
    R, pivots
        A box that is proved to hold the optimum, and the pivot rows of each term.
    known
        The values there.
    """
    G = covariance(data, R)
    state = on_box(data, R, G)
    p = len(data.coefficients)
    df = p + len(data.gammas) + 1
    f = known["criterion"]
    values = {"logLik": -f / 2, "df": arb(df), "AIC": f + 2 * df, "BIC": f + df * arb(data.n).log()}
    values |= {f"t[{name}]": known[f"beta[{name}]"] / known[f"se[{name}]"] for name in data.coefficients}
    effects = effects_of(data, state, G, known["sigma"])
    whole = sums(data, state)
    found: dict[str, arb] = {}
    refused: dict[str, str] = {}
    methods: dict[str, Callable[[], dict[str, arb] | str]] = {
        SATTERTHWAITE: lambda: satterthwaite(data, REML, R, pivots, state, whole, known),
        KENWARD_ROGER: lambda: kenward_roger(data, state, whole, known) if REML else NOT_REML,
    }
    for method, evaluate in methods.items():
        try:
            told = evaluate()
        except ZeroDivisionError:
            told = SINGULAR
        if isinstance(told, str):
            refused[method] = told
        else:
            found |= told
    if not all(value.is_finite() for value in (*values.values(), *effects.values(), *found.values())):
        raise Refused("inference: what is concluded has no finite enclosure")
    return Concluded(values | found, effects, refused)


def on_box(data: Data, R: Sequence[Factor], G: Sequence[arb]) -> State:
    """The state on the box, by a step from its middle, which keeps the balls small."""
    centre = [[[entry.mid() for entry in row] for row in factor] for factor in R]
    at = covariance(data, centre)
    return step(data, step(data, origin(data), at), [wide - g for wide, g in zip(G, at, strict=True)])


def residual(state: State) -> arb_mat:
    """v, by which [X y] becomes y - X beta."""
    _, beta, _ = regression(state.C)
    return arb_mat([[-b] for b in beta.entries()] + [[1]])


def effects_of(data: Data, state: State, G: Sequence[arb], sigma: arb) -> dict[str, arb]:
    """b = G h v, and sigma times the roots of the diagonal of G - G H G."""
    b, modes, deviations = modes_of(data, state, G), {}, {}
    for component, H in zip(data.components, state.H, strict=True):
        GH = combined(G, component.places, H)
        left = [arb(0)] * H.nrows()
        for g, places in zip(G, component.places, strict=True):
            for i, j in places:
                left[i] += g * (int(i == j) - GH[i, j])
        for i, effect in enumerate(component.effects):
            term, level, column = effect
            name, columns = data.terms[term]
            key = f"[{name}, {':'.join(level)}, {columns[column]}]"
            modes[f"b{key}"] = b[effect]
            deviations[f"condsd{key}"] = sigma * left[i].nonnegative_part().sqrt()
    return modes | deviations


def modes_of(data: Data, state: State, G: Sequence[arb]) -> dict[tuple[int, Any, int], arb]:
    """b = G h v, by term, level and column."""
    v = residual(state)
    found: dict[tuple[int, Any, int], arb] = {}
    for component, h in zip(data.components, state.h, strict=True):
        b = combined(G, component.places, h * v)
        found |= {effect: b[i, 0] for i, effect in enumerate(component.effects)}
    return found


def without_y(M: arb_mat) -> arb_mat:
    """The part of X of a matrix of the order of [X y]."""
    p = M.nrows() - 1
    return sides(arb_mat(p, p + 1, [x for row in M.tolist()[:p] for x in row]), p)[0]


def relative_slopes(Omega: arb_mat, P: Sequence[arb_mat]) -> list[list[arb]]:
    """(Omega P_k Omega)_ii / Omega_ii, for each coefficient i a list over k."""
    moved = [Omega * Pk * Omega for Pk in P]
    return [[M[i, i] / Omega[i, i] for M in moved] for i in range(Omega.nrows())]


def satterthwaite(
    data: Data,
    REML: bool,
    R: Sequence[Factor],
    pivots: Sequence[Sequence[int]],
    state: State,
    whole: Sums,
    known: Mapping[str, arb],
) -> dict[str, arb]:
    """Degrees of freedom, and p, of each coefficient."""
    free, K = free_entries(R, pivots), len(data.gammas)
    Omega, _, r2 = regression(state.C)
    v = residual(state)
    J = slopes_of_gamma(data, R, free)
    _, hessian, _ = in_chart(data, R, free, *derivatives(data, state, REML))
    spread = hessian.inv() if free else hessian
    N = data.n - len(data.coefficients) if REML else data.n
    of_pwrss = [(v.transpose() * D * v)[0, 0] / r2 for D in whole.D]
    found: dict[str, arb] = {}
    for name, own in zip(data.coefficients, relative_slopes(Omega, list(map(without_y, whole.D))), strict=True):
        g = J * arb_mat(K, 1, [a - b for a, b in zip(own, of_pwrss, strict=True)])
        share = (g.transpose() * spread * g)[0, 0] if free else arb(0)
        nu = 1 / (share + arb(1) / N)
        found |= tested(SATTERTHWAITE, name, nu, known[f"beta[{name}]"] / known[f"se[{name}]"])
    return found


def kenward_roger(data: Data, state: State, whole: Sums, known: Mapping[str, arb]) -> dict[str, arb]:
    """Standard errors, t, degrees of freedom and p of each coefficient."""
    K, p = len(data.gammas), len(data.coefficients)
    Omega, _, _ = regression(state.C)
    P, F = list(map(without_y, whole.D)), {pair: without_y(M) for pair, M in whole.F.items()}
    OP = [Omega * Pk for Pk in P]
    information = arb_mat(K + 1, K + 1)
    information[0, 0] = arb(data.n - p)
    for k in range(K):
        information[0, k + 1] = information[k + 1, 0] = whole.trace[k] - OP[k].trace()
        for l in range(k + 1):
            swept = whole.traces[k, l] - 2 * (Omega * F[k, l]).trace() + (OP[k] * OP[l]).trace()
            information[k + 1, l + 1] = information[l + 1, k + 1] = swept
    inverse = information.inv()
    middle = arb_mat(p, p)
    for (k, l), Fkl in F.items():
        # F_lk is the transpose of F_kl; W is symmetric.
        change = Fkl - P[k] * OP[l]
        middle += 2 * inverse[k + 1, l + 1] * (change + change.transpose() if k != l else change)
    adjusted = Omega + 2 * Omega * middle * Omega
    found: dict[str, arb] = {}
    for i, (name, own) in enumerate(zip(data.coefficients, relative_slopes(Omega, P), strict=True)):
        a = arb_mat(K + 1, 1, [arb(1), *own])
        nu = 1 / (a.transpose() * inverse * a)[0, 0]
        se = (known["sigma2"] * adjusted[i, i]).sqrt()
        t = known[f"beta[{name}]"] / se
        found |= {key_of("se", KENWARD_ROGER, name): se, key_of("t", KENWARD_ROGER, name): t}
        found |= tested(KENWARD_ROGER, name, nu, t)
    return found


def tested(method: str, name: str, nu: arb, t: arb) -> dict[str, arb]:
    """Degrees of freedom, and the two-sided p of t."""
    p = (nu / (nu + t * t)).beta_lower(nu / 2, arb(1) / 2, True)
    return {key_of("ddf", method, name): nu, key_of("p", method, name): p}


def key_of(quantity: str, method: str, name: str) -> str:
    """The key of a value by a method."""
    return f"{quantity}[{method}, {name}]"
