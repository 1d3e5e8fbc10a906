"""The life of hazards on the wire: findings of rules in, rows of the alarm lane out. Pure.

State   one open hazard per (rule, zone), kept in the outbox in the same transaction as its rows. Bounded by the rules and
        devices of the site file, and by OPEN_MAX whatever happens: beyond it a finding is refused with a reason.
Number  a hazard is called by the `seq` of its raised row; the caller says which number comes next, and writes the drafts in
        order.
Rules   class rules of the wire are applied here (what is said of place, count, delay) and checked on the finished row: a finding
        that may not be sent is refused with a reason and leaves no trace. Rules pace their own updates; a hazard that is raised
        while it is open is updated, at most every 30 s, and one of which nothing is said for 10 min is repeated (`remind`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import UNSET

from gatehouse_edge.values import Draft, Finding
from gatehouse_shared import events
from gatehouse_shared.classes import check_event, fit_place, may_place
from gatehouse_shared.counts import floor_confirm, round_count
from gatehouse_shared.errors import WireError
from gatehouse_shared.events import ClockState, HazardData
from gatehouse_shared.ids import Epoch, Id, Seq
from gatehouse_shared.instants import Instant, format_instant, parse_instant
from gatehouse_shared.names import QUANTITIES, SMALL_COUNT, HazardClass, Lane, Phase, class_of
from gatehouse_shared.site import Site
from gatehouse_shared.wire import build_event

OPEN_MAX: Final = 4_096
UPDATE_LEAST: Final = timedelta(seconds=30)
UPDATE_MOST: Final = timedelta(minutes=10)
STATE_KEY: Final = "hazards"


class OpenHazard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hazard that was raised and not cleared. `said` is when its last row was written, `data` what that row said; `began` is
    what the raised row said.
    """

    rule: Id
    zone: Id
    epoch: Epoch
    number: Seq
    raised: Instant
    said: Instant
    began: HazardData
    data: HazardData


class Hazards(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All open hazards of the gateway."""

    open: tuple[OpenHazard, ...] = ()

    def of(self, rule: str, zone: str) -> OpenHazard | None:
        """The open hazard of a rule in a zone."""
        return next((h for h in self.open if (h.rule, h.zone) == (rule, zone)), None)

    def numbered(self, epoch: str, number: int) -> OpenHazard | None:
        """The open hazard that the hub calls (epoch, number)."""
        return next((h for h in self.open if (h.epoch, h.number) == (epoch, number)), None)


def read_hazards(kept: bytes | None) -> Hazards:
    """What an earlier process kept; nothing where that does not read (a later version wrote it, or bits have flipped)."""
    if kept is None:
        return Hazards()
    try:
        return msgspec.json.decode(kept, type=Hazards)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Hazards()


@dataclass(frozen=True, slots=True)
class Refused:
    """A finding that may not be sent, and why; for log and counter."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class Said:
    """What came of findings: the open hazards after them, the rows to write in this order, what was refused."""

    hazards: Hazards
    drafts: tuple[Draft, ...]
    refused: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class Speaker:
    """Writes hazards of one gateway at one site."""

    site: Site
    gateway: str

    def say(self, hazards: Hazards, findings: Iterable[Finding], *, epoch: str, first: int) -> Said:
        """Rows for findings; `first` is the number that the next row of the alarm lane will get."""
        open_ = {(h.rule, h.zone): h for h in hazards.open}
        drafts: list[Draft] = []
        refused: list[Refused] = []
        for finding in findings:
            key = (finding.rule, finding.zone)
            known = open_.get(key)
            if _is_silent(known, finding):
                continue
            number = first + len(drafts)
            draft = self._draft(known, finding, number)
            reason = self._refusal(draft, epoch, number)
            if reason is None and known is None and len(open_) >= OPEN_MAX:
                reason = f"{OPEN_MAX} hazards are open already"
            if reason is not None:
                refused.append(Refused(finding, reason))
                continue
            drafts.append(draft)
            assert isinstance(draft.data, HazardData)
            if draft.data.phase is Phase.CLEARED:
                del open_[key]
            else:
                open_[key] = _opened(known, draft, epoch)
        return Said(Hazards(tuple(open_.values())), tuple(drafts), tuple(refused))

    def remind(self, hazards: Hazards, now: datetime) -> tuple[Finding, ...]:
        """An update for every open hazard of which nothing was said for ten minutes."""
        return tuple(
            again(h, Phase.UPDATED, now)
            for h in hazards.open
            if abs(now - parse_instant(h.said)) >= UPDATE_MOST
        )

    def _draft(self, known: OpenHazard | None, finding: Finding, number: int) -> Draft:
        phase = finding.phase
        if phase is Phase.RAISED and known is not None:
            phase = Phase.UPDATED
        if phase is Phase.UPDATED and known is None:
            phase = Phase.RAISED
        raised = phase is Phase.RAISED
        # What ends is what was last said; the reading that ended it is no alarm of any grade.
        ending = known if phase is Phase.CLEARED else None
        hazard_class = class_of(finding.kind)
        data = HazardData(
            hazard=known.number if known is not None else number,
            phase=phase,
            kind=finding.kind,
            zone=finding.zone,
            device=finding.device,
            rule=finding.rule,
            grade=finding.grade if ending is None else ending.data.grade,
            confidence=finding.confidence,
            confirm_s=floor_confirm(hazard_class, finding.confirm_s) if raised else 0,
            armed=finding.armed,
            drill=finding.drill if known is None else known.data.drill,
            count=_count_of(finding),
            measure=_measure_of(finding) if ending is None else UNSET,
            count_raises=_raises_of(finding, phase),
            evidence=_evidence_of(finding, phase),
        )
        if raised:
            data = self._placed(data, finding)
        return Draft(Lane.ALARM, finding.time, data)

    def _placed(self, data: HazardData, finding: Finding) -> HazardData:
        """The row with the place that its class, its zone and what else it says allow."""
        zone = self.site.zone(finding.zone)
        if zone is None or finding.place_m is None or not may_place(data, zone):
            return data
        place = fit_place(finding.kind, zone, finding.place_m[0], finding.place_m[1])
        return data if place is None else msgspec.structs.replace(data, place=place)

    def _refusal(self, draft: Draft, epoch: str, number: int) -> str | None:
        event = build_event(
            site=self.site.site,
            gateway=self.gateway,
            epoch=epoch,
            lane=draft.lane,
            seq=number,
            time=draft.time,
            clock=ClockState.SYNCED,
            data=draft.data,
        )
        try:
            check_event(event, self.site)
        except WireError as error:
            return str(error)
        return None


def again(hazard: OpenHazard, phase: Phase, now: datetime, reason: str = "") -> Finding:
    """A finding that repeats what was last said of an open hazard, or ends it."""
    count = hazard.data.count
    return Finding(
        rule=hazard.rule,
        zone=hazard.zone,
        device=hazard.data.device,
        kind=hazard.data.kind,
        phase=phase,
        time=now,
        grade=hazard.data.grade,
        confidence=hazard.data.confidence,
        armed=hazard.data.armed,
        drill=hazard.data.drill,
        count=count if isinstance(count, int) else None,
        reason=reason,
    )


def orphans(hazards: Hazards, rules: Sequence[str], now: datetime) -> tuple[Finding, ...]:
    """Ends of open hazards that none of `rules` goes on with: nobody would ever clear them."""
    known = frozenset(rules)
    return tuple(
        again(h, Phase.CLEARED, now, "its rule does not go on with it")
        for h in hazards.open
        if h.rule not in known
    )


def _is_silent(known: OpenHazard | None, finding: Finding) -> bool:
    """Whether nothing is to be said: the end of what was never raised, or being raised again too soon."""
    if known is None:
        return finding.phase is Phase.CLEARED
    if finding.phase is not Phase.RAISED or finding.grade > known.data.grade:
        return False
    # Said long after now is said before the clock was set back.
    return -UPDATE_MOST < finding.time - parse_instant(known.said) < UPDATE_LEAST


def _opened(known: OpenHazard | None, draft: Draft, epoch: str) -> OpenHazard:
    assert isinstance(draft.data, HazardData)
    moment = format_instant(draft.time)
    if known is not None:
        return msgspec.structs.replace(known, said=moment, data=draft.data)
    data = draft.data
    # A raised row is back-dated to its first true sample; "said" is when it was confirmed.
    said = format_instant(draft.time + timedelta(seconds=data.confirm_s))
    return OpenHazard(data.rule, data.zone, epoch, data.hazard, moment, said, data, data)


def _count_of(finding: Finding) -> int | msgspec.UnsetType:
    if class_of(finding.kind) is not HazardClass.CROWD or finding.count is None:
        return UNSET
    return UNSET if finding.count < SMALL_COUNT else round_count(finding.count)


def _measure_of(finding: Finding) -> events.Measure | msgspec.UnsetType:
    if class_of(finding.kind) is not HazardClass.THING or finding.measure is None:
        return UNSET
    spec = QUANTITIES[finding.measure.quantity]
    value, threshold = (
        min(max(steps, spec.low), spec.high)
        for steps in (finding.measure.value, finding.measure.threshold)
    )
    return events.Measure(quantity=finding.measure.quantity, value=value, threshold=threshold)


def _evidence_of(finding: Finding, phase: Phase) -> int | msgspec.UnsetType:
    return UNSET if finding.evidence is None or phase is not Phase.UPDATED else finding.evidence


def _raises_of(finding: Finding, phase: Phase) -> int | msgspec.UnsetType:
    presence = class_of(finding.kind) is HazardClass.PRESENCE
    if not presence or phase is not Phase.UPDATED or not finding.count_raises:
        return UNSET
    return min(finding.count_raises, 20)
