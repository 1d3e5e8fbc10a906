"""The clock of a gateway against ours."""

import pytest

from gatehouse_hub.ingest.offsets import SAMPLES_MAX, WINDOW_S, Answer, add, best, measure
from gatehouse_hub.values import Offset, Sample
from gatehouse_testing.building import BOOT, BOOT_2


def answer(
    at_s: float, offset_ms: int, round_trip_ms: int = 10, *, boot: str = BOOT, synced: bool = True
) -> Answer:
    return Answer(at_s, boot, synced, offset_ms, round_trip_ms)


@pytest.mark.parametrize(
    ("gateway_ms", "round_trip_s", "offset_ms"),
    [(10_000, 0.0, 0), (9_950, 0.1, 0), (13_950, 0.1, 4_000), (0, 0.2, -9_900)],
)
def test_the_offset_is_measured_from_the_middle_of_the_round_trip(
    gateway_ms: int, round_trip_s: float, offset_ms: int
) -> None:
    found = measure(
        gateway_ms=gateway_ms,
        arrived_ms=10_000,
        round_trip_s=round_trip_s,
        at_s=0,
        boot=BOOT,
        synced=True,
    )
    assert found is not None
    assert found.offset_ms == offset_ms


def test_a_clock_that_was_never_set_is_not_measured() -> None:
    found = measure(
        gateway_ms=0, arrived_ms=10**13, round_trip_s=0, at_s=0, boot=BOOT, synced=False
    )
    assert found is None


def test_the_quickest_answer_of_ten_minutes_counts() -> None:
    answers: tuple[Answer, ...] = ()
    for a in (answer(0, 100, 4), answer(300, 120, 50), answer(590, 90, 30)):
        answers = add(answers, a)
    assert best(answers, 590) == Sample(Offset(100, 3), True)
    assert best(answers, 601) == Sample(Offset(90, 16), True)
    assert best(answers, 590 + WINDOW_S + 1) is None


@pytest.mark.parametrize(
    "later",
    [
        answer(20, 3_600_000, 400),  # the clock was set an hour on
        answer(20, 5, boot=BOOT_2),
        answer(20, 5, synced=False),
    ],
)
def test_what_was_measured_on_another_setting_of_the_clock_is_forgotten(later: Answer) -> None:
    answers = add(add((), answer(0, 0, 2)), later)
    assert answers == (later,)


def test_a_slow_answer_that_may_still_agree_forgets_nothing() -> None:
    answers = add(add((), answer(0, 0, 2)), answer(20, 900, 2_000))
    assert best(answers, 20) == Sample(Offset(0, 2), True)


def test_a_clock_that_drifts_slowly_is_one_clock() -> None:
    answers: tuple[Answer, ...] = ()
    for n in range(30):
        answers = add(answers, answer(20.0 * n, 2 * n, 2 + n))  # 100 ppm
    assert len(answers) == 30


def test_an_answer_that_took_as_long_as_a_later_one_is_of_no_more_use() -> None:
    answers: tuple[Answer, ...] = ()
    for n, round_trip_ms in enumerate((4, 9, 6, 6)):
        answers = add(answers, answer(n, 0, round_trip_ms))
    assert [(a.at_s, a.round_trip_ms) for a in answers] == [(0, 4), (3, 6)]


def test_only_so_many_answers_are_kept() -> None:
    answers: tuple[Answer, ...] = ()
    for n in range(SAMPLES_MAX * 2):
        answers = add(answers, answer(n, 0, 10 + n))
    assert len(answers) == SAMPLES_MAX
