"""Events in files: what `analyze` writes and `replay` and `fuse` read, one event a line.

A line is an event with up to three attributes more, which the wire does not know and ingest therefore refuses: `evaluation`
(made from a recording), `arrived` (when the hub got it) and `offset_ms` (the gateway's clock minus the hub's, frozen at ingest).
Files may come from anywhere, so key order and white space are not judged here; types, ranges and unknown keys are.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gatehouse_shared.errors import RefusalReason, WireError
from gatehouse_shared.events import Event
from gatehouse_shared.ids import event_id, parse_source
from gatehouse_shared.instants import Instant, parse_instant
from gatehouse_shared.wire import EVENT_MAX_BYTES, encode

OFFSET_MAX_MS: Final = 10 * 366 * 86_400_000


class _Extras(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The attributes that only files have."""

    evaluation: bool = False
    arrived: Instant | None = None
    offset_ms: Annotated[int, Meta(ge=-OFFSET_MAX_MS, le=OFFSET_MAX_MS)] | None = None


@dataclass(frozen=True, slots=True)
class OfflineRow:
    """An event with what a file may say about it."""

    event: Event
    arrived: datetime | None = None
    offset_ms: int | None = None
    evaluation: bool = False


# Made once: a decoder that is made for each line costs more than the line.
_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_EXTRAS: Final = msgspec.json.Decoder(_Extras)
_EVENT: Final[msgspec.json.Decoder[Event]] = msgspec.json.Decoder(Event)
_ENCODER: Final = msgspec.json.Encoder()


def encode_line(event: Event, *, evaluation: bool = True) -> bytes:
    """One line without its end; `evaluation` marks it so that no hub takes it for something that happened."""
    body = encode(event)
    return body[:-1] + b',"evaluation":true}' if evaluation else body


def decode_line(line: bytes) -> OfflineRow:
    """The row of one line. WireError says what is wrong with it."""
    if len(line) > EVENT_MAX_BYTES:
        raise WireError(RefusalReason.TOO_LARGE, f"{len(line)} bytes in one line")
    try:
        fields = _FIELDS.decode(line)
        extras = {k: fields.pop(k) for k in ("evaluation", "arrived", "offset_ms") if k in fields}
        found = _EXTRAS.decode(_ENCODER.encode(extras))
        event = _EVENT.decode(_ENCODER.encode(fields))
        arrived = parse_instant(found.arrived) if found.arrived else None
        parse_instant(event.time)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError) as error:
        raise WireError(RefusalReason.WRONG_SCHEMA, str(error)[:200]) from None
    _, gateway = parse_source(event.source)
    if event.id != event_id(gateway, event.epoch, event.lane, event.seq):
        raise WireError(RefusalReason.WRONG_ID, "id is not derived from its key")
    return OfflineRow(event, arrived, found.offset_ms, found.evaluation)
