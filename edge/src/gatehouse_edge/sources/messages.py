"""What the agent and its decode child say to each other: small typed messages over one socket. Pixels go through `slab`.

    agent  Open  Want(seq, slot) ...                      close = end of file
    child        Hello  [Geometry -> agent grows the slab -> Want again]  Ready(seq, slot) ...  Ended | Failed

The child writes pixels only into the slot of the last Want and says Ready afterwards, so no one ever reads a picture that
is being written. A decoder of another make (`decoder: {command: [...]}`) only has to speak this; edge/docs/decoders.md says how.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gatehouse_edge.sources.failures import FailReason
from gatehouse_edge.sources.spec import SourceSpec

MAX_MESSAGE = 16_384
MAX_SIDE_PX = 8192
MAX_PIXELS = 33_177_600  # 8K UHD
Side = Annotated[int, Meta(ge=1, le=MAX_SIDE_PX)]


class Open(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """The first message. `origin_s`: monotonic clock at the first opening, so that a scene goes on.

    `slab_fd` is a descriptor of the child's own, inherited at its start.
    """

    spec: SourceSpec
    live: bool
    origin_s: float
    stall_s: float
    slab_fd: int
    scenes: str = ""


class Want(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """Lends a slot of the slab for the next picture. `slot_bytes` is the present size of a slot."""

    seq: int
    slot: int
    slot_bytes: int


class Hello(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """The source is open; said again on the way to a late `start_s`. `pictures` as the header says, 0 when unknown."""

    thermal: bool
    native_fps: float
    pictures: int = 0


class Geometry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """The next picture has this size and does not fit the slot; lend a larger one."""

    seq: int
    height: Side
    width: Side


class Ready(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """A picture lies in the slot. `at` media seconds; `passed` pictures not taken since the last one.

    `taken_s`: monotonic clock (one for the whole machine) when it was taken.
    """

    seq: int
    slot: int
    height: Side
    width: Side
    at: float
    taken_s: float
    passed: int = 0


class Ended(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """A recorded source came to its end after `pictures` pictures."""

    pictures: int


class Failed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """The child gives up and exits. `detail` holds no secrets."""

    reason: FailReason
    detail: Annotated[str, Meta(max_length=512)]


ToChild = Open | Want
FromChild = Hello | Geometry | Ready | Ended | Failed

encode = msgspec.msgpack.Encoder().encode
decode_to_child = msgspec.msgpack.Decoder(ToChild).decode
decode_from_child = msgspec.msgpack.Decoder(FromChild).decode
