"""Rules that people put under maintenance: the file they write, and what the agent makes of it."""

import logging
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import yaml

from gatehouse_edge.app.maintenance import (
    ENTRIES_MAX,
    MaintenanceFile,
    Wish,
    begin,
    end,
    maintenance_path,
    read_entries,
    running,
)
from gatehouse_edge.app.upkeep import Upkeep
from gatehouse_edge.cli import main
from gatehouse_edge.clock import FixedClock
from gatehouse_edge.config import load_config
from gatehouse_edge.errors import ConfigError
from gatehouse_edge.rules.build import build_rules
from gatehouse_edge.rules.observations import MaintenanceOrder, Moment
from gatehouse_edge.values import Finding
from gatehouse_shared.names import HazardKind, Phase
from gatehouse_testing.rule_site import site_tree

NOON = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
HOT_WORK = Wish("shed_smoke", None, "Li Wei", "welding in the shed", 2.0)


@pytest.fixture
def config(tmp_path):
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(site_tree()))
    file = {
        "gateway": "gw_1",
        "site_file": "site.yaml",
        "hub": {"url": "mqtt://127.0.0.1:1883"},
        "outbox": {"path": "data/outbox.db"},
    }
    (tmp_path / "gateway.yaml").write_text(yaml.safe_dump(file))
    return load_config(tmp_path / "gateway.yaml")


@pytest.fixture
def clock():
    return FixedClock(NOON)


@pytest.fixture
def upkeep(config):
    return Upkeep(maintenance_path(config), build_rules(config.site, "gw_1"))


def at(seconds, *, time_known=True, set_back=timedelta()):
    return Moment(seconds, NOON + timedelta(seconds=seconds) - set_back, time_known)


def test_an_entry_says_who_hides_what_why_and_until_when(config, clock):
    entry = begin(config, HOT_WORK, clock)
    assert (entry.rule, entry.device) == ("shed_smoke", None)
    assert (entry.by, entry.reason) == ("Li Wei", "welding in the shed")
    assert entry.until - entry.begun == timedelta(hours=2)
    assert running(config, clock) == (entry,)
    assert maintenance_path(config).name == "outbox.maintenance.json"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": "gone"}, "no rule 'gone'"),
        ({"rule": None}, "not said what to hide"),
        ({"device": "smoke_1"}, "not said what to hide"),
        ({"rule": None, "device": "reader_1"}, "no rule of this gateway watches by 'reader_1'"),
        ({"rule": "lobby_help"}, "lobby_help is a help_button"),
        ({"rule": "lobby_panel"}, "lobby_panel is a panel_alarm"),
        ({"hours": 8.01}, "8.01 hours"),
        ({"hours": 0.0}, "0 hours"),
        ({"hours": float("nan")}, "nan hours"),
        ({"by": " "}, "--by: no words"),
        ({"reason": "two\nlines"}, "--reason: no words"),
        ({"reason": "x" * 201}, "--reason: no words"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_and_nothing_is_written(config, clock, change, message):
    with pytest.raises(ConfigError, match=message):
        begin(config, replace(HOT_WORK, **change), clock)
    assert running(config, clock) == ()


def test_what_has_ended_makes_room_and_there_is_no_more_than_the_bound(config, clock):
    for _ in range(ENTRIES_MAX):
        begin(config, HOT_WORK, clock)
    with pytest.raises(ConfigError, match="are running"):
        begin(config, HOT_WORK, clock)
    clock.time += timedelta(hours=3)
    begin(config, HOT_WORK, clock)
    assert len(read_entries(maintenance_path(config))) == 1


def test_writers_at_once_lose_nothing(config, clock):
    threads = [threading.Thread(target=begin, args=(config, HOT_WORK, clock)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(running(config, clock)) == 12
    left = {p.name for p in maintenance_path(config).parent.iterdir()}
    assert left == {"outbox.maintenance.json", "outbox.maintenance.lock"}


def test_one_is_ended_before_its_time_by_its_id(config, clock):
    one, other = begin(config, HOT_WORK, clock), begin(config, HOT_WORK, clock)
    assert end(config, one.id) == one
    assert running(config, clock) == (other,)
    with pytest.raises(ConfigError, match="there is no"):
        end(config, one.id)


def test_the_agent_hides_a_rule_from_the_moment_it_reads_of_it_until_the_end(config, clock, upkeep):
    assert upkeep.step(at(0)) is None
    begin(config, HOT_WORK, clock)
    assert upkeep.step(at(1)) == MaintenanceOrder(frozenset({"shed_smoke"}))
    assert upkeep.step(at(2)) is None
    assert upkeep.step(at(7199)) is None
    assert upkeep.step(at(7200)) == MaintenanceOrder(frozenset())


def test_a_device_is_all_its_rules(config, clock, upkeep):
    begin(config, replace(HOT_WORK, rule=None, device="contact_1"), clock)
    assert upkeep.step(at(0)) == MaintenanceOrder(frozenset({"lobby_held", "lobby_forced"}))


def test_one_that_is_ended_by_hand_is_over_within_a_second(config, clock, upkeep):
    entry = begin(config, HOT_WORK, clock)
    upkeep.step(at(0))
    end(config, entry.id)
    assert upkeep.step(at(1)) == MaintenanceOrder(frozenset())


def test_a_wall_clock_that_is_set_back_makes_none_longer(config, clock, upkeep):
    begin(config, HOT_WORK, clock)
    upkeep.step(at(0))
    back = timedelta(hours=1)
    assert upkeep.step(at(7199, set_back=back)) is None
    assert upkeep.step(at(7201, set_back=back)) == MaintenanceOrder(frozenset())
    assert upkeep.step(at(7300, set_back=back)) is None, "it does not begin again"


def test_while_the_time_is_unknown_it_lasts_as_long_as_was_asked_and_no_longer(
    config, clock, upkeep
):
    begin(config, HOT_WORK, clock)
    lost = timedelta(days=20_000)
    assert upkeep.step(at(50, time_known=False, set_back=lost)) is not None
    assert upkeep.step(at(7249, time_known=False, set_back=lost)) is None
    over = upkeep.step(at(7251, time_known=False, set_back=lost))
    assert over == MaintenanceOrder(frozenset())


def test_an_entry_of_yesterday_or_of_another_clock_hides_nothing(config, clock, upkeep):
    begin(config, HOT_WORK, clock)
    assert upkeep.step(at(8000)) is None
    ahead = Upkeep(upkeep.path, upkeep.rules)
    assert ahead.step(at(0, set_back=timedelta(hours=1))) is None


def test_it_goes_on_over_a_restart(config, clock, upkeep):
    begin(config, HOT_WORK, clock)
    upkeep.step(at(0))
    again = Upkeep(upkeep.path, upkeep.rules)
    assert again.step(at(3600)) == MaintenanceOrder(frozenset({"shed_smoke"}))
    assert again.step(at(7200)) == MaintenanceOrder(frozenset())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: b"\xff\xfe",
        lambda text: text.replace(b'"format":1', b'"format":2'),
        lambda text: text.replace(b"T14:00:00Z", b"T23:00:00Z"),
        lambda text: text.replace(b'"rule":"shed_smoke"', b'"rule":null'),
        lambda text: text.replace(b"Li Wei", b"Li\\nWei"),
        lambda text: text + b" " * 70_000,
    ],
    ids=["cut", "no text", "later format", "too long", "nothing", "two lines", "too large"],
)
def test_a_file_that_does_not_read_hides_nothing_and_is_logged_once(
    config, clock, upkeep, caplog, spoil
):
    begin(config, HOT_WORK, clock)
    upkeep.step(at(0))
    path = maintenance_path(config)
    path.write_bytes(spoil(path.read_bytes()))
    with caplog.at_level(logging.ERROR):
        assert upkeep.step(at(1)) == MaintenanceOrder(frozenset())
        assert upkeep.step(at(2)) is None
    assert [r.levelno for r in caplog.records].count(logging.ERROR) == 1
    assert "under maintenance" in caplog.text
    with pytest.raises(ConfigError):
        running(config, clock)


def test_what_was_hidden_is_logged_and_counted(config, clock, upkeep, caplog):
    entry = begin(config, HOT_WORK, clock)
    with caplog.at_level(logging.WARNING):
        upkeep.step(at(0))
        for _ in range(3):
            upkeep.hid([_smoke()])
        upkeep.step(at(7200))
    assert f"maintenance {entry.id} of rule shed_smoke begins" in caplog.text
    assert "by Li Wei: welding in the shed" in caplog.text
    assert caplog.text.count("hides fire_smoke of rule shed_smoke") == 3
    assert (
        f"maintenance {entry.id} of rule shed_smoke is over; 3 hazards were hidden" in caplog.text
    )


def _smoke():
    return Finding(
        rule="shed_smoke",
        zone="shed",
        device="smoke_1",
        kind=HazardKind.FIRE_SMOKE,
        phase=Phase.RAISED,
        time=NOON,
    )


def test_the_command_line_begins_lists_and_ends(config, capsys):
    file = str(config.folder / "gateway.yaml")
    words = ["--by", "Li Wei", "--reason", "painting", "--hours", "1"]
    assert main(["maintenance", "begin", "--device", "button_1", *words, "--config", file]) == 0
    said = capsys.readouterr().out
    assert "device button_1 until" in said
    assert "rule lobby_help (help_button) stays awake" in said
    assert main(["maintenance", "list", "--config", file]) == 0
    listed = capsys.readouterr().out
    assert "by Li Wei: painting" in listed
    assert main(["maintenance", "end", listed.split()[0], "--config", file]) == 0
    assert main(["maintenance", "list", "--config", file]) == 0
    assert "nothing is under maintenance" in capsys.readouterr().out
    assert main(["maintenance", "begin", "lobby_help", *words, "--config", file]) == 2
    assert "never hidden" in capsys.readouterr().err


def test_the_file_reads_as_it_is_written(config, clock):
    begin(config, HOT_WORK, clock)
    data = maintenance_path(config).read_bytes()
    assert msgspec.json.decode(data, type=MaintenanceFile).entries[0].by == "Li Wei"
