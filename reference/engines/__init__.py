"""Engines: small adapters that answer for a package that fits mixed models.

An engine is found through the entry-point group `relmer.engines`; each entry is a function without arguments that
returns the engine. A package of one's own joins by declaring such an entry point.
"""

from relmer.reference.engines.checks import checked
from relmer.reference.engines.child import MEMORY_BYTES, Child, plain_text, sendable, serve
from relmer.reference.engines.contract import UNDEFINED, Fitted
from relmer.reference.engines.declared import VARIABLE, Declaration
from relmer.reference.engines.errors import EngineError, EngineMissing, EngineUnsupported
from relmer.reference.engines.folders import remove_abandoned
from relmer.reference.engines.kin import ORIGINAL, Kin, kin_of
from relmer.reference.engines.protocol import (
    Engine,
    answer,
    engine,
    engine_names,
    installed,
    participant,
    version_names,
)

__all__ = [
    "MEMORY_BYTES",
    "ORIGINAL",
    "UNDEFINED",
    "VARIABLE",
    "Child",
    "Declaration",
    "Engine",
    "EngineError",
    "EngineMissing",
    "EngineUnsupported",
    "Fitted",
    "Kin",
    "answer",
    "checked",
    "engine",
    "engine_names",
    "installed",
    "kin_of",
    "participant",
    "plain_text",
    "remove_abandoned",
    "sendable",
    "serve",
    "version_names",
]
