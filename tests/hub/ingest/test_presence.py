"""Births, wills, answers and silence, weighed by table."""

from dataclasses import replace

import pytest

from gatehouse_hub.ingest.presence import (
    DEATH_S,
    MISSED_MAX,
    PAST_BOOTS_MAX,
    SILENCE_S,
    PresenceReason,
    StateReason,
    Watch,
    on_answer,
    on_asked,
    on_birth,
    on_death,
    on_event,
    on_time,
)
from gatehouse_hub.values import Presence

A, B, C = "a" * 16, "b" * 16, "c" * 16


def born(boot: str = A, conn: int = 1, at_s: float = 0.0, watch: Watch | None = None) -> Watch:
    return on_birth(watch or Watch(), boot, conn, at_s=at_s, at_ms=ms(at_s))[0]


def ms(at_s: float) -> int:
    return round(at_s * 1000)


def died(watch: Watch, boot: str, conn: int, at_s: float) -> Watch:
    return on_death(watch, boot, conn, at_s=at_s, at_ms=ms(at_s))[0]


def at(watch: Watch, now_s: float, connected_s: float | None = 0.0) -> Watch:
    return on_time(watch, now_s=now_s, now_ms=ms(now_s), connected_s=connected_s)


KNOWN = replace(born(B, 5), past_boots=(A,))


@pytest.mark.parametrize(
    ("boot", "conn", "reason"),
    [
        (B, 6, StateReason.NEW_CONNECTION),
        (C, 1, StateReason.NEW_BOOT),
        (B, 5, StateReason.REPEATED),
        (B, 4, StateReason.OLDER),
        (A, 9, StateReason.OLDER),
    ],
)
def test_a_birth_is_placed_by_boot_and_connection(
    boot: str, conn: int, reason: StateReason
) -> None:
    watch, found = on_birth(KNOWN, boot, conn, at_s=9, at_ms=9_000)
    assert found is reason
    assert (watch == KNOWN) is (reason is StateReason.OLDER)


@pytest.mark.parametrize(
    ("boot", "conn", "reason"),
    [
        (B, 5, StateReason.WAITING),
        (B, 6, StateReason.WAITING),
        (C, 1, StateReason.WAITING),
        (B, 4, StateReason.OLDER),
        (A, 9, StateReason.OLDER),
    ],
)
def test_a_death_older_than_the_latest_connection_is_never_believed(
    boot: str, conn: int, reason: StateReason
) -> None:
    watch, found = on_death(KNOWN, boot, conn, at_s=9, at_ms=9_000)
    assert found is reason
    believed = at(watch, 9 + DEATH_S).presence is Presence.OFFLINE
    assert believed is (reason is StateReason.WAITING)


def test_a_death_is_believed_after_fifteen_seconds_and_dated_by_its_arrival() -> None:
    watch = died(born(), A, 1, at_s=100)
    assert at(watch, 114.9).presence is Presence.ONLINE
    gone = at(watch, 115)
    assert (gone.presence, gone.reason) == (Presence.OFFLINE, PresenceReason.DIED)
    assert gone.since_ms == 100_000


def test_a_flap_of_ten_seconds_is_never_seen() -> None:
    watch = died(born(), A, 1, at_s=100)
    watch = born(A, 2, at_s=110, watch=at(watch, 109))
    assert at(watch, 130).presence is Presence.ONLINE


def test_the_will_of_a_connection_that_a_new_one_replaced_changes_nothing() -> None:
    watch = born(A, 2, at_s=100, watch=born())
    assert died(watch, A, 1, at_s=101) == watch


def test_an_answer_to_a_request_made_after_a_will_proves_it_wrong() -> None:
    watch = died(born(), C, 1, at_s=100)
    early = on_answer(watch, A, asked_s=99, at_s=101, at_ms=101_000)
    assert at(early, 115).presence is Presence.OFFLINE
    late = on_answer(watch, A, asked_s=101, at_s=102, at_ms=102_000)
    assert at(late, 115).presence is Presence.ONLINE


def test_rows_still_on_their_way_do_not_prove_a_will_wrong() -> None:
    watch = on_event(died(born(), A, 1, at_s=100), at_s=101, at_ms=101_000)
    gone = at(watch, 115)
    assert gone.presence is Presence.OFFLINE
    assert on_event(gone, at_s=116, at_ms=116_000).presence is Presence.OFFLINE
    assert on_event(gone, at_s=115 + DEATH_S, at_ms=0).presence is Presence.ONLINE


def test_a_will_of_a_boot_whose_birth_was_lost_is_believed_and_becomes_the_latest() -> None:
    gone = at(died(born(), B, 3, at_s=100), 115)
    assert (gone.presence, gone.boot, gone.conn) == (Presence.OFFLINE, B, 3)
    assert on_birth(gone, A, 2, at_s=120, at_ms=0)[1] is StateReason.OLDER


def asked(watch: Watch, times: int) -> Watch:
    for _ in range(times):
        watch = on_asked(watch)
    return watch


@pytest.mark.parametrize(
    ("missed", "quiet_s", "connected_s", "gone"),
    [
        (MISSED_MAX, SILENCE_S, 0.0, True),
        (MISSED_MAX - 1, SILENCE_S, 0.0, False),
        (MISSED_MAX, SILENCE_S - 1, 0.0, False),
        (MISSED_MAX, SILENCE_S, 10.0, False),
        (MISSED_MAX, SILENCE_S + 10, 10.0, True),
        (MISSED_MAX + 5, 10 * SILENCE_S, None, False),
    ],
)
def test_silence_needs_missed_answers_and_time_in_which_we_could_hear(
    missed: int, quiet_s: float, connected_s: float | None, gone: bool
) -> None:
    watch = at(asked(born(), missed), quiet_s, connected_s)
    assert (watch.presence is Presence.OFFLINE) is gone


def test_an_event_or_an_answer_ends_the_silence() -> None:
    watch = asked(born(), MISSED_MAX)
    heard = on_event(watch, at_s=70, at_ms=70_000)
    assert at(heard, 100).presence is Presence.ONLINE
    answered = on_answer(watch, A, asked_s=60, at_s=61, at_ms=61_000)
    assert answered.unanswered == 0


def test_a_silent_gateway_is_gone_since_it_was_last_heard() -> None:
    watch = asked(on_event(born(), at_s=7, at_ms=7_000), MISSED_MAX)
    gone = at(watch, 90)
    assert (gone.reason, gone.since_ms) == (PresenceReason.SILENT, 7_000)
    back = on_answer(gone, A, asked_s=91, at_s=92, at_ms=92_000)
    assert (back.presence, back.since_ms) == (Presence.ONLINE, 92_000)


def test_a_birth_that_the_broker_only_kept_does_not_raise_the_silent() -> None:
    gone = at(asked(born(), MISSED_MAX), 90)
    kept, _ = on_birth(gone, A, 1, at_s=91, at_ms=0, retained=True)
    assert kept.presence is Presence.OFFLINE
    told, _ = on_birth(gone, A, 1, at_s=91, at_ms=0, retained=False)
    assert told.presence is Presence.ONLINE


def test_a_gateway_that_was_never_seen_is_neither_there_nor_gone() -> None:
    assert at(Watch(), 10_000).presence is Presence.UNKNOWN


def test_only_so_many_boots_are_remembered() -> None:
    watch = Watch()
    for n in range(50):
        watch = born(f"{n:016x}", 1, at_s=n, watch=watch)
    assert len(watch.past_boots) == PAST_BOOTS_MAX
