"""Boats where none should be."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.build import build_rules
from gatehouse_edge.rules.homography import homography
from gatehouse_edge.rules.rule import RuleState
from gatehouse_edge.rules.schedule import DAYS, Arming, hours
from gatehouse_edge.rules.vessel_intrusion import VesselMemory, build
from gatehouse_edge.rules.views import View
from gatehouse_edge.rules.ways import WAYS_MAX
from gatehouse_edge.values import Passage
from gatehouse_shared.names import HazardKind, Label, ZoneKind
from gatehouse_testing.requests import WHOLE, request
from gatehouse_testing.rule_site import rule_site, site_tree
from gatehouse_testing.rule_stories import POND_MARKS
from gatehouse_testing.watched import moment, phases, run, thing, told, tracks

KIND = HazardKind.VESSEL_INTRUSION
GROUND = homography([((f[0], f[1]), (g[0], g[1])) for f, g in POND_MARKS])
POND = View("cam_1", "plaza", WHOLE, GROUND, 1200.0)


def rule(params=None, **more):
    more.setdefault("view", POND)
    return build(request(KIND, params, zone_kind=ZoneKind.WATER, **more))


def boat(x_m, y_m=15.0, length_m=4.0, label=Label.BOAT, track_id=1):
    """A box of that length whose foot is there; the camera looks straight down on 40 by 30 metres."""
    x, y = x_m / 40, 1 - y_m / 30
    return thing(track_id, (x - length_m / 80, y - 0.04, x + length_m / 80, y), label)


def film(first, last, seen, fps=2):
    frames = range(round(first * fps), round(last * fps) + 1)
    return [(i / fps, tracks(i / fps, *seen(i / fps))) for i in frames]


def sail(speed, **more):
    return lambda at: (boat(4 + speed * at, **more),) if 4 + speed * at < 38 else ()


def test_a_boat_that_sails_through_is_raised_after_twenty_seconds_and_over_a_minute_after():
    found = told(rule(), *film(0, 120, sail(1.0)))
    assert phases(found) == [("raised", 3, 0.0), ("cleared", 3, 94.0)]
    assert found[0].confirm_s == 20
    assert found[0].armed
    assert found[0].place_m is None


def test_one_that_comes_in_fast_is_raised_after_five():
    def comes(at):
        return (boat(1.5 + 3.2 * at, length_m=2.5),) if at < 11 else ()

    found = told(rule(), *film(0, 20, comes))
    assert [(p, g) for p, g, _ in phases(found)] == [("raised", 3)]
    assert 5 <= found[0].confirm_s < 10


def test_one_that_goes_out_fast_waits_its_time():
    def out(at):
        return (boat(24 + 3.5 * at, length_m=2.5),) if at < 4 else ()

    assert told(rule(), *film(0, 30, out)) == []


@pytest.mark.parametrize(
    "seen",
    [
        sail(1.0, length_m=1.5),
        sail(1.0, label=Label.ANIMAL),
        lambda at: (boat(20.0),),
        lambda at: (boat(20.0 + (at % 2)),),
        sail(0.1),
        lambda at: (boat(4 + 17.0 * (at % 2)),),
    ],
    ids=[
        "a bird",
        "a dog swims",
        "moored",
        "the waves move it",
        "it drifts",
        "too fast for a boat",
    ],
)
def test_what_is_no_boat_under_way_is_not_raised(seen):
    assert told(rule(), *film(0, 100, seen)) == []


def test_a_boat_over_a_line_inward_is_raised_at_once():
    one = rule(inward_lines=frozenset({"mouth"}))
    passed = Passage("mouth", "cam_1", Label.BOAT, 3.0, moment(3.0).time, True)
    swimmer = Passage("mouth", "cam_1", Label.PERSON, 2.0, moment(2.0).time, True)
    told_ = [(2.0, swimmer), *film(2.5, 2.5, sail(1.0)), (3.0, passed), *film(3, 5, sail(1.0))]
    assert phases(told(one, *told_)) == [("raised", 3, 3.0)]
    out = [(3.0, Passage("mouth", "cam_1", Label.BOAT, 3.0, moment(3.0).time, False))]
    assert told(one, *out, *film(3, 5, sail(1.0))) == []


def test_nothing_is_raised_while_not_armed():
    asleep = Arming(ZoneKind.WATER, hours(["00:00-01:00"], DAYS, "UTC"))
    assert told(rule(arming=asleep), *film(0, 60, sail(1.0))) == []


def test_it_needs_marks_and_a_fast_boat_waits_no_longer():
    with pytest.raises(RuleConfigError, match="no marks"):
        rule(view=View("cam_1", "plaza", WHOLE, None, 1200.0))
    with pytest.raises(RuleConfigError, match="wait longer"):
        rule({"fast_dwell_s": 30.0})


def test_in_an_open_public_zone_it_cannot_be_configured():
    tree = site_tree()
    pond = next(z for z in tree["zones"] if z["id"] == "pond")
    pond["kind"] = "area"
    with pytest.raises(RuleConfigError, match="no hazard at open hours"):
        build_rules(rule_site(**tree), "gw_1")


def test_boats_that_are_followed_are_bounded():
    fleet = tuple(
        boat(5 + 30 * (i % 100) / 100, track_id=i, label=Label.BOAT) for i in range(WAYS_MAX + 9)
    )
    state, _ = run(rule(), film(0, 2, lambda at: fleet), RuleState())
    assert isinstance(state.memory, VesselMemory)
    assert len(state.memory.ways) == len(state.memory.lengths) == WAYS_MAX


@settings(deadline=None, max_examples=50)
@given(st.floats(0, 12), st.floats(0.5, 8), st.floats(0.5, 20), st.floats(0.5, 20))
def test_a_stricter_length_is_never_raised_earlier_nor_a_boat_shorter_than_it(speed, long, a, b):
    def raised(least):
        found = told(rule({"least_length_m": least}), *film(0, 40, sail(speed, length_m=long)))
        assert not found or long >= least - 0.01
        return found[0].confirm_s if found else float("inf")

    assert raised(min(a, b)) <= raised(max(a, b))
