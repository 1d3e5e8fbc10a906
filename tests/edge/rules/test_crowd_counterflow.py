"""Two streams that meet where there is little room."""

from math import cos, sin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.crowd_counterflow import build
from gatehouse_edge.rules.homography import homography
from gatehouse_edge.rules.streams import Streams, streams
from gatehouse_edge.rules.views import View
from gatehouse_edge.rules.zone_count import CountState, ZoneCounter
from gatehouse_shared.names import HazardKind, Label, ZoneKind
from gatehouse_testing.requests import WHOLE, request
from gatehouse_testing.rule_site import SQUARE_MARKS
from gatehouse_testing.rule_stories import opposed
from gatehouse_testing.watched import phases, told, tracks

KIND = HazardKind.CROWD_COUNTERFLOW
MARKED = View(
    "cam_1",
    "plaza",
    WHOLE,
    homography([((f[0], f[1]), (g[0], g[1])) for f, g in SQUARE_MARKS]),
    48.0,
)


def rule(params=None, view=MARKED):
    return build(request(KIND, params, zone_kind=ZoneKind.MOVING, area_m2=48.0, view=view))


def walked(seconds, count, against, *, pace=0.06):
    """What the rule is told by a camera at two frames a second: counts and tracks, as a set of rules tells it."""
    return walked_later(0, seconds, count, against, pace=pace)


def walked_later(first, seconds, count, against, *, pace=0.06):
    """The same from second `first` on."""
    counter, state, observed = ZoneCounter(MARKED, (Label.PERSON,)), CountState(), []
    for i in range(seconds * 2):
        at = first + i / 2
        frame = tracks(at, *opposed(at, count, against, pace=pace))
        state, counts = counter.step(state, frame)
        observed += [(at, c) for c in counts] + [(at, frame)]
    return observed


def test_two_streams_in_a_dense_zone_are_raised_after_half_a_minute():
    found = told(rule(), *walked(40, 60, 24))
    assert [(p, g) for p, g, _ in phases(found)] == [("raised", 2)]
    assert found[0].confirm_s == 30
    assert found[0].count == 60
    assert "walk against the others" in found[0].reason


def test_denser_still_it_is_an_alarm_after_a_quarter_of_a_minute():
    found = told(rule(), *walked(40, 110, 50))
    assert phases(found)[0][:2] == ("raised", 3)
    assert found[0].confirm_s == 15


@pytest.mark.parametrize(
    ("count", "against", "pace"),
    [(60, 0, 0.06), (60, 6, 0.06), (40, 18, 0.06), (9, 4, 0.06), (60, 24, 0.01)],
    ids=["all one way", "a few against", "room enough", "fewer than ten", "they stand"],
)
def test_other_crowds_are_not_raised(count, against, pace):
    assert told(rule(), *walked(60, count, against, pace=pace)) == []


def test_it_is_over_a_minute_after_the_streams_parted():
    found = told(rule(), *walked(45, 60, 24), *walked_later(45, 80, 20, 0))
    assert [p for p, *_ in phases(found)] == ["raised", "cleared"]
    assert 105 <= phases(found)[-1][2] <= 112


def test_it_needs_marks_and_densities_that_rise():
    with pytest.raises(RuleConfigError, match="no marks"):
        rule(view=View("cam_1", "plaza", WHOLE, None, 48.0))
    with pytest.raises(RuleConfigError, match="do not rise"):
        rule({"warn_per_m2": 3.0})


def test_streams_are_told_apart_along_the_axis_on_which_most_walk():
    along = [(1.0, 0.2)] * 6 + [(-1.0, 0.0)] * 3 + [(0.0, 1.0)]
    assert streams(along, 0.2) == Streams(6, 3)
    assert streams([(y, x) for x, y in along], 0.2) == Streams(6, 3)
    assert streams([], 0.2) == Streams(0, 0)
    assert Streams(0, 0).lesser_ratio == 0.0


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(0.3, 3), st.floats(-0.39, 0.39), st.booleans()), max_size=40))
def test_every_walker_on_the_axis_is_in_a_stream_and_turning_the_camera_changes_nothing(walkers):
    """Speed, angle off the axis in radians (two that differ by less than 45 degrees share it), and whether against it."""
    velocities = [(v * cos(a) * (-1 if against else 1), v * sin(a)) for v, a, against in walkers]
    one = streams(velocities, 0.2)
    against = sum(back for *_, back in walkers)
    assert one == Streams(
        max(against, len(walkers) - against), min(against, len(walkers) - against)
    )
    assert streams([(-y, x) for x, y in velocities], 0.2) == one


STORY = walked(50, 60, 24)


@settings(deadline=None, max_examples=10)
@given(st.floats(0.05, 0.5), st.floats(0.05, 0.5), st.floats(0.3, 2.0), st.floats(0.3, 2.0))
def test_a_stricter_rule_is_never_raised_earlier(share_a, share_b, dense_a, dense_b):
    def raised(share, dense):
        found = told(rule({"lesser_ratio": share, "warn_per_m2": dense}), *STORY)
        return found[0].time.timestamp() + found[0].confirm_s if found else float("inf")

    mild = raised(min(share_a, share_b), min(dense_a, dense_b))
    assert mild <= raised(max(share_a, share_b), max(dense_a, dense_b))
