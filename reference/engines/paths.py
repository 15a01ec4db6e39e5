"""This project's three solver paths as engines."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from relmer.datasets import Case
from relmer.reference.answers import Data, Model
from relmer.reference.engines.contract import OWN_HOUSE, Fitted
from relmer.reference.engines.errors import EngineError, EngineUnsupported
from relmer.reference.own_fits import design_of, estimates, fit_of, is_small, stages_of
from relmer.reference.own_inference import inference_of
from relmer.solver.errors import ModelError
from relmer.solver.model import checked_theta
from relmer.solver.paths import criterion, prepare, solve_at


class Path:
    """One solver path.

    Parameters
    ----------
    name
        "pls", "qr" or "gls".
    definition
        Whether it is the definition.
    """

    house = OWN_HOUSE
    witness_of = None
    needs = ()
    capabilities = frozenset({"stages", "criterion", "fit"})

    def __init__(self, name: str, definition: bool = False) -> None:
        self.name = name
        self.definition = definition

    def available(self) -> str:
        """Nothing: the solver is always here."""
        return ""

    def version(self) -> str:
        """Version of relmer."""
        return version("relmer")

    def environment(self) -> Mapping[str, str]:
        """Versions of Python, numpy and scipy, and the platform."""
        return {
            "Python": platform.python_version(),
            "numpy": version("numpy"),
            "scipy": version("scipy"),
            "platform": f"{platform.system()} {platform.machine()}",
        }

    def stages(self, case: Case) -> tuple[Data, Model]:
        """What the solver saw and built."""
        design = design_of(case)
        if self.definition and not is_small(design):
            raise EngineUnsupported(
                f"{self.name}: V of {len(design.y)} rows, written out, takes too long for {case.name}"
            )
        return stages_of(design)

    def criterion(self, case: Case, thetas: Sequence[Sequence[float]]) -> tuple[float | None, ...]:
        """The path's criterion at the given theta; none where so large a theta leaves it no digits."""
        prepared = prepare(design_of(case), self.name)

        def at(theta: Sequence[float]) -> float | None:
            checked_theta(prepared.design.terms, theta)
            try:
                return criterion(prepared.design, solve_at(prepared, theta), case.reml)
            except ModelError:
                return None

        return tuple(map(at, thetas))

    def fit(self, case: Case) -> Fitted:
        """The path's fit."""
        fit = fit_of(case, self.name)
        if not fit.optimum.converged:
            raise EngineError(f"{self.name}: the search of {case.name} did not converge: {fit.optimum.ending}")
        return Fitted(estimates(fit), evaluations=fit.optimum.evaluations, inference=inference_of(fit))


def pls() -> Path:
    """Sparse penalized least squares."""
    return Path("pls")


def qr() -> Path:
    """Wood's QR of Z."""
    return Path("qr")


def gls() -> Path:
    """The definition, V written out."""
    return Path("gls", definition=True)
