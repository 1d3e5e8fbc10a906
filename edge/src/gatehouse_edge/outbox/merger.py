"""Merges the count windows that wait in the file, a step at a time: each is one transaction of `Rows`. `merging.py` says what
becomes of what.

Which    bulk rows that were never published and never refused, of quarters that are over. The quarter in which the rows of an
         epoch begin is left alone, since others of its windows may be with the hub; so is what comes late to a merged one.
Numbers  the merged row keeps the number of its first part. The others become gaps of reason `merged`, which join their
         neighbours: every number stays a row or in a gap.
Bounds   a step reads READ_ROWS rows or merges about MERGE_ROWS. Between steps the numbers of quarters not yet merged are kept,
         at most PARTS_MAX; a quarter that would go beyond is left as it is.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from gatehouse_edge.outbox import merging, trimming
from gatehouse_edge.outbox.merging import QUARTER_S, Merged, Part, Series, quarter_of
from gatehouse_edge.outbox.rows import GAP, Rows, read_event
from gatehouse_edge.values import Draft
from gatehouse_shared.events import ClockState, CountEvent, GapData, GapReason
from gatehouse_shared.instants import from_ms, parse_instant, to_ms
from gatehouse_shared.names import Lane

READ_ROWS: Final = 1_000
MERGE_ROWS: Final = 1_000
PARTS_MAX: Final = 200_000
OVER_S: Final = 60
"""So long after its end nothing more comes of a quarter."""
_PREFIX: Final = b'{"type":"gatehouse.count.v1",'
_READ: Final = (
    "SELECT seq, CASE WHEN kind=0 AND refused=0 AND substr(payload, 1, ?)=? THEN payload END"
    " FROM rows WHERE n=? AND lane=? AND seq>? ORDER BY seq LIMIT ?"
)
_ONE: Final = (
    "SELECT payload, created_ms FROM rows WHERE n=? AND lane=? AND seq=? AND kind=0 AND refused=0"
)
_NEIGHBOUR: Final = "SELECT seq, upto, kind, payload FROM rows WHERE n=? AND lane=? AND seq"

Groups = dict[Series, list[int]]


@dataclass(slots=True)
class _Scan:
    """How far one epoch has been read. `begun`: the quarter in which its rows begin; `done`: the last that was let go."""

    at: int = 0
    begun: int | None = None
    done: int = -1
    newest: int = 0
    parts: int = 0
    open: dict[int, Groups] = field(default_factory=dict[int, Groups])
    ready: deque[Sequence[tuple[Series, list[int]]]] = field(
        default_factory=deque[Sequence[tuple[Series, list[int]]]]
    )


class Merger:
    """One file's merging. `published` says up to which number of an epoch's bulk lane the hub may have seen rows."""

    def __init__(self, rows: Rows, published: Callable[[str], int]) -> None:
        self._rows, self._published = rows, published
        self._scans: dict[str, _Scan] = {}

    def step(self, now_s: float) -> bool:
        """Do one step in the oldest epoch that has something. False when there is nothing to do now."""
        epochs = sorted(self._rows.epochs, key=self._rows.epochs.__getitem__)
        self._scans = {epoch: self._scans.get(epoch, _Scan()) for epoch in epochs}
        return any(self._step(epoch, scan, now_s) for epoch, scan in self._scans.items())

    def _step(self, epoch: str, scan: _Scan, now_s: float) -> bool:
        if scan.ready:
            self._merge(epoch, scan.ready.popleft(), now_s)
            return True
        return self._read(epoch, scan, now_s)

    def _read(self, epoch: str, scan: _Scan, now_s: float) -> bool:
        lane = self._rows.lanes[epoch, Lane.BULK]
        scan.at = max(scan.at, self._published(epoch), lane.acked)
        key = (len(_PREFIX), _PREFIX, lane.n, Lane.BULK, scan.at, READ_ROWS)
        count = 0
        for seq, payload in self._rows.db.execute(_READ, key):
            count += 1
            scan.at = seq
            event = read_event(payload)
            if isinstance(event, CountEvent):
                _gather(scan, seq, event)
        at_end = count < READ_ROWS
        over = (int(now_s) - OVER_S if at_end else scan.newest - QUARTER_S) - QUARTER_S
        for quarter in sorted(q for q in scan.open if q <= over):
            scan.done = max(scan.done, quarter)
            groups = scan.open.pop(quarter)
            scan.parts -= sum(map(len, groups.values()))
            scan.ready.extend(_batches(groups))
        return bool(scan.ready) or not at_end

    def _merge(self, epoch: str, groups: Sequence[tuple[Series, list[int]]], now_s: float) -> None:
        """Join these groups as far as all their rows are still there and unpublished."""
        n = self._rows.lanes[epoch, Lane.BULK].n
        created: dict[int, int] = {}
        merged: dict[int, tuple[Merged, Series, int]] = {}
        for series, seqs in groups:
            parts = self._parts(epoch, n, seqs, created)
            one = merging.merge(parts)
            if one is not None:
                merged[one.seq] = (one, series, quarter_of(parts[0].start_s))
        gone = sorted(seq for one, _, _ in merged.values() for seq in one.gone)
        for seq, (one, series, quarter_s) in merged.items():
            oldest_ms = min(created[s] for s in (seq, *one.gone))
            self._write(epoch, one, series.clock, quarter_s, oldest_ms)
        now = from_ms(int(now_s * 1000))
        for span in _spans(gone):
            whole = self._with_neighbours(n, span, self._published(epoch))
            trimming.replace_by_gap(self._rows, epoch, Lane.BULK, whole, GapReason.MERGED, now)

    def _parts(
        self, epoch: str, n: int, seqs: Sequence[int], created: dict[int, int]
    ) -> tuple[Part, ...]:
        """The rows again; none when one of them has gone or has been published meanwhile."""
        parts: list[Part] = []
        if seqs[0] <= self._published(epoch):
            return ()
        for seq in seqs:
            row = self._rows.db.execute(_ONE, (n, Lane.BULK, seq)).fetchone()
            event = None if row is None else read_event(row[0])
            if row is None or not isinstance(event, CountEvent):
                return ()
            parts.append(Part(seq, _start_s(event), event.data))
            created[seq] = row[1]
        return tuple(parts)

    def _write(
        self, epoch: str, one: Merged, clock: ClockState, quarter_s: int, created_ms: int
    ) -> None:
        draft = Draft(Lane.BULK, from_ms(quarter_s * 1000), one.data)
        event = self._rows.build(epoch, one.seq, draft, clock)
        self._rows.rewrite(event, created_ms)

    def _with_neighbours(self, n: int, span: tuple[int, int], published: int) -> tuple[int, int]:
        """The span with the gaps of merged rows that adjoin it, were they not published."""
        first, last = span
        before = self._rows.db.execute(
            f"{_NEIGHBOUR}<? ORDER BY seq DESC LIMIT 1", (n, Lane.BULK, first)
        ).fetchone()
        after = self._rows.db.execute(f"{_NEIGHBOUR}=?", (n, Lane.BULK, last + 1)).fetchone()
        if before is not None and before[0] > published and before[1] == first - 1:
            first = before[0] if _is_merged(before[2], before[3]) else first
        if after is not None and _is_merged(after[2], after[3]):
            last = after[1]
        return first, last


def _gather(scan: _Scan, seq: int, event: CountEvent) -> None:
    start_s = _start_s(event)
    quarter = quarter_of(start_s)
    scan.begun = quarter if scan.begun is None else scan.begun
    scan.newest = max(scan.newest, quarter)
    if quarter <= max(scan.begun, scan.done):
        return
    if scan.parts >= PARTS_MAX:
        scan.done = max(scan.done, quarter)
        scan.parts -= sum(map(len, scan.open.pop(quarter, {}).values()))
        return
    data = event.data
    series = Series(data.zone, data.device, data.label, event.clock)
    scan.open.setdefault(quarter, {}).setdefault(series, []).append(seq)
    scan.parts += 1


def _batches(groups: Mapping[Series, list[int]]) -> list[Sequence[tuple[Series, list[int]]]]:
    """The groups of a quarter in portions of about MERGE_ROWS rows; none where merging would save too little."""
    gone = sorted(seq for seqs in groups.values() for seq in seqs[1:])
    if not merging.saves(len(gone) + len(groups), len(groups), len(_spans(gone))):
        return []
    batches: list[list[tuple[Series, list[int]]]] = [[]]
    size = 0
    for series, seqs in sorted(groups.items(), key=lambda item: item[1][0]):
        if size + len(seqs) > MERGE_ROWS and batches[-1]:
            batches.append([])
            size = 0
        batches[-1].append((series, seqs))
        size += len(seqs)
    return list(batches)


def _spans(seqs: Sequence[int]) -> list[tuple[int, int]]:
    """Runs of numbers without a hole."""
    runs = groupby(enumerate(seqs), key=lambda item: item[1] - item[0])
    return [(run[0][1], run[-1][1]) for run in (list(group) for _, group in runs)]


def _start_s(event: CountEvent) -> int:
    return to_ms(parse_instant(event.time)) // 1000


def _is_merged(kind: int, payload: object) -> bool:
    data = getattr(read_event(payload), "data", None) if kind == GAP else None
    return isinstance(data, GapData) and data.reason is GapReason.MERGED
