"""One transaction for a batch of messages: rows, gaps, quarantine, progress. What it found may be told after its COMMIT.

Order  the lanes are taken first, and held until COMMIT; gaps before keys, so that a range counts even where its own row is
       refused; then what is there already is looked for, where a number can be there at all; then new rows; then quarantine; last
       how far each lane is accounted for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from msgspec import UNSET

from gatehouse_hub.ingest.acks import OwedAck
from gatehouse_hub.ingest.reading import Reading, Sender
from gatehouse_hub.ports import Transaction
from gatehouse_hub.store import events, progress, quarantine
from gatehouse_hub.store.events import NewRow
from gatehouse_hub.store.known import Fate, find_known, judge_again
from gatehouse_hub.store.progress import Gap, Mark
from gatehouse_hub.store.quarantine import Refused, UnreadableAlarm
from gatehouse_hub.values import EventKey, LaneKey, Sample, correct_time, is_historical
from gatehouse_shared.commands import MessageNack, Nack, RowNack
from gatehouse_shared.errors import RefusalReason
from gatehouse_shared.events import ClockState, CountData, GapData, HazardData
from gatehouse_shared.instants import parse_instant, to_ms
from gatehouse_shared.names import Lane
from gatehouse_shared.wire import BadRow, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message that was read: whose, what is in it, and what was known of its gateway's clock when it came."""

    topic: str
    sender: Sender
    reading: Reading
    sample: Sample | None
    arrived_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedLetter:
    """A message that was refused whole. `sender` is None when no site file names its gateway."""

    sender: Sender | None
    refused: Refused


@dataclass(slots=True)
class Outcome:
    """What a transaction did; tell nobody before it is committed."""

    stored: int = 0
    duplicates: int = 0
    outlived: int = 0
    refused: int = 0
    acks: list[OwedAck] = field(default_factory=list[OwedAck])
    nacks: list[tuple[str, Nack]] = field(default_factory=list[tuple[str, Nack]])
    hazard_sites: set[str] = field(default_factory=set[str])
    occupancy_sites: set[str] = field(default_factory=set[str])


def store(
    tx: Transaction, letters: Sequence[Letter], returned: Sequence[ReturnedLetter] = ()
) -> Outcome:
    """Write a batch."""
    outcome = Outcome()
    arrived = [(letter, _new_row(letter, row)) for letter in letters for row in letter.reading.rows]
    bad = [(letter, row) for letter in letters for row in letter.reading.bad]
    gaps = [gap for _, row in arrived for gap in _gap_of(row)]
    marks = progress.lock(
        tx,
        {
            *(row.key.of_lane for _, row in arrived),
            *(_key(row).of_lane for _, row in bad),
            *(gap.lane for gap in gaps),
        },
    )
    progress.add_gaps(tx, marks, gaps)
    bad += _store_rows(tx, marks, arrived, outcome)
    _refuse_rows(tx, marks, bad, outcome)
    _refuse_messages(tx, returned, outcome)
    outcome.acks = _account(tx, marks)
    return outcome


def _account(tx: Transaction, marks: Mapping[LaneKey, Mark]) -> list[OwedAck]:
    """Move the lanes on and say, for each epoch among them, how far both of its lanes are stored."""
    progress.settle(tx, marks)
    epochs = sorted({(lane.gateway, lane.epoch) for lane in marks})
    return _acks(progress.load_epochs(tx, epochs), epochs)


def load_acks(tx: Transaction, epochs: Sequence[tuple[str, str]]) -> list[OwedAck]:
    """How far both lanes of these (gateway, epoch) are stored; 0 for one never heard of."""
    return _acks(progress.load_epochs(tx, epochs), epochs) if epochs else []


def _acks(upto: Mapping[LaneKey, int], epochs: Iterable[tuple[str, str]]) -> list[OwedAck]:
    return [
        OwedAck(
            gateway,
            epoch,
            upto.get(LaneKey(gateway, epoch, Lane.ALARM), 0),
            upto.get(LaneKey(gateway, epoch, Lane.BULK), 0),
        )
        for gateway, epoch in epochs
    ]


def _store_rows(
    tx: Transaction,
    marks: Mapping[LaneKey, Mark],
    arrived: Sequence[tuple[Letter, NewRow]],
    outcome: Outcome,
) -> list[tuple[Letter, BadRow]]:
    """Insert what is new; the rows whose key holds something else."""
    first: dict[EventKey, NewRow] = {}
    again: list[tuple[Letter, NewRow]] = []
    for letter, row in arrived:
        if first.setdefault(row.key, row) is not row:
            again.append((letter, row))
    doubtful = [(x, r) for x, r in arrived if r.key.seq <= marks[r.key.of_lane].top]
    known = find_known(tx, marks, [row for _, row in doubtful])
    again += [(x, r) for x, r in doubtful if r.key in known and first[r.key] is r]
    new = [row for row in first.values() if row.key not in known]
    events.record(tx, new)
    outcome.stored += len(new)
    for row in new:
        marks[row.key.of_lane].added.append((row.key.seq, row.key.seq))
        if isinstance(row.event.data, HazardData):
            outcome.hazard_sites.add(row.site)
        elif isinstance(row.event.data, CountData):
            outcome.occupancy_sites.add(row.site)
    reused: list[tuple[Letter, BadRow]] = []
    for letter, row in again:
        fate = judge_again(row, known.get(row.key, first[row.key].sha256))
        outcome.duplicates += fate is Fate.DUPLICATE
        outcome.outlived += fate is Fate.OUTLIVED
        if fate is Fate.REUSED:
            reused.append((letter, _reused(letter, row)))
    return reused


def _reused(letter: Letter, row: NewRow) -> BadRow:
    return BadRow(
        next(r.key for r in letter.reading.rows if r.event is row.event),
        RefusalReason.KEY_REUSED,
        "the key is stored with another content",
        row.canonical,
        row.sha256,
    )


def _refuse_rows(
    tx: Transaction,
    marks: Mapping[LaneKey, Mark],
    bad: Sequence[tuple[Letter, BadRow]],
    outcome: Outcome,
) -> None:
    """Quarantine rows; their numbers are accounted for, and no alarm among them is hidden."""
    if not bad:
        return
    quarantine.put(tx, [_refused_row(letter, row) for letter, row in bad])
    quarantine.add_unreadable(
        tx,
        [
            UnreadableAlarm(_key(r), r.sha256, letter.sender.site, r.reason, letter.arrived_ms)
            for letter, r in bad
            if r.key.lane is Lane.ALARM
        ],
    )
    progress.add_gaps(
        tx,
        marks,
        [
            Gap(
                *(_key(r).of_lane, r.key.seq, r.key.seq),
                *(progress.QUARANTINED, 1, letter.arrived_ms),
            )
            for letter, r in bad
            if r.reason is not RefusalReason.KEY_REUSED
        ],
    )
    outcome.refused += len(bad)
    outcome.hazard_sites |= {letter.sender.site for letter, r in bad if r.key.lane is Lane.ALARM}
    outcome.nacks += [
        (
            letter.sender.gateway,
            RowNack(epoch=r.key.epoch, lane=r.key.lane, seq=r.key.seq, reason=r.reason),
        )
        for letter, r in bad
    ]


def _refuse_messages(tx: Transaction, returned: Sequence[ReturnedLetter], outcome: Outcome) -> None:
    if not returned:
        return
    quarantine.put(tx, [letter.refused for letter in returned])
    outcome.refused += len(returned)
    outcome.nacks += [
        (
            letter.sender.gateway,
            MessageNack(sha256=letter.refused.sha256, reason=letter.refused.reason),
        )
        for letter in returned
        if letter.sender is not None
    ]


def _new_row(letter: Letter, row: Row) -> NewRow:
    event = row.event
    corrected = correct_time(
        to_ms(parse_instant(event.time)),
        synced=event.clock is ClockState.SYNCED,
        sample=letter.sample,
        arrived_ms=letter.arrived_ms,
    )
    confirm_s = event.data.confirm_s if isinstance(event.data, HazardData) else 0
    return NewRow(
        key=_key(row),
        site=letter.sender.site,
        event=event,
        canonical=row.canonical,
        sha256=row.sha256,
        corrected_ms=corrected.time_ms,
        offset=corrected.offset,
        arrived_ms=letter.arrived_ms,
        historical=is_historical(corrected, confirm_s=confirm_s, arrived_ms=letter.arrived_ms),
    )


def _gap_of(row: NewRow) -> list[Gap]:
    data = row.event.data
    if not isinstance(data, GapData):
        return []
    lane = row.key.of_lane if data.epoch is UNSET else replace(row.key.of_lane, epoch=data.epoch)
    return [Gap(lane, data.from_seq, data.to_seq, data.reason, data.count, row.arrived_ms)]


def _refused_row(letter: Letter, row: BadRow) -> Refused:
    return Refused(
        owner=letter.sender.gateway,
        gateway=letter.sender.gateway,
        sha256=row.sha256,
        reason=row.reason,
        message=row.message,
        topic=letter.topic,
        key=_key(row),
        payload=row.raw,
        size_bytes=len(row.raw),
        arrived_ms=letter.arrived_ms,
    )


def _key(row: Row | BadRow) -> EventKey:
    return EventKey(row.key.gateway, row.key.epoch, row.key.lane, row.key.seq)
