"""MQTT 3.1.1 as a client speaks it, QoS 0 and 1: packets to bytes and bytes to packets. Pure; sockets are elsewhere.

Source  OASIS MQTT 3.1.1, sections 2 and 3. Why not a library: ADR 0026.
Bounds  a packet larger than PACKET_MAX_BYTES is a ProtocolError, so that a reader never buffers more than that.
"""

import struct
from dataclasses import dataclass
from typing import Final

PACKET_MAX_BYTES: Final = 1024 * 1024
PING: Final = b"\xc0\x00"
DISCONNECT: Final = b"\xe0\x00"

_CONNACK, _PUBLISH, _PUBACK, _SUBACK, _PINGRESP = 2, 3, 4, 9, 13


class ProtocolError(Exception):
    """What came is not MQTT 3.1.1 as a broker speaks it."""


@dataclass(frozen=True, slots=True)
class Connected:
    """CONNACK. `code` 0 when the broker takes us."""

    code: int


@dataclass(frozen=True, slots=True)
class Published:
    """A message for us. `number` None at QoS 0."""

    topic: str
    payload: bytes
    number: int | None
    retained: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """PUBACK: the broker has message `number`."""

    number: int


@dataclass(frozen=True, slots=True)
class Subscribed:
    """SUBACK; a code of 128 refuses its topic."""

    number: int
    codes: bytes


@dataclass(frozen=True, slots=True)
class Pong:
    """PINGRESP."""


Packet = Connected | Published | Taken | Subscribed | Pong


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for us when we go without goodbye; QoS 1."""

    topic: str
    payload: bytes
    retain: bool = True


def connect(
    client_id: str,
    *,
    keepalive_s: int,
    will: Will | None = None,
    username: str | None = None,
    password: str | None = None,
) -> bytes:
    """CONNECT with a clean session."""
    flags = 0x02
    rest = _text(client_id)
    if will is not None:
        flags |= 0x04 | 0x08 | (0x20 if will.retain else 0)
        rest += _text(will.topic) + _data(will.payload)
    if username is not None:
        flags |= 0x80
        rest += _text(username)
    if password is not None:
        flags |= 0x40
        rest += _text(password)
    return _packet(0x10, b"\x00\x04MQTT\x04" + struct.pack(">BH", flags, keepalive_s) + rest)


def publish(
    topic: str, payload: bytes, number: int | None = None, *, retain: bool = False
) -> bytes:
    """PUBLISH: QoS 1 with a number, QoS 0 without."""
    head = 0x30 | (0 if number is None else 0x02) | (0x01 if retain else 0)
    numbered = b"" if number is None else struct.pack(">H", number)
    return _packet(head, _text(topic) + numbered + payload)


def puback(number: int) -> bytes:
    """PUBACK."""
    return struct.pack(">BBH", 0x40, 2, number)


def subscribe(number: int, topics: tuple[str, ...]) -> bytes:
    """SUBSCRIBE at QoS 1."""
    return _packet(0x82, struct.pack(">H", number) + b"".join(_text(t) + b"\x01" for t in topics))


class Reader:
    """Bytes in, whole packets out."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting = b""

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that are complete with `data`. ProtocolError for anything a broker may not send."""
        waiting = self._waiting + data if self._waiting else data
        found: list[Packet] = []
        at = 0
        while (spans := _span(waiting, at)) is not None:
            start, end = spans
            if end > len(waiting):
                break
            found.append(_read(waiting[at], waiting[start:end]))
            at = end
        self._waiting = waiting[at:]
        return found


def _span(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the body of the packet at `at` starts and ends; None while its length is not all there."""
    length = 0
    for index in range(4):
        place = at + 1 + index
        if place >= len(data):
            return None
        byte = data[place]
        length |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            if length > PACKET_MAX_BYTES:
                raise ProtocolError(f"a packet of {length} bytes")
            return place + 1, place + 1 + length
    raise ProtocolError("a length of more than four bytes")


def _read(head: int, body: bytes) -> Packet:
    kind = head >> 4
    try:
        if kind == _PUBLISH:
            return _read_publish(head, body)
        if kind == _PUBACK:
            return Taken(struct.unpack(">H", body)[0])
        if kind == _CONNACK:
            return Connected(body[1])
        if kind == _SUBACK:
            return Subscribed(struct.unpack(">H", body[:2])[0], body[2:])
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ProtocolError(f"a packet of kind {kind} that cannot be read") from error
    if kind == _PINGRESP:
        return Pong()
    raise ProtocolError(f"a packet of kind {kind}, which no broker sends to us")


def _read_publish(head: int, body: bytes) -> Published:
    (size,) = struct.unpack_from(">H", body)
    topic = body[2 : 2 + size].decode()
    at, number = 2 + size, None
    if head & 0x06:
        (number,) = struct.unpack_from(">H", body, at)
        at += 2
    return Published(topic, body[at:], number, bool(head & 0x01))


def _packet(head: int, body: bytes) -> bytes:
    length, size = len(body), bytearray([head])
    while True:
        length, byte = length >> 7, length & 0x7F
        size.append(byte | 0x80 if length else byte)
        if not length:
            return bytes(size) + body


def _text(text: str) -> bytes:
    return _data(text.encode())


def _data(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data
