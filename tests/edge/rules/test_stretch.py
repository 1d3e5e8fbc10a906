"""How long something has been so, with gaps that are borne."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.rules.stretch import RUNS_MAX, begun, failed
from gatehouse_edge.rules.trigger import Sample, Stage, Timing, TriggerState, advance
from gatehouse_shared.names import Phase
from gatehouse_testing.watched import START, moment

DWELL = Timing(stages=(Stage(2, 10.0),), clear_s=2.0)
TRUTHS = st.lists(st.booleans(), max_size=80)


def raised(truths):
    """The second of the first raise, and what it is dated back to; None where there is none."""
    state = TriggerState()
    for at, true in enumerate(truths):
        now = moment(float(at))
        state, change = advance(DWELL, state, Sample(now.time, (true,), (true,)), now)
        if change is not None and change.phase is Phase.RAISED:
            return at, round((change.time - START).total_seconds())
    return None


def expected(truths):
    """The same by trying every beginning: true there and now, ten seconds ago or more, at most two of them false."""
    for at, true in enumerate(truths):
        for first in range(at + 1):
            held = truths[first : at + 1]
            if true and truths[first] and at - first >= 10 and held.count(False) <= 2:
                return at, first
    return None


@settings(deadline=None, max_examples=50)
@given(TRUTHS)
def test_a_hazard_is_raised_as_soon_as_any_stretch_has_held_and_dated_by_its_first_true_sample(
    truths,
):
    assert raised(truths) == expected(truths)


@settings(deadline=None, max_examples=50)
@given(TRUTHS, st.lists(st.integers(0, 79), max_size=20))
def test_what_is_true_more_often_is_never_raised_later(truths, more):
    also = [true or at in more for at, true in enumerate(truths)]
    once, again = raised(truths), raised(also)
    assert once is None or (again is not None and again[0] <= once[0])


def test_a_gap_too_many_begins_the_stretch_later_and_not_anew():
    truths = [True] * 5 + [False] * 2 + [True] * 2 + [False] + [True] * 9
    assert raised(truths) == (17, 7)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0.001, 5), max_size=300))
def test_beginnings_are_bounded_and_false_time_is_not_forgotten(gaps):
    runs, at = begun((), 0.0, START), 0.0
    for gap in gaps:
        at += gap
        runs = begun(failed(runs, gap / 100, 1e9), at, START + timedelta(seconds=at))
    assert len(runs) <= RUNS_MAX
    assert runs[0].at == 0.0
    assert abs(sum(r.false_s for r in runs) - sum(gaps) / 100) < 1e-6
