"""lmerTest, pbkrtest and lme4's profiles as engines: what they conclude from lme4's fit, which is judged as lme4's."""

import functools
import math
from collections.abc import Mapping
from typing import Any, ClassVar

from relmer.datasets import Case
from relmer.reference.answers import FTests, Inference, Intervals, Tested
from relmer.reference.engines import EngineError, EngineMissing, EngineUnsupported, Fitted, plain_text
from relmer.reference.engines.r.lme4 import LEVEL
from relmer.reference.engines.r.lme4_process import NEEDS, Lme4Process
from relmer.reference.own_fits import design_of
from relmer.solver.errors import ModelError

SECONDS = 60.0
# pbkrtest multiplies and inverts matrices of rows x rows, some for each variance: minutes beyond.
MOST_ROWS = 2500
# The entry of a dialect of a program whose derivatives are differences.
BY_DIFFERENCES = {"derivatives": "by Richardson's extrapolation of differences (numDeriv)"}


class Tester:
    """A package of R that tests the coefficients of lme4's fits.

    Parameters
    ----------
    name
        Name of the engine.
    package
        Of R.
    dialect
        What it means otherwise.
    """

    house = "lme4"
    witness_of = None
    definition = False
    capabilities: ClassVar[frozenset[str]] = frozenset({"fit"})

    def __init__(self, name: str, package: str, dialect: Mapping[str, str]) -> None:
        self.name, self.package, self.dialect = name, package, dialect
        self.packages = ("lme4",) if package == "lme4" else ("lmerTest", "pbkrtest", "numDeriv")
        self.needs = NEEDS if package == "lme4" else (*NEEDS, "its packages lmerTest and pbkrtest")

    def available(self) -> str:
        """Nothing if the package can run here, else one line: what to install."""
        try:
            missing = [name for name, version in self._found().items() if not version]
        except (EngineError, EngineMissing) as error:
            return str(error)
        told = ", ".join(f"'{name}'" for name in missing)
        return f"R has no package {missing[0]}: install.packages(c({told}))" if missing else ""

    def version(self) -> str:
        """Version of the package."""
        return self._found()[self.package]

    def environment(self) -> dict[str, str]:
        """Versions of lme4's process, and of the packages."""
        return {**process().versions(), **self._found()}

    def close(self) -> None:
        """End the child process, for both."""
        process().close()

    def _found(self) -> dict[str, str]:
        process().versions()
        asked = process().child.request({"op": "installed", "packages": [*self.packages]}, SECONDS)
        return {name: plain_text(" ".join(map(str, told))) for name, told in asked.items()}

    def fit(self, case: Case) -> Fitted:
        """What it concludes from lme4's fit of the case."""
        rows = rows_of(case)
        if self.package == "pbkrtest" and rows > MOST_ROWS:
            raise EngineUnsupported(f"pbkrtest inverts matrices of rows × rows: {rows:,} are more than {MOST_ROWS:,}")
        try:
            reply = process().ask(case, {"op": "tests", "package": self.package})
        except EngineUnsupported as error:
            raise EngineUnsupported(f"{self.package}: {str(error).removeprefix('lme4: ')}") from None
        values, said = reply["value"], tuple(map(str, reply["warnings"]))
        theta = tuple(map(float, values["theta"]))
        if self.package == "lme4":
            return Fitted(warnings=said, inference=Inference(theta=theta, intervals=profile(values)))
        columns = {name: tuple(map(float, values[name])) for name in ("se", "df", "t", "p")}
        (method,) = values["method"]
        if bad := next((name for name, column in columns.items() if not all(map(math.isfinite, column))), ""):
            raise EngineError(f"{self.package}: its {bad} is not a number{''.join(f'; {text}' for text in said[:1])}")
        tests, terms = {str(method): Tested(**columns)}, F_tests(str(method), values["F"])
        return Fitted(warnings=said, inference=Inference(theta=theta, tests=tests, **terms))


def profile(values: Mapping[str, Any]) -> dict[str, Intervals]:
    """The profile intervals.

    Raises
    ------
    EngineError
        An end is missing: lme4 has found none.
    """
    lower, upper = (tuple(map(float, values[name])) for name in ("lower", "upper"))
    if bad := next((k for k, end in enumerate([*lower, *upper]) if not math.isfinite(end)), None):
        raise EngineError(f"lme4: an end of the profile interval of parameter {bad % len(lower) + 1} is missing")
    return {"profile": Intervals(LEVEL, lower, upper)}


def F_tests(method: str, told: Any) -> dict[str, Any]:
    """The F tests as a part of the inference; its words where the package refused."""
    if not isinstance(told, Mapping):
        return {"refused": {f"F ({method})": plain_text(" ".join(map(str, told)), 300)}}
    vectors = {name: tuple(map(float, told[name])) for name in ("NumDF", "DenDF", "F", "p")}
    if bad := next((name for name, vector in vectors.items() if not all(map(math.isfinite, vector))), ""):
        return {"refused": {f"F ({method})": f"its {bad} is not a number"}}
    return {"F_tests": {method: FTests(type="III", terms=tuple(map(str, told["terms"])), **vectors)}}


def rows_of(case: Case) -> int:
    """Rows of the case that take part, or nothing where this project refuses the model."""
    try:
        return len(design_of(case).y)
    except ModelError:
        return 0


@functools.cache
def process() -> Lme4Process:
    """The process of both; lme4's own engines have another, where nothing but lme4 is loaded."""
    return Lme4Process()


def lmertest() -> Tester:
    """lmerTest: Satterthwaite's degrees of freedom."""
    return Tester("lmertest", "lmerTest", BY_DIFFERENCES)


def pbkrtest() -> Tester:
    """pbkrtest: Kenward and Roger's covariance and degrees of freedom."""
    return Tester("pbkrtest", "pbkrtest", {})


def lme4_profile() -> Tester:
    """lme4's profile intervals, which take as long as some hundred fits."""
    return Tester("lme4-profile", "lme4", {"profiles": "interpolated by splines"})
