"""Cases of contract 1 and 2 that are not to wait for a seed to draw them: each by itself, in a world that is otherwise well."""

import random
from pathlib import Path

import pytest

from gatehouse_edge.ports import Batch
from gatehouse_edge.rules.observations import Moment
from gatehouse_hub.ingest.down import write_down
from gatehouse_shared.commands import Ack
from gatehouse_shared.names import Lane
from gatehouse_shared.states import WIRE_MINOR
from gatehouse_shared.topics import down
from gatehouse_testing.gateway_parts import Gateway, smoke
from gatehouse_testing.model_hub import ModelHub
from gatehouse_testing.simulation.faults import (
    HOUR_S,
    gateway_clock_jumps,
    outbox_damaged,
    outbox_rolled_back,
    stale_death,
)
from gatehouse_testing.simulation.world import World, simulate

SOON_S = 120.0
"""How long everything may take to be acknowledged once the world is well."""


def hub_an_hour_back(world: World, _draw: random.Random) -> None:
    world.hub.clock.skew_s -= HOUR_S


def hub_an_hour_on(world: World, _draw: random.Random) -> None:
    world.hub.clock.skew_s += HOUR_S


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "fault",
    [
        hub_an_hour_back,
        hub_an_hour_on,
        gateway_clock_jumps,
        outbox_damaged,
        outbox_rolled_back,
        stale_death,
    ],
)
def test_a_case_alone_is_over_soon(fault, seed: int) -> None:
    outcome = simulate(seed, plan=((20.0, fault), (35.0, fault)))
    assert outcome.violations == ()
    assert outcome.faults[fault.__name__] == 2
    assert outcome.healed_s < SOON_S


def test_a_damaged_outbox_is_salvaged_in_a_simulated_world() -> None:
    lines = [
        line
        for seed in range(4)
        for line in simulate(seed, plan=((30.0, outbox_damaged),), wanted=True).lines
    ]
    assert any("salvages" in line for line in lines), "else the case above proves nothing"


class LaterAck(Ack, frozen=True, kw_only=True):
    """An ack of the minor version to come: it says more than a gateway of today knows."""

    hint: int = 1


def test_a_gateway_of_an_older_wire_minor_reads_what_a_newer_hub_writes_for_it(
    tmp_path: Path,
) -> None:
    gateway, hub = Gateway(tmp_path), ModelHub("riverside", "gw_1")
    gateway.append_bulk(3)
    gateway.link.connect()
    gateway.step()
    for topic, payload in gateway.link.out:
        hub.receive(topic, payload)
    epoch = gateway.outbox.epoch
    said = LaterAck(
        boot=hub.boot, epoch=epoch, alarm=0, bulk=3, hub_time="2026-05-04T12:00:00.000Z"
    )
    added = {"LaterAck": {"hint": WIRE_MINOR + 1}}
    gateway.link.hear(down("riverside", "gw_1", "ack"), write_down(said, WIRE_MINOR + 1, added))
    gateway.step()
    assert gateway.outbox.load.rows == 3, (
        "what it does not know is refused, and nothing is taken for acknowledged"
    )
    gateway.link.hear(down("riverside", "gw_1", "ack"), write_down(said, WIRE_MINOR, added))
    gateway.step()
    assert gateway.outbox.load.rows == 0
    gateway.stop()


def test_an_alarm_overtakes_a_flood_of_bulk(tmp_path: Path) -> None:
    gateway, hub = Gateway(tmp_path), ModelHub("riverside", "gw_1")
    for _ in range(20):
        gateway.append_bulk(500)
    gateway.link.connect()
    gateway.step()
    assert lanes(gateway).count(Lane.BULK) == 10, "the window is full of bulk"
    clock = gateway.clock
    gateway.ledger.accept(Batch(findings=(smoke(1, clock.now()),)), Moment(clock.at, clock.time))
    gateway.step()
    assert lanes(gateway)[-1] is Lane.ALARM
    for topic, payload in list(gateway.link.out):
        for answer in hub.receive(topic, payload):
            gateway.link.hear(*answer)
    gateway.link.out.clear()
    gateway.link.puback_all()
    gateway.step()
    assert [event.data.rule for event in hub.hazards()] == ["smoke_1"]
    assert gateway.outbox.load.alarm_rows == 0
    assert set(lanes(gateway)) == {Lane.BULK}, "and then the flood goes on"
    gateway.stop()


def lanes(gateway: Gateway) -> list[Lane]:
    """The lane of each published message of rows, oldest first."""
    names = [topic.rpartition("/")[2] for topic, _ in gateway.link.out]
    return [Lane(name) for name in names if name in {lane.value for lane in Lane}]
