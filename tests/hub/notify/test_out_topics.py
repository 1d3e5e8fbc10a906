"""What others are told: levels and minutes, cleared when they no longer hold."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gatehouse_hub.notify.out_messages import SiteNow, ZoneNow, out_messages
from gatehouse_hub.notify.out_topics import OutTopics
from gatehouse_hub.ports import Database
from gatehouse_hub.store.database import open_database
from gatehouse_hub.store.records import IncidentRecord
from gatehouse_shared.names import HazardClass, HazardKind
from gatehouse_shared.out import IncidentState, Level
from gatehouse_testing.desk import HandClock

NOW = datetime(2026, 5, 4, 12, 7, 31, tzinfo=UTC)
INCIDENT = IncidentRecord(
    id="a" * 32, site="court", kind=HazardKind.FIRE_SMOKE, hazard_class=HazardClass.THING, zone="shed", zones=("shed",),
    state=IncidentState.OPEN, priority="P1", opened_at=NOW - timedelta(seconds=47), updated_at=NOW, due_at=None, hazards=2,
    hazards_open=2, drill=False, historical=False, summary_en="Smoke", summary_zh_cn="烟雾", acknowledged_at=None,
    acknowledged_by=None, resolved_at=None, resolved_by=None, cause=None, merged_into=None,
)  # fmt: skip
COURT = SiteNow("court", (INCIDENT,), (ZoneNow("plaza", Level.WATCH, 23.0, NOW),), 3, 2)


class Retained:
    """A broker's retained messages, and whether it takes any."""

    def __init__(self) -> None:
        self.topics: dict[str, bytes] = {}
        self.log: list[str] = []
        self.away = False

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        if self.away:
            return False
        assert retain
        self.log.append(topic)
        self.topics.pop(topic, None)
        if payload:
            self.topics[topic] = payload
        return True


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = open_database(f"sqlite:{tmp_path / 'hub.db'}", HandClock())
    yield found
    found.close()


def test_others_hear_minutes_and_rounded_numbers() -> None:
    said = out_messages(COURT, NOW)
    assert set(said) == {
        "gatehouse/v1/out/court/t/incident/" + "a" * 32, "gatehouse/v1/out/court/zone/plaza", "gatehouse/v1/out/court/status"
    }  # fmt: skip
    zone, incident = (
        said["gatehouse/v1/out/court/zone/plaza"],
        said["gatehouse/v1/out/court/t/incident/" + "a" * 32],
    )
    assert getattr(zone, "count", None) == 25
    assert getattr(incident, "minute", None) == "2026-05-04T12:06:00.000Z"
    assert all(message.valid_until == "2026-05-04T12:37:00.000Z" for message in said.values())


def test_few_is_no_number_and_a_drill_is_nobodys_business() -> None:
    zones = (ZoneNow("plaza", Level.NORMAL, 9.4, NOW),)
    said = out_messages(SiteNow("court", (replace(INCIDENT, drill=True),), zones, 1, 1), NOW)
    assert [t for t in said if "incident" in t] == []
    assert b"count" not in repr(
        said["gatehouse/v1/out/court/zone/plaza"]
    ).encode() or "count=UNSET" in repr(said["gatehouse/v1/out/court/zone/plaza"])


def test_what_has_not_changed_is_not_said_again_until_half_its_time(database: Database) -> None:
    broker = Retained()
    topics = OutTopics(database, broker)
    assert topics.refresh("court", out_messages(COURT, NOW), NOW) == 3
    soon, later = NOW + timedelta(minutes=5), NOW + timedelta(minutes=16)
    assert topics.refresh("court", out_messages(COURT, soon), soon) == 0
    assert topics.refresh("court", out_messages(COURT, later), later) == 3


def test_an_incident_whose_class_changes_is_cleared_before_it_is_said_anew(
    database: Database,
) -> None:
    broker = Retained()
    topics = OutTopics(database, broker)
    topics.refresh("court", out_messages(COURT, NOW), NOW)
    broker.log.clear()
    helped = replace(COURT, incidents=(replace(INCIDENT, hazard_class=HazardClass.HELP),))
    topics.refresh("court", out_messages(helped, NOW), NOW)
    assert broker.log == [
        "gatehouse/v1/out/court/t/incident/" + "a" * 32,
        "gatehouse/v1/out/court/h/incident/" + "a" * 32,
    ]
    assert sum("incident" in topic for topic in broker.topics) == 1


def test_a_hub_that_starts_again_clears_what_it_said_before(database: Database) -> None:
    broker = Retained()
    OutTopics(database, broker).refresh("court", out_messages(COURT, NOW), NOW)
    again = OutTopics(database, broker)
    again.refresh("court", out_messages(replace(COURT, incidents=()), NOW), NOW)
    assert not any("incident" in topic for topic in broker.topics)
    again.clear_unknown(frozenset())
    assert broker.topics == {}


def test_what_a_broker_did_not_take_is_said_when_it_is_back(database: Database) -> None:
    broker = Retained()
    topics = OutTopics(database, broker)
    broker.away = True
    assert topics.refresh("court", out_messages(COURT, NOW), NOW) == 0
    broker.away = False
    assert topics.refresh("court", out_messages(COURT, NOW), NOW) == 3
