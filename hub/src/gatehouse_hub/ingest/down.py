"""What the hub says to a gateway, in the gateway's own minor version of the wire.

A gateway refuses fields that its version does not know, and the hub is upgraded first: so a field that came with a later
minor is left out for older gateways. ADDED says which those are; version 0 is where the wire starts, so there is none yet.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from gatehouse_shared.states import WIRE_MINOR
from gatehouse_shared.wire import encode

ADDED: Final[Mapping[str, Mapping[str, int]]] = {}
"""Struct name -> field on the wire -> minor version that brought it."""


def write_down(
    message: msgspec.Struct, minor: int, added: Mapping[str, Mapping[str, int]] = ADDED
) -> bytes:
    """Bytes of a message for a gateway that speaks `minor`."""
    later = {name for name, since in added.get(type(message).__name__, {}).items() if since > minor}
    payload = encode(message)
    if minor >= WIRE_MINOR and not later:
        return payload
    fields = msgspec.json.decode(payload, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({k: v for k, v in fields.items() if k not in later})
