"""From what a source plug-in read to readings, by the same mappings as those of sensors: nothing else of it goes further."""

from __future__ import annotations

from collections.abc import Mapping

from gatehouse_edge.plugins.messages import Fields
from gatehouse_edge.plugins.spec import DeviceMap
from gatehouse_edge.ports import Clock
from gatehouse_edge.sources.mapping import Said, map_counter, map_quantity, map_state
from gatehouse_edge.values import Reading


class Mapper:
    """The mappings of one plug-in's devices. Remembers the totals of counters, over the life of the process."""

    def __init__(self, devices: Mapping[str, DeviceMap], clock: Clock) -> None:
        self._devices, self._clock = devices, clock
        self._totals: dict[str, tuple[int, int]] = {}

    def readings(self, fields: Fields) -> tuple[tuple[Reading, ...], tuple[tuple[str, str], ...]]:
        """Readings of the devices whose fields are there, and by device why a field that is there gives none."""
        readings: list[Reading] = []
        useless: list[tuple[str, str]] = []
        for device, mapping in self._devices.items():
            if not _present(mapping, fields):
                continue
            said = self._say(device, mapping, fields)
            if said.reason:
                useless.append((device, said.reason))
                continue
            readings.append(
                Reading(
                    device=device,
                    time=self._clock.now(),
                    at=self._clock.monotonic_s(),
                    state=said.state,
                    quantity=said.quantity,
                    value=said.value,
                    passed=said.passed,
                )
            )
        return tuple(readings), tuple(useless)

    def _say(self, device: str, mapping: DeviceMap, fields: Fields) -> Said:
        if mapping.state is not None:
            return map_state(mapping.state, fields)
        if mapping.quantity is not None:
            return map_quantity(mapping.quantity, fields)
        assert mapping.counter is not None
        said, totals = map_counter(mapping.counter, fields, self._totals.get(device))
        if totals is not None:
            self._totals[device] = totals
        return said


def _present(mapping: DeviceMap, fields: Fields) -> bool:
    """Whether a message says anything about a device; sources may speak of one device at a time."""
    if mapping.counter is not None:
        return mapping.counter.in_ in fields or mapping.counter.out in fields
    one = mapping.state or mapping.quantity
    return one is not None and one.field in fields
