"""What an engine returned, checked before anybody judges it: its types, its lengths, and that its numbers are numbers.

What is refused here is a slip of the adapter. Lengths that follow from another model than the case's (a coefficient, a
slope or a level too few) are none, as long as they fit together: that is a fault of the model, and the judge's.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any, cast

import numpy as np

from relmer.datasets import from_plain, is_printed, parse_key, to_plain
from relmer.reference.answers import Answer, Data, Estimates, Inference, Model
from relmer.reference.engines.child import plain_text, words
from relmer.reference.engines.contract import CAPABILITIES, UNDEFINED
from relmer.reference.engines.errors import EngineError

MOST_TEXTS, MOST_LENGTH = 50, 500
SCALARS = ("criterion", "sigma")


def stopped(error: BaseException) -> str:
    """Why an engine gave no answer: the words of its own errors, any other error by its type."""
    return words(error) if isinstance(error, EngineError) else f"{type(error).__name__}: {words(error)}".rstrip(": ")


def texts(said: object, where: str) -> tuple[str, ...]:
    r"""Texts of an engine as clean lines of bounded length and number, a single one as one.

    Examples
    --------
    >>> texts(["boundary\n(singular) fit"], "warnings")
    ('boundary (singular) fit',)
    """
    listed = [said] if isinstance(said, str) else said
    if not isinstance(listed, list | tuple | set | frozenset) or not all(isinstance(text, str) for text in listed):
        raise EngineError(f"{where} must be texts, not {type(said).__name__}")
    clean = [plain_text(text, MOST_LENGTH) for text in listed]
    if len(clean) <= MOST_TEXTS:
        return tuple(clean)
    return (*clean[: MOST_TEXTS - 1], f"and {len(clean) - MOST_TEXTS + 1} more")


def named_texts(said: object, where: str) -> dict[str, str]:
    """Texts by name, such as an environment."""
    if not hasattr(said, "items"):
        raise EngineError(f"{where} must be texts by name, not {type(said).__name__}")
    pairs = list(said.items())[:MOST_TEXTS]
    return {plain_text(str(name), 60): plain_text(str(value), MOST_LENGTH) for name, value in pairs}


def real_numbers(value: object, where: str, axes: int) -> np.ndarray:
    """Finite real numbers with that many axes.

    Raises
    ------
    EngineError
        It is something else; the message says where it stands, and what it is.

    Examples
    --------
    >>> real_numbers((1.0, float("nan")), "se", 1)
    Traceback (most recent call last):
    relmer.reference.engines.errors.EngineError: se[2] is nan; every value that is asked for must be a finite number
    """
    kinds = {0: "a number", 1: "a vector of numbers", 2: "a matrix of numbers"}
    try:
        found = np.asarray(value)
    except Exception as error:
        raise EngineError(f"{where} must be {kinds[axes]}: {words(error)}") from None
    if found.size == 0 and found.ndim == 1 and axes == 2:
        found = np.empty((0, 0))
    if found.ndim != axes or not (found.size == 0 or found.dtype.kind in "iuf"):
        raise EngineError(f"{where} must be {kinds[axes]}, as plain floats, not {plain_text(repr(value)[:200], 60)}")
    finite = np.isfinite(np.asarray(found, dtype=float))
    if not finite.all():
        at = np.argwhere(~finite)[0] + 1
        place = f"[{', '.join(map(str, at))}]" if axes else ""
        told = f"{where}{place} is {float(found[~finite].flat[0])}"
        raise EngineError(f"{told}; every value that is asked for must be a finite number")
    return found.astype(float)


def plain_estimates(said: object, rows: int | None, covariances: int | None = None) -> Estimates:
    """Estimates as plain floats: finite, of lengths that fit together, and the case's rows and covariances, if known.

    theta has as many entries as there are variances and covariances, or, where these have a structure, fewer.
    """
    if not isinstance(said, Estimates):
        raise EngineError(f"fit() must return estimates as Estimates, not {type(said).__name__}")
    found: dict[str, Any] = {}
    for field in fields(Estimates):
        axes = 0 if field.name in SCALARS else 2 if field.name == "vcov" else 1
        found[field.name] = real_numbers(getattr(said, field.name), field.name, axes)
    p = len(found["beta"])
    rows = len(found["fitted"]) if rows is None else rows
    expected = {"se": p, **dict.fromkeys(("fitted", "V_diagonal", "V_rowsum"), rows)}
    expected["varcomp"] = len(found["theta"]) if covariances is None else covariances
    varcomp = " as theta" if expected["varcomp"] == len(found["theta"]) else ", one for each variance and covariance"
    for name, length in expected.items():
        whose = {"se": " as beta", "varcomp": varcomp}.get(name, ", one for each row")
        if len(found[name]) != length:
            raise EngineError(f"{name} must have {length} entries{whose}, not {len(found[name])}")
    if found["vcov"].shape != (p, p):
        shape = " × ".join(map(str, found["vcov"].shape))
        raise EngineError(f"vcov must be {p} × {p}, for {p} entries of beta, not {shape}")
    if found["sigma"] < 0:
        raise EngineError(f"sigma is {float(found['sigma'])}; a standard deviation is not negative")
    plain = {name: value.tolist() for name, value in found.items()}
    vectors = {name: tuple(value) for name, value in plain.items() if name not in (*SCALARS, "vcov")}
    return Estimates(
        criterion=plain["criterion"], sigma=plain["sigma"], vcov=tuple(map(tuple, plain["vcov"])), **vectors
    )


def plain_inference(said: object, estimates: Estimates | None) -> Inference:
    """What is concluded as plain floats: finite, of lengths that fit together and to the estimates, if there are any.

    Raises
    ------
    EngineError
        It is something else; the message names the field.
    """
    if not isinstance(said, Inference):
        raise EngineError(f"inference must be an Inference, not {type(said).__name__}")
    if estimates is None and said.theta is None:
        raise EngineError("inference without estimates must have its theta")
    found = cast(Inference, guarded(lambda: from_plain(Inference, to_plain(said), "inference")))
    vectors = vectors_of(found)
    for name, value in vectors.items():
        real_numbers(value, f"inference.{name}", 1)
    for name in ("logLik", "AIC", "BIC"):
        if (scalar := getattr(found, name)) is not None:
            real_numbers(scalar, f"inference.{name}", 0)
    for method, ends in found.intervals.items():
        if not 0 < ends.level < 1:
            raise EngineError(f"inference.intervals.{method}.level is {ends.level}; it must be between 0 and 1")
    for method, test in found.F_tests.items():
        if test.type not in ("I", "II", "III"):
            said_type = plain_text(test.type, 20)
            raise EngineError(f"inference.F_tests.{method}.type is {said_type!r}; it must be I, II or III")
    for name, (length, wanted) in lengths_of(found, vectors, estimates).items():
        if length != wanted:
            raise EngineError(f"inference.{name} must have {wanted} entries, not {length}")
    return replace(found, refused=named_texts(found.refused, "inference.refused"))


def vectors_of(said: Inference) -> dict[str, tuple[float, ...]]:
    """Every vector that is told, by its place."""
    found = {"theta": said.theta, "t": said.t, "condsd": said.condsd}
    for method, tested in said.tests.items():
        found |= {f"tests.{method}.{name}": value for name, value in to_plain(tested).items()}
    for method, test in said.F_tests.items():
        found |= {f"F_tests.{method}.{name}": getattr(test, name) for name in ("NumDF", "DenDF", "F", "p")}
    for method, ends in said.intervals.items():
        found |= {f"intervals.{method}.{name}": getattr(ends, name) for name in ("lower", "upper")}
    found |= {f"predictions.{name}": value for name, value in to_plain(said.predictions or {}).items()}
    return {name: value for name, value in found.items() if value is not None}


def lengths_of(
    said: Inference, vectors: Mapping[str, tuple[float, ...]], estimates: Estimates | None
) -> dict[str, tuple[int, int]]:
    """The length of every vector, and the one that it must have: of beta, of b, or of the terms that are named."""
    of_beta = [name for name in vectors if name == "t" or name.startswith(("tests.", "intervals.wald."))]
    p = len(estimates.beta) if estimates else next((len(vectors[name]) for name in of_beta), 0)
    wanted = dict.fromkeys(of_beta, p)
    if estimates is not None and said.condsd is not None:
        wanted["condsd"] = len(estimates.b)
    if estimates is not None:
        k = len(estimates.theta) + 1 + len(estimates.beta)
        wanted |= dict.fromkeys((name for name in vectors if name.startswith("intervals.profile.")), k)
    for method, test in said.F_tests.items():
        wanted |= dict.fromkeys((name for name in vectors if name.startswith(f"F_tests.{method}.")), len(test.terms))
    return {name: (len(vectors[name]), length) for name, length in wanted.items()}


def plain_figures(said: object) -> dict[str, str]:
    """Figures as a listing prints them: keys that name quantities of a fit, texts that are numbers."""
    if not isinstance(said, Mapping) or not all(isinstance(text, str) for pair in said.items() for text in pair):
        raise EngineError(f"figures must be texts by key, not {type(said).__name__}")
    for key, text in said.items():
        guarded(partial(parse_key, key))
        if not is_printed(text):
            raise EngineError(f"figures {key:.60} is {plain_text(text, 40)!r}; write a finite number as a text")
    return dict(said)


def plain_criterion(said: object, asked: Sequence[object]) -> tuple[float | None, ...]:
    """Values of the criterion as plain floats, one for each theta; None where the engine has none."""
    if said is None or isinstance(said, str) or not isinstance(said, Iterable):
        raise EngineError(f"criterion() must return a value for each theta, not {type(said).__name__}")
    values = list(said)
    if len(values) != len(asked):
        raise EngineError(f"criterion() gave {len(values)} values for {len(asked)} theta")
    return tuple(
        None if value is None or value is UNDEFINED else float(real_numbers(value, f"criterion()[{k + 1}]", 0))
        for k, value in enumerate(values)
    )


def plain_stages(said: object) -> tuple[Data | None, Model | None]:
    """What `stages` returned; either of the two may be missing."""
    if not isinstance(said, tuple | list) or len(said) != 2:
        raise EngineError(f"stages() must return a pair (Data, Model), not {type(said).__name__}")
    data, model = said
    for part, kind in ((data, Data), (model, Model)):
        if part is not None and not isinstance(part, kind):
            raise EngineError(f"stages() must return {kind.__name__} or None in its place, not {type(part).__name__}")
    return data, model


def well_formed(answer: Answer) -> Answer:
    """The answer with every field of its annotated type.

    Raises
    ------
    EngineError
        A field is of another type; the message names it.
    """
    made = cast(Answer, guarded(lambda: from_plain(Answer, to_plain(answer), "answer")))
    for matrix in ("X", "Z", "Lambda"):
        print_of = getattr(made.model, matrix, None)
        if print_of is not None and not (math.isfinite(print_of.total) and math.isfinite(print_of.weighted)):
            raise EngineError(f"the sums of {matrix} must be finite numbers")
    return made


def guarded(make: Callable[[], object]) -> object:
    """What `make` makes; a refusal of another type is the engine's."""
    try:
        return make()
    except (ValueError, TypeError, AttributeError) as error:
        raise EngineError(words(error)) from None


def clean(answer: Answer) -> Answer:
    """The answer with its texts cleaned and bounded."""
    return replace(
        answer,
        version=plain_text(answer.version, 100),
        message=plain_text(answer.message, MOST_LENGTH),
        failed_in=answer.failed_in if answer.failed_in in CAPABILITIES else "",
        environment=named_texts(answer.environment, "environment()"),
        warnings=texts(answer.warnings, "warnings"),
    )


def checked(answer: Answer) -> Answer:
    """An answer from anywhere, as `answer` would have checked it: types, lengths that fit together, clean texts.

    Raises
    ------
    EngineError
        It is none; the message names the field.
    """
    found = clean(well_formed(answer))
    if found.estimates is not None:
        found = replace(found, estimates=plain_estimates(found.estimates, None))
    if found.inference is not None:
        found = replace(found, inference=plain_inference(found.inference, found.estimates))
    return found
