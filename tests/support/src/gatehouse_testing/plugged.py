"""Plug-ins for tests: code from a few lines, processes that are closed again, signals to show them."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from gatehouse_edge.plugins.judging import Bound, view_of
from gatehouse_edge.plugins.messages import Answer, Params
from gatehouse_edge.plugins.process import PluginProcess, Start
from gatehouse_edge.plugins.spec import Code
from gatehouse_edge.rules.observations import Signal, Speed, ZoneSignals
from gatehouse_shared.names import DeviceKind, HazardKind, Label

START = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)

RULE = """
from gatehouse_edge.plugins.api import Condition, Row, ZoneView

class Plugin:
    def __init__(self, params):
        self.params, self.steps = params, 0

    def step(self, zone):
        self.steps += 1
{body}
"""
ESCAPE = """
def reach(name):
    \"\"\"Any module that the interpreter has, guarded or not.\"\"\"
    for one in object.__subclasses__():
        names = getattr(getattr(one, "__init__", None), "__globals__", None)
        if names and "sys" in names:
            return names["sys"].modules[name]

def silence():
    \"\"\"Blinds the hook that says in words what is tried.\"\"\"
    reach("gatehouse_edge.plugins.manners")._TRIED.clear()
"""


def rule_code(body: str, *, name: str = "planted", escape: bool = False) -> Code:
    """A rule plug-in whose `step` is `body`."""
    text = (ESCAPE if escape else "") + RULE.format(
        body=textwrap.indent(textwrap.dedent(body), "        ")
    )
    return code(text, name)


def code(text: str, name: str = "planted") -> Code:
    """A file's text as the agent reads it."""
    data = text.encode()
    return Code(name, data, hashlib.sha256(data).hexdigest())


def rule_start(plugin: Code, params: tuple[Params, ...] = ({},), *, answer_s: float = 1.0) -> Start:
    """A rule plug-in that may take `answer_s` for an answer."""
    return Start(code=plugin, role="rule", params=params, answer_s=answer_s)


@contextmanager
def running(start: Start) -> Generator[PluginProcess]:
    """A plug-in in its cage."""
    process = PluginProcess(start)
    try:
        process.start()
        yield process
    finally:
        process.close()


def asked(plugin: Code, seen: ZoneSignals | None = None, *, params: Params | None = None) -> Answer:
    """What a rule plug-in says of one view."""
    with running(rule_start(plugin, (params or {},))) as process:
        return process.ask(0, view_of(seen or signals()))


def people(count: int, speed: Speed = Speed.STILL, stay_s: float = 60.0) -> Signal:
    """So many persons."""
    return Signal(Label.PERSON, speed, count, 0.01 * count, stay_s)


def signals(
    *rows: Signal, at: float = 0.0, zone: str = "hall", hot_c: float | None = None
) -> ZoneSignals:
    """A zone as cam_1 sees it."""
    return ZoneSignals(zone, "cam_1", at, START + timedelta(seconds=at), rows, hot_c)


def about(
    kind: HazardKind = HazardKind.LANE_BLOCKED, rule: str = "hall_rule", **params: float
) -> Bound:
    """A rule on the hall by cam_1."""
    return Bound(rule, kind, "hall", "cam_1", DeviceKind.CAMERA, dict(params))
