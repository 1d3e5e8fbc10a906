"""A gateway's clock against the hub's, from the answers to `time` requests. Pure.

offset = gateway's time - midpoint of request and answer; wrong by at most half the round trip. Of the last ten minutes the
answer with the least round trip counts. An answer whose possible offsets exclude those of an earlier one was given by a
clock that was set in between, so what is older is forgotten; so it is at a new boot.

Bounds  at most SAMPLES_MAX answers a gateway.
"""

from dataclasses import dataclass
from typing import Final

from gatehouse_hub.values import Offset, Sample

WINDOW_S: Final = 600.0
SAMPLES_MAX: Final = 40
DRIFT_PER_S: Final = 0.000_2
"""How much a free-running clock may gain a second; cheap crystals stay below 100 ppm each."""

OFFSET_MAX_MS: Final = 10 * 366 * 86_400_000
"""Beyond ten years nothing is measured; the gateway's clock was never set."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `at_s` is monotonic time of its arrival."""

    at_s: float
    boot: str
    synced: bool
    offset_ms: int
    round_trip_ms: int

    @property
    def uncertainty_ms(self) -> int:
        """Half the round trip, rounded up, and the millisecond that the wire cuts off."""
        return (self.round_trip_ms + 1) // 2 + 1


def measure(
    *, gateway_ms: int, arrived_ms: int, round_trip_s: float, at_s: float, boot: str, synced: bool
) -> Answer | None:
    """The answer's meaning; None when it is absurd."""
    round_trip_ms = max(0, round(round_trip_s * 1000))
    offset_ms = gateway_ms - (arrived_ms - round_trip_ms // 2)
    if abs(offset_ms) > OFFSET_MAX_MS:
        return None
    return Answer(at_s, boot, synced, offset_ms, round_trip_ms)


def add(answers: tuple[Answer, ...], new: Answer) -> tuple[Answer, ...]:
    """The answers that still count, with the new one last.

    One that took as long as a later one can never be the best again and is forgotten, which leaves a handful.
    """
    start = max((i + 1 for i, a in enumerate(answers) if not _same_clock(a, new)), default=0)
    quicker = (a for a in answers[start:] if a.round_trip_ms < new.round_trip_ms)
    return (*quicker, new)[-SAMPLES_MAX:]


def best(answers: tuple[Answer, ...], now_s: float) -> Sample | None:
    """The offset that holds now; None when nothing was measured for ten minutes."""
    recent = [a for a in answers if now_s - a.at_s <= WINDOW_S]
    if not recent:
        return None
    answer = min(recent, key=lambda a: (a.round_trip_ms, -a.at_s))
    return Sample(Offset(answer.offset_ms, answer.uncertainty_ms), answer.synced)


def _same_clock(old: Answer, new: Answer) -> bool:
    drift_ms = abs(new.at_s - old.at_s) * DRIFT_PER_S * 1000
    apart_ms = abs(new.offset_ms - old.offset_ms)
    return (
        old.boot == new.boot
        and old.synced == new.synced
        and apart_ms <= old.uncertainty_ms + new.uncertainty_ms + drift_ms
    )
