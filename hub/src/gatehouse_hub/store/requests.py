"""Requests to gateways that must arrive: kept until answered or too late, sent again by ingest meanwhile.

Written in the transaction of the decision they follow from. The gateway knows a repeated one by its id.

Bounds  an unanswered request is given up after KEEP_MS; `load_waiting` reads at most `limit`.
"""

from dataclasses import dataclass
from typing import Final

from gatehouse_hub.ports import Row, Transaction
from gatehouse_hub.store.columns import integer, text

KEEP_MS: Final = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """A request without an answer. `body` is the wire struct as first written, JSON."""

    request: str
    gateway: str
    site: str
    verb: str
    body: str
    asked_ms: int


def ask(tx: Transaction, request: WaitingRequest) -> None:
    """Keep a request until it is answered."""
    tx.execute(
        "INSERT INTO gateway_request (request, gateway, site, verb, body, asked_ms) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (request) DO NOTHING",
        (
            *(request.request, request.gateway, request.site),
            *(request.verb, request.body, request.asked_ms),
        ),
    )


def load_waiting(tx: Transaction, now_ms: int, limit: int) -> list[WaitingRequest]:
    """Requests that are neither answered nor too old, oldest first."""
    rows = tx.execute(
        "SELECT request, gateway, site, verb, body, asked_ms FROM gateway_request "
        "WHERE outcome IS NULL AND asked_ms > ? ORDER BY asked_ms, request LIMIT ?",
        (now_ms - KEEP_MS, limit),
    )
    return [_request(row) for row in rows]


def answer(tx: Transaction, request: str, gateway: str, outcome: str, now_ms: int) -> bool:
    """A gateway has answered; False when nothing of the kind was asked of it, or it answered before."""
    rows = tx.execute(
        "UPDATE gateway_request SET outcome = ?, answered_ms = ? "
        "WHERE request = ? AND gateway = ? AND outcome IS NULL RETURNING request",
        (outcome, now_ms, request, gateway),
    )
    return bool(rows)


def _request(row: Row) -> WaitingRequest:
    return WaitingRequest(
        text(row[0]), text(row[1]), text(row[2]), text(row[3]), text(row[4]), integer(row[5])
    )
