"""Whole messages over a stream socket: four bytes of length, most significant first, then the message.

Bounds  a longer message than MAX_MESSAGE is refused before it is read.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from typing import Final

from gatehouse_edge.sources.messages import MAX_MESSAGE

_LENGTH: Final = struct.Struct(">i")
PIECE: Final = 65_536


class Wire:
    """One end of a socket pair. One thread receives and one sends."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket, self._got = sock, bytearray()
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def send(self, message: bytes) -> None:
        """Sends a message. Raises OSError when the other end is gone."""
        self._socket.sendall(_LENGTH.pack(len(message)) + message)

    def receive(self, timeout_s: float | None) -> bytes | None:
        """The next message, None when there is none in time (`timeout_s` None: as long as it takes).

        EOFError when the other end is gone, OSError for nonsense.
        """
        until_s = None if timeout_s is None else time.monotonic() + timeout_s
        while (message := self._whole()) is None:
            left_ms = None
            if until_s is not None:
                left_ms = max(0.0, until_s - time.monotonic()) * 1000
            if not self._poll.poll(left_ms):
                return None
            piece = self._socket.recv(PIECE)
            if not piece:
                raise EOFError
            self._got += piece
        return message

    def _whole(self) -> bytes | None:
        got = self._got
        if len(got) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(got)
        if not 0 <= length <= MAX_MESSAGE:
            raise OSError(f"a message of {length} bytes")
        end = _LENGTH.size + length
        if len(got) < end:
            return None
        message = bytes(got[_LENGTH.size : end])
        del got[:end]
        return message

    def close(self) -> None:
        """Closes this end."""
        self._socket.close()
