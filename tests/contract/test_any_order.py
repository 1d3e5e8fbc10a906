"""The hub's real ingest, store and linker under disorder: whatever the order, the doubles and the losses, the same is stored and
linked.
"""

import random
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatehouse_hub.flows.link_loop import LinkLoop
from gatehouse_hub.ingest.inbox import Arrival
from gatehouse_hub.ingest.late_alarms import HOLD_S
from gatehouse_hub.ports import Database
from gatehouse_hub.store import desk, events, progress, sites
from gatehouse_hub.store.database import open_database
from gatehouse_hub.values import LaneKey
from gatehouse_shared.commands import Ack
from gatehouse_shared.events import Event
from gatehouse_shared.names import HazardKind, Lane, Phase
from gatehouse_shared.out import IncidentState
from gatehouse_shared.wire import encode
from gatehouse_testing.building import (
    EPOCH,
    START_MS,
    Outbox,
    arrival,
    birth,
    rows_arrival,
    small_site,
)
from gatehouse_testing.hub_parts import Bench, TurnedClock

BOX = Outbox()
WINDOW = 100
KINDS = (HazardKind.CAMERA_COVERED, HazardKind.CAMERA_MOVED, HazardKind.LANE_BLOCKED)
CAME_S = 7_200.0
"""All rows arrive after they happened, so that no order of arrival moves their time."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a new hub."""
    path = tmp_path_factory.mktemp("empty") / "hub.db"
    database = open_database(f"sqlite:{path}", TurnedClock())
    with database.transaction() as tx:
        sites.add(tx, small_site(), START_MS)
    database.close()
    return path


def open_copy(empty: Path, folder: Path) -> Database:
    shutil.copy(empty, folder / "hub.db")
    return open_database(f"sqlite:{folder / 'hub.db'}", TurnedClock())


def lives(count: int, draw: random.Random) -> list[Event]:
    """Rows of an alarm lane: hazards that are raised, go on and end."""
    rows: list[Event] = []
    open_: list[tuple[int, HazardKind, str]] = []
    for seq in range(1, count + 1):
        at_s = 20.0 * seq
        if open_ and draw.random() < 0.5:
            hazard, kind, zone = draw.choice(open_)
            phase = draw.choice([Phase.UPDATED, Phase.CLEARED])
            if phase is Phase.CLEARED:
                open_.remove((hazard, kind, zone))
        else:
            hazard, kind, zone, phase = (
                seq,
                draw.choice(KINDS),
                draw.choice(["z0", "z1"]),
                Phase.RAISED,
            )
            open_.append((hazard, kind, zone))
        grade = draw.choice([2, 3, 4])
        rows.append(
            BOX.hazard(
                seq, at_s=at_s, hazard=hazard, phase=phase, kind=kind, zone=zone, grade=grade
            )
        )
    return rows


def disordered(rows: Sequence[Event], draw: random.Random) -> list[Event]:
    """10 % doubled, 10 % up to WINDOW places late, 1 % lost."""
    places = [
        (n + (draw.uniform(0, WINDOW) if draw.random() < 0.1 else 0), row)
        for n, row in enumerate(rows)
    ]
    places += [(n + draw.uniform(0, WINDOW), row) for n, row in places if draw.random() < 0.1]
    places = [pair for pair in places if draw.random() >= 0.01]
    return [row for _, row in sorted(places, key=lambda pair: pair[0])]


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 2**32))
def test_a_lane_is_stored_without_a_hole_and_as_if_in_order(
    empty: Path, memory_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    rows = lives(300, draw)
    database = open_copy(empty, memory_path)
    bench = Bench(database)
    worker = bench.worker()
    bench.give(arrival("state", encode(birth())))
    acked = 0
    for _ in range(20):
        coming = disordered([row for row in rows if row.seq > acked], draw)
        while coming:
            size = draw.randint(1, 8)
            message, coming = coming[:size], coming[size:]
            bench.give(rows_arrival(sorted(message, key=lambda row: row.seq), at_s=CAME_S))
            if draw.random() < 0.3:
                bench.turn(worker, 0.3, step_s=0.3)
        bench.turn(worker, 1.0, step_s=0.3)
        for ack in bench.broker.take("ack", Ack):
            assert ack.alarm >= acked
            acked = ack.alarm
            with database.snapshot() as tx:
                stored = events.lane_rows(tx, "gw_1", EPOCH, Lane.ALARM, after=0, limit=1_000)
            assert [row.key.seq for row in stored[:acked]] == list(range(1, acked + 1))
        if acked == len(rows):
            break
    assert acked == len(rows)
    with database.snapshot() as tx:
        assert progress.load(tx, LaneKey("gw_1", EPOCH, Lane.ALARM)) == len(rows)
        stored = events.lane_rows(tx, "gw_1", EPOCH, Lane.ALARM, after=0, limit=1_000)
        hazards = tx.execute("SELECT hazard, phase, latest_seq FROM hazard ORDER BY hazard")
    assert [row.event for row in stored] == rows
    latest = {row.data.hazard: row for row in rows}  # type: ignore[union-attr]
    assert hazards == [
        (number, row.data.phase.value, row.seq)  # type: ignore[union-attr]
        for number, row in sorted(latest.items())
    ]
    database.close()


def incidents(database: Database) -> bytes:
    """All incidents in bytes, each under its earliest row: its id is that of the row which opened it when it was first shown."""
    with database.snapshot() as tx:
        found = desk.list_incidents(
            tx, "testing", states=list(IncidentState), presence=True, limit=1_000, before_ms=None
        )
        told = [
            (
                desk.member_ids(tx, i.id),
                replace(i, id=desk.member_ids(tx, i.id)[0]),
                desk.load_story(tx, i.id),
            )
            for i in found
        ]
    return msgspec.json.encode(sorted(told, key=lambda one: one[0]))


def linked(database: Database, messages: Sequence[Arrival], draw: random.Random) -> bytes:
    """What comes of messages in this order, the linker taking turns whenever it likes."""
    bench = Bench(database)
    bench.clock.at_s = CAME_S
    worker = bench.worker()
    linker = LinkLoop(database, bench.clock, bench.announcer, bench.metrics)
    for message in messages:
        bench.give(message)
        if draw.random() < 0.4:
            bench.turn(worker, 1.0)
        if draw.random() < 0.4:
            while linker.turn():
                pass
    bench.turn(worker, HOLD_S + 1.0)  # late ones waited for their gateway's clock
    while linker.turn():
        pass
    return incidents(database)


@pytest.mark.parametrize("orders", [50, pytest.param(1_000, marks=pytest.mark.long)])
def test_any_order_and_doubling_gives_the_same_incidents_byte_for_byte(
    empty: Path, memory_path: Path, orders: int
) -> None:
    draw = random.Random(50)
    rows = lives(30, draw)
    expected: bytes | None = None
    for _ in range(orders):
        arriving = [*rows, *draw.sample(rows, 6)]
        if expected is not None:
            draw.shuffle(arriving)
        messages: list[Arrival] = []
        while arriving:
            size = draw.randint(1, 6)
            part = {row.seq: row for row in arriving[:size]}
            messages.append(rows_arrival([part[seq] for seq in sorted(part)], at_s=CAME_S))
            arriving = arriving[size:]
        database = open_copy(empty, memory_path)
        found = linked(database, messages, draw)
        database.close()
        expected = expected or found
        assert found == expected
    assert expected is not None
    assert expected.count(b'"id":') >= 3
