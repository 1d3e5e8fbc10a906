"""What the hub has published, retained, under `out/`: remembered so that nothing stays behind when it no longer holds."""

from dataclasses import dataclass

from gatehouse_hub.ports import Transaction
from gatehouse_hub.store.columns import integer, text


@dataclass(frozen=True, slots=True)
class Said:
    """A retained payload and when it was last published."""

    topic: str
    payload: bytes
    said_ms: int


def load_said(tx: Transaction, site: str) -> dict[str, Said]:
    """Topic -> what stands there, for one site."""
    rows = tx.execute("SELECT topic, payload, said_ms FROM out_topic WHERE site = ?", (site,))
    said = (Said(text(t), text(p).encode(), integer(at)) for t, p, at in rows)
    return {s.topic: s for s in said}


def sites_said(tx: Transaction) -> list[str]:
    """Sites that have topics standing, also ones the hub no longer serves."""
    return [text(row[0]) for row in tx.execute("SELECT DISTINCT site FROM out_topic ORDER BY site")]


def remember(tx: Transaction, site: str, said: Said) -> None:
    """Published."""
    tx.execute(
        "INSERT INTO out_topic (topic, site, payload, said_ms) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (topic) DO UPDATE SET payload = excluded.payload, said_ms = excluded.said_ms",
        (said.topic, site, said.payload.decode(), said.said_ms),
    )


def forget(tx: Transaction, topic: str) -> None:
    """Cleared."""
    tx.execute("DELETE FROM out_topic WHERE topic = ?", (topic,))
