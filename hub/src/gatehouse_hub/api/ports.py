"""What the API asks of the rest of the hub."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from gatehouse_hub.store.records import (
    GatewayRecord,
    HazardRecord,
    IncidentRecord,
    IncidentStory,
    QuarantineRecord,
    ZoneFigure,
)
from gatehouse_shared.out import IncidentState
from gatehouse_shared.site import Site


class Directory(Protocol):
    """The sites that this hub serves, in the version that holds now."""

    def site_ids(self) -> tuple[str, ...]:
        """Ids of all sites."""
        ...

    def site(self, site: str) -> Site | None:
        """One site file, None where there is none."""
        ...


class Occupancies(Protocol):
    """How full zones are."""

    def read_zones(self, site: str, now: datetime) -> tuple[ZoneFigure, ...]:
        """Every zone of the site as of `now`."""
        ...


class Hazards(Protocol):
    """Hazards of a site."""

    def list_hazards(
        self, site: str, *, is_open: bool | None, presence: bool, limit: int
    ) -> tuple[HazardRecord, ...]:
        """Newest first; `presence` False leaves class P out."""
        ...


@dataclass(frozen=True, slots=True)
class OpenCount:
    """How many incidents of a site are not resolved, and the highest of their priorities."""

    incidents: int
    highest_priority: Literal["P1", "P2", "P3", "P4"] | None


class ActOutcome(StrEnum):
    """What became of an act on an incident."""

    DONE = "done"
    ALREADY = "already"
    NOT_ALLOWED = "not_allowed"
    NOT_FOUND = "not_found"


class Incidents(Protocol):
    """The desk."""

    def list_incidents(
        self,
        site: str,
        *,
        states: tuple[IncidentState, ...],
        presence: bool,
        limit: int,
        before: datetime | None,
    ) -> tuple[IncidentRecord, ...]:
        """Of the given states, newest first by `opened_at`, opened before `before`."""
        ...

    def count_open(self, site: str, *, presence: bool) -> OpenCount:
        """Incidents not resolved."""
        ...

    def load_incident(self, incident: str) -> IncidentRecord | None:
        """One incident, for whichever site."""
        ...

    def load_story(self, incident: str) -> IncidentStory | None:
        """One incident with everything known of it."""
        ...

    def acknowledge(
        self, incident: str, *, by: str, at: datetime, at_site: bool, note: str | None
    ) -> ActOutcome:
        """Open -> acknowledged."""
        ...

    def resolve(
        self, incident: str, *, by: str, at: datetime, cause: str, note: str | None
    ) -> ActOutcome:
        """Open or acknowledged -> resolved."""
        ...


class Equipment(Protocol):
    """Gateways and what was refused from them."""

    def list_gateways(self, site: str, now: datetime) -> tuple[GatewayRecord, ...]:
        """Gateways that the hub has heard of."""
        ...

    def list_quarantine(
        self, site: str, *, limit: int, before: int | None
    ) -> tuple[QuarantineRecord, ...]:
        """Newest first, ids below `before`."""
        ...
