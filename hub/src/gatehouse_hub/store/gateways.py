"""The registry of gateways: whose site, whether there, which clock. One row each, written by ingest only."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from gatehouse_hub.ports import Row, Transaction
from gatehouse_hub.store.columns import integer, integer_or_none, text, text_or_none
from gatehouse_hub.values import Offset, Presence
from gatehouse_shared.events import ClockState
from gatehouse_shared.ids import shard_number
from gatehouse_shared.states import Birth


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRow:
    """What is known of a gateway. `presence_ms` is since when, `last_seen_ms` when anything of it was heard."""

    gateway: str
    site: str
    presence: Presence
    presence_reason: str
    presence_ms: int | None
    birth: Birth | None
    boot: str | None
    conn: int | None
    wire: int
    config_version: int | None
    clock: ClockState | None
    offset: Offset | None
    offset_at_ms: int | None
    last_seen_ms: int | None


_COLUMNS: Final = (
    "gateway, site, presence, presence_reason, presence_ms, birth, boot, conn, wire, config_version, "
    "clock, offset_ms, uncertainty_ms, offset_at_ms, last_seen_ms"
)
_BIRTH: Final = msgspec.json.Decoder(Birth)


def load_all(tx: Transaction) -> list[GatewayRow]:
    """Every registered gateway."""
    return [_gateway(r) for r in tx.execute(f"SELECT {_COLUMNS} FROM gateway ORDER BY gateway")]  # noqa: S608


def load_of_shards(tx: Transaction, shards: Collection[int]) -> list[GatewayRow]:
    """Gateways whose sites are routed by these shards."""
    if not shards:
        return []
    marks = ", ".join("?" * len(shards))
    sql = f"SELECT {_COLUMNS} FROM gateway WHERE shard IN ({marks}) ORDER BY gateway"  # noqa: S608
    return [_gateway(r) for r in tx.execute(sql, sorted(shards))]


def fill_shards(tx: Transaction) -> int:
    """Write the shard of gateways that were registered before shards were kept; how many sites that were."""
    rows = tx.execute("SELECT DISTINCT site FROM gateway WHERE shard IS NULL")
    tx.execute_many(
        "UPDATE gateway SET shard = ? WHERE site = ? AND shard IS NULL",
        [(shard_number(text(row[0])), text(row[0])) for row in sorted(rows, key=str)],
    )
    return len(rows)


def load_of_site(tx: Transaction, site: str) -> list[GatewayRow]:
    """Gateways of one site."""
    sql = f"SELECT {_COLUMNS} FROM gateway WHERE site = ? ORDER BY gateway"  # noqa: S608
    return [_gateway(r) for r in tx.execute(sql, (site,))]


def load(tx: Transaction, gateway: str) -> GatewayRow | None:
    """One gateway."""
    rows = tx.execute(f"SELECT {_COLUMNS} FROM gateway WHERE gateway = ?", (gateway,))  # noqa: S608
    return _gateway(rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class PresenceChange:
    """Whether a gateway is there, why we think so, and since when."""

    gateway: str
    presence: Presence
    reason: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class OffsetChange:
    """The clock offset that holds now."""

    gateway: str
    offset: Offset
    clock: ClockState
    at_ms: int


def save_births(tx: Transaction, births: Iterable[tuple[str, Birth]]) -> None:
    """What gateways said of themselves on connecting."""
    tx.execute_many(
        "UPDATE gateway SET boot = ?, conn = ?, wire = ?, software = ?, config_version = ?, clock = ?, birth = ? "
        "WHERE gateway = ?",
        [
            (
                *(birth.boot, birth.conn, birth.wire, birth.software, birth.config_version),
                *(birth.clock.value, msgspec.json.encode(birth).decode(), gateway),
            )
            for gateway, birth in births
        ],
    )


def save_presences(tx: Transaction, changes: Iterable[PresenceChange]) -> None:
    """Who is there."""
    tx.execute_many(
        "UPDATE gateway SET presence = ?, presence_reason = ?, presence_ms = ? WHERE gateway = ?",
        [(c.presence.value, c.reason, c.since_ms, c.gateway) for c in changes],
    )


def save_offsets(tx: Transaction, changes: Iterable[OffsetChange]) -> None:
    """Whose clock is how far off."""
    tx.execute_many(
        "UPDATE gateway SET offset_ms = ?, uncertainty_ms = ?, clock = ?, offset_at_ms = ? WHERE gateway = ?",
        [
            (*(c.offset.offset_ms, c.offset.uncertainty_ms, c.clock.value), *(c.at_ms, c.gateway))
            for c in changes
        ],
    )


def save_seen(tx: Transaction, seen: dict[str, int]) -> None:
    """When each was last heard."""
    tx.execute_many(
        "UPDATE gateway SET last_seen_ms = ? WHERE gateway = ?",
        [(at_ms, gateway) for gateway, at_ms in sorted(seen.items())],
    )


def _gateway(row: Row) -> GatewayRow:
    birth, clock, offset_ms = text_or_none(row[5]), text_or_none(row[10]), integer_or_none(row[11])
    return GatewayRow(
        gateway=text(row[0]),
        site=text(row[1]),
        presence=Presence(text(row[2])),
        presence_reason=text(row[3]),
        presence_ms=integer_or_none(row[4]),
        birth=_BIRTH.decode(birth) if birth else None,
        boot=text_or_none(row[6]),
        conn=integer_or_none(row[7]),
        wire=integer(row[8]),
        config_version=integer_or_none(row[9]),
        clock=ClockState(clock) if clock else None,
        offset=Offset(offset_ms, integer(row[12])) if offset_ms is not None else None,
        offset_at_ms=integer_or_none(row[13]),
        last_seen_ms=integer_or_none(row[14]),
    )
