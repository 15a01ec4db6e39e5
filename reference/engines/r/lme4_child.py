"""The program of the child process that runs lme4: requests in, calls of the functions in lme4.R out."""

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from relmer.reference.engines import EngineError, EngineUnsupported, serve

SOURCE = Path(__file__).with_name("lme4.R")
SEARCHES = {"default": "fit_default", "tight": "fit_tight"}


@functools.cache
def functions() -> Callable[..., Any]:
    """The functions of lme4.R by name; the first call starts R."""
    from relmer.reference.engines.r import embedded_r  # noqa: PLC0415  a failure to load R is an answer

    return embedded_r.start(SOURCE)


def embedded() -> tuple[Any, Callable[..., Any]]:
    """R in this process: the module of its values, and the function that calls one of lme4.R's by name."""
    call = functions()
    from relmer.reference.engines.r import embedded_r  # noqa: PLC0415

    return embedded_r, call


def answer(request: dict[str, Any], begun: Callable[[], tuple[Any, Callable[..., Any]]] = embedded) -> dict[str, Any]:
    """Carry out one request in the R that is `begun`; what goes wrong is an `EngineError` with R's own words."""
    r, call = begun()
    match request["op"]:
        case "hello":
            found = r.plain(call("versions"))
            (path,) = found["BLAS"]
            return {**found, "BLAS": [library(path, r.loaded())], **r.carrier()}
        case "open":
            columns = [column(r, call, given) for given in request["columns"]]
            names = r.texts([given["name"] for given in request["columns"]])
            text, reml = r.texts([request["formula"]]), r.logicals([request["reml"]])
            given = named(r, call, {name: argument(r, call, name, value) for name, value in request["given"].items()})
            return attempted(r.plain(call("open_case", text, reml, r.entries(columns), names, given)))
        case "stages":
            return attempted(r.plain(call("stages")))
        case "criterion":
            thetas = r.entries([r.numbers(theta) for theta in request["thetas"]])
            return attempted(r.plain(call("criterion", thetas)))
        case "fit" | "tests":
            return attempted(r.plain(fitted(r, call, request)))
        case "installed":
            return {name: r.plain(call("installed", r.texts([name]))) for name in request["packages"]}
    raise EngineError(f"no operation {request['op']!r}")


def fitted(r: Any, call: Callable[..., Any], request: Mapping[str, Any]) -> Any:
    """The fit by a search, or what a package concludes from the default one."""
    if request["op"] == "tests":
        return call("tests_of", r.texts([request["package"]]))
    search = request["search"]
    return call(SEARCHES[search]) if search in SEARCHES else call("fit_by_optimizer", r.texts([search]))


def library(path: str, loaded: Iterable[Mapping[str, Any]]) -> str:
    """Name a BLAS without its place on this machine: file, program, version and kernel, as far as it tells them.

    Examples
    --------
    >>> library("/usr/lib/openblas-pthread/libblas.so.3", [])
    'libblas.so.3 (openblas-pthread)'
    >>> told = {"filepath": "/opt/libblas.so.3", "internal_api": "openblas", "version": "0.3.21", "architecture": "Zen"}
    >>> library("/opt/libblas.so.3", [told])
    'libblas.so.3 (openblas 0.3.21, kernel Zen)'
    """
    file = Path(path)
    this = next((one for one in loaded if Path(one["filepath"]).resolve() == file.resolve()), None)
    if this is not None:
        kernel = f", kernel {this['architecture']}" if this.get("architecture") else ""
        return f"{file.name} ({this['internal_api']} {this.get('version') or 'of unknown version'}{kernel})"
    known = re.fullmatch("(openblas|atlas|blis|mkl)[a-z0-9-]*", file.parent.name)
    return f"{file.name} ({known[0]})" if known else file.name


def attempted(outcome: dict[str, Any]) -> dict[str, Any]:
    """The value and the warnings of an attempt in R.

    Raises
    ------
    EngineUnsupported
        The model was refused when it was read, before any fit.
    EngineError
        Something went wrong.
    """
    if "refused" in outcome:
        raise EngineUnsupported(" ".join(outcome["refused"]))
    if "error" in outcome:
        raise EngineError(" ".join(outcome["error"]))
    return outcome


def named(r: Any, call: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    """A list of R values by name."""
    return call("named_list", r.entries(list(values.values())), r.texts(list(values)))


def argument(r: Any, call: Callable[..., Any], name: str, value: Any) -> Any:
    """One argument of lmer as an R value."""
    match name:
        case "weights" | "offset":
            return r.numbers(value)
        case "subset":
            return r.logicals(value)
        case "na.action":
            return r.texts([value])
        case "checks" | "contrasts":
            return named(r, call, {one: r.texts([chosen]) for one, chosen in value.items()})
    raise EngineError(f"no argument {name!r}")


def column(r: Any, call: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    """One column of the data as an R vector."""
    match given["kind"]:
        case "number":
            return r.numbers(given["values"])
        case "text":
            return r.texts(given["values"])
        case "logical":
            return r.logicals(given["values"])
        case "factor":
            codes, levels = r.integers(given["values"]), r.texts(given["levels"])
            return call("factor_column", codes, levels, r.logicals([given["ordered"]]))
        case "dates":
            return call("dated_column", r.numbers(given["values"]), r.texts(given["class"]), r.texts([given["zone"]]))
    raise EngineError(f"column {given['name']!r}: no kind {given['kind']!r}")


if __name__ == "__main__":
    serve(answer)
