"""A hub's front with two sites, users of each, and things that happened: real store, real routes, a clock in hand."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
from argon2 import PasswordHasher
from fastapi import FastAPI

from gatehouse_hub.api.accounts import Accounts
from gatehouse_hub.api.application import build_application
from gatehouse_hub.api.callers import Caller, Via
from gatehouse_hub.api.secrets import Passwords
from gatehouse_hub.api.services import ApiSettings, Services, build_services
from gatehouse_hub.flows.on_turn import take_turn
from gatehouse_hub.live.broadcast import Broadcast
from gatehouse_hub.ports import Database
from gatehouse_hub.store import events, gateways, quarantine, requests, sites
from gatehouse_hub.store.gateways import PresenceChange
from gatehouse_hub.store.users import Role
from gatehouse_hub.values import EventKey, Offset, Presence
from gatehouse_shared.commands import AcknowledgedRequest
from gatehouse_shared.errors import RefusalReason
from gatehouse_shared.events import ClockState, Data, HazardData, Measure
from gatehouse_shared.instants import to_ms
from gatehouse_shared.names import HazardKind, Lane, Phase, Quantity
from gatehouse_shared.site import Site, decode_site
from gatehouse_shared.states import Birth
from gatehouse_shared.wire import build_event, encode, sha256_hex

START = datetime(2026, 5, 4, 12, 7, tzinfo=UTC)
EPOCH = "00112233445566aa"
QUICK = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
"""Real argon2id, as cheap as it goes."""

ROOT_CALLER = Caller(
    name="root", user="root", role=Role.ADMIN, sites=None, via=Via.SESSION, handle=""
)


@dataclass
class HandClock:
    """A clock that moves when told."""

    time: datetime = START

    def now(self) -> datetime:
        return self.time

    def monotonic_s(self) -> float:
        return self.time.timestamp()

    def move(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def small_site(name: str) -> Site:
    """A plaza, a shed and a lane behind gateway `gw_NAME`."""
    square = [[0, 0], [20, 0], [20, 20], [0, 20]]
    zones = [
        {"id": "plaza", "name": {"en": "Plaza", "zh-CN": "广场"}, "kind": "moving", "capacity": 900},
        {"id": "shed", "name": {"en": "Shed"}, "kind": "shed", "neighbours": ["plaza", "lane"]},
        {"id": "lane", "name": {"en": "Lane"}, "kind": "lane"},
    ]  # fmt: skip
    for n, zone in enumerate(zones):
        zone |= {"serves": "public", "polygon": [[x + 20 * n, y] for x, y in square]}
    gateway = f"gw_{name}"
    devices = [
        {"id": "cam_plaza", "kind": "camera", "zone": "plaza", "at": [1, 1], "gateway": gateway},
        {"id": "cam_lane", "kind": "camera", "zone": "lane", "at": [50, 1], "gateway": gateway},
        {
            "id": "thermal_shed",
            "kind": "thermal",
            "zone": "shed",
            "at": [30, 1],
            "gateway": gateway,
        },
        {"id": "smoke_shed", "kind": "smoke", "zone": "shed", "at": [31, 1], "gateway": gateway},
    ]
    views = [{"device": "cam_plaza", "zone": "plaza", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}]
    head = {"site": name, "name": {"en": name.title()}, "time_zone": "Asia/Shanghai"}
    return decode_site({**head, "zones": zones, "devices": devices, "views": views})


@dataclass
class Front:
    """The hub's front under test."""

    database: Database
    clock: HandClock
    services: Services
    app: FastAPI
    seqs: dict[tuple[str, Lane], int] = field(default_factory=dict)

    def asked_of_gateways(self) -> list[AcknowledgedRequest]:
        """What the gateways were asked and have not answered."""
        with self.database.snapshot() as tx:
            waiting = requests.load_waiting(tx, to_ms(self.clock.now()), 100)
        return [msgspec.json.decode(w.body, type=AcknowledgedRequest) for w in waiting]

    def add_site(self, name: str) -> Site:
        """A small site with its gateway online."""
        site, now_ms = small_site(name), to_ms(self.clock.now())
        birth = Birth(
            boot="a" * 16, conn=1, wire=0, epochs=(), software="0.1.0", config_version=3,
            model=(), plugins=(), clock=ClockState.SYNCED,
        )  # fmt: skip
        with self.database.transaction() as tx:
            sites.add(tx, site, now_ms)
            gateways.save_births(tx, [(f"gw_{name}", birth)])
            there = PresenceChange(f"gw_{name}", Presence.ONLINE, "birth", now_ms)
            gateways.save_presences(tx, [there])
            gateways.save_seen(tx, {f"gw_{name}": now_ms})
        return site

    def store(
        self,
        site: str,
        data: Data,
        lane: Lane = Lane.BULK,
        ago_s: float = 0.0,
        subject: str | None = None,
    ) -> str:
        """Store a row as ingest would; its event id."""
        gateway, time = f"gw_{site}", self.clock.now() - timedelta(seconds=ago_s)
        seq = self.seqs[gateway, lane] = self.seqs.get((gateway, lane), 0) + 1
        event = build_event(
            site=site, gateway=gateway, epoch=EPOCH, lane=lane, seq=seq, time=time,
            clock=ClockState.SYNCED, data=data,
        )  # fmt: skip
        if subject is not None:
            event = msgspec.structs.replace(event, subject=subject)
        canonical = encode(event)
        row = events.NewRow(
            key=EventKey(gateway, EPOCH, lane, seq), site=site, event=event, canonical=canonical,
            sha256=sha256_hex(canonical), corrected_ms=to_ms(time), offset=Offset(0, 5),
            arrived_ms=to_ms(self.clock.now()), historical=False,
        )  # fmt: skip
        with self.database.transaction() as tx:
            events.record(tx, [row])
        return event.id

    def raise_hazard(self, site: str, kind: HazardKind, zone: str, device: str, **more: Any) -> str:
        """Store a raised hazard; its event id."""
        seq = self.seqs.get((f"gw_{site}", Lane.ALARM), 0) + 1
        fields: dict[str, Any] = {
            "grade": 3,
            "confidence": 18,
            "confirm_s": 10,
            "armed": True,
            "drill": False,
        }
        data = HazardData(
            hazard=seq, phase=Phase.RAISED, kind=kind, zone=zone, device=device, rule="rule_1",
            **{**fields, **more},
        )  # fmt: skip
        return self.store(site, data, Lane.ALARM)

    def link(self) -> tuple[str, ...]:
        """Let the linker take its turns; ids of incidents that changed."""
        changed: tuple[str, ...] = ()
        while True:
            with self.database.transaction() as tx:
                turn = take_turn(tx, to_ms(self.clock.now()))
            if turn is None:
                return changed
            changed += turn.changed

    def hot_shed(self, site: str) -> str:
        """A shed that warms and smokes; the id of the incident."""
        measure = Measure(quantity=Quantity.TEMPERATURE, value=815, threshold=700)
        self.raise_hazard(site, HazardKind.THERMAL_HOTSPOT, "shed", "thermal_shed", measure=measure)
        self.clock.move(30)
        self.raise_hazard(site, HazardKind.FIRE_SMOKE, "shed", "smoke_shed")
        return self.link()[0]

    def intrusion(self, site: str) -> str:
        """Somebody in the armed shed; the id of the incident."""
        self.raise_hazard(site, HazardKind.PERIMETER_INTRUSION, "lane", "cam_lane")
        return self.link()[0]

    def refuse(self, site: str, message: bytes = b"{") -> None:
        """Put a message of the site's gateway into quarantine."""
        refused = quarantine.Refused(
            owner=f"gw_{site}", gateway=f"gw_{site}", sha256=sha256_hex(message),
            reason=RefusalReason.NOT_JSON, message="not JSON", topic="t", key=None,
            payload=message, size_bytes=len(message), arrived_ms=to_ms(self.clock.now()),
        )  # fmt: skip
        with self.database.transaction() as tx:
            quarantine.put(tx, [refused])

    def add_user(self, name: str, role: Role, *allowed: str) -> str:
        """A user who has changed their one-time password; the new one."""
        accounts = Accounts(self.database, self.clock, QUICK)
        _, once = accounts.create_user(ROOT_CALLER, name, role, frozenset(allowed))
        opened = self.services.people.sign_in(name, once, "10.0.0.9")
        password = "correct horse battery"
        self.services.people.change_password(opened.session, once, password, "10.0.0.9")
        return password

    def client(self, address: str = "127.0.0.1") -> httpx.AsyncClient:
        """Nobody yet."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://hub.test")

    @asynccontextmanager
    async def signed_in(self, name: str, password: str) -> AsyncGenerator[httpx.AsyncClient]:
        """A client with a session that sends its CSRF token."""
        async with self.client() as client:
            body = {"name": name, "password": password}
            answer = await client.post("/api/v1/session", json=body)
            assert answer.status_code == 200, answer.text
            client.headers["X-CSRF-Token"] = answer.json()["csrf"]
            yield client


def open_front(database: Database, settings: ApiSettings | None = None) -> Front:
    """The front over a fresh database."""
    clock = HandClock()
    services = build_services(
        database,
        clock,
        Broadcast(clock),
        metrics=lambda: b"gatehouse_up 1\n",
        settings=settings,
        passwords=QUICK,
    )
    return Front(database, clock, services, build_application(services))
