"""Several ingest workers on one database: each looks after the gateways of its shards, and none of them twice."""

import msgspec
import pytest

from gatehouse_hub.flows.leaseholder import Leaseholder, LeaseTimes
from gatehouse_hub.ports import Database
from gatehouse_hub.store import events, gateways, sites
from gatehouse_hub.store.database import store_id
from gatehouse_hub.values import Presence
from gatehouse_shared.commands import Ack
from gatehouse_shared.ids import SHARDS, shard_number
from gatehouse_shared.names import HazardKind, Lane, Phase
from gatehouse_shared.states import Death
from gatehouse_shared.wire import encode
from gatehouse_testing.building import (
    BOOT,
    START_MS,
    Outbox,
    arrival,
    birth,
    rows_arrival,
    small_site,
)
from gatehouse_testing.hub_parts import Bench
from gatehouse_testing.waiting import wait_until

pytestmark = pytest.mark.postgres
SHARD = shard_number("testing")
NEVER_S = 1e9


@pytest.fixture
def database(postgres_database: Database) -> Database:
    return postgres_database


def bench(database: Database, *, lease_s: float = 60.0, round_s: float = 0.0) -> Bench:
    holding = Leaseholder(database, "ingest", SHARDS, LeaseTimes(lease_s, round_s))
    return Bench(database, holding=holding)


def hazards_said(database: Database) -> list[tuple[HazardKind, Phase]]:
    with database.snapshot() as tx:
        rows = events.lane_rows(tx, "hub", store_id(tx), Lane.ALARM, after=0, limit=100)
    return [(r.event.data.kind, r.event.data.phase) for r in rows]  # type: ignore[union-attr]


def test_a_worker_reads_only_its_shards_and_knows_only_their_gateways(database: Database) -> None:
    names = [f"site_{n}" for n in range(12)]
    with database.transaction() as tx:
        for n, name in enumerate(names):
            sites.add(tx, msgspec.structs.replace(small_site(f"gw_s{n}"), site=name), START_MS)
    benches = [bench(database), bench(database)]
    workers = [b.worker() for b in benches]
    for _ in range(3):
        for b, worker in zip(benches, workers, strict=True):
            b.turn(worker, 1)
    read = [b.listened[-1] for b in benches]
    for _ in range(4):  # what was given up is still read for a moment
        for b, worker in zip(benches, workers, strict=True):
            b.turn(worker, 1)
    held = [b.listened[-1] for b in benches]
    assert [len(shards) for shards in held] == [32, 32]
    assert not held[0] & held[1]
    assert read[0] >= held[0]
    watched = [b.metrics.counted["gateways_watched"] for b in benches]
    assert watched == [sum(shard_number(n) in h for n in [*names, "testing"]) for h in held]


def test_a_worker_that_lost_its_shard_unawares_raises_nothing_and_stores_all_the_same(
    database: Database,
) -> None:
    stale = bench(database, lease_s=0.05, round_s=NEVER_S)
    old = stale.worker()
    stale.give(arrival("state", encode(birth())))
    stale.turn(old, 2)
    heir = bench(database, round_s=NEVER_S)
    holding = heir.holding

    def taken() -> bool:
        heir.clock.at_s += 2 * NEVER_S
        holding.refresh(heir.clock.at_s)
        return SHARD in holding.held

    wait_until(taken, 5)
    heir.clock.at_s = stale.clock.at_s
    new = heir.worker()
    for b, worker in ((stale, old), (heir, new)):
        b.give(arrival("state", encode(Death(boot=BOOT, conn=1)), at_s=b.clock.at_s))
        worker.step(0)
    for _ in range(17):
        stale.turn(old, 1)
        heir.turn(new, 1)
    assert hazards_said(database) == [(HazardKind.DEVICE_OFFLINE, Phase.RAISED)]
    for b, worker in ((stale, old), (heir, new)):
        b.give(rows_arrival([Outbox().hazard(1), Outbox().hazard(2)], at_s=b.clock.at_s))
        b.turn(worker, 1)
        assert [(a.alarm, a.bulk) for a in b.broker.take("ack", Ack)][-1] == (2, 0)
    with database.snapshot() as tx:
        assert len(events.lane_rows(tx, "gw_1", Outbox().epoch, Lane.ALARM, after=0, limit=9)) == 2


def test_the_next_holder_goes_on_from_what_the_last_one_knew(database: Database) -> None:
    first = bench(database)
    worker = first.worker()
    first.give(arrival("state", encode(birth())))
    first.turn(worker, 2)
    worker.stop()
    worker.run()  # ends at once, giving its shards back
    second = bench(database)
    after = second.worker()
    second.turn(after, 1)
    with database.snapshot() as tx:
        row = gateways.load(tx, "gw_1")
    assert row is not None
    assert (row.presence, row.boot) == (Presence.ONLINE, BOOT)
    second.give(rows_arrival([Outbox().hazard(1)], at_s=second.clock.at_s))
    second.turn(after, 1)
    assert [a.boot for a in second.broker.take("ack", Ack)] == [BOOT]
