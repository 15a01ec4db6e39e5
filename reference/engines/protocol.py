"""What an engine is, and how its pieces make an answer."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, cast

from relmer.datasets import Case, load
from relmer.reference.answers import Answer, CriterionValue, Data, Estimates, Model, Status
from relmer.reference.engines.child import plain_text
from relmer.reference.engines.errors import EngineError, EngineUnsupported
from relmer.solver.errors import ModelError

GROUP = "relmer.engines"
# This project's own house, whose definition all other engines are held against.
OWN_HOUSE = "relmer"
MEMBERS = (
    *("name", "house", "witness_of", "definition", "needs", "capabilities"),
    *("available", "version", "environment"),
)


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
    house
        Whose program it is, such as "lme4": the name of the engine that is this program as its users call it.
    witness_of
        The house, its own, for which it speaks where other engines of the house stop early: it searches with every
        tolerance tight, by more than one optimiser. None if it is no such engine.
    definition
        Whether it is the definition that all others are held against: one engine of this project is.
    needs
        What must be installed for it to run, in short phrases.
    capabilities
        Any of "stages", "criterion" and "fit".
    """

    @property
    def name(self) -> str:
        """Name of the engine."""

    @property
    def house(self) -> str:
        """Whose program it is."""

    @property
    def witness_of(self) -> str | None:
        """The house for which it speaks."""

    @property
    def definition(self) -> bool:
        """Whether it is the definition."""

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be installed."""

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


def installed() -> tuple[Engine, ...]:
    """The engines that can be made: this project's own first, with the definition as the last of them."""
    found: dict[str, Engine] = {}
    for entry in entry_points(group=GROUP):
        with suppress(EngineError):
            found.setdefault(entry.name, made(entry))
    return tuple(sorted(found.values(), key=lambda one: (one.house != OWN_HOUSE, one.definition, one.name)))


def engine_names() -> tuple[str, ...]:
    """Names of all engines that are declared, this project's own first; those that cannot be made come last.

    Examples
    --------
    >>> engine_names()[:6]
    ('pls', 'qr', 'gls', 'lme4', 'lme4-bobyqa', 'lme4-tight')
    """
    usable = [one.name for one in installed()]
    return (*usable, *sorted({entry.name for entry in entry_points(group=GROUP)}.difference(usable)))


def engine(name: str) -> Engine:
    """Find the engine of that name.

    Raises
    ------
    EngineError
        No installed package declares it, or what it declares is no engine.
    """
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            return made(entry)
    raise EngineError(f"engine {name!r:.60} is not known; choose from {', '.join(engine_names())}")


def made(entry: EntryPoint) -> Engine:
    """Make the engine of an entry point, which anybody may have declared.

    Raises
    ------
    EngineError
        It cannot be loaded, lacks a member, or speaks for more than it may.
    """
    named = f"engine {entry.name!r:.60} ({entry.value:.100})"
    try:
        found = entry.load()()
    except Exception as error:
        reason = plain_text(f"{type(error).__name__}: {error}", 200)
        raise EngineError(f"{named} cannot be loaded, mend or remove it: {reason}") from error
    for member in (*MEMBERS, *sorted(getattr(found, "capabilities", ()))):
        if not hasattr(found, member):
            raise EngineError(f"{named} has no member {member!r}; give it one, see Engine in {__name__}")
    if found.name != entry.name:
        raise EngineError(f"{named} calls itself {found.name!r:.60}; its name must be that of its entry point")
    if found.witness_of not in (None, found.house):
        raise EngineError(
            f"{named} of house {found.house!r:.60} speaks for {found.witness_of!r:.60}; "
            "its witness_of must be its own house or None"
        )
    if found.definition and found.house != OWN_HOUSE:
        raise EngineError(f"{named} of house {found.house!r:.60} is no definition; its definition must be False")
    return cast(Engine, found)


def answer(engine: Engine, case: Case, thetas: Sequence[Sequence[float]]) -> Answer:
    """Ask an engine all that it can say about a case; what goes wrong becomes the answer's status and message.

    The criterion is asked at the given theta, and at the engine's own optimum.
    """
    named = partial(Answer, case=case.name, engine=engine.name)
    try:
        version, environment = engine.version(), dict(engine.environment())
    except EngineError as error:
        return named(version="", status=Status.FAILED, message=str(error))
    try:
        data, model = engine.stages(case) if "stages" in engine.capabilities else (None, None)
        fitted = engine.fit(case) if "fit" in engine.capabilities else None
        own = [fitted.estimates.theta] if fitted else []
        asked = list(dict.fromkeys(tuple(map(float, theta)) for theta in [*thetas, *own]))
        values = engine.criterion(case, asked) if "criterion" in engine.capabilities else ()
    except EngineUnsupported as error:
        return named(version=version, status=Status.UNSUPPORTED, message=str(error), environment=environment)
    except (EngineError, ModelError) as error:
        return named(version=version, status=Status.FAILED, message=str(error), environment=environment)
    return named(
        version=version,
        status=Status.FITTED,
        environment=environment,
        dataset_sha256=load(case.dataset).sha256,
        data=data,
        model=model,
        criterion=tuple(CriterionValue(theta, value) for theta, value in zip(asked, values, strict=False)),
        estimates=fitted.estimates if fitted else None,
        warnings=fitted.warnings if fitted else (),
    )
