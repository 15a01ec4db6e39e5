"""The values at an engine's own theta: enclosed in ball arithmetic where python-flint is, else computed in doubles."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from importlib.util import find_spec
from typing import Any

import numpy as np

from relmer.datasets import case
from relmer.reference.certificates import Certificate, in_order, ordered, text_of
from relmer.reference.matrices import exact_data
from relmer.reports.evidence import tolerances
from relmer.reports.evidence.conditioning import rounding_at
from relmer.reports.evidence.landscape import Landscape, criterion_at, estimates_at, landscape
from relmer.solver.arrays import Array
from relmer.solver.model import Design, factors, is_structured, theta_of

BALLS, DOUBLES = "ball arithmetic", "doubles"
# Of the balls: a precision for condition numbers up to 1e9, and one for any that doubles can have.
BITS = (128, 1024)
EVALUATED = ("beta", "sigma", "criterion", "se", "vcov", "varcomp")


@dataclass(frozen=True)
class Evaluation:
    """Values at one theta, in the order of an answer.

    Attributes
    ----------
    values
        The quantities of EVALUATED.
    uncertainty
        Bound of the criterion's error.
    how
        BALLS or DOUBLES.
    """

    values: Mapping[str, tuple[Fraction, ...]]
    uncertainty: Fraction
    how: str

    @property
    def criterion(self) -> Fraction:
        """The criterion."""
        return self.values["criterion"][0]

    @property
    def proved(self) -> bool:
        """Whether balls enclose the values."""
        return self.how == BALLS


@dataclass(frozen=True)
class Evaluator:
    """Evaluates the model of a case at any theta.

    Attributes
    ----------
    certificate
        That of the case; None without one.
    view
        The criterion's landscape in doubles.
    data
        The data as the kernel reads them: the file by the certificate's description, else the doubles of y, X and Z.
        None without python-flint, or where the model is too large.
    """

    certificate: Certificate | None
    view: Landscape
    data: Any
    _known: dict[tuple[float, ...], Evaluation] = field(default_factory=dict, repr=False, compare=False)

    def at(self, theta: Sequence[float]) -> Evaluation:
        """Values at theta; the same theta is evaluated once."""
        at = tuple(theta)
        if at not in self._known:
            self._known[at] = self._evaluate(at)
        return self._known[at]

    def _evaluate(self, theta: tuple[float, ...]) -> Evaluation:
        if self.data is not None and (found := self._enclosed(theta)):
            return found
        said = estimates_at(self.view, theta) | {"criterion": np.array([criterion_at(self.view, theta)])}
        values = {name: tuple(map(Fraction, said[name].tolist())) for name in EVALUATED}
        return Evaluation(values, Fraction(rounding_at(self.view, theta)), DOUBLES)

    def _enclosed(self, theta: tuple[float, ...]) -> Evaluation | None:
        """Values at theta, proved by the verifier's own evaluation; None if theta is too large for its precision."""
        balls = next((found for bits in BITS if (found := self._balls(theta, bits))), None)
        if balls is None:
            return None
        middles = {key: exact(ball.mid()) for key, ball in balls.items()}
        if self.certificate is None:
            values = ordered(self.data.coefficients, self.data.terms, middles)
        else:
            values = in_order(self.certificate, middles)
        chosen = {name: values[name] for name in EVALUATED}
        return Evaluation(chosen, exact(balls["criterion"].rad()), BALLS)

    def by_row(self, theta: Sequence[float]) -> Mapping[str, Array]:
        """b, the fitted values, V's diagonal and the sums of its rows at theta; nothing where no balls enclose them."""
        from relmer.reference.verify import Data, effects, triangles  # noqa: PLC0415

        if self.certificate is not None or not isinstance(self.data, Data) or not self.at(theta).proved:
            return {}
        factors_at = triangles(self.data, self._entries(tuple(theta)))
        for bits in BITS:
            with suppress(ZeroDivisionError):
                balls = effects(self.data, factors_at, bits)
                if all(map(is_a_double, balls.values())):
                    b = {effect: exact(ball.mid()) for effect, ball in balls.items()}
                    return rows_of(self.view.fit.design, self.at(theta).values, b)
        return {}

    def _entries(self, theta: tuple[float, ...]) -> tuple[float, ...]:
        """The lower triangles of all T: theta, or what it stands for where terms have structures."""
        terms = self.view.fit.design.terms
        return tuple(theta_of(factors(terms, np.array(theta))).tolist()) if is_structured(terms) else theta

    def _balls(self, theta: tuple[float, ...], bits: int) -> dict[str, Any] | None:
        """Balls of a precision around the values; None where one is infinite, or too wide to be told from a double."""
        from relmer.reference.verify import evaluate, triangles  # noqa: PLC0415

        try:
            balls = evaluate(self.data, self.view.fit.REML, triangles(self.data, self._entries(theta)), bits)
        except ZeroDivisionError:
            return None
        narrow = float(balls["criterion"].rad()) <= tolerances.GAP * self.view.size
        return balls if narrow and all(ball.is_finite() for ball in balls.values()) else None


def is_a_double(ball: Any) -> bool:
    """Whether a ball is no wider than the doubles about it are apart."""
    return bool(ball.is_finite()) and float(ball.rad()) <= tolerances.EPS * abs(float(ball.mid()))


def rows_of(
    design: Design, values: Mapping[str, Sequence[Fraction]], b: Mapping[tuple[int, Any, int], Fraction]
) -> dict[str, Array]:
    """What has an entry for each row or effect, as doubles, from beta, sigma and the variance components.

    Offset + X beta + Z b; sigma^2 / w + the sum over terms of z' Cov z; and the sums of V's rows.
    """
    n, covariances = len(design.y), [*values["varcomp"]]
    fitted = [Fraction(0)] * n if design.offset is None else [*map(Fraction, design.offset.tolist())]
    for i, row in enumerate(design.X.tolist()):
        fitted[i] += sum(Fraction(x) * value for x, value in zip(row, values["beta"], strict=True))
    weights = np.ones(n) if design.weights is None else design.weights
    diagonal = [values["sigma"][0] ** 2 / Fraction(weight) for weight in weights.tolist()]
    sums = [*diagonal]
    for t, term in enumerate(design.terms):
        codes, Z = term.codes.tolist(), [[*map(Fraction, row)] for row in term.X.tolist()]
        c = len(term.columns)
        cov = {(i, j): covariances.pop(0) for j in range(c) for i in range(j, c)}
        cov |= {(j, i): value for (i, j), value in cov.items()}
        total = [[Fraction(0)] * c for _ in term.levels]
        for level, row in zip(codes, Z, strict=True):
            total[level] = [one + z for one, z in zip(total[level], row, strict=True)]
        for i, (level, row) in enumerate(zip(codes, Z, strict=True)):
            fitted[i] += sum(z * b[t, level, column] for column, z in enumerate(row))
            turned = [sum(z * cov[k, column] for k, z in enumerate(row)) for column in range(c)]
            diagonal[i] += sum(a * z for a, z in zip(turned, row, strict=True))
            sums[i] += sum(a * z for a, z in zip(turned, total[level], strict=True))
    found = {"b": [b[effect] for effect in sorted(b)], "fitted": fitted, "V_diagonal": diagonal, "V_rowsum": sums}
    return {name: np.array([*map(float, entries)]) for name, entries in found.items()}


def evaluator_of(certificate: Certificate | None, view: Landscape | None = None) -> Evaluator:
    """Evaluator of a certified model, or of the model that `view` is the landscape of."""
    if view is None:
        if certificate is None:
            raise ValueError("neither a certificate nor a landscape: name one of them")
        view = landscape(case(certificate.case))
    return Evaluator(certificate, view, read_exactly(certificate, view) if find_spec("flint") else None)


def read_exactly(certificate: Certificate | None, view: Landscape) -> Any:
    """The data as the kernel reads them."""
    if certificate is None:
        return exact_data(view.fit.design)
    from relmer.reference.verify import read  # noqa: PLC0415

    return read(json.loads(json.dumps(asdict(certificate.model))), "double", text_of(certificate))


def exact(middle: Any) -> Fraction:
    """Value of a ball without radius."""
    mantissa, exponent = (int(part) for part in middle.man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent
