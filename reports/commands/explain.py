"""`relmer explain`: is this convergence warning real? Five lines."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import click

from relmer.datasets import Case, DataError
from relmer.reference.answers import Answer, Status
from relmer.reference.engines import EngineMissing, answer, participant
from relmer.reference.own_fits import design_of
from relmer.reports.commands.completion import engines_begun
from relmer.reports.commands.options import Own, model_options
from relmer.reports.commands.own import own_cases
from relmer.reports.commands.telling import document, say, telling, telling_options
from relmer.reports.commands.terminal import AGREEMENT, DISAGREEMENT, one_line_errors
from relmer.reports.explain import Coefficient, Explanation, explain
from relmer.reports.records import Optimality
from relmer.reports.text import one_line
from relmer.reports.voices import plain
from relmer.solver.model import theta_names

# A coefficient or standard error that is shown has moved by more than this part.
MOVED = 0.005
SHOWN = 3
# Of all coefficients it is told last.
INTERCEPT = "(Intercept)"


@click.command("explain")
@model_options
@click.option(
    "--engine",
    default="lme4",
    shell_complete=engines_begun,
    show_default=True,
    help="Who is asked, where --theta is not given.",
)
@click.option("--theta", metavar="NUMBERS", help="theta of a fit, as getME(fit, 'theta') prints it: 0.9,0.1,0.2.")
@click.option("--warning", "warned", multiple=True, help="With --theta: a warning of that fit; repeat for more.")
@click.option("--limit", type=click.FloatRange(min=1), help="Seconds after which the engine is given up.")
@telling_options("quiet", "as_json")
@click.pass_obj
def explain_command(
    debug: bool,
    own: Own,
    engine: str,
    theta: str | None,
    warned: tuple[str, ...],
    limit: float | None,
) -> None:
    """Say in five lines whether a fit stands at the optimum, which of its warnings are true, and what to do.

    The fit is lme4's, made here, or the one whose theta is given. Exit status: 0 if every fit stands at the optimum,
    or so near that no number of it moves; 1 if one does not; 2 for bad input; 3 if the engine cannot run here.
    """
    status = AGREEMENT
    explained: list[dict[str, Any]] = []
    with one_line_errors(debug), own_cases(own) as cases:
        for case in cases:
            if not design_of(case).terms:
                raise DataError(f"{case.formula} has no random effects: there is no theta to explain")
            if theta is not None:
                found = explain(case, "this theta", numbers(theta, case), warned)
            else:
                said = asked(engine, case, limit)
                if said.estimates is None:
                    names = ", ".join(theta_names(design_of(case).terms))
                    hint = f"; give --theta, the numbers of {names}" if said.status is Status.UNSUPPORTED else ""
                    why = one_line(f"{said.engine} has not fitted it: {said.message}{hint}")
                    say([f"{one_line(case.formula)}: {why}"])
                    explained.append({"formula": case.formula, "engine": said.engine, "why": why})
                    status = DISAGREEMENT
                    continue
                found = explain(case, f"{said.engine} {said.version}", said.estimates.theta, said.warnings)
            lines = tuple(map(one_line, told(found)))
            if len(cases) > 1:
                click.echo(one_line(case.formula), err=telling().as_json)
            say(lines)
            explained.append({"formula": case.formula, "stands": found.stands, **plain(found), "told": lines})
            if not found.stands:
                status = DISAGREEMENT
        document(lambda: json.dumps(plain(tuple(explained)), indent=1, allow_nan=False))
    sys.exit(status)


def asked(engine: str, case: Case, limit: float | None) -> Answer:
    """What an engine answers now.

    Raises
    ------
    EngineMissing
        It cannot run here.
    """
    found = participant(engine)
    if missing := found.available():
        names = ", ".join(theta_names(design_of(case).terms))
        raise EngineMissing(f"{engine} cannot run here ({missing}): give --theta, the numbers of {names}")
    said = answer(found, case, (), seconds=limit)
    if said.status is Status.FAILED:
        raise EngineMissing(f"{engine} failed: {said.message}")
    return said


def numbers(text: str, case: Case) -> tuple[float, ...]:
    """Theta, as it is given by hand.

    Raises
    ------
    DataError
        It is no list of numbers, or not of the model's length.
    """
    names = theta_names(design_of(case).terms)
    try:
        values = tuple(float(part) for part in text.replace(",", " ").split())
    except ValueError:
        raise DataError(
            f"--theta is {text!r:.60}: give numbers with commas between, those of {', '.join(names)}"
        ) from None
    if len(values) != len(names) or not all(abs(value) < float("inf") for value in values):
        raise DataError(f"--theta has {len(values)} numbers, the model {len(names)}: {', '.join(names)}")
    return values


def told(found: Explanation) -> Iterator[str]:
    """The five lines."""
    yield where(found)
    yield f"distance: {distance(found)}"
    yield f"warnings: {warnings(found)}"
    yield f"what changes at the optimum: {changes(found)}"
    yield f"what to do: {advice(found)}"


def where(found: Explanation) -> str:
    """Whether it stands at the optimum."""
    name, at = found.criterion_name, f"{found.criterion:.10g}"
    if found.lower:
        return (
            f"{found.engine} lies {-found.gap:.3g} below what relmer's search found: {name} {at}, not {found.best:.10g}"
        )
    if found.stands:
        how = "within rounding of it" if found.gap <= found.noise else f"{found.gap:.1e} above it"
        return f"{found.engine} stands at the optimum: {name} {at}, {how}"
    what = "" if found.optimality is Optimality.EARLY else f"; {found.optimality}"
    there = f"{found.best:.10g} there, {found.gap:.4g} lower{what}"
    return f"{found.engine} does not stand at the optimum: {name} {at}, and {there}"


def distance(found: Explanation) -> str:
    """How far it is, in the criterion, in standard errors and in digits."""
    parts = [f"{max(found.gap, 0.0):.2g} in the criterion"]
    if found.coefficients:
        worst = max(found.coefficients, key=lambda c: abs(c.beta - c.best_beta) / c.best_se)
        parts.append(
            f"at most {abs(worst.beta - worst.best_beta) / worst.best_se:.2g} SE in a coefficient ({worst.name})"
        )
        lost = max(found.coefficients, key=lambda c: abs(c.se / c.best_se - 1))
        parts.append(f"{abs(lost.se / lost.best_se - 1):.2g} of the SE of {lost.name}")
    return f"{', '.join(parts)}; theta has {found.theta_digits:.1f} digits"


def warnings(found: Explanation) -> str:
    """Which are true, and which false."""
    if not found.warnings:
        if found.stands:
            return "none, and none was due"
        return "none, though one was due" if not found.lower else "none"
    verdicts = {True: "true", False: "false", None: "not judged"}
    return "; ".join(f"“{warned.text}” is {verdicts[warned.is_true]}: {warned.why}" for warned in found.warnings)


def changes(found: Explanation) -> str:
    """What V, standard errors and conclusions become at the optimum."""
    moved = [c for c in found.coefficients if abs(c.se / c.best_se - 1) > MOVED or c.turns]
    if not moved and found.V_change <= MOVED:
        return "nothing that is printed with three digits"
    parts = [f"variances of y by up to {found.V_change:.0%}"]
    order = sorted(moved, key=lambda c: (not c.turns, c.name == INTERCEPT, -abs(c.se / c.best_se - 1)))
    parts += [moved_told(c) for c in order[:SHOWN]]
    if len(moved) > SHOWN:
        parts.append(f"{len(moved) - SHOWN} more standard errors")
    turned = [c.name for c in found.coefficients if c.turns]
    parts.append(f"|t| of {', '.join(turned[:SHOWN])} crosses 1.96" if turned else "no |t| crosses 1.96")
    return ", ".join(parts)


def moved_told(c: Coefficient) -> str:
    """How one coefficient changes."""
    return f"SE({c.name}) {c.se:.3g} → {c.best_se:.3g}, t {c.t:.3g} → {c.best_t:.3g}"


def advice(found: Explanation) -> str:
    """What to do."""
    if found.lower:
        return "keep this fit, and report the model to relmer: its search missed the optimum"
    if not found.stands:
        return better(found)
    judged = [warned.is_true for warned in found.warnings]
    if any(warned.is_true and "full rank at" in warned.why for warned in found.warnings):
        names = ", ".join(found.singular) or "a covariance matrix"
        return f"the fit is right, and singular: {names} is zero in these data; simplify the term, or report it so"
    if any(judged):
        return "the fit is right; what the warning says of the data holds: name it in the report"
    return "keep the fit: the warning is false" if False in judged else "nothing: keep the fit"


def better(found: Explanation) -> str:
    """What to do about a fit that is not at the optimum."""
    if found.other_order:
        names = ", ".join(found.names)
        return f"give theta in its order, {names}: these numbers stand at the optimum as {', '.join(found.other_order)}"
    theta = ", ".join(f"{value:.6g}" for value in found.theta)
    said = f"do not use this fit; `relmer fit` has the numbers at the optimum, theta {theta}"
    if found.far is None and found.odd_unit is not None:
        name, spread = found.odd_unit
        return f"divide {name} by {spread:.1g}, its spread, and fit again; {said}"
    if found.far is None:
        return f"{said}; lme4 may come there from start = c({theta})"
    name, mean, spread = found.far
    return f"centre {name} (its mean, {mean:.4g}, is {abs(mean) / spread:.0f} times its spread) and fit again; {said}"
