"""One transaction for a batch of messages: rows, gaps, quarantine, progress. What it found may be told after its COMMIT.

Order  the lanes are taken first, and held until COMMIT; gaps before keys, so that a range counts even where its own row is
       refused; then what is there already is looked for, where a number can be there at all; then new rows; then quarantine; last
       how far each lane is accounted for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import UnsetType

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
from gatehouse_shared.instants import instant_ms
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


@dataclass(slots=True)
class Filed:
    """The rows of one lane in a batch, by number; `again` are further ones of a number that is there."""

    rows: dict[int, tuple[Letter, NewRow]] = field(default_factory=dict[int, tuple[Letter, NewRow]])
    again: list[tuple[Letter, NewRow]] = field(default_factory=list[tuple[Letter, NewRow]])


def store(
    tx: Transaction, letters: Sequence[Letter], returned: Sequence[ReturnedLetter] = ()
) -> Outcome:
    """Write a batch."""
    outcome = Outcome()
    filed = _file(letters)
    bad = [(letter, row) for letter in letters for row in letter.reading.bad]
    gaps = [gap for lane in filed.values() for _, row in lane.rows.values() for gap in _gap_of(row)]
    gaps += [gap for lane in filed.values() for _, row in lane.again for gap in _gap_of(row)]
    refused = {_key(row).of_lane for _, row in bad}
    marks = progress.lock(tx, {*filed, *refused, *(gap.lane for gap in gaps)})
    progress.add_gaps(tx, marks, gaps)
    bad += _store_rows(tx, marks, filed, outcome)
    _refuse_rows(tx, marks, bad, outcome)
    _refuse_messages(tx, returned, outcome)
    outcome.acks = _account(tx, marks)
    return outcome


def _file(letters: Sequence[Letter]) -> dict[LaneKey, Filed]:
    """The rows of a batch by lane and number."""
    filed: dict[LaneKey, Filed] = {}
    lane, of_lane = None, Filed()
    for letter in letters:
        for row in _new_rows(letter):
            key = row.key
            if lane is None or key.lane is not lane.lane or key[:2] != lane[:2]:
                lane = key.of_lane
                of_lane = filed.setdefault(lane, Filed())
            if key.seq in of_lane.rows:
                of_lane.again.append((letter, row))
            else:
                of_lane.rows[key.seq] = letter, row
    return filed


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
    tx: Transaction, marks: Mapping[LaneKey, Mark], filed: Mapping[LaneKey, Filed], outcome: Outcome
) -> list[tuple[Letter, BadRow]]:
    """Insert what is new; the rows whose key holds something else."""
    doubtful = [
        row
        for lane, of_lane in filed.items()
        if min(of_lane.rows) <= marks[lane].top
        for seq, (_, row) in of_lane.rows.items()
        if seq <= marks[lane].top
    ]
    known = find_known(tx, marks, doubtful)
    new: list[NewRow] = []
    reused: list[tuple[Letter, BadRow]] = []
    for lane, of_lane in filed.items():
        fresh = (
            [row for _, row in of_lane.rows.values() if row.key not in known]
            if known
            else [row for _, row in of_lane.rows.values()]
        )
        new += fresh
        marks[lane].added += _stretches([row.key.seq for row in fresh])
        _note_sites(fresh, outcome)
        again = [(x, r) for x, r in of_lane.rows.values() if r.key in known] if known else []
        for letter, row in (*again, *of_lane.again):
            fate = judge_again(row, known.get(row.key, of_lane.rows[row.key.seq][1].sha256))
            outcome.duplicates += fate is Fate.DUPLICATE
            outcome.outlived += fate is Fate.OUTLIVED
            if fate is Fate.REUSED:
                reused.append((letter, _reused(letter, row)))
    events.record(tx, new)
    outcome.stored += len(new)
    return reused


def _stretches(seqs: Sequence[int]) -> list[tuple[int, int]]:
    """These numbers, as one stretch where there is no hole among them."""
    if seqs and max(seqs) - min(seqs) + 1 == len(seqs):
        return [(min(seqs), max(seqs))]
    return [(seq, seq) for seq in seqs]


def _note_sites(rows: Sequence[NewRow], outcome: Outcome) -> None:
    """Whose hazards or occupancy these rows of one lane change."""
    hazard = next((row for row in rows if isinstance(row.event.data, HazardData)), None)
    count = next((row for row in rows if isinstance(row.event.data, CountData)), None)
    if hazard is not None:
        outcome.hazard_sites.add(hazard.site)
    if count is not None:
        outcome.occupancy_sites.add(count.site)


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


def _new_rows(letter: Letter) -> Iterator[NewRow]:
    """The rows of a message with what is known of them on arrival."""
    site, sample, arrived_ms = letter.sender.site, letter.sample, letter.arrived_ms
    for row in letter.reading.rows:
        event, key = row.event, row.key
        data = event.data
        corrected = correct_time(
            instant_ms(event.time),
            synced=event.clock is ClockState.SYNCED,
            sample=sample,
            arrived_ms=arrived_ms,
        )
        confirm_s = data.confirm_s if isinstance(data, HazardData) else 0
        yield NewRow(
            key=EventKey(key.gateway, key.epoch, key.lane, key.seq),
            site=site,
            event=event,
            canonical=row.canonical,
            sha256=row.sha256,
            corrected_ms=corrected.time_ms,
            offset=corrected.offset,
            arrived_ms=arrived_ms,
            historical=is_historical(corrected, confirm_s=confirm_s, arrived_ms=arrived_ms),
        )


def _gap_of(row: NewRow) -> list[Gap]:
    data = row.event.data
    if not isinstance(data, GapData):
        return []
    epoch = row.key.epoch if isinstance(data.epoch, UnsetType) else data.epoch
    lane = LaneKey(row.key.gateway, epoch, row.key.lane)
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
