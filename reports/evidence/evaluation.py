"""The values at an engine's own theta: enclosed in ball arithmetic where python-flint is, else computed in doubles."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from importlib.util import find_spec
from typing import Any

import numpy as np

from relmer.datasets import case
from relmer.reference.certificates import Certificate, in_order, text_of
from relmer.reports.evidence import tolerances
from relmer.reports.evidence.landscape import Landscape, criterion_at, estimates_at, landscape

BALLS, DOUBLES = "ball arithmetic", "doubles"
# Of the balls: radii are then below 1e-29 of the values, for a precision in the data of 1e-16.
BITS = 128
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


@dataclass(frozen=True)
class Evaluator:
    """Evaluates a certified model at any theta.

    Attributes
    ----------
    certificate
        Whose model it is.
    view
        The criterion's landscape in doubles.
    data
        The data as the verifier reads them, None without python-flint.
    """

    certificate: Certificate
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
        if self.data is not None and (found := enclosed(self.certificate, self.data, theta)):
            return found
        said = estimates_at(self.view, theta) | {"criterion": np.array([criterion_at(self.view, theta)])}
        values = {name: tuple(map(Fraction, said[name].tolist())) for name in EVALUATED}
        return Evaluation(values, Fraction(tolerances.CRITERION * self.view.size), DOUBLES)


def evaluator_of(certificate: Certificate, view: Landscape | None = None) -> Evaluator:
    """Evaluator of a certified model; `view` is its landscape, if that is at hand."""
    data = None
    if find_spec("flint"):
        from relmer.reference.verify import read  # noqa: PLC0415

        data = read(json.loads(json.dumps(asdict(certificate.model))), "double", text_of(certificate))
    return Evaluator(certificate, view or landscape(case(certificate.case)), data)


def enclosed(certificate: Certificate, data: Any, theta: Sequence[float]) -> Evaluation | None:
    """Values at theta, proved by the verifier's own evaluation; None if theta is too large for its precision."""
    from relmer.reference.verify import evaluate, triangles  # noqa: PLC0415

    try:
        balls = evaluate(data, certificate.REML, triangles(data, theta), BITS)
    except ZeroDivisionError:
        return None
    if not all(ball.is_finite() for ball in balls.values()):
        return None
    values = in_order(certificate, {key: exact(ball.mid()) for key, ball in balls.items()})
    chosen = {name: values[name] for name in EVALUATED}
    return Evaluation(chosen, exact(balls["criterion"].rad()), BALLS)


def exact(middle: Any) -> Fraction:
    """Value of a ball without radius."""
    mantissa, exponent = (int(part) for part in middle.man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent
