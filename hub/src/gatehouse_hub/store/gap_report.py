"""What of a gateway's rows is here, on its way, or gone, and why: its numbers held against what the hub has.

Bounds  GAPS_MAX gaps, the newest; ABOVE_MAX rows and ranges above the first hole of a lane, which its window keeps below that.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gatehouse_hub.ports import Transaction
from gatehouse_hub.store import gateways
from gatehouse_hub.store.columns import integer, integer_or_none, text
from gatehouse_hub.store.progress import OUTLIVED, QUARANTINED
from gatehouse_shared.events import GapReason
from gatehouse_shared.names import Lane

GAPS_MAX: Final = 100
ABOVE_MAX: Final = 5_000

HARMLESS: Final = frozenset({GapReason.MERGED, GapReason.EPOCH})
"""Gaps in which nothing is lost: merged into longer windows, or said again under other numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneAccount:
    """One lane of one outbox.

    `last` is the highest number that the gateway has told of or the hub has met, `upto` the one up to which nothing is
    unaccounted for. `unaccounted` numbers below what the hub has met have not come yet; `waiting` ones lie above that.
    """

    epoch: str
    lane: Lane
    last: int
    upto: int
    stored: int
    unaccounted: int
    waiting: int
    quarantined: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GapFigure:
    """Rows that will never come. `count` of them are lost, or merged; they were written between `after_ms` and `before_ms`."""

    epoch: str
    lane: Lane
    from_seq: int
    to_seq: int
    reason: GapReason
    count: int
    arrived_ms: int
    after_ms: int | None
    before_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GapReport:
    """A gateway's account. `missing` rows are gone for good, over all gaps, also those beyond the `gaps` listed here."""

    gateway: str
    heard_ms: int | None
    lanes: tuple[LaneAccount, ...]
    gaps: tuple[GapFigure, ...]
    missing: int
    more_gaps: bool


def load_report(tx: Transaction, site: str, gateway: str) -> GapReport | None:
    """The account of a gateway of a site; None when the site has none of that name."""
    row = gateways.load(tx, gateway)
    if row is None or row.site != site:
        return None
    told = {
        (mark.epoch, lane): last
        for mark in (row.birth.epochs if row.birth else ())
        for lane, last in ((Lane.ALARM, mark.alarm_last), (Lane.BULK, mark.bulk_last))
        if last > 0
    }
    spans = _whole(_ranges(tx, gateway))
    listed = sorted(spans, key=lambda s: (-s.arrived_ms, s.epoch, s.lane, s.from_seq))
    return GapReport(
        gateway=gateway,
        heard_ms=row.last_seen_ms,
        lanes=tuple(_lanes(tx, gateway, told)),
        gaps=tuple(_figure(tx, gateway, span) for span in listed[:GAPS_MAX]),
        missing=sum(s.count for s in spans if s.reason not in HARMLESS),
        more_gaps=len(listed) > GAPS_MAX,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    epoch: str
    lane: Lane
    from_seq: int
    to_seq: int
    reason: GapReason
    count: int
    arrived_ms: int


def _ranges(tx: Transaction, gateway: str) -> list[_Span]:
    rows = tx.execute(
        "SELECT epoch, lane, from_seq, to_seq, reason, rows, arrived_ms FROM gap_range"
        " WHERE gateway = ? AND reason NOT IN (?, ?)",
        (gateway, QUARANTINED, OUTLIVED),
    )
    return [
        _Span(
            epoch=text(r[0]),
            lane=Lane(text(r[1])),
            from_seq=integer(r[2]),
            to_seq=integer(r[3]),
            reason=GapReason(text(r[4])),
            count=integer(r[5]),
            arrived_ms=integer(r[6]),
        )
        for r in rows
    ]


def _whole(spans: Iterable[_Span]) -> list[_Span]:
    """Without those that lie within another: a gap that grew was told of more than once."""
    found: list[_Span] = []
    for span in sorted(spans, key=lambda s: (s.epoch, s.lane, s.from_seq, -s.to_seq)):
        last = found[-1] if found else None
        same = last is not None and (last.epoch, last.lane) == (span.epoch, span.lane)
        if last is None or not same or span.to_seq > last.to_seq:
            found.append(span)
    return found


def _figure(tx: Transaction, gateway: str, span: _Span) -> GapFigure:
    key = (gateway, span.epoch, span.lane.value)
    where = "FROM event WHERE gateway = ? AND epoch = ? AND lane = ?"
    before = tx.execute(
        f"SELECT corrected_ms {where} AND seq < ? ORDER BY seq DESC LIMIT 1",
        (*key, span.from_seq),
    )
    after = tx.execute(
        f"SELECT corrected_ms {where} AND seq > ? ORDER BY seq LIMIT 1",
        (*key, span.to_seq),
    )
    return GapFigure(
        epoch=span.epoch,
        lane=span.lane,
        from_seq=span.from_seq,
        to_seq=span.to_seq,
        reason=span.reason,
        count=span.count,
        arrived_ms=span.arrived_ms,
        after_ms=integer_or_none(before[0][0]) if before else None,
        before_ms=integer_or_none(after[0][0]) if after else None,
    )


def _lanes(
    tx: Transaction, gateway: str, told: Mapping[tuple[str, Lane], int]
) -> Iterable[LaneAccount]:
    """Every lane that the hub or the gateway knows of, the epochs that the gateway has told of last come first."""
    progress = {
        (text(r[0]), Lane(text(r[1]))): (integer(r[2]), integer(r[3]))
        for r in tx.execute(
            "SELECT epoch, lane, upto, top FROM progress WHERE gateway = ?", (gateway,)
        )
    }
    stored = {
        (text(r[0]), Lane(text(r[1]))): integer(r[2])
        for r in tx.execute(
            "SELECT epoch, lane, COUNT(*) FROM event WHERE gateway = ? GROUP BY epoch, lane",
            (gateway,),
        )
    }
    refused = {
        (text(r[0]), Lane(text(r[1]))): integer(r[2])
        for r in tx.execute(
            "SELECT epoch, lane, COUNT(*) FROM gap_range WHERE gateway = ? AND reason = ?"
            " GROUP BY epoch, lane",
            (gateway, QUARANTINED),
        )
    }
    for key in sorted(progress.keys() | told.keys(), key=lambda k: (k not in told, k)):
        upto, top = progress.get(key, (0, 0))
        last = told.get(key, 0)
        if not (last or top):
            continue
        yield LaneAccount(
            epoch=key[0],
            lane=key[1],
            last=max(last, top),
            upto=upto,
            stored=stored.get(key, 0),
            unaccounted=_holes(tx, (gateway, key[0], key[1].value), upto, top),
            waiting=max(0, last - top),
            quarantined=refused.get(key, 0),
        )


def _holes(tx: Transaction, key: tuple[str, str, str], upto: int, top: int) -> int:
    """Numbers from `upto` to `top` that are neither a row nor in a range."""
    if upto >= top:
        return 0
    rows = tx.execute(
        "SELECT seq, seq FROM event WHERE gateway = ? AND epoch = ? AND lane = ? AND seq > ?"
        " ORDER BY seq LIMIT ?",
        (*key, upto, ABOVE_MAX),
    )
    ranges = tx.execute(
        "SELECT from_seq, to_seq FROM gap_range WHERE gateway = ? AND epoch = ? AND lane = ?"
        " AND to_seq > ? ORDER BY from_seq LIMIT ?",
        (*key, upto, ABOVE_MAX),
    )
    return (top - upto) - covered(
        upto, sorted((integer(a), integer(b)) for a, b in (*rows, *ranges))
    )


def covered(upto: int, stretches: Sequence[tuple[int, int]]) -> int:
    """How many numbers above `upto` lie in stretches (first, last) that are sorted by their first number.

    >>> covered(2, [(1, 4), (4, 5), (8, 9)])
    5
    """
    count = 0
    for first, last in stretches:
        start = max(first, upto + 1)
        if last >= start:
            count += last - start + 1
            upto = last
    return count
