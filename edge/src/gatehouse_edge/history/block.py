"""A minute of what the rules were told, as bytes. No coordinates, no tracks, no pictures: see docs/rehearsal.md.

A block holds parts, one for each source and kind of observation: a camera's frames (`beat`), a thermal zone (`warm`), the tick,
and everything else by its type. A part holds the moments of its entries as differences, and channels: what was said in some or
all of the entries, written where it changed. The signals and counts of zones, and the samples of rules whose sense looks at
what is not kept, are channels of the camera's beat.
Units   moments in hundredths of a second; zone shares in thousandths; temperatures in hundredths of a degree.
Errors  BlockError for bytes that are none.
"""

import zlib
from itertools import accumulate, pairwise
from typing import Final

import msgspec

from gatehouse_edge.errors import EdgeError

VERSION: Final = 1
EVERY: Final = -1
"""The telling of a channel that speaks in every entry."""
INFLATED_MAX: Final = 16 * 1024 * 1024
LEVEL: Final = 6


class BlockError(EdgeError):
    """Bytes that are no block of signals."""


class Channel(msgspec.Struct, frozen=True, array_like=True):
    """What one zone, label or rule said. `telling`: which entries it spoke in; `changes`: (after how many, value)."""

    key: str
    telling: int
    changes: list[tuple[int, object]]


class Part(msgspec.Struct, frozen=True, array_like=True):
    """Entries of one source. `at`, `shift` and `lag` are differences from entry to entry.

    `shift`: wall clock less timeline; `lag`: tenths of a second that the observation is older than the moment; `behind`: the
    same on the timeline, where it was kept; `unknown`: entries at which it changed whether the time is known.
    """

    code: str
    at: list[int]
    shift: list[int]
    lag: list[int]
    behind: list[int]
    unknown: list[int]
    tellings: list[list[int]]
    channels: list[Channel]


class PartHead(msgspec.Struct, frozen=True, array_like=True):
    """The beginning of a part: enough to know whom it is about."""

    code: str


class Said(msgspec.Struct, frozen=True, array_like=True):
    """A hazard that was raised, updated or cleared in this minute: for comparison."""

    rule: str
    kind: str
    zone: str
    phase: str
    time_ms: int
    grade: int
    drill: bool
    reason: str


class Block(msgspec.Struct, frozen=True, array_like=True):
    """One minute. `at_cs` on the timeline of this run of the agent, `time_cs` since 1970. `ties`: moments at which
    entries of several parts did not come in the order of the parts: (moment, parts in their order). A rehearsal of one rule
    wants few of the `parts`, so each is packed by itself.
    """

    version: int
    at_cs: int
    time_cs: int
    parts: list[msgspec.Raw]
    ties: list[tuple[int, list[int]]]
    said: list[Said]


def encode(block: Block) -> bytes:
    """A block as it is kept."""
    return zlib.compress(msgspec.msgpack.encode(block), LEVEL)


def decode(kept: bytes) -> Block:
    """The block of these bytes. BlockError where they are none, or are of a later version."""
    inflater = zlib.decompressobj()
    try:
        packed = inflater.decompress(kept, INFLATED_MAX)
        block = msgspec.msgpack.decode(packed, type=Block)
    except (zlib.error, msgspec.DecodeError) as error:
        raise BlockError(f"a minute of signals cannot be read: {error}") from None
    if block.version != VERSION:
        raise BlockError(f"signals of version {block.version}; this agent reads {VERSION}")
    return block


def packed(part: Part) -> msgspec.Raw:
    """A part as it lies in its block."""
    return msgspec.Raw(msgspec.msgpack.encode(part))


def head(raw: msgspec.Raw) -> PartHead:
    """Whom a part is about. BlockError where it is no part."""
    try:
        return msgspec.msgpack.decode(raw, type=PartHead)
    except msgspec.DecodeError as error:
        raise BlockError(f"a part of a minute cannot be read: {error}") from None


def unpacked(raw: msgspec.Raw) -> Part:
    """The part. BlockError where it is none."""
    try:
        return msgspec.msgpack.decode(raw, type=Part)
    except msgspec.DecodeError as error:
        raise BlockError(f"a part of a minute cannot be read: {error}") from None


def steps(values: list[int]) -> list[int]:
    """Differences from value to value; the first as it is.

    >>> steps([5, 7, 7])
    [5, 2, 0]
    """
    return [*values[:1], *(b - a for a, b in pairwise(values))]


def sums(differences: list[int]) -> list[int]:
    """The values again.

    >>> sums([5, 2, 0])
    [5, 7, 7]
    """
    return list(accumulate(differences))


def flips(known: list[bool]) -> list[int]:
    """Where a truth changes; it begins as True.

    >>> flips([True, False, False, True])
    [1, 3]
    """
    return [i for i, (a, b) in enumerate(pairwise([True, *known])) if a is not b]


def truths(changes: list[int], count: int) -> list[bool]:
    """The truths again."""
    turned = frozenset(changes)
    value, out = True, list[bool]()
    for i in range(count):
        value = value is not (i in turned)
        out.append(value)
    return out
