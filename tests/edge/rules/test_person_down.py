"""Somebody who stood lies now, and does not move."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.outbox.hazards import Hazards, Speaker
from gatehouse_edge.rules.homography import homography
from gatehouse_edge.rules.person_down import BODIES_MAX, DownMemory, build
from gatehouse_edge.rules.rule import RuleState
from gatehouse_edge.rules.views import View
from gatehouse_shared.events import HazardData, Place
from gatehouse_shared.names import HazardKind, Label, ZoneKind
from gatehouse_testing.requests import WHOLE, request
from gatehouse_testing.rule_site import rule_site
from gatehouse_testing.rule_stories import POND_MARKS
from gatehouse_testing.watched import moment, person, phases, run, thing, told, tracks

KIND = HazardKind.PERSON_DOWN
BENCH = ((0.3, 0.6), (0.7, 0.6), (0.7, 0.95), (0.3, 0.95))


def rule(params=None, **more):
    return build(request(KIND, params, zone_kind=ZoneKind.AREA, **more))


def lies(x=0.5, track_id=1, width=0.2, label=Label.PERSON):
    return thing(track_id, (x - width / 2, 0.72, x + width / 2, 0.8), label)


def stands(x=0.5, track_id=1):
    return person(track_id, (x, 0.8), tall=0.4)


def film(first, last, seen, fps=5):
    frames = range(round(first * fps), round(last * fps) + 1)
    return [(i / fps, tracks(i / fps, *seen(i / fps))) for i in frames]


def fall(at):
    return (stands(),) if at < 5 else (lies(),)


def test_who_fell_and_does_not_move_is_told_after_ten_seconds_and_again_after_twenty():
    found = told(rule(), *film(0, 40, fall))
    assert phases(found) == [("raised", 1, 5.0), ("updated", 3, 25.0)]
    assert (found[0].confirm_s, found[0].armed) == (10, False)


def test_it_is_over_three_seconds_after_they_stand():
    found = told(rule(), *film(0, 40, lambda at: fall(at) if at < 30 else (stands(),)))
    assert phases(found)[-1] == ("cleared", 3, 33.0)


@pytest.mark.parametrize(
    "seen",
    [
        lambda at: (lies(),),
        lambda at: (stands(),),
        lambda at: (stands(),) if at < 0.5 else (lies(),),
        lambda at: (stands(),) if at < 5 else (lies(label=Label.OBJECT),),
        lambda at: (stands(),) if at < 5 else (lies(x=0.2 + 0.02 * at),),
        lambda at: (stands(),) if at < 5 or at > 12 else (lies(),),
        lambda at: (stands(),) if at < 5 else (thing(1, (0.49, 0.79, 0.51, 0.795), Label.PERSON),),
        lambda at: (stands(),) if at < 5 else (thing(1, (0.45, 0.7, 0.55, 0.85), Label.PERSON),),
    ],
    ids=[
        *("was never seen to stand", "stands", "stood for half a second", "a thing lies there"),
        *("crawls on", "gets up at once", "too small to tell", "crouches"),
    ],
)
def test_other_shapes_are_nobody_down(seen):
    assert told(rule(), *film(0, 40, seen)) == []


def test_who_is_lost_while_falling_and_found_as_another_track_is_the_same():
    def seen(at):
        return (stands(),) if at < 5 else () if at < 6 else (lies(track_id=2),)

    assert phases(told(rule(), *film(0, 40, seen)))[0] == ("raised", 1, 6.0)


def test_another_who_lies_far_away_did_not_fall():
    def seen(at):
        return (stands(x=0.1),) if at < 5 else () if at < 6 else (lies(x=0.8, track_id=2),)

    assert told(rule(), *film(0, 40, seen)) == []


def test_who_is_hidden_by_helpers_is_taken_to_lie_for_a_while():
    def seen(at):
        return fall(at) if at < 30 else (stands(x=0.9, track_id=7),)

    found = told(rule(), *film(0, 70, seen))
    assert phases(found)[-1][0] == "cleared"
    assert 50 <= phases(found)[-1][2] <= 54


def test_nobody_is_down_on_a_bench_or_a_lawn():
    view = View("cam_1", "plaza", WHOLE, None, 100.0, (BENCH,))
    assert told(rule(view=view), *film(0, 60, fall)) == []
    beside = View("cam_1", "plaza", WHOLE, None, 100.0, (((0.8, 0.8), (1, 0.8), (1, 1)),))
    assert told(rule(view=beside), *film(0, 60, fall)) != []


def test_with_marks_it_names_a_place_and_the_wire_rounds_it_and_never_moves_it():
    ground = homography([((f[0], f[1]), (g[0], g[1])) for f, g in POND_MARKS])
    view = View("cam_1", "plaza", WHOLE, ground, 1200.0)
    found = told(rule(view=view, level=-1), *film(0, 40, fall))
    assert found[0].place_m == pytest.approx((20.0, 6.0, -1))

    site = rule_site()
    here = [replace(f, zone="pond", device="cam_pond", rule="pond_fall") for f in found]
    said = Speaker(site, "gw_1").say(Hazards(), here, epoch="0" * 16, first=1)
    assert said.refused == ()
    raised, updated = (d.data for d in said.drafts)
    assert isinstance(raised, HazardData)
    assert isinstance(updated, HazardData)
    assert isinstance(raised.place, Place)
    assert (raised.place.x_m, raised.place.y_m) == (20, 0)
    assert not updated.place


def test_nothing_of_bodies_or_places_is_written_down():
    ground = homography([((f[0], f[1]), (g[0], g[1])) for f, g in POND_MARKS])
    one = rule(view=View("cam_1", "plaza", WHOLE, ground, 1200.0))
    state, _ = run(one, film(0, 20, fall), RuleState())
    kept = one.kept(state, moment(20.0))
    assert kept.since is not None
    assert kept.facts.place_m is None


def test_a_warning_after_the_event_and_a_zone_out_of_sight_are_refused():
    with pytest.raises(RuleConfigError, match="after the event"):
        rule({"pre_s": 30.0})
    with pytest.raises(RuleConfigError, match="does not see"):
        rule(view=None)


def test_more_persons_than_can_be_followed_are_left_out():
    crowd = tuple(stands(x=(i % 100) / 100, track_id=i) for i in range(BODIES_MAX + 50))
    state, _ = run(rule(), film(0, 1, lambda at: crowd), RuleState())
    assert isinstance(state.memory, DownMemory)
    assert len(state.memory.bodies) == BODIES_MAX


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from(["stand", "lie", "gone"]), st.integers(1, 30)), max_size=12)
)
def test_nobody_is_down_who_did_not_lie_for_ten_seconds_and_each_raise_has_its_end(steps):
    observed, at, longest, since = [], 0, 0, None
    for what, seconds in steps:
        seen = {"stand": (stands(),), "lie": (lies(),), "gone": ()}[what]
        observed += [(float(at + i), tracks(float(at + i), *seen)) for i in range(seconds)]
        if what == "lie":
            since = at if since is None else since
            longest = max(longest, at + seconds - 1 - since)
        at += seconds
        if what != "lie" and seconds > 2:
            since = None
    found = told(rule(), *observed)
    if longest < 10:
        assert found == []
    open_now = False
    for finding in found:
        assert (finding.phase == "raised") is not open_now
        open_now = finding.phase != "cleared"


@settings(deadline=None, max_examples=50)
@given(st.floats(2, 60), st.floats(2, 60))
def test_a_longer_wait_never_raises_earlier(a, b):
    def raised(pre):
        found = told(rule({"pre_s": pre, "dwell_s": 60.0}), *film(0, 40, fall, fps=2))
        return found[0].confirm_s if found else float("inf")

    assert raised(min(a, b)) <= raised(max(a, b))
