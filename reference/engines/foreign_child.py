"""The program of the child process that runs an engine of another package: requests in, plain data out."""

import sys
from importlib.metadata import EntryPoint
from typing import Any

from relmer.datasets import Case, from_plain, to_plain
from relmer.reference.engines.checks import named_texts, stopped, texts
from relmer.reference.engines.child import serve
from relmer.reference.engines.errors import EngineError
from relmer.reference.engines.protocol import answer, made

met: dict[str, Any] = {}


def reply(request: dict[str, Any]) -> dict[str, Any]:
    """Answer one request; what the engine does wrong is raised as an `EngineError`, or ends this process."""
    match request["op"]:
        case "meet":
            return meet(request)
        case "answer":
            case_asked = from_plain(Case, request["case"], "case")
            told: dict[str, Any] = to_plain(answer(met["engine"], case_asked, request["thetas"], request["asked"]))
            return told
        case "available" | "version" as member:
            return {"said": text_of(member)}
        case "environment":
            return {"said": named_texts(said("environment"), "environment()")}
    raise EngineError(f"no operation {request['op']!r}")


def meet(request: dict[str, Any]) -> dict[str, Any]:
    """Load the engine, and tell what it declares, or why it is refused."""
    sys.path[:] = request["path"]
    try:
        found = made(EntryPoint(request["name"], request["value"], request["group"]))
        met["engine"] = found
        return {
            "name": request["name"],
            "called": shown(found.name),
            "house": shown(found.house),
            "witness_of": None if found.witness_of is None else shown(found.witness_of),
            "definition": bool(found.definition),
            "needs": texts(found.needs, "needs"),
            "capabilities": texts(found.capabilities, "capabilities"),
            "dialect": named_texts(getattr(found, "dialect", {}), "dialect"),
        }
    except EngineError as error:
        return {"refused": str(error)}


def shown(declared: object) -> str:
    """A text that is declared, or what stands in its place."""
    return declared[:1000] if isinstance(declared, str) else f"{type(declared).__name__}\n"


def text_of(member: str) -> str:
    """Text that a method gives."""
    found = said(member)
    if not isinstance(found, str):
        raise EngineError(f"{member}() must return a text, not {type(found).__name__}")
    return found


def said(member: str) -> object:
    """Call a method without arguments; whatever it raises is the engine's failure."""
    try:
        return getattr(met["engine"], member)()
    except BaseException as error:
        raise EngineError(stopped(error)) from error


if __name__ == "__main__":
    serve(reply)
