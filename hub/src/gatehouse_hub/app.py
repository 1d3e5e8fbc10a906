"""The composition root: the only module that names concrete adapters.

`pipeline.py` joins the stages; `Hub` gives them what stands behind their ports, starts them in the order in which they need
each other and stops them the other way round. A thread that ends by an exception is logged and started again; what it had not
committed comes again.
"""

import gc
import logging
import signal
import sys
import threading
from types import FrameType
from typing import Final

from gatehouse_hub.api.accounts import ensure_first_admin
from gatehouse_hub.api.application import build_application, build_bare_application
from gatehouse_hub.api.secrets import Passwords
from gatehouse_hub.api.server import HttpServer
from gatehouse_hub.api.services import ApiSettings
from gatehouse_hub.clock import SystemClock
from gatehouse_hub.config import HubConfig, load_site
from gatehouse_hub.errors import StoreError
from gatehouse_hub.ingest.inbox import Inbox
from gatehouse_hub.ingest.mqtt import BrokerLink
from gatehouse_hub.live.broadcast import Broadcast
from gatehouse_hub.live.metrics import PrometheusMetrics
from gatehouse_hub.notify.webhook import Webhook
from gatehouse_hub.pipeline import Outside, Part, Role, build_pipeline
from gatehouse_hub.ports import Clock, Database, Dialect
from gatehouse_hub.store import consumers, gateways, sites, work
from gatehouse_hub.store.database import open_database
from gatehouse_hub.store.postgres_news import PostgresNews
from gatehouse_shared.instants import to_ms

SPEAKING: Final = frozenset({Role.INGEST, Role.NOTIFY})
"""Roles that have to do with the broker."""

AGAIN_S: Final = 1.0
STOP_S: Final = 15.0
COLLECT: Final = (50_000, 20, 50)
"""When Python looks for rings of objects: a batch makes tens of thousands that live until its COMMIT and form none, and what was
there at the start stays. With Python's own numbers that search took a third of ingest's time."""

SWITCH_S: Final = 0.0005
"""How long one thread may hold the interpreter while others wait. Ingest and linking come back from the database for it many
times a batch; with Python's own 5 ms each time costs that much as soon as another thread is at work."""

_log = logging.getLogger(__name__)


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
    """One process of a hub, with the roles of its configuration. `url` and `first_password` are known after `start`."""

    def __init__(self, config: HubConfig, clock: Clock | None = None) -> None:
        self._config = config
        self._clock = clock or SystemClock()
        self._database = open_database(config.database, self._clock)
        self._metrics = PrometheusMetrics()
        self._broadcast = Broadcast(self._clock)
        self._inbox = Inbox(
            lane_bytes=config.inbox_bytes // 2, rate=config.rate, on_evict=self._count_shed
        )
        self._link = BrokerLink(
            config.broker,
            self._inbox if Role.INGEST in config.roles else None,
            self._clock,
            self._count_shed,
        )
        self._passwords = Passwords()
        settings = ApiSettings(
            public_urls=config.public_urls,
            secure_cookie=config.binding.is_tls or config.binding.behind_proxy,
            open_metrics=config.open_metrics,
        )
        pipeline = build_pipeline(
            self._outside(), settings, self._passwords, config.roles, config.retention
        )
        self._services = pipeline.services
        self._runners = [Runner(part) for part in pipeline.parts]
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
        roles = self._config.roles
        add_sites(self._database, self._clock, self._config)
        if Role.NOTIFY in roles:
            name_consumers(self._database, self._clock, self._config)
        if Role.API in roles:
            self.first_password = ensure_first_admin(self._database, self._clock, self._passwords)
            application = build_application(self._services)
        else:
            application = build_bare_application(self._services)
        self._server = HttpServer(application, self._config.binding)
        for runner in self._runners:
            runner.start()
        if roles & SPEAKING:
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

    def _exchange(self) -> PostgresNews | None:
        if self._database.dialect is Dialect.SQLITE:
            return None
        return PostgresNews(self._database, self._config.database)

    def _count_shed(self) -> None:
        self._metrics.count("messages_shed")

    def _outside(self) -> Outside:
        return Outside(
            database=self._database,
            inbox=self._inbox,
            publisher=self._link,
            connected_s=self._link.connected_s,
            listen=self._link.listen,
            broadcast=self._broadcast,
            exchange=self._exchange(),
            clock=self._clock,
            metrics=self._metrics,
            metrics_text=self._read_metrics,
            channels={hook.consumer.id: Webhook(hook.address) for hook in self._config.hooks},
        )

    def _read_metrics(self) -> bytes:
        self._metrics.set("inbox_messages", self._inbox.waiting())
        self._metrics.set("broker_connected", self._link.connected_s() is not None)
        if Role.LINKING in self._config.roles:
            self._measure_backlog()
        return self._metrics.text()

    def _measure_backlog(self) -> None:
        try:
            with self._database.snapshot() as tx:
                waiting = work.backlog(tx)
        except StoreError:  # the figures stay as they were; that it is away is told elsewhere
            return
        now_ms = to_ms(self._clock.now())
        oldest_ms = now_ms if waiting.since_ms is None else waiting.since_ms
        self._metrics.set("sites_waiting", waiting.sites)
        self._metrics.set("oldest_waiting_seconds", max(0, now_ms - oldest_ms) / 1000)


def add_sites(database: Database, clock: Clock, config: HubConfig) -> None:
    """Make the configured site files the ones that hold."""
    files = [load_site(path) for path in config.sites]
    with database.transaction() as tx:
        sites.lock(tx)
        gateways.fill_shards(tx)
        for site in files:
            sites.add(tx, site, to_ms(clock.now()))


def name_consumers(database: Database, clock: Clock, config: HubConfig) -> None:
    """Make the configured consumers the ones that are told."""
    with database.transaction() as tx:
        consumers.replace_consumers(
            tx, [hook.consumer for hook in config.hooks], to_ms(clock.now())
        )


def serve(config: HubConfig) -> None:
    """Run a hub until SIGINT or SIGTERM."""
    ending = threading.Event()
    sys.setswitchinterval(SWITCH_S)

    def end(_number: int, _frame: FrameType | None) -> None:
        ending.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    hub = Hub(config)
    hub.start()
    gc.freeze()
    gc.set_threshold(*COLLECT)
    if hub.first_password is not None:
        # Shown once, to whoever started the hub, and never written to a log.
        print(f"First start: sign in as admin with the one-time password {hub.first_password}")  # noqa: T201
    what = "Console and API" if Role.API in config.roles else "Health and metrics"
    print(f"{what}: {hub.url}", flush=True)  # noqa: T201
    try:
        ending.wait()
    finally:
        hub.stop()
