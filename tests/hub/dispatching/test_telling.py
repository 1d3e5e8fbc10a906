"""Who is told what, and why not: a table of an incident's life, seen by consumers of every kind."""

from dataclasses import replace

import pytest

from gatehouse_hub.dispatching.telling import (
    Consumer,
    Standing,
    TellReason,
    Told,
    Verdict,
    What,
    decide,
    key_of,
)
from gatehouse_shared.names import HazardClass, HazardKind
from gatehouse_shared.out import IncidentState

DESK = Consumer("desk", frozenset(), frozenset({HazardClass.THING, HazardClass.CROWD}), "P3")
FIRE = Standing(
    incident="a" * 32, site="court", hazard_class=HazardClass.THING, kind=HazardKind.FIRE_SMOKE, zone="shed", priority="P2",
    opened_ms=0, state=IncidentState.OPEN, drill=False, historical=False, merged_into=None, acts=0, live_rows=1,
)  # fmt: skip
CALLED = Told(What.OPENED, "P2", IncidentState.OPEN, 1)


@pytest.mark.parametrize(
    ("now", "reason", "what"),
    [
        (FIRE, TellReason.NEW, What.OPENED),
        (replace(FIRE, drill=True), TellReason.DRILL, None),
        (replace(FIRE, historical=True), TellReason.HISTORICAL, None),
        (replace(FIRE, priority="P4"), TellReason.BELOW_ITS_PRIORITY, None),
        (replace(FIRE, priority="P3"), TellReason.NEW, What.OPENED),
        (replace(FIRE, hazard_class=HazardClass.PRESENCE), TellReason.NOT_ITS_CLASS, None),
        (replace(FIRE, hazard_class=HazardClass.HELP), TellReason.NOT_ITS_CLASS, None),
        (replace(FIRE, state=IncidentState.RESOLVED), TellReason.OVER, None),
        (replace(FIRE, state=IncidentState.ACKNOWLEDGED), TellReason.NEW, What.OPENED),
        (replace(FIRE, merged_into="b" * 32), TellReason.OVER, None),
    ],
)
def test_of_what_nobody_was_told_yet(now: Standing, reason: TellReason, what: What | None) -> None:
    verdict = decide(DESK, now, ())
    assert (verdict.reason, verdict.what) == (reason, what)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (FIRE, Verdict(TellReason.TOLD_ALREADY)),
        (replace(FIRE, priority="P3", live_rows=9), Verdict(TellReason.TOLD_ALREADY)),
        (
            replace(FIRE, priority="P1", live_rows=2),
            Verdict(TellReason.MORE_URGENT, What.RAISED, "raised/P1"),
        ),
        (replace(FIRE, priority="P1"), Verdict(TellReason.HISTORICAL)),
        (
            replace(FIRE, state=IncidentState.ACKNOWLEDGED, acts=1),
            Verdict(TellReason.STATE_CHANGED, What.ACKNOWLEDGED, "acknowledged/1"),
        ),
        (
            replace(FIRE, state=IncidentState.RESOLVED, acts=2),
            Verdict(TellReason.STATE_CHANGED, What.RESOLVED, "resolved/2"),
        ),
        (
            replace(FIRE, merged_into="b" * 32),
            Verdict(TellReason.IN_ANOTHER, What.MERGED, "merged/0"),
        ),
        (
            replace(FIRE, hazard_class=HazardClass.PRESENCE),
            Verdict(TellReason.MORE_SENSITIVE, What.WITHDRAWN, "withdrawn/0"),
        ),
    ],
)
def test_of_what_somebody_was_called_for(now: Standing, expected: Verdict) -> None:
    assert decide(DESK, now, (CALLED,)) == expected


def test_what_went_away_is_said_once_and_so_is_its_return() -> None:
    merged = Told(What.MERGED, "P2", IncidentState.OPEN, 1)
    gone = replace(FIRE, merged_into="b" * 32)
    assert decide(DESK, gone, (CALLED, merged)).reason is TellReason.TOLD_ALREADY
    back = decide(DESK, FIRE, (CALLED, merged))
    assert (back.what, back.name) == (What.RETURNED, "returned/1")
    returned = Told(What.RETURNED, "P2", IncidentState.OPEN, 1)
    again = decide(DESK, gone, (CALLED, merged, returned))
    assert (again.what, again.name) == (What.MERGED, "merged/1")


def test_an_incident_that_was_opened_again_is_said_to_be() -> None:
    closed = Told(What.RESOLVED, "P2", IncidentState.RESOLVED, 1)
    now = replace(FIRE, state=IncidentState.ACKNOWLEDGED, acts=3)
    assert decide(DESK, now, (CALLED, closed)).name == "reopened/3"


def test_a_consumer_hears_of_its_sites_and_of_presence_only_where_it_is_named() -> None:
    guard = Consumer("guard", frozenset({"court"}), frozenset({HazardClass.PRESENCE}), "P4")
    intruder = replace(FIRE, hazard_class=HazardClass.PRESENCE)
    assert decide(guard, intruder, ()).what is What.OPENED
    assert decide(guard, FIRE, ()).reason is TellReason.NOT_ITS_CLASS
    elsewhere = decide(guard, replace(intruder, site="other"), ())
    assert elsewhere.reason is TellReason.NOT_ITS_SITE


def test_a_late_row_that_makes_it_more_urgent_calls_nobody_until_a_live_one_comes() -> None:
    late = replace(FIRE, priority="P1", live_rows=1)
    assert decide(DESK, late, (CALLED,)).what is None
    assert decide(DESK, replace(late, live_rows=2), (CALLED,)).what is What.RAISED


def test_a_key_is_of_the_consumer_the_incident_and_what_is_told() -> None:
    keys = {key_of(c, i, n) for c in ("desk", "guard") for i in ("a", "b") for n in ("opened", "x")}
    assert len(keys) == 8
    assert all(len(key) == 32 for key in keys)
    assert key_of("desk", "a", "opened") == key_of("desk", "a", "opened")
