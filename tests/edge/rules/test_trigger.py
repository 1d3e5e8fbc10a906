"""The machine that turns samples into raised, updated and cleared."""

import math
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.rules.trigger import (
    RAISES_KEPT,
    Change,
    Facts,
    Kept,
    Sample,
    Stage,
    Timing,
    TriggerState,
    advance,
    cleared,
    kept,
    resumed,
)
from gatehouse_edge.values import Measure
from gatehouse_shared.names import Phase, Quantity
from gatehouse_testing.watched import START, moment

ONE = Timing(stages=(Stage(2, 3.0),), clear_s=2.0, rearm_s=10.0)


def play(timing, truths, *, step_s=1.0, state=None, first=0.0, hold=None):
    """Steps a trigger through truths: True, False, or None for no sample. Changes with the second they came at."""
    state, said = state or TriggerState(), []
    for i, true in enumerate(truths):
        now = moment(first + i * step_s)
        sample = None
        if true is not None:
            on = (true,) * len(timing.stages) if isinstance(true, bool) else true
            sample = Sample(now.time, on, on if hold is None else hold(on))
        state, change = advance(timing, state, sample, now)
        if change is not None:
            said.append((round(now.at, 6), change))
    return state, said


def short(said):
    return [(at, c.phase.value, c.grade) for at, c in said]


def test_a_condition_is_raised_after_its_dwell_and_dated_back_to_its_first_true_sample():
    _, said = play(ONE, [False, True, True, True, True])
    [(at, change)] = said
    assert at == 4.0
    assert change == Change(Phase.RAISED, START + timedelta(seconds=1), 2, Facts(), 3, 0)


@pytest.mark.parametrize(
    ("truths", "raised_at"),
    [
        ([True, True, True], None),
        ([True, True, True, True], 3.0),
        ([True, False, True, True, True, True, True], 5.0),
        ([True, True, False, True, True, False, True, True, True, True], 9.0),
    ],
    ids=["too short", "just long enough", "a gap beyond a fifth starts anew", "and again"],
)
def test_dwell_bears_no_more_than_a_fifth_of_gaps(truths, raised_at):
    _, said = play(ONE, truths)
    assert [at for at, _ in said] == ([] if raised_at is None else [raised_at])


def test_a_gap_of_a_fifth_is_borne():
    timing = replace(ONE, stages=(Stage(2, 5.0),))
    _, said = play(timing, [True, True, False, True, True, True])
    assert short(said) == [(5.0, "raised", 2)]
    _, said = play(timing, [True, True, False, False, True, True, True])
    assert said == []


def test_five_samples_a_second_and_one_missed_are_a_second_of_truth():
    timing = Timing(stages=(Stage(3, 1.0),), clear_s=10.0)
    _, said = play(timing, [True, True, False, True, True, True], step_s=0.2)
    assert short(said) == [(1.0, "raised", 3)]


def test_a_hazard_is_over_when_its_condition_was_false_for_the_clearing_time():
    _, said = play(ONE, [True] * 4 + [False, True, False, False, False])
    assert short(said) == [(3.0, "raised", 2), (8.0, "cleared", 2)]


def test_the_weaker_condition_keeps_a_hazard_open_but_starts_none():
    timing = Timing(stages=(Stage(2, 0.0),), clear_s=0.0)
    weak = [(True,), (False,), (False,)]
    held = {0: (True,), 1: (True,), 2: (False,)}
    state, said = TriggerState(), []
    for at, on in enumerate(weak):
        now = moment(float(at))
        state, change = advance(timing, state, Sample(now.time, on, held[at]), now)
        said.append(change.phase if change else None)
    assert said == [Phase.RAISED, None, Phase.CLEARED]


def test_silence_does_not_end_a_hazard_and_updates_go_on():
    _, said = play(ONE, [True] * 4 + [None] * 700)
    assert short(said) == [(3.0, "raised", 2), (603.0, "updated", 2)]


def test_samples_after_a_long_silence_start_the_clearing_anew():
    state, _ = play(ONE, [True] * 4 + [False])
    state, said = play(ONE, [False], state=state, first=60.0)
    assert said == []
    _, said = play(ONE, [False, False], state=state, first=61.0)
    assert short(said) == [(62.0, "cleared", 2)]


def test_after_it_is_over_the_same_grade_waits_for_the_pause_and_a_greater_one_does_not():
    two = Timing(stages=(Stage(1, 0.0), Stage(3, 0.0)), clear_s=0.0, rearm_s=10.0)
    low, none, high = (True, False), (False, False), (True, True)
    _, said = play(two, [low, none, low, low, low])
    assert short(said) == [(0.0, "raised", 1), (1.0, "cleared", 1)]
    _, said = play(two, [low, none, low, low, high])
    assert short(said)[-1] == (4.0, "raised", 3)
    _, said = play(two, [low, none] + [low] * 10)
    [*_, (at, change)] = said
    assert (at, change.phase, change.time) == (11.0, Phase.RAISED, START + timedelta(seconds=2))


def test_a_greater_grade_is_told_at_once_and_later_changes_at_most_every_half_minute():
    two = Timing(stages=(Stage(1, 0.0), Stage(3, 5.0)), clear_s=1.0)
    _, said = play(two, [(True, True)] * 8 + [(True, False)] * 40)
    assert short(said) == [(0.0, "raised", 1), (5.0, "updated", 3), (35.0, "updated", 1)]


def test_an_open_hazard_is_told_again_at_least_every_ten_minutes():
    _, said = play(ONE, [True] * 1300)
    assert short(said) == [(3.0, "raised", 2), (603.0, "updated", 2), (1203.0, "updated", 2)]


def test_numbers_that_move_are_told_and_small_changes_are_not():
    timing = Timing(stages=(Stage(3, 0.0),), clear_s=5.0)
    state, said = TriggerState(), []
    for at, value in enumerate([700] * 5 + [710] * 40 + [800] * 40):
        now = moment(float(at))
        facts = Facts(measure=Measure(Quantity.TEMPERATURE, value, 700))
        state, change = advance(timing, state, Sample(now.time, (True,), (True,), facts), now)
        if change is not None:
            said.append((at, change.facts.measure.value))
    assert said == [(0, 700), (45, 800)]


def test_a_latched_hazard_ends_only_when_it_is_ended():
    timing = Timing(stages=(Stage(4, 0.0),), clear_s=0.0, latched=True)
    state, said = play(timing, [True, False, False, False])
    assert short(said) == [(0.0, "raised", 4)]
    state, change = cleared(state, moment(5.0))
    assert change is not None
    assert change.phase is Phase.CLEARED
    assert cleared(state, moment(6.0)) == (state, None)


def test_after_six_raises_an_hour_the_hazard_stays_open_and_counts_further_triggers():
    timing = Timing(stages=(Stage(3, 0.0),), clear_s=0.0, rearm_s=0.0, raises_per_hour=6)
    state, said = play(timing, [True, False] * 6 + [True, False] * 40)
    assert [c.phase for _, c in said].count(Phase.RAISED) == 6
    assert [c.phase for _, c in said].count(Phase.CLEARED) == 5
    updates = [c for _, c in said if c.phase is Phase.UPDATED]
    assert [u.count_raises for u in updates] == [1, 16, 20]
    state, said = play(timing, [None] * 3700, state=state, first=100.0)
    over = [(at, c.phase) for at, c in said if c.phase is Phase.CLEARED]
    assert over == [(3600.0, Phase.CLEARED)], "the first raise is an hour old and nothing is there"


def test_quiet_moments_between_triggers_are_no_triggers():
    timing = Timing(stages=(Stage(3, 0.0),), clear_s=0.0, raises_per_hour=1)
    _, said = play(timing, [True, *[False] * 50, True, *[False] * 50])
    assert [(at, c.count_raises) for at, c in said] == [(0.0, 0), (51.0, 1)]


def test_the_hour_of_raises_goes_on_over_a_restart():
    timing = Timing(stages=(Stage(3, 0.0),), clear_s=0.0, raises_per_hour=2)
    state, _ = play(timing, [True, False])
    was = kept(state, moment(1.0), armed=True)
    state, said = play(
        timing, [True, False], state=resumed(timing, was, moment(1800.0)), first=1800.0
    )
    assert short(said) == [(1800.0, "raised", 3)], "the second within the hour stays open"
    _, said = play(timing, [None] * 1900, state=state, first=1802.0)
    assert (3600.0, "cleared", 3) in short(said), "an hour after the first"


def numbered(counts, *, second_stage=False):
    """What a crowd trigger says of counts, one a second; a second stage is true from ten on and takes a minute."""
    stages = (Stage(1, 0.0), Stage(3, 60.0)) if second_stage else (Stage(1, 0.0),)
    timing, state, said = Timing(stages=stages, clear_s=5.0), TriggerState(), []
    for at, count in enumerate(counts):
        now = moment(float(at))
        on = (count is not None, at >= 10)[: len(stages)]
        facts = Facts(count=count)
        state, change = advance(timing, state, Sample(now.time, on, on, facts), now)
        if change is not None:
            said.append((at, change.phase.value, change.facts.count))
    return said


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ([100] * 5 + [124] * 5, [(0, "raised", 100)]),
        ([100] * 5 + [126] * 5, [(0, "raised", 100), (5, "updated", 126)]),
        ([100] * 5 + [80] * 5, [(0, "raised", 100), (5, "updated", 80)]),
        ([100] * 5 + [None] * 6, [(0, "raised", 100), (10, "cleared", 100)]),
    ],
    ids=["within a fifth", "more", "fewer", "the end tells the last count that was one"],
)
def test_a_count_is_told_again_when_it_has_moved_by_a_fifth(counts, said):
    assert numbered(counts) == said


def test_a_mere_number_waits_while_a_greater_grade_may_come():
    said = numbered([100] * 20 + [200] * 60, second_stage=True)
    assert said == [(0, "raised", 100), (70, "updated", 200)]


def test_a_hazard_is_dated_by_the_stage_that_is_active():
    two = Timing(stages=(Stage(1, 5.0), Stage(3, 60.0)), clear_s=1.0)
    _, said = play(two, [(False, True)] * 3 + [(True, True)] * 8)
    assert said[0][1].time == moment(3.0).time


def test_an_open_hazard_survives_a_restart_and_is_told_within_a_minute():
    state, _ = play(ONE, [True] * 5)
    written = msgspec.json.encode(kept(state, moment(4.0), armed=True))
    was = msgspec.json.decode(written, type=Kept)
    assert was == Kept(since=START, grade=2, raises=(START + timedelta(seconds=3),), armed=True)
    _, said = play(ONE, [None] * 60, state=resumed(ONE, was, moment(1000.0)), first=1000.0)
    assert short(said) == [(1020.0, "updated", 2)]
    _, said = play(ONE, [False] * 5, state=resumed(ONE, was, moment(1000.0)), first=1000.0)
    assert short(said) == [(1002.0, "cleared", 2)]


def test_what_is_written_down_holds_no_candidate():
    state, _ = play(ONE, [True, True])
    assert kept(state, moment(1.0), armed=None) == Kept()


@given(
    st.lists(st.sampled_from([True, False, None]), max_size=400),
    st.floats(0, 20),
    st.floats(0, 20),
    st.floats(0, 60),
)
def test_phases_follow_each_other_and_updates_keep_their_distance(
    truths, dwell_s, clear_s, rearm_s
):
    timing = Timing(stages=(Stage(2, dwell_s),), clear_s=clear_s, rearm_s=rearm_s)
    state, said = play(timing, truths)
    is_open, updated_at, raised_at = False, -math.inf, -math.inf
    for at, change in said:
        assert (change.phase is Phase.RAISED) == (not is_open)
        if change.phase is Phase.RAISED:
            is_open, raised_at = True, at
            assert change.time <= moment(at).time
            assert change.confirm_s >= int(dwell_s)
        elif change.phase is Phase.CLEARED:
            is_open = False
            assert at > raised_at
        else:
            assert at - updated_at >= timing.update_min_s
            updated_at = at
    assert (state.open is not None) == is_open


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_samples_repeated_at_the_same_moment_change_nothing(truths):
    once, _ = play(ONE, truths)
    twice, said = TriggerState(), []
    for at, true in enumerate(truths):
        now = moment(float(at))
        for _ in range(2):
            twice, change = advance(ONE, twice, Sample(now.time, (true,), (true,)), now)
            said.append(change)
    assert twice == once


@given(st.integers(0, 500))
def test_remembered_raises_stay_bounded(times):
    timing = Timing(stages=(Stage(3, 0.0),), clear_s=0.0)
    state, _ = play(timing, [True, False] * times)
    assert len(state.raises) <= RAISES_KEPT
