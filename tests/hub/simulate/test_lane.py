"""Windows, acks and patience of a simulated lane, as the contract's section 2.1 has them."""

import pytest

from gatehouse_hub.simulate.lane import RULES, SimLane
from gatehouse_shared.names import Lane


def lane_with(lane: Lane, rows: int) -> SimLane:
    sim = SimLane(lane, lambda: 0.5)  # half: the delay itself
    for number in range(1, rows + 1):
        assert sim.add(b"%d" % number)
    return sim


@pytest.mark.parametrize(("lane", "batch", "sizes"), [
    (Lane.ALARM, 1, [1] * 100),
    (Lane.ALARM, 30, [30, 30, 30, 10]),
    (Lane.BULK, 100, [100] * 10),
    (Lane.BULK, 1, [1] * 20),
])  # fmt: skip
def test_a_window_lets_out_so_many_rows_and_messages(
    lane: Lane, batch: int, sizes: list[int]
) -> None:
    sim = lane_with(lane, 5_000)
    sent = list(sim.take(0.0, batch))
    assert [message.count(b",") + 1 for message in sent] == sizes
    assert list(sim.take(0.0, batch)) == []


def test_an_ack_opens_the_window_and_frees_the_rows() -> None:
    sim = lane_with(Lane.ALARM, 150)
    list(sim.take(0.0, 50))
    assert sim.ack(60, 1.0) == 60
    assert (len(sim.rows), sim.rows[0]) == (90, b"61")
    assert [m.split(b",")[0] for m in sim.take(1.0, 50)] == [b"[101"]


def test_acks_that_say_nothing_new_change_nothing() -> None:
    sim = lane_with(Lane.ALARM, 10)
    list(sim.take(0.0, 50))
    assert [sim.ack(upto, 1.0) for upto in (5, 5, 3, 10, 99)] == [5, 0, 0, 5, 0]
    assert (sim.acked, sim.due_s) == (10, None)


@pytest.mark.parametrize("lane", Lane)
def test_patience_doubles_up_to_its_most(lane: Lane) -> None:
    rule, sim, now_s = RULES[lane], lane_with(lane, 5), 0.0
    waits: list[float] = []
    list(sim.take(now_s, 50))
    for _ in range(8):
        assert sim.due_s is not None
        waits.append(sim.due_s - now_s)
        now_s = sim.due_s
        assert not sim.lose_patience(now_s - 0.01)
        assert sim.lose_patience(now_s)
        assert len(list(sim.take(now_s, 50))) == 1
    assert waits[:3] == pytest.approx([rule.first_s, rule.first_s * 2, rule.first_s * 4])
    assert waits[-1] == pytest.approx(rule.most_s)


def test_a_lost_connection_begins_again_at_the_last_ack() -> None:
    sim = lane_with(Lane.BULK, 40)
    list(sim.take(0.0, 10))
    sim.ack(10, 0.5)
    sim.start_over()
    assert next(sim.take(1.0, 10)).startswith(b"[11,")
