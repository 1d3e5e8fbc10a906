"""Bytes: how wire structs are written, and how a message is read without trusting any of it.

Form    canonical: exactly what this module encodes. A reader encodes again what it decoded and refuses what differs, so that
        nothing rides along in white space, key order, escapes or number forms.
Bounds  an event 64 KiB, a packet 256 KiB, 100 rows a message, depth 8. All are checked before anything is kept.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple, TypeVar

import msgspec

from gatehouse_shared.classes import floor_event_time, subject_of
from gatehouse_shared.errors import RefusalReason, WireError
from gatehouse_shared.events import EVENT_OF_DATA, ClockState, Data, Event
from gatehouse_shared.ids import Epoch, Seq, Source, event_id, gateway_source, parse_source
from gatehouse_shared.instants import format_instant, parse_instant
from gatehouse_shared.names import Lane

EVENT_MAX_BYTES: Final = 65_536
PACKET_MAX_BYTES: Final = 262_144
ROWS_MAX: Final = 100
DEPTH_MAX: Final = 8

T = TypeVar("T")
_ENCODER: Final = msgspec.json.Encoder()


class _KeyFields(msgspec.Struct, frozen=True):
    """The fields that say whose row it is, read without judging the rest."""

    source: Source
    epoch: Epoch
    lane: Lane
    seq: Seq


_EVENT_DECODER: Final = msgspec.json.Decoder(Event)
_KEY_DECODER: Final = msgspec.json.Decoder(_KeyFields)
_ROWS_DECODER: Final = msgspec.json.Decoder(list[msgspec.Raw])


class RowKey(NamedTuple):
    """Whose row: what the idempotent key is made of. `site` and `gateway` are as the row claims."""

    site: str
    gateway: str
    epoch: str
    lane: Lane
    seq: int


class Row(NamedTuple):
    """A row that reads well. `sha256` is that of `canonical`, and is stored beside the key."""

    key: RowKey
    event: Event
    canonical: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that reads as JSON and carries a key, but may not pass."""

    key: RowKey
    reason: RefusalReason
    message: str
    raw: bytes
    sha256: str


def sha256_hex(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def encode(message: msgspec.Struct) -> bytes:
    """Canonical bytes of any wire struct."""
    return _ENCODER.encode(message)


def encode_rows(events: Sequence[Event]) -> bytes:
    """One message: a single event as an object, several as an array. ValueError beyond the bounds."""
    if not 1 <= len(events) <= ROWS_MAX:
        raise ValueError(f"a message holds 1 to {ROWS_MAX} rows, not {len(events)}")
    return _ENCODER.encode(events[0] if len(events) == 1 else list(events))


def build_event(  # noqa: PLR0913 - the parts of an envelope
    *,
    site: str,
    gateway: str,
    epoch: str,
    lane: Lane,
    seq: int,
    time: datetime,
    clock: ClockState,
    data: Data,
) -> Event:
    """The event of a row: id, source and subject derived, time floored to the step of its class."""
    make = EVENT_OF_DATA[type(data)]
    return make(
        id=event_id(gateway, epoch, lane, seq),
        source=gateway_source(site, gateway),
        subject=subject_of(data, gateway),
        time=format_instant(floor_event_time(data, time)),
        epoch=epoch,
        lane=lane,
        seq=seq,
        clock=clock,
        data=data,
    )


def decode(payload: bytes, kind: type[T]) -> T:
    """Any single wire struct other than rows. WireError when it is not exactly canonical."""
    _check_size(payload)
    try:
        message = msgspec.json.decode(payload, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _refusal(error) from None
    if _ENCODER.encode(message) != payload:
        raise WireError(RefusalReason.NOT_CANONICAL, "encoded again it gives other bytes")
    return message


def decode_one_of(payload: bytes, kinds: tuple[type[T], ...]) -> T:
    """A struct of the first kind that it fits, for topics that carry one of several. WireError of the last when it fits none."""
    for kind in kinds[:-1]:
        try:
            return decode(payload, kind)
        except WireError:
            continue
    return decode(payload, kinds[-1])


def read_rows(payload: bytes) -> tuple[Row | BadRow, ...]:
    """The rows of one message from an `up/alarm` or `up/bulk` topic.

    WireError when the message as a whole cannot be read: too large, not JSON, too many rows, rows of several lanes or epochs
    or out of order, or a row without a readable key. Rows that have a key but break a rule come back as `BadRow`.
    """
    _check_size(payload)
    rows = tuple(_read_row(raw) for raw in _split(payload))
    keys = [row.key for row in rows]
    if len({(key.gateway, key.epoch, key.lane) for key in keys}) > 1:
        raise WireError(RefusalReason.MIXED_ROWS, "rows of more than one lane or epoch")
    if any(a.seq >= b.seq for a, b in pairwise(keys)):
        raise WireError(RefusalReason.MIXED_ROWS, "rows are not in seq order")
    return rows


def _check_size(payload: bytes) -> None:
    if len(payload) > PACKET_MAX_BYTES:
        raise WireError(
            RefusalReason.TOO_LARGE, f"{len(payload)} bytes, at most {PACKET_MAX_BYTES} a packet"
        )


def _split(payload: bytes) -> list[bytes]:
    if not payload.startswith(b"["):
        return [payload]
    try:
        raws = [bytes(raw) for raw in _ROWS_DECODER.decode(payload)]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _refusal(error) from None
    if not 1 <= len(raws) <= ROWS_MAX:
        raise WireError(RefusalReason.TOO_MANY_ROWS, f"{len(raws)} rows, 1 to {ROWS_MAX} a message")
    if len(raws) == 1 or b"[" + b",".join(raws) + b"]" != payload:
        raise WireError(
            RefusalReason.NOT_CANONICAL, "an array has two rows or more and no white space"
        )
    return raws


def _read_row(raw: bytes) -> Row | BadRow:
    if len(raw) > EVENT_MAX_BYTES:
        raise WireError(
            RefusalReason.TOO_LARGE, f"{len(raw)} bytes, at most {EVENT_MAX_BYTES} an event"
        )
    try:
        event = _EVENT_DECODER.decode(raw)
        key = _key_of(event.source, event.epoch, event.lane, event.seq)
        refusal = _judge(event, key, raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        refusal, key = _refusal(error), _read_key(raw, error)
        return BadRow(key, refusal.reason, refusal.message, raw, sha256_hex(raw))
    if refusal is not None:
        return BadRow(key, refusal.reason, refusal.message, raw, sha256_hex(raw))
    return Row(key, event, raw, sha256_hex(raw))


def _judge(event: Event, key: RowKey, raw: bytes) -> WireError | None:
    if _ENCODER.encode(event) != raw:
        return WireError(RefusalReason.NOT_CANONICAL, "encoded again it gives other bytes")
    if event.id != event_id(key.gateway, key.epoch, key.lane, key.seq):
        return WireError(RefusalReason.WRONG_ID, "id is not derived from its key")
    try:
        parse_instant(event.time)
    except ValueError:
        return WireError(RefusalReason.OUT_OF_RANGE, "time is a date that does not exist")
    return None


def _read_key(raw: bytes, error: Exception) -> RowKey:
    """The key of a row that failed; the first error when even that cannot be read."""
    try:
        fields = _KEY_DECODER.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise _refusal(error) from None
    return _key_of(fields.source, fields.epoch, fields.lane, fields.seq)


def _key_of(source: str, epoch: str, lane: Lane, seq: int) -> RowKey:
    site, gateway = parse_source(source)
    return RowKey(site, gateway, epoch, lane, seq)


def _refusal(error: Exception) -> WireError:
    """What a decoding error means; its text names the path and never repeats the refused content."""
    if isinstance(error, RecursionError):
        return WireError(RefusalReason.TOO_DEEP, f"nested deeper than {DEPTH_MAX}")
    if isinstance(error, msgspec.ValidationError):
        text = str(error)
        if "unknown field" in text:
            return WireError(RefusalReason.UNKNOWN_FIELD, "a field that the wire does not know")
        return WireError(RefusalReason.WRONG_SCHEMA, text[:200])
    return WireError(RefusalReason.NOT_JSON, "not JSON in UTF-8")
