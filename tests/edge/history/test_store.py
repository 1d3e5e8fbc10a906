"""The file of signals: bounded, private, in nobody's way, and begun anew when it is damaged."""

import stat

import pytest

from gatehouse_edge.errors import ConfigError
from gatehouse_edge.history.block import BlockError, decode
from gatehouse_edge.history.changes import changed_site, refusals
from gatehouse_edge.history.recorder import SignalRecorder
from gatehouse_edge.history.store import Bounds, HistoryError, SignalReader, SignalStore
from gatehouse_edge.ports import Heard
from gatehouse_edge.rules.build import build_rules
from gatehouse_edge.rules.observations import Tick
from gatehouse_edge.rules.ruleset import Judged, RulesState
from gatehouse_testing.keeping import keep
from gatehouse_testing.rule_site import rule_site, stories
from gatehouse_testing.watched import moment

ROOMY = Bounds(days=14, max_bytes=2**30, free_least_bytes=0)


def _told(recorder, first, last):
    for at in range(first, last):
        recorder.heard(Heard(Tick(), moment(at), RulesState(), RulesState(), Judged()))


def test_what_was_written_is_read_and_only_the_owner_may(tmp_path):
    path = tmp_path / "signals.db"
    recorder = SignalRecorder(path, ROOMY, {}, b"{}")
    _told(recorder, 0, 200)
    recorder.close()
    reader = SignalReader(path)
    assert len(reader.numbers(0, 2**60)) == 4
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    reader.close()


def test_a_reader_does_not_lose_the_writer_a_minute(tmp_path):
    path = tmp_path / "signals.db"
    recorder = SignalRecorder(path, ROOMY, {}, b"{}")
    _told(recorder, 0, 70)
    reader = SignalReader(path)
    busy = reader._db.execute("SELECT * FROM blocks")
    next(busy)
    _told(recorder, 70, 140)
    busy.close()
    _told(recorder, 140, 200)
    recorder.close()
    assert len(reader.numbers(0, 2**60)) == 4
    reader.close()


def test_a_damaged_file_is_moved_aside(tmp_path):
    path = tmp_path / "signals.db"
    path.write_bytes(b"no database at all" * 500)
    recorder = SignalRecorder(path, ROOMY, {}, b"{}")
    _told(recorder, 0, 70)
    recorder.close()
    assert (tmp_path / "signals.db.damaged").exists()
    assert recorder.blocks == 2


def test_the_file_is_given_up_when_the_outbox_needs_the_room(tmp_path):
    path = tmp_path / "signals.db"
    recorder = SignalRecorder(path, ROOMY, {}, b"{}")
    _told(recorder, 0, 70)
    assert path.exists()
    recorder.squeezed(moment(70))
    _told(recorder, 71, 300)
    assert not path.exists()
    _told(recorder, 300, 800)
    assert path.exists()


def test_nothing_is_written_on_a_disk_that_is_nearly_full(tmp_path):
    path = tmp_path / "signals.db"
    recorder = SignalRecorder(path, Bounds(14, 2**30, free_least_bytes=2**62), {}, b"{}")
    _told(recorder, 0, 200)
    recorder.close()
    assert recorder.bytes == 0


def test_the_oldest_minutes_give_way_to_days_and_bytes(tmp_path):
    _, story = stories()["lane_blocked"]
    block = decode(keep(rule_site(), story).blocks[0])
    store = SignalStore(tmp_path / "s.db", Bounds(1, 400_000, 0), b"{}", block.time_cs)
    for n in range(600):
        store.write(block, block.time_cs + n * 6000)
    store.close()
    assert (tmp_path / "s.db").stat().st_size < 500_000


@pytest.mark.parametrize("kept", [b"", b"nothing", b"x\x9c"])
def test_bytes_that_are_no_block_are_refused(kept):
    with pytest.raises(BlockError):
        decode(kept)


def test_no_file_says_what_to_do(tmp_path):
    with pytest.raises(HistoryError, match="Let the agent run"):
        SignalReader(tmp_path / "none.db")


def test_a_change_of_what_is_looked_for_is_refused_with_what_can_be():
    site = rule_site()
    changed = changed_site(site, None, ["fence_walk.least_path_m=2"], "--set")
    (why,) = refusals(site, build_rules(site, "gw_1"), changed, build_rules(changed, "gw_1"))
    assert "least_path_m" in why
    assert "dwell_s" in why


@pytest.mark.parametrize(
    "setting",
    [
        "fence_walk.dwell_s=5",
        "fence_stay.schedule=night",
        "lane_free.warn_s=90",
        "shed_hot.pre_c=50",
    ],
)
def test_timing_hours_and_rules_on_signals_can_be_rehearsed(setting):
    site = rule_site()
    changed = changed_site(site, None, [setting], "--set")
    assert changed != site
    assert not refusals(site, build_rules(site, "gw_1"), changed, build_rules(changed, "gw_1"))


def test_a_setting_of_no_rule_names_those_there_are():
    with pytest.raises(ConfigError, match="fence_walk"):
        changed_site(rule_site(), None, ["fence.dwell_s=5"], "--set")


def test_a_file_of_changes_keeps_other_parameters():
    tree = {"rules": [{"id": "fence_stay", "params": {"clear_s": 60}}], "remove": ["lane_free"]}
    changed = changed_site(rule_site(), tree, [], "new.yaml")
    (stay,) = [rule for rule in changed.rules if rule.id == "fence_stay"]
    assert stay.params == {"dwell_s": 60, "clear_s": 60}
    assert "lane_free" not in [rule.id for rule in changed.rules]
