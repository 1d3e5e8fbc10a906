"""What becomes of rows after they were written: kept, forgotten, shed, refused, asked for again. Inside a transaction of
`Rows`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from gatehouse_edge.outbox.rows import GAP, GAP_ELSEWHERE, ROW, Rows, read_event, shift
from gatehouse_edge.outbox.schema import first_int
from gatehouse_shared.events import GapData, GapReason
from gatehouse_shared.names import Lane
from gatehouse_shared.wire import encode

FULL_STEP: Final = 500
FAR: Final = 5_000
FORGET_STEP: Final = 2_000
"""Acknowledged rows forgotten at a time."""
Sent = Mapping[tuple[str, Lane], int]
"""Up to which number each lane was published on the connection of now. Bounded by the epochs in the file."""

_FORGET_EPOCH: Final = (
    "DELETE FROM rows WHERE n=?",
    "DELETE FROM acks WHERE n=?",
    "DELETE FROM lanes WHERE n=?",
    "DELETE FROM epochs WHERE n=?",
)


def close_lane(rows: Rows, epoch: str, lane: Lane) -> None:
    """Nothing of this lane will be sent any more: its unacknowledged rows have moved."""
    state = rows.lanes[epoch, lane]
    key = (state.n, lane)
    rows.db.execute("DELETE FROM rows WHERE n=? AND lane=? AND upto>?", (*key, state.acked))
    state.acked = state.last
    rows.db.execute("UPDATE lanes SET acked=? WHERE n=? AND lane=?", (state.acked, *key))
    rows.count()


def go_back(rows: Rows, epoch: str, lane: Lane, upto: int, now: datetime) -> None:
    """The hub holds only up to `upto`: the rest waits again, and what is no longer kept becomes a gap."""
    state = rows.lanes.get((epoch, lane))
    if state is None or upto >= state.acked:
        return
    state.acked, state.dirty = upto, False
    key = (state.n, lane)
    rows.db.execute("UPDATE lanes SET acked=? WHERE n=? AND lane=?", (upto, *key))
    rows.db.execute("DELETE FROM acks WHERE n=? AND lane=? AND upto>?", (*key, upto))
    sql = "SELECT min(seq) FROM rows WHERE n=? AND lane=? AND upto>?"
    first_kept = first_int(rows.db, sql, (*key, upto)) or state.last + 1
    if first_kept > upto + 1:
        span = (upto + 1, first_kept - 1)
        rows.put_gap(epoch, lane, span, GapReason.EXPIRED, now, span[1] - span[0] + 1)
    rows.count()


def refuse(
    rows: Rows, epoch: str, lane: Lane, seqs: Sequence[int], now: datetime
) -> tuple[int, ...]:
    """Rows of a message that the hub could not read. Each is encoded again and marked to travel alone; one that was refused alone
    before, or does not even read here, becomes a gap. The numbers that became gaps.
    """
    if (epoch, lane) not in rows.lanes:
        return ()
    n = rows.lanes[epoch, lane].n
    gone: list[int] = []
    for seq in seqs:
        row = rows.db.execute(
            "SELECT kind, refused, payload FROM rows WHERE n=? AND lane=? AND seq=?", (n, lane, seq)
        ).fetchone()
        if row is None:
            continue
        kind, refused, payload = row
        event = read_event(payload)
        alone = len(seqs) == 1 and refused
        if event is not None and not (alone and kind == ROW):
            rows.db.execute(
                "UPDATE rows SET payload=?, refused=1 WHERE n=? AND lane=? AND seq=?",
                (encode(event), n, lane, seq),
            )
        elif kind == ROW:
            replace_by_gap(rows, epoch, lane, (seq, seq), GapReason.UNREADABLE, now)
            gone.append(seq)
    return tuple(gone)


def replace_by_gap(
    rows: Rows, epoch: str, lane: Lane, span: tuple[int, int], reason: GapReason, now: datetime
) -> None:
    """All rows within `span`, whole rows at both ends, become one gap."""
    n = rows.lanes[epoch, lane].n
    lost = 0
    sql = (
        "SELECT kind, CASE kind WHEN 1 THEN payload END FROM rows"
        " WHERE n=? AND lane=? AND seq BETWEEN ? AND ?"
    )
    for kind, payload in rows.db.execute(sql, (n, lane, *span)):
        event = read_event(payload) if kind == GAP else None
        lost += event.data.count if event is not None and isinstance(event.data, GapData) else 1
    count, size = rows.span_load(n, lane, *span)
    rows.db.execute(
        "DELETE FROM rows WHERE n=? AND lane=? AND seq BETWEEN ? AND ?", (n, lane, *span)
    )
    rows.load = shift(rows.load, lane, -count, -size)
    rows.put_gap(epoch, lane, span, reason, now, lost)


@dataclass(frozen=True, slots=True)
class Shedding:
    """What to let go: at most `count` of the oldest waiting rows of a lane, for a reason; `before_ms`: only rows written
    before then.
    """

    lane: Lane
    count: int
    reason: GapReason
    before_ms: int | None = None


def shed(rows: Rows, what: Shedding, sent: Sent, now: datetime) -> bool:
    """Let rows go, those not on the wire first. False when there is none to go, or letting it go would free nothing.

    The gap joins the one before it, so that a full outbox holds few gaps.
    """
    epochs = sorted(rows.epochs, key=rows.epochs.__getitem__)
    acked = {epoch: rows.lanes[epoch, what.lane].acked for epoch in epochs}
    starts = [(epoch, max(sent.get((epoch, what.lane), 0), acked[epoch])) for epoch in epochs]
    for epoch, after in (*starts, *acked.items()):
        found = _run(rows, rows.lanes[epoch, what.lane].n, after, what)
        if found is None:
            continue
        first, last, count = found
        joined = _joinable(rows, epoch, first, after, what)
        if joined is None and count < 2 and what.before_ms is None:
            continue  # a gap in the place of one row frees nothing
        replace_by_gap(rows, epoch, what.lane, (joined or first, last), what.reason, now)
        return True
    return False


def let_go(rows: Rows, sent: Sent, now: datetime) -> bool:
    """On a full disk: what the hub has goes, then bulk, oldest first, FULL_STEP rows at a time. Whether any went."""
    before = rows.load
    if before.kept_rows:
        forget_oldest_kept(rows, FULL_STEP)
    else:
        shed(rows, Shedding(Lane.BULK, FULL_STEP, GapReason.DROPPED_BYTES), sent, now)
    return rows.load != before


def forget(rows: Rows, epoch: str, lane: Lane, upto: int) -> int:
    """Drop acknowledged rows up to `upto`. How many."""
    state = rows.lanes[epoch, lane]
    upto = min(upto, state.acked)
    key = (state.n, lane, upto, upto)
    row = rows.db.execute(
        "SELECT count(*), coalesce(sum(length(payload)), 0) FROM rows"
        " WHERE n=? AND lane=? AND seq<=? AND upto<=?",
        key,
    ).fetchone()
    assert row is not None
    count, size = row
    if count:
        rows.db.execute("DELETE FROM rows WHERE n=? AND lane=? AND seq<=? AND upto<=?", key)
        load = rows.load
        rows.load = replace(
            load, kept_rows=load.kept_rows - count, kept_bytes=load.kept_bytes - size
        )
    return int(count)


def forget_acked(rows: Rows, before_ms: int) -> None:
    """Drop rows that were acknowledged before then, and epochs of which nothing is left."""
    for (epoch, lane), state in tuple(rows.lanes.items()):
        key = (state.n, lane, before_ms)
        sql = "SELECT max(upto) FROM acks WHERE n=? AND lane=? AND at_ms<?"
        upto = first_int(rows.db, sql, key)
        if not upto:
            continue
        sql = "SELECT max(seq) FROM (SELECT seq FROM rows WHERE n=? AND lane=? AND seq<=? ORDER BY seq LIMIT ?)"
        step = first_int(rows.db, sql, (state.n, lane, upto, FORGET_STEP + 1))
        if step and forget(rows, epoch, lane, step) > FORGET_STEP:
            continue  # the rest at the next call
        rows.db.execute("DELETE FROM acks WHERE n=? AND lane=? AND at_ms<?", key)


def forget_oldest_kept(rows: Rows, count: int) -> None:
    """Drop about `count` acknowledged rows before their time, oldest epoch first, bulk before alarms."""
    for epoch, n in sorted(rows.epochs.items(), key=lambda item: item[1]):
        for lane in (Lane.BULK, Lane.ALARM):
            sql = (
                "SELECT max(seq) FROM (SELECT seq FROM rows"
                " WHERE n=? AND lane=? AND upto<=? ORDER BY seq LIMIT ?)"
            )
            last = first_int(rows.db, sql, (n, lane, rows.lanes[epoch, lane].acked, count))
            if last and forget(rows, epoch, lane, last):
                return


def forget_epochs(rows: Rows, most: int) -> None:
    """Drop the oldest epochs that are done with until there are at most `most`; one with waiting rows stays."""
    for epoch in sorted(rows.epochs, key=rows.epochs.__getitem__):
        lanes = [rows.lanes[epoch, lane] for lane in Lane]
        done = epoch != rows.current and all(x.acked >= x.last for x in lanes)
        if len(rows.epochs) > most and done:
            n = rows.epochs.pop(epoch)
            for statement in _FORGET_EPOCH:
                rows.db.execute(statement, (n,))
            for lane in Lane:
                del rows.lanes[epoch, lane]
            rows.count()


def _joinable(rows: Rows, epoch: str, first: int, after: int, what: Shedding) -> int | None:
    """The number of a gap just before `first`, beyond `after`, of the same reason."""
    before = rows.db.execute(
        "SELECT seq, upto, kind, payload FROM rows WHERE n=? AND lane=? AND seq<?"
        " ORDER BY seq DESC LIMIT 1",
        (rows.lanes[epoch, what.lane].n, what.lane, first),
    ).fetchone()
    if before is None or before[0] <= after or before[1] != first - 1 or before[2] != GAP:
        return None
    data = getattr(read_event(before[3]), "data", None)
    same = isinstance(data, GapData) and data.reason is what.reason
    return int(before[0]) if same else None


def _run(rows: Rows, n: int, after: int, what: Shedding) -> tuple[int, int, int] | None:
    """First and last number of the oldest run of rows beyond `after` that may go, and how many rows it is."""
    last_ms = 2**62 if what.before_ms is None else what.before_ms
    first_ms = 0 if what.before_ms is None else 1
    start = _first_to_go(rows, n, after, what.lane, first_ms)
    if start is None or start[1] > last_ms:
        return None
    last = count = 0
    for upto, kind, created in rows.db.execute(
        "SELECT upto, kind, created_ms FROM rows WHERE n=? AND lane=? AND seq>=?"
        " ORDER BY seq LIMIT ?",
        (n, what.lane, start[0], max(2, what.count)),
    ):
        if kind == GAP_ELSEWHERE or (kind == ROW and not first_ms <= created <= last_ms):
            break
        last, count = upto, count + 1
    return start[0], last, count


def _first_to_go(
    rows: Rows, n: int, after: int, lane: Lane, first_ms: int
) -> tuple[int, int] | None:
    """Number and age of the first row beyond `after` that is no gap, written at `first_ms` or later; looked for among the first
    FAR rows, since rows come in order of age and a look at all of a full outbox would take seconds.
    """
    for seq, kind, created in rows.db.execute(
        "SELECT seq, kind, created_ms FROM rows WHERE n=? AND lane=? AND seq>?"
        " ORDER BY seq LIMIT ?",
        (n, lane, after, FAR),
    ):
        if kind == ROW and created >= first_ms:
            return seq, created
    return None
