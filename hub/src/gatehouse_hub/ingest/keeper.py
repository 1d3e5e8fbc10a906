"""Keeps watch over the gateways for the ingest thread: which are ours, who is there, whose clock says what.

Every TICK_S it believes what time has decided, writes down what changed, asks gateways for their time, and sends again the
requests that nobody answered. Used by the ingest thread only.

Shards  a worker looks after the gateways of the shards it holds, and for LEAVE_S after it gave one up still takes in what comes:
        two workers on a shard store everything once all the same. What is written of a gateway, and what the hub raises about
        it, is written by the holder alone: the transaction holds the lease while it lasts.
Bounds  entries follow the registry; SAVE_MAX gateways are written down in one transaction, one transaction a round; requests sent
        again, RESEND_MAX every RESEND_S.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from gatehouse_hub.flows.leaseholder import EveryPart, Holding
from gatehouse_hub.ingest.down import write_down
from gatehouse_hub.ingest.gateway_book import GatewayBook, Moment, Unsaved
from gatehouse_hub.ingest.gateway_saving import save
from gatehouse_hub.ingest.inbox import Arrival, Inbox
from gatehouse_hub.ingest.reading import Sender
from gatehouse_hub.ingest.registry import Registry
from gatehouse_hub.ports import Announcer, Changed, Clock, Database, Metrics, Publisher
from gatehouse_hub.store import gateways, hub_events, requests
from gatehouse_hub.store.site_shelf import SiteShelf
from gatehouse_hub.values import Presence, Sample
from gatehouse_shared.commands import REQUESTS, Request, TimeRequest, TimeResponse
from gatehouse_shared.ids import SHARDS, shard_number
from gatehouse_shared.instants import format_instant, from_ms, to_ms
from gatehouse_shared.states import Birth, Death
from gatehouse_shared.topics import down

TICK_S: Final = 1.0
TIME_TTL_MS: Final = 10_000
RESEND_S: Final = 10.0
RESEND_MAX: Final = 500
SAVE_MAX: Final = 500
LEAVE_S: Final = 3.0
"""Longer than another worker needs to take a shard that was given up."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestParts:
    """What ingest works with.

    `connected_s` tells since when there is a broker; `on_work` wakes the linker; `listen` says which shards to read.
    """

    database: Database
    inbox: Inbox
    publisher: Publisher
    clock: Clock
    metrics: Metrics
    announcer: Announcer
    connected_s: Callable[[], float | None]
    on_work: Callable[[], None]
    holding: Holding = field(default_factory=lambda: EveryPart(SHARDS))
    listen: Callable[[frozenset[int]], None] = lambda _shards: None
    shelf: SiteShelf = field(default_factory=SiteShelf)

    def now(self) -> Moment:
        """Now, by both clocks."""
        return Moment(self.clock.monotonic_s(), to_ms(self.clock.now()))


class GatewayKeeper:
    """The gateways of this hub."""

    def __init__(self, parts: IngestParts) -> None:
        self._parts = parts
        self._registry = Registry(parts.database, parts.shelf)
        self._book = GatewayBook()
        self._held: frozenset[int] = frozenset()
        self._leaving: dict[int, float] = {}
        self._served: frozenset[int] = frozenset()
        self._ticked_s = float("-inf")
        self._resent_s = float("-inf")
        self._behind = False

    def refresh(self, now: Moment) -> None:
        """Follow the leases: take in gateways of shards that became ours, and of site files that were added since."""
        self._parts.holding.refresh(now.s)
        held = self._parts.holding.held
        gained = held - self._held
        again = gained & self._leaving.keys()
        if again:
            # Another worker may have written meanwhile: what we remember is forgotten, and read anew below.
            self._serve(now, (self._held | self._leaving.keys()) - again)
        self._leaving = {
            shard: until_s
            for shard, until_s in self._leaving.items()
            if shard not in held and now.s < until_s
        } | dict.fromkeys(self._held - held, now.s + LEAVE_S)
        if held != self._held:
            _log.info("this worker holds %d of %d shards", len(held), SHARDS)
            self._parts.metrics.set("shards_held", len(held))
        self._serve(now, held | self._leaving.keys())
        self._held = held

    def _serve(self, now: Moment, shards: frozenset[int]) -> None:
        rows, lost = self._registry.refresh(now.s, shards)
        self._book.forget(lost)
        new = [row for row in rows if not self._book.knows(row.gateway)]
        if new:
            names = [row.gateway for row in new]
            with self._parts.database.snapshot() as tx:
                hazards = hub_events.open_about(tx, names)
            self._book.load(new, now)
            self._book.replace_alerts(names, hazards)
        if shards != self._served:
            self._parts.listen(shards)
            self._served = shards

    def end(self) -> None:
        """Give the shards back."""
        self._parts.holding.end()

    def sender(self, gateway: str) -> Sender | None:
        """A registered gateway, or None."""
        return self._registry.sender(gateway)

    def sample(self, gateway: str) -> Sample | None:
        """The gateway's clock offset as it holds now."""
        return self._book.sample(gateway, self._parts.clock.monotonic_s())

    def boot(self, gateway: str) -> str | None:
        """The gateway's latest boot."""
        return self._book.boot(gateway)

    def heard(self, gateway: str, arrival: Arrival) -> None:
        """Rows of a gateway came."""
        self._book.event(gateway, moment_of(arrival))

    def take_birth(self, sender: Sender, birth: Birth, arrival: Arrival) -> bool:
        """A birth came; whether it is of the latest boot and so is to be answered."""
        gateway = sender.gateway
        reason = self._book.birth(gateway, birth, moment_of(arrival), retained=arrival.retained)
        self._parts.metrics.count("births", labels={"outcome": reason})
        if self._book.boot(gateway) != birth.boot:
            return False
        version = birth.config_version
        self._registry.place(gateway, sender.site, wire=birth.wire, config_version=version)
        return True

    def take_death(self, sender: Sender, death: Death, arrival: Arrival) -> None:
        """A will came."""
        reason = self._book.death(sender.gateway, death, moment_of(arrival))
        self._parts.metrics.count("deaths", labels={"outcome": reason})

    def take_time(self, sender: Sender, answer: TimeResponse, arrival: Arrival) -> None:
        """An answer to `time` came."""
        if not self._book.answer(sender.gateway, answer, moment_of(arrival)):
            self._parts.metrics.count("answers_unasked")

    def tick(self) -> None:
        """What is due, at most every TICK_S, sooner while there is more to write down than goes into one transaction."""
        now = self._parts.now()
        if now.s - self._ticked_s < TICK_S:
            if self._behind:
                self._save(now)
            return
        self._ticked_s = now.s
        connected_s = self._parts.connected_s()
        self._book.pass_time(now, connected_s)
        self._save(now)
        self._parts.metrics.set("gateways_watched", len(self._book))
        if connected_s is not None:
            self._ask_times(now)
            self._resend(now)

    def send(self, gateway: str, leaf: str, message: msgspec.Struct) -> bool:
        """Hand one message for a gateway to the broker, in the gateway's own wire version."""
        site = self._registry.site_of(gateway)
        if site is None:
            return False
        payload = write_down(message, self._book.wire(gateway))
        return self._parts.publisher.publish(down(site, gateway, leaf), payload)

    def _save(self, now: Moment) -> None:
        changes = self._book.unsaved(now, SAVE_MAX)
        seen = self._book.unsaved_seen(now.s, SAVE_MAX)
        self._behind = len(changes) == SAVE_MAX or len(seen) == SAVE_MAX
        zones = {c.gateway: self._registry.zone_of(c.gateway) for c in changes if c.alerts}
        # A hazard that has no zone to be raised in, and nothing else: nothing to write.
        self._book.dismiss(c for c in changes if not _says_more(c) and zones[c.gateway] is None)
        changes = [c for c in changes if _says_more(c) or zones[c.gateway] is not None]
        if not changes and not seen:
            return
        with self._parts.database.transaction() as tx:
            held = self._parts.holding.held_in(tx)
            ours = [c for c in changes if shard_number(c.site) in held]
            told = save(tx, ours, now, zones.get)
            gateways.save_seen(tx, seen)
        self._book.saved(ours, seen)
        self._book.dismiss(c for c in changes if shard_number(c.site) not in held)
        for site in sorted({c.site for c in ours}):
            self._parts.announcer.tell(site, Changed.GATEWAYS)
        if zones:
            with self._parts.database.snapshot() as tx:
                hazards = hub_events.open_about(tx, zones)
            self._book.replace_alerts(zones, hazards)
        for site in sorted(told):
            self._parts.announcer.tell(site, Changed.HAZARDS)
        if told:
            self._parts.on_work()

    def _ask_times(self, now: Moment) -> None:
        for gateway in list(self._book.due_requests(now.s)):
            self._ask(gateway)

    def ask_time(self, gateway: str) -> None:
        """Ask a gateway for its time now, unless that was done a moment ago."""
        if self._book.may_ask(gateway, self._parts.clock.monotonic_s()):
            self._ask(gateway)

    def _ask(self, gateway: str) -> None:
        sent_s = self._parts.clock.monotonic_s()
        request = TimeRequest(
            request=secrets.token_hex(16),
            ttl_ms=TIME_TTL_MS,
            hub_time=format_instant(self._parts.clock.now()),
        )
        if self.send(gateway, "request/time", request):
            self._book.asked(gateway, request.request, sent_s)

    def _resend(self, now: Moment) -> None:
        """Send what was asked of gateways that are there and have not answered."""
        if now.s - self._resent_s < RESEND_S:
            return
        self._resent_s = now.s
        with self._parts.database.snapshot() as tx:
            waiting = requests.load_waiting(tx, now.ms, RESEND_MAX)
        for kept in waiting:
            if self._registry.knows(kept.gateway) and (
                self._book.presence(kept.gateway) is Presence.ONLINE
            ):
                message: Request = msgspec.json.decode(kept.body, type=REQUESTS[kept.verb])
                dated = msgspec.structs.replace(message, hub_time=format_instant(from_ms(now.ms)))
                self.send(kept.gateway, f"request/{kept.verb}", dated)


def _says_more(change: Unsaved) -> bool:
    """Whether there is more to it than a hazard."""
    return bool(change.watch or change.birth or change.sample)


def moment_of(arrival: Arrival) -> Moment:
    """When a message came."""
    return Moment(arrival.arrived_s, arrival.arrived_ms)
