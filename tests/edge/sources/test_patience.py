from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.sources.patience import MAX_DRIFT_S, Patience, Retry, Timeline

NEVER_EARLY = 0.999999


def test_waits_double_up_to_the_cap():
    retry = Retry(Patience(first_retry_s=1, last_retry_s=8), lambda: NEVER_EARLY)
    waits = [round(retry.wait_s(float(i), crashed=False, ran_s=0), 2) for i in range(6)]
    assert waits == [1, 2, 4, 8, 8, 8]


def test_jitter_takes_away_up_to_half():
    retry = Retry(Patience(first_retry_s=4), lambda: 0.0)
    assert retry.wait_s(0, crashed=False, ran_s=0) == 2


def test_a_camera_that_ran_well_is_tried_again_at_once():
    retry = Retry(Patience(first_retry_s=1), lambda: NEVER_EARLY)
    for i in range(10):
        retry.wait_s(float(i), crashed=False, ran_s=0)
    assert round(retry.wait_s(1000, crashed=False, ran_s=31), 2) == 1


def test_crashes_beyond_the_budget_rest_until_the_window_has_room():
    retry = Retry(Patience(crashes=2, crash_window_s=100), lambda: 0.0)
    assert retry.wait_s(0, crashed=True, ran_s=50) < 2
    assert retry.wait_s(10, crashed=True, ran_s=50) < 2
    assert retry.wait_s(20, crashed=True, ran_s=50) == 80
    assert retry.wait_s(101, crashed=True, ran_s=50) < 30


def test_ten_thousand_crashes_are_not_remembered():
    retry = Retry(Patience(crashes=5, crash_window_s=1e9), lambda: 0.0)
    for i in range(10_000):
        retry.wait_s(float(i), crashed=True, ran_s=0)
    assert len(retry._crashed_at) <= 5


def test_the_stream_s_own_stamps_are_kept_while_they_agree_with_the_clock():
    line = Timeline()
    late_s = (0.0, 0.4, 0.1, 1.9)  # the network's delay does not show
    got = [line.at(900 + k / 10, 50 + k / 10 + late) for k, late in enumerate(late_s)]
    assert [round(at, 6) for at in got] == [0, 0.1, 0.2, 0.3]


def test_a_stream_opened_anew_goes_on_by_the_clock():
    line = Timeline()
    line.at(900, 50)
    line.restarted()
    assert line.at(0, 57) == 7
    assert line.at(0.1, 57.1) == 7.1


def test_a_jump_of_the_camera_s_clock_is_bent_back():
    line = Timeline()
    line.at(0, 0)
    assert line.at(3600, 1) == 1
    assert line.at(3601, 2) == 2


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0.001, 10)), min_size=1, max_size=50))
def test_media_time_only_goes_forward_and_stays_near_the_clock(samples):
    line, now, last = Timeline(), 0.0, -1.0
    start = None
    for media, passed in samples:
        now += passed
        start = now if start is None else start
        at = line.at(media, now)
        assert at > last
        assert at <= now - start + MAX_DRIFT_S + 1e-3 * len(samples)
        last = at
