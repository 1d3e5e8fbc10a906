"""Rules, windows, orders and kept signals over a clock that is set: what counts seconds goes on, what shows a time follows."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from gatehouse_edge.outbox.hazards import Hazards, Speaker
from gatehouse_edge.outbox.ledger import RowLedger
from gatehouse_edge.pipeline import Judgment
from gatehouse_edge.rules.build import build_release, build_rules
from gatehouse_edge.rules.observations import DrillOrder, Moment, Tick
from gatehouse_edge.rules.orders import Order
from gatehouse_edge.rules.release_count import HOLD_S, CountRelease, CountsState
from gatehouse_edge.rules.release_flow import FlowRelease, FlowState, LineFacts, Tally
from gatehouse_edge.values import Finding, Reading, ZoneCount
from gatehouse_shared.events import HazardData
from gatehouse_shared.instants import parse_instant
from gatehouse_shared.names import LT10, Label, Phase, ZoneKind
from gatehouse_shared.site import decode_site
from gatehouse_testing.gateway_parts import START, open_in, small_site, smoke
from gatehouse_testing.keeping import hazards, keep, replayed
from gatehouse_testing.sensor_site import site_file
from gatehouse_testing.watched import moment

HOUR_S = 3600.0
STEPS = [3.0, -3.0, 45.0, -45.0, HOUR_S, -HOUR_S, 14 * HOUR_S, -14 * HOUR_S]
SITE = decode_site(site_file(1))


def stepped(at: float, cut: float, step: float) -> Moment:
    """The moment of a clock that is set at `cut`."""
    set_by = timedelta(seconds=step if at >= cut else 0.0)
    return Moment(at, moment(at).time + set_by)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("count", [4, 30])
def test_windows_hold_no_second_twice_and_none_that_nobody_saw(step: float, count: int) -> None:
    release, state = CountRelease({"plaza": ZoneKind.MOVING}), CountsState()
    windows = []
    for at in range(3_120):
        now = stepped(float(at), 1_234.0, step)
        seen = ZoneCount("plaza", "cam_1", Label.PERSON, now.at, now.time, count)
        state, closed = release.step(state, [seen] if at < 3_000 else [], now)
        windows += closed
    minutes = [w for w in windows if w.window_s < 900]
    known_s = sum(w.coverage / 20 * w.window_s for w in minutes)
    assert (
        known_s <= 3_000 + 2 * HOLD_S
    )  # a count is held so long after the last one, and after the cut
    again_s = -step if -60 < step < 0 else 0.0  # seconds that come twice are one
    assert known_s >= 3_000 - again_s - 15, "a window that was cut is told as far as it was seen"
    assert {w.mean for w in windows} == {LT10 if count < 10 else count}
    assert all(0 <= w.coverage <= 20 and 0 <= w.quality <= 20 for w in windows)
    assert all(int(w.start.timestamp()) % w.window_s == 0 for w in windows)


@pytest.mark.parametrize("step", STEPS)
def test_nobody_passes_twice_and_nobody_fewer_than_none(step: float) -> None:
    lines = {"in": LineFacts("cam_1", (Label.CAR,), exact_things=True)}
    desk, state = FlowRelease(lines, ZoneInfo("Europe/Berlin"), "23:00"), FlowState()
    windows, passed = [], 0
    for at in range(4_000):
        tallies = [Tally("in", "cam_1", Label.CAR, 1, 0)] if at % 7 == 0 and at < 3_000 else []
        passed += len(tallies)
        state, closed = desk.step(state, tallies, stepped(float(at), 1_234.0, step))
        windows += closed
    assert sum(w.inward for w in windows) == passed
    assert all(w.outward == 0 and w.window_s > 0 for w in windows)


def told_through(step: float, tmp_path, *, dwell_s: float) -> list[Finding]:
    """A detector that is true from 0 on, under a clock that is set halfway through its dwell; what is to be said."""
    site = site_file(1)
    site["rules"][0]["params"] = {"dwell_s": dwell_s, "clear_s": 2}  # type: ignore[index]
    whole = decode_site(site)
    outbox = open_in(tmp_path, iter(range(1, 9)))
    rules = build_rules(whole, "gw_1")
    desk = build_release(whole, "gw_1")
    judgment = Judgment(rules, desk, RowLedger(whole, "gw_1", outbox), moment(0.0))
    for at in range(40):
        now = stepped(float(at), dwell_s / 2, step)
        smoky = at < 30
        judgment.take(Reading("smoke_1", now.time, now.at, state=smoky), now)
    outbox.close()
    return judgment._said.findings


@pytest.mark.parametrize("step", STEPS)
def test_a_raise_after_the_clock_was_set_is_dated_back_from_the_time_of_now(
    step: float, tmp_path
) -> None:
    raised, *_, cleared = told_through(step, tmp_path, dwell_s=20.0)
    assert (raised.phase, raised.confirm_s) == (Phase.RAISED, 20)
    confirmed = stepped(20.0, 10.0, step).time
    assert abs(confirmed - timedelta(seconds=20) - raised.time) < timedelta(seconds=60)
    assert cleared.phase is Phase.CLEARED
    assert cleared.time == stepped(32.0, 10.0, step).time


@pytest.mark.parametrize("step", STEPS)
def test_a_drill_ends_when_its_seconds_are_over(step: float) -> None:
    rules = build_rules(SITE, "gw_1")
    state, _ = rules.step(rules.start(), DrillOrder(None, 60.0), moment(0.0))
    name = next(iter(rules.rules))
    kind = rules.rules[name].binding.kind
    for at in (1.0, 59.0, 61.0):
        now = stepped(at, 30.0, step)
        state, _ = rules.step(state, Tick(), now)
        assert (state.orders.of(name, kind, now) is Order.DRILL) is (at < 60)


@pytest.mark.parametrize("step", STEPS)
def test_kept_signals_say_the_same_again_over_a_step(step: float) -> None:
    told = []
    for at in range(400):
        now = stepped(float(at), 200.0, step)
        told.append((now, Reading("smoke_1", now.time, now.at, state=at % 40 < 20)))
    kept = keep(SITE, told)
    assert sum(f.phase is Phase.RAISED for f in kept.findings) == 10
    assert hazards(replayed(SITE, kept.blocks, exact=True)) == hazards(kept.findings)


@pytest.mark.parametrize("hours", [1, -1])
def test_an_open_hazard_is_updated_and_repeated_under_the_new_time(hours: int) -> None:
    speaker = Speaker(small_site(), "gw_1")
    said = speaker.say(Hazards(), [smoke(1, START)], epoch="0" * 16, first=1)
    later = START + timedelta(hours=hours)
    (repeated,) = speaker.remind(said.hazards, later)
    again = speaker.say(said.hazards, [repeated], epoch="0" * 16, first=2)
    data = again.drafts[0].data
    assert isinstance(data, HazardData)
    assert (data.phase, data.hazard) == (Phase.UPDATED, 1)
    assert parse_instant(again.hazards.open[0].said) == later
    assert speaker.remind(again.hazards, later) == ()
    anew = speaker.say(said.hazards, [smoke(1, later)], epoch="0" * 16, first=2)
    assert len(anew.drafts) == 1, "set back, nothing more would be said of it for an hour"
