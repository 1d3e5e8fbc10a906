"""A queue is too long: more people stand in a queue zone than there should be.

Put it on a rule of kind `crowd_density` on a queue zone that a camera sees:

    - {id: till_queue, kind: crowd_density, zone: till, device: cam_3, params: {long_count: 15, dwell_s: 60}}

Parameters   long_count   so many people are a long queue (at least 10: a crowd is many)
             more_ratio   so many times as many are grade 3, which asks for another till
             clear_ratio  below so much of `long_count` the queue is short again
"""

from collections.abc import Mapping

from gatehouse_edge.plugins.api import SLOW, Condition, ZoneView


class Plugin:
    """Counts who stands or shuffles; people who walk by are not in the queue."""

    def __init__(self, params: Mapping[str, float | int | bool]) -> None:
        self._long = max(10, params.get("long_count", 15))
        self._more = self._long * params.get("more_ratio", 1.5)
        self._short = self._long * params.get("clear_ratio", 0.8)

    def step(self, zone: ZoneView) -> Condition:
        """What is so now; how long it must last is the rule's `dwell_s`."""
        queue = zone.count("person", fastest=SLOW)
        return Condition(
            on=queue >= self._long,
            hold=queue >= self._short,
            grade=3 if queue >= self._more else 2,
            confidence=16,
            count=queue,
            reason=f"{queue} people in the queue, the longest for {zone.longest_s('person'):.0f} s",
        )
