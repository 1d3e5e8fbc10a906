"""The inbox is bounded, and alarms pass bulk."""

import threading
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gatehouse_hub.ingest.inbox import BEYOND_MAX, Arrival, Inbox
from gatehouse_hub.ingest.rates import KEPT_MAX, RateLimit, Rates, fresh_rows
from gatehouse_hub.ingest.turns import QUANTUM_BYTES, Turns
from gatehouse_shared.topics import up
from gatehouse_shared.wire import encode, encode_rows
from gatehouse_testing.building import START_MS, Outbox, arrival

ALL = {"messages": 10_000, "size_bytes": 100_000_000, "timeout_s": 0}


def of(gateway: str, leaf: str = "bulk", payload: bytes = b"x") -> Arrival:
    return replace(arrival(leaf, payload), topic=up("testing", gateway, leaf))


def fresh(gateway: str, seq: int, leaf: str = "bulk") -> Arrival:
    """A message with one row of just now."""
    box = Outbox(gateway=gateway)
    row = box.hazard(seq) if leaf == "alarm" else box.count(seq)
    return of(gateway, leaf, encode(row))


def order(taken: list[Arrival]) -> list[str]:
    return [a.gateway for a in taken]


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


def test_gateways_take_turns_whatever_one_of_them_has_waiting() -> None:
    inbox = Inbox()
    for _ in range(200):
        inbox.put(of("gw_loud", payload=b"x" * 4_000), urgent=False)
    for _ in range(3):
        inbox.put(of("gw_calm", payload=b"x" * 4_000), urgent=False)
    taken = order(inbox.take(messages=12, size_bytes=1_000_000, timeout_s=0))
    assert taken.count("gw_calm") == 3


def test_what_is_over_the_rate_waits_behind_everybody_else_and_loses_nothing() -> None:
    inbox = Inbox(rate=RateLimit(per_s=20, burst=5))
    loud = [fresh("gw_loud", n) for n in range(1, 21)]
    for message in loud:
        assert inbox.put(message, urgent=False)
    calm = [fresh("gw_calm", n) for n in range(1, 4)]
    for message in calm:
        assert inbox.put(message, urgent=False)
    taken = inbox.take(**ALL)
    assert set(order(taken[:8])) == {"gw_loud", "gw_calm"}
    assert set(order(taken[8:])) == {"gw_loud"}
    assert [a for a in taken if a.gateway == "gw_loud"] == loud


def test_a_backlog_knows_no_rate() -> None:
    inbox = Inbox(rate=RateLimit(per_s=1, burst=1))
    old = [replace(fresh("gw_back", n), arrived_ms=START_MS + 61_000) for n in range(1, 9)]
    for message in old:
        inbox.put(message, urgent=False)
    inbox.put(fresh("gw_calm", 1), urgent=False)
    inbox.put(fresh("gw_calm", 2), urgent=False)
    assert (
        order(inbox.take(**ALL))[-1] == "gw_calm"
    )  # its second is over its rate, the backlog is not


def test_a_flood_of_alarms_passes_no_alarm_and_starves_no_bulk() -> None:
    inbox = Inbox(rate=RateLimit(per_s=1, burst=2))
    for n in range(1, 41):
        inbox.put(fresh("gw_loud", n, "alarm"), urgent=True)
    for n in range(1, 6):
        inbox.put(of(f"gw_{n}", "bulk"), urgent=False)
    inbox.put(fresh("gw_calm", 1, "alarm"), urgent=True)
    taken = order(inbox.take(**ALL))
    assert "gw_calm" in taken[:3]
    assert {f"gw_{n}" for n in range(1, 6)} <= set(taken[:13])


def test_of_what_is_beyond_rates_only_so_much_is_taken_at_once() -> None:
    inbox = Inbox(rate=RateLimit(per_s=1, burst=1))
    for n in range(1, BEYOND_MAX + 52):
        inbox.put(fresh("gw_loud", n), urgent=False)
    assert len(inbox.take(**ALL)) == BEYOND_MAX + 1
    inbox.put(fresh("gw_calm", 1), urgent=False)
    assert order(inbox.take(**ALL))[0] == "gw_calm"


def test_a_full_lane_makes_room_at_the_cost_of_who_fills_it() -> None:
    evicted: list[int] = []
    inbox = Inbox(lane_messages=10, wait_s=60.0, on_evict=lambda: evicted.append(1))
    for n in range(10):
        assert inbox.put(of("gw_loud", payload=b"%d" % n), urgent=False)
    assert inbox.put(of("gw_calm"), urgent=False)
    assert inbox.put(of("gw_mild"), urgent=False)
    assert not inbox.put(of("gw_loud"), urgent=False)  # at once, so that it blocks nobody
    taken = inbox.take(**ALL)
    assert sorted(order(taken)) == ["gw_calm"] + ["gw_loud"] * 8 + ["gw_mild"]
    assert [a.payload for a in taken if a.gateway == "gw_loud"] == [b"%d" % n for n in range(8)]
    assert len(evicted) == 2


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 3 * QUANTUM_BYTES)), max_size=80),
    st.integers(0, 80),
)
def test_turns_lose_nothing_keep_each_ones_order_and_count_right(
    messages: list[tuple[str, int]], first: int
) -> None:
    turns: Turns[tuple[str, int]] = Turns()
    for n, (gateway, size) in enumerate(messages):
        turns.add(gateway, (gateway, n), size)
    taken = [m for _, (m, _) in zip(range(first), turns.take(), strict=False)]
    left = len(messages) - len(taken)
    assert (turns.messages, len(turns) == 0) == (left, left == 0)
    assert turns.size_bytes == sum(
        messages[n][1] for n in range(len(messages)) if not any(t[1] == n for t in taken)
    )
    taken += [m for m, _ in turns.take()]
    assert sorted(n for _, n in taken) == list(range(len(messages)))
    for gateway in "abcd":
        numbers = [n for g, n in taken if g == gateway]
        assert numbers == sorted(numbers)


def test_rows_are_counted_and_dated_from_their_bytes() -> None:
    rows = [Outbox().count(n, at_s=60 * n) for n in range(1, 8)]
    payload = encode_rows(rows)
    assert fresh_rows(payload, START_MS + 60_000) == 7
    assert fresh_rows(payload, START_MS + 121_000) == 0
    assert fresh_rows(b'{"specversion":"1.0","time":"2026-99-99T00:00:00.000Z"}', START_MS) == 0
    assert fresh_rows(b"\xff not rows", START_MS) == 0


def test_only_so_many_buckets_are_kept_and_one_fills_again() -> None:
    rates = Rates(RateLimit(per_s=20, burst=40))
    payload = encode_rows([Outbox().count(n) for n in range(1, 41)])

    def may(gateway: str, at_s: float) -> bool:
        return rates.allows(gateway, payload, urgent=False, arrived_ms=START_MS, now_s=at_s)

    assert [may("gw_1", at_s) for at_s in (0.0, 0.1, 1.9, 2.2)] == [True, False, False, True]
    for n in range(KEPT_MAX + 5):
        may(f"gw_{n}x", 3.0)
    assert len(rates) == KEPT_MAX
