"""Answers that are given in a file, whole or in part, of engines that need not be installed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from relmer.datasets import Case, DataError, from_plain, is_printed, key_of, load, parse_key
from relmer.reference.answers import Answer, Estimates, Status, to_json
from relmer.reference.engines import EngineError, checked, engine_names, plain_text
from relmer.reference.own_fits import design_of
from relmer.reports.listings import csv_entries, csv_template
from relmer.solver.errors import ModelError
from relmer.solver.model import Design, group_names, theta_names

SCHEMA = "relmer-answer/1"
# Endings of a file with one figure to a row.
TABLES = (".csv", ".tsv")
# The file of a run that keeps all that was heard.
ANSWERS = "answers.json"
ESTIMATES = tuple(field.name for field in fields(Estimates))
FREE: dict[str, Any] = {"status": "fitted", "version": "", "schema": SCHEMA}


class Written(float):
    """A number of a JSON text that keeps how it was written: its last digit says how much it claims."""

    text: str

    def __new__(cls, text: str) -> "Written":
        """Read the number."""
        number = super().__new__(cls, text)
        number.text = text
        return number


@dataclass(frozen=True)
class House:
    """Who an engine is that only its answers stand for: of a house of its own, without a witness."""

    name: str
    witness_of: None = None
    definition: bool = False

    @property
    def house(self) -> str:
        """Its own name."""
        return self.name


def read_answers(path: Path, cases: Mapping[str, Case]) -> tuple[Answer, ...]:
    """Read a file of one answer or a list of them.

    Parameters
    ----------
    path
        A JSON file, or a CSV file: see `csv_entries`.
    cases
        By name, those that may be answered.

    Raises
    ------
    DataError
        The file holds something else; one line that says where.
    """
    if path.suffix.lower() in TABLES:
        return answers_of(csv_entries(path), path.name, cases)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not JSON, in UTF-8: {plain_text(str(error), 150)}") from None
    return answers_of(json_entries(text, path.name), path.name, cases)


def answers_of(entries: Sequence[Any], name: str, cases: Mapping[str, Case]) -> tuple[Answer, ...]:
    """Read answers out of plain data, of which messages speak as `name`.

    An answer is whole, or tells less: only its case and its engine are needed. Numbers may be texts, as they are
    printed. What is told of estimates in part becomes `figures`.

    Raises
    ------
    DataError
        They are something else; one line that says where.
    """
    if not entries:
        raise DataError(f"{name} holds no answer")
    answers = [
        read_answer(entry, f"{name}, answer {k}" if len(entries) > 1 else name, cases)
        for k, entry in enumerate(entries, start=1)
    ]
    seen: set[tuple[str, str]] = set()
    for said in answers:
        if (said.engine, said.case) in seen:
            raise DataError(f"{name} has two answers of {said.engine} to {said.case}: leave one")
        seen.add((said.engine, said.case))
    return tuple(answers)


def json_entries(text: str, name: str) -> list[Any]:
    """The answers of a JSON text, unread."""
    try:
        found = json.loads(text, parse_float=Written, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} is not JSON, in UTF-8: {plain_text(str(error), 150)}") from None
    return found if isinstance(found, list) else [found]


def no_constant(word: str) -> float:
    """Refuse what JSON has no number for."""
    raise ValueError(f"{word} is no number of JSON: leave it out")


def read_answer(entry: Any, where: str, cases: Mapping[str, Case]) -> Answer:
    """Make one answer; what cannot be judged is refused."""
    if not isinstance(entry, dict):
        raise DataError(f"{where}: an object is wanted, with case and engine")
    name = str(entry.get("case"))
    if name not in cases:
        raise DataError(f"{where}: case is {name!r:.80}: `relmer cases` lists them, --data and --formula make my/1")
    said, part = {**FREE, **entry}, entry.get("estimates")
    whole = isinstance(part, dict) and {*part} == {*ESTIMATES} and all(map(numeric, part.values()))
    try:
        if not whole:
            printed = figures_of(part, cases[name], where)
            figures = {key: value for key, value in (said.get("figures") or {}).items() if value not in ("", None)}
            figures = {key: text_of(value, f"{where}: figures {key}") for key, value in figures.items()}
            said |= {"estimates": None, "figures": printed | figures}
        answer: Answer = from_plain(Answer, said, where)
    except (ValueError, AttributeError) as error:
        raise DataError(plain_text(str(error), 300)) from None
    for key in answer.figures:
        check_key(key, where)
    if answer.status is Status.FITTED and not (answer.estimates or answer.figures or answer.model or answer.criterion):
        raise DataError(f"{where}: neither estimates nor figures are given: there is nothing to judge")
    return against(answer, cases[name])


def against(answer: Answer, case: Case) -> Answer:
    """The answer under a name that is free; one on other data, or whose numbers do not fit together, has failed."""
    name = plain_text(answer.engine, 100) or "nameless"
    answer = replace(answer, engine=f"{name} (given)" if name in engine_names() else name, recorded=False)
    try:
        if answer.dataset_sha256 not in ("", load(case.dataset).sha256):
            raise EngineError(f"its answer is on other data than {load(case.dataset).name} is here")
        return checked(answer)
    except EngineError as error:
        return replace(answer, status=Status.FAILED, message=str(error), estimates=None, figures={})


def numeric(value: Any) -> bool:
    """Whether all that stands in a value are plain numbers."""
    if isinstance(value, list):
        return all(map(numeric, value))
    return isinstance(value, int | float) and not isinstance(value, bool)


def text_of(value: Any, where: str) -> str:
    """A figure as it is printed or written.

    Raises
    ------
    DataError
        It is no figure.
    """
    text = value.text if isinstance(value, Written) else str(value) if isinstance(value, int) else value
    if isinstance(value, bool) or not isinstance(text, str) or not is_printed(text.strip()):
        raise DataError(f"{where} is {value!r:.60}: write a figure as it is printed, such as 0.5, .5 or 1.2e-3")
    return text.strip()


def check_key(key: str, where: str) -> None:
    """Refuse a key that names no quantity of a fit."""
    try:
        parse_key(key)
    except ValueError as error:
        raise DataError(f"{where}: figures has {plain_text(str(error), 200)}") from None


def figures_of(part: Any, case: Case, where: str) -> dict[str, str]:
    """Estimates that are told in part, as figures by key; null stands for what is not told."""
    if part is None:
        return {}
    if not isinstance(part, dict):
        raise DataError(f"{where}: estimates must be an object")
    try:
        design = design_of(case)
    except ModelError as error:
        raise DataError(f"{where}: relmer refuses the model of {case.name}: {error}") from None
    known, figures = keys_of(design), dict[str, str]()
    for name, value in part.items():
        if name not in known:
            raise DataError(
                f"{where}: estimates.{name:.40} is not judged by itself: give {', '.join(known)}, or figures"
            )
        entries = flat(value)
        if entries and len(entries) != len(known[name]):
            raise DataError(f"{where}: estimates.{name} has {len(entries)} entries, the model {len(known[name])}")
        for key, entry in zip(known[name], entries, strict=bool(entries)):
            if entry is not None:
                figures[key] = text_of(entry, f"{where}: {key}")
    return figures


def flat(value: Any) -> list[Any]:
    """Entries of a scalar, a vector or a matrix, row by row; none of null."""
    if value is None:
        return []
    return (
        [entry for row in value for entry in (row if isinstance(row, list) else [row])]
        if isinstance(value, list)
        else [value]
    )


def keys_of(design: Design) -> dict[str, tuple[str, ...]]:
    """Keys of an answer's estimates, in their order; the quantities that have keys."""
    names, groups = design.coefficients, group_names(design.terms)
    pairs = [
        (group, term.columns[i], term.columns[j])
        for group, term in zip(groups, design.terms, strict=True)
        for j in range(len(term.columns))
        for i in range(j, len(term.columns))
    ]
    return {
        "criterion": ("criterion",),
        "sigma": ("sigma",),
        "theta": tuple(key_of("theta", name) for name in theta_names(design.terms)),
        "beta": tuple(key_of("beta", name) for name in names),
        "se": tuple(key_of("se", name) for name in names),
        "vcov": tuple(key_of("vcov", one, other) for one in names for other in names),
        "varcomp": tuple(
            key_of("var", group, one) if one == other else key_of("cov", group, one, other)
            for group, one, other in pairs
        ),
        "b": tuple(
            key_of("b", group, level, column)
            for group, term in zip(groups, design.terms, strict=True)
            for level in term.levels
            for column in term.columns
        ),
        "V_diagonal": tuple(key_of("V", str(row), str(row)) for row in range(1, len(design.y) + 1)),
    }


def template(case: Case, as_table: bool = False) -> str:
    """The answer to a case as a form to fill in, JSON or CSV: every figure of a usual listing, empty."""
    design = design_of(case)
    known = keys_of(design)
    asked = [key for name in ("criterion", "sigma", "beta", "se", "varcomp") for key in known[name]]
    if as_table:
        return csv_template(case.name, asked)
    form = {
        "schema": SCHEMA,
        "case": case.name,
        "engine": "",
        "version": "",
        "status": str(Status.FITTED),
        "warnings": [],
        "figures": dict.fromkeys(asked, ""),
    }
    return json.dumps(form, indent=2, ensure_ascii=False) + "\n"


def answers_json(heard: Sequence[Answer]) -> str:
    """All answers as a JSON list, one to a line, by case and engine: `read_answers` reads it."""
    lines = [to_json(said).rstrip() for said in sorted(heard, key=lambda said: (said.case, said.engine))]
    return "[" + ",\n".join(lines) + "]\n"
