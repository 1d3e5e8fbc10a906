"""The memory in which a decode child leaves its pictures: an anonymous file (memfd) mapped by both.

It has no name, so nothing is left behind whoever dies and however; it cannot be made smaller, so a broken child cannot pull
it away under the agent. It holds `SLOTS` slots and never more than `MAX_SLOT_BYTES` each.

Another process of the agent (inference) may attach without a copy: give it a `duplicate` of the slab's descriptor and a frame's
`offset` and shape. A slot keeps its picture until the source is asked for the next one, and for as long as it is held: one slot
is filled while one picture is looked at and the newest one waits, so three are enough.
"""

from __future__ import annotations

import fcntl
import itertools
import mmap
import os
import threading
from typing import TYPE_CHECKING

import numpy as np

from gatehouse_edge.errors import SourceError
from gatehouse_edge.sources.messages import MAX_PIXELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

SLOTS = 3
MAX_SLOT_BYTES = MAX_PIXELS * 4
PAGE = mmap.PAGESIZE
SETTLE_S = 1.0
"""How long growing waits for held pictures, whose place it would take."""
_NUMBERS = itertools.count(1)


def picture_bytes(height: int, width: int, *, thermal: bool) -> int:
    """Bytes of one picture: three a pixel, or four where it is float32 degrees."""
    return height * width * (4 if thermal else 3)


class Slab:
    """Both ends of the memory. The agent makes it with `Slab.create()`, the child opens it with `Slab(fd)`."""

    def __init__(self, fd: int) -> None:
        self.fd, self.slot_bytes, self.number = fd, 0, next(_NUMBERS)
        self._map: mmap.mmap | None = None
        self._held = [0] * SLOTS
        self._let_go = threading.Condition()

    @classmethod
    def create(cls) -> Slab:
        """A new, empty slab that can only grow."""
        fd = os.memfd_create("gatehouse-frames", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        return cls(fd)

    def grow(self, needed_bytes: int) -> None:
        """Makes every slot at least `needed_bytes` large (agent).

        SourceError when that is too much, or a picture is held on and on: the decoder would write a new picture, whose privacy
        zones are still open, over one that somebody looks at.
        """
        if needed_bytes > MAX_SLOT_BYTES:
            raise SourceError(
                f"pictures of {needed_bytes >> 20} MiB are more than {MAX_SLOT_BYTES >> 20}"
            )
        slot_bytes = -(-needed_bytes // PAGE) * PAGE
        if slot_bytes > self.slot_bytes:
            with self._let_go:
                if not self._let_go.wait_for(lambda: not any(self._held), SETTLE_S):
                    raise SourceError("a smaller one is still being looked at")
            os.ftruncate(self.fd, slot_bytes * SLOTS)
            self.attach(slot_bytes)

    def attach(self, slot_bytes: int) -> None:
        """Maps the slab at its present size (child, or after growing)."""
        if slot_bytes != self.slot_bytes:
            self._map = mmap.mmap(self.fd, slot_bytes * SLOTS)
            self.slot_bytes = slot_bytes

    def hold(self, slot: int) -> None:
        """Nothing is lent to the decoder in this slot until `release`; counted, from any thread."""
        with self._let_go:
            self._held[slot] += 1

    def release(self, slot: int) -> None:
        """Ends one hold."""
        with self._let_go:
            self._held[slot] -= 1
            self._let_go.notify_all()

    def next_slot(self, after: int, *, again: bool) -> int | None:
        """The slot to lend after `after`, which itself is lent only where its picture is done with (`again`). None: all held."""
        with self._let_go:
            steps = range(1, SLOTS + again)
            free = ((after + n) % SLOTS for n in steps if not self._held[(after + n) % SLOTS])
            return next(free, None)

    def duplicate(self) -> int:
        """A descriptor of the slab, the caller's to close. Raises OSError when the slab was closed."""
        with self._let_go:
            return os.dup(self.fd)

    def offset(self, slot: int) -> int:
        """Where a slot begins, in bytes."""
        return slot * self.slot_bytes

    def colour(self, slot: int, height: int, width: int) -> NDArray[np.uint8]:
        """The slot as `(h, w, 3)` uint8."""
        return self._view(slot, height * width * 3).reshape(height, width, 3)

    def thermal(self, slot: int, height: int, width: int) -> NDArray[np.float32]:
        """The slot as `(h, w)` float32."""
        return self._view(slot, height * width * 4).view(np.float32).reshape(height, width)

    def _view(self, slot: int, size: int) -> NDArray[np.uint8]:
        if self._map is None or not 0 <= slot < SLOTS or size > self.slot_bytes:
            raise SourceError("a picture does not fit its slot")
        return np.frombuffer(self._map, np.uint8, size, self.offset(slot))

    def close(self) -> None:
        """Gives the memory back once the last picture is let go."""
        with self._let_go:
            self._map, self.slot_bytes = None, 0
            if self.fd >= 0:
                os.close(self.fd)
                self.fd = -1
