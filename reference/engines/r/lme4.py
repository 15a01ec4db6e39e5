"""lme4 as an engine, three times: as a user calls it, by its other optimiser, and with every tolerance tight."""

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from relmer.datasets import Case
from relmer.reference.answers import (
    Data,
    Estimates,
    Inference,
    Intervals,
    Model,
    Predictions,
    Term,
    data_seen,
    each_column,
    fingerprint,
    random_columns,
)
from relmer.reference.engines import UNDEFINED, EngineError, EngineUnsupported, Fitted, plain_text, sendable
from relmer.reference.engines.r.lme4_process import NEEDS, Lme4Process, parts_of_version, shared
from relmer.solver.language import parse

MOST_WARNINGS = 20
# Of the intervals: LEVEL of lme4.R.
LEVEL = 0.95


class Lme4:
    """lme4 in a child process.

    Parameters
    ----------
    name
        Name of the engine.
    search
        How the optimum is searched: "default", by `lmer` as a user calls it; "bobyqa", by `lmer` with the optimiser
        that users turn to when the default one warns; "tight", by three optimisers with tolerances of about 1e-12.
    process
        The process that runs R; engines may share one.
    witness_of
        The house that it speaks for, None if for nobody.
    """

    house = "lme4"
    definition = False
    needs: tuple[str, ...] = NEEDS
    capabilities = frozenset({"stages", "criterion", "fit"})
    # A user's R sorts by its locale, which may choose another reference level: other coefficients of the same model.
    dialect: ClassVar[Mapping[str, str]] = {"levels of text columns": "by code point (collation C)"}

    def __init__(self, name: str, search: str, process: Lme4Process, witness_of: str | None = None) -> None:
        self.name = name
        self.witness_of = witness_of
        self._search = search
        self._process = process

    def available(self) -> str:
        """The empty string if lme4 can run here, else one line: what is missing and what to install."""
        return self._process.available()

    def version(self) -> str:
        """Version of lme4 as its authors write it, such as 1.1-31."""
        return self._process.versions()["lme4"]

    def environment(self) -> dict[str, str]:
        """Versions of R, lme4, Matrix, nloptr, minqa, rpy2, BLAS and LAPACK, and R's platform."""
        return self._process.versions()

    def close(self) -> None:
        """End the child process, for all engines that share it; a later call starts another."""
        self._process.close()

    def _ask(self, case: Case, request: dict[str, Any]) -> dict[str, Any]:
        """What the process says of a case whose formula this lme4 can read.

        Raises
        ------
        EngineUnsupported
            The formula has what came with a later lme4.
        """
        since = parse(case.formula).since
        if since and parts_of_version(self.version()) < parts_of_version(since):
            raise EngineUnsupported(
                f"{self.name}: {case.formula:.200} needs lme4 {since} or later, not {self.version()}"
            )
        return self._process.ask(case, request)

    def stages(self, case: Case) -> tuple[Data, Model]:
        """What lme4 makes of the case before it optimises: the data that it saw, the model that it built."""
        reply = _values(self._ask(case, {"op": "stages"}))
        with _expected_form("stages"):
            return _data(reply), _model(reply)

    def criterion(self, case: Case, thetas: Sequence[Sequence[float]]) -> tuple[float, ...]:
        """lme4's profiled criterion at each theta; UNDEFINED where lme4 cannot evaluate it.

        A model without random effects has one theta, the empty one.
        """
        request = {
            "op": "criterion",
            "thetas": [[sendable(float(entry)) for entry in theta] for theta in thetas],
        }
        reply = _values(self._ask(case, request))
        with _expected_form("criterion"):
            values = tuple(UNDEFINED if math.isnan(value) else value for value in _numbers(reply["values"]))
        if len(values) != len(thetas):
            raise EngineError(f"lme4: {len(values)} values of the criterion for {len(thetas)} thetas; report a bug")
        return values

    def fit(self, case: Case) -> Fitted:
        """Fit the case and collect every warning and message."""
        reply = self._ask(case, {"op": "fit", "search": self._search})
        with _expected_form("fit"):
            values = _values(reply)
            told = _inference(values.get("inference", {}))
            return Fitted(_estimates(values), _warnings(reply), int(values["evaluations"][0]), inference=told)


def default() -> Lme4:
    """lme4 as a user calls it: `lmer(formula, data, REML)`."""
    return Lme4("lme4", "default", shared())


def bobyqa() -> Lme4:
    """lme4 as a user calls it with another optimiser: `control = lmerControl(optimizer = "bobyqa")`."""
    return Lme4("lme4-bobyqa", "bobyqa", shared())


def tight() -> Lme4:
    """lme4 with every tolerance tight and more than one optimiser."""
    return Lme4("lme4-tight", "tight", shared(), witness_of=Lme4.house)


@contextlib.contextmanager
def _expected_form(operation: str) -> Iterator[None]:
    """Turn what an answer of another form runs into, whatever that is, into an `EngineError`."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        detail = plain_text(f"{type(error).__name__}: {error}", 200)
        raise EngineError(
            f"lme4: answer to {operation!r} has another form than expected ({detail}); report a bug"
        ) from None


def _values(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    values = reply.get("value")
    if not isinstance(values, dict):
        raise EngineError("lme4: answer without values; report a bug")
    return values


def _warnings(reply: Mapping[str, Any]) -> tuple[str, ...]:
    said = list(dict.fromkeys(plain_text(str(text)) for text in reply["warnings"]))
    if len(said) > MOST_WARNINGS:
        said[MOST_WARNINGS - 1 :] = [f"and {len(said) - MOST_WARNINGS + 1} more"]
    return tuple(said)


def _numbers(values: Sequence[Any]) -> tuple[float, ...]:
    return tuple(map(float, values))


def _names(values: Sequence[Any]) -> tuple[str, ...]:
    """Names and levels, exactly: they are the caller's own."""
    if not all(isinstance(value, str) for value in values):
        raise TypeError("a name that is not a string")
    return tuple(values)


def _integers(values: Sequence[Any]) -> NDArray[np.int64]:
    return np.array([int(value) for value in values], dtype=np.int64)


def _data(reply: Mapping[str, Any]) -> Data:
    factors = {
        str(name): (_names(factor["levels"]), _integers(factor["codes"]))
        for name, factor in reply.get("flist", {}).items()
    }
    weights, offset = (np.array(_numbers(reply.get(name, ()))) for name in ("weights", "offset"))
    return data_seen(
        np.array(_numbers(reply["y"])), factors, weights if weights.size else None, offset if offset.size else None
    )


def _model(reply: Mapping[str, Any]) -> Model:
    rows = int(reply["rows"][0])
    coefficients = _names(reply["coefficients"])
    X = np.array(_numbers(reply["X"])).reshape((rows, len(coefficients)), order="F")
    Z, Lambda = _random_part(reply, rows)
    groups = _names(reply.get("groups", ()))
    parts = zip(groups, reply.get("cnms", ()), reply.get("nl", ()), strict=True)
    terms = tuple(Term(group, _names(columns), int(levels)) for group, columns, levels in parts)
    return Model(
        X=fingerprint(X, each_column(X)),
        Z=fingerprint(Z, random_columns(terms)),
        Lambda=fingerprint(Lambda),
        coefficients=coefficients,
        terms=terms,
        theta_names=_names(reply.get("theta_names", ())),
    )


def _random_part(reply: Mapping[str, Any], rows: int) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Z and the template of Lambda: lme4 stores their transposes by columns, which is these by rows."""
    if "Zt" not in reply:
        return sparse.csr_array((rows, 0)), sparse.csr_array((0, 0))
    Zt, Lambdat = reply["Zt"], reply["Lambdat"]
    random_effects = int(Zt["rows"][0])
    Z = sparse.csr_array(
        (np.array(_numbers(Zt["x"])), _integers(Zt["i"]), _integers(Zt["p"])), shape=(rows, random_effects)
    )
    Lambda = sparse.csr_array(
        (_integers(Lambdat["Lind"]).astype(float), _integers(Lambdat["i"]), _integers(Lambdat["p"])),
        shape=(random_effects, random_effects),
    )
    for matrix in (Z, Lambda):
        matrix.check_format(full_check=True)
    return Z, Lambda


def _estimates(values: Mapping[str, Any]) -> Estimates:
    beta = _numbers(values["beta"])
    columns = np.array(_numbers(values["vcov"])).reshape((len(beta), len(beta)), order="F")
    return Estimates(
        theta=_numbers(values["theta"]),
        criterion=float(values["criterion"][0]),
        sigma=float(values["sigma"][0]),
        beta=beta,
        se=_numbers(values["se"]),
        vcov=tuple(tuple(row) for row in columns.tolist()),
        varcomp=_numbers(values["varcomp"]),
        b=_numbers(values["b"]),
        fitted=_numbers(values["fitted"]),
        V_diagonal=_numbers(values["V_diagonal"]),
        V_rowsum=_numbers(values["V_rowsum"]),
    )


def _inference(values: Mapping[str, Any]) -> Inference:
    """What lme4 concludes; nothing but its words where it refused."""
    if "refused" in values:
        return Inference(refused={"inference": plain_text(" ".join(map(str, values["refused"])), 300)})
    return Inference(
        logLik=float(values["logLik"][0]),
        df=int(values["df"][0]),
        AIC=float(values["AIC"][0]),
        BIC=float(values["BIC"][0]),
        t=_numbers(values["t"]),
        condsd=_numbers(values["condsd"]),
        **_parts(values),
    )


def _parts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Intervals and predictions; of what lme4 refused its words, of what is absent nothing."""
    told = {name: values[name] for name in ("wald", "population", "conditional") if name in values}
    refused = {
        name: plain_text(" ".join(map(str, value)), 300)
        for name, value in told.items()
        if any(isinstance(entry, str) for entry in value)
    }
    kept = {name: _numbers(value) for name, value in told.items() if name not in refused}
    found: dict[str, Any] = {"refused": refused} if refused else {}
    if "wald" in kept:
        half = len(kept["wald"]) // 2
        found["intervals"] = {"wald": Intervals(LEVEL, kept["wald"][:half], kept["wald"][half:])}
    if "population" in kept and "conditional" in kept:
        found["predictions"] = Predictions(kept["population"], kept["conditional"])
    return found
