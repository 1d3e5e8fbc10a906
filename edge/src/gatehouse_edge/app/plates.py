"""Plates that the hub asks for: whether, of which hazard, and the number that tells about it. All limits hold whatever is asked.

Asked    a camera with `plates: true`, an open hazard of class T or C by it, half an hour of background, one a minute, 20 a day.
Region   the view of the hazard's zone for a thing; for a crowd the background only.
Told     the picture stays here; its number goes out in an update of the hazard, not sooner than 30 s after its last row.
Bounds   one number waits for each hazard.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from gatehouse_edge.app.plate_store import Entry, PlateStore
from gatehouse_edge.config import Config
from gatehouse_edge.errors import OutboxError
from gatehouse_edge.outbox.hazards import UPDATE_LEAST, Hazards, OpenHazard, again
from gatehouse_edge.values import Finding
from gatehouse_shared.instants import parse_instant
from gatehouse_shared.names import HazardClass, Phase, class_of

Point = tuple[float, float]
MakePlate = Callable[[Sequence[Point] | None], bytes | None]
"""The JPEG of a camera's plate with a region cut in; None while there is no background."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the hub asks for."""

    camera: str
    purpose: str


def plates_folder(config: Config) -> Path:
    """Where the gateway's plates lie."""
    return config.path(config.file.outbox.path).parent / "plates"


class PlateDesk:
    """Takes plates for one gateway. `makers` has an entry for each camera that may give one, filled in as they start."""

    def __init__(self, config: Config, makers: Mapping[str, MakePlate]) -> None:
        self._site, self._makers = config.site, makers
        self._allowed = frozenset(d for d, c in config.file.cameras.items() if c.plates)
        self._store = PlateStore(plates_folder(config))
        self._untold: dict[tuple[str, str], int] = {}

    def take(self, wanted: Wanted, hazards: Hazards, now: datetime) -> bool:
        """One plate, kept and to be told; False when it was refused, for a reason that is on record."""
        self._store.expire(now)
        hazard = _hazard_of(hazards, wanted.camera)
        try:
            number, reason = self._taken(wanted, hazard, now)
            self._store.record(
                Entry(
                    time=now,
                    camera=wanted.camera,
                    purpose=wanted.purpose,
                    outcome="refused" if number is None else "kept",
                    number=number,
                    kind=None if hazard is None else hazard.data.kind.value,
                    zone=None if hazard is None else hazard.zone,
                    reason=reason,
                )
            )
        except OutboxError as error:
            self._store.drop(wanted.camera, now)
            log.error("no plate of %s: %s", wanted.camera, error)
            return False
        if number is None or hazard is None:
            log.warning("no plate of %s: %s", wanted.camera, reason)
            return False
        self._untold[hazard.rule, hazard.zone] = number
        return True

    def tell(self, hazards: Hazards, now: datetime) -> tuple[Finding, ...]:
        """Updates with the numbers of plates that may be told now; call once a second."""
        findings: list[Finding] = []
        for key, number in tuple(self._untold.items()):
            hazard = hazards.of(*key)
            if hazard is None:
                del self._untold[key]
            elif now - parse_instant(hazard.said) >= UPDATE_LEAST:
                del self._untold[key]
                findings.append(replace(again(hazard, Phase.UPDATED, now), evidence=number))
        return tuple(findings)

    def expire(self, now: datetime) -> None:
        """Delete what has lain too long."""
        self._store.expire(now)

    def _taken(
        self, wanted: Wanted, hazard: OpenHazard | None, now: datetime
    ) -> tuple[int | None, str | None]:
        """The number, or the reason why there is none. Raises OutboxError."""
        if wanted.camera not in self._allowed:
            return None, "the gateway's file does not allow plates of this camera"
        if hazard is None:
            return None, "no hazard of a thing or a crowd is open"
        refusal = self._store.refusal(wanted.camera, now)
        if refusal is not None:
            return None, refusal
        make = self._makers.get(wanted.camera)
        jpeg = None if make is None else make(self._region(hazard))
        if jpeg is None:
            return None, "no half hour of background yet"
        return self._store.keep(wanted.camera, jpeg, now), None

    def _region(self, hazard: OpenHazard) -> Sequence[Point] | None:
        if class_of(hazard.data.kind) is not HazardClass.THING:
            return None
        return next(
            (
                view.polygon
                for view in self._site.views
                if (view.device, view.zone) == (hazard.data.device, hazard.zone)
            ),
            None,
        )


def _hazard_of(hazards: Hazards, camera: str) -> OpenHazard | None:
    """The open hazard that a plate of a camera would be of: the latest of a thing, else of a crowd."""
    mine = [h for h in hazards.open if h.data.device == camera]
    for wanted in (HazardClass.THING, HazardClass.CROWD):
        fitting = [h for h in mine if class_of(h.data.kind) is wanted]
        if fitting:
            return max(fitting, key=lambda h: parse_instant(h.raised))
    return None
