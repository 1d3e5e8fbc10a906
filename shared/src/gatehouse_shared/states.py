"""`up/state`, retained: the birth of a gateway's connection, and its death as the broker's will."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from gatehouse_shared.events import ClockState
from gatehouse_shared.ids import Boot, Epoch, Id, Sha256, Upto

WIRE_MINOR: Final = 0
"""Minor version of the wire that this package speaks."""

Conn = Annotated[int, Meta(ge=1, le=2**31 - 1, description="Connections of this boot so far")]
WireMinor = Annotated[int, Meta(ge=0, le=999)]
Version = Annotated[str, Meta(pattern=r"^[0-9]{1,4}([.][0-9]{1,4}){1,2}(?![\s\S])", max_length=14)]


class EpochMark(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The highest number of each lane that the outbox holds or has held of one epoch."""

    epoch: Epoch
    alarm_last: Upto
    bulk_last: Upto


class PlugIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A plug-in that runs on the gateway."""

    name: Id
    sha256: Sha256


class ModelState(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model in use, and whether the catalogue knows its hash."""

    name: Id
    sha256: Sha256
    reviewed: Literal["reviewed", "unreviewed"]


class Birth(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
):
    """A gateway is there. Sent on connect and every 30 s until an ack names its boot."""

    boot: Boot
    conn: Conn
    wire: WireMinor
    epochs: Annotated[tuple[EpochMark, ...], Meta(max_length=16)]
    software: Version
    config_version: Upto
    model: Annotated[tuple[ModelState, ...], Meta(max_length=16)]
    plugins: Annotated[tuple[PlugIn, ...], Meta(max_length=16)]
    clock: ClockState


class Death(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
):
    """The will of one connection; believed late, and never when older than the latest (boot, conn)."""

    boot: Boot
    conn: Conn


State = Birth | Death
STATES: Final[tuple[type[State], ...]] = (Birth, Death)
"""What `up/state` carries, told apart by its fields."""
