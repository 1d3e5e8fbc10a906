"""What one gateway that sends a thousand events a second costs the others: `./dev bench fairness`.

The real hub over PostgreSQL with fsync, a real mosquitto. CALM gateways send an event each half second; from publishing to the
hub's ack is their latency (an ack waits up to 0.2 s for others). Rounds with and without the loud gateway alternate; a figure
is the median of the rounds' ratios. GATEHOUSE_BENCH_TURNS sets another number of rounds than 3.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from secrets import token_hex

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from gatehouse_hub.clock import SystemClock
from gatehouse_hub.simulate.places import Plot
from gatehouse_shared.commands import Ack
from gatehouse_shared.names import Lane
from gatehouse_shared.wire import decode
from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.load.publisher import Publisher
from gatehouse_testing.load.real import real_hub, start_broker
from gatehouse_testing.load.rows import Community, Outbox
from gatehouse_testing.postgres import postgres_cluster
from gatehouse_testing.usage import load as machine_load
from gatehouse_testing.waiting import wait_until

CLOCK = SystemClock()
CALM, EVERY_S, ROUND_S, LOUD_PER_S = 24, 0.5, 12.0, 1_000
TURNS = int(os.environ.get("GATEHOUSE_BENCH_TURNS", "3"))


@dataclass(slots=True)
class Quiet:
    """The calm gateways: what they sent when, and how long each ack took."""

    plots: list[Plot]
    sent_s: dict[tuple[str, int], float] = field(default_factory=dict[tuple[str, int], float])
    took_s: list[float] = field(default_factory=list[float])

    def heard(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        """An ack came."""
        now_s = time.monotonic()
        ack = decode(bytes(message.payload), Ack)
        for key in [k for k in self.sent_s if k[0] == ack.epoch and k[1] <= ack.bulk]:
            self.took_s.append(now_s - self.sent_s.pop(key))

    def play(self, client: paho.Client) -> float:
        """One round; the 99th percentile of the latencies in seconds."""
        self.sent_s.clear()
        self.took_s.clear()
        outboxes = [(Outbox(plot, Random(n)), token_hex(8)) for n, plot in enumerate(self.plots)]
        began_s = time.monotonic()
        for number in range(round(ROUND_S / EVERY_S * len(outboxes))):
            due_s = began_s + number * EVERY_S / len(outboxes)
            time.sleep(max(0.0, due_s - time.monotonic()))
            outbox, epoch = outboxes[number % len(outboxes)]
            topic, payload = outbox.message(Lane.BULK, epoch, 1, CLOCK.now())
            self.sent_s[epoch, number // len(outboxes) + 1] = time.monotonic()
            client.publish(topic, payload, qos=1)
        wait_until(lambda: not self.sent_s, 60, what="every ack")
        return statistics.quantiles(self.took_s, n=100)[98]


def figures() -> dict[str, Figure]:
    """The others' p99 with a loud gateway over that without."""
    with ExitStack() as stack:
        room = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        room.chmod(0o755)  # the broker becomes another user
        cluster = stack.enter_context(postgres_cluster())
        broker = start_broker(room / "broker")
        stack.callback(broker.stop)
        community = Community(16, CALM + 1)
        stack.enter_context(real_hub(room / "hub", cluster.fresh(), broker, community))
        quiet = Quiet(community.plots[:CALM])
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bench-calm")
        client.on_message = quiet.heard
        client.connect("127.0.0.1", broker.port)
        client.subscribe("gatehouse/v1/+/+/down/ack", 1)
        client.loop_start()
        stack.callback(client.loop_stop)
        quiet.play(client)
        alone, beside = [], []
        for turn in range(TURNS):
            alone.append(quiet.play(client))
            loud = Publisher.prepare(broker.port, _flood(room, community, turn), LOUD_PER_S)
            loud.go()
            beside.append(quiet.play(client))
            loud.process.wait(60)
        client.disconnect()
    ratio = statistics.median(b / a for a, b in zip(alone, beside, strict=True))
    how = f"{CALM} gateways, {TURNS} rounds of {ROUND_S:.0f} s, load {machine_load():.1f}"
    return {
        "p99_alone_ms": _figure(statistics.median(alone) * 1000, "ms", how),
        "p99_beside_loud_ms": _figure(statistics.median(beside) * 1000, "ms", how),
        "p99_loud_ratio": {
            "value": round(ratio, 2), "unit": "", "goal": "<= 1.2", "met": ratio <= 1.2, "how": how,
        },
    }  # fmt: skip


def _flood(room: Path, community: Community, turn: int) -> Path:
    """The loud gateway's messages of a round, an event each."""
    outbox, epoch = Outbox(community.plots[CALM], Random(turn)), token_hex(8)
    now = CLOCK.now()
    messages = [
        outbox.message(Lane.BULK, epoch, 1, now) for _ in range(round(LOUD_PER_S * ROUND_S))
    ]
    path = room / "flood"
    path.write_bytes(msgspec.msgpack.encode(messages))
    return path


def _figure(value: float, unit: str, how: str) -> Figure:
    return {"value": round(value, 1), "unit": unit, "goal": None, "met": None, "how": how}
