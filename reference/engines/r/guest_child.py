"""The program of the child process that runs nlme or glmmTMB: requests in, calls of the functions in guests.R out."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from relmer.reference.engines import EngineError, serve
from relmer.reference.engines.r.lme4_child import SOURCE, attempted

GUESTS = Path(__file__).with_name("guests.R")


@functools.cache
def functions() -> Callable[..., Any]:
    """The functions of guests.R by name; the first call starts R."""
    from relmer.reference.engines.r import embedded_r  # noqa: PLC0415  a failure to load R is an answer

    return embedded_r.start(SOURCE, GUESTS)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Carry out one request; what R refuses is raised as an `EngineError` with R's own words."""
    call = functions()
    from relmer.reference.engines.r import embedded_r as r  # noqa: PLC0415

    match request["op"]:
        case "hello":
            return dict(r.plain(call("guest_versions", r.texts([request["package"]]))))
        case "fit":
            terms = [term_of(r, term) for term in request["terms"]]
            chain = [r.integers([k + 1 for k in some]) for some in request["chain"]]
            X = r.entries([r.numbers(column) for column in request["X"]])
            given = (r.numbers(request["y"]), X, r.entries(terms), r.entries(chain), r.logicals([request["reml"]]))
            return attempted(r.plain(call(request["function"], *given)))
    raise EngineError(f"no operation {request['op']!r}")


def term_of(r: Any, term: Mapping[str, Any]) -> Any:
    """A term as an R list of its columns and its codes."""
    columns = r.entries([r.numbers(column) for column in term["columns"]])
    return r.named_list({"columns": columns, "codes": r.integers(term["codes"])})


if __name__ == "__main__":
    serve(answer)
