"""What one process says is heard in all, and where nothing is heard browsers look again all the same."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from gatehouse_hub.clock import SystemClock
from gatehouse_hub.live.broadcast import Broadcast, Change, ChangeKind
from gatehouse_hub.live.news import CHANGES_MAX, POLL_S, WAITING_MAX, News, words
from gatehouse_hub.ports import Changed
from gatehouse_hub.store.database import open_database
from gatehouse_hub.store.postgres_news import PostgresNews
from gatehouse_shared.names import HazardClass, HazardKind
from gatehouse_testing.desk import START, HandClock
from gatehouse_testing.postgres import PostgresCluster
from gatehouse_testing.waiting import wait_until

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Room:
    """An exchange whose words everybody in the room hears at once."""

    others: list[News] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    mute: bool = False

    def send(self, words: Sequence[str]) -> None:
        self.said += words
        if not self.mute:
            for word in words:
                for news in self.others:
                    news.take(word)

    def hear(self, timeout_s: float) -> list[str]:
        del timeout_s
        return []

    def close(self) -> None:
        pass


@dataclass
class Process:
    """A process with its broadcast and its news."""

    room: Room
    clock: HandClock = field(default_factory=HandClock)
    woken: int = 0

    def __post_init__(self) -> None:
        self.broadcast = Broadcast(self.clock)
        self.news = News(self.broadcast, self.clock, self.room, self.wake)
        self.broadcast.share(self.news.pass_on)
        self.room.others.append(self.news)

    def wake(self) -> None:
        self.woken += 1


async def test_what_is_told_in_one_process_is_heard_in_another_once_and_not_by_those_who_may_not() -> (
    None
):
    room = Room()
    ingest, api = Process(room), Process(room)
    operator = api.broadcast.listen("court", presence=True, owner="ada")
    viewer = api.broadcast.listen("court", presence=False, owner="eve")
    for _ in range(100):
        ingest.broadcast.tell("court", Changed.OCCUPANCY)
        ingest.broadcast.tell("court", Changed.HAZARDS)
    ingest.news.tell_work()
    ingest.news.send_waiting()
    await asyncio.sleep(0)
    heard = await operator.next_changes(1)
    assert sorted(c.kind for c in heard) == [ChangeKind.HAZARD, ChangeKind.OCCUPANCY]
    assert [c.kind for c in await viewer.next_changes(1)] == [ChangeKind.OCCUPANCY]
    assert len(room.said) == 1
    assert (ingest.woken, api.woken) == (1, 1)


async def test_what_comes_from_others_is_not_passed_on_again() -> None:
    room = Room()
    one, two = Process(room), Process(room)
    one.broadcast.tell("court", Changed.OCCUPANCY)
    one.news.send_waiting()
    two.news.send_waiting()
    assert len([w for w in room.said if "occupancy" in w]) == 1


async def test_who_does_not_hear_itself_looks_at_everything_now_and_then() -> None:
    process = Process(Room(mute=True))
    listener = process.broadcast.listen("court", presence=False, owner="eve")
    process.news.look_after()
    assert await listener.next_changes(0.01) == ()
    for _ in range(3):
        process.clock.move(POLL_S)
        process.news.send_waiting()
        process.news.look_after()
        process.news.look_after()
        await asyncio.sleep(0)
        assert {c.kind for c in await listener.next_changes(1)} == set(ChangeKind)
    process.room.mute = False
    process.clock.move(POLL_S)
    process.news.send_waiting()
    process.news.look_after()
    assert await listener.next_changes(0.01) == ()


async def test_only_so_much_waits_and_no_word_is_too_long_for_the_database() -> None:
    process = Process(Room(mute=True))
    longest = max(HazardKind, key=len)
    for n in range(WAITING_MAX + 10):
        process.broadcast.publish(
            Change(
                kind=ChangeKind.OCCUPANCY,
                site="s" * 32,
                at=START,
                id=f"{n:032d}",
                zone="z" * 32,
                hazard_kind=longest,
                hazard_class=HazardClass.PRESENCE,
                priority="P1",
            )
        )
    process.news.send_waiting()
    assert len(process.room.said) == -(-WAITING_MAX // CHANGES_MAX)
    assert max(len(word.encode()) for word in process.room.said) < 8_000
    assert len(words("me", [], work=True)) == 1


async def test_a_word_of_another_version_is_left_alone() -> None:
    process = Process(Room())
    process.news.take('{"later": 1}')
    process.news.take("rubbish")


@pytest.mark.postgres
async def test_postgresql_carries_words_and_is_listened_to_again_after_a_crash(
    postgres: PostgresCluster,
) -> None:
    url, clock = postgres.fresh(), SystemClock()
    database = open_database(url, clock)
    here, there = Broadcast(clock), Broadcast(clock)
    listener = there.listen("court", presence=False, owner="eve")
    woken = threading.Event()
    speaker = News(here, clock, PostgresNews(database, url), lambda: None)
    hearer = News(there, clock, PostgresNews(database, url), woken.set)
    here.share(speaker.pass_on)
    thread = threading.Thread(target=hearer.listen)
    thread.start()
    try:

        def heard() -> bool:
            here.tell("court", Changed.OCCUPANCY)
            speaker.tell_work()
            speaker.send_waiting()
            return woken.is_set()

        await asyncio.to_thread(wait_until, heard)
        assert [c.kind for c in await listener.next_changes(5)] == [ChangeKind.OCCUPANCY]
        with database.transaction() as tx:
            tx.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                "AND datname = current_database()"
            )
        woken.clear()
        await asyncio.to_thread(wait_until, heard, 20)
    finally:
        hearer.stop()
        thread.join(10)
        database.close()
