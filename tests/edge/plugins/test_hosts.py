"""Plug-ins at work beside an agent: what they say reaches the rules, what they may not say does not, and no time is lost."""

import logging
import os
import signal
from collections.abc import Callable, Iterator

import pytest

from gatehouse_edge.clock import SystemClock
from gatehouse_edge.plugins.hosts import QUEUE_MAX, RuleHost
from gatehouse_edge.plugins.judging import Bound
from gatehouse_edge.plugins.spec import Code
from gatehouse_edge.rules.observations import Observation, PluginSample
from gatehouse_shared.names import HazardKind
from gatehouse_testing.kinds import those
from gatehouse_testing.plugged import about, people, rule_code, rule_start, signals
from gatehouse_testing.waiting import wait_until

PLANTED = """
view = zone
if self.steps == 1:
    try: open("/etc/passwd")
    except PermissionError: pass
elif self.steps == 2:
    import socket
elif self.steps == 3:
    return view.frame
elif self.steps == 4:
    return Condition(on=True, kind="face_match")
return Condition(on=True, reason="all is as it should be")
"""


class Stage:
    """A host on a stage: `told` is what the rules were told, `breaches` what the agent was."""

    def __init__(
        self, code: Code, *bounds: Bound, every_s: float = 1.0, answer_s: float = 1.0
    ) -> None:
        self.told: list[Observation] = []
        self.breaches: list[str] = []
        start = rule_start(code, tuple(dict(b.params) for b in bounds), answer_s=answer_s)
        self.host = RuleHost(
            start, bounds, every_s, SystemClock(), self.told.append, self.breaches.append
        )

    @property
    def samples(self) -> list[PluginSample]:
        return those(PluginSample, self.told)

    def begin(self) -> "Stage":
        self.host.start()
        wait_until(lambda: self.host.running, what="the plug-in runs")
        return self


Make = Callable[..., Stage]


@pytest.fixture
def stage(caplog: pytest.LogCaptureFixture) -> Iterator[Make]:
    caplog.set_level(logging.INFO)
    made: list[Stage] = []

    def make(code: Code, *bounds: Bound, **more: float) -> Stage:
        made.append(Stage(code, *(bounds or (about(),)), **more))
        return made[-1]

    yield make
    for one in made:
        one.host.close()
        assert one.host.pid is None


def test_what_a_plug_in_says_of_its_zone_reaches_its_rule(stage: Make) -> None:
    on = stage(
        rule_code("return Condition(on=zone.count('person') > 3, grade=2, confidence=7)")
    ).begin()
    on.host.hear(signals(people(9), at=1.0))
    wait_until(lambda: on.samples)
    assert on.samples == [
        PluginSample(
            "hall_rule", "hall", "cam_1", 1.0, signals(at=1.0).time, True, True, 2, 7, None, ""
        )
    ]


def test_a_planted_plug_in_is_refused_four_times(
    stage: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """A file, a socket, a frame, a kind that nobody registered; then it behaves, and is heard."""
    on = stage(rule_code(PLANTED)).begin()
    for at in range(5):
        on.host.hear(signals(people(1), at=float(at)))
    wait_until(lambda: any(s.at == 4.0 for s in on.samples))
    assert [s.at for s in on.samples] == [0.0, 4.0], (
        "a file's refusal was caught; the others said nothing"
    )
    said = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    expected = (
        "refused: open a file (open '/etc/passwd')",
        "refused: import socket",
        "rule hall_rule: ImportError: a plug-in may not import socket",
        "rule hall_rule: NotGivenError: no frame here: a plug-in is given signals of zones, never frames",
        "rule hall_rule: the kind 'face_match' is not registered",
    )
    assert len(said) == len(expected)
    for line, words in zip(said, expected, strict=True):
        assert line.startswith(f"plug-in planted: {words}")


KINDS = {
    "help_button": "no plug-in may raise help_button: it is about people",
    "dwell": "no plug-in may raise dwell: it is about people",
    "thermal_hotspot": "a camera may not raise thermal_hotspot",
    "fire_smoke": "rule hall_rule is about lane_blocked, not fire_smoke",
}


def test_only_the_kind_of_its_rule_may_be_meant(
    stage: Make, caplog: pytest.LogCaptureFixture
) -> None:
    on = stage(
        rule_code(f"return Condition(on=True, kind={[*KINDS, 'lane_blocked']}[self.steps - 1])")
    ).begin()
    for at in range(5):
        on.host.hear(signals(at=float(at)))
    wait_until(lambda: on.samples)
    assert [s.at for s in on.samples] == [4.0]
    for words in KINDS.values():
        assert words in caplog.text


def test_a_crowd_of_nine_is_said_to_be_none(stage: Make, caplog: pytest.LogCaptureFixture) -> None:
    crowd = about(HazardKind.CROWD_DENSITY)
    on = stage(rule_code("return Condition(on=True, count=9)"), crowd).begin()
    for at in range(3):
        on.host.hear(signals(at=float(at)))
    wait_until(lambda: len(on.samples) == 3)
    assert caplog.text.count("needs a count of 10 persons or more") == 1


def test_it_is_given_signals_at_its_own_rate_and_of_its_own_zones(stage: Make) -> None:
    on = stage(rule_code("return Condition(on=False)"), every_s=5.0).begin()
    for at in range(12):
        on.host.hear(signals(at=float(at), zone="elsewhere"))
        on.host.hear(signals(at=float(at)))
    wait_until(lambda: len(on.samples) == 3)
    assert [s.at for s in on.samples] == [0.0, 5.0, 10.0]


def test_a_slow_plug_in_loses_signals_and_the_agent_no_time(
    stage: Make, caplog: pytest.LogCaptureFixture
) -> None:
    body = "import math\nfor n in range(3_000_000): pass\nreturn Condition(on=False)"
    on = stage(rule_code(body), answer_s=10.0).begin()
    clock = SystemClock()
    began_s = clock.monotonic_s()
    for at in range(5 * QUEUE_MAX):
        on.host.hear(signals(at=float(at)))
    assert clock.monotonic_s() - began_s < 1.0, "of some twenty seconds that it would take"
    assert caplog.text.count("is too slow; signals are let go") == 1


def test_a_plug_in_that_hangs_is_started_again(
    stage: Make, caplog: pytest.LogCaptureFixture
) -> None:
    on = stage(
        rule_code("while zone.at_s < 1: pass\nreturn Condition(on=True)"), answer_s=0.2
    ).begin()
    on.host.hear(signals(at=0.0))
    wait_until(lambda: "no answer within 0.2 s; trying again" in caplog.text)
    wait_until(lambda: caplog.text.count("plug-in planted runs") == 2)
    on.host.hear(signals(at=1.0))
    wait_until(lambda: on.samples)
    assert on.breaches == []


def test_one_that_leaves_its_cage_is_not_started_again(
    stage: Make, caplog: pytest.LogCaptureFixture
) -> None:
    on = stage(rule_code("silence()\nreach('os').fork()", escape=True)).begin()
    on.host.hear(signals())
    wait_until(lambda: on.breaches)
    assert "it made a call that plug-ins may not make" in on.breaches[0]
    wait_until(lambda: not on.host.running)
    assert "it is not started again" in caplog.text
    assert on.host.pid is None


def test_one_that_dies_unasked_is_noticed(stage: Make) -> None:
    """No question is under way when it happens."""
    on = stage(rule_code("return None")).begin()
    pid = on.host.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: on.host.running and on.host.pid not in (None, pid))
