"""The child's end of the conversation with the agent. When the agent's end closes, the process ends, whatever it is doing."""

from __future__ import annotations

import os
import select
import socket
import threading
import time

from gatehouse_edge.sources.messages import FromChild, Open, Want, decode_to_child, encode
from gatehouse_edge.sources.wire import Wire


class Channel:
    """One Want at a time: a newer one replaces an older one that was not answered."""

    def __init__(self, fd: int) -> None:
        self._wire = Wire(socket.socket(fileno=fd))
        first = self._hear(None)
        if not isinstance(first, Open):
            raise TypeError("the first message must be Open")
        self.open = first
        threading.Thread(target=_end_with_agent, args=(fd,), name="agent", daemon=True).start()

    def _hear(self, timeout_s: float | None) -> Open | Want | None:
        """A message of the agent. Ends the process when there will be none any more."""
        try:
            said = self._wire.receive(timeout_s)
            return None if said is None else decode_to_child(said)
        except (EOFError, OSError):
            os._exit(0)

    def want(self, timeout_s: float | None = None) -> Want | None:
        """Takes the Want that stands, waiting for one up to `timeout_s` (None: as long as it takes)."""
        want = self._hear(timeout_s)
        while want is not None and (newer := self._hear(0.0)) is not None:
            want = newer
        return want if isinstance(want, Want) else None

    def sleep_until(self, instant_s: float) -> None:
        """Waits for a monotonic instant."""
        time.sleep(max(0.0, instant_s - time.monotonic()))

    def say(self, message: FromChild) -> None:
        """Sends a message to the agent."""
        self._wire.send(encode(message))


def _end_with_agent(fd: int) -> None:
    """Waits for the end of the socket, not for what it says, and then ends the process at once, even out of a native call."""
    waiting = select.poll()
    waiting.register(fd, select.POLLRDHUP)
    waiting.poll()
    os._exit(0)
