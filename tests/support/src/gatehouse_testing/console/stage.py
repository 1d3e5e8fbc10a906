"""A hub's front over the demo community: real store, real linker, real routes on loopback, rows as ingest would store them."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import yaml
from msgspec import UNSET, UnsetType, structs

from gatehouse_hub.api.accounts import Accounts
from gatehouse_hub.api.application import build_application
from gatehouse_hub.api.server import Binding, HttpServer
from gatehouse_hub.api.services import build_services
from gatehouse_hub.dispatching.telling import Consumer
from gatehouse_hub.flows.telling import tell
from gatehouse_hub.live.broadcast import Broadcast, Change, ChangeKind
from gatehouse_hub.ports import Database, Transaction
from gatehouse_hub.store import consumers, events, gateways, notifications, progress, sites
from gatehouse_hub.store.columns import text
from gatehouse_hub.store.database import open_database
from gatehouse_hub.store.gateways import OffsetChange, PresenceChange
from gatehouse_hub.store.progress import Gap
from gatehouse_hub.store.users import Role
from gatehouse_hub.values import EventKey, LaneKey, Offset, Presence
from gatehouse_shared.counts import Count
from gatehouse_shared.events import (
    AgeBand,
    Band,
    CameraHealth,
    CameraState,
    ClockState,
    CountData,
    Data,
    GapReason,
    GatewayHealth,
    HazardData,
    HealthData,
    Measure,
    Place,
)
from gatehouse_shared.instants import to_ms
from gatehouse_shared.names import HazardClass, HazardKind, Label, Lane, Phase, Quantity
from gatehouse_shared.site import Site, decode_site
from gatehouse_shared.states import Birth, EpochMark
from gatehouse_shared.wire import build_event, encode, sha256_hex
from gatehouse_testing.desk import EPOCH, QUICK, ROOT_CALLER, Front, HandClock
from gatehouse_testing.dev.paths import ROOT

EVENING = datetime(2026, 5, 4, 12, 41, tzinfo=UTC)
"""20:41 at the site."""

PASSWORD = "correct horse battery"
OPERATOR = "night_desk"
"""Who sits at the desk of the stage, with the password `PASSWORD`."""


@dataclass
class TickingClock(HandClock):
    """A clock that starts at a fixed evening and runs on as real ones do."""

    time: datetime = EVENING
    started_s: float = field(default_factory=monotonic)

    def now(self) -> datetime:
        return self.time + timedelta(seconds=monotonic() - self.started_s)


@dataclass
class Stage:
    """The demo community as a hub knows it."""

    front: Front
    site: Site
    url: str
    one_time_password: str
    seqs: dict[tuple[str, Lane], int] = field(default_factory=dict[tuple[str, Lane], int])

    def store(
        self, gateway: str, lane: Lane, data: Data, ago_s: float = 0.0, camera: str | None = None
    ) -> None:
        """Store a row as ingest would; `camera`: whose health it is."""
        seq = self._next_seq(gateway, lane)
        now = self.front.clock.now()
        time = now - timedelta(seconds=ago_s)
        event = build_event(
            site=self.site.site, gateway=gateway, epoch=EPOCH, lane=lane, seq=seq, time=time,
            clock=ClockState.SYNCED, data=data,
        )  # fmt: skip
        if camera is not None:
            event = structs.replace(event, subject=f"devices/{camera}")
        canonical = encode(event)
        row = events.NewRow(
            key=EventKey(gateway, EPOCH, lane, seq), site=self.site.site, event=event,
            canonical=canonical, sha256=sha256_hex(canonical), corrected_ms=to_ms(time),
            offset=Offset(12, 4), arrived_ms=to_ms(now), historical=False,
        )  # fmt: skip
        with self.front.database.transaction() as tx:
            events.record(tx, [row])
            _account(tx, row.key.of_lane, seq, seq)
        self.seqs[gateway, lane] = seq

    def lose(self, gateway: str, count: int, reason: GapReason) -> None:
        """The next readings of a gateway were dropped, and it told the hub."""
        first, lane = self._next_seq(gateway, Lane.BULK), LaneKey(gateway, EPOCH, Lane.BULK)
        gap = Gap(lane, first, first + count - 1, reason, count, to_ms(self.front.clock.now()))
        with self.front.database.transaction() as tx:
            marks = progress.lock(tx, [lane])
            progress.add_gaps(tx, marks, [gap])
            progress.settle(tx, marks)
        self.seqs[gateway, Lane.BULK] = gap.to_seq

    def born(self, gateway: str, *, waiting: int = 0) -> None:
        """A birth that tells of everything stored, and of readings that wait behind it."""
        alarm, bulk = (self.seqs.get((gateway, lane), 0) for lane in (Lane.ALARM, Lane.BULK))
        mark = EpochMark(epoch=EPOCH, alarm_last=alarm, bulk_last=bulk + waiting)
        with self.front.database.transaction() as tx:
            gateways.save_births(tx, [(gateway, _birth((mark,)))])

    def _next_seq(self, gateway: str, lane: Lane) -> int:
        return self.seqs.get((gateway, lane), 0) + 1

    def hazard(
        self,
        kind: HazardKind,
        device: str,
        zone: str | None = None,
        *,
        ago_s: float = 0.0,
        grade: int = 3,
        measure: Measure | UnsetType = UNSET,
        place: Place | UnsetType = UNSET,
    ) -> None:
        """Store a raised hazard of a device."""
        found = next(d for d in self.site.devices if d.id == device)
        data = HazardData(
            hazard=self._next_seq(found.gateway, Lane.ALARM), phase=Phase.RAISED, kind=kind,
            zone=zone or found.zone, device=device, rule="rule_1", grade=grade, confidence=18,
            confirm_s=10, armed=True, drill=False, measure=measure, place=place,
        )  # fmt: skip
        self.store(found.gateway, Lane.ALARM, data, ago_s)

    def count(self, zone: str, device: str, mean: Count, ago_s: float = 70.0) -> None:
        """Store a minute's window of persons."""
        gateway = next(d.gateway for d in self.site.devices if d.id == device)
        data = CountData(
            zone=zone, device=device, label=Label.PERSON, window_s=60, mean=mean, max=mean,
            coverage=20, quality=19,
        )  # fmt: skip
        self.store(gateway, Lane.BULK, data, ago_s)

    def call(self, consumer: str, *, fails: str) -> None:
        """Somebody is told of all incidents there are; the first attempt fails."""
        now_ms = to_ms(self.front.clock.now())
        desk = Consumer(consumer, frozenset(), frozenset(HazardClass), "P4")
        with self.front.database.transaction() as tx:
            consumers.replace_consumers(tx, [desk], now_ms)
            tell(tx, [text(row[0]) for row in tx.execute("SELECT id FROM incident")], now_ms)
            claimed = notifications.claim(tx, consumer, now_ms, now_ms)
            if claimed is not None:
                notifications.mark_failed(tx, claimed, fails, due_ms=now_ms + 9_000, now_ms=now_ms)

    def link(self) -> None:
        """Let the linker take its turns and tell the browsers."""
        for incident in self.front.link():
            self.tell(ChangeKind.INCIDENT, incident)
        self.tell(ChangeKind.HAZARD)

    def tell(self, kind: ChangeKind, thing: str | None = None) -> None:
        """Tell the browsers that something changed."""
        change = Change(kind=kind, site=self.site.site, at=self.front.clock.now(), id=thing)
        self.front.services.broadcast.publish(change)

    def press_button(self) -> None:
        """Somebody calls for help at the market stall."""
        self.hazard(HazardKind.HELP_BUTTON, "button_stall")
        self.link()


@contextmanager
def open_stage(folder: Path) -> Generator[Stage]:
    """A hub on a free port of loopback with the demo community, one operator, and an evening's events."""
    clock = TickingClock()
    database = open_database(f"sqlite:{folder / 'hub.db'}", clock)
    front = _open_front(database, clock)
    site = decode_site(yaml.safe_load((ROOT / "seeds/sites/demo/site.yaml").read_text("utf-8")))
    server = HttpServer(front.app, Binding(port=0))
    server.start()
    try:
        stage = Stage(front, site, server.url, _people(front))
        _connect(stage)
        _play(stage)
        yield stage
    finally:
        front.services.broadcast.close()
        server.stop()
        database.close()


def _open_front(database: Database, clock: TickingClock) -> Front:
    services = build_services(
        database,
        clock,
        Broadcast(clock),
        metrics=lambda: b"gatehouse_up 1\n",
        passwords=QUICK,
    )
    return Front(database, clock, services, build_application(services))


def _account(tx: Transaction, lane: LaneKey, first: int, last: int) -> None:
    """Numbers of a lane are here, as ingest says it in the transaction of their rows."""
    marks = progress.lock(tx, [lane])
    marks[lane].added.append((first, last))
    progress.settle(tx, marks)


def _birth(epochs: tuple[EpochMark, ...] = ()) -> Birth:
    return Birth(
        boot="a" * 16, conn=1, wire=0, epochs=epochs, software="0.1.0", config_version=3,
        model=(), plugins=(), clock=ClockState.SYNCED,
    )  # fmt: skip


def _people(front: Front) -> str:
    """An administrator who has a password, and a newcomer with a one-time one."""
    accounts, people = Accounts(front.database, front.clock, QUICK), front.services.people
    _, once = accounts.create_user(ROOT_CALLER, OPERATOR, Role.ADMIN, None)
    opened = people.sign_in(OPERATOR, once or "", "127.0.0.1")
    people.change_password(opened.session, once or "", PASSWORD, "127.0.0.1")
    _, once = accounts.create_user(ROOT_CALLER, "newcomer", Role.OPERATOR, None)
    return once or ""


def _connect(stage: Stage) -> None:
    """Two gateways are there, the third was last heard two hours ago."""
    now_ms = to_ms(stage.front.clock.now())
    births = {"gw_plaza": ("nanodet_m_416",), "gw_shed": ("scene_v1",), "gw_gate": ("scene_v1",)}
    with stage.front.database.transaction() as tx:
        sites.add(tx, stage.site, now_ms)
        for gateway in births:
            silent = gateway == "gw_gate"
            presence = Presence.OFFLINE if silent else Presence.ONLINE
            since_ms = now_ms - (7_200_000 if silent else 86_400_000)
            gateways.save_births(tx, [(gateway, _birth())])
            there = PresenceChange(gateway, presence, "birth", since_ms)
            gateways.save_presences(tx, [there])
            offset = Offset(7_250, 40) if silent else Offset(12, 4)
            off = OffsetChange(gateway, offset, ClockState.SYNCED, since_ms if silent else now_ms)
            gateways.save_offsets(tx, [off])
            gateways.save_seen(tx, {gateway: since_ms if silent else now_ms})


def _play(stage: Stage) -> None:
    """A full plaza, a hot and smoking shed beside a blocked lane, cameras of which one ails."""
    load = GatewayHealth(cpu=4, memory=5, disk=9, outbox_rows=Band.FEW, outbox_age=AgeBand.SECONDS)
    for gateway in ("gw_plaza", "gw_shed"):
        stage.store(gateway, Lane.BULK, HealthData(gateway=load), 100)
    for camera, state, decode in (
        ("cam_plaza", "ok", 10),
        ("cam_lane", "degraded", 6),
        ("thermal_shed", "ok", 10),
    ):
        gateway = next(d.gateway for d in stage.site.devices if d.id == camera)
        health = CameraHealth(
            state=CameraState(state), decode=decode, inference=9, reconnects=Band.NONE
        )
        stage.store(gateway, Lane.BULK, HealthData(camera=health), 90, camera)
    stage.count("plaza", "cam_plaza", 640)
    stage.count("stage_front", "cam_plaza", 52)
    stage.count("gate_hall", "cam_gate", "lt10", ago_s=7_200)
    hot = Measure(quantity=Quantity.TEMPERATURE, value=815, threshold=700)
    stage.hazard(HazardKind.THERMAL_HOTSPOT, "thermal_shed", "shed_2", ago_s=110, measure=hot)
    stage.hazard(HazardKind.FIRE_SMOKE, "smoke_shed", ago_s=80)
    stage.hazard(
        HazardKind.LANE_BLOCKED, "cam_lane", ago_s=60, place=Place(x_m=132, y_m=68, level=0)
    )
    stage.hazard(HazardKind.CROWD_DENSITY, "cam_plaza", "stage_front", ago_s=50, grade=2)
    stage.lose("gw_shed", 37, GapReason.DROPPED_BYTES)
    stage.store("gw_shed", Lane.BULK, HealthData(gateway=load), 20)
    for gateway, waiting in (("gw_plaza", 0), ("gw_shed", 0), ("gw_gate", 12)):
        stage.born(gateway, waiting=waiting)
    stage.front.refuse("shed")
    stage.link()
