"""Findings become rows that the wire takes: one open hazard a rule and zone, numbered by its raised row."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from gatehouse_edge.outbox.hazards import Hazards, Speaker, again, orphans, read_hazards
from gatehouse_edge.outbox.moving import move
from gatehouse_edge.values import Measure
from gatehouse_shared.events import ClockState, HazardData, HazardEvent
from gatehouse_shared.names import HazardKind, Lane, Phase, Quantity
from gatehouse_shared.wire import build_event
from gatehouse_testing.gateway_parts import START, small_site, smoke

SPEAKER = Speaker(small_site(), "gw_1")
OLD, NEW = "0" * 16, "1" * 16


def say(hazards: Hazards, *findings: object, first: int = 1, epoch: str = OLD):
    return SPEAKER.say(hazards, findings, epoch=epoch, first=first)  # type: ignore[arg-type]


def test_a_hazard_is_called_by_the_number_of_its_raised_row() -> None:
    said = say(
        Hazards(),
        smoke(1, START),
        smoke(2, START),
        smoke(1, START + timedelta(seconds=40), Phase.UPDATED),
        smoke(2, START + timedelta(seconds=50), Phase.CLEARED),
        first=7,
    )
    assert [(d.data.hazard, d.data.phase) for d in said.drafts] == [  # type: ignore[union-attr]
        (7, Phase.RAISED),
        (8, Phase.RAISED),
        (7, Phase.UPDATED),
        (8, Phase.CLEARED),
    ]
    assert [h.rule for h in said.hazards.open] == ["smoke_1"]


def test_raised_twice_is_one_hazard_and_updated_at_most_every_half_minute() -> None:
    said = say(Hazards(), smoke(1, START), smoke(1, START + timedelta(seconds=10)))
    assert len(said.drafts) == 1
    later = say(said.hazards, smoke(1, START + timedelta(seconds=31)), first=2)
    assert [d.data.phase for d in later.drafts] == [Phase.UPDATED]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"zone": "attic"}, "no such zone"),
        ({"device": "smoke_9"}, "no such device"),
        ({"kind": HazardKind.PERIMETER_INTRUSION, "armed": True}, "may not raise"),
        ({"kind": HazardKind.TOUR_MISSED}, "may not raise"),
    ],
)
def test_what_the_wire_refuses_is_left_out_with_a_reason_and_leaves_no_trace(
    change: dict[str, object], reason: str
) -> None:
    said = say(Hazards(), replace(smoke(1, START), **change), smoke(2, START))  # type: ignore[arg-type]
    assert reason in said.refused[0].reason
    assert [d.data.hazard for d in said.drafts] == [1]  # type: ignore[union-attr]
    assert [h.rule for h in said.hazards.open] == ["smoke_2"]


def test_a_place_and_a_delay_are_said_once_when_raised() -> None:
    measure = Measure(Quantity.SMOKE, 200, 10)
    finding = replace(smoke(1, START), place_m=(3.7, 99.0, 0), confirm_s=12, measure=measure)
    said = say(Hazards(), finding, replace(finding, phase=Phase.CLEARED))
    raised, cleared = (d.data for d in said.drafts)
    assert isinstance(raised, HazardData)
    assert isinstance(cleared, HazardData)
    assert (raised.place.x_m, raised.place.y_m, raised.confirm_s) == (3, 5, 12)  # type: ignore[union-attr]
    assert (raised.measure.value, raised.measure.threshold) == (100, 10)  # type: ignore[union-attr]
    assert not hasattr(cleared.place, "x_m")
    assert cleared.confirm_s == 0


def test_what_is_open_and_silent_for_ten_minutes_is_said_again() -> None:
    hazards = say(Hazards(), smoke(1, START)).hazards
    assert SPEAKER.remind(hazards, START + timedelta(minutes=9)) == ()
    (finding,) = SPEAKER.remind(hazards, START + timedelta(minutes=10))
    assert finding.phase is Phase.UPDATED


def test_a_hazard_whose_rule_is_gone_is_cleared_at_the_start() -> None:
    hazards = say(Hazards(), smoke(1, START), smoke(2, START)).hazards
    ended = orphans(hazards, ["smoke_2"], START)
    assert [(f.rule, f.phase) for f in ended] == [("smoke_1", Phase.CLEARED)]
    assert say(hazards, *ended, first=3).hazards.of("smoke_1", "shed_2") is None


def event(data: HazardData, seq: int) -> HazardEvent:
    made = build_event(
        site="riverside",
        gateway="gw_1",
        epoch=OLD,
        lane=Lane.ALARM,
        seq=seq,
        time=START,
        clock=ClockState.SYNCED,
        data=data,
    )
    assert isinstance(made, HazardEvent)
    return made


def test_hazards_that_do_not_read_are_no_reason_not_to_start() -> None:
    kept = say(Hazards(), smoke(1, START)).hazards
    assert read_hazards(msgspec.json.encode(kept)) == kept
    assert read_hazards(b'{"open":[{"rule":"no such shape"}]}') == Hazards()
    assert read_hazards(b"\xff") == Hazards()


def test_a_move_says_the_raised_row_again_before_what_follows_it() -> None:
    raised = say(Hazards(), smoke(1, START), smoke(2, START), smoke(3, START))
    rows = [event(d.data, n) for n, d in enumerate(raised.drafts, 1)]  # type: ignore[arg-type]
    cleared = say(raised.hazards, again(raised.hazards.open[0], Phase.CLEARED, START), first=4)
    last = event(cleared.drafts[0].data, 4)  # type: ignore[arg-type]
    drafts, hazards = move(
        [rows[2], last], lambda n: rows[n - 1], cleared.hazards, epoch=NEW, first=1
    )
    told = [(d.data.rule, d.data.phase, d.data.hazard) for d in drafts]  # type: ignore[union-attr]
    assert told == [
        ("smoke_3", Phase.RAISED, 1),
        ("smoke_1", Phase.RAISED, 2),
        ("smoke_1", Phase.CLEARED, 2),
        ("smoke_2", Phase.RAISED, 4),
    ]
    assert {(h.rule, h.epoch, h.number) for h in hazards.open} == {
        ("smoke_2", NEW, 4),
        ("smoke_3", NEW, 1),
    }
