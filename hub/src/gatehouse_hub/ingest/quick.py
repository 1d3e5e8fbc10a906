"""Reading at speed: a message that is right in every way the careful reader knows, and like ones read before.

Patterns of names are what reading costs most, and names repeat. So a row is decoded with every rule of its type but the
patterns; what the patterns and the rules of its site say of the names in it is remembered from the first row that had just
these names, and so is what the rules say of the figures in it. Everything else is checked on every row: sizes, canonical bytes,
types and ranges, whose row it is, its id, its number, its time and its step.

Rule    None means "not known to be right", never "wrong": then the careful reader judges the message, and gives the reason.
Bounds  NAMES_MAX sets of names a gateway, FIGURES_MAX sets of figures and MINUTES_MAX minutes in all; beyond that a memory
        starts anew.
"""

import functools
import hashlib
import operator
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET

from gatehouse_hub.ingest.relaxed import relaxed_events
from gatehouse_shared.classes import time_step_s
from gatehouse_shared.errors import WireError
from gatehouse_shared.events import (
    CountData,
    CountEvent,
    Event,
    FlowData,
    FlowEvent,
    HazardData,
    HazardEvent,
    HealthData,
    HealthEvent,
    ReadingData,
    ReadingEvent,
)
from gatehouse_shared.ids import HEX16_PATTERN, gateway_source
from gatehouse_shared.instants import INSTANT_PATTERN, instant_ms, parse_instant
from gatehouse_shared.names import Lane
from gatehouse_shared.wire import (
    EVENT_MAX_BYTES,
    PACKET_MAX_BYTES,
    ROWS_MAX,
    Row,
    RowKey,
    sha256_hex,
)

NAMES_MAX: Final = 512
FIGURES_MAX: Final = 50_000
MINUTES_MAX: Final = 20_000

Known = tuple[object, ...]


class Shape(NamedTuple):
    """How rows of one type are taken apart: what the rules ask of their names, what of their figures, and the whole payload.

    `figures` None: the rules of the site are asked for every row. Members of enumerations stand by their identity: hashing one
    costs as much as all the rest.
    """

    event: type[Any]
    lane: Lane
    names: Callable[[Any], Known]
    figures: Callable[[Any], Known] | None
    data: Callable[[Any], Any]


def _copy_hazard(d: HazardData) -> HazardData:
    return HazardData(
        hazard=d.hazard,
        phase=d.phase,
        kind=d.kind,
        zone=d.zone,
        device=d.device,
        rule=d.rule,
        grade=d.grade,
        confidence=d.confidence,
        confirm_s=d.confirm_s,
        armed=d.armed,
        drill=d.drill,
        count=d.count,
        measure=d.measure,
        place=d.place,
        evidence=d.evidence,
        count_raises=d.count_raises,
    )


def _copy_count(d: CountData) -> CountData:
    return CountData(
        zone=d.zone,
        device=d.device,
        label=d.label,
        window_s=d.window_s,
        mean=d.mean,
        max=d.max,
        coverage=d.coverage,
        quality=d.quality,
    )


def _copy_flow(d: FlowData) -> FlowData:
    return FlowData(
        line=d.line, device=d.device, label=d.label, in_=d.in_, out=d.out, window_s=d.window_s
    )


def _copy_reading(d: ReadingData) -> ReadingData:
    return ReadingData(device=d.device, quantity=d.quantity, value=d.value)


def _copy_health(d: HealthData) -> HealthData:
    return HealthData(camera=d.camera, gateway=d.gateway)


def _hazard_names(d: HazardData) -> Known:
    return d.zone, d.device, d.rule


def _count_names(d: CountData) -> Known:
    return d.zone, d.device, id(d.label)


def _count_figures(d: CountData) -> Known:
    return id(d.label), d.window_s, d.mean, d.max


def _flow_names(d: FlowData) -> Known:
    return d.line, d.device, id(d.label)


def _flow_figures(d: FlowData) -> Known:
    return id(d.label), d.window_s, d.in_, d.out


def _reading_names(d: ReadingData) -> Known:
    return d.device, id(d.quantity)


def _reading_figures(d: ReadingData) -> Known:
    return id(d.quantity), d.value


def _health_names(d: HealthData) -> Known:
    return d.camera is UNSET, d.gateway is UNSET


def _health_figures(_: HealthData) -> Known:
    return ()


SHAPES: Final[dict[str, Shape]] = {
    "HazardEvent": Shape(HazardEvent, Lane.ALARM, _hazard_names, None, _copy_hazard),
    "CountEvent": Shape(CountEvent, Lane.BULK, _count_names, _count_figures, _copy_count),
    "FlowEvent": Shape(FlowEvent, Lane.BULK, _flow_names, _flow_figures, _copy_flow),
    "ReadingEvent": Shape(ReadingEvent, Lane.BULK, _reading_names, _reading_figures, _copy_reading),
    "HealthEvent": Shape(HealthEvent, Lane.BULK, _health_names, _health_figures, _copy_health),
}

_RELAXED: Final = relaxed_events()
_SHAPE_OF: Final = {_RELAXED[name]: shape for name, shape in SHAPES.items()}
_MANY: Final = msgspec.json.Decoder(list[functools.reduce(operator.or_, _SHAPE_OF)])  # type: ignore[misc]
_STRICT: Final = msgspec.json.Decoder(Event)
_ENCODER: Final = msgspec.json.Encoder()
_INSTANT: Final = re.compile(INSTANT_PATTERN)
_EPOCH: Final = re.compile(HEX16_PATTERN)


class QuickReader:
    """What one gateway's rows have been like, under the site files it may run; `judge` says what they speak against in a row."""

    def __init__(self, site: str, gateway: str, judge: Callable[[Event], WireError | None]) -> None:
        self._site, self._gateway, self._judge = site, gateway, judge
        self._source = gateway_source(site, gateway)
        self._names: set[Known] = set()

    def read(self, lane: Lane, payload: bytes) -> tuple[Row, ...] | None:
        """The rows of a message that is right; None when it is not known to be."""
        try:
            many = payload.startswith(b"[")
            events = _MANY.decode(payload if many else b"[" + payload + b"]")
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return None
        if not (2 if many else 1) <= len(events) <= (ROWS_MAX if many else 1):
            return None
        raws = [_ENCODER.encode(event) for event in events]
        joined = b",".join(raws)
        if (b"[" + joined + b"]" if many else joined) != payload or len(payload) > PACKET_MAX_BYTES:
            return None
        return self._take(lane, events, raws)

    def _take(self, lane: Lane, events: list[Any], raws: list[bytes]) -> tuple[Row, ...] | None:
        epoch, last = events[0].epoch, 0
        site, gateway, source = self._site, self._gateway, self._source
        if _EPOCH.search(epoch) is None:
            return None
        begun = hashlib.sha256(f"{gateway}/{epoch}/{lane}/".encode())
        rows: list[Row] = []
        for event, raw in zip(events, raws, strict=True):
            seq = event.seq
            if event.source != source or event.lane is not lane or seq <= last:
                return None
            if event.epoch != epoch or len(raw) > EVENT_MAX_BYTES:
                return None
            digest = begun.copy()
            digest.update(b"%d" % seq)
            if event.id != digest.hexdigest()[:32]:
                return None
            found = self._event(lane, event, raw)
            if found is None:
                return None
            rows.append(Row(RowKey(site, gateway, epoch, lane, seq), found, raw, sha256_hex(raw)))
            last = seq
        return tuple(rows)

    def _event(self, lane: Lane, event: Any, raw: bytes) -> Event | None:
        """The event in its own type, when everything in it is known to be right or is found to be."""
        shape = _SHAPE_OF.get(event.__class__)
        at_ms = _time_ms(event.time)
        if shape is None or at_ms is None or shape.lane is not lane:
            return None
        names = (shape.event, event.subject, *shape.names(event.data))
        figures = shape.figures and (shape.event, *shape.figures(event.data))
        if names not in self._names or figures not in _FIGURES:
            return self._ask(raw, names, figures)
        data = shape.data(event.data)
        if at_ms % (time_step_s(data) * 1000):
            return None
        found: Event = shape.event(
            id=event.id,
            source=event.source,
            subject=event.subject,
            time=event.time,
            epoch=event.epoch,
            lane=lane,
            seq=event.seq,
            clock=event.clock,
            data=data,
        )
        return found if shape.figures or self._judge(found) is None else None

    def _ask(self, raw: bytes, names: Known, figures: Known | None) -> Event | None:
        """Names or figures not met before: judged with everything, and remembered when they are right."""
        try:
            event: Event = _STRICT.decode(raw)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return None
        if self._judge(event) is not None:
            return None
        _remember(self._names, names, NAMES_MAX)
        _remember(_FIGURES, figures, FIGURES_MAX)
        return event


_FIGURES: Final[set[Known | None]] = {None}
_MINUTES: Final[set[str]] = set()
_SECONDS: Final[set[str]] = set()


def _remember(memory: set[Any], what: object, most: int) -> None:
    if len(memory) >= most:
        memory.clear()
    memory.add(what)


def _time_ms(text: str) -> int | None:
    """Milliseconds of a time that has the wire's form and exists. The form holds of its minute and of the rest apart."""
    minute, rest = text[:17], text[17:]
    if minute not in _MINUTES or rest not in _SECONDS:
        if _INSTANT.search(text) is None:
            return None
        try:
            parse_instant(text)
        except ValueError:
            return None
        _remember(_MINUTES, minute, MINUTES_MAX)
        _remember(_SECONDS, rest, MINUTES_MAX)
    return instant_ms(text)
