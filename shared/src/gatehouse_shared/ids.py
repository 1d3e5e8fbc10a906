"""Ids: their alphabet, and those that are derived rather than chosen.

Source  contract, sections 1 and 2: ids hold no run of five digits, so that no card, phone or plate number fits in one.
"""

import hashlib
import re
import zlib
from typing import Annotated, Final

from msgspec import Meta

ID_PATTERN: Final = r"^(?!.*[0-9]{5})[a-z0-9][a-z0-9_-]{0,31}(?![\s\S])"
SOURCE_PATTERN: Final = r"^/sites/(?!.*[0-9]{5})[a-z0-9][a-z0-9_-]{0,31}/(gateways/[a-z0-9][a-z0-9_-]{0,31}|hub)(?![\s\S])"
SUBJECT_PATTERN: Final = r"^(zones|lines|devices)/(?!.*[0-9]{5})[a-z0-9][a-z0-9_-]{0,31}(?![\s\S])"
HEX16_PATTERN: Final = r"^[0-9a-f]{16}(?![\s\S])"
HEX32_PATTERN: Final = r"^[0-9a-f]{32}(?![\s\S])"
HEX64_PATTERN: Final = r"^[0-9a-f]{64}(?![\s\S])"
SHARDS: Final = 64
HUB_GATEWAY: Final = "hub"
"""The gateway name under which the hub itself keys its rows."""

Id = Annotated[str, Meta(pattern=ID_PATTERN, max_length=32, description="Registered name")]
Source = Annotated[str, Meta(pattern=SOURCE_PATTERN, max_length=82)]
Subject = Annotated[str, Meta(pattern=SUBJECT_PATTERN, max_length=40)]
Epoch = Annotated[str, Meta(pattern=HEX16_PATTERN, max_length=16)]
EventId = Annotated[str, Meta(pattern=HEX32_PATTERN, max_length=32)]
Sha256 = Annotated[str, Meta(pattern=HEX64_PATTERN, max_length=64)]
Boot = Annotated[str, Meta(pattern=HEX16_PATTERN, max_length=16)]
RequestId = Annotated[str, Meta(pattern=HEX32_PATTERN, max_length=32)]
Seq = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Upto = Annotated[
    int, Meta(ge=0, le=2**53 - 1, description="Everything up to here is accounted for")
]

_ID = re.compile(ID_PATTERN)


def is_id(text: str) -> bool:
    """Whether `text` may name a site, gateway, zone, line, device or rule."""
    return _ID.search(text) is not None


def event_id(gateway: str, epoch: str, lane: str, seq: int) -> str:
    """The only id an event may have: 32 hex of SHA-256 over its key.

    >>> event_id("gw_1", "00112233445566aa", "alarm", 1)
    '2f7bbbd8735b652ddc26b80b25b2064e'
    """
    return hashlib.sha256(f"{gateway}/{epoch}/{lane}/{seq}".encode()).hexdigest()[:32]


def shard_of(site: str) -> str:
    """Two digits that route a site's messages; never an authority on which site a gateway belongs to."""
    return shard_name(shard_number(site))


def shard_number(site: str) -> int:
    """The shard of a site, from 0.

    >>> shard_number("riverside")
    19
    """
    return zlib.crc32(site.encode()) % SHARDS


def shard_name(number: int) -> str:
    """A shard as topics name it."""
    return f"{number:02d}"


def gateway_source(site: str, gateway: str) -> str:
    """The `source` of a gateway's events; of the hub's own when `gateway` is `hub`."""
    return f"/sites/{site}/hub" if gateway == HUB_GATEWAY else f"/sites/{site}/gateways/{gateway}"


def parse_source(source: str) -> tuple[str, str]:
    """(site, gateway) of a `source` that already matches its pattern."""
    parts = source.split("/")
    return parts[2], parts[4] if len(parts) > 4 else HUB_GATEWAY
