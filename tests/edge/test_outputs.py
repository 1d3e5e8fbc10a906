"""Sirens, signs and speakers: on for as long as was asked, off whatever happens."""

from datetime import UTC, datetime, timedelta

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.app.outputs import Outputs
from gatehouse_edge.config import load_config
from gatehouse_edge.errors import ConfigError
from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.settings import MessageSpec, OutputSpec
from gatehouse_edge.transport.requests import Switching
from gatehouse_testing.rule_site import site_tree

NOON = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
SIREN = OutputSpec(topic="sirens/1/set", on='{"state":"ON"}', off='{"state":"OFF"}', longest_s=600)
LEAVE = MessageSpec(device="speaker_1", topic="speakers/1/say", payload="Please leave by the gate")


def at(seconds, *, time_known=True):
    return Moment(seconds, NOON + timedelta(seconds=seconds), time_known)


class Bench:
    """Outputs over a broker that is a list; `up` says whether it takes anything."""

    def __init__(self, folder):
        self.path = folder / "outbox.outputs.json"
        self.said, self.up = [], True
        self.outputs = self._made()

    def _made(self):
        return Outputs(self.path, {"siren_1": SIREN}, {"leave": LEAVE}, self._publish)

    def _publish(self, topic, payload):
        if self.up:
            self.said.append((topic, payload.decode()))
        return self.up

    def restart(self, now):
        self.outputs = self._made()
        self.outputs.resume(now)

    def on(self, left_s, now):
        return self.outputs.switch(Switching("siren_1", True, left_s), now)

    @property
    def sounds(self):
        last = [payload for topic, payload in self.said if topic == SIREN.topic]
        return bool(last) and last[-1] == SIREN.on


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_an_output_is_on_until_its_moment_and_then_off(bench):
    assert bench.on(60.0, at(0)) == "done"
    bench.outputs.step(at(59))
    assert bench.said == [("sirens/1/set", '{"state":"ON"}')]
    bench.outputs.step(at(60))
    bench.outputs.step(at(61))
    assert bench.said[1:] == [("sirens/1/set", '{"state":"OFF"}')]


def test_it_is_switched_off_when_asked_and_prolonged_when_asked_again(bench):
    bench.on(60.0, at(0))
    assert bench.on(300.0, at(30)) == "done"
    bench.outputs.step(at(100))
    assert bench.sounds
    assert bench.outputs.switch(Switching("siren_1", False, 100.0), at(110)) == "done"
    assert not bench.sounds


@pytest.mark.parametrize(
    ("switching", "outcome"),
    [
        (Switching("siren_2", True, 60.0), "unknown"),
        (Switching("siren_1", True, 601.0), "refused"),
        (Switching("siren_1", True, 0.0), "done"),
    ],
    ids=["not there", "longer than it may", "over already"],
)
def test_what_may_not_be_is_not_switched_on(bench, switching, outcome):
    assert bench.outputs.switch(switching, at(0)) == outcome
    assert not bench.sounds


def test_a_broker_that_is_away_means_not_done_and_never_later(bench):
    bench.up = False
    assert bench.on(60.0, at(0)) == "refused"
    bench.up = True
    bench.outputs.step(at(1))
    assert not bench.sounds


def test_off_is_said_until_the_broker_takes_it(bench):
    bench.on(60.0, at(0))
    bench.up = False
    bench.outputs.step(at(60))
    assert bench.outputs.switch(Switching("siren_1", False, 0.0), at(70)) == "refused"
    bench.up = True
    bench.outputs.step(at(90))
    assert not bench.sounds


def test_over_a_restart_it_stays_on_for_what_was_left_and_no_longer(bench):
    bench.on(60.0, at(0))
    bench.restart(at(20))
    bench.outputs.step(at(59))
    assert bench.sounds
    bench.outputs.step(at(60))
    assert not bench.sounds


def test_a_restart_long_after_switches_off_at_once_and_an_unknown_clock_adds_nothing(bench):
    bench.on(60.0, at(0))
    bench.restart(at(5000))
    bench.outputs.step(at(5000))
    assert not bench.sounds
    bench.on(60.0, at(6000))
    bench.restart(Moment(0.0, NOON - timedelta(days=9000), time_known=False))
    bench.outputs.step(at(60.0, time_known=False))
    assert not bench.sounds


@pytest.mark.parametrize("spoilt", [b"", b"{", b'{"format":2}', b" " * 70_000])
def test_a_file_that_does_not_read_switches_everything_off(bench, spoilt):
    bench.on(60.0, at(0))
    bench.path.write_bytes(spoilt)
    bench.restart(at(1))
    bench.outputs.step(at(1))
    assert not bench.sounds


def test_nothing_is_switched_on_that_could_not_be_written_down(bench, tmp_path):
    bench.outputs.path = tmp_path / "gone" / "outputs.json"
    assert bench.on(60.0, at(0)) == "refused"
    assert not bench.sounds


def test_an_agent_that_ends_leaves_nothing_on(bench):
    bench.on(60.0, at(0))
    bench.outputs.close(at(5))
    assert not bench.sounds


def test_a_registered_message_is_said_as_it_was_registered(bench):
    assert bench.outputs.announce("leave") == "done"
    assert bench.said == [("speakers/1/say", "Please leave by the gate")]
    assert bench.outputs.announce("sing") == "unknown"
    bench.up = False
    assert bench.outputs.announce("leave") == "refused"


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("on"), st.floats(0, 900)),
            st.tuples(st.just("off"), st.just(0.0)),
            st.tuples(st.just("wait"), st.floats(0, 400)),
            st.tuples(st.just("broker"), st.sampled_from([0.0, 1.0])),
            st.tuples(st.just("restart"), st.just(0.0)),
        ),
        max_size=25,
    )
)
def test_nothing_sounds_longer_than_it_may_after_it_was_last_asked_for(tmp_path_factory, steps):
    bench = Bench(tmp_path_factory.mktemp("outputs"))
    now, latest = 0.0, 0.0
    for what, value in steps:
        now += 1.0
        if what == "on" and bench.on(value, at(now)) == "done":
            latest = now + value
        elif what == "off":
            bench.outputs.switch(Switching("siren_1", False, 0.0), at(now))
        elif what == "wait":
            now += value
        elif what == "broker":
            bench.up = bool(value)
        elif what == "restart":
            bench.restart(at(now))
        bench.outputs.step(at(now))
        assert not (bench.sounds and bench.up and now > latest + 1e-3)


def _files(folder, **sensors):
    tree = site_tree()
    for name, kind in (("siren_1", "siren"), ("speaker_1", "speaker")):
        at_ = {"zone": "hall", "at": [0.0, 0.0], "gateway": "gw_1"}
        tree["devices"].append({"id": name, "kind": kind, **at_})
    (folder / "site.yaml").write_text(yaml.safe_dump(tree))
    known = {"smoke_1": {"topic": "a/b", "state": {"field": "", "means_true": ["ON"]}}}
    file = {
        "gateway": "gw_1",
        "site_file": "site.yaml",
        "hub": {"url": "mqtt://127.0.0.1:1883"},
        "sensors": {"devices": known, **sensors},
    }
    (folder / "gateway.yaml").write_text(yaml.safe_dump(file))
    return folder / "gateway.yaml"


def test_outputs_and_messages_are_named_in_the_gateways_file(tmp_path):
    outputs = {"siren_1": {"topic": "sirens/1/set"}}
    messages = {"leave": {"device": "speaker_1", "topic": "s/1", "payload": "go"}}
    config = load_config(_files(tmp_path, outputs=outputs, messages=messages))
    assert config.file.sensors.outputs["siren_1"].longest_s == 300


@pytest.mark.parametrize(
    ("sensors", "message"),
    [
        ({"outputs": {"smoke_1": {"topic": "a"}}}, "smoke_1 is a smoke"),
        ({"outputs": {"siren_9": {"topic": "a"}}}, "no device 'siren_9'"),
        ({"outputs": {"siren_1": {"topic": "a/#"}}}, "outputs"),
        ({"outputs": {"siren_1": {"topic": "a", "longest_s": 99_999}}}, "longest_s"),
        (
            {"messages": {"leave": {"device": "siren_1", "topic": "s", "payload": "go"}}},
            "siren_1 is a siren",
        ),
    ],
)
def test_what_cannot_be_switched_is_refused_in_the_file(tmp_path, sensors, message):
    with pytest.raises(ConfigError, match=message):
        load_config(_files(tmp_path, **sensors))
