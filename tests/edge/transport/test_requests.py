"""What the hub may ask of a gateway, and what comes of it."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from gatehouse_edge.transport.requests import Desk, Drilling, Hands, Now, Outcome, Switching
from gatehouse_shared.commands import (
    AnnounceRequest,
    DrillRequest,
    OutputRequest,
    Response,
    TimeRequest,
    WalkTestRequest,
)
from gatehouse_shared.instants import format_instant
from gatehouse_shared.wire import decode, encode

NOON = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
BOOT = "0123456789abcdef"


class Asked:
    """A desk that knows one rule, and the drills that came of what it was asked."""

    def __init__(self, *, drills: bool = True, hands: bool = False) -> None:
        self.drills: list[Drilling] = []
        self.switched: list[Switching] = []
        self.desk = Desk(
            BOOT,
            lambda _: True,
            self._drill if drills else None,
            hands=Hands(self._switch, lambda m: "unknown" if m == "sing" else "done")
            if hands
            else None,
        )
        self.number = 0

    def _switch(self, switching: Switching) -> Outcome:
        self.switched.append(switching)
        return "done"

    def _drill(self, drilling: Drilling) -> bool:
        self.drills.append(drilling)
        return drilling.rule in (None, "shed_smoke")

    def ask(self, verb, kind, *, sent=NOON, here=NOON, up_s=1.0, number=None, **fields):
        self.number += 1
        request = kind(
            request=f"{number or self.number:032x}",
            ttl_ms=10_000,
            hub_time=format_instant(sent),
            **fields,
        )
        now = Now(here, True, int(up_s * 1000))
        answer = self.desk.answer(verb, encode(request), now)
        assert answer is not None
        return decode(answer, Response).outcome

    def measure(self, sent, *, here, up_s):
        """The hub asks for the time, and is answered."""
        self.number += 1
        request = TimeRequest(
            request=f"{self.number:032x}", ttl_ms=10_000, hub_time=format_instant(sent)
        )
        answer = self.desk.answer("time", encode(request), Now(here, True, int(up_s * 1000)))
        assert answer is not None
        assert b"gateway_time" in answer


def until(seconds, start=NOON):
    return format_instant(start + timedelta(seconds=seconds))


def test_a_drill_of_a_rule_is_done_for_as_long_as_the_hub_says():
    asked = Asked()
    assert asked.ask("drill", DrillRequest, rule="shed_smoke", until=until(3600)) == "done"
    assert asked.ask("walk_test", WalkTestRequest, until=until(600)) == "done"
    assert asked.drills == [Drilling("shed_smoke", 3600.0), Drilling(None, 600.0)]


def test_a_rule_that_is_not_there_is_unknown():
    assert Asked().ask("drill", DrillRequest, rule="gone", until=until(60)) == "unknown"


@pytest.mark.parametrize(("seconds", "outcome"), [(8 * 3600, "done"), (8 * 3600 + 1, "refused")])
def test_no_drill_is_longer_than_eight_hours(seconds, outcome):
    asked = Asked()
    assert asked.ask("walk_test", WalkTestRequest, until=until(seconds)) == outcome
    assert len(asked.drills) == (outcome == "done")


def test_one_that_has_ended_already_ends_what_is_running():
    asked = Asked()
    assert asked.ask("drill", DrillRequest, rule="shed_smoke", until=until(0)) == "done"
    assert asked.drills[0].left_s <= 0


def test_a_clock_that_is_wrong_by_hours_changes_nothing_of_its_length():
    asked = Asked()
    wrong = NOON + timedelta(hours=5)
    asked.desk.answer(
        "time",
        encode(TimeRequest(request="f" * 32, ttl_ms=10_000, hub_time=format_instant(NOON))),
        Now(wrong, False, 1_000),
    )
    late = wrong + timedelta(seconds=4)
    asking: dict[str, Any] = {"here": late, "up_s": 5.0, "until": until(60)}
    assert asked.ask("walk_test", WalkTestRequest, **asking) == "done"
    assert asked.drills == [Drilling(None, 56.0)]


@pytest.mark.parametrize("stepped_s", [3, -3, 180, -180, 3_600, -3_600])
def test_a_clock_that_is_set_between_two_requests_makes_neither_old_nor_young(stepped_s):
    asked = Asked()
    assert asked.ask("walk_test", WalkTestRequest, until=until(60)) == "done"
    asked.measure(NOON, here=NOON, up_s=1.0)
    sent = NOON + timedelta(seconds=20)
    here = sent + timedelta(seconds=stepped_s)
    asking: dict[str, Any] = {"sent": sent, "here": here, "until": until(80)}
    assert asked.ask("walk_test", WalkTestRequest, up_s=21.0, **asking) == "done"
    assert asked.drills[-1] == Drilling(None, 60.0)
    asked.measure(sent, here=here, up_s=21.0)
    assert asked.ask("walk_test", WalkTestRequest, up_s=30.0, **asking) == "done"
    assert asked.ask("walk_test", WalkTestRequest, up_s=32.0, **asking) == "expired"


def test_asked_again_under_the_same_number_it_is_answered_and_not_done_again():
    asked = Asked()
    for _ in range(2):
        assert asked.ask("walk_test", WalkTestRequest, number=7, until=until(60)) == "done"
    assert len(asked.drills) == 1


def test_where_nobody_drills_and_where_nothing_is_switched_it_is_refused():
    asked = Asked(drills=False)
    assert asked.ask("walk_test", WalkTestRequest, until=until(60)) == "refused"
    assert (
        asked.ask("output", OutputRequest, device="siren_1", on=True, until=until(60)) == "refused"
    )


def test_an_output_is_switched_for_what_is_left_of_the_time_that_was_asked_for():
    asked = Asked(hands=True)
    asked.desk.answer(
        "time",
        encode(TimeRequest(request="f" * 32, ttl_ms=10_000, hub_time=format_instant(NOON))),
        Now(NOON, True, 1_000),
    )
    late = NOON + timedelta(seconds=3)
    siren = partial(asked.ask, "output", OutputRequest, device="siren_1", on=True)
    assert siren(here=late, up_s=4.0, until=until(60)) == "done"
    assert asked.switched == [Switching("siren_1", True, 57.0)]


def test_a_message_is_announced_or_unknown():
    asked = Asked(hands=True)
    assert asked.ask("announce", AnnounceRequest, message="leave") == "done"
    assert asked.ask("announce", AnnounceRequest, message="sing") == "unknown"
