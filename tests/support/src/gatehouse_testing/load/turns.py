"""Turns of hub and bare loop, one after the other over the same bytes, so that both see the same machine."""

from __future__ import annotations

import secrets
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gatehouse_hub.simulate.places import Plot
from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.load.bare import Bare
from gatehouse_testing.load.publisher import Publisher
from gatehouse_testing.load.real import RealHub, wait_stored
from gatehouse_testing.load.rows import Load
from gatehouse_testing.load.visible import EVERY_S, InApi, InTable, watch
from gatehouse_testing.usage import cpu_s, descendants
from gatehouse_testing.waiting import wait_until

WATCH_S = 8.0
"""How long a load runs while probes are sent."""

TURN_S = 180.0
LINKED_S = 60.0


@dataclass(frozen=True, slots=True)
class Turn:
    """What one run came to: durable events a second from the first byte published to the last row stored.

    `cpu_us`: processor microseconds an event, by process. `link_s`: how long linking went on after the last row.
    """

    rate: float
    cpu_us: dict[str, float] = field(default_factory=dict[str, float])
    link_s: float = 0.0


def hub_turn(hub: RealHub, load: Load, file: Path, database_pid: int | None = None) -> Turn:
    """The hub takes a run. `database_pid`: the server's first process, where there is one."""
    publisher = Publisher.prepare(hub.broker.port, file)
    before = _spent(hub, database_pid)
    publisher.go()
    stored = wait_stored(hub, load.epoch, load.events, TURN_S)
    began, _ = publisher.done()
    wait_until(lambda: hub.waiting_sites() == 0, LINKED_S, what="linking")
    after = _spent(hub, database_pid)
    cpu_us = {name: (after[name] - before[name]) / load.events * 1e6 for name in after}
    return Turn(load.events / (stored - began), cpu_us)


def bare_turn(
    engine: str, client: str, broker: Mosquitto, database: str, load: Load, file: Path
) -> Turn:
    """A bare loop takes the same run."""
    bare = Bare.listen(engine, client, broker.port, database, load.events)
    publisher = Publisher.prepare(broker.port, file)
    publisher.go()
    stored, spent_s = bare.done()
    began, _ = publisher.done()
    return Turn(load.events / (stored - began), {"loop": spent_s / load.events * 1e6})


def hub_latency(hub: RealHub, load: Load, file: Path, rate: float, plot: Plot) -> list[float]:
    """Milliseconds from publishing to being seen in the API, while `rate` messages a second come in."""
    publisher = Publisher.prepare(hub.broker.port, file, rate)
    publisher.go()
    epoch = secrets.token_hex(8)
    found = watch(hub.broker.port, plot, epoch, probes_of(load, rate), InApi(hub, plot))
    publisher.done()
    wait_stored(hub, load.epoch, load.events, TURN_S)
    return found


def bare_latency(
    broker: Mosquitto, database: str, load: Load, file: Path, rate: float, plot: Plot
) -> list[float]:
    """Milliseconds from publishing to being selectable in the bare loop's table (paho, PostgreSQL)."""
    count = probes_of(load, rate)
    bare = Bare.listen("pg", "paho", broker.port, database, load.events + count)
    publisher = Publisher.prepare(broker.port, file, rate)
    publisher.go()
    found = watch(broker.port, plot, secrets.token_hex(8), count, InTable(database))
    publisher.done()
    bare.done()
    return found


def probes_of(load: Load, rate: float) -> int:
    """How many probes go out while a load lasts."""
    return max(2, int(len(load.messages) / rate / EVERY_S))


def _spent(hub: RealHub, database_pid: int | None) -> dict[str, float]:
    assert hub.broker.process
    spent = {"broker": cpu_s(hub.broker.process.pid), **hub.cpu_s()}
    if database_pid is not None:
        spent["db"] = sum(cpu_s(pid) for pid in descendants(database_pid))
    return spent


def median_rate(turns: Sequence[Turn]) -> float:
    """Events a second."""
    return statistics.median(turn.rate for turn in turns)


def median_ratio(ours: Sequence[Turn], theirs: Sequence[Turn]) -> tuple[float, str]:
    """The median of the turns' ratios, and the turns in words."""
    ratios = [a.rate / b.rate for a, b in zip(ours, theirs, strict=True)]
    words = (
        f"{median_rate(ours):,.0f} of {median_rate(theirs):,.0f} events/s, {len(ratios)} turns"
        f" ({min(ratios):.2f}-{max(ratios):.2f})"
    )
    return statistics.median(ratios), words


def at_least(value: float, goal: float, unit: str, how: str) -> Figure:
    """A figure with a goal to reach from below."""
    return Figure(value=round(value, 3), unit=unit, goal=f">= {goal:g}", met=value >= goal, how=how)


def at_most(value: float, goal: float, unit: str, how: str) -> Figure:
    """A figure with a goal to stay below."""
    return Figure(value=round(value, 3), unit=unit, goal=f"<= {goal:g}", met=value <= goal, how=how)


def plain(value: float | None, unit: str, how: str) -> Figure:
    """A figure without a goal; None where it could not be measured."""
    return Figure(
        value=None if value is None else round(value, 3), unit=unit, goal=None, met=None, how=how
    )
