"""Kenward and Roger's covariance of beta and scaled F (inference.md, 9 to 13).

V is linear in the variances, so that second derivatives of V do not occur. Of the basis V, V_1, ..., V_m of the changes
of V the first entry is V itself (index 0), in place of the rows' I that other programs take: a change of basis changes
nothing in what follows, and nothing is subtracted. With P_0 = Phi^-1 and P_k as in `expansion`, W twice the inverse of

    tr(PV PV) = n - p,   tr(PV PV_k) = tr(H_X E_k),   tr(PV_k PV_o) = tr(H_X E_k H_X E_o),

P = V^-1 - V^-1 X Phi X'V^-1, Kenward and Roger (1997), and Halekoh and Hojsgaard (2014) in pbkrtest, have

    Phi_A = Phi + 2 Phi (sum of W_ko (Q_ko - P_k Phi P_o)) Phi,   Q_ko = Q'V^-1 V_k V^-1 V_o V^-1 Q,

to which V itself adds nothing. For q rows L, B_k = M L Phi P_k Phi L'M' with M L Phi L'M' = I,

    A_1 = sum of W_ko tr B_k tr B_o,   A_2 = sum of W_ko tr(B_k B_o),   B = (A_1 + 6 A_2) / (2q),

lead to the expectation E and the variance V of F (`scaled`), and these to nu and the factor of F that give an F
distribution the same two moments.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from relmer.solver.arrays import Array
from relmer.solver.elimination import expected
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit
from relmer.solver.inference.expansion import Expansion, expansion
from relmer.solver.inference.methods import KNOWN, OPEN, Curved, curved, independent
from relmer.solver.model import theta_names

# A difference of numbers of order one that is rounding, of sums of products of matrices.
SAME = 1e-10
# A nu beside 2 for which F is not scaled, as in pbkrtest: 2 is a pole of the mean of F.
BESIDE_2 = 0.01


@dataclass(frozen=True)
class KenwardRoger:
    """The adjusted covariance of beta, and what the moments of F are made of, at a fit.

    Attributes
    ----------
    at
        Phi and P.
    Phi_A
        (p, p), of R beta.
    P
        P_0 and the P_k (m + 1, p, p).
    curved
        Expected information (m + 1, m + 1) on the coordinates of V in the basis V, V_1, ..., V_m.
    """

    at: Expansion
    Phi_A: Array
    P: Array
    curved: Curved

    @property
    def vcov(self) -> Array:
        """sigma^2 Phi_A of beta (p, p)."""
        return self.at.back(self.at.fit.sigma**2 * self.Phi_A)

    def whitened(self, L: Array) -> Array:
        """Rows L vcov^1/2 (m, p)."""
        return self.at.whitened(L, self.Phi_A)

    def degrees(self, l: Array) -> float:
        """Those of one contrast l (p,)."""
        return self.joint(l[None])[0]

    def joint(self, L: Array) -> tuple[float, float]:
        """Those of F for rows L, of which q are independent, and what F is multiplied by.

        Raises
        ------
        ModelError
            The data leave the variance of the contrasts open.
        """
        kept = L[independent(self.whitened(L))]
        M = np.linalg.qr(self.at.whitened(kept, self.at.Phi).T)[0].T @ linalg.cholesky(self.at.Phi, lower=True).T
        B = M @ self.P @ M.T
        flat = B.reshape(len(B), -1)
        spread, error = self.curved.form(flat)
        A_2 = float(np.trace(spread))
        if error > KNOWN * A_2:
            raise ModelError(OPEN)
        A_1, _ = self.curved.form(np.trace(B, axis1=1, axis2=2)[:, None])
        return scaled(len(kept), float(A_1[0, 0]), A_2)


def scaled(q: int, A_1: float, A_2: float) -> tuple[float, float]:
    """nu, and what F is multiplied by, of q rows (Kenward and Roger 1997, section 3).

    With g, and V_0, V_1 and V_2 as there, rho = (r^2 V_0 / V_2) / q for r = (1 - A_2 / q) / V_1, so that

        nu = 4 + (q + 2) V_2 / (r^2 V_0 - V_2),   F times nu (1 - A_2 / q) / (nu - 2).

    r is 1 for one row, in the analysis of variance (A_1 = q A_2) and for Hotelling's T^2 (A_1 = 2 A_2 / (q + 1)), which
    the method is made to meet. There V_0 - V_2 = (q + 2) B / (3q + 2 - 2g) and 2 V_0 + q V_2 = (q + 2)(1 - A_2 / q), so
    that the two divisions by what may be zero, at nu = 2, fall out; pbkrtest loses digits beside it, and at less than
    0.01 from it leaves F as it is.

    Examples
    --------
    >>> scaled(1, 0.2, 0.2), scaled(1, 1.0, 1.0), scaled(2, 2.0, 1.0)
    ((10.0, 1.0), (2.0, 1.0), (4.0, 1.0))
    """
    B = (A_1 + 6 * A_2) / (2 * q)
    g = ((q + 1) * A_1 - (q + 4) * A_2) / ((q + 2) * A_2)
    divisor = 3 * q + 2 * (1 - g)
    V_0, V_1, V_2 = 1 + g / divisor * B, 1 - (q - g) / divisor * B, 1 - (q + 2 - g) / divisor * B
    share = 1 - A_2 / q
    if abs(share - V_1) < SAME:
        return 4 + divisor * V_2 / B, (4 * V_0 + (q - 2) * V_2) / (q + 2)
    r2 = (share / V_1) ** 2 if V_1 else np.inf
    left = (r2 - 1) * V_0 + (q + 2) / divisor * B
    nu = 4 + (q + 2) * V_2 / left if left else np.inf
    return nu, share if np.isinf(nu) else 1.0 if abs(nu - 2) < BESIDE_2 else nu * share / (nu - 2)


def kenward_roger(fit: Fit) -> KenwardRoger:
    """What Kenward and Roger's method takes of a fit.

    Raises
    ------
    ModelError
        The fit is not by REML, or a covariance is not linear in its parameters.
    """
    if not fit.REML:
        raise ModelError(
            "Kenward and Roger's method is for REML: fit the model with REML=True, or take Satterthwaite's"
        )
    for term in fit.design.terms:
        if not term.is_free:
            raise ModelError(
                f"Kenward and Roger's method takes covariances that are linear in their parameters, and "
                f"{term.structure.name} of {term.group:.80} need not be: take Satterthwaite's"
            )
    at = expansion(fit)
    n, p = fit.design.X.shape
    first, second = at.expected
    information = np.block([[np.full((1, 1), float(n - p)), first[None]], [first[:, None], second]])
    whole = np.append(float(n), -at.curvature(expected(p, False))[1].diagonal())
    found = curved(information / 2, whole / 2, ("sigma", *theta_names(fit.design.terms)), at.lost)
    if np.any(found.seen & (found.sizes * KNOWN < found.noise)):
        raise ModelError(OPEN)
    inner = found.inverse[1:, 1:]
    middle = np.tensordot(inner, at.second, 2)
    along = np.tensordot(inner, at.P, 1)
    middle -= np.einsum("kab,kbc->ac", at.P @ at.Phi, along)
    Phi_A = at.Phi + 2 * at.Phi @ middle @ at.Phi
    return KenwardRoger(
        at=at,
        Phi_A=(Phi_A + Phi_A.T) / 2,
        P=np.concatenate([linalg.inv(at.Phi)[None] if p else np.zeros((1, 0, 0)), at.P]),
        curved=found,
    )
