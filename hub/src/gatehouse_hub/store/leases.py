"""Leases on numbered parts of the hub's work, and who the workers are. Decisions are in `leasing`.

A round is one transaction: enlist, read all leases of a kind (locked, so that rounds of several workers follow one another),
decide, write. All times are the database's, so that the clocks of machines do not matter.
"""

from collections.abc import Collection, Iterable
from typing import Final

from gatehouse_hub.leasing import NOBODY, Lease, LeaseDecision, LeaseStep
from gatehouse_hub.ports import Dialect, Transaction
from gatehouse_hub.store.columns import integer, text

_NOW: Final = {
    Dialect.POSTGRESQL: "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
    Dialect.SQLITE: "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
}


def now_ms(tx: Transaction) -> int:
    """What time it is by the database's clock."""
    return integer(tx.execute(_NOW[tx.dialect])[0][0])


def load(tx: Transaction, kind: str, parts: int) -> list[Lease]:
    """Every part of a kind in order, locked until the transaction ends; those that are new are nobody's."""
    lock = " FOR UPDATE" if tx.dialect is Dialect.POSTGRESQL else ""
    sql = f"SELECT number, holder, fence, until_ms FROM lease WHERE kind = ? ORDER BY number{lock}"  # noqa: S608
    rows = tx.execute(sql, (kind,))
    if len(rows) < parts:
        tx.execute_many(
            "INSERT INTO lease (kind, number, holder, fence, until_ms) VALUES (?, ?, ?, 0, 0) "
            "ON CONFLICT (kind, number) DO NOTHING",
            [(kind, number, NOBODY) for number in range(parts)],
        )
        rows = tx.execute(sql, (kind,))
    return [Lease(integer(r[0]), text(r[1]), integer(r[2]), integer(r[3])) for r in rows]


def enlist(tx: Transaction, kind: str, worker: str, until_ms: int) -> None:
    """The worker lives, at least until then."""
    tx.execute(
        "INSERT INTO worker (kind, name, until_ms) VALUES (?, ?, ?) "
        "ON CONFLICT (kind, name) DO UPDATE SET until_ms = excluded.until_ms",
        (kind, worker, until_ms),
    )


def live_workers(tx: Transaction, kind: str, at_ms: int) -> list[str]:
    """Workers that live by their own word; those that do not are forgotten."""
    tx.execute("DELETE FROM worker WHERE kind = ? AND until_ms <= ?", (kind, at_ms))
    rows = tx.execute("SELECT name FROM worker WHERE kind = ? ORDER BY name", (kind,))
    return [text(row[0]) for row in rows]


def save(
    tx: Transaction, kind: str, worker: str, decisions: Iterable[LeaseDecision], until_ms: int
) -> None:
    """Write what was decided about leases that `load` has locked."""
    taken: list[tuple[str, int, str, int]] = []
    released: list[tuple[str, str, int]] = []
    renewed = False
    for decision in decisions:
        number = decision.lease.number
        if decision.step is LeaseStep.TAKE:
            taken.append((worker, until_ms, kind, number))
        elif decision.step is LeaseStep.RELEASE:
            released.append((NOBODY, kind, number))
        else:
            renewed = True
    tx.execute_many("UPDATE lease SET holder = ? WHERE kind = ? AND number = ?", released)
    if renewed:
        tx.execute(
            "UPDATE lease SET until_ms = ? WHERE kind = ? AND holder = ?", (until_ms, kind, worker)
        )
    tx.execute_many(
        "UPDATE lease SET holder = ?, until_ms = ?, fence = fence + 1 WHERE kind = ? AND number = ?",
        taken,
    )


def retire(tx: Transaction, kind: str, worker: str) -> None:
    """The worker ends: what it held, locked by `load`, is free at once."""
    tx.execute("UPDATE lease SET holder = ? WHERE kind = ? AND holder = ?", (NOBODY, kind, worker))
    tx.execute("DELETE FROM worker WHERE kind = ? AND name = ?", (kind, worker))


def held_now(tx: Transaction, kind: str, worker: str, among: Collection[int]) -> frozenset[int]:
    """Which of these parts are the worker's. They stay so until the transaction ends: nobody else can take them before."""
    lock = " FOR SHARE" if tx.dialect is Dialect.POSTGRESQL else ""
    marks = ", ".join("?" * len(among))
    rows = tx.execute(
        f"SELECT number FROM lease WHERE kind = ? AND holder = ? AND number IN ({marks}) "  # noqa: S608
        f"ORDER BY number{lock}",
        (kind, worker, *sorted(among)),
    )
    return frozenset(integer(row[0]) for row in rows)
