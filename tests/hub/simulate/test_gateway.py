"""One simulated gateway, told what a hub says."""

from datetime import UTC, datetime, timedelta

import msgspec

from gatehouse_hub.simulate.gateway import BIRTH_S, Habits, SimGateway
from gatehouse_hub.simulate.places import plots
from gatehouse_hub.simulate.trouble import CALM, Trouble
from gatehouse_shared.commands import Ack, TimeRequest, TimeResponse
from gatehouse_shared.instants import format_instant, parse_instant
from gatehouse_shared.names import Lane
from gatehouse_shared.states import Birth, Death
from gatehouse_shared.wire import decode, encode, read_rows

NOW = datetime(2026, 5, 4, 16, 0, tzinfo=UTC)
QUIET = Habits(trouble=CALM)


def gateway(habits: Habits = QUIET, seed: str = "1") -> SimGateway:
    return SimGateway(next(plots(1, 1)), seed, habits)


def ack(sim: SimGateway, alarm: int, bulk: int, boot: str | None = None) -> bytes:
    return encode(
        Ack(
            boot=boot or sim.boot,
            epoch=sim.epoch,
            alarm=alarm,
            bulk=bulk,
            hub_time=format_instant(NOW),
        )
    )


def test_a_birth_is_told_until_an_ack_names_its_boot() -> None:
    sim = gateway()
    (born,) = sim.connect(0.0)
    birth = decode(born.payload, Birth)
    assert (birth.boot, birth.conn, born.retain) == (sim.boot, 1, True)
    assert [out.leaf for out in sim.due(BIRTH_S)] == ["state"]
    sim.take("ack", ack(sim, 0, 0, boot="0" * 16), BIRTH_S, NOW)
    assert [out.leaf for out in sim.due(2 * BIRTH_S)] == ["state"]
    sim.take("ack", ack(sim, 0, 0), 2 * BIRTH_S, NOW)
    assert list(sim.due(5 * BIRTH_S)) == []


def test_the_will_names_the_connection_that_it_is_given_with() -> None:
    sim = gateway()
    will = decode(sim.will(), Death)
    sim.connect(0.0)
    assert (will.boot, will.conn) == (sim.boot, sim.conn)


def test_bulk_waits_while_an_alarm_waits() -> None:
    sim = gateway(Habits(trouble=CALM, alarms=0.5, batch=10))
    sim.connect(0.0)
    while not all(sim.lanes[lane].last > 10 for lane in Lane):
        sim.produce(0.0, NOW)
    assert {out.leaf for out in sim.due(10.0)} == {"alarm"}
    outs = sim.take("ack", ack(sim, sim.lanes[Lane.ALARM].last, 0), 10.1, NOW)
    assert {out.leaf for out in outs} == {"bulk"}


def test_rows_are_numbered_and_the_truth_is_kept_of_them() -> None:
    sim = gateway(Habits(trouble=CALM, alarms=0.0, batch=100))
    sim.connect(0.0)
    for _ in range(250):
        sim.produce(0.0, NOW)
    rows = [row for out in sim.due(10.0) for row in read_rows(out.payload)]
    assert [row.key.seq for row in rows] == list(range(1, 251))
    assert sim.truth[Lane.BULK].last == 250


def test_a_wrong_clock_is_in_the_rows_and_in_the_answer() -> None:
    sim = gateway(Habits(trouble=Trouble(skewed=1.0, unsynced=0.0, outages_per_h=0)))
    request = TimeRequest(request="0" * 32, ttl_ms=10_000, hub_time=format_instant(NOW))
    sim.connect(0.0)
    (answer,) = sim.take("request/time", encode(request), 1.0, NOW)
    told = decode(answer.payload, TimeResponse)
    assert sim.skew != timedelta()
    assert abs(parse_instant(told.gateway_time) - NOW - sim.skew) < timedelta(milliseconds=1)


def test_what_is_no_part_of_the_wire_is_left_alone() -> None:
    sim = gateway()
    sim.connect(0.0)
    for leaf in ("ack", "request/time", "request/plate", "request/other", "nack", "config"):
        assert sim.take(leaf, b"{}", 1.0, NOW) == []


def test_the_same_seed_says_the_same_but_never_under_the_same_epoch() -> None:
    habits = Habits(trouble=CALM, alarms=0.2)
    one, other = gateway(habits, "7"), gateway(habits, "7")
    for sim in (one, other):
        sim.connect(0.0)
        for _ in range(100):
            sim.produce(0.0, NOW)
    assert one.epoch != other.epoch
    raws = [[msgspec.json.decode(r)["data"] for r in s.lanes[Lane.BULK].rows] for s in (one, other)]
    assert raws[0] == raws[1]
