"""Judge one's own model, or answers from anywhere, out of Python."""

import json
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd

from relmer.datasets import Case, DataError, cases
from relmer.reference.answers import Answer
from relmer.reference.engines import engine_names
from relmer.reports.accepted import known_failures
from relmer.reports.given import answers_of, json_entries, read_answers
from relmer.reports.own import PREFIX, optimum_of, own_cases_of, own_models
from relmer.reports.python.asked import advised, arguments_of, as_keywords, frame_or_path, listed, reading_of, reml_of
from relmer.reports.python.judged import Judged, judged
from relmer.reports.run import chosen_engines, run, sources, sources_given
from relmer.reports.text import one_line
from relmer.reports.verdicts import FailOn

CASES, EXAMPLE = ".toml", "judge(data, 'y ~ x + (x | g)')"
USUAL = {"sep": ",", "decimal": "."}
FILES = "answers.json, or a CSV file of case, engine, key and value"


def judge(
    what: Any,
    formula: str | Sequence[str] | None = None,
    *,
    data: pd.DataFrame | str | Path | None = None,
    REML: bool = True,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    contrasts: Mapping[str, str] | None = None,
    levels: Mapping[str, Sequence[str]] | None = None,
    na_action: str | None = None,
    checks: Mapping[str, str] | None = None,
    sep: str = ",",
    decimal: str = ".",
    na: Sequence[str] = (),
    types: str | Path | Mapping[str, Any] | None = None,
    case: str = "*",
    engines: str | Sequence[str] = (),
    require: str | Sequence[str] = (),
    jobs: int = 1,
    limit: float | None = None,
    accepted: str | Path | Sequence[str | Path] = (),
    fail_on: str | Sequence[str] = (),
) -> Judged:
    """Judge the engines that are here on one's own model, or judge answers that come from anywhere.

    Parameters
    ----------
    what
        With a formula the data: a pandas DataFrame or the path of a file (CSV, CSV.gz, Parquet). A file that ends with
        .toml has cases of one's own. Anything else is answers, as `relmer judge` takes them: the path of a JSON or CSV
        file, or a mapping of the published schema, or a list of such.
    formula
        A model, or several, in lme4's grammar; they are the cases my/1, my/2, ….
    data
        Of answers to one's own models: the data, beside the formulas.
    REML
        The REML criterion, or the deviance.
    weights, offset, subset, contrasts, na_action, checks
        As `relmer.lmer` takes them; contrasts by name, and values instead of text with a frame only.
    levels
        By column its levels in their order.
    sep, decimal, na, types
        How a file is read: what separates fields, the decimal point, texts that stand for a missing value; types of
        columns as the path of a TOML file, or by name: "Date", or {"type": "ordered", "levels": ["low", "high"]}.
    case
        Of a file of cases those whose names match.
    engines, require
        Who is judged, all that are installed otherwise; and who must run here.
    jobs, limit
        Processes; seconds that an engine of another package may take for a case.
    accepted, fail_on
        Files of accepted failures, and what breaks the report beside what is wrong: see `Report.broken`.

    Returns
    -------
    Judged
        A `Report`, with the numbers at the optimum of one's own models; it shows itself, and writes the files of
        `relmer run` by its `write`. What was guessed of types, and which rows are dropped, is warned of.

    Raises
    ------
    DataError, ModelError, EngineError, EngineMissing
        Data, formula or answers cannot be read, or an engine is not known or required and not here; one line.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0, 9.0, 8.0], "g": list("aabbcc")})
    >>> found = judge(frame, "y ~ 1 + (1 | g)", engines=["pls", "qr"])
    >>> found.broken, str(found).splitlines()[0]
    (False, 'The instrument: pls and qr agree on 1 of 1 case. Not judged: 2 not given.')
    """
    reading: dict[str, Any] = {"sep": sep, "decimal": decimal, "na": na, "types": types}
    fields = {
        "weights": weights,
        "offset": offset,
        "subset": subset,
        "contrasts": contrasts,
        "levels": levels,
        "na_action": na_action,
        "checks": checks,
    }
    notes = list[str]()
    with ExitStack() as kept:
        with advised():
            own, answers = parted(what, formula, data)
            said = {**fields, **reading, "REML": None if REML is True else REML}
            if answers is not None:
                asked = {"engines": engines, "require": require, "limit": limit}
                refuse_idle("answers are given, nobody is asked", asked)
            if own is None:
                refuse_idle("there are no data of your own", said)
            models: tuple[Case, ...] = ()
            if isinstance(own, Path) and own.suffix == CASES:
                refuse_idle("a file of cases has data, models and how they are read", {"formula": formula, **said})
                models = kept.enter_context(own_cases_of(own, case, notes.extend))
            elif own is not None:
                formulas = (formula,) if isinstance(formula, str) else tuple(formula or ())
                own, arguments = arguments_of(own, formulas, fields)
                form = reading_of(own, **reading)
                models = kept.enter_context(own_models(own, formulas, reml_of(REML), arguments, form, notes.extend))
            known = {each.name: each for each in (*cases(), *models)}
            given = () if answers is None else heard(answers, known, models)
            failures = known_failures(tuple(map(Path, listed(accepted))))
            fails = fails_on(listed(fail_on))
        for note in dict.fromkeys(map(as_keywords, notes)):
            warnings.warn(one_line(note), stacklevel=2)
        if answers is None:
            chosen, needed = models, listed(require)
            names = tuple(dict.fromkeys([*(chosen_engines(listed(engines)) or engine_names()), *needed]))
            used = sources(names, needed)
        else:
            chosen = tuple(known[name] for name in dict.fromkeys(said.case for said in given))
            names = tuple(dict.fromkeys(said.engine for said in given))
            used = sources_given(given)
        report = run(chosen, names, used, min(jobs, len(chosen)), limit=limit, known=failures, given=given)
        optima = tuple(found for each in models if (found := optimum_of(each, report)) is not None)
        return judged(replace(report, fail_on=fails), optima)


def parted(what: Any, formula: Any, data: Any) -> tuple[Path | pd.DataFrame | None, Any]:
    """The data of a person's own, and the answers; None for what there is not.

    Raises
    ------
    DataError
        It is neither.
    """
    if isinstance(formula, pd.DataFrame | Path) or (isinstance(what, str) and "~" in what):
        raise DataError(f"the data come first: {EXAMPLE}")
    if data is not None:
        if formula is None and not (isinstance(data, str | Path) and Path(data).suffix == CASES):
            raise DataError("formula is missing: answers on data of your own need the model")
        return frame_or_path(data), what
    if isinstance(what, pd.DataFrame):
        if formula is None:
            raise DataError(f"formula is missing: {EXAMPLE}")
        return what, None
    is_path = isinstance(what, str | Path)
    if formula is not None or (is_path and Path(what).suffix == CASES):
        return frame_or_path(what), None
    return None, what


def refuse_idle(why: str, given: Mapping[str, Any]) -> None:
    """Refuse what would change nothing."""
    if said := [name for name, value in given.items() if not is_usual(name, value)]:
        raise DataError(f"{why}: leave out {', '.join(said)}")


def is_usual(name: str, value: Any) -> bool:
    """Whether an argument says nothing."""
    return value is None or (isinstance(value, str | list | tuple | dict) and (not value or value == USUAL.get(name)))


def fails_on(given: Iterable[str]) -> tuple[FailOn, ...]:
    """What breaks a report too."""
    words = [str(word) for word in FailOn]
    for word in given:
        if word not in words:
            raise DataError(f"fail_on is {word!r:.60}: choose from {', '.join(words)}")
    return tuple(dict.fromkeys(map(FailOn, given)))


def heard(answers: Any, known: Mapping[str, Case], models: Sequence[Case]) -> tuple[Answer, ...]:
    """The answers of a file, or of plain data; to one model of one's own they need not name the case."""
    if isinstance(answers, str | Path):
        try:
            return read_answers(Path(answers), known)
        except DataError as error:
            hint = "" if models or Path(answers).suffix == ".json" else f"; data of your own need a formula: {EXAMPLE}"
            raise DataError(f"{error}{hint}") from None
    entries = [answers] if isinstance(answers, Mapping | Answer) else answers
    if not isinstance(entries, Sequence) or not all(isinstance(e, Mapping | Answer) for e in entries):
        told = f"not {type(answers).__name__}"
        raise DataError(f"answers are a mapping with case and engine, a list of such, or the path of {FILES}; {told}")
    common = {"case": f"{PREFIX}/1"} if len(models) == 1 else {}
    found = [{**common, **(dict(e) if isinstance(e, Mapping) else asdict(e))} for e in entries]
    try:
        text = json.dumps(found, default=plain)
    except (TypeError, ValueError) as error:
        raise DataError(f"answers hold what JSON has not: {error}") from None
    return answers_of(json_entries(text, "answers"), "answers", known)


def plain(value: Any) -> Any:
    """Numbers and lists of numpy's and pandas' as Python's own."""
    as_list: Callable[[], Any] | None = getattr(value, "tolist", None)
    if as_list is None:
        raise TypeError(f"{type(value).__name__}: write it as text, number or list")
    return as_list()
