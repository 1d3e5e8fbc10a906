"""How long the scenarios of a cluster go on: the requirements' lengths, or a share of them where there is less time."""

import os
from dataclasses import dataclass
from typing import Final, Self

VARIABLE: Final = "GATEHOUSE_CLUSTER_SHARE"
SHORT: Final = 0.1


@dataclass(frozen=True, slots=True)
class Lengths:
    """Numbers and seconds. The defaults are those of the requirements 3.1 to 3.3."""

    leader_kills: int = 20
    any_s: float = 1_800.0
    gateway_cut_s: float = 600.0
    database_cut_s: float = 120.0
    broker_cut_s: float = 300.0
    share: float = 1.0

    @classmethod
    def of(cls, share: float) -> Self:
        """A share of everything; at least one kill, and half a minute of each outage.

        >>> Lengths.of(0.1).leader_kills, Lengths.of(0.1).any_s
        (2, 180.0)
        """
        whole = cls()

        def part(seconds: float) -> float:
            return max(30.0, share * seconds)

        return cls(
            leader_kills=max(1, round(share * whole.leader_kills)),
            any_s=max(60.0, share * whole.any_s),
            gateway_cut_s=part(whole.gateway_cut_s),
            database_cut_s=part(whole.database_cut_s),
            broker_cut_s=part(whole.broker_cut_s),
            share=share,
        )

    @classmethod
    def from_environment(cls) -> Self:
        """The share that VARIABLE says; a tenth without it."""
        return cls.of(float(os.environ.get(VARIABLE, SHORT)))
