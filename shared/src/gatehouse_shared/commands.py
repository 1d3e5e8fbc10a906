"""What the hub says to a gateway, and what the gateway answers: acks, nacks, the verbs of version 1, the configuration offer."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from gatehouse_shared.errors import RefusalReason
from gatehouse_shared.ids import Boot, Epoch, EventId, Id, RequestId, Seq, Sha256, Upto
from gatehouse_shared.instants import Instant
from gatehouse_shared.names import Lane

TtlMs = Annotated[int, Meta(ge=100, le=3_600_000)]


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What commands and answers have in common."""


class Ack(Message, frozen=True, kw_only=True):
    """After COMMIT: everything up to these numbers of `epoch` is a row, in a gap or in quarantine."""

    boot: Boot
    epoch: Epoch
    alarm: Upto
    bulk: Upto
    hub_time: Instant


class MessageNack(Message, frozen=True, kw_only=True):
    """A message that could not be read, by the SHA-256 of its bytes."""

    sha256: Sha256
    reason: RefusalReason


class RowNack(Message, frozen=True, kw_only=True):
    """A row in quarantine; it is accounted for."""

    epoch: Epoch
    lane: Lane
    seq: Seq
    reason: RefusalReason


Nack = MessageNack | RowNack
NACKS: Final[tuple[type[Nack], ...]] = (MessageNack, RowNack)
"""What `down/nack` carries, told apart by its fields."""


class Request(Message, frozen=True, kw_only=True):
    """What all requests carry. Idempotent by `request`; expires `ttl_ms` after receipt."""

    request: RequestId
    ttl_ms: TtlMs
    hub_time: Instant


class TimeRequest(Request, frozen=True, kw_only=True):
    """Heartbeat and clock measurement, every 20 s."""


class AcknowledgedRequest(Request, frozen=True, kw_only=True):
    """A hazard was acknowledged; `at_site` ends a latched one."""

    epoch: Epoch
    hazard: Seq
    by_role: Id
    at_site: bool


class PlateRequest(Request, frozen=True, kw_only=True):
    """Asks for a scene plate of an open T or C hazard."""

    camera: Id
    purpose: Literal["verify_hazard", "check_view"]


class DrillRequest(Request, frozen=True, kw_only=True):
    """Marks a rule's hazards as a drill until a moment."""

    rule: Id
    until: Instant


class WalkTestRequest(Request, frozen=True, kw_only=True):
    """Every trigger is reported as a drill until a moment."""

    until: Instant


class AnnounceRequest(Request, frozen=True, kw_only=True):
    """Plays a registered message."""

    message: Id


class OutputRequest(Request, frozen=True, kw_only=True):
    """Switches an output of the site until a moment."""

    device: Id
    on: bool
    until: Instant


class Response(Message, frozen=True, kw_only=True):
    """Answer to a request; `outcome` says whether it was done."""

    request: RequestId
    outcome: Literal["done", "refused", "expired", "unknown"]


class TimeResponse(Message, frozen=True, kw_only=True):
    """The gateway's clock, for the offset."""

    request: RequestId
    gateway_time: Instant
    synced: bool
    uptime_ms: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    boot: Boot


REQUESTS: Final[dict[str, type[Request]]] = {
    "time": TimeRequest,
    "acknowledged": AcknowledgedRequest,
    "plate": PlateRequest,
    "drill": DrillRequest,
    "walk_test": WalkTestRequest,
    "announce": AnnounceRequest,
    "output": OutputRequest,
}
"""Verb -> request. There are no others in version 1."""

RESPONSES: Final[dict[str, type[Message]]] = {
    verb: TimeResponse if verb == "time" else Response for verb in REQUESTS
}
"""Verb -> answer."""


class ConfigOffer(Message, frozen=True, kw_only=True):
    """`down/config`, retained: a signed offer of configuration. A schema only until enrolment exists."""

    version: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    gateway: Id
    site: Id
    sha256: Sha256
    size_bytes: Annotated[int, Meta(ge=1, le=262_144)]
    expires: Instant
    signature: Annotated[str, Meta(pattern=r"^[0-9a-f]{128}(?![\s\S])", max_length=128)]


IncidentRef = EventId
