"""Everything that was left to be told arrives at least once, under one key, whoever dies or is away meanwhile."""

import random
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest

from gatehouse_hub.errors import StoreUnavailableError
from gatehouse_hub.notify.attempts import ATTEMPTS_MAX
from gatehouse_hub.notify.notifier import Notifier
from gatehouse_hub.notify.webhook import Webhook
from gatehouse_hub.ports import Database
from gatehouse_hub.store import notifications
from gatehouse_hub.store.consumers import replace_consumers
from gatehouse_hub.store.notifications import KEEP_MS, KEEP_PRESENCE_MS, Delivery
from gatehouse_testing.desk import HandClock
from gatehouse_testing.hub_parts import CountingMetrics, TurnedClock
from gatehouse_testing.notifying import DESK, LEASE_S, leave, make_notifier
from gatehouse_testing.receiver import Receiver, receiver
from gatehouse_testing.waiting import wait_until


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


def notifier(database: Database, told: Receiver, clock: TurnedClock) -> Notifier:
    hook = Webhook(told.address(), connect_s=0.5, send_s=0.5)
    return Notifier(database, {DESK.id: hook}, clock, CountingMetrics(), chance=lambda: 0.5)


def left(database: Database) -> dict[Delivery, int]:
    with database.snapshot() as tx:
        return notifications.count_left(tx)


@contextmanager
def running(*notifiers: Notifier) -> Generator[None]:
    threads = [threading.Thread(target=n.run, daemon=True) for n in notifiers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for one in notifiers:
            one.stop()
        for thread in threads:
            thread.join(10)


def test_the_most_urgent_is_told_first_and_one_thing_of_an_incident_after_the_other(
    database: Database, there: Receiver, clock: TurnedClock
) -> None:
    keys = [
        leave(database, "a" * 32, clock.now_ms, priority="P3"),
        leave(database, "a" * 32, clock.now_ms, name="raised/P1", priority="P1"),
        leave(database, "b" * 32, clock.now_ms, priority="P2"),
    ]
    sender = notifier(database, there, clock)
    while sender.send_next(DESK.id):
        pass
    assert [post.key for post in there.posts] == [keys[2], keys[0], keys[1]]
    assert left(database) == {}


def test_the_same_thing_is_left_once(database: Database, clock: TurnedClock) -> None:
    for _ in range(3):
        leave(database, "a" * 32, clock.now_ms)
    assert left(database) == {Delivery.WAITING: 1}


def test_one_who_is_away_for_a_while_hears_all_of_it(
    database: Database, there: Receiver, clock: TurnedClock
) -> None:
    there.stop()
    keys = {leave(database, f"{n:032x}", clock.now_ms) for n in range(5)}
    sender = notifier(database, there, clock)
    for _ in range(5):
        assert sender.send_next(DESK.id)
    assert not sender.send_next(DESK.id)
    clock.at_s += 2.0
    there.start()
    while sender.send_next(DESK.id):
        pass
    assert set(there.keys()) == keys
    assert left(database) == {}


def test_one_who_refuses_is_asked_again_and_given_up_in_the_end(
    database: Database, there: Receiver, clock: TurnedClock
) -> None:
    there.answer = lambda _: 500
    key = leave(database, "a" * 32, clock.now_ms)
    sender = notifier(database, there, clock)
    for _ in range(ATTEMPTS_MAX):
        assert sender.send_next(DESK.id)
        assert not sender.send_next(DESK.id)
        clock.at_s += 600
    assert there.keys() == {key: ATTEMPTS_MAX}
    assert left(database) == {Delivery.FAILED: 1}
    with database.snapshot() as tx:
        (record,) = notifications.load_undelivered(tx, "testing", 10)
    assert (record.delivery, record.reason) == (Delivery.FAILED, "status: 500")
    with database.transaction() as tx:
        assert notifications.retry(tx, clock.now_ms, consumer=None, number=record.number) == 1
    there.answer = lambda _: 200
    assert sender.send_next(DESK.id)
    assert left(database) == {}


def test_who_was_away_too_long_says_nothing_about_a_row_that_another_has_taken_on(
    database: Database, clock: TurnedClock
) -> None:
    leave(database, "a" * 32, clock.now_ms)
    with database.transaction() as tx:
        first = notifications.claim(tx, DESK.id, clock.now_ms, clock.now_ms + 1_000)
        assert first is not None
        assert notifications.claim(tx, DESK.id, clock.now_ms, clock.now_ms + 1_000) is None
        later_ms = clock.now_ms + 1_000
        second = notifications.claim(tx, DESK.id, later_ms, later_ms + 1_000)
        assert second is not None
        assert second.fence > first.fence
        assert not notifications.mark_sent(tx, first, later_ms)
        assert not notifications.mark_failed(tx, first, "timeout", due_ms=None, now_ms=later_ms)
        assert notifications.mark_sent(tx, second, later_ms)
        assert not notifications.mark_sent(tx, second, later_ms)


def test_one_consumer_that_hangs_holds_up_no_other(database: Database, there: Receiver) -> None:
    clock = HandClock()
    with receiver() as slow:
        hang = threading.Event()
        slow.answer = lambda _: 204 if hang.wait(20) else 500
        hooks = {
            "slow": Webhook(slow.address(), send_s=15.0),
            DESK.id: Webhook(there.address()),
        }
        leave(database, "a" * 32, 0)
        with database.transaction() as tx:
            tx.execute("UPDATE notification SET consumer = 'slow'")
        leave(database, "b" * 32, 0)
        with running(Notifier(database, hooks, clock, CountingMetrics())):
            wait_until(lambda: there.posts, what="the other is told")
            hang.set()
            wait_until(lambda: left(database) == {}, what="the slow one too")


def test_two_notifiers_share_the_work(database: Database, there: Receiver) -> None:
    keys = {leave(database, f"{n:032x}", 0) for n in range(40)}
    with running(*(make_notifier(database, DESK.id, there) for _ in range(2))):
        wait_until(lambda: left(database) == {}, 20)
    assert there.keys() == dict.fromkeys(keys, 1)


def test_what_waited_for_a_consumer_that_is_gone_is_given_up(database: Database) -> None:
    leave(database, "a" * 32, 0)
    with database.transaction() as tx:
        replace_consumers(tx, [DESK], 5)
        assert notifications.count_left(tx) == {Delivery.WAITING: 1}
        replace_consumers(tx, [], 5)
        assert notifications.count_left(tx) == {Delivery.FAILED: 1}


def test_what_ended_long_ago_is_forgotten_and_presence_sooner(database: Database) -> None:
    for n in range(2):
        leave(database, f"{n:032x}", 0)
    with database.transaction() as tx:
        tx.execute("UPDATE notification SET class = 'p' WHERE incident = ?", (f"{0:032x}",))
        assert notifications.trim(tx, KEEP_MS * 2) == 0  # they still wait
        tx.execute("UPDATE notification SET state = 'sent', ended_ms = 0")
        assert notifications.trim(tx, KEEP_PRESENCE_MS + 1) == 1
        assert notifications.trim(tx, KEEP_MS + 1) == 1


def kill_and_start(
    database: Database, url: str, told: Receiver, kills: int, seed: int
) -> dict[str, int]:
    """Leave something to be told between kills at random moments of two processes; how often each key arrived."""
    draw = random.Random(seed)
    argv = [sys.executable, "-m", "gatehouse_testing.notifying", url, DESK.id, str(told.port)]

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        return process

    processes = [start() for _ in range(2)]
    pause = threading.Event()
    keys: set[str] = set()
    try:
        for n in range(kills):
            keys |= {leave(database, f"{n:016x}{m:016x}", 0) for m in range(draw.randrange(1, 12))}
            pause.wait(draw.uniform(0, 0.08) + (1.0 if n % 4 == 0 else 0))
            victim = processes.pop(0)
            victim.kill()
            victim.communicate()
            processes.append(start())
        wait_until(lambda: left(database) == {}, 30 + LEASE_S, what="all told")
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    found = told.keys()
    assert set(found) == keys, "none missing, none that nobody left"
    return dict(found)


@pytest.mark.long
def test_a_hundred_kills_lose_nothing_and_double_under_the_same_key(
    database: Database, database_url: str, there: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    found = kill_and_start(database, database_url, there, 100, seed=4)
    with capsys.disabled():
        print(f"\n100 kills, seed 4: {len(found)} told, {sum(found.values()) - len(found)} twice")


def test_a_few_kills_lose_nothing(database: Database, database_url: str, there: Receiver) -> None:
    kill_and_start(database, database_url, there, 3, seed=1)


def test_the_database_away_leaves_a_row_for_later(
    database: Database, there: Receiver, clock: TurnedClock
) -> None:
    """The answer came, but could not be written down: the row is told again under its key once the lease is over."""
    key = leave(database, "a" * 32, clock.now_ms)
    sender = notifier(_AwayAfter(database, transactions=1), there, clock)
    with pytest.raises(StoreUnavailableError):
        sender.send_next(DESK.id)
    again = notifier(database, there, clock)
    assert not again.send_next(DESK.id)
    clock.at_s += 60
    assert again.send_next(DESK.id)
    assert there.keys() == {key: 2}


class _AwayAfter:
    """A database that is gone after so many transactions."""

    def __init__(self, database: Database, transactions: int) -> None:
        self._database, self._left = database, transactions
        self.dialect = database.dialect
        self.snapshot = database.snapshot
        self.close = database.close

    def transaction(self):
        if self._left == 0:
            raise StoreUnavailableError("away")
        self._left -= 1
        return self._database.transaction()
