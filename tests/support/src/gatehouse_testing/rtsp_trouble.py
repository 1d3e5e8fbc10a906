"""A bad line between an RTSP camera and the agent: a relay on loopback that cuts, stalls, garbles, slows or floods what passes.

    with TroubledLine(camera.port) as line:     # line.url instead of camera.url
        line.cut()                              # in the middle of what is just being sent

Bounds  one thread accepts, two carry each connection; a flood is as fast as the reader takes it.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from enum import StrEnum

PIECE = 4096


class Trouble(StrEnum):
    """What happens to the bytes from the camera."""

    NONE = "none"
    HUSH = "hush"
    """They are swallowed."""
    SCRAMBLE = "scramble"
    """Every hundredth byte is another one."""
    BABBLE = "babble"
    """Random bytes come instead."""
    FLOOD = "flood"
    """Random bytes come instead, framed as RTP of the stream, without pause."""


class TroubledLine:
    """A relay to a port of this machine. Troubles may be changed while connections stand. `delay_s` holds back each piece."""

    def __init__(self, port: int) -> None:
        self._port, self._chance = port, random.Random(11)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.trouble, self.delay_s, self.refusing = Trouble.NONE, 0.0, False
        self.connections = 0

    @property
    def url(self) -> str:
        """The camera's address over this line."""
        return f"rtsp://127.0.0.1:{self._listener.getsockname()[1]}/live"

    def cut(self) -> None:
        """Ends all connections after half a piece, in the middle of a frame."""
        with self._lock:
            for end in self._open:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> TroubledLine:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                if self.refusing:
                    raise ConnectionRefusedError
                far = socket.create_connection(("127.0.0.1", self._port), 5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self._lock:
                self._open |= {near, far}
            for source, target, troubled in ((near, far, False), (far, near, True)):
                threading.Thread(
                    target=self._carry, args=(source, target, troubled), daemon=True
                ).start()

    def _carry(self, source: socket.socket, target: socket.socket, troubled: bool) -> None:
        try:
            while piece := source.recv(PIECE):
                if troubled:
                    self._closing.wait(self.delay_s)
                    piece = self._spoil(piece, target)
                target.sendall(piece)
        except OSError:
            pass
        finally:
            with self._lock:
                self._open -= {source, target}
            for end in (source, target):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def _spoil(self, piece: bytes, target: socket.socket) -> bytes:
        match self.trouble:
            case Trouble.NONE:
                return piece
            case Trouble.HUSH:
                return b""
            case Trouble.SCRAMBLE:
                spoiled = bytearray(piece)
                for at in range(self._chance.randrange(100), len(spoiled), 100):
                    spoiled[at] = self._chance.randrange(256)
                return bytes(spoiled)
            case Trouble.BABBLE:
                return self._chance.randbytes(len(piece))
            case Trouble.FLOOD:
                while self.trouble is Trouble.FLOOD and not self._closing.is_set():
                    head = b"$\x00" + (1400).to_bytes(2, "big") + b"\x80\x60"
                    target.sendall((head + self._chance.randbytes(1398)) * 16)
                return b""
