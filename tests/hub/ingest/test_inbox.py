"""The inbox is bounded, and alarms pass bulk."""

import threading

from gatehouse_hub.ingest.inbox import Inbox
from gatehouse_testing.building import arrival


def test_urgent_messages_are_taken_first() -> None:
    inbox = Inbox()
    for n in range(3):
        inbox.put(arrival("bulk", b"b%d" % n), urgent=False)
    inbox.put(arrival("alarm", b"a"), urgent=True)
    taken = inbox.take(messages=2, size_bytes=1_000, timeout_s=0)
    assert [a.payload for a in taken] == [b"a", b"b0"]


def test_a_full_lane_sheds_and_leaves_the_other_open() -> None:
    inbox = Inbox(lane_messages=2, wait_s=0.0)
    assert [inbox.put(arrival("bulk", b"x"), urgent=False) for _ in range(3)] == [True, True, False]
    assert inbox.put(arrival("alarm", b"x"), urgent=True)
    assert inbox.waiting() == 3


def test_bytes_are_bounded_too() -> None:
    inbox = Inbox(lane_bytes=10, wait_s=0.0)
    assert inbox.put(arrival("bulk", b"x" * 10), urgent=False)
    assert not inbox.put(arrival("bulk", b"x"), urgent=False)


def test_a_batch_ends_at_its_size_but_holds_at_least_one() -> None:
    inbox = Inbox()
    for size in (50, 50, 50):
        inbox.put(arrival("alarm", b"x" * size), urgent=True)
    assert len(inbox.take(messages=10, size_bytes=20, timeout_s=0)) == 1
    assert len(inbox.take(messages=10, size_bytes=60, timeout_s=0)) == 2


def test_who_waits_for_room_gets_in_when_there_is_some() -> None:
    inbox = Inbox(lane_messages=1, wait_s=10.0)
    inbox.put(arrival("alarm", b"first"), urgent=True)
    got_in: list[bool] = []
    waiting = threading.Thread(
        target=lambda: got_in.append(inbox.put(arrival("alarm", b"second"), urgent=True))
    )
    waiting.start()
    assert inbox.take(messages=1, size_bytes=100, timeout_s=1)[0].payload == b"first"
    waiting.join(10)
    assert got_in == [True]
    assert inbox.take(messages=1, size_bytes=100, timeout_s=1)[0].payload == b"second"


def test_a_closed_inbox_lets_everybody_go() -> None:
    inbox = Inbox(lane_messages=1, wait_s=60.0)
    inbox.put(arrival("alarm", b"x"), urgent=True)
    inbox.close()
    assert not inbox.put(arrival("alarm", b"x"), urgent=True)
    assert len(inbox.take(messages=5, size_bytes=100, timeout_s=60)) == 1
    assert inbox.take(messages=5, size_bytes=100, timeout_s=60) == []
