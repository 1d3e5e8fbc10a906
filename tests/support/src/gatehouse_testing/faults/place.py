"""The place of the fault suites, and how each row says which one it is.

Every row carries its own number in what it measures: row n of bulk is a water level that no other row of the same ten seconds
has, alarm n is of rule `r{n}`. So a row that was lost is known by what it said, and one that came twice under two keys is seen.
"""

from datetime import datetime
from typing import Any, Final

import msgspec

from gatehouse_edge.values import Draft, Finding
from gatehouse_shared.events import HazardData, ReadingData
from gatehouse_shared.names import QUANTITIES, HazardKind, Lane, Phase, Quantity

SHEDS: Final = 24
PITS: Final = 10
ROW: Final = 6
APART_M: Final = 1_000
_LEVEL: Final = QUANTITIES[Quantity.WATER_LEVEL]
_LEVELS: Final = _LEVEL.high - _LEVEL.low
DIFFERENT: Final = PITS * _LEVELS
"""So many bulk rows in ten seconds are all unlike each other."""


def site_name(number: int) -> str:
    """Site of gateway `number`."""
    return f"yard_{number}"


def gateway_name(number: int) -> str:
    """Gateway `number`; each has a site of its own."""
    return f"gw_{number}"


def site_tree(number: int = 1) -> dict[str, Any]:
    """Rows of sheds with a smoke detector each, so far apart that no two alarms are one incident; water pits beside them."""
    gateway = gateway_name(number)
    zones: list[dict[str, Any]] = []
    devices: list[dict[str, Any]] = []
    for n in range(SHEDS):
        x, y = n % ROW * APART_M, n // ROW * APART_M
        corners = [[x, y], [x + 10, y], [x + 10, y + 10], [x, y + 10]]
        zone = {"id": f"shed_{n}", "name": {"en": f"Shed {n}"}, "kind": "shed", "serves": "shared"}
        zones.append({**zone, "polygon": corners})
        smoke = {"id": f"smoke_{n}", "kind": "smoke", "zone": f"shed_{n}", "at": [x + 5, y + 5]}
        devices.append({**smoke, "gateway": gateway})
    for n in range(PITS):
        pit = {"id": f"pit_{n}", "kind": "water", "zone": "shed_0", "at": [1, 1]}
        devices.append({**pit, "gateway": gateway})
    return {
        "site": site_name(number),
        "name": {"en": f"Yard {number}"},
        "time_zone": "Asia/Shanghai",
        "zones": zones,
        "devices": devices,
    }


def level(number: int, time: datetime) -> Draft:
    """Bulk row `number`."""
    value = _LEVEL.low + number // PITS % _LEVELS
    device = f"pit_{number % PITS}"
    data = ReadingData(device=device, quantity=Quantity.WATER_LEVEL, value=value)
    return Draft(Lane.BULK, time, data)


def smoke(number: int, time: datetime) -> tuple[Finding, Finding]:
    """Alarm `number`: smoke that is raised, and over at once, so that few hazards are open."""

    def finding(phase: Phase) -> Finding:
        return Finding(
            rule=rule_name(number),
            zone=f"shed_{number % SHEDS}",
            device=f"smoke_{number % SHEDS}",
            kind=HazardKind.FIRE_SMOKE,
            phase=phase,
            time=time,
        )

    return finding(Phase.RAISED), finding(Phase.CLEARED)


def rule_name(number: int) -> str:
    """The rule of alarm `number`; never five digits in a row."""
    return f"r{number // 1000}_{number % 1000}"


def words_of(payload: bytes) -> str:
    """What a stored row says, without its key: the same words twice are the same row twice. Empty for gaps and health."""
    return words(msgspec.json.decode(payload, type=_Payload))


def words(row: "_Payload") -> str:
    """What a row says."""
    data = row.data
    if row.type == "gatehouse.reading.v1":
        return f"{row.time} {data['device']} {data['value']}"
    if row.type == "gatehouse.hazard.v1":
        return f"{data['rule']} {data['phase']}"
    return ""


def words_of_data(data: object, time: str) -> str:
    """What a row says, before it has a key; the same words as `words_of`."""
    if isinstance(data, ReadingData):
        return f"{time} {data.device} {data.value}"
    return f"{data.rule} {data.phase}" if isinstance(data, HazardData) else ""


class _Payload(msgspec.Struct):
    """As much of a row as is looked at."""

    type: str
    time: str
    data: dict[str, Any]
