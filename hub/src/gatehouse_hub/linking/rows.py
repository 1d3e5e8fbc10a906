"""What is linked: rows of phase `raised`, reduced to time, place and kind. No field here could describe a person."""

from dataclasses import dataclass

from msgspec import UnsetType

from gatehouse_hub.linking.site_map import SiteMap
from gatehouse_shared.events import Event, HazardData
from gatehouse_shared.instants import parse_instant, to_ms
from gatehouse_shared.names import HazardClass, HazardKind, Phase, class_of


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """One raised hazard. `time_ms` is corrected by the gateway's clock offset; `x_m`, `y_m` in site metres."""

    id: str
    time_ms: int
    gateway: str
    epoch: str
    hazard: int
    kind: HazardKind
    zone: str
    device: str
    grade: int
    drill: bool
    x_m: float
    y_m: float
    level: int

    @property
    def hazard_class(self) -> HazardClass:
        """The class of its kind."""
        return class_of(self.kind)


def sort_key(row: AlarmRow) -> tuple[int, str]:
    """The order in which rows are linked, whatever order they came in."""
    return row.time_ms, row.id


def row_of(event: Event, gateway: str, offset_ms: int | None, site_map: SiteMap) -> AlarmRow | None:
    """The row of an event; None when it is not a raised hazard.

    `offset_ms` is the gateway's clock minus the hub's as frozen at ingest. A row without a place stands where its device
    hangs if that is in its zone, else in the middle of its zone.
    """
    data = event.data
    if not isinstance(data, HazardData) or data.phase is not Phase.RAISED:
        return None
    place = data.place
    if isinstance(place, UnsetType):
        x_m, y_m, level = site_map.stand_in(data.zone, data.device)
    else:
        x_m, y_m, level = float(place.x_m), float(place.y_m), place.level
    return AlarmRow(
        id=event.id,
        time_ms=to_ms(parse_instant(event.time)) - (offset_ms or 0),
        gateway=gateway,
        epoch=event.epoch,
        hazard=data.hazard,
        kind=data.kind,
        zone=data.zone,
        device=data.device,
        grade=data.grade,
        drill=data.drill,
        x_m=x_m,
        y_m=y_m,
        level=level,
    )
