"""Engines: small adapters that answer for a package that fits mixed models.

An engine is found through the entry-point group `relmer.engines`; each entry is a function without arguments that
returns the engine. A package of one's own joins by declaring such an entry point.
"""

from relmer.reference.engines.checks import checked
from relmer.reference.engines.child import MEMORY_BYTES, Child, ended_from_outside, plain_text, sendable, serve
from relmer.reference.engines.contract import UNDEFINED, Fitted
from relmer.reference.engines.declared import VARIABLE, Declaration, declarations
from relmer.reference.engines.errors import EngineError, EngineMissing, EngineUnsupported
from relmer.reference.engines.folders import remove_abandoned, temporary_folder
from relmer.reference.engines.kin import INVERSE, ORIGINAL, SEARCHED, Kin, kin_of
from relmer.reference.engines.protocol import (
    Engine,
    answer,
    engine,
    engine_names,
    installed,
    participant,
    peer_names,
    tester_names,
    version_names,
)
from relmer.reference.engines.told import Columns, Told, columns_of, estimates_of, places, theta_of_G

__all__ = [
    "INVERSE",
    "MEMORY_BYTES",
    "ORIGINAL",
    "SEARCHED",
    "UNDEFINED",
    "VARIABLE",
    "Child",
    "Columns",
    "Declaration",
    "Engine",
    "EngineError",
    "EngineMissing",
    "EngineUnsupported",
    "Fitted",
    "Kin",
    "Told",
    "answer",
    "checked",
    "columns_of",
    "declarations",
    "ended_from_outside",
    "engine",
    "engine_names",
    "estimates_of",
    "installed",
    "kin_of",
    "participant",
    "peer_names",
    "places",
    "plain_text",
    "remove_abandoned",
    "sendable",
    "serve",
    "temporary_folder",
    "tester_names",
    "theta_of_G",
    "version_names",
]
