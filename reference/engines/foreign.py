"""An engine of somebody else's, in a child process of its own: whatever it does there is its verdict.

This project's own adapters to other people's packages are asked in the same way: what they declare is known here, the
package is imported in the child.

The parent imports nothing of it. It asks the child who the engine is, and for answers, which come as plain data: they
are checked against the records' own types, their lengths and numbers are checked, their texts are cleaned and cut.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import Any

from relmer.datasets import Case, from_plain, load, to_plain
from relmer.reference.answers import Answer, Data, Model, Status
from relmer.reference.engines.checks import clean, guarded, named_texts, texts, well_formed
from relmer.reference.engines.child import Child, plain_text
from relmer.reference.engines.contract import CAPABILITIES, OWN_HOUSE, Fitted
from relmer.reference.engines.errors import EngineError, EngineUnsupported, TimedOut

PROGRAM = ("-m", "relmer.reference.engines.foreign_child")
MEMORY_BYTES, MESSAGE_BYTES = 4 * 2**30, 2**27
# For one answer, and for what an engine says of itself. So many answers in a row that never come end the questions.
SECONDS, MEETING_SECONDS, PATIENCE = 120.0, 60.0, 2


class Foreign:
    """An engine that another package declares.

    Parameters
    ----------
    entry
        Its entry point; the child loads it.
    adapter
        The engine itself where it is an adapter of this project, which knows what it declares, whether its package is
        installed and in which version, without importing it.
    path
        Where the child looks for modules; not given, where this process does.

    Raises
    ------
    EngineError
        It cannot be loaded, lacks a member, or speaks for more than it may; one line.
    """

    def __init__(self, entry: EntryPoint, adapter: Any = None, path: Sequence[str] = ()) -> None:
        self.name = entry.name
        self._adapter = adapter
        self._late = 0
        self._child = Child(entry.name, PROGRAM, memory_bytes=MEMORY_BYTES, message_bytes=MESSAGE_BYTES)
        self._met = 0
        self._introduction = {
            "op": "meet",
            "name": entry.name,
            "value": entry.value,
            "group": entry.group,
            "path": list(path or sys.path),
        }
        told = self._declared() if adapter is None else declared_by(adapter)
        self.house, self.witness_of = str(told["house"]), told["witness_of"]
        self.definition = False
        self.needs = texts(told["needs"], "needs")
        self.capabilities = frozenset(texts(told["capabilities"], "capabilities"))
        self.dialect = named_texts(told["dialect"], "dialect")

    def _declared(self) -> dict[str, Any]:
        """What the engine declares; it ends its child where that is not to be believed."""
        named = f"engine {self.name!r:.60} ({self._introduction['value']:.100})"
        try:
            told = self._meet()
        except EngineError as error:
            self.close()
            raise EngineError(f"{named} cannot be loaded, mend or remove it: {error}") from None
        refusal = str(told["refused"]) if "refused" in told else f"{named} {fault}" if (fault := fault_of(told)) else ""
        if refusal:
            self.close()
            raise EngineError(plain_text(refusal))
        return told

    def close(self) -> None:
        """End the child process; a later question starts another."""
        self._child.close()

    def available(self) -> str:
        """Nothing if the engine can run here, else one line that says what to install."""
        return plain_text(str(self._asked("available") if self._adapter is None else self._adapter.available()))

    def version(self) -> str:
        """Version of the package."""
        return plain_text(str(self._asked("version") if self._adapter is None else self._adapter.version()), 100)

    def environment(self) -> Mapping[str, str]:
        """Versions and platform that a repeat would need."""
        told = self._asked("environment") if self._adapter is None else self._adapter.environment()
        return named_texts(told, "environment()")

    def stages(self, case: Case) -> tuple[Data | None, Model | None]:
        """Rungs 1 and 2: what it saw and what it built."""
        said = self._fitted(case, (), ["stages"])
        return said.data, said.model

    def criterion(self, case: Case, thetas: Sequence[Sequence[float]]) -> tuple[float | None, ...]:
        """Rung 3: its criterion at the given theta."""
        found = {point.theta: point.value for point in self._fitted(case, thetas, ["criterion"]).criterion}
        return tuple(found[tuple(map(float, theta))] for theta in thetas)

    def fit(self, case: Case) -> Fitted:
        """Rungs 4 and 5: its estimates."""
        said = self._fitted(case, (), ["fit"])
        return Fitted(said.estimates, said.warnings, figures=said.figures)

    def answer(
        self, case: Case, thetas: Sequence[Sequence[float]], asked: Sequence[str], seconds: float | None = None
    ) -> Answer:
        """All that was asked of it about a case, within so many seconds.

        Raises
        ------
        EngineError
            It crashed, hung, or what it said is no answer.
        """
        if self._late >= PATIENCE:
            raise EngineError(f"{self.name}: not asked, it left {PATIENCE} cases in a row without an answer in time")
        message = {"op": "answer", "case": to_plain(case), "thetas": [list(theta) for theta in thetas]}
        try:
            said = self._request({**message, "asked": list(asked)}, seconds or SECONDS)
        except TimedOut:
            self._late += 1
            raise
        self._late = 0
        found = guarded(lambda: from_plain(Answer, said, "answer"))
        assert isinstance(found, Answer)
        found = clean(well_formed(found))
        if found.status is Status.FITTED and found.dataset_sha256 != load(case.dataset).sha256:
            raise EngineError(f"{self.name}: its child process read other data than {case.dataset}")
        return replace(found, case=case.name, engine=self.name, recorded=False)

    def _fitted(self, case: Case, thetas: Sequence[Sequence[float]], asked: Sequence[str]) -> Answer:
        said = self.answer(case, thetas, asked)
        if said.status is not Status.FITTED:
            raise (EngineUnsupported if said.status is Status.UNSUPPORTED else EngineError)(said.message)
        return said

    def _asked(self, member: str) -> Any:
        return self._request({"op": member}, MEETING_SECONDS).get("said")

    def _meet(self) -> dict[str, Any]:
        told = self._child.request(self._introduction, MEETING_SECONDS)
        self._met = self._child.starts
        return told

    def _request(self, message: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Ask the child, which is introduced to the engine anew if it is a new one."""
        if self._child.process_id is None or self._met != self._child.starts:
            told = self._meet()
            if "refused" in told:
                raise EngineError(plain_text(str(told["refused"])))
        return self._child.request(message, seconds)


def declared_by(adapter: Any) -> dict[str, Any]:
    """What an adapter of this project declares."""
    return {key: getattr(adapter, key) for key in ("house", "witness_of", "needs", "capabilities", "dialect")}


def fault_of(told: Mapping[str, Any]) -> str:
    """What is wrong with what an engine declares; nothing if it may be."""
    name, called, house, witness = (told.get(key) for key in ("name", "called", "house", "witness_of"))
    unknown = sorted({*told.get("capabilities", ())} - {*CAPABILITIES})
    faults = {
        f"calls itself {called!r:.60}; its name must be that of its entry point": called != name,
        f"has the house {house!r:.60}; name it in one line of at most 100 characters": not (
            isinstance(house, str) and house and house == plain_text(house, 100)
        ),
        f"is not of house {OWN_HOUSE!r}, which is this project's own; name another house": house == OWN_HOUSE,
        f"of house {house!r:.60} speaks for {witness!r:.60}; its witness_of must be its own house or None": (
            witness not in (None, house)
        ),
        f"of house {house!r:.60} is no definition; its definition must be False": bool(told.get("definition")),
        f"has capabilities {', '.join(unknown):.60}; choose from {', '.join(CAPABILITIES)}": bool(unknown),
    }
    return next((fault for fault, found in faults.items() if found), "")
