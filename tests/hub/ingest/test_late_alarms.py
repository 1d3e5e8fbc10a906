"""After an outage a gateway's backlog is history as soon as its clock is known, and calls nobody; nothing of it is lost."""

from gatehouse_hub.dispatching.telling import Consumer
from gatehouse_hub.flows.on_turn import take_turn
from gatehouse_hub.ingest.late_alarms import HELD_MESSAGES, HOLD_S, LateAlarms
from gatehouse_hub.ingest.worker import IngestWorker
from gatehouse_hub.ports import Database
from gatehouse_hub.store import consumers, notifications
from gatehouse_shared.commands import Ack, TimeRequest, TimeResponse
from gatehouse_shared.instants import format_instant
from gatehouse_shared.names import HazardClass
from gatehouse_shared.wire import encode
from gatehouse_testing.building import BOOT, Outbox, arrival, birth, rows_arrival
from gatehouse_testing.hub_parts import Bench

BOX = Outbox()
HOURS_8 = 8 * 3_600
BACKLOG = [BOX.hazard(n, at_s=-HOURS_8 + 60 * n) for n in range(1, 101)]


def answer_time(bench: Bench) -> None:
    """The gateway answers what it was asked, with the right time."""
    for request in bench.broker.take("request/time", TimeRequest):
        response = TimeResponse(
            request=request.request, gateway_time=format_instant(bench.clock.now()), synced=True, uptime_ms=1, boot=BOOT
        )  # fmt: skip
        bench.give(arrival("response/time", encode(response), at_s=bench.clock.at_s))


def linked(bench: Bench) -> dict[str, int]:
    """Incidents by whether they are history, and how many notifications wait."""
    with bench.database.transaction() as tx:
        while take_turn(tx, bench.clock.now_ms) is not None:
            pass
    with bench.database.snapshot() as tx:
        rows = tx.execute("SELECT COUNT(*), COALESCE(SUM(historical), 0) FROM incident")
        told = sum(notifications.count_left(tx).values())
    return {"incidents": int(str(rows[0][0])), "late": int(str(rows[0][1])), "told": told}


def back_after_outage(database: Database) -> tuple[Bench, IngestWorker]:
    everything = Consumer("desk", frozenset(), frozenset(HazardClass), "P4")
    with database.transaction() as tx:
        consumers.replace_consumers(tx, [everything], 0)
    bench = Bench(database)
    worker = bench.worker()
    bench.give(arrival("state", encode(birth())), rows_arrival(BACKLOG))
    worker.step(0)
    return bench, worker


def test_a_backlog_of_eight_hours_calls_nobody(database: Database) -> None:
    bench, worker = back_after_outage(database)
    assert linked(bench)["incidents"] == 0
    answer_time(bench)
    bench.turn(worker, 1.0, step_s=0.2)
    found = linked(bench)
    assert found["incidents"] == found["late"] > 0
    assert found["told"] == 0
    assert max(a.alarm for a in bench.broker.take("ack", Ack)) == 100
    bench.give(rows_arrival([BOX.hazard(101, at_s=bench.clock.at_s)], at_s=bench.clock.at_s))
    worker.step(0)
    assert linked(bench)["told"] == 1


def test_of_a_gateway_that_does_not_say_its_time_it_is_stored_all_the_same(
    database: Database,
) -> None:
    bench, worker = back_after_outage(database)
    bench.turn(worker, HOLD_S + 0.5, step_s=0.5)
    assert linked(bench)["told"] > 0, "a row of unknown offset is never history"
    assert max(a.alarm for a in bench.broker.take("ack", Ack)) == 100
    assert 1 <= len(bench.broker.take("request/time", TimeRequest)) <= 5


def test_what_waits_is_bounded() -> None:
    late, one = LateAlarms(), rows_arrival(BACKLOG[:1])
    held = sum(late.hold("gw_1", one, 0.0) for _ in range(HELD_MESSAGES + 10))
    assert held == HELD_MESSAGES
    assert len(late.release({"gw_2"}, HOLD_S - 0.1)) == 0
    assert len(late.release({"gw_1"}, 0.0)) == HELD_MESSAGES
    assert late.hold("gw_1", one, 0.0)
    assert len(late.release(set(), HOLD_S)) == 1
