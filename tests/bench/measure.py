"""Fit one model with one Python engine, again and again, in a process of its own: what it cost and what came out.

python measure.py ENGINE MODEL_FOLDER RESULT.json SECONDS
"""

import importlib
import json
import re
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

LEAST, MOST, LONG = 3, 300, 20.0


@dataclass(frozen=True)
class Engine:
    """What is timed, and what came out.

    Attributes
    ----------
    fit
        Formula and data to a fit.
    errors
        From the fit to the standard errors of beta.
    answer
        From the fit to plain numbers.
    """

    fit: Callable[[], Any]
    errors: Callable[[Any], Any]
    answer: Callable[[Any], dict[str, Any]]


def relmer(module: Any, formula: str, frame: Any) -> Engine:
    """Ours."""

    def answer(fit: Any) -> dict[str, Any]:
        terms = fit.design.terms
        return {
            "criterion": fit.criterion,
            "beta": fit.beta.tolist(),
            "sigma": fit.sigma,
            "theta": split([term.group for term in terms], [len(term.columns) for term in terms], fit.theta),
            "evaluations": fit.optimum.evaluations,
        }

    return Engine(lambda: module.lmer(formula, frame), lambda fit: fit.se.tolist(), answer)


def mixedlm(module: Any, formula: str, frame: Any) -> Engine:
    """Engine mixedlm, by its defaults."""

    def answer(fit: Any) -> dict[str, Any]:
        terms = fit.matrices.random_structures
        return {
            "criterion": fit.REMLcrit(),
            "beta": [float(value) for value in fit.beta],
            "sigma": float(fit.sigma),
            "theta": split([term.grouping_factor for term in terms], [term.n_terms for term in terms], fit.theta),
            "evaluations": int(fit.function_evals),
        }

    return Engine(lambda: module.lmer(formula, frame), lambda fit: (fit.vcov().diagonal() ** 0.5).tolist(), answer)


def lme_python(module: Any, formula: str, frame: Any) -> Engine:
    """Engine lme-python, by its defaults; its data are a polars frame."""
    polars = importlib.import_module("polars")
    columns = {}
    for name in frame:
        categorical = frame[name].dtype == "category"
        values = frame[name].astype(str).tolist() if categorical else frame[name].to_numpy()
        columns[name] = polars.Series(values, dtype=polars.Categorical if categorical else polars.Float64)
    data = polars.DataFrame(columns)
    # Left to itself the engine sorts the levels of a fixed factor.
    fixed = set(re.findall(r"\w+", re.sub(r"\([^()]*\)", "", formula)))
    factors = {
        name: module.FactorSpec(frame[name].cat.categories.tolist())
        for name in frame
        if name in fixed and frame[name].dtype == "category"
    }

    def answer(fit: Any) -> dict[str, Any]:
        groups = [group for group, first, second, *_ in fit.var_corr if first == second and group != "Residual"]
        names = list(dict.fromkeys(groups))
        return {
            "criterion": fit.reml_criterion,
            "beta": list(fit.coefficients),
            "sigma": fit.sigma2**0.5,
            "theta": split(names, [groups.count(name) for name in names], fit.theta),
            "evaluations": int(fit.iterations),
        }

    return Engine(lambda: module.lmer(formula, data, factors=factors), lambda fit: list(fit.beta_se), answer)


NEEDED = {"lme-python": ("polars",)}
ENGINES = {"relmer": relmer, "mixedlm": mixedlm, "lme-python": lme_python}


def split(groups: list[str], widths: list[int], theta: Any) -> dict[str, list[float]]:
    """Theta by grouping factor, named by its sorted parts: "a+b" for a:b and for b:a."""
    values, found = [float(value) for value in theta], {}
    for group, width in zip(groups, widths, strict=True):
        count = width * (width + 1) // 2
        found["+".join(sorted(group.split(":")))], values = values[:count], values[count:]
    return found


def with_numeric_slopes(formula: str, frame: Any, slopes: dict[str, str]) -> tuple[str, Any]:
    """Replace factors of two levels by the columns of 0 and 1 that their contrasts are."""
    for name, column in slopes.items():
        formula = re.sub(rf"\b{name}\b", column, formula)
        frame = frame.assign(**{column: frame[name].cat.codes.astype(float)}).drop(columns=name)
    return formula, frame


def memory(field: str) -> int:
    """Bytes of this process now ("VmRSS") or at its peak ("VmHWM"), as Linux counts them."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]


def main(name: str, folder: str, result: str, budget: str) -> None:
    """Time the import, the first fit, and then as many as the budget of seconds allows; write the record."""
    start = time.perf_counter()
    for needed in NEEDED.get(name, ()):
        importlib.import_module(needed)
    module = importlib.import_module(name.replace("-", "_"))
    _ = module.lmer
    imported = time.perf_counter() - start
    model, frame = importlib.import_module("store").read(Path(folder))
    formula = model["formula"]
    if name == "lme-python":
        formula, frame = with_numeric_slopes(formula, frame, model["slopes"])
    warnings.simplefilter("ignore")
    engine = ENGINES[name](module, formula, frame)

    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    start = time.perf_counter()
    fit = engine.fit()
    first = time.perf_counter() - start
    peak = memory("VmHWM")
    versions = [version(name), *(f"with {needed} {version(needed)}" for needed in NEEDED.get(name, ()))]
    record = {"answer": {**engine.answer(fit), "se": engine.errors(fit)}, "version": " ".join(versions)}
    record |= {"imported": imported, "first": first, "before": before, "peak": peak}

    seconds: list[float] = []
    errors: list[float] = []
    processor, wall = time.process_time(), time.perf_counter()
    while not enough(seconds, first, float(budget)):
        del fit
        start = time.perf_counter()
        fit = engine.fit()
        done = time.perf_counter()
        engine.errors(fit)
        seconds.append(done - start)
        errors.append(time.perf_counter() - done)
    busy = (time.process_time() - processor) / (time.perf_counter() - wall)
    Path(result).write_text(json.dumps({**record, "seconds": seconds, "errors": errors, "busy": busy}))


def enough(seconds: list[float], first: float, budget: float) -> bool:
    """Whether there are fits for the budget, at least three; one where a fit takes long."""
    least = LEAST if first < LONG else 1
    return len(seconds) >= MOST or (len(seconds) >= least and sum(seconds) >= budget)


if __name__ == "__main__":
    main(*sys.argv[1:])
