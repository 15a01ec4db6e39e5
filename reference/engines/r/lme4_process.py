"""The child process in which R and lme4 run: whether it can, what it is, which case it has open."""

import functools
import math
import os
import re
import resource
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import available_timezones

import numpy as np
import pandas as pd

from relmer.datasets import Case, data_of
from relmer.reference.engines import (
    MEMORY_BYTES,
    Child,
    EngineError,
    EngineMissing,
    EngineUnsupported,
    plain_text,
    sendable,
)
from relmer.solver.language import (
    Clock,
    Dates,
    canonical,
    deparse,
    filled,
    numbers_per_row,
    parse,
    parse_expression,
    read_column,
    selected,
    unread,
)

PROGRAM = ("-m", "relmer.reference.engines.r.lme4_child")
# R as `R --vanilla` starts it, whatever the user's profiles and variables say: rpy2 hands on the arguments, but R reads
# these files before or in spite of them. Where R and its packages are is the user's to say.
NO_FILES = dict.fromkeys(("R_PROFILE", "R_PROFILE_USER", "R_ENVIRON", "R_ENVIRON_USER"), os.devnull)
ENVIRONMENT = {"RPY2_CFFI_MODE": "ABI", **NO_FILES}
WITHHELD = "_?R_(?!HOME$|LIBS$|LIBS_USER$|LIBS_SITE$|LD_LIBRARY_PATH$).*"
SECONDS = 600.0
# It starts in seconds; what takes longer has hung.
MEETING_SECONDS = 60.0
# R with lme4 has some 40 files open while it starts.
ENOUGH_FILES = 64
# As pandas infers them.
DATES = ("datetime64", "date", "period")
OLDEST_R, OLDEST_LME4 = "4.0", "1.1-26"
RPY2 = "rpy2-rinterface>=3.6.3,<3.6.6"
NEEDS = (f"R >= {OLDEST_R}", f"its package lme4 >= {OLDEST_LME4}", f"the Python package {RPY2}")
INSTALL_R = f"install {NEEDS[0]} and {NEEDS[1]} (Debian: r-base-core, r-cran-lme4)"


class Lme4Process:
    """R with lme4 in a child process; `with` or `close` ends it, and so does the end of the parent.

    Parameters
    ----------
    program
        Python's command line for the child; tests pass their own.
    seconds
        Limit on any one request.
    memory_bytes
        Limit on the child's address space.
    """

    def __init__(
        self, program: tuple[str, ...] = PROGRAM, seconds: float = SECONDS, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self.child = Child("lme4", program, ENVIRONMENT, memory_bytes, withheld=WITHHELD)
        self._seconds = seconds
        self._lock = threading.RLock()
        self._versions: dict[str, str] | None = None
        self._unusable = ""
        self._opened: tuple[int, Case] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child process; a later request starts another."""
        with self._lock:
            self.child.close()

    def available(self) -> str:
        """The empty string if lme4 can run here, else one line: what is missing and what to install."""
        with self._lock:
            if self._versions is None and not self._unusable:
                self._unusable = self._meet()
            return self._unusable

    def versions(self) -> dict[str, str]:
        """Versions of R, lme4, Matrix, nloptr, minqa, rpy2, BLAS and LAPACK, and R's platform.

        Raises
        ------
        EngineMissing
            lme4 cannot run here.
        """
        if unusable := self.available():
            raise EngineMissing(unusable)
        return dict(self._versions or {})

    def ask(self, case: Case, message: Mapping[str, Any]) -> dict[str, Any]:
        """Answer to a request about `case`, which is opened first unless it is the last one opened.

        Raises
        ------
        EngineUnsupported
            This version of lme4 does not read the case's formula.
        """
        with self._lock:
            if reason := unread(parse(case.formula), self.versions()["lme4"]):
                raise EngineUnsupported(reason)
            this = (self.child.starts, replace(case, name="", published={}))
            if self._opened != this or self.child.process_id is None:
                self._opened = None
                self.child.request(opening(case), self._seconds)
                self._opened = (self.child.starts, this[1])
            return self.child.request(message, self._seconds)

    def _meet(self) -> str:
        if not (os.environ.get("R_HOME") or shutil.which("R")):
            return f"R is not on the PATH: {INSTALL_R}"
        try:
            found = self.child.request({"op": "hello"}, min(self._seconds, MEETING_SECONDS))
        except EngineError as error:
            return advice(str(error))
        versions = {plain_text(name, 40): plain_text(" ".join(map(str, value))) for name, value in found.items()}
        self._versions = versions
        return outdated(versions)


@functools.cache
def shared() -> Lme4Process:
    """The process that all lme4 engines of this run share."""
    return Lme4Process()


def advice(error: str) -> str:
    """One line on why R does not start from Python, and what to install, from the text of the error."""
    if "No module named 'rpy2" in error:
        return f"the Python package rpy2 is missing: pip install 'rpy2>=3.6.3,<3.6.7' '{RPY2}'"
    if symbol := re.search(r"undefined symbol:? *'?(\w+)|symbol '(\w+)' not found", error):
        return (
            "the installed rpy2-rinterface does not fit this R, which has no symbol "
            f"{symbol[1] or symbol[2]}: 3.6.3 to 3.6.5 load R 4.2, 3.6.6 and later need R >= 4.5"
        )
    if (home := os.environ.get("R_HOME")) and not Path(home, "bin", "R").exists():
        return "R_HOME names a folder without R: unset it, or set it to what `R RHOME` prints"
    if "libR" in error and "cannot open shared object" in error:
        return "R was built without its shared library libR: install an R built with --enable-R-shlib"
    if "r_home" in error.lower():
        return f"no R that rpy2 can find: {INSTALL_R}, or set R_HOME"
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = f"; only {files} files may be open here (ulimit -n), allow more" if files < ENOUGH_FILES else ""
    return f"R does not start from Python: {plain_text(error, 300)}{few}"


def outdated(versions: Mapping[str, str]) -> str:
    """One line on what is too old or missing among the versions of R and lme4; empty if they will do."""
    if parts_of_version(versions.get("R", "")) < parts_of_version(OLDEST_R):
        return f"R {versions.get('R') or 'of unknown version'} is too old: {INSTALL_R}"
    if not versions.get("lme4"):
        return (
            "R has no package lme4: install.packages('lme4') in R, or r-cran-lme4 on Debian; R starts without profiles "
            "and .Renviron files, so that a library of your own is to be named in the variable R_LIBS"
        )
    if parts_of_version(versions["lme4"]) < parts_of_version(OLDEST_LME4):
        return f"lme4 {versions['lme4']} is too old: install lme4 >= {OLDEST_LME4}"
    return ""


def parts_of_version(version: str) -> tuple[int, ...]:
    """The numbers of a version, in order; versions compare as these do."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


def opening(case: Case) -> dict[str, Any]:
    """The request that opens a case: its formula, parsed and written again, and the columns that it uses."""
    frame = data_of(case)
    formula = filled(parse(case.formula), frame.columns)
    for name in formula.columns:
        if name not in frame.columns:
            raise EngineError(f"lme4: case {case.name!r}: data set {case.dataset!r} has no column {name!r}")
    columns = [column(name, frame[name]) for name in formula.columns]
    given = arguments(case, frame)
    return {"op": "open", "formula": canonical(formula), "reml": case.reml, "columns": columns, "given": given}


def arguments(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    """The arguments of lmer that a case gives, evaluated here: numbers and logicals for each row, and names."""
    given: dict[str, Any] = {}
    for name, text in (("weights", case.weights), ("offset", case.offset)):
        if text:
            values, _ = numbers_per_row(name, text, frame)
            given[name] = numbers(values)
    if case.subset:
        taken = selected(case.subset, frame)
        unknown = np.zeros(len(frame), dtype=bool) if taken.missing is None else taken.missing
        given["subset"] = [None if gone else on for on, gone in zip(taken.rows.tolist(), unknown.tolist(), strict=True)]
    if case.na_action:
        given["na.action"] = case.na_action
    if case.checks:
        given["checks"] = dict(case.checks)
    if case.contrasts:
        given["contrasts"] = {variable_name(key, frame): chosen for key, chosen in case.contrasts.items()}
    return given


def numbers(values: np.ndarray) -> list[float | str | None]:
    """Doubles as the child process takes them, None where there is no value."""
    return [None if math.isnan(value) else sendable(value) for value in values.tolist()]


def variable_name(key: str, frame: pd.DataFrame) -> str:
    """What R's model frame calls a variable: a column by its name, anything else by R's spelling."""
    return key if key in frame.columns else deparse(parse_expression(key))


def column(name: str, values: "pd.Series[Any]") -> dict[str, Any]:
    """One column as the child process takes it: a factor as 1-based codes, a missing value as None.

    Examples
    --------
    >>> column("g", pd.Series(pd.Categorical(["b", "a", None], ["b", "a"])))["values"]
    [1, 2, None]
    """
    missing = values.isna().tolist()
    if isinstance(values.dtype, pd.DatetimeTZDtype | pd.PeriodDtype) or pd.api.types.infer_dtype(values) in DATES:
        return dates(name, values)
    if isinstance(values.dtype, pd.CategoricalDtype):
        return {
            "name": name,
            "kind": "factor",
            "levels": [str(level) for level in values.cat.categories],
            "ordered": bool(values.cat.ordered),
            "values": [None if code < 0 else code + 1 for code in values.cat.codes.tolist()],
        }
    read: Callable[[Any], Any]
    if pd.api.types.is_bool_dtype(values.dtype):
        kind, read = "logical", bool
    elif pd.api.types.is_numeric_dtype(values.dtype):
        kind, read = "number", lambda value: sendable(float(value))
    elif pd.api.types.is_string_dtype(values.dtype):
        kind, read = "text", str
    else:
        raise EngineError(f"lme4: column {name!r} of type {values.dtype}: make it numbers, text or a factor")
    sent = [None if gone else read(value) for value, gone in zip(values.tolist(), missing, strict=True)]
    return {"name": name, "kind": kind, "values": sent}


def dates(name: str, values: "pd.Series[Any]") -> dict[str, Any]:
    """Dates as R counts them: days, or seconds with the zone by which they are labelled."""
    read, _ = read_column(values.to_frame(name), name)
    assert isinstance(read, Dates)
    zone = str(values.dt.tz) if isinstance(values.dtype, pd.DatetimeTZDtype) else "UTC"
    if zone != "UTC" and zone not in available_timezones():
        raise EngineError(f"lme4: column {name!r}: R has no zone {zone!r:.60}; convert it to UTC or a zone with a name")
    kind = [read.clock.value] if read.clock is Clock.DAYS else [read.clock.value, "POSIXt"]
    return {"name": name, "kind": "dates", "values": numbers(read.values), "class": kind, "zone": zone}
