import asyncio
import threading

import pytest

from gatehouse_hub.live.broadcast import (
    MAX_PER_OWNER,
    Broadcast,
    Change,
    ChangeKind,
    Ended,
    TooManyListenersError,
)
from gatehouse_hub.ports import Changed
from gatehouse_shared.names import HazardClass
from gatehouse_testing.desk import START, HandClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def change(id_: str, site: str = "riverside", hazard_class: HazardClass | None = None) -> Change:
    return Change(kind=ChangeKind.INCIDENT, site=site, at=START, id=id_, hazard_class=hazard_class)


async def test_changes_told_from_other_threads_arrive_in_order():
    broadcast = Broadcast(HandClock())
    listener = broadcast.listen("riverside", presence=True, owner="desk")
    thread = threading.Thread(target=lambda: [broadcast.publish(change(str(n))) for n in range(50)])
    thread.start()
    got: list[str | None] = []
    while len(got) < 50:
        got += [c.id for c in await listener.next_changes(5)]
    thread.join()
    assert got == [str(n) for n in range(50)]


async def test_changes_about_the_same_thing_that_wait_are_one():
    broadcast = Broadcast(HandClock())
    listener = broadcast.listen("riverside", presence=True, owner="desk")
    for _ in range(1_000):
        broadcast.tell("riverside", Changed.OCCUPANCY)
    await asyncio.sleep(0)
    assert [c.kind for c in await listener.next_changes(5)] == [ChangeKind.OCCUPANCY]


async def test_only_its_own_site_and_class_are_heard():
    broadcast = Broadcast(HandClock())
    viewer = broadcast.listen("riverside", presence=False, owner="desk")
    operator = broadcast.listen("riverside", presence=True, owner="desk")
    broadcast.publish(change("elsewhere", site="hilltop"))
    broadcast.publish(change("secret", hazard_class=HazardClass.PRESENCE))
    broadcast.publish(change("plain", hazard_class=HazardClass.THING))
    await asyncio.sleep(0)
    assert [c.id for c in await viewer.next_changes(5)] == ["plain"]
    assert [c.id for c in await operator.next_changes(5)] == ["secret", "plain"]


async def test_a_slow_listener_is_dropped_at_its_bound_and_holds_nothing_more():
    broadcast = Broadcast(HandClock(), max_waiting=10)
    slow = broadcast.listen("riverside", presence=True, owner="desk")
    quick = broadcast.listen("riverside", presence=True, owner="desk")
    got = 0
    for n in range(11):
        broadcast.publish(change(str(n)))
        await asyncio.sleep(0)
        got += len(await quick.next_changes(5))
    assert slow.ended is Ended.TOO_SLOW
    assert len(slow.waiting) == 0
    assert (got, quick.ended) == (11, None)


async def test_there_are_at_most_so_many_listeners():
    broadcast = Broadcast(HandClock(), max_listeners=2)
    first = broadcast.listen("riverside", presence=True, owner="desk")
    broadcast.listen("riverside", presence=True, owner="desk")
    with pytest.raises(TooManyListenersError):
        broadcast.listen("riverside", presence=True, owner="desk")
    broadcast.leave(first)
    broadcast.leave(first)
    assert broadcast.listen("riverside", presence=True, owner="desk")
    assert len(broadcast) == 2


async def test_one_caller_cannot_take_the_stream_from_others():
    broadcast = Broadcast(HandClock())
    for _ in range(MAX_PER_OWNER):
        broadcast.listen("riverside", presence=True, owner="greedy")
    with pytest.raises(TooManyListenersError):
        broadcast.listen("riverside", presence=True, owner="greedy")
    assert broadcast.listen("riverside", presence=True, owner="desk")


async def test_nothing_within_the_time_is_no_change():
    broadcast = Broadcast(HandClock())
    listener = broadcast.listen("riverside", presence=True, owner="desk")
    assert await listener.next_changes(0.01) == ()


async def test_closing_ends_every_listener():
    broadcast = Broadcast(HandClock())
    listener = broadcast.listen("riverside", presence=True, owner="desk")
    broadcast.close()
    assert await listener.next_changes(5) == ()
    assert listener.ended is Ended.SHUTTING_DOWN
    with pytest.raises(TooManyListenersError):
        broadcast.listen("riverside", presence=True, owner="desk")


def test_a_listener_whose_loop_is_gone_is_forgotten():
    broadcast = Broadcast(HandClock())

    async def open_one() -> None:
        broadcast.listen("riverside", presence=True, owner="desk")

    asyncio.run(open_one())
    broadcast.publish(change("1"))
    assert len(broadcast) == 0


async def test_who_may_not_know_of_presence_does_not_hear_when_it_may_be_among_the_news() -> None:
    broadcast = Broadcast(HandClock())
    viewer = broadcast.listen("court", presence=False, owner="eve")
    operator = broadcast.listen("court", presence=True, owner="ada")
    broadcast.tell("court", Changed.HAZARDS)
    broadcast.tell("court", Changed.INCIDENTS, presence=True)
    broadcast.tell("court", Changed.OCCUPANCY)
    assert [c.kind for c in await operator.next_changes(1)] == ["hazard", "incident", "occupancy"]
    assert [c.kind for c in await viewer.next_changes(1)] == ["occupancy"]
