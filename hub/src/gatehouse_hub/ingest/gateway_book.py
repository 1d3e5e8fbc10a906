"""What ingest remembers of every gateway between messages: presence, clock, what was asked. Used by its thread only.

The decisions are in `presence`, `offsets` and `alerts`; here is the memory, and what of it must be written down. It counts
as written only when `saved` says so, after a COMMIT.

Cost    what is done every second looks at gateways that something happened to, not at all of them, but for the quick look whether
        somebody has fallen silent.

Bounds  one entry a registered gateway of our shards, in each at most offsets.SAMPLES_MAX answers and ASKED_MAX open requests.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from gatehouse_hub.ingest import offsets, presence
from gatehouse_hub.ingest.alerts import (
    REPEAT_MS,
    AlertStep,
    OpenAlert,
    decide_clock,
    decide_offline,
)
from gatehouse_hub.ingest.presence import PresenceReason, StateReason, Watch
from gatehouse_hub.store.gateways import GatewayRow
from gatehouse_hub.store.hazards import HazardState
from gatehouse_hub.values import Presence, Sample
from gatehouse_shared.commands import TimeResponse
from gatehouse_shared.events import ClockState
from gatehouse_shared.instants import parse_instant, to_ms
from gatehouse_shared.names import HazardKind
from gatehouse_shared.states import Birth, Death

ASK_S: Final = 20.0
ASK_OFFLINE_S: Final = 60.0
"""A gateway held to be gone is still asked now and then: its birth may have been lost."""

AGAIN_S: Final = 1.0
"""How soon a gateway whose late rows wait is asked again."""

ASKED_MAX: Final = 4
SEEN_S: Final = 30.0
"""How often the moment a gateway was last heard is written down."""

RULES: Final = {HazardKind.DEVICE_OFFLINE: "hub_presence", HazardKind.CLOCK_OFFSET: "hub_clock"}
"""What the hub raises about gateways, and under which rule."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, by both clocks."""

    s: float
    ms: int


@dataclass(slots=True)
class Entry:
    """One gateway."""

    site: str
    watch: Watch
    wire: int = 0
    birth: Birth | None = None
    answers: tuple[offsets.Answer, ...] = ()
    kept: Sample | None = None
    kept_until_s: float = 0.0
    asked_s: float = float("-inf")
    asked: dict[str, float] = field(default_factory=dict[str, float])
    saved_presence: tuple[Presence, PresenceReason] = (Presence.UNKNOWN, PresenceReason.NEVER_SEEN)
    saved_birth: Birth | None = None
    saved_sample: Sample | None = None


@dataclass(frozen=True, slots=True)
class Unsaved:
    """What of one gateway must be written down: only what changed is not None."""

    gateway: str
    site: str
    watch: Watch | None
    birth: Birth | None
    sample: Sample | None
    alerts: tuple[tuple[HazardKind, AlertStep], ...]


class GatewayBook:
    """All registered gateways of our shards."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._alerts: dict[tuple[str, HazardKind], HazardState] = {}
        self._touched: set[str] = set()
        self._unseen: set[str] = set()
        self._seeing: set[str] = set()
        self._seen_s = float("-inf")

    def load(self, rows: Iterable[GatewayRow], now: Moment) -> None:
        """Take in gateways that are new here."""
        for row in rows:
            self._entries[row.gateway] = _entry(row, now)
            self._touched.add(row.gateway)

    def knows(self, gateway: str) -> bool:
        """Whether a gateway is watched."""
        return gateway in self._entries

    def forget(self, gateways: Iterable[str]) -> None:
        """Gateways that another worker looks after now."""
        gone = set(gateways)
        for gateway in gone:
            self._entries.pop(gateway, None)
        self._touched -= gone
        self._unseen -= gone
        self._seeing -= gone
        self._alerts = {k: alert for k, alert in self._alerts.items() if k[0] not in gone}

    def __len__(self) -> int:
        """How many gateways are watched."""
        return len(self._entries)

    def boot(self, gateway: str) -> str | None:
        """The gateway's latest boot, if it ever told one and is watched here."""
        entry = self._entries.get(gateway)
        return entry.watch.boot if entry else None

    def wire(self, gateway: str) -> int:
        """The minor version that the gateway reads."""
        return self._entries[gateway].wire

    def presence(self, gateway: str) -> Presence:
        """Whether the gateway is there."""
        return self._entries[gateway].watch.presence

    def sample(self, gateway: str, now_s: float) -> Sample | None:
        """The gateway's offset as it holds now; one from before our own start for as long as it would have counted."""
        entry = self._entries.get(gateway)
        if entry is None:
            return None
        measured = offsets.best(entry.answers, now_s)
        return measured or (entry.kept if now_s < entry.kept_until_s else None)

    def birth(self, gateway: str, birth: Birth, now: Moment, *, retained: bool) -> StateReason:
        """A birth came."""
        entry = self._touch(gateway)
        entry.watch, reason = presence.on_birth(
            entry.watch, birth.boot, birth.conn, at_s=now.s, at_ms=now.ms, retained=retained
        )
        if reason is StateReason.OLDER:
            return reason
        entry.birth, entry.wire = birth, birth.wire
        if reason is StateReason.NEW_BOOT:
            entry.answers, entry.kept = (), None
        if reason is not StateReason.REPEATED:
            # At once for one that just came; spread out for the many that a broker kept.
            entry.asked_s = now.s - ASK_S + (_spread_s(gateway) if retained else 0.0)
        return reason

    def death(self, gateway: str, death: Death, now: Moment) -> StateReason:
        """A will came. The gateway is asked at once whether it lives."""
        entry = self._touch(gateway)
        entry.watch, reason = presence.on_death(
            entry.watch, death.boot, death.conn, at_s=now.s, at_ms=now.ms
        )
        if reason is StateReason.WAITING:
            entry.asked_s = float("-inf")
        return reason

    def event(self, gateway: str, now: Moment) -> None:
        """Rows came."""
        entry = self._touch(gateway)
        entry.watch = presence.on_event(entry.watch, at_s=now.s, at_ms=now.ms)

    def answer(self, gateway: str, answer: TimeResponse, now: Moment) -> bool:
        """An answer to `time` came; False when nobody asked."""
        entry = self._touch(gateway)
        asked_s = entry.asked.pop(answer.request, None)
        if asked_s is None:
            return False
        entry.watch = presence.on_answer(
            entry.watch, answer.boot, asked_s=asked_s, at_s=now.s, at_ms=now.ms
        )
        measured = offsets.measure(
            gateway_ms=to_ms(parse_instant(answer.gateway_time)),
            arrived_ms=now.ms,
            round_trip_s=now.s - asked_s,
            at_s=now.s,
            boot=answer.boot,
            synced=answer.synced,
        )
        if measured is not None and answer.boot == entry.watch.boot:
            entry.answers = offsets.add(entry.answers, measured)
            entry.kept = None
        return True

    def due_requests(self, now_s: float) -> Iterator[str]:
        """Gateways to ask for the time now."""
        for gateway, entry in self._entries.items():
            state = entry.watch.presence
            every_s = ASK_S if state is Presence.ONLINE else ASK_OFFLINE_S
            if state is not Presence.UNKNOWN and now_s - entry.asked_s >= every_s:
                yield gateway

    def may_ask(self, gateway: str, now_s: float) -> bool:
        """Whether a question out of turn does no harm: the last one is a moment old, and may be lost."""
        entry = self._entries.get(gateway)
        return entry is not None and now_s - entry.asked_s >= AGAIN_S

    def asked(self, gateway: str, request: str, now_s: float) -> None:
        """A request went to the broker."""
        entry = self._entries[gateway]
        entry.asked_s = now_s
        entry.asked[request] = now_s
        if len(entry.asked) > ASKED_MAX:
            del entry.asked[next(iter(entry.asked))]
        entry.watch = presence.on_asked(entry.watch)

    def pass_time(self, now: Moment, connected_s: float | None) -> None:
        """Believe the deaths and the silences that are due."""
        for gateway, entry in self._entries.items():
            watch = presence.on_time(
                entry.watch, now_s=now.s, now_ms=now.ms, connected_s=connected_s
            )
            if watch is not entry.watch:
                entry.watch = watch
                self._touched.add(gateway)
        for (gateway, _), alert in self._alerts.items():
            if now.ms - alert.heard_ms >= REPEAT_MS:
                self._touched.add(gateway)

    def unsaved(self, now: Moment, limit: int) -> list[Unsaved]:
        """What changed since it was written down, and what the hub must say about it, of at most so many gateways."""
        found: list[Unsaved] = []
        for gateway in list(self._touched):
            if len(found) == limit:
                break
            entry = self._entries[gateway]
            watch, birth = entry.watch, entry.birth
            sample = offsets.best(entry.answers, now.s)
            change = Unsaved(
                gateway,
                entry.site,
                watch if (watch.presence, watch.reason) != entry.saved_presence else None,
                birth if birth != entry.saved_birth else None,
                sample if sample != entry.saved_sample else None,
                self._alert_steps(gateway, watch.presence, sample, now.ms),
            )
            if change.watch or change.birth or change.sample or change.alerts:
                found.append(change)
            else:
                self._touched.discard(gateway)
        return found

    def unsaved_seen(self, now_s: float, limit: int) -> dict[str, int]:
        """When gateways were last heard, where that is news; nothing more often than every SEEN_S, at most so many at once."""
        if not self._seeing and now_s - self._seen_s >= SEEN_S:
            self._seeing, self._unseen = self._unseen, set()
            self._seen_s = now_s
        seen = ((g, self._entries[g].watch.heard_ms) for g in islice(self._seeing, limit))
        return {gateway: heard_ms for gateway, heard_ms in seen if heard_ms is not None}

    def saved(self, changes: Iterable[Unsaved], seen: Iterable[str]) -> None:
        """Changes are committed."""
        for change in changes:
            entry = self._entries[change.gateway]
            if change.watch:
                entry.saved_presence = (change.watch.presence, change.watch.reason)
            entry.saved_birth = change.birth or entry.saved_birth
            entry.saved_sample = change.sample or entry.saved_sample
        self._seeing.difference_update(seen)

    def dismiss(self, changes: Iterable[Unsaved]) -> None:
        """Nothing of these is ours to write until something happens again."""
        self._touched -= {change.gateway for change in changes}

    def replace_alerts(self, gateways: Iterable[str], hazards: Iterable[HazardState]) -> None:
        """What the hub has raised about these gateways and not cleared, as it stands in the store."""
        for gateway in gateways:
            for kind in RULES:
                self._alerts.pop((gateway, kind), None)
        for hazard in hazards:
            if hazard.kind in RULES and hazard.device in self._entries:
                self._alerts[hazard.device, hazard.kind] = hazard

    def _touch(self, gateway: str) -> Entry:
        entry = self._entries[gateway]
        self._touched.add(gateway)
        self._unseen.add(gateway)
        return entry

    def _alert_steps(
        self, gateway: str, there: Presence, sample: Sample | None, now_ms: int
    ) -> tuple[tuple[HazardKind, AlertStep], ...]:
        gone, clock = HazardKind.DEVICE_OFFLINE, HazardKind.CLOCK_OFFSET
        offset = sample.offset if sample else None
        steps = (
            (gone, decide_offline(there, self._alert(gateway, gone), now_ms)),
            (clock, decide_clock(offset, self._alert(gateway, clock), now_ms)),
        )
        return tuple((kind, step) for kind, step in steps if step is not AlertStep.NONE)

    def _alert(self, gateway: str, kind: HazardKind) -> OpenAlert | None:
        hazard = self._alerts.get((gateway, kind))
        return OpenAlert(hazard.heard_ms) if hazard is not None else None


def _entry(row: GatewayRow, now: Moment) -> Entry:
    """A gateway as the store knows it. One that was there is held to be there until it proves silent."""
    reason = PresenceReason(row.presence_reason)
    watch = Watch(
        presence=row.presence,
        reason=reason,
        since_ms=row.presence_ms or 0,
        since_s=now.s,
        boot=row.boot,
        conn=row.conn or 0,
        heard_ms=row.last_seen_ms,
    )
    kept, kept_until_s = None, now.s
    if row.offset is not None and row.offset_at_ms is not None:
        kept = Sample(row.offset, row.clock is ClockState.SYNCED)
        kept_until_s = now.s + offsets.WINDOW_S - (now.ms - row.offset_at_ms) / 1000
    return Entry(
        site=row.site,
        watch=watch,
        wire=row.wire,
        birth=row.birth,
        kept=kept,
        kept_until_s=kept_until_s,
        asked_s=now.s - ASK_S + _spread_s(row.gateway),
        saved_presence=(row.presence, reason),
        saved_birth=row.birth,
    )


def _spread_s(gateway: str) -> float:
    """A gateway's own place in the round, so that a fleet is not asked at one moment."""
    return zlib.crc32(gateway.encode()) % 1000 / 1000 * ASK_S
