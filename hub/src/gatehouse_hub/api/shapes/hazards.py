"""Hazards and their measures."""

from gatehouse_hub.api.schemas import parts
from gatehouse_hub.api.schemas.incidents import Hazard, HazardState
from gatehouse_hub.api.shapes.texts import instant_or_none
from gatehouse_hub.store.records import HazardRecord
from gatehouse_shared.events import Measure, Place
from gatehouse_shared.instants import format_instant
from gatehouse_shared.names import QUANTITIES


def hazard_to_schema(record: HazardRecord, *, exact: bool) -> Hazard:
    """A hazard as the API says it; a number of persons only with `exact`, for operators."""
    return Hazard(
        id=record.id,
        site=record.site,
        kind=record.kind,
        hazard_class=record.hazard_class,
        zone=record.zone,
        device=record.device,
        gateway=record.gateway,
        rule=record.rule,
        state=hazard_state(record),
        grade=record.grade,
        confidence=record.confidence,
        confirm_s=record.confirm_s,
        raised_at=format_instant(record.raised_at),
        updated_at=format_instant(record.updated_at),
        cleared_at=instant_or_none(record.cleared_at),
        armed=record.armed,
        drill=record.drill,
        historical=record.historical,
        count=record.count if exact else None,
        measure=measure_to_schema(record.measure),
        place=place_to_schema(record.place),
        incident=record.incident,
    )


def hazard_state(record: HazardRecord) -> HazardState:
    """Cleared, else last known, else open."""
    if record.cleared_at is not None:
        return HazardState.CLEARED
    return HazardState.LAST_KNOWN if record.last_known else HazardState.OPEN


def measure_to_schema(measure: Measure | None) -> parts.Measure | None:
    """Integer steps in the quantity's unit."""
    if measure is None:
        return None
    spec = QUANTITIES[measure.quantity]
    return parts.Measure(
        quantity=measure.quantity,
        value=round(measure.value * spec.step, 3),
        threshold=round(measure.threshold * spec.step, 3),
        unit=spec.unit,
    )


def place_to_schema(place: Place | None) -> parts.Place | None:
    """Where it is on the plan."""
    if place is None:
        return None
    return parts.Place(x_m=place.x_m, y_m=place.y_m, storey=place.level)
