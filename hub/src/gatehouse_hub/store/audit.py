"""The audit log: who did what, each entry chained by hash to the one before it.

`hash` = SHA-256(hash of the entry before + canonical JSON of the entry). `audit_head` holds the last number and hash, so
that a cut-off tail is found as well as a changed, removed, inserted or moved entry. Entries are never deleted here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from gatehouse_hub.ports import Row, Transaction
from gatehouse_hub.store.columns import integer, text, text_or_none
from gatehouse_shared.instants import from_ms, to_ms

PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did: `action` such as `session.open`, `object` what it was done to."""

    at: datetime
    actor: str
    action: str
    site: str | None = None
    object: str | None = None
    detail: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """An act with its number and its link in the chain."""

    number: int
    at: datetime
    actor: str
    action: str
    site: str | None
    object: str | None
    detail: Mapping[str, str]
    hash: str


def append_act(tx: Transaction, act: Act) -> int:
    """Write an act down; its number. Holds the head of the chain until the transaction ends."""
    rows = tx.execute(
        "UPDATE audit_head SET number = number + 1 WHERE one = 1 RETURNING number, hash"
    )
    number, before = integer(rows[0][0]), text(rows[0][1])
    record = AuditRecord(
        number=number, at=from_ms(to_ms(act.at)), actor=act.actor, action=act.action,
        site=act.site, object=act.object, detail=act.detail, hash="",
    )  # fmt: skip
    link = chain_hash(before, record)
    tx.execute(
        "INSERT INTO audit (number, at_ms, actor, action, site, object, detail, hash)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            to_ms(act.at),
            act.actor,
            act.action,
            act.site,
            act.object,
            msgspec.json.encode(act.detail, order="sorted").decode(),
            link,
        ),
    )
    tx.execute("UPDATE audit_head SET hash = ? WHERE one = 1", (link,))
    return number


def chain_hash(before: str, record: AuditRecord) -> str:
    """The hash that an entry must have after one with the hash `before`."""
    fields = (
        record.number,
        to_ms(record.at),
        record.actor,
        record.action,
        record.site,
        record.object,
        record.detail,
    )
    return hashlib.sha256(before.encode() + msgspec.json.encode(fields, order="sorted")).hexdigest()


def list_audit(tx: Transaction, limit: int, before: int | None) -> tuple[AuditRecord, ...]:
    """Newest first, numbers below `before`."""
    rows = tx.execute(
        "SELECT number, at_ms, actor, action, site, object, detail, hash FROM audit"
        " WHERE number < ? ORDER BY number DESC LIMIT ?",
        (2**62 if before is None else before, limit),
    )
    return tuple(_record(row) for row in rows)


def find_broken(tx: Transaction) -> int | None:
    """The first number at which the chain does not hold; None when all of it does."""
    before, expected = "", 1
    while rows := tx.execute(
        "SELECT number, at_ms, actor, action, site, object, detail, hash FROM audit"
        " WHERE number >= ? ORDER BY number LIMIT ?",
        (expected, PAGE),
    ):
        for row in rows:
            record = _record(row)
            if record.number != expected or record.hash != chain_hash(before, record):
                return expected
            before, expected = record.hash, expected + 1
    head = tx.execute("SELECT number, hash FROM audit_head WHERE one = 1")
    count = tx.execute("SELECT count(*) FROM audit")
    whole = head == [(expected - 1, before)] and integer(count[0][0]) == expected - 1
    return None if whole else expected


def _record(row: Row) -> AuditRecord:
    number, at_ms, actor, action, site, object_, detail, hash_ = row
    return AuditRecord(
        number=integer(number),
        at=from_ms(integer(at_ms)),
        actor=text(actor),
        action=text(action),
        site=text_or_none(site),
        object=text_or_none(object_),
        detail=msgspec.json.decode(text(detail), type=dict[str, str]),
        hash=text(hash_),
    )
