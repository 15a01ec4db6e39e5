"""An engine that fails is told so at the stage that failed; what it was not asked for has not failed."""

from types import SimpleNamespace

import pytest

from relmer.datasets import case
from relmer.reference.engines import Kin, engine, kin_of
from relmer.reference.engines.protocol import answer, installed
from relmer.reference.own_fits import design_of, shared_points
from relmer.reports.evidence import landscape
from relmer.reports.judge import judge_case
from relmer.reports.verdicts import Verdict

CHOSEN = case("dyestuff/reml")
STEPS = ("stages", "criterion", "fit")
FIRST = {"stages": 1, "criterion": 3, "fit": 4}
FITS = [{"fit"}, {"fit", "criterion"}, {"fit", "stages"}, {*STEPS}]


def hostile(capabilities: set[str], failing: str) -> SimpleNamespace:
    """An engine that says what qr says, but for one step, which does not converge."""
    honest = engine("qr")

    def fail(*asked: object) -> None:
        raise ArithmeticError("false convergence (8)")

    steps = {name: fail if name == failing else getattr(honest, name) for name in capabilities}
    return SimpleNamespace(
        name="hostile",
        house="hostile",
        witness_of=None,
        definition=False,
        capabilities=frozenset(capabilities),
        version=lambda: "1",
        environment=dict,
        **steps,
    )


def verdicts(one: SimpleNamespace) -> dict[int, set[Verdict]]:
    """The verdicts on every rung."""
    points = shared_points(design_of(CHOSEN))
    shared = [theta for kind in points.values() for theta in kind]
    kin: Kin = kin_of([*installed(), one])
    answers = {"gls": answer(engine("gls"), CHOSEN, shared), "hostile": answer(one, CHOSEN, shared)}
    found = judge_case(CHOSEN, answers, ["hostile"], points, landscape(CHOSEN), kin).comparisons
    return {rung: {c.verdict for c in found if c.rung == rung} for rung in range(1, 6)}


@pytest.mark.parametrize(
    ("capabilities", "failing"),
    [(some, step) for some in FITS for step in STEPS if step in some],
    ids=lambda value: value if isinstance(value, str) else "+".join(sorted(value)),
)
def test_the_first_rung_that_failed_is_that_of_the_stage_that_failed(capabilities: set[str], failing: str) -> None:
    found = verdicts(hostile(capabilities, failing))
    first = FIRST[failing]
    assert all(found[rung] == {Verdict.FAILED} for rung in range(first, 6))
    told = {Verdict.AGREE} if "stages" in capabilities else {Verdict.NOT_GIVEN}
    assert all(found[rung] == (told if rung < 3 else {Verdict.NOT_GIVEN}) for rung in range(1, first))
