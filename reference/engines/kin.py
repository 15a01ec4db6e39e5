"""Whose program every engine is, and who speaks for whom: what the engines declare, never what they are called."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from relmer.reference.engines.contract import OWN_HOUSE
from relmer.reference.engines.errors import EngineError

# The house whose program the documents print, and which this project's own paths are held against.
ORIGINAL = "lme4"
# The engines of which this project keeps what they returned, one answer for each case.
RECORDED = ("lme4", "lme4-bobyqa", "lme4-tight")
# The entry of a dialect that names what a program searches for, where that is more than theta.
SEARCHED = "searched for"
# The entry of a dialect of a program that works with the inverse of G.
INVERSE = "inverse of G"


class Declared(Protocol):
    """What an engine declares of its kinship."""

    @property
    def name(self) -> str:
        """Name of the engine."""

    @property
    def house(self) -> str:
        """Whose program it is."""

    @property
    def witness_of(self) -> str | None:
        """The house that it speaks for."""

    @property
    def definition(self) -> bool:
        """Whether all others are held against it."""


@dataclass(frozen=True)
class Kin:
    """The houses of some engines.

    Attributes
    ----------
    houses
        House by engine, in the order of the engines.
    witnesses
        By house, the engine that speaks for it.
    definition
        The engine that all others are held against.
    unprofiled
        The engines that search for beta and sigma too, which others profile: their dialect says so.
    inverting
        The engines that work with the inverse of G: their dialect says so.
    """

    houses: Mapping[str, str]
    witnesses: Mapping[str, str]
    definition: str
    unprofiled: frozenset[str] = frozenset()
    inverting: frozenset[str] = frozenset()

    def is_own(self, engine: str) -> bool:
        """Whether an engine is this project's own."""
        return self.houses[engine] == OWN_HOUSE

    def witness(self, engine: str) -> str | None:
        """The engine that speaks for the house of an engine; None if none does."""
        return self.witnesses.get(self.houses[engine])

    def recordings(self, engine: str) -> tuple[str, ...]:
        """The engines of the house whose recordings this project keeps: only what these show excuses another of it.

        An engine that calls itself one of a house, or brings a witness of its own, has nothing to show here; so that
        its stop is as harmless as the recorded one of the same case, or it is not.
        """
        return tuple(name for name in RECORDED if self.houses.get(name) == self.houses[engine])

    def peers(self, engine: str) -> tuple[str, ...]:
        """Whom an engine may be held against, the best first: the definition, or the original for our own paths."""
        if self.is_own(engine):
            tight = self.witnesses.get(ORIGINAL)
            return (ORIGINAL,) if tight is None else (tight, ORIGINAL)
        own = [name for name in self.houses if self.is_own(name) and name != self.definition]
        return (self.definition, *own)

    def witnesses_for(self, engines: Iterable[str]) -> tuple[str, ...]:
        """Who must be heard to judge some engines.

        The definition, a path of this project that takes models of any size, and who speaks for the original or for
        their houses.
        """
        houses = dict.fromkeys([ORIGINAL, *(self.houses[engine] for engine in engines)])
        own = [name for name in self.houses if self.is_own(name) and name != self.definition]
        return (self.definition, *own[:1], *(self.witnesses[house] for house in houses if house in self.witnesses))


def kin_of(engines: Iterable[Declared]) -> Kin:
    """Gather what engines declare.

    Raises
    ------
    EngineError
        Two speak for one house, or there is not one definition.
    """
    listed = tuple(engines)
    houses = {engine.name: engine.house for engine in listed}
    witnesses: dict[str, str] = {}
    for engine in listed:
        if engine.witness_of is not None:
            first = witnesses.setdefault(engine.witness_of, engine.name)
            if first != engine.name:
                raise EngineError(f"engines {first} and {engine.name} both speak for {engine.witness_of}; remove one")
    definitions = [engine.name for engine in listed if engine.definition]
    if len(definitions) != 1:
        raise EngineError(f"one engine must be the definition, not {', '.join(definitions) or 'none'}")
    dialects = {engine.name: getattr(engine, "dialect", {}) for engine in listed}
    return Kin(
        houses=houses,
        witnesses=witnesses,
        definition=definitions[0],
        unprofiled=frozenset(name for name, dialect in dialects.items() if SEARCHED in dialect),
        inverting=frozenset(name for name, dialect in dialects.items() if INVERSE in dialect),
    )
