"""The hub on one page: ingest -> store -> { fusion | linking } -> desk -> notify / live / api.

    ingest    messages of gateways, checked and stored in one transaction, acknowledged after it        a thread
    linking   events to incidents, some dozens of sites at a time, woken by ingest                        a thread
    notify    who must be told of an incident is told; `out/` topics, made as they should be               two threads
    retention what is past its keeping goes, partitions of the days ahead are made                        a thread
    api       fusion (`places`), the desk and people's rights, asked by the console and by integrators    the server's threads
    live      what changed, from every stage to whoever listens

Every stage speaks to the outside through ports only; `app.py` chooses what stands behind them and runs the threads.

One process may do all of it, or several share a PostgreSQL and do the roles they were given: ingest workers divide the shards
among them by leases, linkers claim sites, notifiers hold the lease `out`, and any API process may be asked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from gatehouse_hub.api.places import Places
from gatehouse_hub.api.secrets import Passwords
from gatehouse_hub.api.services import ApiSettings, Services, build_services
from gatehouse_hub.flows.leaseholder import LeaseTimes, hold, worker_name
from gatehouse_hub.flows.link_loop import LinkLoop
from gatehouse_hub.flows.on_turn import Linker
from gatehouse_hub.flows.out_loop import OutLoop
from gatehouse_hub.flows.retention_loop import RetentionLoop
from gatehouse_hub.ingest.inbox import Inbox
from gatehouse_hub.ingest.keeper import IngestParts
from gatehouse_hub.ingest.worker import IngestWorker
from gatehouse_hub.live.broadcast import Broadcast
from gatehouse_hub.live.news import Exchange, News
from gatehouse_hub.notify.attempts import Channel
from gatehouse_hub.notify.notifier import Notifier
from gatehouse_hub.notify.out_messages import SiteNow, ZoneNow
from gatehouse_hub.notify.out_topics import OutTopics
from gatehouse_hub.ports import Clock, Database, Metrics, Publisher
from gatehouse_hub.store.retention import Retention
from gatehouse_shared.ids import SHARDS

INGEST_LEASES: Final = "ingest"
"""Kind of the leases on shards."""

OUT_LEASE: Final = "out"
"""Kind of the one lease on telling others what stands."""

OUT_TIMES: Final = LeaseTimes(lease_s=30.0, round_s=5.0)
"""Longer than it takes to look at every site: until it ends nobody else tells."""


class Role(StrEnum):
    """What a process of the hub does."""

    INGEST = "ingest"
    LINKING = "linking"
    NOTIFY = "notify"
    API = "api"


ALL_ROLES: Final = frozenset(Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the stages ask of the world.

    `connected_s`: since when the broker is connected; `listen`: which shards to read from it; `metrics_text` for Prometheus;
    `channels`: by consumer, how it is told.
    """

    database: Database
    inbox: Inbox
    publisher: Publisher
    connected_s: Callable[[], float | None]
    listen: Callable[[frozenset[int]], None]
    broadcast: Broadcast
    exchange: Exchange | None
    clock: Clock
    metrics: Metrics
    metrics_text: Callable[[], bytes]
    channels: Mapping[str, Channel]


@dataclass(frozen=True, slots=True)
class Part:
    """A stage that runs in a thread: `run` returns after `stop`."""

    name: str
    run: Callable[[], None]
    stop: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The stages, put together: the threads in the order in which they start, and what the API asks."""

    parts: tuple[Part, ...]
    services: Services


def build_pipeline(
    outside: Outside,
    settings: ApiSettings,
    passwords: Passwords,
    roles: frozenset[Role] = ALL_ROLES,
    retention: Retention | None = None,
) -> Pipeline:
    """Join the stages over one store; the threads are those of the roles."""
    services = build_services(
        outside.database,
        outside.clock,
        outside.broadcast,
        metrics=outside.metrics_text,
        settings=settings,
        passwords=passwords,
    )
    shelf = services.places.shelf
    linking = LinkLoop(
        outside.database,
        outside.clock,
        outside.broadcast,
        outside.metrics,
        Linker(worker_name(), shelf),
    )
    on_work, news = linking.wake, None
    if outside.exchange is not None:
        news = News(outside.broadcast, outside.clock, outside.exchange, linking.wake)
        outside.broadcast.share(news.pass_on)
        on_work = news.tell_work
    ingest = IngestWorker(
        IngestParts(
            database=outside.database,
            inbox=outside.inbox,
            publisher=outside.publisher,
            clock=outside.clock,
            metrics=outside.metrics,
            announcer=outside.broadcast,
            connected_s=outside.connected_s,
            on_work=on_work,
            holding=hold(outside.database, INGEST_LEASES, SHARDS),
            listen=outside.listen,
            shelf=shelf,
        )
    )
    notifier = Notifier(outside.database, outside.channels, outside.clock, outside.metrics)
    topics = OutLoop(
        OutTopics(outside.database, outside.publisher),
        services.places.names,
        lambda site, now: look(services.places, site, now),
        outside.clock,
        outside.metrics,
        hold(outside.database, OUT_LEASE, 1, OUT_TIMES),
    )
    if Role.NOTIFY in roles:
        outside.broadcast.observe(topics.note)
    keeping = RetentionLoop(
        outside.database, retention or Retention(), outside.clock, outside.metrics
    )
    parts = (
        (Role.INGEST, Part("retention", keeping.run, keeping.stop)),
        (Role.LINKING, Part("linking", linking.run, linking.stop)),
        (Role.INGEST, Part("ingest", ingest.run, ingest.stop)),
        (Role.NOTIFY, Part("notify", notifier.run, notifier.stop)),
        (Role.NOTIFY, Part("topics", topics.run, topics.stop)),
    )
    chosen = [part for role, part in parts if role in roles]
    if news is not None:
        chosen += [
            Part("news", news.listen, news.stop),
            Part("news-out", news.speak, news.stop),
        ]
    return Pipeline(tuple(chosen), services)


def look(places: Places, name: str, now: datetime) -> SiteNow | None:
    """A site as others may know it."""
    site = places.load_site(name)
    if site is None:
        return None
    gateways = places.list_gateways(site.site)
    return SiteNow(
        site=site.site,
        incidents=places.list_unresolved(site.site, presence=True),
        zones=[
            ZoneNow(z.zone, z.level, z.quarter_mean, z.quarter_start)
            for z in places.read_zones(site, now)
        ],
        gateways=len(site.gateways()),
        gateways_online=sum(g.online for g in gateways),
    )
