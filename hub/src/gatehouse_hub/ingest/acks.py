"""Which gateways are owed an ack, and when it may go. Pure but for its own memory; used by the ingest thread only.

Rule    an ack says what a committed transaction found, is sent at most every INTERVAL_S a gateway, and goes out also for rows
        that were all there already. What could not be sent stays owed.
Bounds  one entry a registered gateway, EPOCHS_MAX epochs in each; of more, the one owed longest is forgotten, and asked for
        again by its next rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

INTERVAL_S: Final = 0.2
EPOCHS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class OwedAck:
    """Everything up to these numbers of an epoch is stored."""

    gateway: str
    epoch: str
    alarm: int
    bulk: int


class AckBook:
    """The acks that are owed."""

    def __init__(self) -> None:
        self._owed: dict[str, dict[str, OwedAck]] = {}
        self._sent_s: dict[str, float] = {}

    def owe(self, ack: OwedAck) -> None:
        """The latest commit holds so much; it replaces what was owed for the epoch, be it more or less."""
        epochs = self._owed.setdefault(ack.gateway, {})
        epochs[ack.epoch] = ack
        if len(epochs) > EPOCHS_MAX:
            del epochs[next(iter(epochs))]

    def due(self, now_s: float) -> Iterator[tuple[str, list[OwedAck]]]:
        """Gateways whose acks may go now. Call `sent` or leave them owed."""
        for gateway, epochs in list(self._owed.items()):
            if now_s >= self._sent_s.get(gateway, float("-inf")) + INTERVAL_S:
                yield gateway, list(epochs.values())

    def sent(self, gateway: str, now_s: float) -> None:
        """The gateway's acks went out."""
        self._owed.pop(gateway, None)
        self._sent_s[gateway] = now_s

    def postponed(self, gateway: str, now_s: float) -> None:
        """The broker did not take them: still owed, tried again in a while."""
        self._sent_s[gateway] = now_s

    def wait_s(self, now_s: float) -> float | None:
        """How long until the next ack may go; None when none is owed."""
        waits = [
            max(0.0, self._sent_s.get(gateway, float("-inf")) + INTERVAL_S - now_s)
            for gateway in self._owed
        ]
        return min(waits, default=None)
