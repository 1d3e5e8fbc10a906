"""The hub on one page: ingest -> store -> { fusion | linking } -> desk -> notify / live / api.

    ingest    messages of gateways, checked and stored in one transaction, acknowledged after it        a thread
    linking   events to incidents, a site at a time, woken by ingest                                      a thread
    notify    what others are told, made as it should be every few seconds                                a thread
    api       fusion (`places`), the desk and people's rights, asked by the console and by integrators    the server's threads
    live      what changed, from every stage to whoever listens

Every stage speaks to the outside through ports only; `app.py` chooses what stands behind them and runs the threads.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gatehouse_hub.api.places import Places
from gatehouse_hub.api.secrets import Passwords
from gatehouse_hub.api.services import ApiSettings, Services, build_services
from gatehouse_hub.flows.link_loop import LinkLoop
from gatehouse_hub.flows.out_loop import OutLoop
from gatehouse_hub.ingest.inbox import Inbox
from gatehouse_hub.ingest.keeper import IngestParts
from gatehouse_hub.ingest.worker import IngestWorker
from gatehouse_hub.live.broadcast import Broadcast
from gatehouse_hub.notify.out_messages import SiteNow, ZoneNow
from gatehouse_hub.notify.out_topics import OutTopics
from gatehouse_hub.ports import Clock, Database, Metrics, Publisher
from gatehouse_shared.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the stages ask of the world. `connected_s`: since when the broker is connected; `metrics_text` for Prometheus."""

    database: Database
    inbox: Inbox
    publisher: Publisher
    connected_s: Callable[[], float | None]
    broadcast: Broadcast
    clock: Clock
    metrics: Metrics
    metrics_text: Callable[[], bytes]


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


def build_pipeline(outside: Outside, settings: ApiSettings, passwords: Passwords) -> Pipeline:
    """Join the stages over one store."""
    linking = LinkLoop(outside.database, outside.clock, outside.broadcast, outside.metrics)
    ingest = IngestWorker(
        IngestParts(
            database=outside.database,
            inbox=outside.inbox,
            publisher=outside.publisher,
            clock=outside.clock,
            metrics=outside.metrics,
            announcer=outside.broadcast,
            connected_s=outside.connected_s,
            on_work=linking.wake,
        )
    )
    services = build_services(
        outside.database,
        outside.clock,
        outside.broadcast,
        metrics=outside.metrics_text,
        settings=settings,
        passwords=passwords,
    )
    notify = OutLoop(
        OutTopics(outside.database, outside.publisher),
        lambda now: look(services.places, now),
        outside.clock,
        outside.metrics,
    )
    parts = (
        Part("linking", linking.run, linking.stop),
        Part("ingest", ingest.run, ingest.stop),
        Part("notify", notify.run, notify.stop),
    )
    return Pipeline(parts, services)


def look(places: Places, now: datetime) -> dict[str, SiteNow]:
    """Every site as others may know it."""
    return {name: _site_now(places, site, now) for name, site in places.sites().items()}


def _site_now(places: Places, site: Site, now: datetime) -> SiteNow:
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
