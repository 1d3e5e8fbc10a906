"""What is past its keeping goes: whole partitions of events, and in small steps what else was kept beside them.

    presence   at most `presence_days`: a day's table goes when its first row has come to them
    alarm      at least `alarm_days`, bulk at least `bulk_days`: a table goes when its last row has

Everything that may hold presence goes with it: its hazards and incidents, what is in quarantine, requests about it. On SQLite,
and for rows of before there were partitions, rows are deleted in steps.

Rule    before rows of a lane go that lie above its `upto`, their numbers are written down as outlived, so that the lane does not
        wait for them for ever.
Bounds  STEP rows a transaction, STEPS_MAX steps of each table a turn; what is left goes in the next.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gatehouse_hub.ports import Database, Dialect, Transaction, Value
from gatehouse_hub.store import outlived, partitions
from gatehouse_hub.store.columns import text
from gatehouse_hub.store.partitions import DAY_MS, LEGACY, PARTITION_LOCK, Keep
from gatehouse_hub.store.progress import OUTLIVED
from gatehouse_shared.names import PRESENCE_KINDS

STEP: Final = 1_000
STEPS_MAX: Final = 200
PRESENCE_DAYS_MAX: Final = 14


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days rows are kept from when they came."""

    presence_days: int = PRESENCE_DAYS_MAX
    alarm_days: int = 400
    bulk_days: int = 90

    def cut_ms(self, keep: Keep, now_ms: int) -> int:
        """What came before this is past its keeping."""
        days = {
            Keep.PRESENCE: self.presence_days,
            Keep.ALARM: self.alarm_days,
            Keep.BULK: self.bulk_days,
        }
        return now_ms - days[keep] * DAY_MS


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a table that may go: those of `condition`, which holds one mark for the cut of `keep`."""

    table: str
    keep: Keep
    condition: str


_PRESENCE: Final = ", ".join(f"'{kind.value}'" for kind in sorted(PRESENCE_KINDS))
_BESIDE: Final = (
    Rows("hazard", Keep.PRESENCE, f"kind IN ({_PRESENCE}) AND heard_ms < ?"),
    Rows("hazard", Keep.ALARM, "heard_ms < ?"),
    Rows("unreadable_alarm", Keep.ALARM, "arrived_ms < ?"),
    Rows("quarantine", Keep.PRESENCE, "arrived_ms < ?"),
    Rows("gateway_request", Keep.PRESENCE, "asked_ms < ?"),
    Rows("zone_count", Keep.BULK, "time_ms < ?"),
    Rows(
        "gap_range",
        Keep.BULK,
        "arrived_ms < ? AND EXISTS (SELECT 1 FROM progress p WHERE p.gateway = gap_range.gateway"
        " AND p.epoch = gap_range.epoch AND p.lane = gap_range.lane AND p.upto >= gap_range.to_seq)",
    ),
)
_LEGACY: Final = (
    Rows(LEGACY, Keep.PRESENCE, f"lane = 'alarm' AND kind IN ({_PRESENCE}) AND arrived_ms < ?"),
    Rows(LEGACY, Keep.ALARM, "lane = 'alarm' AND arrived_ms < ?"),
    Rows(LEGACY, Keep.BULK, "lane = 'bulk' AND arrived_ms < ?"),
)
_ONE_TABLE: Final = tuple(Rows("event", k, f"keep = '{k}' AND arrived_ms < ?") for k in Keep)
_OF_INCIDENT: Final = ("incident_member", "incident_act", "notification")


def take_turn(database: Database, retention: Retention, now_ms: int) -> dict[str, int]:
    """Make the tables of the days ahead and let go what is past its keeping; how many rows or tables went, by table."""
    gone: dict[str, int] = {}
    with database.transaction() as tx:
        partitions.ensure_ahead(tx, now_ms)
        legacy = tx.dialect is Dialect.POSTGRESQL and partitions.has_legacy(tx)
    if database.dialect is Dialect.POSTGRESQL:
        gone["partitions"] = sum(_drop_due(database, retention, keep, now_ms) for keep in Keep)
    of_events = _ONE_TABLE if database.dialect is Dialect.SQLITE else _LEGACY if legacy else ()
    for rows in (*of_events, *_BESIDE):
        went = _delete(database, rows, retention.cut_ms(rows.keep, now_ms), rows in of_events)
        gone[rows.table] = gone.get(rows.table, 0) + went
    if legacy:
        _drop_legacy(database)
    gone["incident"] = _delete_incidents(database, retention, now_ms)
    return gone


def _drop_due(database: Database, retention: Retention, keep: Keep, now_ms: int) -> int:
    """Drop the tables of a kind that are past their keeping, each in a transaction of its own."""
    cut_ms = retention.cut_ms(keep, now_ms)
    dropped = 0
    while True:
        with database.transaction() as tx:
            tx.execute("SELECT pg_advisory_xact_lock(?)", (PARTITION_LOCK,))
            oldest = next(iter(partitions.attached(tx, keep)), None)
            if oldest is None or cut_ms < (
                oldest.from_ms if keep is Keep.PRESENCE else oldest.to_ms
            ):
                return dropped
            _note_unreached(tx, oldest.name, "TRUE", (), now_ms)
            outlived.save(tx, keep, oldest.to_ms)
            partitions.drop(tx, oldest)
        dropped += 1


def _drop_legacy(database: Database) -> None:
    """The table of before there were partitions, once it is empty."""
    with database.transaction() as tx:
        tx.execute("SELECT pg_advisory_xact_lock(?)", (PARTITION_LOCK,))
        if partitions.has_legacy(tx) and not tx.execute(f"SELECT 1 FROM {LEGACY} LIMIT 1"):  # noqa: S608
            partitions.drop(tx, partitions.Partition(LEGACY, 0, 0))


def _delete(database: Database, rows: Rows, cut_ms: int, of_events: bool) -> int:
    """Delete what is past its keeping from one table, STEP rows a transaction."""
    gone = 0
    for _ in range(STEPS_MAX):
        with database.transaction() as tx:
            if of_events:
                _note_unreached(tx, rows.table, rows.condition, (cut_ms,), cut_ms)
                outlived.save(tx, rows.keep, cut_ms)
            went = len(tx.execute(_delete_sql(tx, rows), (cut_ms, STEP)))
        gone += went
        if went < STEP:
            break
    return gone


def _delete_sql(tx: Transaction, rows: Rows) -> str:
    if tx.dialect is Dialect.SQLITE:
        found = f"SELECT rowid FROM {rows.table} WHERE {rows.condition} LIMIT ?"  # noqa: S608 - own names
        return f"DELETE FROM {rows.table} WHERE rowid IN ({found}) RETURNING 1"  # noqa: S608
    found = f"SELECT ctid FROM {rows.table} WHERE {rows.condition} LIMIT ?"  # noqa: S608
    return f"DELETE FROM {rows.table} WHERE ctid = ANY (ARRAY({found})) RETURNING 1"  # noqa: S608


def _note_unreached(
    tx: Transaction, table: str, condition: str, params: tuple[Value, ...], now_ms: int
) -> None:
    """Write down the numbers of rows that go although their lane has not come so far."""
    tx.execute(
        "INSERT INTO gap_range (gateway, epoch, lane, from_seq, to_seq, reason, rows, arrived_ms)"  # noqa: S608
        f" SELECT e.gateway, e.epoch, e.lane, e.seq, e.seq, ?, 1, ? FROM {table} e"
        " JOIN progress p ON p.gateway = e.gateway AND p.epoch = e.epoch AND p.lane = e.lane"
        f" WHERE p.top > p.upto AND e.seq > p.upto AND e.seq <= p.top AND {_of_event(condition)}"
        " ON CONFLICT DO NOTHING",
        (OUTLIVED, now_ms, *params),
    )


def _of_event(condition: str) -> str:
    """The condition's columns, said to be the event's where a lane has the same."""
    return condition.replace("lane = ", "e.lane = ")


def _delete_incidents(database: Database, retention: Retention, now_ms: int) -> int:
    """Incidents past their keeping, with everything that hangs on them."""
    gone = 0
    for _ in range(STEPS_MAX):
        with database.transaction() as tx:
            names = list(_old_incidents(tx, retention, now_ms))
            marks = ", ".join("?" * len(names))
            for table in _OF_INCIDENT if names else ():
                tx.execute(f"DELETE FROM {table} WHERE incident IN ({marks})", names)  # noqa: S608
            if names:
                tx.execute(f"DELETE FROM incident WHERE id IN ({marks})", names)  # noqa: S608
        gone += len(names)
        if len(names) < STEP // 10:
            break
    return gone


def _old_incidents(tx: Transaction, retention: Retention, now_ms: int) -> Iterator[str]:
    rows = tx.execute(
        "SELECT id FROM incident WHERE (class = 'p' AND opened_ms < ?)"
        " OR (class <> 'p' AND opened_ms < ? AND updated_ms < ?) ORDER BY opened_ms LIMIT ?",
        (
            retention.cut_ms(Keep.PRESENCE, now_ms),
            *(retention.cut_ms(Keep.ALARM, now_ms), retention.cut_ms(Keep.ALARM, now_ms)),
            STEP // 10,
        ),
    )
    return (text(row[0]) for row in rows)
