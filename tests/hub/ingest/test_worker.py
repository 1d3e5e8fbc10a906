"""The ingest thread's rounds: stored first, told afterwards; gateways watched meanwhile."""

import subprocess
import sys
import textwrap
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from gatehouse_hub.clock import SystemClock
from gatehouse_hub.errors import StoreUnavailableError
from gatehouse_hub.ingest.storing import Outcome, store
from gatehouse_hub.ingest.worker import Batch, IngestWorker
from gatehouse_hub.ports import Changed, Database
from gatehouse_hub.store import (
    events,
    progress,
    quarantine,
    requests,
    sites,
)
from gatehouse_hub.store.database import open_database
from gatehouse_hub.store.requests import WaitingRequest
from gatehouse_hub.values import LaneKey
from gatehouse_shared.commands import (
    Ack,
    AcknowledgedRequest,
    Response,
)
from gatehouse_shared.errors import RefusalReason
from gatehouse_shared.instants import format_instant, from_ms
from gatehouse_shared.names import Lane
from gatehouse_shared.wire import decode, encode
from gatehouse_testing.building import (
    BOOT,
    EPOCH,
    EPOCH_2,
    START_MS,
    Outbox,
    arrival,
    birth,
    rows_arrival,
    small_site,
)
from gatehouse_testing.hub_parts import Bench

BOX = Outbox()
GREETING = arrival("state", encode(birth()))


def numbers(acks: list[Ack]) -> list[tuple[str, int, int]]:
    return [(a.epoch, a.alarm, a.bulk) for a in acks]


def test_a_birth_is_answered_for_each_of_its_epochs(database: Database) -> None:
    bench = Bench(database)
    worker = bench.worker()
    bench.give(rows_arrival([BOX.hazard(1)]))
    worker.step(0)
    assert bench.broker.take("ack", Ack) == []  # no boot to name yet
    bench.give(arrival("state", encode(birth(epochs=(EPOCH, EPOCH_2)))))
    bench.turn(worker, 1)
    acks = bench.broker.take("ack", Ack)
    assert numbers(acks) == [(EPOCH, 1, 0), (EPOCH_2, 0, 0)]
    assert {a.boot for a in acks} == {BOOT}


def test_acks_of_a_gateway_are_at_least_a_fifth_of_a_second_apart(database: Database) -> None:
    bench = Bench(database)
    worker = bench.worker()
    bench.give(GREETING)
    worker.step(0)
    for seq in range(1, 21):
        bench.give(rows_arrival([BOX.hazard(seq)]))
        bench.turn(worker, 0.05, step_s=0.05)
    assert len(bench.broker.take("ack", Ack)) <= 6
    bench.turn(worker, 0.2, step_s=0.05)
    with database.snapshot() as tx:
        assert progress.load(tx, LaneKey("gw_1", EPOCH, Lane.ALARM)) == 20


class AcksTooSoon(IngestWorker):
    """The defect that the test below must find: it tells before the transaction has ended."""

    def _write(self, batch: Batch) -> Outcome:
        with self._parts.database.transaction() as tx:
            outcome = store(tx, batch.letters, batch.returned)
            self._tell(outcome)
            self._send_acks()
        return outcome


def overstated(database: Database, make: type[IngestWorker]) -> list[str]:
    """Acks that said more than another connection could read at the moment they went out."""
    bench, found = Bench(database), list[str]()

    def check(topic: str, payload: bytes) -> None:
        if not topic.endswith("/down/ack"):
            return
        ack = decode(payload, Ack)
        with ThreadPoolExecutor(1) as other, database_reader(database, other) as held:
            stored = held(ack.epoch)
        if ack.alarm > stored:
            found.append(f"ack {ack.alarm}, stored {stored}")

    bench.broker.on_publish = check
    worker = bench.worker(make)
    bench.give(GREETING)
    worker.step(0)
    for seq in range(1, 6):
        bench.give(rows_arrival([BOX.hazard(seq)]))
        bench.turn(worker, 0.3, step_s=0.3)
    return found


@contextmanager
def database_reader(
    database: Database, pool: ThreadPoolExecutor
) -> Generator[Callable[[str], int]]:
    """Counts the committed alarm rows of an epoch, from another thread and so by another connection."""

    def count(epoch: str) -> int:
        with database.snapshot() as tx:
            return len(events.lane_rows(tx, "gw_1", epoch, Lane.ALARM, after=0, limit=100))

    yield lambda epoch: pool.submit(count, epoch).result(10)


def test_no_ack_says_more_than_is_committed(database: Database) -> None:
    assert overstated(database, IngestWorker) == []


def test_a_hub_that_acks_before_its_commit_is_caught(database: Database) -> None:
    assert overstated(database, AcksTooSoon)


DIES_BETWEEN_COMMIT_AND_ACK = """
    import os, sys
    from gatehouse_hub.clock import SystemClock
    from gatehouse_hub.store.database import open_database
    from gatehouse_testing.building import Outbox, arrival, birth, rows_arrival
    from gatehouse_testing.hub_parts import Bench
    from gatehouse_shared.wire import encode

    bench = Bench(open_database(sys.argv[1], SystemClock()))
    worker = bench.worker()
    bench.give(arrival("state", encode(birth())))
    bench.turn(worker, 1)
    bench.broker.on_publish = lambda topic, payload: os._exit(9) if topic.endswith("/ack") else None
    bench.give(rows_arrival([Outbox().hazard(n) for n in (1, 2, 3)]))
    bench.turn(worker, 5)
    os._exit(0)
"""


def test_a_hub_killed_between_commit_and_ack_loses_nothing_and_doubles_nothing(
    database: Database, database_url: str
) -> None:
    script = textwrap.dedent(DIES_BETWEEN_COMMIT_AND_ACK)
    command = [sys.executable, "-c", script, database_url]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 9, done.stderr
    bench = Bench(database)
    worker = bench.worker()
    bench.give(rows_arrival([BOX.hazard(n) for n in (1, 2, 3, 4)]))  # nobody acked: sent again
    bench.turn(worker, 1)
    assert numbers(bench.broker.take("ack", Ack)) == [(EPOCH, 4, 0)]
    assert bench.metrics.counted["events_duplicate"] == 3
    with database.snapshot() as tx:
        rows = events.lane_rows(tx, "gw_1", EPOCH, Lane.ALARM, after=0, limit=100)
    assert [row.key.seq for row in rows] == [1, 2, 3, 4]


def test_a_restored_hub_acks_what_it_holds_though_that_is_less(tmp_path: Path) -> None:
    database = open_database(f"sqlite:{tmp_path / 'hub.db'}", SystemClock())
    with database.transaction() as tx:
        sites.add(tx, small_site(), START_MS)
    bench = Bench(database)
    worker = bench.worker()
    bench.give(GREETING, rows_arrival([BOX.hazard(1)]))
    bench.turn(worker, 1)
    database.close()
    backup = tmp_path / "backup.db"
    backup.write_bytes((tmp_path / "hub.db").read_bytes())

    database = open_database(f"sqlite:{tmp_path / 'hub.db'}", SystemClock())
    bench = Bench(database)
    worker = bench.worker()
    bench.give(rows_arrival([BOX.hazard(2), BOX.hazard(3)]))
    bench.turn(worker, 1)
    assert numbers(bench.broker.take("ack", Ack)) == [(EPOCH, 3, 0)]
    database.close()

    restored = open_database(f"sqlite:{backup}", SystemClock())
    bench = Bench(restored)
    worker = bench.worker()
    bench.give(GREETING)
    bench.turn(worker, 1)
    assert numbers(bench.broker.take("ack", Ack)) == [(EPOCH, 1, 0)]
    bench.give(rows_arrival([BOX.hazard(2), BOX.hazard(3)]))
    bench.turn(worker, 1)
    assert numbers(bench.broker.take("ack", Ack)) == [(EPOCH, 3, 0)]
    restored.close()


class FailsTwice(IngestWorker):
    """A database that is away for two tries."""

    left = 2

    def _write(self, batch: Batch) -> Outcome:
        if self.left:
            self.left -= 1
            raise StoreUnavailableError("away")
        return super()._write(batch)


def test_a_batch_waits_for_a_database_that_is_away(sqlite: Database) -> None:
    bench = Bench(sqlite)
    worker = bench.worker(FailsTwice)
    bench.give(GREETING, rows_arrival([BOX.hazard(1)]))
    bench.turn(worker, 1)
    assert numbers(bench.broker.take("ack", Ack)) == [(EPOCH, 1, 0)]


def test_listeners_and_linker_hear_of_what_is_new_only(database: Database) -> None:
    bench = Bench(database)
    worker = bench.worker()
    bench.give(rows_arrival([BOX.hazard(1)]), rows_arrival([BOX.count(1)]))
    worker.step(0)
    assert (("testing", Changed.HAZARDS) in bench.announcer.told, bench.woken) == (True, 1)
    assert ("testing", Changed.OCCUPANCY) in bench.announcer.told
    bench.announcer.told.clear()
    bench.give(rows_arrival([BOX.hazard(1)]))
    worker.step(0)
    assert (bench.announcer.told, bench.woken) == ([], 1)


def test_what_no_site_file_names_goes_to_quarantine_unanswered(database: Database) -> None:
    bench = Bench(database)
    worker = bench.worker()
    bench.give(
        rows_arrival([Outbox(gateway="gw_9").hazard(1)], gateway="gw_9"),
        arrival("state", encode(birth()), gateway="gw_9"),
    )
    bench.turn(worker, 1)
    assert bench.broker.sent == []
    with database.snapshot() as tx:
        kept = quarantine.load_newest(tx, gateway="gw_9", before=None, limit=9)
    assert [k.reason for k in kept] == [RefusalReason.UNKNOWN_GATEWAY] * 2


def test_an_acknowledgement_is_sent_until_it_is_answered(database: Database) -> None:
    bench = Bench(database)
    worker = bench.worker()
    message = AcknowledgedRequest(
        request="a" * 32,
        ttl_ms=60_000,
        hub_time=format_instant(from_ms(START_MS)),
        epoch=EPOCH,
        hazard=1,
        by_role="operator",
        at_site=True,
    )
    with database.transaction() as tx:
        body = encode(message).decode()
        waiting = WaitingRequest(message.request, "gw_1", "testing", "acknowledged", body, START_MS)
        requests.ask(tx, waiting)
    bench.turn(worker, 20)
    assert bench.broker.take("request/acknowledged", AcknowledgedRequest) == []  # nobody there
    bench.give(GREETING)
    bench.turn(worker, 25)
    sent = bench.broker.take("request/acknowledged", AcknowledgedRequest)
    assert len(sent) >= 2
    assert {(m.request, m.hazard) for m in sent} == {(message.request, 1)}
    assert sent[-1].hub_time > message.hub_time
    bench.give(arrival("response/acknowledged", encode(Response(request="a" * 32, outcome="done"))))
    bench.turn(worker, 25)
    assert bench.broker.take("request/acknowledged", AcknowledgedRequest) == []
