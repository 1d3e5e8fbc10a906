"""The linker's turn over a real store: any order of arrival gives what replay gives, and people's acts hold."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from gatehouse_hub.dispatching.workflow import Action, Cause
from gatehouse_hub.flows.link_loop import LinkLoop
from gatehouse_hub.flows.on_turn import Turn, take_turn
from gatehouse_hub.linking.replay import replay
from gatehouse_hub.ports import Database
from gatehouse_hub.store import desk, events, sites, work
from gatehouse_hub.store.database import open_database
from gatehouse_hub.values import EventKey
from gatehouse_shared.events import ClockState, Event, HazardData, HazardEvent
from gatehouse_shared.instants import parse_instant, to_ms
from gatehouse_shared.names import HazardKind, Lane, Phase
from gatehouse_shared.offline import OfflineRow
from gatehouse_shared.out import IncidentState
from gatehouse_shared.site import Site, decode_site, site_to_tree
from gatehouse_shared.wire import build_event, encode, sha256_hex
from gatehouse_testing.desk import HandClock
from gatehouse_testing.hub_parts import CountingMetrics, HeardAnnouncer
from gatehouse_testing.sites import row_of_zones

SITE = row_of_zones(["shed", "lane", "moving", "standing", "lane", "shed"])
START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
EPOCH = "00112233445566aa"


def raised(seq: int, kind: str, zone: int, at_s: int) -> Event:
    data = HazardData(
        hazard=seq, phase=Phase.RAISED, kind=HazardKind(kind), zone=f"z{zone}", device=f"cam_{zone}", rule=f"r_{kind}"[:32],
        grade=3, confidence=20, confirm_s=0, armed=True, drill=False,
    )  # fmt: skip
    return build_event(
        site="testing", gateway="gw_1", epoch=EPOCH, lane=Lane.ALARM, seq=seq, time=START + timedelta(seconds=at_s),
        clock=ClockState.SYNCED, data=data,
    )  # fmt: skip


def put(database: Database, *rows: Event) -> None:
    with database.transaction() as tx:
        for event in rows:
            canonical = encode(event)
            at_ms = to_ms(parse_instant(event.time))
            new = events.NewRow(
                key=EventKey("gw_1", event.epoch, event.lane, event.seq), site="testing", event=event, canonical=canonical,
                sha256=sha256_hex(canonical), corrected_ms=at_ms, offset=None, arrived_ms=at_ms + 500, historical=False,
            )  # fmt: skip
            if not events.hashes(tx, [new.key]):
                events.record(tx, [new])
            work.add(tx, [work.Pending("testing", at_ms, at_ms + 500)])


def turn(database: Database) -> Turn | None:
    with database.transaction() as tx:
        return take_turn(tx, to_ms(START) + 10_000_000)


def partition(database: Database) -> set[frozenset[str]]:
    with database.snapshot() as tx:
        found = desk.list_incidents(
            tx, "testing", states=list(IncidentState), presence=True, limit=1000, before_ms=None
        )
        return {frozenset(desk.member_ids(tx, incident.id)) for incident in found}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = open_database(f"sqlite:{tmp_path / 'hub.db'}", HandClock())
    with found.transaction() as tx:
        sites.add(tx, SITE, 0)
    yield found
    found.close()


def night(seed: int, count: int = 60) -> list[Event]:
    draw = random.Random(seed)
    kinds = [
        "thermal_hotspot",
        "fire_smoke",
        "lane_blocked",
        "crowd_density",
        "help_button",
        "door_held",
    ]
    times = sorted(draw.randrange(6 * 3600) for _ in range(count))
    return [
        raised(n + 1, draw.choice(kinds), draw.randrange(6), at_s) for n, at_s in enumerate(times)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_one_by_one_in_any_order_with_doubles_is_what_replay_finds(
    database: Database, seed: int
) -> None:
    rows = night(seed)
    draw = random.Random(seed + 100)
    arriving = rows + draw.sample(rows, 10)
    draw.shuffle(arriving)
    for event in arriving:
        put(database, event)
        turn(database)
    found = {frozenset(i.events) for i in replay([OfflineRow(event) for event in rows], SITE)}
    assert partition(database) == found


def test_an_incident_keeps_its_id_when_an_earlier_row_comes_late(database: Database) -> None:
    put(database, raised(2, "fire_smoke", 0, 40))
    first = turn(database)
    assert first is not None
    put(database, raised(1, "thermal_hotspot", 0, 0))
    second = turn(database)
    assert second is not None
    assert second.opened == ()
    assert first.opened == second.changed == (raised(2, "fire_smoke", 0, 40).id,)
    with database.snapshot() as tx:
        incident = desk.load_incident(tx, first.opened[0])
    assert incident is not None
    assert (incident.hazards, incident.priority) == (2, "P1")
    assert incident.summary_en == "Smoke and hot spot: Zone 0"


def test_a_turn_without_news_changes_nothing(database: Database) -> None:
    put(database, raised(1, "thermal_hotspot", 0, 0))
    assert turn(database) is not None
    assert turn(database) is None
    put(database, raised(1, "thermal_hotspot", 0, 0))
    again = turn(database)
    assert again is not None
    assert again.changed == ()


def test_what_was_acknowledged_is_never_emptied_and_a_merge_is_proposed(database: Database) -> None:
    hot, smoke = raised(1, "lane_blocked", 1, 0), raised(2, "lane_blocked", 1, 900)
    put(database, hot, smoke)
    turn(database)
    with database.transaction() as tx:
        for event in (hot, smoke):
            desk.take_action(tx, event.id, Action.ACKNOWLEDGE, by="ada", at=START)
    before = partition(database)
    put(
        database,
        *(raised(3 + n, "lane_blocked", 1, at) for n, at in enumerate(range(90, 900, 90))),
    )
    turn(database)
    assert {hot.id, smoke.id} not in partition(database)
    assert len(partition(database)) == len(before)
    with database.snapshot() as tx:
        acts = [act.act for act in desk.load_acts(tx, smoke.id)]
    assert acts == ["acknowledged", "merge_proposed"]


def test_a_resolved_incident_takes_no_later_row(database: Database) -> None:
    put(database, raised(1, "lane_blocked", 1, 0))
    turn(database)
    with database.transaction() as tx:
        at = START + timedelta(seconds=60)
        desk.take_action(
            tx,
            raised(1, "lane_blocked", 1, 0).id,
            Action.RESOLVE,
            by="ada",
            at=at,
            cause=Cause.REAL,
        )
    put(database, raised(2, "lane_blocked", 1, 100))
    second = turn(database)
    assert second is not None
    assert second.opened == (raised(2, "lane_blocked", 1, 100).id,)


def test_a_crash_in_a_turn_leaves_the_site_waiting(database: Database) -> None:
    put(database, raised(1, "lane_blocked", 1, 0))

    class CrashError(Exception):
        pass

    def crashing_turn() -> None:
        with database.transaction() as tx:
            take_turn(tx, 0)
            raise CrashError

    with pytest.raises(CrashError):
        crashing_turn()
    found = turn(database)
    assert found is not None
    assert len(found.opened) == 1


def test_the_builder_makes_raised_hazards() -> None:
    assert isinstance(raised(1, "lane_blocked", 1, 0), HazardEvent)


def test_a_site_that_cannot_be_linked_does_not_hold_up_the_others(database: Database) -> None:
    other = msgspec.structs.replace(SITE, site="other")
    with database.transaction() as tx:
        sites.add(tx, renamed(other), 0)
    put(database, raised(1, "lane_blocked", 1, 0))
    with database.transaction() as tx:
        tx.execute("UPDATE event SET payload = 'not an event' WHERE site = 'testing'")
        work.add(tx, [work.Pending("other", 0, to_ms(START) + 10_000)])
    metrics = CountingMetrics()
    loop = LinkLoop(database, HandClock(), HeardAnnouncer(), metrics)
    assert loop.turn() is True
    with database.snapshot() as tx:
        assert [p.site for p in work.peek(tx, 10)] == ["testing", "other"]
    assert loop.turn() is True
    with database.snapshot() as tx:
        assert [p.site for p in work.peek(tx, 10)] == ["testing"]
    assert loop.turn() is False  # it waits before it is tried again
    assert metrics.counted["link_failures"] == 1


def renamed(site: Site) -> Site:
    """The same place with other names, since a hub gives no name twice."""
    tree = json.loads(json.dumps(site_to_tree(site)).replace("gw_1", "gw_2"))
    return decode_site(tree)


def test_an_incident_is_as_urgent_as_its_worst_moment(database: Database) -> None:
    first = raised(1, "crowd_density", 2, 0)
    assert isinstance(first, HazardEvent)
    worse = msgspec.structs.replace(first.data, phase=Phase.UPDATED, grade=4)
    calm = msgspec.structs.replace(first.data, phase=Phase.CLEARED, grade=1)
    put(database, first)
    turn(database)
    for seq, data in ((2, worse), (3, calm)):
        put(database, build_event(
            site="testing", gateway="gw_1", epoch=EPOCH, lane=Lane.ALARM, seq=seq, time=START + timedelta(hours=seq),
            clock=ClockState.SYNCED, data=data,
        ))  # fmt: skip
        turn(database)
    with database.snapshot() as tx:
        incident = desk.load_incident(tx, first.id)
    assert incident is not None
    assert incident.priority == "P2"
