"""The composition root: the only module that names concrete adapters.

    broker link ──> inbox ──> ingest thread ──> store ──> linker thread ──> listeners
                                                  ├────> API and console (a thread of their own)
                                                  └────> what others are told (`out/`)

`Hub` starts its parts in the order in which they need each other and stops them the other way round. Each thread that ends
by an exception is logged and started again; what it had not committed comes again.
"""

import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import FrameType
from typing import Final

from gatehouse_hub.api.accounts import Accounts, ensure_first_admin
from gatehouse_hub.api.application import build_application
from gatehouse_hub.api.desk import Desk
from gatehouse_hub.api.people import People
from gatehouse_hub.api.places import Places
from gatehouse_hub.api.secrets import Passwords
from gatehouse_hub.api.server import HttpServer
from gatehouse_hub.api.services import ApiSettings, Services
from gatehouse_hub.clock import SystemClock
from gatehouse_hub.config import HubConfig, load_site
from gatehouse_hub.errors import StoreError
from gatehouse_hub.flows.link_loop import LinkLoop
from gatehouse_hub.flows.out_loop import OutLoop
from gatehouse_hub.ingest.inbox import Inbox
from gatehouse_hub.ingest.keeper import IngestParts
from gatehouse_hub.ingest.mqtt import BrokerLink
from gatehouse_hub.ingest.worker import IngestWorker
from gatehouse_hub.live.broadcast import Broadcast
from gatehouse_hub.live.metrics import PrometheusMetrics
from gatehouse_hub.notify.out_messages import SiteNow, ZoneNow
from gatehouse_hub.notify.out_topics import OutTopics
from gatehouse_hub.ports import Clock, Database
from gatehouse_hub.store import sites
from gatehouse_hub.store.database import open_database
from gatehouse_shared.instants import to_ms
from gatehouse_shared.site import Site

AGAIN_S: Final = 1.0
STOP_S: Final = 15.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """Something that runs in a thread: `run` returns after `stop`."""

    name: str
    run: Callable[[], None]
    stop: Callable[[], None]


class Runner:
    """Runs parts, each in its own thread, and starts again what fell over."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=part.name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the part to end and wait for it."""
        self._stopping.set()
        self._part.stop()
        self._thread.join(STOP_S)
        if self._thread.is_alive():
            _log.error("%s did not end within %s s", self._part.name, STOP_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._part.run()
            except Exception:  # noqa: BLE001 - top of a thread: logged, and the part starts again
                _log.exception("%s failed and starts again", self._part.name)
                self._stopping.wait(AGAIN_S)


class Hub:
    """One hub process. `start`, then `stop`; `url` and `first_password` are known after `start`."""

    def __init__(self, config: HubConfig, clock: Clock | None = None) -> None:
        self._config = config
        self._clock = clock or SystemClock()
        self._database = open_database(config.database, self._clock)
        self._metrics = PrometheusMetrics()
        self._broadcast = Broadcast(self._clock)
        self._inbox = Inbox()
        self._link = BrokerLink(
            config.broker, self._inbox, self._clock, lambda: self._metrics.count("messages_shed")
        )
        linker = LinkLoop(self._database, self._clock, self._broadcast, self._metrics)
        ingest = IngestWorker(
            IngestParts(
                database=self._database,
                inbox=self._inbox,
                publisher=self._link,
                clock=self._clock,
                metrics=self._metrics,
                announcer=self._broadcast,
                connected_s=self._link.connected_s,
                on_work=linker.wake,
            )
        )
        self._places = Places(self._database, self._clock)
        out = OutLoop(OutTopics(self._database, self._link), self._look, self._clock, self._metrics)
        self._runners = [
            Runner(Part("linker", linker.run, linker.stop)),
            Runner(Part("ingest", ingest.run, ingest.stop)),
            Runner(Part("out", out.run, out.stop)),
        ]
        self._server: HttpServer | None = None
        self.first_password: str | None = None

    @property
    def url(self) -> str:
        """Where the console is."""
        return "" if self._server is None else self._server.url

    @property
    def database(self) -> Database:
        """The store."""
        return self._database

    def start(self) -> None:
        """Read the site files, then start everything. Raises ConfigError for what a person must correct."""
        add_sites(self._database, self._clock, self._config)
        passwords = Passwords()
        self.first_password = ensure_first_admin(self._database, self._clock, passwords)
        self._server = HttpServer(
            build_application(self._build_services(passwords)), self._config.binding
        )
        for runner in self._runners:
            runner.start()
        self._link.start()
        self._server.start()

    def stop(self) -> None:
        """Stop taking in, finish what is in hand, close the store."""
        self._link.stop()
        for runner in reversed(self._runners):
            runner.stop()
        self._broadcast.close()
        if self._server is not None:
            self._server.stop()
        self._database.close()

    def _build_services(self, passwords: Passwords) -> Services:
        database, clock = self._database, self._clock
        return Services(
            clock=clock,
            people=People(database, clock, passwords),
            accounts=Accounts(database, clock, passwords),
            places=self._places,
            desk=Desk(database, clock, self._broadcast),
            broadcast=self._broadcast,
            metrics=self._read_metrics,
            healthy=self._is_healthy,
            settings=ApiSettings(
                public_urls=self._config.public_urls,
                secure_cookie=self._config.binding.is_tls or self._config.binding.behind_proxy,
                open_metrics=self._config.open_metrics,
            ),
        )

    def _look(self, now: datetime) -> dict[str, SiteNow]:
        """Every site as others may know it."""
        return {name: self._site_now(site, now) for name, site in self._places.sites().items()}

    def _site_now(self, site: Site, now: datetime) -> SiteNow:
        gateways = self._places.list_gateways(site.site)
        return SiteNow(
            site=site.site,
            incidents=self._places.list_unresolved(site.site, presence=True),
            zones=[
                ZoneNow(z.zone, z.level, z.quarter_mean, z.quarter_start)
                for z in self._places.read_zones(site, now)
            ],
            gateways=len(site.gateways()),
            gateways_online=sum(g.online for g in gateways),
        )

    def _read_metrics(self) -> bytes:
        self._metrics.set("inbox_messages", self._inbox.waiting())
        self._metrics.set("broker_connected", self._link.connected_s() is not None)
        return self._metrics.text()

    def _is_healthy(self) -> bool:
        try:
            with self._database.snapshot() as tx:
                tx.execute("SELECT 1")
        except StoreError:
            return False
        return True


def add_sites(database: Database, clock: Clock, config: HubConfig) -> None:
    """Make the configured site files the ones that hold."""
    files = [load_site(path) for path in config.sites]
    with database.transaction() as tx:
        for site in files:
            sites.add(tx, site, to_ms(clock.now()))


def serve(config: HubConfig) -> None:
    """Run a hub until SIGINT or SIGTERM."""
    ending = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ending.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    hub = Hub(config)
    hub.start()
    if hub.first_password is not None:
        # Shown once, to whoever started the hub, and never written to a log.
        print(f"First start: sign in as admin with the one-time password {hub.first_password}")  # noqa: T201
    print(f"Console and API: {hub.url}", flush=True)  # noqa: T201
    try:
        ending.wait()
    finally:
        hub.stop()
