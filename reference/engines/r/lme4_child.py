"""The program of the child process that runs lme4: requests in, calls of the functions in lme4.R out."""

import functools
import importlib.metadata
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from relmer.reference.engines import EngineError, serve

SOURCE = Path(__file__).with_name("lme4.R")
SEARCHES = {"default": "fit_default", "bobyqa": "fit_bobyqa", "tight": "fit_tight"}


@functools.cache
def functions() -> Callable[..., Any]:
    """The functions of lme4.R by name; the first call starts R."""
    from relmer.reference.engines.r import embedded_r  # noqa: PLC0415  a failure to load R is an answer

    return embedded_r.start(SOURCE)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Carry out one request; what R refuses is raised as an `EngineError` with R's own words."""
    call = functions()
    from relmer.reference.engines.r import embedded_r as r  # noqa: PLC0415

    match request["op"]:
        case "hello":
            found = r.plain(call("versions"))
            (path,) = found["BLAS"]
            rpy2 = importlib.metadata.version("rpy2-rinterface")
            return {**found, "BLAS": [library(path, threadpool_info())], "rpy2": [rpy2]}
        case "open":
            columns = [column(call, given) for given in request["columns"]]
            names = r.texts([given["name"] for given in request["columns"]])
            text, reml = r.texts([request["formula"]]), r.logicals([request["reml"]])
            given = named(call, {name: argument(call, name, value) for name, value in request["given"].items()})
            return attempted(r.plain(call("open_case", text, reml, r.entries(columns), names, given)))
        case "stages":
            return attempted(r.plain(call("stages")))
        case "criterion":
            thetas = r.entries([r.numbers(theta) for theta in request["thetas"]])
            return attempted(r.plain(call("criterion", thetas)))
        case "fit":
            return attempted(r.plain(call(SEARCHES[request["search"]])))
    raise EngineError(f"no operation {request['op']!r}")


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
    """The value and the warnings of an attempt in R."""
    if "error" in outcome:
        raise EngineError(" ".join(outcome["error"]))
    return outcome


def named(call: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    """A list of R values by name."""
    from relmer.reference.engines.r import embedded_r as r  # noqa: PLC0415

    return call("named_list", r.entries(list(values.values())), r.texts(list(values)))


def argument(call: Callable[..., Any], name: str, value: Any) -> Any:
    """One argument of lmer as an R value."""
    from relmer.reference.engines.r import embedded_r as r  # noqa: PLC0415

    match name:
        case "weights" | "offset":
            return r.numbers(value)
        case "subset":
            return r.logicals(value)
        case "na.action":
            return r.texts([value])
        case "contrasts":
            return named(call, {factor: r.texts([chosen]) for factor, chosen in value.items()})
    raise EngineError(f"no argument {name!r}")


def column(call: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    """One column of the data as an R vector."""
    from relmer.reference.engines.r import embedded_r as r  # noqa: PLC0415

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
