"""Gateways watched over time, by a worker whose clock the test turns."""

from dataclasses import dataclass

import msgspec
import pytest

from gatehouse_hub.ingest.worker import IngestWorker
from gatehouse_hub.ports import Changed, Database
from gatehouse_hub.store import events, gateways, hub_events, sites, work
from gatehouse_hub.store.database import store_id
from gatehouse_hub.store.gateways import GatewayRow
from gatehouse_hub.values import EventKey, Offset, Presence
from gatehouse_shared.classes import check_event
from gatehouse_shared.commands import TimeRequest, TimeResponse
from gatehouse_shared.instants import format_instant, from_ms
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


@dataclass(slots=True)
class Scene:
    """A worker and one gateway that answers, or does not."""

    bench: Bench
    worker: IngestWorker
    answering: bool = True
    ahead_ms: int = 0
    travel_s: float = 0.01
    conn: int = 1

    def be_born(self) -> None:
        self.say("state", encode(birth(conn=self.conn)))

    def die(self, conn: int = 1) -> None:
        self.say("state", encode(Death(boot=BOOT, conn=conn)))

    def say(self, leaf: str, payload: bytes) -> None:
        self.bench.give(arrival(leaf, payload, at_s=self.bench.clock.at_s))
        self.worker.step(0)

    def live(self, seconds: int) -> None:
        """Second by second; the gateway answers what it is asked."""
        for _ in range(seconds):
            self.bench.turn(self.worker, 1)
            asked = self.bench.broker.take("request/time", TimeRequest)
            for request in asked if self.answering else ():
                self.bench.clock.at_s += self.travel_s
                gateway_ms = self.bench.clock.now_ms + self.ahead_ms
                self.bench.clock.at_s += self.travel_s
                answer = TimeResponse(
                    request=request.request,
                    gateway_time=format_instant(from_ms(gateway_ms)),
                    synced=True,
                    uptime_ms=1,
                    boot=BOOT,
                )
                self.say("response/time", encode(answer))

    def row(self) -> GatewayRow:
        with self.bench.database.snapshot() as tx:
            found = gateways.load(tx, "gw_1")
        assert found is not None
        return found

    def said(self) -> list[tuple[HazardKind, Phase]]:
        """What the hub raised, in the order it wrote it."""
        with self.bench.database.snapshot() as tx:
            rows = events.lane_rows(tx, "hub", store_id(tx), Lane.ALARM, after=0, limit=100)
        assert [r.key.seq for r in rows] == list(range(1, len(rows) + 1))
        for r in rows:
            check_event(r.event, small_site())
        return [(r.event.data.kind, r.event.data.phase) for r in rows]  # type: ignore[union-attr]


@pytest.fixture
def scene(database: Database) -> Scene:
    bench = Bench(database)
    return Scene(bench, bench.worker())


OFFLINE, CLOCK = HazardKind.DEVICE_OFFLINE, HazardKind.CLOCK_OFFSET


def test_a_gateway_that_answers_stays_there_without_a_single_event(scene: Scene) -> None:
    scene.be_born()
    scene.live(400)
    assert (scene.row().presence, scene.said()) == (Presence.ONLINE, [])
    assert ("testing", Changed.GATEWAYS) in scene.bench.announcer.told


def test_a_gateway_that_falls_silent_is_offline_and_said_so_once(scene: Scene) -> None:
    scene.be_born()
    scene.live(60)
    scene.answering = False
    scene.live(74)
    assert scene.said() == []
    scene.live(22)
    assert scene.said() == [(OFFLINE, Phase.RAISED)]
    assert (scene.row().presence, scene.row().presence_reason) == (Presence.OFFLINE, "silent")
    scene.answering = True
    scene.live(70)
    assert scene.said() == [(OFFLINE, Phase.RAISED), (OFFLINE, Phase.CLEARED)]


def test_what_lasts_is_said_again_before_it_is_only_last_known(scene: Scene) -> None:
    scene.be_born()
    scene.die()
    scene.answering = False
    scene.live(20 * 60)
    assert scene.said() == [
        (OFFLINE, Phase.RAISED),
        (OFFLINE, Phase.UPDATED),
        (OFFLINE, Phase.UPDATED),
    ]


def test_a_will_counts_after_fifteen_seconds_and_a_flap_never(scene: Scene) -> None:
    scene.answering = False
    scene.be_born()
    scene.die()
    scene.live(8)
    scene.conn = 2
    scene.be_born()
    scene.live(30)
    assert scene.said() == []
    scene.die(conn=1)  # the will of the connection before, come late
    scene.live(30)
    assert scene.said() == []
    scene.die(conn=2)
    scene.live(16)
    assert scene.said() == [(OFFLINE, Phase.RAISED)]


def test_a_will_that_an_answer_contradicts_is_not_believed(scene: Scene) -> None:
    scene.be_born()
    scene.live(5)
    scene.die(conn=7)
    scene.live(60)
    assert scene.said() == []


def test_while_the_hub_has_no_broker_nobody_is_called_silent(scene: Scene) -> None:
    scene.be_born()
    scene.live(30)
    scene.bench.broker.connected = False
    scene.live(600)
    assert (scene.row().presence, scene.said()) == (Presence.ONLINE, [])


def test_a_hub_that_starts_again_says_nothing_twice(scene: Scene) -> None:
    scene.answering = False
    scene.be_born()
    scene.die()
    scene.live(20)
    bench = Bench(scene.bench.database, clock=scene.bench.clock)
    again = Scene(bench, bench.worker(), answering=False)
    again.live(60)
    assert again.said() == [(OFFLINE, Phase.RAISED)]
    again.conn = 2
    again.be_born()
    again.live(2)
    assert again.said()[-1] == (OFFLINE, Phase.CLEARED)


def test_the_hubs_own_row_calls_the_linker_in_the_same_transaction(scene: Scene) -> None:
    scene.answering = False
    scene.be_born()
    scene.die()
    scene.live(16)
    with scene.bench.database.transaction() as tx:
        assert [p.site for p in work.claim(tx, 1, 0)] == ["testing"]
        (hazard,) = hub_events.open_about(tx, ["gw_1"])
    assert (hazard.kind, hazard.device, hazard.zone) == (OFFLINE, "gw_1", "z0")
    assert scene.bench.woken == 1


def test_a_clock_an_hour_off_is_raised_and_its_rows_are_put_right(scene: Scene) -> None:
    scene.ahead_ms = 3_600_000
    scene.be_born()
    scene.live(30)
    assert scene.said() == [(CLOCK, Phase.RAISED)]
    offset = scene.row().offset
    assert offset == Offset(3_600_000, 11)
    row = Outbox().hazard(1, at_s=3_600 + 20)
    scene.bench.give(rows_arrival([row], at_s=scene.bench.clock.at_s))
    scene.worker.step(0)
    with scene.bench.database.snapshot() as tx:
        stored = events.load(tx, row.id)
    assert stored is not None
    assert (stored.corrected_ms, stored.offset_ms) == (START_MS + 20_000, 3_600_000)
    scene.ahead_ms = 0
    scene.live(30)
    assert scene.said()[-1] == (CLOCK, Phase.CLEARED)


def test_an_offset_from_before_a_restart_counts_for_ten_minutes(scene: Scene) -> None:
    scene.ahead_ms = 2_000
    scene.be_born()
    scene.live(25)
    for later_s, offset_ms in ((60, 2_000), (700, None)):
        bench = Bench(scene.bench.database, clock=scene.bench.clock)
        bench.clock.at_s = later_s
        worker = bench.worker()
        row = Outbox(epoch=f"{later_s:016x}").hazard(1)
        bench.give(rows_arrival([row], at_s=later_s))
        worker.step(0)
        with bench.database.snapshot() as tx:
            stored = events.load(tx, row.id)
        assert stored is not None
        assert stored.offset_ms == offset_ms


def test_a_site_file_added_by_another_process_is_seen(scene: Scene) -> None:
    row = Outbox(site="annex", gateway="gw_7").hazard(1)
    with scene.bench.database.transaction() as tx:
        sites.add(tx, msgspec.structs.replace(small_site("gw_7"), site="annex"), START_MS + 1)
    scene.live(3)
    scene.bench.give(rows_arrival([row], gateway="gw_7"))
    scene.worker.step(0)
    with scene.bench.database.snapshot() as tx:
        assert events.load(tx, row.id) is not None
        assert events.hashes(tx, [EventKey("gw_7", row.epoch, Lane.ALARM, 1)])
