"""Opens the one line of a source plug-in, in its process, before the cage closes. What comes after sees a descriptor, no address.

tcp      connects; end of stream is an error, and the gateway opens a new line
udp      listens; one datagram at a time
serial   a character device, raw, 8N1
Bounds  RECEIVE_BYTES at once; CONNECT_S to connect, SEND_S to send.
"""

from __future__ import annotations

import ipaddress
import os
import select
import socket
import stat
import termios
from pathlib import Path
from typing import Final

from gatehouse_edge.plugins.api import Connection
from gatehouse_edge.plugins.messages import Line
from gatehouse_edge.sources.hosts import refusal

RECEIVE_BYTES: Final = 4096
CONNECT_S: Final = 5.0
SEND_S: Final = 5.0


def open_line(line: Line, fd: int) -> None:
    """Open what `line` names, as descriptor `fd`. OSError or ValueError in words when it cannot be."""
    if line.kind == "serial":
        opened = _open_serial(Path(line.host), line.baud)
    else:
        opened = _open_socket(line)
    os.set_blocking(opened, False)
    if opened != fd:
        os.dup2(opened, fd)
        os.close(opened)


class _Wire:
    """A descriptor with waits."""

    def __init__(self, fd: int, *, stream: bool) -> None:
        self._fd, self._stream = fd, stream
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(fd, select.POLLIN)
        self._writable.register(fd, select.POLLOUT)

    def receive(self, timeout_s: float) -> bytes:
        if not self._readable.poll(max(0.0, timeout_s) * 1000):
            return b""
        try:
            came = os.read(self._fd, RECEIVE_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise ConnectionError(error.strerror) from None
        if self._stream and not came:
            raise ConnectionError("the other end closed the line")
        return came

    def send(self, data: bytes) -> None:
        while data:
            if not self._writable.poll(SEND_S * 1000):
                raise ConnectionError("the other end takes nothing")
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise ConnectionError(error.strerror) from None


def connection_over(fd: int, *, stream: bool) -> Connection:
    """What the plug-in gets to read and write. `stream`: nothing to read is the end."""
    wire = _Wire(fd, stream=stream)
    return Connection(wire.receive, wire.send)


def _open_socket(line: Line) -> int:
    kind = socket.SOCK_STREAM if line.kind == "tcp" else socket.SOCK_DGRAM
    found = socket.getaddrinfo(line.host, line.port, type=kind)[0]
    address = found[4]
    why = refusal(
        ipaddress.ip_address(str(address[0]).partition("%")[0]), subnets=(), allow_loopback=True
    )
    if why is not None:
        raise ValueError(why)
    with socket.socket(found[0], kind) as one:
        if line.kind == "udp":
            one.bind(address)
        else:
            one.settimeout(CONNECT_S)
            one.connect(address)
        return os.dup(one.fileno())


def _open_serial(path: Path, baud: int) -> int:
    if not stat.S_ISCHR(path.stat().st_mode):
        raise ValueError(f"{path} is no serial device")
    speed = getattr(termios, f"B{baud}", None)
    if speed is None:
        raise ValueError(f"{baud} baud is no rate of a serial device")
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        control = termios.CS8 | termios.CREAD | termios.CLOCAL
        characters = termios.tcgetattr(fd)[6]
        termios.tcsetattr(fd, termios.TCSANOW, [0, 0, control, 0, speed, speed, characters])
    except BaseException:
        os.close(fd)
        raise
    return fd
