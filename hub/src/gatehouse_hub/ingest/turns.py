"""What many gateways have waiting, served in turn: deficit round robin, so that each has the same share of bytes. No locks.

A gateway that has anything waiting stands in a ring. When its turn comes it gives as many messages, in the order they came, as
its credit covers, then gains QUANTUM_BYTES and goes to the end; what it did not use it keeps while it has messages left.

Bounds  are the caller's: `messages`, `size_bytes` and `largest` say what is there.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

QUANTUM_BYTES: Final = 16 * 1024
OVERHEAD_BYTES: Final = 512
"""What a message costs beside its bytes."""

T = TypeVar("T")


class _Queue(Generic[T]):
    """What waits of one gateway, each with its size."""

    __slots__ = ("credit", "size_bytes", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[tuple[T, int]] = deque()
        self.size_bytes = 0
        self.credit = 0


class Turns(Generic[T]):
    """A ring of gateways with what of theirs waits."""

    def __init__(self) -> None:
        self._ring: OrderedDict[str, _Queue[T]] = OrderedDict()
        self.messages = 0
        self.size_bytes = 0

    def __contains__(self, gateway: object) -> bool:
        """Whether anything of a gateway waits."""
        return gateway in self._ring

    def __len__(self) -> int:
        """How many gateways have something waiting."""
        return len(self._ring)

    def add(self, gateway: str, message: T, size_bytes: int) -> None:
        """Put a message behind its gateway's others."""
        queue = self._ring.get(gateway)
        if queue is None:
            queue = self._ring[gateway] = _Queue()
        queue.waiting.append((message, size_bytes))
        queue.size_bytes += size_bytes
        self.messages += 1
        self.size_bytes += size_bytes

    def take(self) -> Iterator[tuple[T, int]]:
        """The next messages in turn with their sizes, each removed as it is given, until none waits."""
        while self._ring:
            gateway, queue = next(iter(self._ring.items()))
            message, size_bytes = queue.waiting[0]
            if size_bytes + OVERHEAD_BYTES > queue.credit:
                queue.credit += QUANTUM_BYTES
                self._ring.move_to_end(gateway)
                continue
            queue.credit -= size_bytes + OVERHEAD_BYTES
            queue.waiting.popleft()
            self._removed(gateway, queue, size_bytes)
            yield message, size_bytes

    def waiting_of(self, gateway: str) -> int:
        """How many messages of a gateway wait."""
        queue = self._ring.get(gateway)
        return len(queue.waiting) if queue else 0

    def bytes_of(self, gateway: str) -> int:
        """How many bytes of a gateway wait."""
        queue = self._ring.get(gateway)
        return queue.size_bytes if queue else 0

    def weights(self) -> Iterator[tuple[str, int, int]]:
        """Messages and bytes of every gateway that has any."""
        return ((g, len(q.waiting), q.size_bytes) for g, q in self._ring.items())

    def drop_newest(self, gateway: str) -> None:
        """Forget the last message of a gateway."""
        queue = self._ring[gateway]
        _, size_bytes = queue.waiting.pop()
        self._removed(gateway, queue, size_bytes)

    def _removed(self, gateway: str, queue: _Queue[T], size_bytes: int) -> None:
        queue.size_bytes -= size_bytes
        self.messages -= 1
        self.size_bytes -= size_bytes
        if not queue.waiting:
            del self._ring[gateway]
