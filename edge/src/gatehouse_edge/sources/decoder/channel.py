"""The child's end of the conversation with the agent. When the agent's end closes, the process ends, whatever it is doing."""

from __future__ import annotations

import os
import threading
import time
from multiprocessing.connection import Connection

from gatehouse_edge.sources.messages import (
    MAX_MESSAGE,
    FromChild,
    Open,
    Want,
    decode_to_child,
    encode,
)


class Channel:
    """One Want at a time: a newer one replaces an older one that was not answered."""

    def __init__(self, fd: int) -> None:
        self._connection = Connection(fd)
        self._changed = threading.Condition()
        self._want: Want | None = None
        first = decode_to_child(self._connection.recv_bytes(MAX_MESSAGE))
        if not isinstance(first, Open):
            raise TypeError("the first message must be Open")
        self.open = first
        threading.Thread(target=self._listen, name="agent", daemon=True).start()

    def _listen(self) -> None:
        """Runs until the agent goes; then ends the process at once, even out of a native call."""
        try:
            while True:
                message = decode_to_child(self._connection.recv_bytes(MAX_MESSAGE))
                if isinstance(message, Want):
                    with self._changed:
                        self._want = message
                        self._changed.notify()
        finally:
            os._exit(0)

    def want(self, timeout_s: float | None = None) -> Want | None:
        """Takes the Want that stands, waiting for one up to `timeout_s` (None: as long as it takes)."""
        with self._changed:
            self._changed.wait_for(lambda: self._want is not None, timeout_s)
            taken, self._want = self._want, None
            return taken

    def sleep_until(self, instant_s: float) -> None:
        """Waits for a monotonic instant."""
        time.sleep(max(0.0, instant_s - time.monotonic()))

    def say(self, message: FromChild) -> None:
        """Sends a message to the agent."""
        self._connection.send_bytes(encode(message))
