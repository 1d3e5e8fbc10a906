"""Persons where nobody should be, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.rules.homography import homography
from gatehouse_edge.rules.perimeter_intrusion import WALKERS_MAX, PerimeterMemory, build
from gatehouse_edge.rules.rule import RuleState
from gatehouse_edge.rules.schedule import Arming, hours
from gatehouse_edge.rules.views import View
from gatehouse_edge.values import Passage
from gatehouse_shared.names import HazardKind, Label, ZoneKind
from gatehouse_testing.requests import LEFT_HALF, WHOLE, request
from gatehouse_testing.watched import moment, person, phases, run, told, tracks

KIND = HazardKind.PERIMETER_INTRUSION


def rule(params=None, **more):
    return build(request(KIND, params, polygon=LEFT_HALF, **more))


def film(where, seconds, *, fps=5, **more):
    """Frames in which one person's foot is at `where(at)`, or nobody where that is None."""
    out = []
    for i in range(round(seconds * fps) + 1):
        place = where(i / fps)
        seen = () if place is None else (person(1, place, **more),)
        out.append((i / fps, tracks(i / fps, *seen)))
    return out


def strolls(at):
    return (0.05 + 0.06 * at, 0.8)


def test_a_person_who_walks_in_is_raised_after_a_second_and_dated_back():
    found = told(rule(), *film(lambda at: strolls(at) if at >= 1 else None, 4))
    assert phases(found) == [("raised", 3, 1.0)]
    assert found[0].armed
    assert found[0].confidence == 18


def test_it_is_over_ten_seconds_after_the_last_one_left():
    found = told(rule(), *film(lambda at: strolls(at) if at <= 4 else None, 20))
    assert phases(found) == [("raised", 3, 0.0), ("cleared", 3, 14.2)]


@pytest.mark.parametrize(
    ("where", "more"),
    [
        (lambda at: (0.9, 0.8), {}),
        (lambda at: (0.2, 0.8), {}),
        (lambda at: (0.2 + 0.02 * (round(at * 5) % 2), 0.8), {}),
        (strolls, {"label": Label.ANIMAL}),
        (strolls, {"score": 0.2}),
        (strolls, {"age_s": 0.1}),
        (strolls, {"seen": False}),
        (lambda at: (0.1 + 0.4 * (round(at * 5) % 2), 0.8), {}),
    ],
    ids=[
        *("outside", "a post", "sways", "a cat", "hardly seen", "too young", "coasting"),
        "jumps faster than a person",
    ],
)
def test_what_is_no_intruder_is_not_raised(where, more):
    assert told(rule(), *film(where, 6, **more)) == []


def test_one_lost_frame_in_a_second_does_not_matter():
    found = told(rule(), *film(lambda at: None if at == 0.6 else strolls(at), 2))
    assert phases(found) == [("raised", 3, 0.0)]


def test_with_marks_what_is_not_as_tall_as_a_person_is_ignored():
    marks = [((0, 0), (0, 6)), ((1, 0), (8, 6)), ((1, 1), (8, 0)), ((0, 1), (0, 0))]
    view = View("cam_1", "plaza", WHOLE, homography(marks), 48.0)
    here = build(request(KIND, view=view))
    # The frame is 8 m wide and 6 m high, so a body of 0.3 frames is 1.8 m.
    assert phases(told(here, *film(strolls, 3, tall=0.3))) == [("raised", 3, 0.0)]
    assert told(here, *film(strolls, 3, tall=0.1)) == []
    assert told(here, *film(strolls, 3, tall=0.45)) == []


def test_a_passage_inward_over_a_line_of_the_zone_is_raised_at_once():
    here = rule(inward_lines=frozenset({"fence_line"}))

    def crossing(line, inward, label=Label.PERSON):
        return Passage(line, "cam_1", label, 1.0, moment(1).time, inward)

    quiet = [(1.0, crossing("fence_line", False)), (1.0, crossing("other", True))]
    quiet += [(1.0, crossing("fence_line", True, Label.ANIMAL)), (1.0, tracks(1.0))]
    assert told(here, *quiet) == []
    found = told(here, (1.0, crossing("fence_line", True)), (1.0, tracks(1.0)))
    assert phases(found) == [("raised", 3, 1.0)]


def test_nothing_is_raised_while_disarmed_and_nothing_is_dated_before_arming():
    arming = Arming(ZoneKind.PERIMETER, hours(["12:01-13:00"], ["mon"], "UTC"))
    here = rule(arming=arming)
    frames = film(lambda at: (0.05 + 0.006 * at, 0.8), 62)
    found = told(here, *frames)
    assert phases(found) == [("raised", 3, 60.0)]
    assert found[0].confirm_s == 1


def test_disarming_ends_an_open_intrusion():
    arming = Arming(ZoneKind.PERIMETER, hours(["11:00-12:01"], ["mon"], "UTC"))
    found = told(rule(arming=arming), *film(lambda at: (0.05 + 0.006 * at, 0.8), 75))
    assert phases(found) == [("raised", 3, 0.0), ("cleared", 3, 70.0)]
    assert found[1].armed, "presence is told with what was so when it was raised"


def test_what_is_followed_stays_bounded():
    state = RuleState()
    for i in range(50):
        crowd = tuple(person(100 * i + k, (0.2, 0.8)) for k in range(100))
        state, _ = run(rule(), [(i * 0.1, tracks(i * 0.1, *crowd))], state)
        assert isinstance(state.memory, PerimeterMemory)
        assert len(state.memory.walkers) <= WALKERS_MAX
    state, _ = run(rule(), [(60.0, tracks(60.0))], state)
    assert isinstance(state.memory, PerimeterMemory)
    assert not state.memory.walkers


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=60))
def test_every_intrusion_began_with_somebody_in_the_zone(places):
    frames = [(i / 5, tracks(i / 5, person(1, p))) for i, p in enumerate(places)]
    inside = {(moment(i / 5).time) for i, p in enumerate(places) if p[0] < 0.5}
    for finding in told(rule(), *frames):
        if finding.phase == "raised":
            assert finding.time in inside
            assert finding.armed
            assert finding.count is None
            assert finding.place_m is None
