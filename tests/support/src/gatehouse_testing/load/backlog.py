"""A week of one gateway that had no hub: its outbox filled with the agent's own code, then the agent as it is installed."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import yaml
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from gatehouse_edge.app.build import build_outbox
from gatehouse_edge.clock import SystemClock
from gatehouse_edge.config import load_config
from gatehouse_edge.values import Draft
from gatehouse_shared.commands import Ack
from gatehouse_shared.events import ClockState, HazardData, ReadingData
from gatehouse_shared.names import HazardKind, Lane, Phase, Quantity
from gatehouse_shared.wire import decode
from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.demo.programs import Programs
from gatehouse_testing.waiting import wait_until
from gatehouse_testing.whole import SENSORS, write_files

DAYS = 6.9
STEP = 1_000
ALARM_SHARE = 0.005
DRAIN_S = 900.0
LIMITS = {"path": "outbox.db", "max_rows": 2_000_000, "max_mib": 4_096, "max_age_days": 90}


@dataclass(frozen=True, slots=True)
class Drained:
    """Seconds from the birth until the first alarm, every alarm, and everything was acked. `rows` by lane."""

    first_alarm_s: float
    alarms_s: float
    everything_s: float
    rows: dict[Lane, int]


def fill(
    folder: Path, database: str, broker: Mosquitto, local: Mosquitto, rows: int
) -> dict[Lane, int]:
    """Write the files of hub and gateway, and an outbox that holds so many rows; how many of each lane."""
    write_files(folder, database, broker, local)
    path = folder / "gw_1.yaml"
    tree = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**tree, "outbox": LIMITS}))
    outbox, _ = build_outbox(load_config(path), SystemClock())
    now = datetime.now(UTC)
    done = dict.fromkeys(Lane, 0)
    for start in range(0, rows, STEP):
        drafts = list(_drafts(start, min(start + STEP, rows), rows, now, done))
        outbox.append(drafts, {}, now, ClockState.SYNCED)
        for draft in drafts:
            done[draft.lane] += 1
        if start % 50_000 == 0:
            print(f"  outbox: {start:,} of {rows:,} rows", file=sys.stderr, flush=True)
    outbox.close()
    return done


def _drafts(
    start: int, end: int, rows: int, now: datetime, done: dict[Lane, int]
) -> Iterator[Draft]:
    alarms = done[Lane.ALARM]
    every = round(1 / ALARM_SHARE)
    for number in range(start, end):
        time_ = now - timedelta(days=DAYS * (1 - number / rows))
        sensor = number % SENSORS
        if number % every:
            data = ReadingData(device=f"smoke_{sensor}", quantity=Quantity.SMOKE, value=number % 5)
            yield Draft(Lane.BULK, time_, data)
            continue
        alarms += 1
        hazard = HazardData(
            hazard=alarms,
            phase=Phase.RAISED,
            kind=HazardKind.FIRE_SMOKE,
            zone=f"shed_{sensor}",
            device=f"smoke_{sensor}",
            rule=f"rule_{sensor}",
            grade=3,
            confidence=20,
            confirm_s=0,
            armed=False,
            drill=False,
        )
        yield Draft(Lane.ALARM, time_, hazard)


@dataclass(slots=True)
class Listener:
    """Hears the gateway's birth and the hub's acks, with their times."""

    port: int
    born_s: float | None = None
    acks: list[tuple[float, int, int]] = field(default_factory=list[tuple[float, int, int]])
    _client: paho.Client = field(init=False)

    def start(self) -> Listener:
        """Listen."""
        listening = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311
        )
        self._client.on_message = self._hear
        self._client.on_subscribe = lambda *_: listening.set()
        self._client.connect("127.0.0.1", self.port)
        self._client.subscribe([("gatehouse/v1/+/+/up/state", 1), ("gatehouse/v1/+/+/down/ack", 1)])
        self._client.loop_start()
        assert listening.wait(20)
        return self

    def first(self, lane: Lane, upto: int) -> float | None:
        """When an ack first said so much of a lane."""
        at = 1 if lane is Lane.ALARM else 2
        return next((ack[0] for ack in self.acks if ack[at] >= upto), None)

    def stop(self) -> None:
        """Say goodbye."""
        self._client.disconnect()
        self._client.loop_stop()

    def _hear(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        if message.topic.endswith("/up/state"):
            self.born_s = self.born_s or time.monotonic()
        else:
            ack = decode(bytes(message.payload), Ack)
            self.acks.append((time.monotonic(), ack.alarm, ack.bulk))


def drain(folder: Path, broker: Mosquitto, rows: dict[Lane, int]) -> Drained:
    """Run the agent over its full outbox, against a hub that is there, until everything is acked."""
    listener = Listener(broker.port).start()
    with Programs(folder) as programs:
        argv = ["gatehouse-edge", "run", "--config", str(folder / "gw_1.yaml")]
        programs.start("gw_1", argv, os.environ)
        told_s = time.monotonic()

        def over() -> bool:
            nonlocal told_s
            if programs.ended():
                raise RuntimeError(programs.last_words("gw_1"))
            if time.monotonic() - told_s > 5 and listener.acks:
                told_s = time.monotonic()
                _, alarm, bulk = listener.acks[-1]
                print(f"  acked: {alarm:,} alarms, {bulk:,} bulk", file=sys.stderr, flush=True)
            return all(listener.first(lane, count) is not None for lane, count in rows.items())

        wait_until(over, DRAIN_S, what="everything acked")
    listener.stop()
    assert listener.born_s is not None
    found = [
        (listener.first(lane, upto) or 0.0) - listener.born_s
        for lane, upto in (
            (Lane.ALARM, 1),
            (Lane.ALARM, rows[Lane.ALARM]),
            (Lane.BULK, rows[Lane.BULK]),
        )
    ]
    return Drained(found[0], found[1], max(found), rows)
