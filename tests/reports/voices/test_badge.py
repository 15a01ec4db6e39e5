"""badge.json is what shields.io reads, and its colour is the exit status's."""

import json
from dataclasses import replace

import pytest

from relmer.reports.verdicts import FailOn, Verdict
from relmer.reports.voices.badge import badge

LINK = "https://example.org/1"


def said(report) -> tuple[str, str]:
    told = json.loads(badge(report))
    # https://shields.io/badges/endpoint-badge: these are required, and nothing else is.
    assert told.keys() == {"schemaVersion", "label", "message", "color"}
    assert (told["schemaVersion"], told["label"]) == (1, "relmer")
    return told["message"], told["color"]


@pytest.mark.parametrize(
    ("verdict", "accepted", "fail_on", "message", "color"),
    [
        (Verdict.AGREE, "", (), "agrees on 2 cases", "brightgreen"),
        (Verdict.EARLY, "", (), "agrees on 2 cases", "brightgreen"),
        (Verdict.EARLY, "", (FailOn.EARLY,), "broken on 1 of 2 cases", "red"),
        (Verdict.WRONG, "", (), "broken on 1 of 2 cases", "red"),
        (Verdict.FAILED, "", (), "broken on 1 of 2 cases", "red"),
        (Verdict.WRONG, LINK, (), "2 cases, 1 accepted", "yellow"),
        (Verdict.WRONG, LINK, (FailOn.ACCEPTED,), "broken on 1 of 2 cases", "red"),
        (Verdict.WRONG, LINK, (FailOn.DISAGREE,), "broken on 1 of 2 cases", "red"),
        (Verdict.UNSUPPORTED, "", (), "nothing judged", "lightgrey"),
        (Verdict.NOT_GIVEN, "", (), "nothing judged", "lightgrey"),
    ],
)
def test_the_message_and_its_colour(verdict, accepted, fail_on, message, color, make_report) -> None:
    plain = replace(make_report(2), figures=(), accepted=(), drift=(), fail_on=fail_on)
    one = replace(plain, comparisons=(replace(plain.comparisons[0], verdict=verdict, accepted=accepted),))
    assert said(one) == (message, color)
    assert (color == "red") == one.broken


def test_a_report_of_anything_is_red_if_and_only_if_it_breaks(report) -> None:
    assert (said(report)[1] == "red") == report.broken


def test_a_run_that_was_interrupted_is_partial(make_report) -> None:
    plain = replace(make_report(1), figures=(), accepted=(), drift=())
    agrees = replace(plain, comparisons=(replace(plain.comparisons[0], verdict=Verdict.AGREE),))
    assert said(replace(agrees, environment={"partial": "1 of 2 cases"})) == ("partial: 1 case", "lightgrey")
