"""Keeps watch over the gateways for the ingest thread: who may send, who is there, whose clock says what.

Every TICK_S it believes what time has decided, writes down what changed, asks gateways for their time, and sends again the
requests that nobody answered. Used by the ingest thread only.

Bounds  entries follow the registry; requests sent again, RESEND_MAX every RESEND_S.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from gatehouse_hub.ingest.down import write_down
from gatehouse_hub.ingest.gateway_book import GatewayBook, Moment, Unsaved
from gatehouse_hub.ingest.gateway_saving import save
from gatehouse_hub.ingest.inbox import Arrival, Inbox
from gatehouse_hub.ingest.reading import Sender
from gatehouse_hub.ingest.registry import Registry
from gatehouse_hub.ports import Announcer, Changed, Clock, Database, Metrics, Publisher
from gatehouse_hub.store import gateways, hub_events, requests
from gatehouse_hub.values import Presence, Sample
from gatehouse_shared.commands import REQUESTS, Request, TimeRequest, TimeResponse
from gatehouse_shared.instants import format_instant, from_ms, to_ms
from gatehouse_shared.states import Birth, Death
from gatehouse_shared.topics import down

TICK_S: Final = 1.0
TIME_TTL_MS: Final = 10_000
RESEND_S: Final = 10.0
RESEND_MAX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestParts:
    """What ingest works with. `connected_s` tells since when there is a broker; `on_work` wakes the linker."""

    database: Database
    inbox: Inbox
    publisher: Publisher
    clock: Clock
    metrics: Metrics
    announcer: Announcer
    connected_s: Callable[[], float | None]
    on_work: Callable[[], None]

    def now(self) -> Moment:
        """Now, by both clocks."""
        return Moment(self.clock.monotonic_s(), to_ms(self.clock.now()))


class GatewayKeeper:
    """The gateways of this hub."""

    def __init__(self, parts: IngestParts) -> None:
        self._parts = parts
        self._registry = Registry(parts.database)
        self._book = GatewayBook()
        self._ticked_s = float("-inf")
        self._resent_s = float("-inf")

    def load(self) -> None:
        """Read registry, presence and the hub's own open hazards from the store."""
        self.refresh(self._parts.now())
        self._load_alerts()

    def refresh(self, now: Moment) -> None:
        """Take in site files that were added since."""
        rows = self._registry.refresh(now.s)
        if rows is not None:
            self._book.load(rows, now)

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
        """What is due, at most every TICK_S."""
        now = self._parts.now()
        if now.s - self._ticked_s < TICK_S:
            return
        self._ticked_s = now.s
        connected_s = self._parts.connected_s()
        self._book.pass_time(now, connected_s)
        self._save(now)
        if connected_s is not None:
            self._ask_times(now)
            self._resend(now)

    def send(self, gateway: str, leaf: str, message: msgspec.Struct) -> bool:
        """Hand one message for a gateway to the broker, in the gateway's own wire version."""
        sender = self._registry.sender(gateway)
        if sender is None:
            return False
        payload = write_down(message, self._book.wire(gateway))
        return self._parts.publisher.publish(down(sender.site, gateway, leaf), payload)

    def _save(self, now: Moment) -> None:
        changes = [c for c in self._book.unsaved(now) if self._can_save(c)]
        seen = self._book.unsaved_seen(now.s)
        if not changes and not seen:
            return
        with self._parts.database.transaction() as tx:
            told = save(tx, changes, now, self._registry.zone_of)
            gateways.save_seen(tx, seen)
        self._book.saved(changes, seen, now.s)
        for site in sorted({c.site for c in changes}):
            self._parts.announcer.tell(site, Changed.GATEWAYS)
        if told:
            self._load_alerts()
            for site in sorted(told):
                self._parts.announcer.tell(site, Changed.HAZARDS)
            self._parts.on_work()

    def _can_save(self, change: Unsaved) -> bool:
        """Whether there is more to it than a hazard that has no zone to be raised in."""
        stated = change.watch or change.birth or change.sample
        return bool(stated) or self._registry.zone_of(change.gateway) is not None

    def _load_alerts(self) -> None:
        with self._parts.database.snapshot() as tx:
            self._book.replace_alerts(hub_events.open_hub_hazards(tx))

    def _ask_times(self, now: Moment) -> None:
        for gateway in list(self._book.due_requests(now.s)):
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
            known = self._registry.sender(kept.gateway) is not None
            if known and self._book.presence(kept.gateway) is Presence.ONLINE:
                message: Request = msgspec.json.decode(kept.body, type=REQUESTS[kept.verb])
                dated = msgspec.structs.replace(message, hub_time=format_instant(from_ms(now.ms)))
                self.send(kept.gateway, f"request/{kept.verb}", dated)


def moment_of(arrival: Arrival) -> Moment:
    """When a message came."""
    return Moment(arrival.arrived_s, arrival.arrived_ms)
