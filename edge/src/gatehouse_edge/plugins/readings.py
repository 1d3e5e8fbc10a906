"""From what a source plug-in read to readings, by the same mappings as those of sensors: nothing else of it goes further."""

from __future__ import annotations

from collections.abc import Mapping

from gatehouse_edge.plugins.messages import Fields
from gatehouse_edge.plugins.spec import DeviceMap
from gatehouse_edge.ports import Clock
from gatehouse_edge.sources.mapping import Translator
from gatehouse_edge.values import Reading


class Mapper:
    """The mappings of one plug-in's devices. Remembers the totals of counters, over the life of the process."""

    def __init__(self, devices: Mapping[str, DeviceMap], clock: Clock) -> None:
        self._devices, self._translator = devices, Translator(devices, clock)

    def readings(self, fields: Fields) -> tuple[tuple[Reading, ...], tuple[tuple[str, str], ...]]:
        """Readings of the devices whose fields are there, and by device why a field that is there gives none."""
        readings: list[Reading] = []
        useless: list[tuple[str, str]] = []
        for device, mapping in self._devices.items():
            if not _present(mapping, fields):
                continue
            said = self._translator.reading(device, fields)
            if isinstance(said, str):
                useless.append((device, said))
            else:
                readings.append(said)
        return tuple(readings), tuple(useless)


def _present(mapping: DeviceMap, fields: Fields) -> bool:
    """Whether a message says anything about a device; sources may speak of one device at a time."""
    if mapping.counter is not None:
        return mapping.counter.in_ in fields or mapping.counter.out in fields
    one = mapping.state or mapping.quantity
    return one is not None and one.field in fields
