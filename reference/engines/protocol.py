"""What an engine is, and how its pieces make an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import entry_points
from typing import Protocol, cast

from relmer.datasets import Case, load
from relmer.reference.answers import Answer, CriterionValue, Data, Estimates, Model
from relmer.reference.engines.errors import EngineError, EngineUnsupported
from relmer.solver.errors import ModelError

GROUP = "relmer.engines"


@dataclass(frozen=True)
class Fitted:
    """What `fit` returns: the estimates, what the engine said meanwhile, how often it evaluated its criterion."""

    estimates: Estimates
    warnings: tuple[str, ...] = ()
    evaluations: int | None = None


class Engine(Protocol):
    """An adapter to one package that fits mixed models.

    Attributes
    ----------
    name
        How the command line and the reports call it.
    capabilities
        Any of "stages", "criterion" and "fit".
    """

    @property
    def name(self) -> str:
        """Name of the engine."""

    @property
    def capabilities(self) -> frozenset[str]:
        """What it can be asked."""

    def available(self) -> str:
        """Nothing if the engine can run here, else one line that says what to install."""

    def version(self) -> str:
        """Version of the package."""

    def environment(self) -> Mapping[str, str]:
        """Versions and platform that a repeat would need."""

    def stages(self, case: Case) -> tuple[Data, Model]:
        """Rungs 1 and 2: what it saw and what it built."""

    def criterion(self, case: Case, thetas: Sequence[Sequence[float]]) -> tuple[float, ...]:
        """Rung 3: its criterion at the given theta."""

    def fit(self, case: Case) -> Fitted:
        """Rungs 4 and 5: its estimates."""


def engine_names() -> tuple[str, ...]:
    """Names of the engines that are installed, this project's own first.

    Examples
    --------
    >>> {"pls", "qr", "gls", "lme4", "lme4-bobyqa", "lme4-tight"} <= set(engine_names())
    True
    """
    own = ("pls", "qr", "gls")
    found = {entry.name for entry in entry_points(group=GROUP)}
    return (*(name for name in own if name in found), *sorted(found.difference(own)))


def engine(name: str) -> Engine:
    """Find the engine of that name.

    Raises
    ------
    EngineError
        No installed package declares it.
    """
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            return cast(Engine, entry.load()())
    raise EngineError(f"engine {name!r:.60} is not known; choose from {', '.join(engine_names())}")


def answer(engine: Engine, case: Case, thetas: Sequence[Sequence[float]]) -> Answer:
    """Ask an engine all that it can say about a case; what goes wrong becomes the answer's status and message.

    The criterion is asked at the given theta, and at the engine's own optimum.
    """
    named = partial(Answer, case=case.name, engine=engine.name)
    try:
        version, environment = engine.version(), dict(engine.environment())
    except EngineError as error:
        return named(version="", status="failed", message=str(error))
    try:
        data, model = engine.stages(case) if "stages" in engine.capabilities else (None, None)
        fitted = engine.fit(case) if "fit" in engine.capabilities else None
        own = [fitted.estimates.theta] if fitted else []
        asked = list(dict.fromkeys(tuple(map(float, theta)) for theta in [*thetas, *own]))
        values = engine.criterion(case, asked) if "criterion" in engine.capabilities else ()
    except EngineUnsupported as error:
        return named(version=version, status="unsupported", message=str(error), environment=environment)
    except (EngineError, ModelError) as error:
        return named(version=version, status="failed", message=str(error), environment=environment)
    return named(
        version=version,
        status="fitted",
        environment=environment,
        dataset_sha256=load(case.dataset).sha256,
        data=data,
        model=model,
        criterion=tuple(CriterionValue(theta, value) for theta, value in zip(asked, values, strict=False)),
        estimates=fitted.estimates if fitted else None,
        warnings=fitted.warnings if fitted else (),
    )
