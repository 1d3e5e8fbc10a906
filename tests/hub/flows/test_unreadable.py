"""An alarm that cannot be read opens an incident, whatever else goes wrong beside it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatehouse_hub.dispatching.workflow import Action, Cause
from gatehouse_hub.flows.on_turn import take_turn
from gatehouse_hub.ports import Database
from gatehouse_hub.store import desk, quarantine, sites, work
from gatehouse_hub.store.database import open_database
from gatehouse_hub.store.quarantine import UnreadableAlarm
from gatehouse_hub.store.records import IncidentRecord
from gatehouse_hub.values import EventKey
from gatehouse_shared.errors import RefusalReason
from gatehouse_shared.instants import to_ms
from gatehouse_shared.names import Lane
from gatehouse_shared.out import IncidentState
from gatehouse_shared.wire import sha256_hex
from gatehouse_testing.desk import HandClock
from gatehouse_testing.sites import row_of_zones

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
NOW_MS = to_ms(NOW)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = open_database(f"sqlite:{tmp_path / 'hub.db'}", HandClock())
    with found.transaction() as tx:
        sites.add(tx, row_of_zones(["shed", "lane"]), 0)
    yield found
    found.close()


def refuse(database: Database, gateway: str, *seqs: int, at_ms: int = NOW_MS) -> None:
    alarms = [
        UnreadableAlarm(
            EventKey(gateway, "0" * 16, Lane.ALARM, seq),
            sha256_hex(f"{gateway}/{seq}".encode()),
            "testing",
            RefusalReason.UNKNOWN_FIELD,
            at_ms,
        )
        for seq in seqs
    ]
    with database.transaction() as tx:
        quarantine.add_unreadable(tx, alarms)


def link(database: Database) -> tuple[IncidentRecord, ...]:
    with database.transaction() as tx:
        take_turn(tx, NOW_MS)
    with database.snapshot() as tx:
        return desk.list_incidents(
            tx, "testing", states=list(IncidentState), presence=True, limit=100, before_ms=None
        )


def test_it_opens_an_incident_that_names_the_gateway_and_nothing_of_the_content(
    database: Database,
) -> None:
    refuse(database, "gw_1", 7)
    (incident,) = link(database)
    assert (incident.priority, incident.summary_en) == ("P2", "Unreadable alarm from gw_1")
    assert incident.zone == "z0"


def test_a_broken_gateway_asks_once_and_hides_no_other(database: Database) -> None:
    refuse(database, "gw_1", *range(1, 400))
    refuse(database, "gw_2", 1, at_ms=NOW_MS + 1)
    found = link(database)
    assert sorted(i.summary_en for i in found) == [
        "Unreadable alarm from gw_1",
        "Unreadable alarm from gw_2",
    ]


def test_a_site_that_was_put_off_loses_none(database: Database) -> None:
    refuse(database, "gw_1", 1)
    with database.transaction() as tx:
        work.postpone(tx, "testing", NOW_MS - 60_000)
    assert len(link(database)) == 1


def test_after_it_was_resolved_the_next_one_opens_another(database: Database) -> None:
    refuse(database, "gw_1", 1)
    (first,) = link(database)
    with database.transaction() as tx:
        desk.take_action(tx, first.id, Action.RESOLVE, by="ada", at=NOW, cause=Cause.EQUIPMENT)
    refuse(database, "gw_1", 2, at_ms=NOW_MS + 5_000)
    assert len(link(database)) == 2
