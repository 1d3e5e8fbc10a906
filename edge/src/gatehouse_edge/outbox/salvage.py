"""What can still be read of a damaged outbox. Its rows keep their keys; what is missing among them is named.

Trust   a row counts only when its payload reads as a row of this gateway whose id fits its key: flipped bits in numbers or bytes
        cannot make a row that was never written. Everything else in the file is believed only as far as it narrows that.
Bounds  at most PROBES_MAX steps over unreadable pages a lane; at most RANGES_MAX lost ranges, the rest joined.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import apsw

from gatehouse_edge.errors import OutboxError
from gatehouse_edge.outbox.rows import kind_of
from gatehouse_edge.outbox.schema import PAGE_BYTES, DamagedError, connect, first_int
from gatehouse_shared.errors import WireError
from gatehouse_shared.instants import format_instant
from gatehouse_shared.names import Lane
from gatehouse_shared.wire import Row, read_rows

PROBES_MAX: Final = 10_000
RANGES_MAX: Final = 1_000
_STRIDE: Final = 8


@dataclass(frozen=True, slots=True)
class Lost:
    """Numbers of one lane of an old epoch that are neither rows here nor known to be with the hub."""

    epoch: str
    lane: Lane
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Salvage:
    """What was saved: how many rows, the ranges that were lost, the state that still read, and where the damaged file lies."""

    rows: int
    lost: tuple[Lost, ...]
    state: dict[str, bytes]
    aside: Path


@dataclass(slots=True)
class _Lane:
    acked: int = 0
    last: int = 0
    rows: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])


def move_aside(path: Path) -> Path:
    """Rename the file and its WAL so that a new one can be made; the new name. Call `keep_aside` when all is saved in that."""
    aside = _aside_of(path)
    _move(path, aside, ("", "-wal"))
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    return aside


def resume_salvage(path: Path) -> None:
    """Where a process died between `move_aside` and the first commit of the new file, the damaged one is put back."""
    aside = _aside_of(path)
    if not aside.exists() or _has_epoch(path):
        return
    if path.exists():
        # Made after both renames: what lies here is the unfinished new one.
        for suffix in ("", "-wal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    _move(aside, path, ("-wal", ""))


def keep_aside(path: Path, now: datetime) -> Path | None:
    """The damaged file gets a name to stay under: its rows are in the new one. None where there is none."""
    aside = _aside_of(path)
    if not aside.exists():
        return None
    stamp = format_instant(now).replace(":", "").replace(".", "")
    kept = path.with_name(f"{path.name}.damaged-{stamp}")
    _move(aside, kept, ("-wal", ""))
    return kept


def _aside_of(path: Path) -> Path:
    return path.with_name(path.name + ".salvaging")


def _move(source: Path, target: Path, suffixes: tuple[str, str]) -> None:
    for suffix in suffixes:
        file = source.with_name(source.name + suffix)
        if file.exists():
            file.rename(target.with_name(target.name + suffix))


def _has_epoch(path: Path) -> bool:
    """Whether a file is an outbox that was begun."""
    if not path.exists():
        return False
    try:
        connection = connect(path, create=False)
    except (DamagedError, OutboxError, apsw.Error):
        return False
    try:
        return bool(first_int(connection, "SELECT count(*) FROM epochs WHERE current=1"))
    except apsw.Error:
        return False
    finally:
        connection.close()


def salvage_into(new: apsw.Connection, aside: Path, gateway: str) -> Salvage:
    """Copy every trustworthy row of the damaged file `aside` into the new one, under its own key in its old epoch.

    Where nothing reads, because the page with the names of the tables is gone, it is tried once more on a copy that has this page
    from a fresh file: every outbox is laid out alike.
    """
    salvage = _salvage(new, aside, gateway, aside)
    if salvage.rows or salvage.state or not aside.stat().st_size:
        return salvage
    copy = aside.with_name(aside.name + ".mended")
    try:
        _mend(aside, copy)
        return _salvage(new, copy, gateway, aside)
    except (OSError, apsw.Error, DamagedError):
        return salvage
    finally:
        for suffix in ("", "-wal", "-shm"):
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)


def _mend(aside: Path, copy: Path) -> None:
    """A copy of the file with the first page of an empty outbox, told its own number of pages and no free ones."""
    shutil.copyfile(aside, copy)
    fresh = copy.with_name(copy.name + "-fresh")
    try:
        connect(fresh, create=True).close()
        page = bytearray(fresh.read_bytes()[:PAGE_BYTES])
    finally:
        fresh.unlink(missing_ok=True)
    page[28:32] = (copy.stat().st_size // PAGE_BYTES).to_bytes(4, "big")
    page[32:40] = bytes(8)
    with copy.open("r+b") as file:
        file.write(page)


def _salvage(new: apsw.Connection, source: Path, gateway: str, aside: Path) -> Salvage:
    lanes: dict[tuple[str, Lane], _Lane] = {}
    state: dict[str, bytes] = {}
    count = 0
    old: apsw.Connection | None = None
    with suppress(apsw.Error):
        old = apsw.Connection(str(source))
        old.execute("PRAGMA locking_mode=EXCLUSIVE")
        _read_marks(old, lanes)
        _read_state(old, state)
    if old is not None:
        with new:
            for row, created_ms in _read_rows(old, gateway):
                count += _copy(new, row, created_ms, lanes)
            _write_marks(new, lanes)
        with suppress(apsw.Error):
            old.close()
    lost = [gap for key, lane in lanes.items() for gap in _missing(*key, lane)]
    return Salvage(count, tuple(lost), state, aside)


def _read_marks(old: apsw.Connection, lanes: dict[tuple[str, Lane], _Lane]) -> None:
    with suppress(apsw.Error, ValueError):
        for epoch, lane, last, acked in old.execute(
            "SELECT epoch, lane, last, acked FROM lanes JOIN epochs USING (n)"
        ):
            if isinstance(epoch, str) and len(epoch) == 16 and 0 <= acked <= last < 2**53:
                lanes[epoch, Lane(lane)] = _Lane(acked=acked, last=last)


def _read_state(old: apsw.Connection, state: dict[str, bytes]) -> None:
    with suppress(apsw.Error):
        for key, value in old.execute("SELECT key, value FROM state"):
            state[str(key)] = bytes(value)


def _read_rows(old: apsw.Connection, gateway: str) -> Iterator[tuple[Row, int]]:
    """Rows that read, walking over pages that do not."""
    with suppress(apsw.Error):
        numbers = [n for (n,) in old.execute("SELECT n FROM epochs")]
        for n in numbers or range(1, 17):
            for lane in Lane:
                for payload, created_ms in _walk(old, n, lane):
                    row = _trusted(payload, gateway)
                    if row is not None:
                        yield row, created_ms


def _walk(old: apsw.Connection, n: int, lane: Lane) -> Iterator[tuple[object, int]]:
    after, misses = 0, 0
    sql = "SELECT seq, payload, created_ms FROM rows WHERE n=? AND lane=? AND seq>? ORDER BY seq LIMIT 500"
    while misses < PROBES_MAX:
        found = 0
        try:
            for seq, payload, created_ms in old.execute(sql, (n, lane, after)):
                found += 1
                after = max(after + 1, int(seq))
                yield payload, int(created_ms or 0)
        except (apsw.Error, TypeError, ValueError):
            misses += 1
            after += _STRIDE * misses
            continue
        if not found:
            return


def _trusted(payload: object, gateway: str) -> Row | None:
    if not isinstance(payload, bytes):
        return None
    try:
        row = read_rows(payload)[0]
    except WireError:
        return None
    return row if isinstance(row, Row) and row.key.gateway == gateway else None


def _copy(
    new: apsw.Connection, row: Row, created_ms: int, lanes: dict[tuple[str, Lane], _Lane]
) -> int:
    key = row.key
    n = _epoch_number(new, key.epoch)
    kind, upto = kind_of(row.event)
    new.execute(
        "INSERT OR IGNORE INTO rows (n, lane, seq, upto, kind, created_ms, payload)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (n, key.lane, key.seq, upto, kind, created_ms, row.canonical),
    )
    if not new.changes():
        return 0
    lane = lanes.setdefault((key.epoch, key.lane), _Lane())
    lane.last = max(lane.last, upto)
    lane.rows.append((key.seq, upto))
    return 1


def _epoch_number(new: apsw.Connection, epoch: str) -> int:
    new.execute(
        "INSERT OR IGNORE INTO epochs (epoch, opened_ms, current) VALUES (?, 0, 0)", (epoch,)
    )
    row = new.execute("SELECT n FROM epochs WHERE epoch=?", (epoch,)).fetchone()
    assert row is not None
    return int(row[0])


def _write_marks(new: apsw.Connection, lanes: dict[tuple[str, Lane], _Lane]) -> None:
    for epoch in {epoch for epoch, _ in lanes}:
        n = _epoch_number(new, epoch)
        for lane in Lane:
            mark = lanes.get((epoch, lane), _Lane())
            new.execute(
                "INSERT OR REPLACE INTO lanes VALUES (?, ?, ?, ?)", (n, lane, mark.last, mark.acked)
            )


def _missing(epoch: str, lane: Lane, found: _Lane) -> list[Lost]:
    lost: list[Lost] = []
    expected = found.acked + 1
    for seq, upto in sorted(found.rows):
        if seq > expected:
            lost.append(Lost(epoch, lane, expected, seq - 1))
        expected = max(expected, upto + 1)
    if expected <= found.last:
        lost.append(Lost(epoch, lane, expected, found.last))
    if len(lost) <= RANGES_MAX:
        return lost
    rest = lost[RANGES_MAX - 1 :]
    return [*lost[: RANGES_MAX - 1], Lost(epoch, lane, rest[0].first, rest[-1].last)]
