"""A broker of the test's own on loopback: it writes down every packet, and acknowledges only what it is told to.

`pubacks`: whether publishes are acknowledged. `pings`: whether pings are answered. One thread each connection.
"""

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field

from gatehouse_testing.mqtt_probe import Message, Packet, message_of, packet, parse


@dataclass(slots=True)
class Visit:
    """One connection: the body of its CONNECT, what it published, and its socket."""

    sock: socket.socket
    connect: bytes = b""
    published: list[Message] = field(default_factory=list[Message])
    unacknowledged: int = 0
    most_unacknowledged: int = 0

    @property
    def flags(self) -> int:
        """The connect flags: 0x02 clean session, 0x04 will, 0x18 its QoS, 0x20 retained."""
        return self.connect[7]

    @property
    def level(self) -> int:
        """The protocol level: 4 is MQTT 3.1.1."""
        return self.connect[6]

    @property
    def keepalive_s(self) -> int:
        """The keep-alive it asked for."""
        return int.from_bytes(self.connect[8:10], "big")

    @property
    def client_id(self) -> str:
        """Its client id."""
        size = int.from_bytes(self.connect[10:12], "big")
        return self.connect[12 : 12 + size].decode()

    def say(self, kind: Packet, body: bytes, flags: int = 0) -> None:
        """Send it a packet."""
        self.sock.sendall(packet(kind, body, flags))

    def hang_up(self) -> None:
        """End the connection without a word."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


class DeafBroker:
    """Listens on a free port until `close`."""

    def __init__(self, *, pubacks: bool = False, pings: bool = True) -> None:
        self.pubacks, self.pings = pubacks, pings
        self.visits: list[Visit] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hang up on everybody."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for visit in self.visits:
            visit.hang_up()
        self._thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(Visit(sock),), daemon=True).start()

    def _serve(self, visit: Visit) -> None:
        buffer = bytearray()
        with visit.sock, suppress(OSError):
            while data := visit.sock.recv(65_536):
                buffer += data
                while (parsed := parse(buffer)) is not None:
                    kind, flags, body, size = parsed
                    del buffer[:size]
                    self._take(visit, kind, flags, body)

    def _take(self, visit: Visit, kind: Packet, flags: int, body: bytes) -> None:
        if kind is Packet.CONNECT:
            visit.connect = body
            self.visits.append(visit)
            visit.say(Packet.CONNACK, b"\0\0")
        elif kind is Packet.SUBSCRIBE:
            visit.say(Packet.SUBACK, body[:2] + b"\1")
        elif kind is Packet.PINGREQ and self.pings:
            visit.say(Packet.PINGRESP, b"")
        elif kind is Packet.PUBLISH:
            message = message_of(body, flags)
            visit.unacknowledged += 1
            visit.most_unacknowledged = max(visit.most_unacknowledged, visit.unacknowledged)
            visit.published.append(message)
            if self.pubacks:
                visit.unacknowledged -= 1
                visit.say(Packet.PUBACK, message.mid.to_bytes(2, "big"))
