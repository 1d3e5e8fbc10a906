"""What the rules said becomes rows: hazards get their numbers and their life, windows and readings their form; one commit for
all.

Refusals  a row that would break a rule of the wire is left out and logged once for each rule or device and reason; nothing is
          bent to fit. Bound: REASONS_MAX reasons are remembered.
Epoch     hazards live in the state of the sink beside their rows; when the sink opens a new epoch, it has moved them, and
          they are read again from there.
"""

import logging
from collections.abc import Iterable
from typing import Final

import msgspec

from gatehouse_edge.outbox.drafts import (
    LastReadings,
    draft_camera,
    draft_gateway,
    draft_readings,
    draft_window,
)
from gatehouse_edge.outbox.hazards import (
    STATE_KEY,
    Hazards,
    OpenHazard,
    Said,
    Speaker,
    read_hazards,
)
from gatehouse_edge.ports import Batch, RowSink
from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.values import Draft, Finding
from gatehouse_shared.classes import check_event
from gatehouse_shared.errors import WireError
from gatehouse_shared.events import ClockState, Event
from gatehouse_shared.names import Lane
from gatehouse_shared.site import Site
from gatehouse_shared.wire import build_event

REASONS_MAX: Final = 1_000

log = logging.getLogger(__name__)


class RowLedger:
    """A Ledger over a RowSink. `refused` counts what was left out."""

    def __init__(self, site: Site, gateway: str, sink: RowSink) -> None:
        self._site, self._gateway, self._sink = site, gateway, sink
        self._speaker = Speaker(site, gateway)
        self._readings: LastReadings = {}
        self._told: set[tuple[str, str]] = set()
        self.refused = 0
        self._read()

    @property
    def hazards(self) -> Hazards:
        """What is open now."""
        if self._epoch != self._sink.epoch:
            self._read()
        return self._hazards

    def kept(self, key: str) -> bytes | None:
        """What the sink keeps under `key`."""
        return self._sink.state(key)

    def of_number(self, epoch: str, number: int) -> OpenHazard | None:
        """The open hazard that the hub calls (epoch, number)."""
        return self.hazards.numbered(epoch, number)

    def accept(self, batch: Batch, now: Moment) -> tuple[Event, ...]:
        """Commit a batch: alarms first, then bulk, with the state. Nothing is written where there is nothing to write."""
        hazards = self.hazards
        reminders = self._speaker.remind(hazards, now.time)
        said = self._say(hazards, (*batch.findings, *reminders))
        readings, last = draft_readings(batch.readings, self._readings)
        bulk = [
            *(draft_window(window) for window in batch.windows),
            *readings,
            *(draft_camera(health, now.time) for health in batch.cameras),
            *(() if batch.gateway is None else (draft_gateway(batch.gateway, now.time),)),
        ]
        drafts = (*said.drafts, *self._admitted(bulk))
        state = dict(batch.state or {})
        if said.drafts:
            state[STATE_KEY] = msgspec.json.encode(said.hazards)
        if not drafts and not state:
            return ()
        clock = ClockState.SYNCED if now.time_known else ClockState.UNSYNCED
        events = self._sink.append(drafts, state, now.time, clock)
        for draft in said.drafts:
            log.info("%s", _described(draft))
        self._hazards, self._readings = said.hazards, last
        return events

    def _read(self) -> None:
        self._hazards = read_hazards(self._sink.state(STATE_KEY))
        self._epoch = self._sink.epoch

    def _say(self, hazards: Hazards, findings: Iterable[Finding]) -> Said:
        said = self._speaker.say(
            hazards, findings, epoch=self._sink.epoch, first=self._sink.next_seq(Lane.ALARM)
        )
        for refused in said.refused:
            self._leave_out(f"rule {refused.finding.rule}", refused.reason)
        return said

    def _admitted(self, drafts: Iterable[Draft]) -> list[Draft]:
        """Bulk rows that obey the rules of the wire."""
        admitted: list[Draft] = []
        for draft in drafts:
            event = build_event(
                site=self._site.site,
                gateway=self._gateway,
                epoch=self._sink.epoch,
                lane=draft.lane,
                seq=1,
                time=draft.time,
                clock=ClockState.SYNCED,
                data=draft.data,
            )
            if draft.subject is not None:
                event = msgspec.structs.replace(event, subject=draft.subject)
            try:
                check_event(event, self._site)
            except WireError as error:
                self._leave_out(event.subject, str(error))
            else:
                admitted.append(draft)
        return admitted

    def _leave_out(self, what: str, reason: str) -> None:
        self.refused += 1
        if (what, reason) not in self._told and len(self._told) < REASONS_MAX:
            self._told.add((what, reason))
            log.error("%s: left out, since the wire refuses it: %s", what, reason)


def _described(draft: Draft) -> str:
    data = draft.data
    kind = getattr(data, "kind", "")
    return f"hazard {kind} {getattr(data, 'phase', '')} in zone {getattr(data, 'zone', '')} at {draft.time}"
