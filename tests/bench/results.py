"""From the records of a run to what the page says about one engine on one model."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from models import Model

MOST_DIGITS = 15.0


@dataclass(frozen=True)
class Measured:
    """One engine on one model.

    Attributes
    ----------
    failed
        Why there is nothing else, or empty.
    rounds
        Median seconds of a warm fit, by child process.
    quartiles
        Of all warm fits, in seconds.
    errors
        Median seconds from the fit to its standard errors.
    cold
        Seconds of the import, and of the first fit, in a fresh process.
    evaluations
        Of the criterion, as the engine counts them.
    memory
        Bytes that the first fit added at its peak, and the peak of the process.
    busy
        Processor seconds per second: below 1 if the machine was not quiet.
    above
        Criterion at the engine's theta above the optimum, both by lme4; within its rounding, by its curvature.
    digits
        Correct digits of beta, standard errors, sigma and covariances, the worst of them.
    version
        Of the engine.
    run
        When the run began that measured it.
    """

    failed: str
    rounds: tuple[float, ...] = ()
    quartiles: tuple[float, float] = (np.nan, np.nan)
    errors: float = np.nan
    cold: tuple[float, float] = (np.nan, np.nan)
    evaluations: int = 0
    memory: tuple[float, float] = (np.nan, np.nan)
    busy: float = np.nan
    above: float = np.nan
    digits: float = np.nan
    version: str = ""
    run: str = ""

    @property
    def seconds(self) -> float:
        """Median of the rounds."""
        return float(np.median(self.rounds)) if self.rounds else np.nan


@dataclass(frozen=True)
class Result:
    """All engines on one model; `optimum` is the judge's, `own` what lme4's tight search reached from its own start.

    `unjudged` says why there is no judgement, or is empty.
    """

    model: Model
    rows: int
    engines: Mapping[str, Measured]
    optimum: float
    own: float
    unjudged: str = ""

    def ratio(self, engine: str) -> tuple[float, float, float]:
        """relmer's time over the engine's: median, least and most over the rounds."""
        ours, theirs = self.engines["relmer"].rounds, self.engines[engine].rounds
        if not ours or not theirs:
            return np.nan, np.nan, np.nan
        ratios = [a / b for a, b in zip(ours, theirs, strict=False)]
        return float(np.median(ratios)), min(ratios), max(ratios)


def collect(model: Model, folder: Path, engines: Sequence[str]) -> Result:
    """Read the records of a model; without any, `rows` is 0."""
    judged = read(folder / "judged.json") or {}
    found = {}
    for engine in engines:
        records = [read(path) for path in sorted(folder.glob(f"{engine}-[0-9]*.json"))]
        found[engine] = measured(engine, [record for record in records if record], judged)
    written = read(folder / "model.json")
    anything = any(one.rounds for one in found.values())
    rows = written["rows"] if written and anything else 0
    return Result(
        model, rows, found, judged.get("optimum", np.nan), judged.get("own", np.nan), judged.get("failed", "")
    )


def read(path: Path) -> dict[str, Any] | None:
    """Read a record, if it is there."""
    return json.loads(path.read_text()) if path.exists() else None


def measured(engine: str, records: Sequence[dict[str, Any]], judged: Mapping[str, Any]) -> Measured:
    """Put the rounds of one engine together."""
    good = [record for record in records if "failed" not in record]
    if not good:
        return Measured(records[0]["failed"] if records else "not measured")
    seconds = np.concatenate([record["seconds"] for record in good])
    low, high = np.quantile(seconds, [0.25, 0.75])
    first = good[0]
    return Measured(
        failed="",
        rounds=tuple(float(np.median(record["seconds"])) for record in good),
        quartiles=(float(low), float(high)),
        errors=float(np.median(np.concatenate([record["errors"] for record in good]))),
        cold=(middle(good, "imported"), middle(good, "first")),
        evaluations=int(first["answer"]["evaluations"]),
        memory=(middle(good, "peak") - middle(good, "before"), middle(good, "peak")),
        busy=min(record["busy"] for record in good),
        above=judged.get("above", {}).get(engine, np.nan),
        digits=digits(first["answer"], judged) if "beta" in judged else np.nan,
        version=" ".join([first["version"], first.get("blas", "")]).strip(),
        run=first["run"],
    )


def middle(records: Sequence[Mapping[str, Any]], name: str) -> float:
    """Median of a field over the rounds."""
    return float(np.median([record[name] for record in records]))


def digits(answer: Mapping[str, Any], judged: Mapping[str, Any]) -> float:
    """Fewest correct digits of an answer, against lme4's tight optimum; a covariance in units of its variances."""
    worst = MOST_DIGITS
    for name in ("beta", "se", "sigma"):
        mine, right = np.atleast_1d(answer[name]), np.atleast_1d(judged[name])
        worst = min(worst, correct(mine, right, np.abs(right)))
    for group, theta in judged["theta"].items():
        mine = covariance(answer["theta"][group], answer["sigma"])
        right = covariance(theta, judged["sigma"])
        sd = np.sqrt(np.maximum(np.diagonal(right), 1e-12 * right.max()))
        worst = min(worst, correct(mine, right, np.outer(sd, sd)))
    return worst


def correct(mine: np.ndarray, right: np.ndarray, scale: np.ndarray) -> float:
    """Digits on which the worst of the numbers agree."""
    error = np.max(np.abs(mine - right) / np.where(scale > 0, scale, 1.0))
    return float(min(MOST_DIGITS, -np.log10(error))) if error > 0 else MOST_DIGITS


def covariance(theta: Sequence[float], sigma: float) -> np.ndarray:
    """Covariance matrix sigma^2 T T' of one term, with theta the columns of T's lower triangle."""
    width = int(np.sqrt(2 * len(theta)))
    T = np.zeros((width, width))
    columns, rows = np.triu_indices(width)
    T[rows, columns] = theta
    return sigma**2 * T @ T.T
