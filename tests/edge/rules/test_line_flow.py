"""Who passes a line, which way, and how often."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.errors import RuleConfigError, TimeWentBackError
from gatehouse_edge.rules.line_flow import FORGET_S, TRACKS_MAX, LineCounter, LineState
from gatehouse_edge.values import Track, TrackId, Tracks
from gatehouse_shared.names import Label
from gatehouse_testing.watched import moment, person, tracks

DOOR = LineCounter(line="door", device="cam_1", a=(0.2, 0.5), b=(0.8, 0.5))


def walk(counter, *points, step_s=0.2, track_id=1, state=None, **more):
    """Passages of one walker whose foot is at these points in turn; None is a frame without him."""
    state, passed = state or LineState(), []
    for i, p in enumerate(points):
        seen = () if p is None else (person(track_id, p, **more),)
        state, out = counter.step(state, tracks(i * step_s, *seen))
        passed.extend((round(x.at, 6), x.inward) for x in out)
    return passed


@pytest.mark.parametrize(
    ("points", "passed"),
    [
        ([(0.5, 0.4), (0.5, 0.6)], [(0.2, True)]),
        ([(0.5, 0.6), (0.5, 0.4)], [(0.2, False)]),
        ([(0.5, 0.4), (0.5, 0.6), (0.5, 0.4)], [(0.2, True), (0.4, False)]),
        ([(0.5, 0.4), (0.5, 0.49), (0.5, 0.4)], []),
        ([(0.5, 0.4), (0.5, 0.51), (0.5, 0.49), (0.5, 0.51), (0.5, 0.6)], [(0.8, True)]),
        ([(0.5, 0.4), (0.5, 0.51), (0.5, 0.4)], []),
        ([(0.5, 0.51), (0.5, 0.6)], []),
        ([(0.9, 0.4), (0.9, 0.6)], []),
        ([(0.1, 0.4), (0.1, 0.6), (0.5, 0.6), (0.5, 0.4)], [(0.6, False)]),
        ([(0.5, 0.4), (0.9, 0.4), (0.9, 0.6), (0.5, 0.6)], []),
        ([(0.5, 0.4), (0.1, 0.6)], [(0.2, True)]),
        ([(0.5, 0.4), None, None, (0.5, 0.6)], [(0.6, True)]),
    ],
    ids=[
        *("in", "out", "there and back", "near and back", "trembling on the line", "a toe over it"),
        *("born on the line", "past the end", "round one end and over", "round the other end"),
        *("aslant", "hidden for two frames"),
    ],
)
def test_a_way_is_counted_as_it_was_gone(points, passed):
    assert walk(DOOR, *points) == passed


def test_the_band_grows_with_the_body():
    near = [(0.5, 0.4), (0.5, 0.53)]
    assert walk(DOOR, *near, tall=0.2) == [(0.2, True)], "0.12 of 0.2 is 0.024"
    assert walk(DOOR, *near, tall=0.3) == [], "0.12 of 0.3 is 0.036"
    assert walk(DOOR, (0.5, 0.4), (0.5, 0.51), tall=0.02) == [], "never less than a sixtieth"


def test_a_young_track_counts_once_it_is_old_enough():
    first = person(1, (0.5, 0.4), age_s=0.0)
    young = person(1, (0.5, 0.6), age_s=0.1)
    older = person(1, (0.5, 0.7), age_s=0.3)
    state, _ = DOOR.step(LineState(), tracks(0.0, first))
    state, out = DOOR.step(state, tracks(0.1, young))
    assert out == ()
    _, out = DOOR.step(state, tracks(0.3, older))
    assert [p.inward for p in out] == [True]


def test_a_short_line_is_not_hidden_in_its_own_band():
    short = LineCounter(line="slit", device="cam_1", a=(0.48, 0.5), b=(0.52, 0.5))
    # 0.04 of the width is 0.053 frame heights, so the band ends 0.027 from the line whatever the body.
    assert walk(short, (0.5, 0.47), (0.5, 0.53), tall=0.9) == [(0.2, True)]


def test_two_frames_of_the_same_moment_are_taken():
    state, _ = DOOR.step(LineState(), tracks(1.0, person(1, (0.5, 0.4))))
    _, out = DOOR.step(state, tracks(1.0, person(1, (0.5, 0.6))))
    assert [p.inward for p in out] == [True]


def test_a_coasting_track_is_not_counted():
    state, _ = DOOR.step(LineState(), tracks(0.0, person(1, (0.5, 0.4))))
    _, out = DOOR.step(state, tracks(0.2, person(1, (0.5, 0.6), seen=False)))
    assert out == ()


def test_a_track_that_was_lost_for_long_starts_afresh():
    state, _ = DOOR.step(LineState(), tracks(0.0, person(1, (0.5, 0.4))))
    _, out = DOOR.step(state, tracks(FORGET_S + 0.1, person(1, (0.5, 0.6))))
    assert out == ()


def test_labels_are_passed_on_and_walkers_do_not_mix():
    state, _ = DOOR.step(
        LineState(),
        tracks(0.0, person(1, (0.5, 0.4)), person(2, (0.4, 0.6), label=Label.CAR)),
    )
    _, out = DOOR.step(
        state, tracks(0.2, person(1, (0.5, 0.6)), person(2, (0.4, 0.4), label=Label.CAR))
    )
    assert [(p.label, p.inward) for p in out] == [(Label.PERSON, True), (Label.CAR, False)]


def test_a_line_aslant_is_crossed_at_right_angles_in_pixels_not_in_fractions():
    diagonal = LineCounter(line="x", device="cam_1", a=(0.25, 1.0), b=(1.0, 0.0))
    # 640x480: the line runs from (160, 480) to (640, 0); its right looking up and right is below it.
    assert walk(diagonal, (0.4, 0.5), (0.8, 0.9)) == [(0.2, True)]


def test_ten_thousand_tracks_do_not_fill_the_memory():
    state = LineState()
    for i in range(100):
        crowd = tuple(person(100 * i + k, (0.5, 0.4)) for k in range(100))
        state, _ = DOOR.step(state, tracks(i * 0.1, *crowd))
        assert len(state.sides) <= TRACKS_MAX
    state, _ = DOOR.step(state, tracks(60.0))
    assert not state.sides


def test_time_that_goes_back_is_refused():
    state, _ = DOOR.step(LineState(), tracks(1.0))
    with pytest.raises(TimeWentBackError, match=r"door: frame at 0\.500 s"):
        DOOR.step(state, tracks(0.5))


def test_a_line_that_is_a_point_is_refused():
    with pytest.raises(RuleConfigError, match="door 2: the line is too short"):
        LineCounter(line="door 2", device="cam_1", a=(0.5, 0.5), b=(0.51, 0.5))


ways = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=30)


@given(ways)
def test_swapping_the_ends_swaps_the_directions(points):
    turned = LineCounter(line="door", device="cam_1", a=DOOR.b, b=DOOR.a)
    assert walk(turned, *points) == [(at, not inward) for at, inward in walk(DOOR, *points)]


@given(ways)
def test_directions_alternate_on_a_line_that_nobody_can_go_round(points):
    wide = LineCounter(line="wide", device="cam_1", a=(-9.0, 0.5), b=(9.0, 0.5))
    ins = [inward for _, inward in walk(wide, *points)]
    assert all(a != b for a, b in itertools.pairwise(ins))


@given(ways)
def test_a_walker_seen_twice_at_the_same_place_changes_nothing(points):
    once = [inward for _, inward in walk(DOOR, *points)]
    twice = [inward for _, inward in walk(DOOR, *(p for p in points for _ in range(2)), step_s=0.1)]
    assert once == twice


def truth_boxes(path):
    """Frames of the labelled clip: `(id, x1, y1, x2, y2)` in pixels of 480x360 per frame number."""
    frames: dict[int, list[tuple[int, float, float, float, float]]] = {}
    for row in path.read_text().splitlines():
        number, identity, x, y, w, h = (float(v) for v in row.split(",")[:6])
        x, y, w, h = x * 0.625, y * 0.625, w * 0.625, h * 0.625
        frames.setdefault(int(number), []).append((int(identity), x, y, x + w, y + h))
    return frames


def test_on_the_boxes_of_the_labelled_clip_nearly_every_crossing_is_found(assets):
    frames = truth_boxes(assets / "gt" / "pets09-s2l1-first400.txt")
    truth = json.loads((assets / "gt" / "pets09-lines.json").read_text())
    width, height = truth["size"]
    rate, hits, found, wanted = 7.0, 0, 0, 0
    for name, line in truth["lines"].items():
        ends = [(x / width, y / height) for x, y in (line["from"], line["to"])]
        counter = LineCounter(line=name, device="cam_1", a=ends[0], b=ends[1])
        state, passed, born = LineState(), [], {}
        for number in sorted(frames):
            at = number / rate
            seen = tuple(
                Track(
                    TrackId(i),
                    Label.PERSON,
                    1.0,
                    (a, b, c, d),
                    at - born.setdefault(i, at),
                    9,
                    True,
                )
                for i, a, b, c, d in frames[number]
            )
            state, out = counter.step(
                state, Tracks("cam_1", at, moment(at).time, width, height, seen)
            )
            passed.extend((p.at * rate, 1 if p.inward else -1) for p in out)
        found, wanted = found + len(passed), wanted + len(line["crossings"])
        for number, way in line["crossings"]:
            match = next((p for p in passed if p[1] == way and abs(p[0] - number) <= rate), None)
            if match is not None:
                passed.remove(match)
                hits += 1
    assert 2 * hits / (found + wanted) >= 0.97
