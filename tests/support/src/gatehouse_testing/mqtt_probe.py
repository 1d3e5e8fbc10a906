"""MQTT 3.1.1 by hand: a client whose every packet the test writes and reads, so that brokers show what they do themselves.

It acknowledges nothing by itself. `messages` gathers what was delivered while another packet was waited for.
"""

import select
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

TIMEOUT_S = 5.0


class Packet(IntEnum):
    """Control packet types."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


class ClosedError(Exception):
    """The other side has ended the connection."""


@dataclass(frozen=True, slots=True)
class Message:
    """A PUBLISH that came in; `mid` 0 for QoS 0."""

    topic: str
    payload: bytes
    qos: int
    retained: bool
    dup: bool
    mid: int


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says when the connection ends badly."""

    topic: str
    payload: bytes
    retain: bool = False


@dataclass(slots=True)
class Probe:
    """One connection. Made by `connect`, which sends CONNECT and reads CONNACK."""

    sock: socket.socket
    code: int = -1
    session_present: bool = False
    messages: list[Message] = field(default_factory=list[Message])
    _buffer: bytearray = field(default_factory=bytearray)
    _mid: int = 0

    def send(self, kind: Packet, body: bytes = b"", flags: int = 0) -> None:
        """One packet."""
        self.sock.sendall(packet(kind, body, flags))

    def receive(self, kind: Packet, timeout_s: float = TIMEOUT_S) -> bytes:
        """The body of the next packet of a kind; messages on the way are gathered. ClosedError, or TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while True:
            found, flags, body = self._next(deadline)
            if found is Packet.PUBLISH:
                self.messages.append(message_of(body, flags))
            if found is kind:
                return body

    def message(self, timeout_s: float = TIMEOUT_S) -> Message:
        """The next message, gathered or to come."""
        if not self.messages:
            self.receive(Packet.PUBLISH, timeout_s)
        return self.messages.pop(0)

    def subscribe(self, *filters: str, qos: int = 1) -> bytes:
        """Subscribe; the return codes."""
        self._mid += 1
        body = self._mid.to_bytes(2, "big") + b"".join(text(f) + bytes([qos]) for f in filters)
        self.send(Packet.SUBSCRIBE, body, 2)
        return self.receive(Packet.SUBACK)[2:]

    def unsubscribe(self, *filters: str) -> None:
        """Unsubscribe."""
        self._mid += 1
        body = self._mid.to_bytes(2, "big") + b"".join(map(text, filters))
        self.send(Packet.UNSUBSCRIBE, body, 2)
        self.receive(Packet.UNSUBACK)

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, dup: bool = False,
        mid: int | None = None,
    ) -> int:  # fmt: skip
        """Send one message without waiting; its packet id."""
        if mid is None:
            self._mid += 1
            mid = self._mid
        number = mid.to_bytes(2, "big") if qos else b""
        flags = (8 if dup else 0) | qos << 1 | (1 if retain else 0)
        self.send(Packet.PUBLISH, text(topic) + number + payload, flags)
        return mid

    def published(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send one message of QoS 1 and wait for its PUBACK."""
        mid = self.publish(topic, payload, retain=retain)
        while self.puback() != mid:
            pass

    def puback(self, timeout_s: float = TIMEOUT_S) -> int:
        """The packet id of the next PUBACK."""
        return int.from_bytes(self.receive(Packet.PUBACK, timeout_s)[:2], "big")

    def acknowledge(self, messages: Iterable[Message]) -> None:
        """Say PUBACK to these."""
        for message in messages:
            if message.qos:
                self.send(Packet.PUBACK, message.mid.to_bytes(2, "big"))

    def ping(self) -> None:
        """Ask and hear the answer: everything the broker had for us before it is in `messages`."""
        self.send(Packet.PINGREQ)
        self.receive(Packet.PINGRESP)

    def closed(self, timeout_s: float = TIMEOUT_S) -> bool:
        """Whether the broker ends the connection in time; what comes meanwhile is gathered."""
        try:
            self.receive(Packet.CONNECT, timeout_s)
        except (ClosedError, ConnectionError):
            return True
        except TimeoutError:
            return False
        return False

    def disconnect(self) -> None:
        """End it in good order."""
        self.send(Packet.DISCONNECT)
        self.sock.close()

    def drop(self) -> None:
        """End it as a cut cable would, as far as one can: no DISCONNECT."""
        self.sock.close()

    def _next(self, deadline: float) -> tuple[Packet, int, bytes]:
        while (parsed := parse(self._buffer)) is None:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                raise TimeoutError
            data = self.sock.recv(65_536)
            if not data:
                raise ClosedError
            self._buffer += data
        kind, flags, body, size = parsed
        del self._buffer[:size]
        return kind, flags, body


def connect(
    port: int,
    client_id: str,
    *,
    user: tuple[str, str] | None = None,
    clean: bool = True,
    will: Will | None = None,
    keepalive_s: int = 30,
    level: int = 4,
) -> Probe:
    """Connect; `code` says whether one was let in. ClosedError where there is no answer."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    probe = Probe(sock)
    flags = 2 if clean else 0
    body = text(client_id)
    if will is not None:
        flags |= 0x04 | 1 << 3 | (0x20 if will.retain else 0)
        body += text(will.topic) + len(will.payload).to_bytes(2, "big") + will.payload
    if user is not None:
        flags |= 0xC0
        body += text(user[0]) + text(user[1])
    head = text("MQTT") + bytes([level, flags]) + keepalive_s.to_bytes(2, "big")
    try:
        probe.send(Packet.CONNECT, head + body)
        answer = probe.receive(Packet.CONNACK)
    except BaseException:
        sock.close()
        raise
    probe.session_present, probe.code = bool(answer[0] & 1), answer[1]
    return probe


def packet(kind: Packet, body: bytes = b"", flags: int = 0) -> bytes:
    """The bytes of a control packet."""
    length, left = bytearray(), len(body)
    while True:
        left, digit = divmod(left, 128)
        length.append(digit | (0x80 if left else 0))
        if not left:
            return bytes([kind << 4 | flags]) + bytes(length) + body


def text(value: str) -> bytes:
    """A string with its length before it."""
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def parse(buffer: bytearray) -> tuple[Packet, int, bytes, int] | None:
    """Kind, flags and body of the first packet, and its whole size; None while it is not all there."""
    size = 0
    for index in range(1, min(5, len(buffer))):
        size |= (buffer[index] & 0x7F) << 7 * (index - 1)
        if not buffer[index] & 0x80:
            end = index + 1 + size
            if len(buffer) < end:
                return None
            body = bytes(buffer[index + 1 : end])
            return Packet(buffer[0] >> 4), buffer[0] & 15, body, end
    return None


def message_of(body: bytes, flags: int) -> Message:
    """The message of a PUBLISH."""
    size = int.from_bytes(body[:2], "big")
    topic, rest = body[2 : 2 + size].decode(), body[2 + size :]
    qos = flags >> 1 & 3
    mid = int.from_bytes(rest[:2], "big") if qos else 0
    return Message(topic, rest[2:] if qos else rest, qos, bool(flags & 1), bool(flags & 8), mid)
