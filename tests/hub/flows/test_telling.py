"""Who is told stands in the incident's own transaction: both are there or neither, and no recomputation tells it again."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from gatehouse_hub.api.desk import Desk
from gatehouse_hub.dispatching.telling import Consumer, What
from gatehouse_hub.dispatching.workflow import Cause
from gatehouse_hub.flows.on_turn import take_turn
from gatehouse_hub.flows.telling import tell
from gatehouse_hub.live.broadcast import Broadcast
from gatehouse_hub.notify.notices import Notice
from gatehouse_hub.ports import Database
from gatehouse_hub.store import consumers, desk, events, quarantine, sites, work
from gatehouse_hub.store.columns import text
from gatehouse_hub.store.database import open_database
from gatehouse_hub.store.quarantine import UnreadableAlarm
from gatehouse_hub.values import EventKey
from gatehouse_shared.errors import RefusalReason
from gatehouse_shared.events import ClockState, Event, HazardData
from gatehouse_shared.instants import parse_instant, to_ms
from gatehouse_shared.names import HazardClass, HazardKind, Lane, Phase
from gatehouse_shared.wire import build_event, encode, sha256_hex
from gatehouse_testing.desk import HandClock
from gatehouse_testing.sites import row_of_zones

SITE = row_of_zones(["shed", "lane", "moving", "standing", "lane", "shed"])
START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
NOW_MS = to_ms(START) + 10_000_000
EPOCH = "00112233445566aa"
PUBLIC = frozenset({HazardClass.THING, HazardClass.CROWD})
ALL = Consumer("all", frozenset(), frozenset(HazardClass), "P4")
PEOPLE = Consumer("people", frozenset({"testing"}), PUBLIC, "P3")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = open_database(database_url, HandClock())
    with found.transaction() as tx:
        sites.add(tx, SITE, 0)
        consumers.replace_consumers(tx, [ALL, PEOPLE], 0)
    yield found
    found.close()


def raised(seq: int, kind: str, zone: int, at_s: int, *, drill: bool = False) -> Event:
    data = HazardData(
        hazard=seq, phase=Phase.RAISED, kind=HazardKind(kind), zone=f"z{zone}", device=f"cam_{zone}", rule=f"r_{kind}"[:32],
        grade=3, confidence=20, confirm_s=0, armed=True, drill=drill,
    )  # fmt: skip
    return build_event(
        site="testing", gateway="gw_1", epoch=EPOCH, lane=Lane.ALARM, seq=seq, time=START + timedelta(seconds=at_s),
        clock=ClockState.SYNCED, data=data,
    )  # fmt: skip


def put(database: Database, *rows: Event, late: bool = False) -> None:
    with database.transaction() as tx:
        for event in rows:
            canonical = encode(event)
            at_ms = to_ms(parse_instant(event.time))
            key = EventKey("gw_1", event.epoch, event.lane, event.seq)
            new = events.NewRow(
                key=key, site="testing", event=event, canonical=canonical, sha256=sha256_hex(canonical), corrected_ms=at_ms,
                offset=None, arrived_ms=at_ms + (8 * 3_600_000 if late else 500), historical=late,
            )  # fmt: skip
            if not events.hashes(tx, [key]):
                events.record(tx, [new])
            work.add(tx, [work.Pending("testing", at_ms, at_ms + 500)])


def turn(database: Database) -> None:
    with database.transaction() as tx:
        take_turn(tx, NOW_MS)


def told(database: Database, consumer: Consumer = ALL) -> list[Notice]:
    with database.snapshot() as tx:
        rows = tx.execute(
            "SELECT body FROM notification WHERE consumer = ? ORDER BY number", (consumer.id,)
        )
    return [msgspec.json.decode(text(row[0]), type=Notice) for row in rows]


def whats(database: Database, consumer: Consumer = ALL) -> list[str]:
    return [notice.what.value for notice in told(database, consumer)]


def test_an_incident_calls_those_who_want_to_hear_of_it_and_says_what_others_may_know(
    database: Database,
) -> None:
    put(database, raised(1, "fire_smoke", 0, 95))
    turn(database)
    (notice,) = told(database, PEOPLE)
    assert (notice.what, notice.kind, notice.zone, notice.priority) == (What.OPENED, "fire_smoke", "z0", "P2")  # fmt: skip
    assert notice.minute == "2026-05-04T12:01:00.000Z"
    assert (notice.site, notice.incident) == ("testing", raised(1, "fire_smoke", 0, 95).id)
    assert notice.merged_into is msgspec.UNSET
    assert len(told(database, ALL)) == 1


def test_presence_is_told_to_those_who_are_named_for_it_alone(database: Database) -> None:
    put(database, raised(1, "help_button", 3, 0))
    turn(database)
    assert (whats(database, ALL), whats(database, PEOPLE)) == (["opened"], [])


def test_an_incident_that_holds_more_is_withdrawn_from_those_who_may_not_know(
    database: Database,
) -> None:
    put(database, raised(1, "crowd_density", 2, 0))
    turn(database)
    assert whats(database, PEOPLE) == ["opened"]
    with database.transaction() as tx:  # as a person down in the crowd makes it
        tx.execute("UPDATE incident SET class = 'h'")
    put(database, raised(2, "crowd_density", 2, 30))
    with database.transaction() as tx:
        tell(tx, [raised(1, "crowd_density", 2, 0).id], NOW_MS)
    last = told(database, PEOPLE)[-1]
    assert msgspec.to_builtins(last).keys() == {"notification", "what", "site", "incident"}
    assert last.what is What.WITHDRAWN


def test_a_drill_calls_nobody(database: Database) -> None:
    put(database, raised(1, "fire_smoke", 0, 0, drill=True))
    turn(database)
    assert whats(database) == []


def test_what_came_late_is_linked_and_calls_nobody(database: Database) -> None:
    put(database, *(raised(n + 1, "lane_blocked", 1, n * 4_000) for n in range(7)), late=True)
    turn(database)
    with database.snapshot() as tx:
        found = tx.execute("SELECT COUNT(*) FROM incident WHERE historical = 1")
    assert found == [(7,)]
    assert whats(database) == []


def test_a_late_row_makes_an_incident_more_urgent_without_a_call_and_a_live_one_calls(
    database: Database,
) -> None:
    put(database, raised(1, "fire_smoke", 0, 0))
    turn(database)
    put(database, raised(2, "thermal_hotspot", 0, 10), late=True)
    turn(database)
    assert whats(database) == ["opened"]
    put(database, raised(3, "fire_flame", 0, 20))
    turn(database)
    assert [(n.what, n.priority) for n in told(database)] == [("opened", "P2"), ("raised", "P1")]


def test_a_transaction_that_rolls_back_tells_nobody(database: Database) -> None:
    put(database, raised(1, "fire_smoke", 0, 0))

    def crashing_turn() -> None:
        with database.transaction() as tx:
            take_turn(tx, NOW_MS)
            assert tx.execute("SELECT COUNT(*) FROM notification") == [(2,)]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crashing_turn()
    assert told(database) == []
    turn(database)
    assert whats(database) == ["opened"]


def test_acts_of_the_desk_are_told_to_those_who_were_called(database: Database) -> None:
    put(database, raised(1, "fire_smoke", 0, 0), raised(2, "parking_full", 4, 0))
    turn(database)
    clock = HandClock()
    acting = Desk(database, clock, Broadcast(clock))
    for name in (raised(1, "fire_smoke", 0, 0).id, raised(2, "parking_full", 4, 0).id):
        record = acting.load_incident(name)
        assert record is not None
        for _ in range(2):  # twice does no harm
            acting.acknowledge(record, by="ada", at_site=False, note=None)
        acting.resolve(record, by="ada", cause=Cause.REAL, note="nobody's business")
    assert whats(database, PEOPLE) == ["opened", "acknowledged", "resolved"]
    assert [n.state for n in told(database, PEOPLE)] == ["open", "acknowledged", "resolved"]
    assert Counter(whats(database, ALL)) == {"opened": 2, "acknowledged": 2, "resolved": 2}
    with database.snapshot() as tx:
        assert "nobody" not in str(tx.execute("SELECT body FROM notification"))


def test_two_that_become_one_call_once_more_only_if_it_is_more_urgent(database: Database) -> None:
    first, second = raised(1, "lane_blocked", 1, 0), raised(9, "lane_blocked", 1, 3_000)
    put(database, first, second)
    turn(database)
    assert whats(database) == ["opened", "opened"]
    put(
        database, *(raised(2 + n, "lane_blocked", 1, at) for n, at in enumerate((600, 1200, 1800, 2400)))
    )  # fmt: skip
    turn(database)
    (merged,) = told(database)[2:]
    assert (merged.what, {merged.incident, merged.merged_into}) == ("merged", {first.id, second.id})
    with database.snapshot() as tx:
        record = desk.load_incident(tx, str(merged.merged_into))
    clock = HandClock()
    assert record is not None
    Desk(database, clock, Broadcast(clock)).acknowledge(record, by="ada", at_site=False, note=None)
    assert told(database)[-1].incident == merged.merged_into


def test_an_alarm_that_cannot_be_read_calls(database: Database) -> None:
    alarm = UnreadableAlarm(
        EventKey("gw_1", EPOCH, Lane.ALARM, 1), "0" * 64, "testing", RefusalReason.UNKNOWN_FIELD, NOW_MS
    )  # fmt: skip
    with database.transaction() as tx:
        quarantine.add_unreadable(tx, [alarm, replace(alarm, sha256="1" * 64)])
    turn(database)
    assert [(n.what, n.kind, n.priority) for n in told(database, PEOPLE)] == [("opened", "tamper", "P2")]  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_rows_in_any_order_with_doubles_never_tell_the_same_thing_twice(
    database: Database, seed: int
) -> None:
    draw = random.Random(seed)
    kinds = ["thermal_hotspot", "fire_smoke", "lane_blocked", "crowd_density", "help_button"]
    rows = [
        raised(n + 1, draw.choice(kinds), draw.randrange(6), draw.randrange(4 * 3600))
        for n in range(40)
    ]
    arriving = rows + draw.sample(rows, 10)
    draw.shuffle(arriving)
    for event in arriving:
        put(database, event)
        turn(database)
        turn(database)
    notices = told(database)
    assert len({n.notification for n in notices}) == len(notices)
    opened = Counter(n.incident for n in notices if n.what is What.OPENED)
    assert set(opened.values()) == {1}
    with database.snapshot() as tx:
        standing = {
            text(r[0]) for r in tx.execute("SELECT id FROM incident WHERE merged_into IS NULL")
        }
        into = {
            text(r[0]): text(r[1])
            for r in tx.execute(
                "SELECT id, merged_into FROM incident WHERE merged_into IS NOT NULL"
            )
        }
    known = set(opened) | {into[name] for name in opened if name in into}
    assert standing <= known, (
        "everything that stands was told, by itself or by what became part of it"
    )
