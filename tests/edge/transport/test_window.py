"""What is published when: windows, timers, and alarms before bulk."""

from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.transport.window import (
    RULES,
    WindowState,
    advance,
    next_due,
    next_room,
    published,
)
from gatehouse_edge.values import StreamMark
from gatehouse_shared.names import Lane

E = "ab" * 8


def mark(lane: Lane, acked: int, last: int) -> StreamMark:
    return StreamMark(E, lane, acked, last, 0, True)


def half() -> float:
    return 0.5


def fill(state: WindowState, marks: list[StreamMark], at: float, places: int = 50, each: int = 100):
    """Publish whatever may go; (state, messages as (lane, first number after, rows))."""
    sent = []
    state = advance(state, marks, at, half)
    while (room := next_room(state, marks, places - len(sent))) is not None:
        last = next(m.last for m in marks if m.lane is room.lane)
        rows = min(room.rows, each, last - room.after)
        sent.append((room.lane, room.after, rows))
        state = published(state, room, room.after + rows, rows, at, half)
    return state, sent


def test_no_bulk_is_published_while_an_alarm_waits() -> None:
    marks = [mark(Lane.ALARM, 3, 5), mark(Lane.BULK, 0, 1_000)]
    state, sent = fill(WindowState(), marks, 0.0)
    assert {lane for lane, _, _ in sent} == {Lane.ALARM}
    state, sent = fill(state, marks, 1.0)
    assert sent == []
    _, sent = fill(state, [mark(Lane.ALARM, 5, 5), marks[1]], 1.1)
    assert {lane for lane, _, _ in sent} == {Lane.BULK}


def test_a_window_holds_a_hundred_alarms_and_a_thousand_bulk_rows_in_twenty_messages() -> None:
    _, sent = fill(WindowState(), [mark(Lane.ALARM, 0, 500)], 0.0, each=7)
    assert sum(rows for _, _, rows in sent) == 100
    _, sent = fill(WindowState(), [mark(Lane.BULK, 0, 5_000)], 0.0, each=100)
    assert sum(rows for _, _, rows in sent) == 1_000
    _, sent = fill(WindowState(), [mark(Lane.BULK, 0, 5_000)], 0.0, each=1)
    assert len(sent) == 20


def test_silence_doubles_the_wait_up_to_its_most_and_an_ack_sets_it_back() -> None:
    marks, state, at, waits = [mark(Lane.ALARM, 0, 1)], WindowState(), 0.0, []
    for _ in range(7):
        state, sent = fill(state, marks, at)
        assert len(sent) == 1
        due = next_due(state)
        assert due is not None
        waits.append(due - at)
        at = due
    assert waits == [2, 4, 8, 16, 30, 30, 30]
    marks = [mark(Lane.ALARM, 1, 3)]
    state, _ = fill(state, marks, at)
    assert next_due(state) == at + 2


@given(
    st.lists(
        st.tuples(st.sampled_from(["append", "ack", "wait"]), st.integers(0, 60)), max_size=40
    ),
    st.integers(1, 50),
)
def test_the_window_is_never_overrun_and_everything_is_sent_in_the_end(
    moves: list[tuple[str, int]], places: int
) -> None:
    acked = last = 0
    at, state, reached = 0.0, WindowState(), 0
    for what, number in moves:
        last += number if what == "append" else 0
        acked = min(last, acked + number, max(reached, acked)) if what == "ack" else acked
        at += number if what == "wait" else 0
        state, sent = fill(state, [mark(Lane.ALARM, acked, last)], at, places)
        assert len(sent) <= places
        for _, after, rows in sent:
            assert acked <= after
            assert after + rows <= min(last, acked + RULES[Lane.ALARM].rows)
            reached = max(reached, after + rows)
    for _ in range(1 + last):
        at += 100.0
        state, sent = fill(state, [mark(Lane.ALARM, acked, last)], at, places)
        acked = max([acked, *(after + rows for _, after, rows in sent)])
    assert acked == last
