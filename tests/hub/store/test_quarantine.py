"""What was refused can be looked at, and is bounded."""

from dataclasses import replace

from gatehouse_hub.ports import Database
from gatehouse_hub.store import quarantine, work
from gatehouse_hub.store.quarantine import (
    OWNER_MAX,
    PAYLOAD_MAX,
    UNREGISTERED,
    Refused,
    UnreadableAlarm,
)
from gatehouse_hub.values import EventKey
from gatehouse_shared.errors import RefusalReason
from gatehouse_shared.names import Lane
from gatehouse_shared.wire import sha256_hex
from gatehouse_testing.building import EPOCH, START_MS

KEY = EventKey("gw_1", EPOCH, Lane.ALARM, 7)


def refused(payload: bytes, owner: str = "gw_1", key: EventKey | None = None) -> Refused:
    return Refused(
        owner=owner,
        gateway="gw_1",
        sha256=sha256_hex(payload),
        reason=RefusalReason.NOT_JSON,
        message="not JSON",
        topic="gatehouse/v1/00/gw_1/up/alarm",
        key=key,
        payload=payload,
        size_bytes=len(payload),
        arrived_ms=START_MS,
    )


def test_bytes_of_any_kind_come_back_as_they_came(database: Database) -> None:
    payload = bytes(range(256))
    with database.transaction() as tx:
        quarantine.put(tx, [refused(payload, key=KEY), refused(b"\x00")])
        newest, first = quarantine.load_newest(tx, gateway="gw_1", before=None, limit=10)
        assert (newest.payload, newest.key) == (b"\x00", None)
        assert (first.payload, first.key, first.seen) == (payload, KEY, 1)
        assert quarantine.load(tx, first.number) == first
        assert quarantine.load_newest(tx, gateway=None, before=newest.number, limit=9) == [first]
        assert quarantine.load_newest(tx, gateway="gw_9", before=None, limit=9) == []


def test_one_copy_is_kept_of_what_comes_again(database: Database) -> None:
    with database.transaction() as tx:
        for _ in range(3):
            quarantine.put(tx, [refused(b"same"), refused(b"other")])
        kept = quarantine.load_newest(tx, gateway=None, before=None, limit=10)
    assert sorted((k.payload, k.seen) for k in kept) == [(b"other", 3), (b"same", 3)]


def test_of_something_huge_the_start_is_kept(database: Database) -> None:
    with database.transaction() as tx:
        quarantine.put(tx, [refused(b"x" * (PAYLOAD_MAX + 5))])
        (kept,) = quarantine.load_newest(tx, gateway=None, before=None, limit=1)
    assert (len(kept.payload), kept.size_bytes) == (PAYLOAD_MAX, PAYLOAD_MAX + 5)


def test_each_owner_keeps_its_newest_and_takes_no_room_from_others(database: Database) -> None:
    with database.transaction() as tx:
        quarantine.put(tx, [refused(b"quiet gateway", owner="gw_2")])
        quarantine.put(
            tx, [replace(refused(b"%d" % n), owner=UNREGISTERED) for n in range(OWNER_MAX + 3)]
        )
        counts = tx.execute("SELECT owner, COUNT(*) FROM quarantine GROUP BY owner ORDER BY owner")
        assert counts == [(UNREGISTERED, OWNER_MAX), ("gw_2", 1)]
        (oldest,) = tx.execute(
            "SELECT payload FROM quarantine WHERE owner = ? ORDER BY number LIMIT 1",
            (UNREGISTERED,),
        )
    assert oldest == (b"3",)


def test_an_unreadable_alarm_is_told_once_and_calls_the_linker(database: Database) -> None:
    alarm = UnreadableAlarm(KEY, "a" * 64, "testing", RefusalReason.WRONG_SCHEMA, START_MS)
    with database.transaction() as tx:
        quarantine.add_unreadable(tx, [alarm, alarm])
        assert quarantine.unreadable_alarms(tx, "testing", 0, 10) == [alarm]
        assert [p.site for p in work.claim(tx, 1, 0)] == ["testing"]
        quarantine.add_unreadable(tx, [alarm])
        assert work.claim(tx, 1, 0) == []
