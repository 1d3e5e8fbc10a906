"""How far retention has come: for each kind of keeping, the time of arrival before which rows are gone."""

from gatehouse_hub.ports import Transaction
from gatehouse_hub.store.columns import integer
from gatehouse_hub.store.partitions import Keep


def load(tx: Transaction, keep: Keep) -> int:
    """Rows that came before this moment are gone; 0 when none went yet."""
    rows = tx.execute("SELECT before_ms FROM outlived WHERE keep = ?", (keep,))
    return integer(rows[0][0]) if rows else 0


def save(tx: Transaction, keep: Keep, before_ms: int) -> None:
    """Say that rows of a kind that came before a moment are gone; it never goes back."""
    tx.insert(
        "outlived",
        ("keep", "before_ms"),
        [(keep.value, before_ms)],
        "ON CONFLICT (keep) DO UPDATE SET before_ms = excluded.before_ms "
        "WHERE excluded.before_ms > outlived.before_ms",
    )
