"""Notices of the live stream: what changed, not what it is now. The client fetches what it shows."""

from typing import Literal

from pydantic import Field

from gatehouse_hub.api.schemas.parts import Instant, Priority, Schema
from gatehouse_hub.live.broadcast import ChangeKind
from gatehouse_shared.names import HazardKind
from gatehouse_shared.out import IncidentState, Level


class LiveChange(Schema):
    """Data of the SSE events `incident`, `hazard`, `occupancy` and `gateway`.

    `id` is the incident, the hazard (its event id), the zone or the gateway, or null: several at once,
    fetch the list. The other fields are set where they are known.
    """

    kind: ChangeKind
    site: str
    id: str | None
    at: Instant
    zone: str | None
    hazard_kind: HazardKind | None
    state: IncidentState | None
    priority: Priority | None
    level: Level | None


class LiveHello(Schema):
    """Data of the SSE event `hello`, the first of every connection: fetch everything anew.

    Nothing is replayed after a reconnection, whatever `Last-Event-ID` says.
    """

    site: str
    at: Instant
    heartbeat_s: int = Field(description="Silence longer than twice this means the line is dead")


class LiveHeartbeat(Schema):
    """Data of the SSE event `heartbeat`."""

    at: Instant


class LiveBye(Schema):
    """Data of the SSE event `bye`, the last of a connection that the hub ends."""

    reason: Literal["signed_out", "too_slow", "shutting_down"]
