"""What an engine is, how it is found, and how its pieces make an answer."""

import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, cast

from relmer.datasets import Case, load
from relmer.reference.answers import Answer, CriterionValue, Data, Estimates, Inference, Model, Status
from relmer.reference.engines.checks import (
    clean,
    named_texts,
    plain_criterion,
    plain_estimates,
    plain_figures,
    plain_inference,
    plain_stages,
    stopped,
    texts,
    well_formed,
)
from relmer.reference.engines.child import plain_text
from relmer.reference.engines.contract import CAPABILITIES, OWN_HOUSE, Fitted
from relmer.reference.engines.declared import Declaration, declarations, recorded_versions
from relmer.reference.engines.errors import EngineError, EngineUnsupported
from relmer.reference.engines.foreign import Foreign
from relmer.reference.own_fits import sizes_of
from relmer.solver.errors import ModelError

GROUP = "relmer.engines"
Entry = EntryPoint | Declaration
# This project's adapters to other people's packages: they take part where they are named.
PEERS = ("relmer.reference.engines.peers.", "relmer.reference.engines.r.guests")
# The packages that conclude from lme4's fits: they take part where they are named, too.
TESTERS = ("relmer.reference.engines.r.testers",)
MEMBERS = (
    *("name", "house", "witness_of", "definition", "needs", "capabilities"),
    *("available", "version", "environment"),
)


class Engine(Protocol):
    """An adapter to one package that fits mixed models.

    An engine may declare `dialect` as well: texts by name, such as {"order of text levels": "by locale"}, on what its
    models mean otherwise than lme4's. docs/engines.md has the orders, the lengths and the errors.

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

    def stages(self, case: Case) -> tuple[Data | None, Model | None]:
        """Rungs 1 and 2: what it saw and what it built."""

    def criterion(self, case: Case, thetas: Sequence[Sequence[float]]) -> tuple[float | None, ...]:
        """Rung 3: its criterion at the given theta, None or UNDEFINED where it is not defined."""

    def fit(self, case: Case) -> Fitted:
        """Rungs 4 and 5: its estimates."""


def installed() -> tuple[Engine, ...]:
    """The engines that can be made: this project's own first, with the definition as the last of them."""
    found = (made for made in roster().values() if not isinstance(made, EngineError))
    return tuple(sorted(found, key=lambda one: (one.house != OWN_HOUSE, one.definition, one.name)))


def engine_names() -> tuple[str, ...]:
    """Names of all engines that are declared, this project's own first; those that cannot be made come last.

    Examples
    --------
    >>> engine_names()[:6]
    ('pls', 'qr', 'gls', 'lme4', 'lme4-bobyqa', 'lme4-tight')
    """
    usable = [one.name for one in installed()]
    return (*usable, *sorted(roster().keys() - {*usable}))


def version_names() -> tuple[str, ...]:
    """Names of the engines of which there are only recordings, of a version each: they are judged where asked for."""
    here = {entry.name for entry in _entries()}
    return tuple(one.name for one in recorded_versions() if one.name not in here)


def peer_names() -> tuple[str, ...]:
    """Names of this project's adapters to other people's packages, installed here or not.

    Examples
    --------
    >>> "statsmodels" in peer_names()
    True
    """
    return tuple(sorted({entry.name for entry in _entries() if is_peer(entry)}))


def tester_names() -> tuple[str, ...]:
    """Names of the packages that conclude from lme4's fits.

    Examples
    --------
    >>> tester_names()
    ('lme4-profile', 'lmertest', 'pbkrtest')
    """
    found = {entry.name for entry in _entries() if str(getattr(entry, "module", "")).startswith(TESTERS)}
    return tuple(sorted(found))


def engine(name: str) -> Engine:
    """Find the engine of that name.

    Raises
    ------
    EngineError
        No installed package declares it, or what it declares is no engine.
    """
    declared = _declared(name)
    if not declared:
        known = ", ".join([*engine_names(), *tester_names(), *peer_names()])
        raise EngineError(f"engine {name!r:.60} is not known; choose from {known}")
    found = of_name(declared)
    if isinstance(found, Foreign) and found.witness_of is not None:
        found = roster()[name]
    if isinstance(found, EngineError):
        raise EngineError(str(found))
    return found


class Refused:
    """An engine that is declared and cannot be made: it takes part, and fails every case with the reason."""

    witness_of = None
    definition = False
    needs = ()
    capabilities = frozenset(CAPABILITIES)

    def __init__(self, name: str, reason: str) -> None:
        self.name = self.house = name
        self.reason = reason

    def available(self) -> str:
        """Nothing: it would have to be here."""
        return ""

    def _refuse(self, *asked: object) -> Any:
        raise EngineError(self.reason)

    version = environment = stages = criterion = fit = _refuse


def participant(name: str) -> Engine:
    """Find the engine of that name; one that is declared and cannot be made is one that fails.

    Raises
    ------
    EngineError
        No installed package declares it.
    """
    try:
        return engine(name)
    except EngineError as error:
        if not _declared(name):
            raise
        return Refused(name, str(error))


def roster() -> dict[str, Engine | EngineError]:
    """All engines that are declared, by name, or why they are none.

    What this project declares comes before what others do: a name, and the right to speak for a house, are not taken
    from it. Where others contradict each other, neither has what both claim.
    """
    names = sorted({entry.name for entry in _entries()} - {*peer_names(), *tester_names()})
    with ThreadPoolExecutor() as pool:
        found = dict(zip(names, pool.map(of_name, map(_declared, names)), strict=True))
    speaking: dict[str, list[Engine]] = {}
    for one in found.values():
        if not isinstance(one, EngineError) and one.witness_of is not None:
            speaking.setdefault(one.witness_of, []).append(one)
    for house, several in speaking.items():
        for one in several:
            others = ", ".join(other.name for other in several if other is not one)
            if others and isinstance(one, Foreign):
                found[one.name] = EngineError(
                    f"engine {one.name!r:.60} speaks for {house}, and so does {others}; remove one"
                )
    return found


def is_ours(declared: Entry | type) -> bool:
    """Whether an engine is this project's own work: it runs in this process, or sees to a child itself."""
    module = declared.module if isinstance(declared, EntryPoint) else getattr(declared, "__module__", "")
    return str(module).partition(".")[0] == "relmer"


def _entries() -> tuple[Entry, ...]:
    """What packages declare, and what the file of one's own engines does."""
    return (*_packages(entry_points, tuple(sys.path)), *declarations())


@lru_cache(maxsize=8)
def _packages(look: Callable[..., Iterable[EntryPoint]], path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """What the packages on the path declare: looked for once, as every one of them is opened."""
    return tuple(map(_standard, look(group=GROUP)))


def _standard(entry: EntryPoint) -> EntryPoint:
    """The entry point as the standard library's: once anybody imports importlib_metadata, that gives its own class."""
    backport = type(entry).__module__.partition(".")[0] == "importlib_metadata"
    return EntryPoint(entry.name, entry.value, entry.group) if backport else entry


def is_peer(declared: Entry) -> bool:
    """Whether an entry point is an adapter of this project to another package."""
    return str(getattr(declared, "module", "")).startswith(PEERS)


def _declared(name: str) -> tuple[Entry, ...]:
    """What is declared under that name, which differs; one of this project comes alone, recordings where none does."""
    entries = {entry.value: entry for entry in _entries() if entry.name == name}.values()
    ours = tuple(entry for entry in entries if is_ours(entry)) or tuple(entries)
    return ours or tuple(one for one in recorded_versions() if one.name == name)


def of_name(declared: Sequence[Entry]) -> Engine | EngineError:
    """The engine of the entry points of one name, or why it cannot be had; one of another package is asked once.

    What only looks like an entry point, as a test makes it, names no module that a child could import: it is made here.
    """
    first = declared[0]
    if len(declared) > 1:
        values = " and ".join(sorted(f"{entry.value:.100}" for entry in declared))
        return EngineError(f"engine {first.name!r:.60} is declared twice, as {values}; remove one")
    if isinstance(first, Declaration) and first.python:
        return _foreign(first.name, first.python, (first.folder, *sys.path))
    here = is_ours(first) or not isinstance(first, EntryPoint)
    return _here(first) if here else _foreign(first.name, first.value, tuple(sys.path))


def _here(entry: Entry) -> Engine:
    """The engine of an entry point of this project; a package that it adapts is imported in a child alone."""
    found = made(entry)
    return _guest(entry.name, entry.value, tuple(sys.path)) if getattr(found, "in_child", False) else found


@lru_cache(maxsize=32)
def _guest(name: str, value: str, path: tuple[str, ...]) -> Engine:
    entry = EntryPoint(name, value, GROUP)
    return Foreign(entry, made(entry))


@lru_cache(maxsize=128)
def _foreign(name: str, value: str, path: tuple[str, ...]) -> Engine | EngineError:
    try:
        return Foreign(EntryPoint(name, value, GROUP), path=path)
    except EngineError as error:
        return error


def made(entry: Entry) -> Engine:
    """Make the engine of an entry point in this process.

    Raises
    ------
    EngineError
        It cannot be loaded, or lacks a member.
    """
    named = f"engine {entry.name!r:.60} ({entry.value:.100})"
    try:
        found = entry.load()()
        members = (*MEMBERS, *sorted(getattr(found, "capabilities", ())))
        missing = next((member for member in members if not hasattr(found, member)), None)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise EngineError(f"{named} cannot be loaded, mend or remove it: {plain_text(stopped(error), 200)}") from error
    if missing is not None:
        raise EngineError(f"{named} has no member {missing!r:.60}; give it one, see Engine in {__name__}")
    return cast(Engine, found)


def answer(
    engine: Engine,
    case: Case,
    thetas: Sequence[Sequence[float]],
    asked: Collection[str] = CAPABILITIES,
    seconds: float | None = None,
) -> Answer:
    """Ask an engine all that it can say about a case; what goes wrong becomes the answer's status and message.

    The criterion is asked at the given theta, and at the engine's own optimum. Whatever the engine raises, and
    whatever it returns that is no answer, is its failure. An engine of another package has so many `seconds`.
    """
    known: dict[str, Any] = {"version": ""}
    try:
        if isinstance(engine, Foreign):
            return engine.answer(case, thetas, tuple(asked), seconds)
        (known["version"],) = texts(engine.version(), "version()")
        known["environment"] = named_texts(engine.environment(), "environment()")
        return clean(well_formed(_pieces(engine, case, thetas, asked, known)))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        refused = isinstance(error, EngineUnsupported) or (isinstance(error, ModelError) and is_ours(type(engine)))
        status = Status.UNSUPPORTED if refused else Status.FAILED
        said = str(error) if isinstance(error, ModelError) else stopped(error)
        does = engine.capabilities.intersection(asked)
        known.setdefault("failed_in", next(iter(does)) if len(does) == 1 else "")
        failed = Answer(case=case.name, engine=engine.name, status=status, message=said, **known)
        return clean(failed)


def _pieces(
    engine: Engine, case: Case, thetas: Sequence[Sequence[float]], asked: Collection[str], known: dict[str, Any]
) -> Answer:
    """The answer of an engine that gives one, each piece checked as it comes; what is `known` outlives a failed fit."""
    does = engine.capabilities.intersection(asked)
    if "stages" in does:
        known["failed_in"] = "stages"
        known["data"], known["model"] = plain_stages(engine.stages(case))
    known["failed_in"] = "fit" if "fit" in does else "criterion"
    fitted = engine.fit(case) if "fit" in does else None
    if "fit" in does and not isinstance(fitted, Fitted):
        raise EngineError(f"fit() must return a Fitted, not {type(fitted).__name__}")
    estimates, figures, inference = told_by(fitted, case) if fitted else (None, {}, None)
    at = [tuple(map(float, theta)) for theta in thetas] + ([estimates.theta] if estimates else [])
    at = list(dict.fromkeys(at))
    known["failed_in"] = "criterion"
    values = plain_criterion(engine.criterion(case, at), at) if "criterion" in does else ()
    del known["failed_in"]
    return Answer(
        case=case.name,
        engine=engine.name,
        status=Status.FITTED,
        dataset_sha256=load(case.dataset).sha256,
        criterion=tuple(map(CriterionValue, at, values)) if "criterion" in does else (),
        estimates=estimates,
        figures=figures,
        inference=inference,
        warnings=texts(fitted.warnings, "warnings") if fitted else (),
        **known,
    )


def told_by(fitted: Fitted, case: Case) -> tuple[Estimates | None, dict[str, str], Inference | None]:
    """Estimates as a whole, or the figures that stand in their place; and what is concluded, which may stand alone."""
    figures = plain_figures(fitted.figures) if fitted.estimates is None and fitted.figures else {}
    alone = fitted.estimates is None and (figures or fitted.inference is not None)
    estimates = None if alone else plain_estimates(fitted.estimates, *sizes_of(case))
    inference = None if fitted.inference is None else plain_inference(fitted.inference, estimates)
    return estimates, figures, inference
