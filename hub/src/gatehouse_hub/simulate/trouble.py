"""What goes wrong in a fleet and when: drawn from each gateway's own seed, never from a clock. Pure.

Bounds  rates are a gateway and hour; shares are 0 to 1.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

SKEW_MAX_S: Final = 3_600
BURST_FACTOR: Final = 10.0
BURST_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """How much of what. `outage_s` is the mean length of an outage; one in four is a restart of the gateway."""

    outages_per_h: float = 2.0
    outage_s: float = 20.0
    skewed: float = 0.05
    unsynced: float = 0.02
    duplicates: float = 0.02
    bursts_per_h: float = 1.0


CALM: Final = Trouble(
    outages_per_h=0, outage_s=0, skewed=0, unsynced=0, duplicates=0, bursts_per_h=0
)


@dataclass(frozen=True, slots=True)
class Outage:
    """Between two connections: how long, and whether the gateway's process began anew."""

    lasts_s: float
    restart: bool


def next_wait_s(random: Random, per_h: float) -> float:
    """Seconds until the next of what happens `per_h` times an hour on average; never when that is 0."""
    return random.expovariate(per_h / 3_600) if per_h > 0 else float("inf")


def draw_outage(random: Random, trouble: Trouble) -> Outage:
    """How the next outage goes."""
    lasts_s = random.expovariate(1 / trouble.outage_s) if trouble.outage_s > 0 else 0.0
    return Outage(min(lasts_s, 10 * trouble.outage_s), random.random() < 0.25)


def draw_skew_s(random: Random, trouble: Trouble) -> float:
    """How far a gateway's clock is off."""
    return random.uniform(-SKEW_MAX_S, SKEW_MAX_S) if random.random() < trouble.skewed else 0.0
