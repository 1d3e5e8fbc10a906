"""Events and what carries them to the hub, built in one line each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gatehouse_hub.ingest.inbox import Arrival
from gatehouse_hub.ingest.reading import Reading, Sender
from gatehouse_hub.ingest.storing import Letter
from gatehouse_hub.values import Sample
from gatehouse_shared.events import (
    ClockState,
    CountData,
    Data,
    Event,
    GapData,
    GapReason,
    HazardData,
)
from gatehouse_shared.ids import gateway_source
from gatehouse_shared.instants import to_ms
from gatehouse_shared.names import HazardKind, Label, Lane, Phase
from gatehouse_shared.site import Site
from gatehouse_shared.states import Birth, EpochMark
from gatehouse_shared.topics import up
from gatehouse_shared.wire import (
    BadRow,
    Row,
    RowKey,
    build_event,
    encode,
    encode_rows,
    read_rows,
)
from gatehouse_testing.sites import row_of_zones

START = datetime(2026, 5, 4, 16, 0, tzinfo=UTC)
START_MS = to_ms(START)
EPOCH = "00112233445566aa"
EPOCH_2 = "ffeeddccbbaa9988"
BOOT = "0123456789abcdef"
BOOT_2 = "fedcba9876543210"


@dataclass(frozen=True, slots=True)
class Outbox:
    """One lane's worth of a gateway's outbox: makes its rows. Times are seconds after START."""

    site: str = "testing"
    gateway: str = "gw_1"
    epoch: str = EPOCH
    clock: ClockState = ClockState.SYNCED

    def hazard(
        self,
        seq: int,
        *,
        at_s: float = 0,
        hazard: int | None = None,
        phase: Phase = Phase.RAISED,
        kind: HazardKind = HazardKind.CAMERA_COVERED,
        zone: str = "z0",
        grade: int = 2,
        confirm_s: int = 0,
    ) -> Event:
        """An alarm row; `hazard` is its own number unless it goes on from another."""
        data = HazardData(
            hazard=seq if hazard is None else hazard,
            phase=phase,
            kind=kind,
            zone=zone,
            device=f"cam_{zone[1:]}",
            rule="covered",
            grade=grade,
            confidence=20,
            confirm_s=confirm_s,
            armed=True,
            drill=False,
        )
        return self.event(Lane.ALARM, seq, at_s, data)

    def count(
        self, seq: int, *, at_s: float = 0, zone: str = "z0", mean: int = 12, window_s: int = 60
    ) -> Event:
        """A count of persons."""
        data = CountData(
            zone=zone,
            device=f"cam_{zone[1:]}",
            label=Label.PERSON,
            window_s=60 if window_s == 60 else 900,
            mean=mean,
            max=mean,
            coverage=20,
            quality=20,
        )
        return self.event(Lane.BULK, seq, at_s, data)

    def gap(
        self, seq: int, first: int, last: int, *, lane: Lane = Lane.BULK, epoch: str | None = None
    ) -> Event:
        """Rows `first` to `last` will not come."""
        data = (
            GapData(
                from_seq=first, to_seq=last, reason=GapReason.DROPPED_ROWS, count=last - first + 1
            )
            if epoch is None
            else GapData(from_seq=first, to_seq=last, reason=GapReason.EPOCH, count=0, epoch=epoch)
        )
        return self.event(lane, seq, 0, data)

    def event(self, lane: Lane, seq: int, at_s: float, data: Data) -> Event:
        """Any row."""
        return build_event(
            site=self.site,
            gateway=self.gateway,
            epoch=self.epoch,
            lane=lane,
            seq=seq,
            time=START + timedelta(seconds=at_s),
            clock=self.clock,
            data=data,
        )

    @property
    def source(self) -> str:
        """The `source` of its rows."""
        return gateway_source(self.site, self.gateway)


def small_site(gateway: str = "gw_1") -> Site:
    """Two zones with a camera each."""
    return row_of_zones(["moving", "parking"], gateway=gateway)


def sender(site: Site | None = None, gateway: str = "gw_1") -> Sender:
    """A registered gateway."""
    site = site or small_site(gateway)
    return Sender(gateway, site.site, (site,))


def letter(
    events: Sequence[Event],
    *,
    bad: Iterable[BadRow] = (),
    arrived_ms: int = START_MS + 1_000,
    sample: Sample | None = None,
) -> Letter:
    """A message that was read, with rows in any order."""
    rows = [row for event in events for row in read_rows(encode(event))]
    first = rows[0].key if rows else next(iter(bad)).key
    return Letter(
        topic=up(first.site, first.gateway, first.lane),
        sender=Sender(first.gateway, first.site, ()),
        reading=Reading(tuple(r for r in rows if isinstance(r, Row)), tuple(bad)),
        sample=sample,
        arrived_ms=arrived_ms,
    )


def row_key(event: Event, gateway: str = "gw_1", site: str = "testing") -> RowKey:
    """The key of a row as the wire reader gives it."""
    return RowKey(site, gateway, event.epoch, event.lane, event.seq)


def birth(
    *, boot: str = BOOT, conn: int = 1, epochs: Sequence[str] = (EPOCH,), config_version: int = 1
) -> Birth:
    """A gateway's birth."""
    return Birth(
        boot=boot,
        conn=conn,
        wire=0,
        epochs=tuple(EpochMark(epoch=e, alarm_last=0, bulk_last=0) for e in epochs),
        software="0.1.0",
        config_version=config_version,
        model=(),
        plugins=(),
        clock=ClockState.SYNCED,
    )


def arrival(
    leaf: str,
    payload: bytes,
    *,
    gateway: str = "gw_1",
    site: str = "testing",
    at_s: float = 0.0,
    retained: bool = False,
) -> Arrival:
    """A message as it comes from the broker, `at_s` seconds after START by both clocks."""
    return Arrival(
        topic=up(site, gateway, leaf),
        payload=payload,
        retained=retained,
        arrived_ms=START_MS + round(at_s * 1000),
        arrived_s=at_s,
        size_bytes=len(payload),
    )


def rows_arrival(events: Sequence[Event], *, at_s: float = 0.0, gateway: str = "gw_1") -> Arrival:
    """A message of rows of one lane."""
    return arrival(events[0].lane, encode_rows(events), at_s=at_s, gateway=gateway)
