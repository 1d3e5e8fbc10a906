"""How often a camera is looked at, from counters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.app.rates import Counted, RateMeter


def told(meter, *steps):
    """The last rate after steps of (second, looked in all, skipped in all)."""
    return [meter.tell(at, Counted(looked, skipped)) for at, looked, skipped in steps][-1]


def test_a_steady_rate_is_that_rate():
    rate = told(RateMeter(1.0), *((t, 5 * t, 0) for t in range(31)))
    assert (rate.looked_fps, rate.ratio) == (5.0, 1.0)


def test_only_the_last_seconds_count():
    steps = [(t, 5 * t, 0) for t in range(31)] + [(30 + t, 150 + t, 4 * t) for t in range(1, 12)]
    rate = told(RateMeter(1.0), *steps)
    assert rate.looked_fps == pytest.approx(1.0)
    assert rate.ratio == pytest.approx(0.2)


def test_nothing_is_said_before_half_a_window_is_known_nor_twice_a_second():
    meter = RateMeter(1.0)
    assert [meter.tell(t / 2, Counted(t, 0)) for t in range(10)] == [None] * 10
    assert meter.tell(5.0, Counted(10, 0)) is not None
    assert meter.tell(5.4, Counted(11, 0)) is None


def test_a_floor_of_one_look_in_ten_seconds_is_measured_over_thirty():
    rate = told(RateMeter(0.1), *((t, t // 10, 0) for t in range(61)))
    assert rate.looked_fps == pytest.approx(0.1)


def test_counters_that_were_set_back_go_on_from_there():
    steps = [(t, 5 * t, 0) for t in range(20)] + [(20 + t, 5 * t, 0) for t in range(15)]
    assert told(RateMeter(1.0), *steps).looked_fps == pytest.approx(5.0)


def test_a_gap_in_the_stream_is_not_held_against_the_gateway():
    meter = RateMeter(1.0)
    told(meter, *((t, 5 * t, 0) for t in range(20)))
    assert meter.tell(80.0, Counted(100, 0)) is None
    rates = [meter.tell(80.0 + t, Counted(100 + 5 * t, 0)) for t in range(1, 12)]
    assert {rate.looked_fps for rate in rates if rate} == {5.0}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=200))
def test_a_ratio_is_a_ratio_and_memory_is_bounded(steps):
    meter, total = RateMeter(1.0), Counted()
    for at, (looked, skipped) in enumerate(steps):
        total = Counted(total.looked + looked, total.skipped + skipped)
        rate = meter.tell(float(at), total)
        assert rate is None or (0 <= rate.ratio <= 1 and 0 <= rate.looked_fps <= 9.001)
    assert len(meter._steps) <= 12
